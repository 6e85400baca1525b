"""What the details say, in words and tables: everything that a verdict rests on.

The functions know nothing of screens; they turn figures into texts of parts with a style. What a
server sent goes through ``faces.plain``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import zip_longest
from textwrap import wrap
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from textual.content import Content

from streamscope.measure.figures import FIGURES, Described
from streamscope.measure.notes import pair_notes
from streamscope.measure.reader import Curves, Reading, curves, finish_ratio, read
from streamscope.measure.reader_figures import READER_FIGURES, measure_reader
from streamscope.report import words
from streamscope.report.channels import head, name
from streamscope.report.finding_words import beside_tested, untested_mark
from streamscope.sides import Sides
from streamscope.tui.faces import muted

if TYPE_CHECKING:
    from streamscope.measure.conventions import Conventions, Reader
    from streamscope.measure.verdict import Judgement
    from streamscope.trace import ChannelName, Mode
    from streamscope.tui.ended import EndedRun

Pair: TypeAlias = "Mapping[ChannelName, EndedRun]"
"""The ended runs of a pair, by side; either may be missing."""

ALL_FIGURES: Final[tuple[Described, ...]] = (*FIGURES, *READER_FIGURES)
"""Every figure there is, those that depend on the reader last."""

SIDES: Final[tuple[ChannelName, ...]] = ("A", "B")

POINTS: Final = 400
"""Moments of the plot: two for each column of a very wide terminal."""

_BEYOND: Final = 1.08  # of the last moment: room for the step's name
_STYLES: Final = {"A": "$channel-a", "B": "$channel-b"}
_LABEL, _CELL, _GAP = 25, 26, 2
_SAME_S, _SAME_SHARE = 0.005, 0.005  # what the two digits of a factor would not show
_LEAST_RATIO = 0.001

NOTICED_S: Final = 0.05
"""Waits of one pair that are closer to each other, s, are not compared: nobody notices that."""
_TWO_TEXTS = "The answers differ, so this compares two texts."
_LIMIT = (
    "the factor is below 2, whatever the model; only the wait for the first text has no such limit."
)
_NOBODY_READS = "Nothing could be read in either run."


class Row(NamedTuple):
    """A line of a table: what it is about, and A's and B's share of it."""

    label: str
    a: str
    b: str


class FigureRow(NamedTuple):
    """A figure of both sides."""

    figure: Described
    a: str
    b: str
    versus: str


def sides_of(pair: Pair) -> Sides | None:
    """Return what both channels of a pair are; ``None`` where one was not recorded."""
    return Sides.of(ended.run for ended in pair.values())


def headings(pair: Pair) -> dict[ChannelName, str]:
    """Return what the two sides are called: ``A stream``, or ``A qwen3:8b``."""
    sides = sides_of(pair)
    return {
        side: heading(sides, side, pair[side].run.trace.mode) if side in pair else side
        for side in SIDES
    }


def heading(sides: Sides | None, side: ChannelName, mode: Mode) -> str:
    """Return what stands above a side's column."""
    if sides is None or sides.question == "delivery":
        return head(sides, side, mode)
    return f"{side} {name(sides, side, _CELL - 4)}"


def table(pair: Pair, title: str, rows: Sequence[Row]) -> Content:
    """Lay out rows in three columns, below the names of the sides."""
    names = headings(pair)
    lines = [
        Content.assemble(
            (f"{title:<{_LABEL}}", "bold"),
            (f"{names['A']:<{_CELL}}", f"bold {_STYLES['A']}"),
            (names["B"], f"bold {_STYLES['B']}"),
        )
    ]
    for row in rows:
        lines += _lines(row)
    return Content("\n").join(lines)


def _lines(row: Row) -> list[Content]:
    """Lay out a row; what is too long for its column goes on below, so that columns stay apart."""
    cells = (wrap(text, _CELL - _GAP) for text in (row.a, row.b))
    labels = (f"  {row.label}" if row.label else "",)
    return [
        Content.assemble(
            muted(f"{label:<{_LABEL}}"), (f"{a:<{_CELL}}", _STYLES["A"]), (b, _STYLES["B"])
        )
        for label, a, b in zip_longest(labels, *cells, fillvalue="")
    ]


# ------------------------------------------------------------------------------------------- read


def readable(pair: Pair, reader: Reader, *, whole: bool = False) -> Curves | None:
    """Return the lines of the plot; ``None`` where neither run had anything to read.

    Args:
        pair: The runs.
        reader: Whose line is drawn.
        whole: Whether it goes on until both answers are read, not only until they are there.
    """
    a, b = (pair[side].run.trace if side in pair else None for side in SIDES)
    end = curves(a, b, reader, 2).end_s
    if whole:
        readings = [read(trace, reader) for trace in (a, b) if trace is not None]
        end = max([end, *(each.finish_s for each in readings if each is not None)])
    return curves(a, b, reader, POINTS, until_s=end * _BEYOND) if end > 0 else None


def reading_page(pair: Pair, reader: Reader) -> Content:
    """Say how the reader got through both answers, and what streaming gained them."""
    readings = {side: read(pair[side].run.trace, reader) for side in SIDES if side in pair}
    if not any(readings.values()):
        return muted(_NOBODY_READS)

    def row(label: str, of: Callable[[Reading], str]) -> Row:
        cells = [
            words.NONE if (found := readings.get(side)) is None else of(found) for side in SIDES
        ]
        return Row(label, *cells)

    # Where words have no spaces between them, the reader goes by characters.
    unit = next(reading.unit for reading in readings.values() if reading)
    lines = [
        table(
            pair,
            "your reading",
            [
                row(f"first {unit} at", lambda each: short_seconds(each.start_s)),
                row("nothing to read for", lambda each: short_seconds(each.idle_s)),
                row("of it after the first", lambda each: short_seconds(each.stall_s)),
                row("stalls you'd notice", lambda each: str(each.stalls)),
                row("read to the end at", lambda each: short_seconds(each.finish_s)),
            ],
        )
    ]
    a, b = readings.get("A"), readings.get("B")
    if a is not None and b is not None:
        lines += [Content(), Content(finish_sentence(a, b, reader)), muted(_ceiling(pair))]
    return Content("\n").join(lines)


def finish_sentence(a: Reading, b: Reading, reader: Reader) -> str:
    """Say how much sooner the reader of A is through than the reader of B: seconds first."""
    speed = f"At {_speed(a, reader)} a minute you finish reading"
    ratio = finish_ratio(a, b)
    saved = b.finish_s - a.finish_s
    if ratio is None or abs(saved) < _SAME_S or abs(ratio - 1) < _SAME_SHARE:
        return f"{speed} both at about the same moment."
    share = words.percent(abs(saved) / b.finish_s)
    word = "earlier" if saved > 0 else "later"
    return (
        f"{speed} A {words.seconds(abs(saved))} ({share}) {word} than B: "
        f"B takes {words.digits(ratio)} times as long as A."
    )


def _speed(reading: Reading, reader: Reader) -> str:
    if reading.unit == "character":
        return f"{reader.characters_per_minute:g} characters"
    return f"{reader.words_per_minute:g} words"


def _ceiling(pair: Pair) -> str:
    """Say what the factor is worth."""
    sides = sides_of(pair)
    if sides is not None and sides.question != "delivery":
        if sides.question == "models":
            return "Two models wrote two texts: each is as long as it is, and is read to its end."
        return _TWO_TEXTS if _differ(pair) else "Both are read at the same pace."
    if _differ(pair):
        return f"{_TWO_TEXTS} For the same text {_LIMIT}"
    return f"For the same text {_LIMIT}"


def _differ(pair: Pair) -> bool:
    """Tell whether both answers were asked for alike, and are not."""
    notes = pair_notes(pair["A"].run, pair["B"].run)
    return any(note.code == "different-output" for note in notes)


def short_seconds(value: float) -> str:
    """Write a time; what is less than half a millisecond is nothing."""
    return "0 s" if value < 0.0005 else words.seconds(value)


# ---------------------------------------------------------------------------------------- figures


def figure_rows(
    pair: Pair, conventions: Conventions, judgement: Judgement | None = None
) -> list[FigureRow]:
    """Return every figure of both sides, those of the reader last.

    Args:
        pair: The runs.
        conventions: How the reader reads.
        judgement: What all pairs support: where that was tested, what this one pair shows stands
            in brackets.
    """
    values: dict[ChannelName, dict[str, tuple[float, bool]]] = {}
    for side, ended in pair.items():
        figures = ended.figures
        values[side] = {
            name: (value, name in figures.estimated)
            for name, value in figures.values.items()
            if value is not None
        }
        of_reader = measure_reader(ended.run.trace, conventions)
        values[side] |= {
            name: (each.value, each.estimated) for name, each in of_reader.items() if each
        }
    return [_figure_row(figure, values, judgement) for figure in ALL_FIGURES]


def _figure_row(
    figure: Described,
    values: Mapping[ChannelName, Mapping[str, tuple[float, bool]]],
    judgement: Judgement | None,
) -> FigureRow:
    found = [values.get(side, {}).get(figure.name) for side in SIDES]
    cells = [
        words.NONE if each is None else _figure_words(figure, each[0], estimated=each[1])
        for each in found
    ]
    a, b = (None if each is None else each[0] for each in found)
    versus = beside_tested(_versus(figure, a, b), judgement)
    return FigureRow(figure, cells[0], cells[1], "" if versus == words.NONE else versus)


def _versus(figure: Described, a: float | None, b: float | None) -> str:
    """Say how two numbers of one pair stand to each other: only of waits, and if one notices."""
    if a is None or b is None or (a != b and abs(a - b) < NOTICED_S):
        return words.NONE
    return untested_mark(figure, a, b, 1)


def _figure_words(figure: Described, value: float, *, estimated: bool) -> str:
    """Write a figure; of a ratio that is almost nothing, no more than that."""
    if figure.unit == "ratio" and 0 < value < _LEAST_RATIO:
        return f"<{_LEAST_RATIO:g}"
    return words.figure_words(figure, value, estimated=estimated)


def about(figure: Described) -> Content:
    """Return the formula of a figure, and what it means."""
    only = " Only streams have it." if figure.stream_only else ""
    return Content.assemble(
        (f"{figure.label} ", "bold $verdict"),
        muted(f"{figure.name}, {figure.unit}\n"),
        (f"{figure.formula}\n", "$accent"),
        figure.explanation + only,
    )
