"""CSV holds every figure, reads back as written, and starts no formula."""

import csv
import io
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamscope.measure.figures import FIGURES
from streamscope.report.comparison import Comparison
from streamscope.report.csv_runs import safe, to_csv
from streamscope.trace import Observer, Request, Run, Target, Trace


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_one_row_a_run_with_all_figures(long_comparison: Comparison) -> None:
    read = rows(to_csv(long_comparison.runs))
    assert len(read) == 14
    first, blocking = read[2], read[8]
    assert {figure.name for figure in FIGURES} <= set(first)
    assert (first["run_id"], first["mode"], first["pair"]) == (
        long_comparison.runs[2].run_id,
        "stream",
        "1",
    )
    assert float(first["ttfv_s"]) == 0.6
    assert blocking["gap_p50_ms"] == "", "what does not exist is empty, not 0"
    assert read[0]["warmup"] == "true"


def test_why_a_run_is_marked_stands_beside_its_mark(long_comparison: Comparison) -> None:
    run = long_comparison.runs[2]
    run.trace.flags = ["busy"]
    run.trace.observer = Observer(cpu_s=0.1, waited_s=0.9, busy=0.97)
    (read,) = rows(to_csv([run]))
    named = ("flags", "waited_s", "busy", "stolen", "throttled_s", "lag_max_ns")
    assert [read[name] for name in named] == ["busy", "0.9", "0.97", "", "", ""]


def test_nothing_is_a_head_alone() -> None:
    assert to_csv([]).count("\r\n") == 1


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t=", "\r=", " ="])
def test_texts_of_others_start_no_formula(
    build_run: Callable[..., Run], build_stream: Callable[..., Trace], start: str
) -> None:
    text = f'{start}HYPERLINK("http://x","y")'
    run = build_run(
        build_stream(1, 9),
        request=Request(prompt=text),
        target=Target(protocol="plain", url="http://x", model=text),
        server_version=text,
    )
    (row,) = rows(to_csv([run]))
    for name in ("prompt", "model", "server_version"):
        assert row[name].startswith("'"), name


def test_numbers_below_zero_stay_numbers(
    build_run: Callable[..., Run], build_stream: Callable[..., Trace]
) -> None:
    request = Request(prompt="?", seed=-1)
    (row,) = rows(to_csv([build_run(build_stream(1, 9), request=request)]))
    assert row["seed"] == "-1"


@given(st.text())
def test_no_text_breaks_a_cell_out_of_its_row(text: str) -> None:
    assert not safe(text).startswith(("=", "+", "-", "@", "\t", "\r"))
    assert "\n" not in safe(text)
