"""A run on a busy machine is told from one on a machine that only works."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from streamscope.measure.conventions import Trust
from streamscope.measure.trust import busy_words, busy_words_of, doubts, is_busy
from streamscope.trace import Clock, Observer, SharedRead, Trace

MS = 1_000_000


def run(clock: Clock = "kernel", merged: int = 0, **of_observer: Any) -> Trace:
    """Return a stream of ten seconds and a hundred reads."""
    observer = Observer(**({"cpu_s": 0.1} | of_observer))
    return Trace(
        mode="stream",
        clock=clock,
        marks={"done": 10_000 * MS},
        reads=100,
        shared={index: SharedRead(200, 2) for index in range(merged)},
        observer=observer,
    )


def codes(trace: Trace) -> list[str]:
    return [doubt.code for doubt in doubts(trace)]


def late(p99_ms: float) -> dict[str, Any]:
    return {"lag_p99_ns": int(p99_ms * MS), "lag_max_ns": int(2 * p99_ms * MS)}


def test_where_nobody_looked_nothing_is_doubted() -> None:
    assert doubts(Trace(mode="stream")) == ()
    assert doubts(run()) == ()


def test_a_late_look_does_not_spoil_the_kernel_s_stamp() -> None:
    assert codes(run("kernel", **late(15))) == []
    assert codes(run("read", **late(15))) == ["late"]
    assert codes(run("read", **late(9))) == []


def test_what_queued_before_a_late_look_has_lost_its_time() -> None:
    assert codes(run("kernel", merged=3, **late(5))) == ["late"]
    assert codes(run("kernel", merged=2, **late(5))) == []  # no more than 2 %


def test_segments_that_come_together_to_a_punctual_reader_are_the_sender_s() -> None:
    assert codes(run("kernel", merged=90, **late(1))) == []


def test_all_processors_at_work_are_no_cause_for_doubt() -> None:
    assert codes(run(busy=1.0, waited_s=2.6, **late(3))) == []


@pytest.mark.parametrize(
    ("observer", "sentence"),
    [
        (
            {"waited_s": 3.1},
            "The machine was busy: the probe was ready, but had no processor, for 3.1 of 10.0 s.",
        ),
        ({"stolen": 0.08}, "The hypervisor took 8 % of the processor time."),
        ({"throttled_s": 0.4}, "A quota stopped the processes for 0.4 s."),
    ],
)
def test_what_stood_in_the_way_is_said(observer: dict[str, Any], sentence: str) -> None:
    (doubt,) = doubts(run(**observer))
    assert doubt.sentence == sentence


def test_late_looks_are_said_with_what_they_cost() -> None:
    (doubt,) = doubts(run(merged=14, lag_p99_ns=5 * MS, lag_max_ns=12 * MS))
    assert doubt.sentence == (
        "The machine was busy: arrivals were looked at up to 12 ms late, and 14 reads held several"
        " segments."
    )


def test_the_thresholds_are_settings() -> None:
    trace = run(stolen=0.04)
    assert not is_busy(trace)
    assert is_busy(trace, Trust(stolen_share=0.03))


def test_in_blocking_mode_several_segments_are_a_long_answer() -> None:
    trace = run(merged=50, **late(5))
    trace.mode = "blocking"
    assert codes(trace) == []


def test_a_run_of_no_length_is_not_doubted_for_its_length() -> None:
    trace = run(merged=2, waited_s=0.1, throttled_s=0.1, **late(5))
    trace.marks.clear()
    trace.reads = 3
    assert codes(trace) == []


def test_a_mark_is_explained_even_if_it_was_set_by_other_settings() -> None:
    trace = run(stolen=0.08)
    assert busy_words(trace) == ""
    trace.flags.append("busy")
    assert "hypervisor took 8 %" in busy_words(trace)
    trace.observer = None
    assert busy_words(trace).startswith("The machine was busy. ")


def test_the_document_tells_the_thresholds_as_they_are() -> None:
    document = (Path(__file__).parents[2] / "docs" / "trust.md").read_text(encoding="utf-8")
    told = document.partition("```toml\n[trust]\n")[2].partition("```")[0]
    assert msgspec.toml.decode(told, type=Trust) == Trust()
    assert set(msgspec.toml.decode(told)) == set(Trust.__struct_fields__)


def marked(**of_observer: Any) -> Trace:
    trace = run("read", **of_observer)
    trace.flags.append("busy")
    return trace


def test_that_the_machine_was_busy_is_said_once() -> None:
    assert busy_words(marked(waited_s=3.06, **late(15))) == (
        "The machine was busy: arrivals were looked at up to 30 ms late. The probe was ready, but"
        " had no processor, for 3.1 of 10.0 s. The times of this run can't be trusted."
    )


def test_several_runs_are_told_with_the_worst_of_all() -> None:
    runs = [marked(**late(15)), run(), marked(waited_s=3.06), marked(stolen=0.5, **late(20))]
    assert busy_words_of(runs) == (
        "The machine was busy: arrivals were looked at up to 40 ms late, the probe was ready, but"
        " had no processor, for up to 3.1 s of a run, a hypervisor took up to 50 % of the processor"
        " time. The times of these runs can't be trusted."
    )


def test_one_marked_run_is_told_as_itself_and_none_not_at_all() -> None:
    one = marked(waited_s=3.06)
    assert busy_words_of([run(), one]) == busy_words(one)
    assert busy_words_of([run()]) == ""
    nobody_knows = marked()
    assert busy_words_of([nobody_knows] * 2) == (
        "The machine was busy. The times of these runs can't be trusted."
    )
