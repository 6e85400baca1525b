"""Each remark appears when it must, and only then."""

import math
from collections.abc import Callable

import msgspec
import pytest

from streamscope.measure.notes import (
    RACE_APART,
    output_hash,
    pair_notes,
    run_notes,
    trace_notes,
)
from streamscope.measure.pacing import Pacing, pace
from streamscope.measure.thought import THINK_OLLAMA
from streamscope.trace import Request, Run, ServerTimings, Target, Tokens, Trace

Build = Callable[..., Trace]
BuildRun = Callable[..., Run]
STEADY = [(0.1 * i, "answer", " word") for i in range(1, 40)]
DONE_S = 3.9


def codes(trace: Trace) -> list[str]:
    return [note.code for note in trace_notes(trace)]


def sentence(trace: Trace, code: str) -> str:
    (found,) = [note.sentence for note in trace_notes(trace) if note.code == code]
    return found


def test_a_good_run_gives_no_cause_for_remarks(build_trace: Build, build_run: BuildRun) -> None:
    counts = Tokens(prompt=9, output=39, reasoning=0, cached=0)
    server = ServerTimings(load_s=0.05, prefill_s=0.04, decode_s=3.8, source="ollama")
    trace = build_trace(STEADY, tokens=counts, server=server)
    assert run_notes(build_run(trace, server_version="0.30.6")) == ()


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("text/html; charset=utf-8", True),
        ("Text/HTML", True),
        ("text/plain", False),
        ("", False),
    ],
)
def test_a_page_for_people_is_told_from_an_answer(
    build_trace: Build, kind: str, told: bool
) -> None:
    headers = {"content-type": kind} if kind else {}
    trace = msgspec.structs.replace(build_trace(STEADY), headers=headers)
    assert ("page" in codes(trace)) == told
    if told:
        assert sentence(trace, "page").startswith("What came is a web page, and most likely no")
    empty = msgspec.structs.replace(build_trace([]), headers=headers)
    assert "page" not in codes(empty), "an error page is told as a fault"


def test_thinking_in_silence_is_told_as_an_estimate(short_case: Trace) -> None:
    assert sentence(short_case, "hidden-thinking") == (
        "About 329 of 349 tokens were thinking that you never saw (estimate)."
    )


@pytest.mark.parametrize(
    ("asked", "left"),
    [
        (Request(prompt="Why?"), True),
        (Request(prompt="Why?", think=True), False),
        (Request(prompt="Why?", think=False), False),
        (Request(prompt="Why?", params={"reasoning_effort": "low"}), False),
    ],
)
def test_what_was_asked_about_thinking_is_told_where_it_was_hidden(
    short_case: Trace, every_tool: Trace, build_run: BuildRun, asked: Request, left: bool
) -> None:
    found = [note.code for note in run_notes(build_run(short_case, request=asked))]
    assert ("think-unset" in found) == left
    if left:  # right after what it explains
        assert found.index("think-unset") == found.index("hidden-thinking") + 1
    elsewhere = Target(protocol="openai-chat", url="http://127.0.0.1:8000", model="m")
    seen = run_notes(build_run(every_tool, target=elsewhere))
    assert "think-unset" not in [note.code for note in seen]


def test_text_too_small_for_its_tokens_is_told_in_blocking_mode_too(build_trace: Build) -> None:
    trace = build_trace([(8, "answer", "x" * 99)], mode="blocking", tokens=Tokens(output=349))
    assert sentence(trace, "hidden-thinking") == (
        "At least 240 of 349 tokens are in no text that was sent: most likely thinking that you"
        " never saw."
    )


def test_reported_thinking_that_was_not_sent_is_told_as_a_fact(build_trace: Build) -> None:
    trace = build_trace(STEADY, tokens=Tokens(output=139, reasoning=100))
    assert sentence(trace, "hidden-thinking").startswith("100 of 139 tokens")


@pytest.mark.parametrize("mode", ["stream", "blocking"])
def test_thinking_in_sight(build_trace: Build, mode: str) -> None:
    trace = build_trace([(0.5, "reasoning", "hm"), (2.0, "answer", "x")], mode=mode)
    assert codes(trace) == ["reasoning"]
    assert ("1.5 s" in sentence(trace, "reasoning")) == (mode == "stream")


def test_estimated_splits_are_told(build_trace: Build) -> None:
    pieces = [(0.5, "reasoning", "hm"), (2.0, "answer", "x")]
    assert "split-estimated" in codes(build_trace(pieces, tokens=Tokens(output=9)))
    assert "split-estimated" not in codes(build_trace(pieces, tokens=Tokens(output=9, reasoning=4)))


@pytest.mark.parametrize(("together", "told"), [(2, False), (3, True)])
def test_merged_chunks_are_told_above_a_fifth(
    build_trace: Build, together: int, told: bool
) -> None:
    times = [*range(11 - together), *[20] * together]
    times[-together - 1] = 20
    trace = build_trace([(t, "answer", "x") for t in times])
    assert ("coalesced" in codes(trace)) == told


@pytest.mark.parametrize("pieces", [1, 30])
def test_a_server_that_does_not_stream_is_told(build_trace: Build, pieces: int) -> None:
    text = "a long answer " * (60 // pieces)
    trace = build_trace([(9.0, "answer", text)] * pieces)
    assert codes(trace) == ["not-streamed"]


def test_a_short_answer_in_one_piece_is_streamed_well_enough(build_trace: Build) -> None:
    assert codes(build_trace([(9.0, "answer", "Yes, it is.")])) == []


def test_blocking_runs_are_not_blamed_for_not_streaming(build_trace: Build) -> None:
    assert codes(build_trace([(9.0, "answer", "a long answer " * 60)], mode="blocking")) == []


@pytest.mark.parametrize(("cached", "told"), [(None, False), (0, False), (16, True)])
def test_prompt_cache(build_trace: Build, cached: int | None, told: bool) -> None:
    trace = build_trace(STEADY, tokens=Tokens(prompt=21, cached=cached))
    assert ("prompt-cache" in codes(trace)) == told


@pytest.mark.parametrize(
    ("cached", "words"),
    [(0, None), (9, "puts before the text"), (30, "is not a cold one")],
)
def test_a_cache_in_a_cold_run(
    build_trace: Build, build_run: BuildRun, cached: int, words: str | None
) -> None:
    trace = build_trace(STEADY, tokens=Tokens(prompt=36, output=39, cached=cached))
    notes = run_notes(build_run(trace, regime="cold", nonce="0badcafe"))
    found = [note.sentence for note in notes if note.code == "prompt-cache"]
    assert len(found) == (words is not None)
    assert words is None or words in found[0]


@pytest.mark.parametrize(("load_s", "told"), [(None, False), (0.1, False), (0.11, True)])
def test_model_load(build_trace: Build, load_s: float | None, told: bool) -> None:
    trace = build_trace(STEADY, server=ServerTimings(load_s=load_s))
    assert ("model-load" in codes(trace)) == told


@pytest.mark.parametrize(
    ("decode_s", "words"), [(3.0, "0.80 s are in none"), (3.6, None), (4.0, None)]
)
def test_durations_must_add_up(build_trace: Build, decode_s: float, words: str | None) -> None:
    server = ServerTimings(prefill_s=0.1, decode_s=decode_s, source="ollama")
    trace = build_trace(STEADY, server=server)
    if words is None:
        assert "unaccounted" not in codes(trace)
    else:
        assert words in sentence(trace, "unaccounted")


@pytest.mark.parametrize(
    ("server", "flags", "words"),
    [
        (ServerTimings(prefill_s=0.1, decode_s=5.0), [], "longer than the run took"),
        (ServerTimings(prefill_s=2.5, decode_s=2.5), [], "add up to 5.00 s"),
        (ServerTimings(decode_s=math.nan), [], "can't be"),
        (ServerTimings(), ["impossible-figures"], "can't be"),
    ],
)
def test_figures_that_cannot_be_are_told(
    build_trace: Build, server: ServerTimings, flags: list[str], words: str
) -> None:
    trace = build_trace(STEADY, server=server, flags=flags)
    assert words in sentence(trace, "impossible-figures")
    assert "unaccounted" not in codes(trace)


@pytest.mark.parametrize(
    ("ended", "expected"),
    [
        ("stop", []),
        ("length", ["length-limit"]),
        ("filter", ["withheld"]),
        ("incomplete", ["incomplete"]),
        ("cancelled", []),
    ],
)
def test_endings(build_trace: Build, ended: str, expected: list[str]) -> None:
    assert codes(build_trace(STEADY, ended=ended)) == expected


def test_a_limit_spent_on_thinking_leaves_no_answer(build_trace: Build) -> None:
    spent = build_trace([(0.5, "reasoning", "hm")], ended="length")
    assert codes(spent) == ["no-answer", "reasoning", "length-limit"]
    assert sentence(spent, "no-answer") == "All text was reasoning: no answer came."
    assert codes(build_trace(ended="stop")) == ["no-answer"]
    assert codes(build_trace([(0.5, "tool", "{}")], ended="tool")) == []
    assert codes(build_trace(ended="error")) == []


def test_engines_of_ours_are_named(build_trace: Build, build_run: BuildRun) -> None:
    plain, flagged = build_trace(STEADY), build_trace(STEADY, flags=["simulated"])
    for run in (build_run(plain, engine="simulator"), build_run(flagged)):
        assert [note.code for note in run_notes(run)] == ["simulated"]
    (note,) = run_notes(build_run(plain, engine="local"))
    assert note.code == "demo-model"


@pytest.mark.parametrize(
    ("version", "told"), [("0.24.0", True), ("v0.9.1", True), ("0.30.0", False), ("", False)]
)
def test_old_versions_of_ollama(
    build_trace: Build, build_run: BuildRun, version: str, told: bool
) -> None:
    trace = build_trace(STEADY, server=ServerTimings(source="ollama"))
    notes = [note.code for note in run_notes(build_run(trace, server_version=version))]
    assert (notes == ["old-ollama-rate"]) == told


def test_different_answers_are_told_of_the_same_request_only(
    build_trace: Build, build_run: BuildRun
) -> None:
    one = build_run(build_trace([(1, "answer", "a")], tokens=Tokens(output=349)))
    same = build_run(build_trace([(1, "answer", "a")], mode="blocking"), channel="B")
    other = build_run(build_trace([(1, "answer", "b")], tokens=Tokens(output=324)), channel="B")
    asked = build_run(other.trace, channel="B", request=Request(prompt="How?"))
    failed = build_run(build_trace([(1, "answer", "b")], ended="error"), channel="B")
    assert pair_notes(one, same) == pair_notes(one, asked) == pair_notes(one, failed) == ()
    (note,) = pair_notes(one, other)
    assert note.sentence == (
        "The two answers differ (349 and 324 tokens): compare rates, not totals."
    )


def test_what_could_not_be_asked_for_is_told(build_trace: Build, build_run: BuildRun) -> None:
    trace = build_trace(STEADY, flags=["unsent:seed", "unsent:stop", "unsent:think"])
    assert sentence(trace, "unsent") == (
        "seed, stop and think were not sent: the protocol has no member for them, the model would"
        " refuse them, or a null took them back."
    )
    assert sentence(build_trace(STEADY, flags=["unsent:seed"]), "unsent") == (
        "seed was not sent: the protocol has no member for it, the model would refuse it, or a null"
        " took it back."
    )
    one, other = build_run(trace), build_run(build_trace(STEADY), channel="B")
    assert [note.sentence for note in pair_notes(one, other) if note.code == "unsent"] == [
        "seed, stop and think went to B alone: the answers may differ for it."
    ]
    mixed = build_run(build_trace(STEADY, flags=["unsent:seed", "unsent:system"]), channel="B")
    assert [note.sentence for note in pair_notes(one, mixed) if note.code == "unsent"] == [
        "system went to A alone and stop and think went to B alone: the answers may differ for it."
    ]
    same = build_run(trace, channel="B")
    assert "unsent" not in [note.code for note in pair_notes(one, same)]


def test_limits_that_servers_keep_quiet_about_are_told(
    build_trace: Build, build_run: BuildRun
) -> None:
    cut = build_trace(STEADY, ended="length", flags=["length-counted"])
    assert sentence(cut, "length-limit") == (
        "The answer was cut at the token limit; the count says so, the server did not."
    )
    over = build_trace(STEADY, tokens=Tokens(output=422), flags=["limit-ignored"])
    run = build_run(over, request=Request(prompt="Why?", max_tokens=10))
    assert [note.sentence for note in run_notes(run) if note.code == "limit-ignored"] == [
        "The server ignored the token limit: 10 were allowed, it made 422."
    ]


def test_a_limit_that_nobody_asked_for_is_told(build_trace: Build) -> None:
    assert sentence(build_trace(STEADY, flags=["limit:4096"]), "limit-added") == (
        "The protocol wants a token limit and none was asked for: 4,096 were allowed, thinking"
        " included."
    )
    assert codes(build_trace(STEADY, flags=["limit:x", "limit-ignored"])) == []


@pytest.mark.parametrize(
    ("think", "flags", "told"),
    [(False, [], True), ("none", [], True), (True, [], False), (None, [], False),
     (False, ["unsent:think"], False)],
)  # fmt: skip
def test_thinking_that_had_been_declined_is_told(
    build_trace: Build, build_run: BuildRun, think: bool | str | None, flags: list[str], told: bool
) -> None:
    asked = Request(prompt="Why?", think=think)
    thought = build_trace([(0.5, "reasoning", "hm"), (2.0, "answer", "x")], flags=flags)
    counted = build_trace([(2.0, "answer", "x")], tokens=Tokens(reasoning=4), flags=flags)
    silent = build_trace([(2.0, "answer", "x")], tokens=Tokens(reasoning=0), flags=flags)
    for trace in (thought, counted):
        notes = [note.code for note in run_notes(build_run(trace, request=asked))]
        assert ("think-ignored" in notes) == told
    notes = [note.code for note in run_notes(build_run(silent, request=asked))]
    assert "think-ignored" not in notes


@pytest.mark.parametrize(
    ("think", "protocol", "told"),
    [(None, "ollama-chat", True), (None, "ollama-generate", True), (None, "openai-chat", False),
     (True, "ollama-chat", False), (False, "ollama-chat", False)],
)  # fmt: skip
def test_thinking_that_ollama_decided_on_is_told(
    build_trace: Build, build_run: BuildRun, think: bool | None, protocol: str, told: bool
) -> None:
    target = Target(protocol=protocol, url="http://127.0.0.1:11434", model="m")
    trace = build_trace([(0.5, "reasoning", "hm"), (2.0, "answer", "x")])
    run = build_run(trace, target=target, request=Request(prompt="Why?", think=think))
    notes = [note.sentence for note in run_notes(run) if note.code == "think-unset"]
    assert notes == ([THINK_OLLAMA] if told else [])


def test_an_end_that_nobody_marked_is_told(build_trace: Build, build_run: BuildRun) -> None:
    short = build_trace([(1, "answer", "Nile")], flags=["unmarked"])
    assert codes(short) == ["unmarked"]
    assert codes(build_trace([(1, "answer", "Nile")], flags=["unmarked"], ended="error")) == []
    a = build_run(short)
    long = build_trace([(1, "answer", "Nile and Amazon")])
    first, second = pair_notes(a, build_run(long, channel="B"))
    assert (first.code, second.code) == ("cut-short", "different-output")
    assert first.sentence == (
        "A's answer came without an end mark and is the beginning of the other (4 of 15"
        " characters): most likely it was cut."
    )
    other = build_run(build_trace([(1, "answer", "Nile")]), channel="B")
    assert pair_notes(a, other) == ()
    marked = build_run(build_trace([(1, "answer", "Nile")]))
    (note,) = pair_notes(marked, build_run(long, channel="B"))
    assert note.code == "different-output"


def test_races_are_told(build_trace: Build, build_run: BuildRun) -> None:
    a, b = (build_run(build_trace(STEADY), layout="race", channel=name) for name in "AB")
    (shared,) = pair_notes(a, b)
    assert shared.code == "race"
    assert "may have shared or queued for the server" in shared.sentence
    elsewhere = msgspec.structs.replace(a.target, url="http://127.0.0.1:9999")
    apart = build_run(b.trace, layout="race", channel="B", target=elsewhere)
    assert [note.sentence for note in pair_notes(a, apart)] == [RACE_APART]


def test_hashes_survive_lone_surrogates_and_ignore_thinking(build_trace: Build) -> None:
    odd = build_trace([(1, "answer", "\ud83d")])
    assert output_hash(odd) != output_hash(build_trace([(1, "answer", "?")]))
    thought = build_trace([(1, "reasoning", "hm"), (2, "answer", "\ud83d")])
    assert output_hash(thought) == output_hash(odd)


def test_what_a_display_put_together_is_not_blamed_on_a_proxy(build_trace: Build) -> None:
    raw = build_trace(STEADY)
    for kind in ("batch", "whole"):
        paced = pace(raw, Pacing(kind=kind, amount=10))
        assert not {"coalesced", "not-streamed"} & set(codes(paced))
    unmarked = msgspec.structs.replace(pace(raw, Pacing(kind="whole")), flags=[])
    assert "not-streamed" in codes(unmarked)
