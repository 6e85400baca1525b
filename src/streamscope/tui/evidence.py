"""What the details say, in words and tables: everything that a verdict rests on.

The functions know nothing of screens; they turn figures into texts of parts with a style. What a
server sent goes through ``faces.plain``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from textual.content import Content

from streamscope.measure.bands import Band, first_text_band, gap_band
from streamscope.measure.figures import FIGURES, Described
from streamscope.measure.notes import pair_notes, run_notes
from streamscope.measure.reader import Curves, Reading, curves, finish_ratio, read
from streamscope.measure.reader_figures import READER_FIGURES, measure_reader
from streamscope.report import words
from streamscope.report.verdict_words import FEW_NEAR
from streamscope.tui.faces import bad, muted, plain

if TYPE_CHECKING:
    from streamscope.measure.conventions import Bands, Conventions, Reader
    from streamscope.trace import ChannelName
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
_LABEL, _CELL = 25, 26
_SAME_S, _SAME_SHARE = 0.005, 0.005  # what the two digits of a factor would not show
_LEAST_RATIO = 0.001
_NOBODY_READS = "Nothing could be read in either run."


class Row(NamedTuple):
    """A line of a table: what it is about, A's and B's share of it, and how they compare."""

    label: str
    a: str
    b: str
    versus: str = ""


class FigureRow(NamedTuple):
    """A figure of both sides."""

    figure: Described
    a: str
    b: str
    versus: str


def headings(pair: Pair) -> dict[ChannelName, str]:
    """Return what the two sides are called: ``A stream``."""
    return {side: f"{side} {pair[side].run.trace.mode}" if side in pair else side for side in SIDES}


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
    lines += [
        Content.assemble(
            muted(f"  {row.label:<{_LABEL - 2}}"),
            (f"{row.a:<{_CELL}}", _STYLES["A"]),
            (f"{row.b:<{_CELL}}" if row.versus else row.b, _STYLES["B"]),
            row.versus,
        )
        for row in rows
    ]
    return Content("\n").join(lines)


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

    lines = [
        table(
            pair,
            "your reading",
            [
                row("first word at", lambda each: short_seconds(each.start_s)),
                row("nothing to read for", lambda each: short_seconds(each.idle_s)),
                row("of it after word one", lambda each: short_seconds(each.stall_s)),
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
    if any(note.code == "different-output" for note in pair_notes(pair["A"].run, pair["B"].run)):
        return (
            "The answers differ, so this compares two texts. For the same text the factor is below"
            " 2, whatever the model; only the wait for the first word has no such limit."
        )
    return (
        "For the same text the factor is below 2, whatever the model; only the wait for the first"
        " word has no such limit."
    )


def short_seconds(value: float) -> str:
    """Write a time; what is less than half a millisecond is nothing."""
    return "0 s" if value < 0.0005 else words.seconds(value)


# ---------------------------------------------------------------------------------------- figures


def figure_rows(pair: Pair, conventions: Conventions) -> list[FigureRow]:
    """Return every figure of both sides, those of the reader last."""
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
    return [_figure_row(figure, values) for figure in ALL_FIGURES]


def _figure_row(
    figure: Described,
    values: Mapping[ChannelName, Mapping[str, tuple[float, bool]]],
) -> FigureRow:
    found = [values.get(side, {}).get(figure.name) for side in SIDES]
    cells = [
        words.NONE if each is None else _figure_words(figure, each[0], estimated=each[1])
        for each in found
    ]
    a, b = (None if each is None else each[0] for each in found)
    versus = words.versus(figure, a, b, near=FEW_NEAR)  # these are of one pair
    return FigureRow(figure, cells[0], cells[1], "" if versus == words.NONE else versus)


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


# ---------------------------------------------------------------------------------------- remarks


def remarks_page(pair: Pair, bands: Bands, validity: Sequence[str] = ()) -> Content:
    """Say all that must be known before the figures are believed.

    Args:
        pair: The pair.
        bands: What is called instant, sluggish and even.
        validity: What speaks for and against the comparison that it comes from.
    """
    blocks = [_about_run(pair[side], bands) for side in SIDES if side in pair]
    if {"A", "B"} <= pair.keys():
        notes = pair_notes(pair["A"].run, pair["B"].run)
        if notes:
            heading = Content.styled("the pair", "bold")
            blocks.append(_list(heading, [plain(note.sentence) for note in notes]))
    if validity:
        heading = Content.styled("the comparison, without older pairs", "bold")
        blocks.append(_list(heading, [plain(sentence) for sentence in validity]))
    blocks.append(
        muted(
            f"First text is called instant below {bands.instant_s:g} s and sluggish above"
            f" {bands.sluggish_s:g} s, gaps even from {bands.even_low_ms:g} to"
            f" {bands.even_high_ms:g} ms. Those are conventions and settings, no law."
        )
    )
    return Content("\n\n").join(blocks)


def _about_run(ended: EndedRun, bands: Bands) -> Content:
    run, figures = ended.run, ended.figures
    lines = []
    if run.trace.fault is not None:
        lines.append(bad(run.trace.fault.sentence))
    first = first_text_band(figures["ttfv_s"], bands)
    if first is not None:
        lines.append(_band("first text", words.seconds(figures["ttfv_s"]), first))
    gaps = gap_band(figures["gap_p50_ms"], bands)
    if gaps is not None:
        lines.append(_band("gaps", words.milliseconds(figures["gap_p50_ms"]), gaps))
    lines += [plain(note.sentence) for note in run_notes(run)]
    name = f"{run.channel} {run.trace.mode}"
    heading = Content.styled(name, f"bold {_STYLES[run.channel]}")
    return _list(heading, lines or [muted("nothing to remark")])


def _band(what: str, value: str, band: Band) -> Content:
    return Content.assemble(f"{what} {value}: {band.mark} ", (band.word, "bold"))


def _list(heading: Content, lines: Sequence[Content]) -> Content:
    return Content("\n").join([heading, *(Content.assemble("• ", line) for line in lines)])
