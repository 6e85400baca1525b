"""Every moment of a run belongs to one span, whatever the server and the clock do."""

import itertools
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamscope.measure.figures import measure
from streamscope.measure.waterfall import SPANS, Span, headers_with_text, rows, waterfall
from streamscope.trace import Chunk, Fault, MarkName, ServerTimings, Trace

Build = Callable[..., Trace]
Told = list[tuple[str, float, float]]

BEFORE: dict[MarkName, float] = {
    "connecting": -0.05,
    "resolved": -0.04,
    "connected": -0.03,
    "secured": -0.02,
    "sending": -0.01,
    "sent": 0,
}
SET_UP: Told = [
    ("resolving", -0.05, -0.04),
    ("connecting", -0.04, -0.03),
    ("securing", -0.03, -0.02),
    ("sending", -0.02, 0),
]


def told(spans: tuple[Span, ...]) -> Told:
    """Return spans as names and seconds."""
    return [(span.name, span.start_ns / 1e9, span.end_ns / 1e9) for span in spans]


def ours(spans: tuple[Span, ...]) -> tuple[Span, ...]:
    return tuple(span for span in spans if span.source == "ours")


def test_a_stream_that_thinks_in_sight(build_trace: Build) -> None:
    trace = build_trace(
        [
            (0.5, "reasoning", "hm"),
            (0.7, "reasoning", "so"),
            (1, "answer", "x"),
            (2, "answer", "y"),
        ],
        marks_s={
            **BEFORE,
            "headers": 0.1,
            "first_byte": 0.5,
            "finish": 2,
            "done": 2.5,
            "closed": 3,
        },
    )
    assert told(waterfall(trace)) == [
        *SET_UP,
        ("headers", 0, 0.1),
        ("waiting", 0.1, 0.5),
        ("thinking", 0.5, 1),
        ("answering", 1, 2),
        ("finishing", 2, 2.5),
        ("closing", 2.5, 3),
    ]


def test_a_blocking_run_shows_nothing_before_its_body_is_whole(build_trace: Build) -> None:
    trace = build_trace(
        [(2.2, "reasoning", "hm"), (2.2, "answer", "x")],
        mode="blocking",
        marks_s={**BEFORE, "headers": 2, "first_byte": 2.1, "done": 2.2, "closed": 2.3},
    )
    assert told(waterfall(trace))[len(SET_UP) :] == [
        ("headers", 0, 2),
        ("waiting", 2, 2.1),
        ("receiving", 2.1, 2.2),
        ("closing", 2.2, 2.3),
    ]


def test_a_body_that_comes_in_one_piece_is_received_all_the_same(build_trace: Build) -> None:
    trace = build_trace(
        mode="blocking", marks_s={"sent": 0, "headers": 2, "first_byte": 2, "done": 2}
    )
    assert told(waterfall(trace)) == [("headers", 0, 2), ("receiving", 2, 2)]


def test_what_takes_turns_has_a_span_for_each_turn(build_trace: Build) -> None:
    kinds = ["reasoning", "answer", "tool", "reasoning", "answer", "answer"]
    trace = build_trace([(1 + i, kind, "x") for i, kind in enumerate(kinds)], marks_s={"done": 7})
    spans = waterfall(trace)
    assert told(spans) == [
        ("headers", 0, 1),
        ("thinking", 1, 2),
        ("answering", 2, 3),
        ("calling", 3, 4),
        ("thinking", 4, 5),
        ("answering", 5, 6),
        ("finishing", 6, 7),
    ]
    lengths = {row.name: row.length_ns / 1e9 for row in rows(spans)}
    assert lengths == {"headers": 1, "thinking": 2, "answering": 2, "calling": 1, "finishing": 1}
    assert [row.name for row in rows(spans)] == list(lengths)


def test_ten_thousand_turns_in_one_read_are_few_spans() -> None:
    chunks = [Chunk(5, ("answer", "reasoning")[i % 2], "x", 0) for i in range(10_000)]
    spans = waterfall(
        Trace(mode="stream", chunks=chunks, marks={"sent": 0, "done": 9}, ended="stop")
    )
    assert len(spans) <= 5
    assert {"thinking", "answering"} <= {span.name for span in spans}


def test_a_reused_connection_has_nothing_to_connect(build_trace: Build) -> None:
    trace = build_trace([(1, "answer", "x")], marks_s={**BEFORE, "headers": 0.1, "done": 2})
    trace.connection = "reused"
    assert told(waterfall(trace))[:2] == [("sending", -0.01, 0), ("headers", 0, 0.1)]


@pytest.mark.parametrize(
    ("fields", "last"),
    [
        ({"marks_s": {"connecting": -1, "error": 3}}, ("connecting", -1, 3)),
        ({"marks_s": {**BEFORE, "error": 3}}, ("headers", 0, 3)),
        ({"marks_s": {**BEFORE, "headers": 1, "error": 3}}, ("waiting", 1, 3)),
        (
            {"marks_s": {**BEFORE, "headers": 1, "cancelled": 3}, "ended": "cancelled"},
            ("waiting", 1, 3),
        ),
        (  # a silence within the answer is part of it
            {"pieces": [(1, "answer", "x"), (2, "answer", "y")], "marks_s": {**BEFORE, "error": 9}},
            ("answering", 1, 9),
        ),
        (
            {
                "pieces": [(1, "answer", "x"), (2, "answer", "y")],
                "marks_s": {**BEFORE, "headers": 1, "done": 3, "cancelled": 4},
                "ended": "cancelled",
            },
            ("closing", 3, 4),
        ),
        (
            {
                "pieces": [(1, "answer", "x")],
                "marks_s": {"sent": 0, "closed": 3},
                "ended": "incomplete",
            },
            ("finishing", 1, 3),
        ),
        (
            {"mode": "blocking", "marks_s": {"sent": 0, "first_byte": 1, "error": 3}},
            ("receiving", 1, 3),
        ),
    ],
)
def test_a_run_that_ended_badly_has_the_spans_that_it_reached(
    build_trace: Build, fields: dict[str, object], last: tuple[str, float, float]
) -> None:
    spans = waterfall(build_trace(**{"ended": "error"} | fields))
    assert told(spans)[-1] == last


def test_a_handshake_that_was_refused_is_no_sending() -> None:
    trace = Trace(
        mode="stream",
        marks={"connecting": -9, "connected": -5, "error": 0},
        ended="error",
        fault=Fault(code="tls", sentence="No."),
    )
    assert [span.name for span in waterfall(trace)][:2] == ["connecting", "securing"]


def test_an_error_page_is_received(build_trace: Build) -> None:
    trace = build_trace(ended="error", marks_s={"sent": 0, "headers": 1, "error": 3})
    trace.status = 503
    assert told(waterfall(trace)) == [("headers", 0, 1), ("receiving", 1, 3)]


def test_a_run_under_way_lasts_until_now(build_trace: Build) -> None:
    marks: dict[MarkName, float] = {"sent": 0, "headers": 1}
    waiting = build_trace(ended=None, marks_s=marks)
    assert told(waterfall(waiting, 4_000_000_000))[-1] == ("waiting", 1, 4)
    writing = build_trace([(2, "answer", "x"), (3, "answer", "y")], ended=None, marks_s=marks)
    assert told(waterfall(writing))[-1] == ("answering", 2, 3)
    assert told(waterfall(writing, 4_000_000_000))[-1] == ("answering", 2, 4)
    writing.marks["finish"] = 3_500_000_000
    assert told(waterfall(writing, 4_000_000_000))[-1] == ("finishing", 3, 4)


def test_nothing_is_known_of_a_run_without_marks() -> None:
    assert waterfall(Trace(mode="stream")) == ()
    assert waterfall(Trace(mode="stream", ended="error")) == ()


def test_the_server_s_parts_lie_in_the_wait_after_early_headers(build_trace: Build) -> None:
    trace = build_trace(
        [(1, "answer", "x")],
        marks_s={"sent": 0, "headers": 0.1},
        server=ServerTimings(queue_s=0.2, prefill_s=0.5, decode_s=9, source="vllm"),
    )
    assert told(waterfall(trace)) == [
        ("headers", 0, 0.1),
        ("waiting", 0.1, 1),
        ("queue", 0.1, pytest.approx(0.3)),
        ("prefill", pytest.approx(0.3), pytest.approx(0.8)),
        ("answering", 1, 1),
    ]
    assert not headers_with_text(trace)


@pytest.mark.parametrize("headers_s", [0.9995, 0.985], ids=["at once", "a little later"])
def test_headers_that_come_with_the_text_hold_the_whole_wait(
    build_trace: Build, headers_s: float
) -> None:
    """Ollama sends them with the first chunk: prefill must not be drawn in the moment between."""
    trace = build_trace(
        [(1, "answer", "x"), (2, "answer", "y")],
        marks_s={"sent": 0, "headers": headers_s},
        server=ServerTimings(load_s=0.2, prefill_s=0.5, source="ollama"),
    )
    assert headers_with_text(trace)
    names = [span.name for span in waterfall(trace)]
    assert names == ["headers", "load", "prefill", "waiting", "answering"]


def test_a_prefill_after_a_long_queue_lies_behind_the_headers(build_trace: Build) -> None:
    """llama.cpp sends them when a slot is free: the wait before them is the queue."""
    trace = build_trace(
        [(3.3, "answer", "x"), (4, "answer", "y")],
        marks_s={"sent": 0, "headers": 3},
        server=ServerTimings(prefill_s=0.3, decode_s=0.7, source="llama.cpp"),
    )
    names = [span.name for span in waterfall(trace)]
    assert names == ["headers", "waiting", "prefill", "answering"]


def test_no_figure_takes_the_headers_for_text(every_tool: Trace) -> None:
    """Servers send them before, during or after prefill: they are the time to nothing."""
    figures = measure(every_tool).values
    for headers in (1, 340_000_000, None):
        every_tool.marks.pop("headers", None)
        if headers is not None:
            every_tool.marks["headers"] = headers
        assert measure(every_tool).values == figures


def test_hidden_thinking_fills_the_rest_of_the_wait(short_case: Trace) -> None:
    spans = {span.name: span for span in waterfall(short_case)}
    assert headers_with_text(short_case)
    assert spans["hidden"].estimated
    assert spans["hidden"].length_ns / 1e9 == pytest.approx(7.69 - 0.307, abs=0.001)
    assert spans["hidden"].end_ns == spans["headers"].end_ns


def test_blocking_waits_while_the_server_generates(build_trace: Build) -> None:
    trace = build_trace(
        mode="blocking",
        marks_s={"sent": 0, "headers": 5, "first_byte": 5, "done": 5},
        server=ServerTimings(prefill_s=1, decode_s=3.5, source="ollama"),
    )
    assert told(waterfall(trace)) == [
        ("headers", 0, 5),
        ("prefill", 0, 1),
        ("decode", 1, 4.5),
        ("receiving", 5, 5),
    ]
    assert headers_with_text(trace)


def test_durations_that_do_not_fit_are_cut_and_marked(build_trace: Build) -> None:
    trace = build_trace(
        [(1, "answer", "x")],
        marks_s={"sent": 0, "headers": 1, "done": 40},
        server=ServerTimings(load_s=0.4, prefill_s=30, source="ollama"),
    )
    load, prefill = (span for span in waterfall(trace) if span.source == "server")
    assert (load.estimated, prefill.estimated) == (False, True)
    assert prefill.end_ns == 1_000_000_000
    assert prefill.claimed_ns == 30_000_000_000


@pytest.mark.parametrize("nonsense", [-1.0, 0.0, 1e-6, 30.0, float("nan"), float("inf")])
def test_durations_that_are_none_are_left_out(build_trace: Build, nonsense: float) -> None:
    trace = build_trace(
        [(1, "answer", "x")], marks_s={"sent": 0}, server=ServerTimings(prefill_s=nonsense)
    )
    assert {span.source for span in waterfall(trace)} == {"ours"}


def test_every_span_has_words() -> None:
    assert all(text.label and text.explanation.endswith(".") for text in SPANS.values())
    assert "first token" not in SPANS["waiting"].explanation


times = st.integers(-(10**12), 10**12)
marks = st.dictionaries(
    st.sampled_from(
        [
            *BEFORE,
            "headers",
            "first_byte",
            "usage",
            "finish",
            "done",
            "closed",
            "error",
            "cancelled",
        ]
    ),
    times,
)
durations = st.none() | st.floats()
traces = st.builds(
    Trace,
    mode=st.sampled_from(["stream", "blocking"]),
    marks=marks,
    chunks=st.lists(
        st.builds(
            Chunk, times, st.sampled_from(["answer", "reasoning", "tool"]), st.just("x"), st.just(0)
        ),
        max_size=8,
    ),
    ended=st.sampled_from([None, "stop", "length", "incomplete", "error", "cancelled"]),
    status=st.sampled_from([None, 200, 500]),
    connection=st.sampled_from(["fresh", "reused"]),
    server=st.builds(
        ServerTimings, queue_s=durations, load_s=durations, prefill_s=durations, decode_s=durations
    ),
)


@settings(deadline=None)
@given(traces, st.none() | times)
def test_spans_of_nonsense_touch_and_add_up(trace: Trace, now_ns: int | None) -> None:
    spans = waterfall(trace, now_ns)
    own = ours(spans)
    assert all(span.length_ns >= 0 for span in spans)
    assert [span.start_ns for span in own] == sorted(span.start_ns for span in own)
    assert all(one.end_ns == two.start_ns for one, two in itertools.pairwise(own))
    if own and trace.connection == "fresh" and trace.mode == "stream" and now_ns is None:
        known = [*trace.marks.values(), *(chunk.t_ns for chunk in trace.chunks)]
        answered = set(trace.marks) & {"headers", "first_byte", "usage", "finish", "done", "closed"}
        if (trace.chunks or answered) and "sent" not in trace.marks:
            known.append(0)
        assert sum(span.length_ns for span in own) == max(known) - min(known)


@settings(deadline=None)
@given(traces)
def test_the_server_s_spans_lie_within_one_of_ours(trace: Trace) -> None:
    spans = waterfall(trace)
    server = [span for span in spans if span.source == "server"]
    if server:
        holder = spans[spans.index(server[0]) - 1]
        assert holder.name in ("headers", "waiting")
        assert holder.start_ns <= server[0].start_ns
        assert server[-1].end_ns <= holder.end_ns
    assert all(one.end_ns <= two.start_ns for one, two in itertools.pairwise(server))
