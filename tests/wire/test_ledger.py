"""Counts and durations: told when they are new."""

import msgspec

from streamscope.trace import ServerTimings, Tokens
from streamscope.wire.events import Timings, Usage
from streamscope.wire.ledger import Ledger
from streamscope.wire.numbers import NONSENSE
from streamscope.wire.openai_shapes import Usage as Counts

LLAMA = msgspec.Raw(b'{"cache_n":4,"prompt_n":1,"prompt_ms":8,"predicted_n":8,"predicted_ms":46}')


def test_counts_are_told_when_they_are_new() -> None:
    ledger = Ledger()
    counts = Counts(prompt_tokens=5, completion_tokens=1)
    assert ledger.told(b"{}", counts) == [Usage(Tokens(prompt=5, output=1))]
    assert ledger.told(b"{}", counts) == []
    assert ledger.told(b"{}", None) == []
    assert ledger.told(b"{}", Counts(completion_tokens=0)) == []
    assert ledger.told(b"{}", Counts(completion_tokens=2)) == [Usage(Tokens(prompt=5, output=2))]


def test_timings_have_counts_too_but_the_report_outdoes_them() -> None:
    durations = ServerTimings(
        prefill_s=0.008, decode_s=0.046, prefill_tokens=1, decode_tokens=8, source="llama.cpp"
    )
    told = Ledger().told(b"{}", None, LLAMA)
    assert told == [Usage(Tokens(prompt=5, output=8, cached=4)), Timings(durations)]
    told = Ledger().told(b"{}", Counts(prompt_tokens=6), LLAMA)
    assert told == [Usage(Tokens(prompt=6, output=8, cached=4)), Timings(durations)]


def test_both_kinds_of_durations_are_told() -> None:
    metrics = msgspec.Raw(b'{"queue_time_ms":2}')
    assert Ledger().told(b"{}", None, metrics=metrics) == [
        Timings(ServerTimings(queue_s=0.002, source="vllm"))
    ]


def test_a_number_that_cannot_be_is_told_and_nothing_else() -> None:
    assert Ledger().told(b"{}", Counts(prompt_tokens=-1)) == [NONSENSE]
    # The lenient way has made a null of it: the payload still shows what it was.
    assert Ledger().told(b'{"prompt_tokens":NaN}', Counts()) == [NONSENSE]
    assert Ledger().told(b'{"text":NaN}', None) == []
