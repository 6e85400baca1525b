"""What was written is read again exactly, and what can't be read costs one sentence."""

import io
import itertools
import json
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamscope.plan import Plan
from streamscope.report import exchange
from streamscope.report.comparison import Comparison
from streamscope.report.comparison_json import to_json, to_jsonl
from streamscope.report.exchange import ExchangeError, parse_lines, read_lines
from streamscope.trace import (
    Basis,
    Chunk,
    ClockBasis,
    Fault,
    Observer,
    Request,
    Run,
    SharedRead,
    Shown,
    Target,
    Trace,
)

BuildRun = Callable[..., Run]
BuildTrace = Callable[..., Trace]
LATER_MEMBERS = (
    "comparison_id",
    "nonce",
    "chunk_reads",
    "chunk_server_ns",
    "headers",
    "reads",
    "body_bytes",
    "pings",
    "connection",
    "segments",
    "shared",
    "observer",
    "shown",
    "error_ns_p99",
    "calibration",
)


@pytest.fixture
def full_run(build_run: BuildRun, build_stream: BuildTrace) -> Run:
    """Return a run in which everything that a run can hold is set."""
    trace = build_stream(0.5, 2.0, 5)
    trace.sent_monotonic_ns = 2**62
    trace.started_utc = "2026-01-02T03:04:05.678+00:00"
    trace.marks |= {"connecting": -5_000_000, "error": 2_000_000_002}
    trace.chunks += [
        Chunk(2_000_000_000, "reasoning", "hm 😀\r\n\x00", 7, 1_700_000_000_000_000_123),
        Chunk(2_000_000_001, "tool", '{"a": 1}', 7),
        Chunk(2_000_000_001, "answer", "\u2028", 8),
    ]
    trace.fault = Fault(code="cut", sentence="It broke.", detail="EOF", status=200)
    trace.model, trace.status = "gemma", 200
    trace.headers = {"server": "uvicorn"}
    trace.reads, trace.body_bytes, trace.pings = 9, 12_345, 2
    trace.flags = ["simulated", "unclosed", "odd"]  # of a busy run no error is claimed
    trace.connection, trace.segments, trace.error_ns_p99 = "reused", 12, 48_000
    kernel = ClockBasis(error_ns_p99=48_000, true_gap_ns=200, counted=3, cases=4)
    trace.calibration = Basis(
        measured_utc="2026-01-01T00:00:00+00:00", exact=False, clocks={"kernel": kernel}
    )
    trace.shared = {7: SharedRead(900, 3), 8: SharedRead(44)}
    trace.observer = Observer(
        cpu_s=0.1, waited_s=0.9, lag_p50_ns=1, lag_p99_ns=2, lag_max_ns=3, lag_from="arrival",
        cores=2, busy=0.9, stolen=0.06, throttled_s=0.0,
    )  # fmt: skip
    trace.shown = Shown(chunks=3, frames=2, p50_ns=4, p99_ns=5, max_ns=6)
    request = Request(
        prompt="Why?\n",
        system="Be brief.",
        temperature=0.1,
        stop=("\n\n", "END"),
        think="low",
        params={"options": {"num_ctx": 8192, "deep": [None, 1.5]}},
    )
    fields = {"request": request, "regime": "cold", "layout": "race", "nonce": "[a1b2]"}
    return build_run(trace, "B", 3, position=2, engine="local", server_version="0.3", **fields)


def members(run: Run) -> dict[str, object]:
    decoded: dict[str, object] = json.loads(to_jsonl(run))
    return decoded


def line(content: object) -> bytes:
    return json.dumps(content).encode() + b"\n"


def plain_run(trace: Trace) -> Run:
    return Run(
        run_id="a" * 32,
        comparison_id="b" * 32,
        channel="A",
        target=Target(protocol="plain", url="http://x"),
        request=Request(prompt="?"),
        trace=trace,
    )


def message(lines: list[bytes]) -> str:
    with pytest.raises(ExchangeError) as caught:
        list(parse_lines(lines, "runs.jsonl"))
    said = str(caught.value)
    assert said.endswith(".")
    assert "\n" not in said
    return said


def test_a_line_gives_exactly_the_run_that_was_written(full_run: Run) -> None:
    assert list(parse_lines([to_jsonl(full_run)], "x")) == [full_run]


def test_a_comparison_gives_exactly_its_runs(long_comparison: Comparison, full_run: Run) -> None:
    comparison = Comparison(plan=Plan(), runs=[*long_comparison.runs, full_run])
    document = to_json(comparison)
    assert list(parse_lines([document], "x")) == comparison.runs
    laid_out = json.dumps(json.loads(document), indent=2).encode()
    assert list(parse_lines(io.BytesIO(laid_out), "x")) == comparison.runs


chunks = st.lists(
    st.builds(
        Chunk,
        st.integers(0, 10**12),
        st.sampled_from(["answer", "reasoning", "tool"]),
        st.text(max_size=5),
        st.integers(0, 9),
        st.none() | st.integers(0, 2**62),
    ),
    max_size=6,
)


@given(chunks)
def test_any_chunks_come_back(made: list[Chunk]) -> None:
    made.sort(key=lambda chunk: chunk.t_ns)
    trace = Trace(mode="stream", ended="stop", chunks=made)
    run = plain_run(trace)
    assert list(parse_lines([to_jsonl(run)], "x")) == [run]


@given(st.lists(st.text(st.sampled_from("a\ud83d\ude00\udc00é"), max_size=4), max_size=5))
def test_split_surrogates_never_make_a_line_unreadable(texts: list[str]) -> None:
    made = [Chunk(i, "answer", text, i) for i, text in enumerate(texts)]
    trace = Trace(mode="stream", ended="stop", chunks=made)
    (read,) = parse_lines([to_jsonl(plain_run(trace))], "x")
    joined = "".join(texts).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    assert read.trace.text() == joined
    assert [chunk.t_ns for chunk in read.trace.chunks] == list(range(len(texts)))


def test_lines_of_before_are_read_with_what_they_have(full_run: Run) -> None:
    content = members(full_run)
    for name in LATER_MEMBERS:
        del content[name]
    (read,) = parse_lines([line(content)], "x")
    assert read.trace.text() == full_run.trace.text()
    assert [c.read for c in read.trace.chunks] == [0, 1, 2, 3, 4, 4, 5, 5]
    assert (read.trace.reads, read.nonce) == (0, "")
    assert len(read.comparison_id) == 32
    (again,) = parse_lines([line(content)], "y")
    assert again == read, "ids that were missing must always come out the same"


def test_a_comparison_of_before_keeps_its_runs_together(long_comparison: Comparison) -> None:
    document = json.loads(to_json(long_comparison))
    document["plan"]["order"] = "race"
    for run in document["runs"]:
        del run["comparison_id"]
    runs = list(parse_lines([line(document)], "x"))
    assert len(runs) == 14
    assert len({run.comparison_id for run in runs}) == 1


@pytest.mark.parametrize("laid_out", [False, True])
def test_a_run_that_lost_its_schema_keeps_its_chunks(full_run: Run, laid_out: bool) -> None:
    content = members(full_run)
    del content["schema"]
    document: object = [content] if laid_out else content
    assert list(parse_lines([line(document)], "x")) == [full_run]


def test_a_comparison_that_lost_its_schema_keeps_its_runs(long_comparison: Comparison) -> None:
    document = json.loads(to_json(long_comparison))
    del document["schema"]
    assert list(parse_lines([line(document)], "x")) == long_comparison.runs


def test_a_line_carries_the_plan_of_its_comparison(full_run: Run) -> None:
    plan = Plan(order="random", seed=7, repeat=30, until=0.05, least=8, warmup=2, cooldown_s=1.5)
    with_plan, without = to_jsonl(full_run, plan), to_jsonl(full_run)
    reading = parse_lines([with_plan, without], "x")
    assert (next(reading), reading.plan) == (full_run, plan)
    assert (next(reading), reading.plan) == (full_run, None)


def test_a_comparison_carries_its_plan(long_comparison: Comparison) -> None:
    reading = parse_lines([to_json(long_comparison)], "x")
    next(reading)
    assert reading.plan == long_comparison.plan


@pytest.mark.parametrize(
    "change",
    [
        {"order": "whatever"},
        {"repeat": 0},
        {"repeat": 10**9},
        {"warmup": -1},
        {"until": 3.0},
        {"cooldown_s": 1e9},
        {"least": 0},
    ],
)
def test_a_plan_that_cannot_be_carried_out_costs_no_run(
    full_run: Run, change: dict[str, object]
) -> None:
    content: dict[str, Any] = json.loads(to_jsonl(full_run, Plan()))
    content["plan"] |= change
    reading = parse_lines([line(content)], "x")
    assert (next(reading), reading.plan) == (full_run, None)


def test_members_notes_and_figures_of_later_versions_are_ignored(full_run: Run) -> None:
    content = members(full_run) | {
        "colour": "red",
        "notes": [{"code": "new", "sentence": "?"}],
        "figures": {"x": "?"},
        "marks_ns": {"sent": 0, "woke": 5},
    }
    (read,) = parse_lines([line(content)], "x")
    assert read.trace.marks == {"sent": 0}
    assert read.trace.chunks == full_run.trace.chunks


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"schema": "streamscope/run/2"}, "only a newer version knows: update streamscope"),
        ({"schema": "other/run/1"}, "follows 'other/run/1', which is not ours"),
        ({"chunks": [[-2_000_000_000, "answer", 1]]}, "time of one of its chunks can't be"),
        ({"chunks": [[10**18, "answer", 1]]}, "time of one of its chunks can't be"),
        ({"chunks": [[0, "answer", -1]]}, "negative size"),
        ({"chunks": [[5, "answer", 1], [4, "answer", 0]]}, "times of its chunks run backwards"),
        (
            {"chunks": [[5, "answer", 1]], "marks_ns": {"done": 4}},
            "mark done comes before its text",
        ),
        (
            {
                "chunks": [[5, "answer", 0], [10**10, "answer", 1]],
                "marks_ns": {"cancelled": 8 * 10**9},
            },
            "mark cancelled comes before its text",
        ),
        ({"started_utc": "yesterday"}, "its started_utc is 'yesterday', which is no time"),
        ({"chunks": [[0, "answer", 1]], "text": "ab", "chunk_reads": [0]}, "don't fit its text"),
        ({"chunk_reads": [1]}, "differ in length"),
        ({"marks_ns": {"done": 2**80}}, "longer than a year"),
        ({"run_id": "../../x"}, "run_id is not 32 hexadecimal digits"),
        ({"comparison_id": "1"}, "comparison_id is not 32"),
        ({"pair": -1}, "negative"),
        ({"pair": "one"}, "Expected `int`, got `str` - at `$.pair`"),
        ({"target": None}, "target"),
    ],
)
def test_a_line_that_contradicts_itself_is_named(
    full_run: Run, change: dict[str, object], said: str
) -> None:
    content = members(full_run) | {"chunk_server_ns": []}
    if "chunks" in change:
        content |= {"chunk_reads": [], "text": "a", "reasoning": "", "tool": ""}
    wrong = message([to_jsonl(full_run), line(content | change)])
    assert wrong.startswith("runs.jsonl, line 2 ")
    assert said in wrong


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{"a": NaN}', "is not JSON: it has NaN or Infinity"),
        (b'{"total_s": -Infinity}', "NaN or Infinity"),
        (b'{"a": 1', "is not JSON: it ends in the middle"),
        (b'{"a": "\xff"}', "is not UTF-8"),
        (b"\xff\xfe{\x00", "is not UTF-8"),
        (b"time,ttft", "is not JSON (invalid character"),
        (b"[" * 100_000, "is nested too deeply"),
        (b"42", "is neither a run nor a comparison"),
        (b'{"hello": "world"}', "is neither a run nor a comparison"),
        (b"[]", "is neither a run nor a comparison"),
        (b'{"schema": "streamscope/comparison/1"}', "missing required field `runs`"),
    ],
)
def test_what_is_no_run_is_named_with_its_line(content: bytes, said: str) -> None:
    wrong = message([b"\n", content + b"\n"])
    assert wrong.startswith("runs.jsonl, line 2 ")
    assert said in wrong


@pytest.mark.parametrize("lines", [[], [b""], [b"\n", b"  \r\n"], [b"\xef\xbb\xbf"]])
def test_an_empty_file_is_called_so(lines: list[bytes]) -> None:
    assert message(lines) == "runs.jsonl is empty: there is nothing to import."


def test_who_wants_the_rest_after_an_error_gets_it(full_run: Run) -> None:
    runs = parse_lines([b"{broken\n", to_jsonl(full_run)], "runs.jsonl")
    with pytest.raises(ExchangeError, match="line 1"):
        next(runs)
    assert list(runs) == [full_run]


def test_a_broken_run_does_not_cost_the_rest_of_its_comparison(
    long_comparison: Comparison,
) -> None:
    document = json.loads(to_json(long_comparison))
    document["runs"][0]["pair"] = "x"
    runs = parse_lines([line(document)], "c.json")
    with pytest.raises(ExchangeError, match=r"c\.json, line 1"):
        next(runs)
    assert list(runs) == long_comparison.runs[1:]


def test_line_ends_and_byte_order_marks_do_no_harm(full_run: Run) -> None:
    written = to_jsonl(full_run)
    windows = b"\xef\xbb\xbf" + written.replace(b"\n", b"\r\n") + b"\r\n" + written.rstrip()
    assert list(parse_lines(io.BytesIO(windows), "x")) == [full_run, full_run]


def test_a_line_that_is_too_long_is_skipped_in_pieces(
    full_run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = to_jsonl(full_run)
    monkeypatch.setattr(exchange, "LONGEST_LINE", len(written))
    file = io.BytesIO(b'{"a": "' + b"x" * 5 * len(written) + b'"}\n' + written)
    runs = parse_lines(read_lines(file), "big.jsonl")
    with pytest.raises(ExchangeError, match=r"big\.jsonl, line 1 is longer than"):
        next(runs)
    assert list(runs) == [full_run]


def test_a_document_on_many_lines_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "LONGEST_LINE", 1000)
    with pytest.raises(ExchangeError, match="begins a document longer than"):
        next(parse_lines(itertools.chain([b"{\n"], itertools.repeat(b" " * 100)), "x"))


def test_a_file_without_end_is_read_as_it_comes(full_run: Run) -> None:
    """Lines are taken one by one, so memory does not grow with the file."""
    taken = 0

    def endless() -> Iterator[bytes]:
        nonlocal taken
        while True:
            taken += 1
            yield to_jsonl(msgspec.structs.replace(full_run, run_id=f"{taken:032x}"))

    runs = parse_lines(endless(), "endless.jsonl")
    for number in range(1, 300):
        assert next(runs).run_id == f"{number:032x}"
        assert taken == number
