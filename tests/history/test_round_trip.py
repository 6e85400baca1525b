"""A run comes back exactly as it was, whatever is in it; what cannot be stored is made storable."""

import math
import string
import uuid
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streamscope.history import Group, History
from streamscope.trace import (
    Chunk,
    Clock,
    Ended,
    Fault,
    FaultCode,
    MarkName,
    Request,
    Run,
    ServerTimings,
    Target,
    TextKind,
    Tokens,
    Trace,
)

MakeRun = Callable[..., Run]

int64 = st.integers(-(2**63), 2**63 - 1)
wide = st.integers(-(2**63), 2**64 - 1)
counts = st.none() | st.integers(0, 2**63 - 1)
numbers = st.floats(allow_nan=False)
seconds = st.none() | numbers
json = st.recursive(
    st.none()
    | st.booleans()
    | int64
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
finite = st.none() | st.floats(allow_nan=False, allow_infinity=False)

chunks = st.builds(
    Chunk,
    t_ns=int64,
    kind=st.sampled_from(get_args(TextKind)),
    text=st.text(min_size=1),
    read=st.integers(0, 2**31),
    server_ns=st.none() | int64,
)
requests = st.builds(
    Request,
    prompt=st.text(),
    system=st.none() | st.text(),
    temperature=finite,
    top_p=finite,
    seed=st.none() | wide,
    max_tokens=counts,
    stop=st.lists(st.text(), max_size=2).map(tuple),
    think=st.none() | st.booleans() | st.sampled_from(["low", "medium", "high"]),
    params=st.dictionaries(st.text(), json, max_size=3),
)
traces = st.builds(
    Trace,
    mode=st.sampled_from(["stream", "blocking"]),
    clock=st.sampled_from(get_args(Clock)),
    sent_monotonic_ns=int64,
    started_utc=st.text() | st.datetimes(timezones=st.timezones()).map(lambda d: d.isoformat()),
    marks=st.dictionaries(st.sampled_from(get_args(MarkName)), int64, max_size=6),
    chunks=st.lists(chunks, max_size=6),
    ended=st.none() | st.sampled_from(get_args(Ended)),
    fault=st.none()
    | st.builds(
        Fault,
        code=st.sampled_from(get_args(FaultCode)),
        sentence=st.text(),
        detail=st.text(),
        status=st.none() | st.integers(100, 599),
    ),
    tokens=st.builds(Tokens, prompt=counts, output=counts, reasoning=counts, cached=counts),
    server=st.builds(
        ServerTimings,
        load_s=seconds,
        queue_s=seconds,
        prefill_s=seconds,
        decode_s=seconds,
        total_s=seconds,
        prefill_tokens=counts,
        decode_tokens=counts,
        source=st.text(),
    ),
    model=st.text(),
    status=st.none() | st.integers(100, 599),
    headers=st.dictionaries(st.text(), st.text(), max_size=3),
    reads=st.integers(0, 2**40),
    body_bytes=st.integers(0, 2**40),
    pings=st.integers(0, 2**20),
    flags=st.lists(st.text(), max_size=3),
)
runs = st.builds(
    Run,
    run_id=st.builds(lambda: uuid.uuid4().hex),
    comparison_id=st.text(alphabet=string.hexdigits, min_size=32, max_size=32),
    channel=st.sampled_from(["A", "B"]),
    target=st.builds(Target, protocol=st.text(), url=st.text(), model=st.text()),
    request=requests,
    trace=traces,
    layout=st.sampled_from(["apart", "race"]),
    regime=st.sampled_from(["warm", "cold"]),
    nonce=st.text(),
    pair=st.integers(0, 100),
    position=st.integers(1, 2),
    warmup=st.booleans(),
    engine=st.text(),
    server_version=st.text(),
)

# The history is shared by all examples of a test: each run has an id of its own.
shared = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@shared
@given(run=runs, figures=st.dictionaries(st.text(), st.none() | numbers, max_size=4))
def test_every_run_comes_back_as_it_was(
    history: History, run: Run, figures: dict[str, float | None]
) -> None:
    history.save(run, figures).result()

    assert history.load(run.run_id) == run
    (row,) = (row for row in history.recent(10**6) if row.run_id == run.run_id)
    assert row.group == Group.of(run)
    assert row.figures == {
        name: value if value is not None and math.isfinite(value) else None
        for name, value in figures.items()
    }


broken_text = st.text(st.characters(categories=["Cs", "Ll"]), max_size=6)


@shared
@given(prompt=broken_text, text=broken_text.filter(bool), name=broken_text)
def test_no_run_is_lost_because_of_text_that_is_no_text(
    history: History, make_run: MakeRun, prompt: str, text: str, name: str
) -> None:
    run = msgspec.structs.replace(
        make_run(
            prompt=prompt,
            request={"params": {name: [text]}},
            target=Target(protocol="p", url="u", model=name),
            trace={"chunks": [Chunk(1, "answer", text, 0)], "flags": [text]},
        ),
        run_id=uuid.uuid4().hex,
    )

    history.save(run, {}).result()

    loaded = history.load(run.run_id)
    assert (
        loaded.trace.text().encode()
        == text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()
    )
    assert loaded.trace.marks == run.trace.marks
    assert Group.of(loaded) == Group.of(run)
    assert run.run_id in [row.run_id for row in history.recent(10**6, Group.of(run))]
    assert loaded.request.prompt in history.prompts(prompt)


def test_a_lone_surrogate_becomes_the_replacement_character(
    history: History, make_run: MakeRun
) -> None:
    run = make_run(trace={"chunks": [Chunk(1, "answer", "a\ud83db \ud83d\ude00", 0)]})

    history.save(run, {}).result()

    assert history.load(run.run_id).trace.text() == "a\ufffdb \U0001f600"


def test_counts_beyond_64_bits_do_not_cost_the_run(history: History, make_run: MakeRun) -> None:
    absurd = make_run(trace={"tokens": Tokens(prompt=10**30, output=7)})
    large = make_run(trace={"tokens": Tokens(prompt=2**63, output=7)})

    for run in (absurd, large):
        history.save(run, {}).result()

    assert history.load(absurd.run_id).trace.tokens == Tokens(prompt=2**64 - 1, output=7)
    assert history.load(large.run_id).trace.tokens == Tokens(prompt=2**63, output=7)
    # A column holds 63 bits and a sign, so that the list has no value there.
    assert [row.tokens for row in history.recent(2)] == [Tokens(prompt=None, output=7)] * 2


def test_a_parameter_of_an_odd_type_does_not_cost_the_run(
    history: History, make_run: MakeRun
) -> None:
    run = make_run(request={"params": {"grammar": Path("a.gbnf")}})

    history.save(run, {}).result()

    assert history.load(run.run_id).request.params == {"grammar": "a.gbnf"}


def test_a_trace_of_200_000_chunks_comes_back(history: History, make_run: MakeRun) -> None:
    chunks = [Chunk(i * 5_000_000, "answer", f"word {i} ", i, i) for i in range(200_000)]
    run = make_run(trace={"chunks": chunks})

    history.save(run, {}).result()

    assert history.load(run.run_id) == run
    (row,) = history.recent(1)
    assert row.n_chunks == 200_000
    assert row.output_sha == sha256(run.trace.text().encode()).hexdigest()


def test_the_nonce_of_a_cold_run_does_not_make_another_group(make_run: MakeRun) -> None:
    """Each run has another one: as part of the prompt, no two runs could ever be pooled."""
    one, two = (make_run(regime="cold", nonce=nonce) for nonce in ("3f9a", "b071"))

    assert Group.of(one) == Group.of(two)


@pytest.mark.parametrize("member", Request.__struct_fields__)
def test_every_member_of_a_request_counts(make_run: MakeRun, member: str) -> None:
    """A parameter that is added to requests later must tell groups apart, too."""
    other: dict[str, Any] = {
        "prompt": "other",
        "system": "s",
        "temperature": 0.5,
        "top_p": 0.5,
        "seed": 1,
        "max_tokens": 1,
        "stop": ("s",),
        "think": True,
        "params": {"a": 1},
    }
    run = make_run()
    changed = msgspec.structs.replace(
        run, request=msgspec.structs.replace(run.request, **{member: other[member]})
    )

    assert Group.of(changed) != Group.of(run)
