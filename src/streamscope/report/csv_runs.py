"""Runs as CSV: one row a run, its conditions and all its figures, safe to open in a spreadsheet."""

import csv
import io
from collections.abc import Iterable, Iterator

from streamscope.measure.calibration import claimed_error
from streamscope.measure.figures import FIGURES, measure
from streamscope.report.words import plain
from streamscope.trace import SUMMARY_FLAG, Run

CONDITIONS = (
    "comparison_id", "run_id", "started_utc", "channel", "mode", "pair", "position", "warmup",
    "layout", "regime", "engine", "protocol", "url", "model", "server_version", "prompt",
    "temperature", "seed", "max_tokens", "think", "ended", "fault", "clock", "error_ns_p99",
    "connection", "segments", "flags", "waited_s", "busy", "stolen", "throttled_s",
    "lag_max_ns", "estimated",
)  # fmt: skip
"""Columns before those of the figures."""

_OBSERVED = ("waited_s", "busy", "stolen", "throttled_s", "lag_max_ns")
"""Of these, why a run is flagged as busy: what the observer of a run saw."""

_FORMULAS = ("=", "+", "-", "@", "\t", "\r")


def to_csv(runs: Iterable[Run]) -> str:
    """Write runs as CSV with a head, in their order."""
    return "".join(csv_lines(runs))


def csv_lines(runs: Iterable[Run]) -> Iterator[str]:
    """Write runs as lines of CSV, the head first, one at a time for files of any length.

    Lines end with CR LF, as RFC 4180 has it. Texts are made plain; a text that a spreadsheet
    would take for a formula begins with an apostrophe. Missing figures are empty, never 0.
    """
    yield _line([*CONDITIONS, *(figure.name for figure in FIGURES)])
    for run in runs:
        figures = measure(run.trace)
        values = [figures[figure.name] for figure in FIGURES]
        estimated = " ".join(sorted(figures.estimated))
        yield _line(
            [
                *_conditions(run),
                estimated,
                *("" if value is None else repr(value) for value in values),
            ]
        )


def safe(text: str) -> str:
    """Make any text plain, and harmless to a spreadsheet."""
    shown = plain(text)
    return f"'{shown}" if shown.startswith(_FORMULAS) else shown


def _conditions(run: Run) -> list[str]:
    target, request, trace = run.target, run.request, run.trace
    # How the runs of an imported summary were made is not known: those cells stay empty.
    how = (run.position, run.layout, run.regime, trace.clock, trace.connection)
    position, layout, regime, clock, connection = ("",) * 5 if SUMMARY_FLAG in trace.flags else how
    cells = [
        run.comparison_id, run.run_id, trace.started_utc, run.channel, trace.mode, run.pair,
        position, run.warmup, layout, regime, run.engine, target.protocol, target.url,
        target.model, run.server_version, request.prompt, request.temperature, request.seed,
        request.max_tokens, request.think, trace.ended, trace.fault.sentence if trace.fault else "",
        clock, claimed_error(trace), connection, trace.segments, " ".join(trace.flags),
        *(getattr(trace.observer, name, None) for name in _OBSERVED),
    ]  # fmt: skip
    return [_cell(cell) for cell in cells]


def _cell(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case str():
            return safe(value)
        case _:
            return str(value)


def _line(cells: list[str]) -> str:
    text = io.StringIO()
    csv.writer(text).writerow(cells)
    return text.getvalue()
