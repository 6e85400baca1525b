"""The plots of a report: what could be read when, how the runs spread, how evenly text came."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

import msgspec

from streamscope.measure.reader import Curves
from streamscope.measure.statistics import median, percentile
from streamscope.report.svg import Canvas, Scale
from streamscope.report.words import milliseconds, seconds

_LEFT, _RIGHT, _TOP, _BOTTOM = 80, 20, 40, 44
_LEGEND = 26
"""Room for a line below the title."""
_ROW = 34
_LABEL = 168
_BARS = 24


class SpreadRow(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the plot of medians.

    Attributes:
        label: What it shows.
        side: Which channel it belongs to.
        values: The value of each run.
        low: Lower bound of the median's interval, where there is one.
        high: Upper bound.
    """

    label: str
    side: Literal["a", "b"]
    values: Sequence[float]
    low: float | None = None
    high: float | None = None


class Lines(msgspec.Struct, frozen=True, kw_only=True):
    """What the lines of the plot of what could be read are called, and how they are drawn.

    Attributes:
        names: In the legend, of A and B, and of the reader.
        said: In its description, of A and B.
        steps: Which of A and B come all at once.
        one_text: Whether both are expected to be the same text.
    """

    names: tuple[str, str, str] = ("A streaming", "B blocking", "the reader")
    said: tuple[str, str] = ("streamed", "blocking")
    steps: tuple[bool, bool] = (False, True)
    one_text: bool = True


USUAL = Lines()


def readable_plot(
    curves: Curves, title: str = "What could be read, when", lines: Lines = USUAL
) -> str:
    """Draw how much could be read by each moment: a ramp, a step, and the reader between them."""
    most = max([1.0, *curves.a, *curves.b])
    canvas = Canvas(300 + _LEGEND, title, _readable_words(curves, lines, most))
    top = _TOP + _LEGEND
    x = Scale(0, curves.end_s, _LEFT, canvas.width - _RIGHT)
    y = Scale(0, most * 1.05, canvas.height - _BOTTOM, top)
    canvas.text(_LEFT, 20, title, style="title")
    _axes(canvas, x, y, "seconds since the request was sent", f"{curves.unit}s")
    for side, style, steps in zip((curves.a, curves.b), "ab", lines.steps, strict=True):
        points = [(x(t), y(value)) for t, value in zip(curves.times_s, side, strict=False)]
        canvas.path(points, style, steps=steps)
    canvas.path(
        [(x(t), y(value)) for t, value in zip(curves.times_s, curves.reader, strict=False)], "r"
    )
    _legend(canvas, list(zip("abr", lines.names, strict=True)))
    return canvas.render()


def _readable_words(curves: Curves, lines: Lines, most: float) -> str:
    """Say when half could be read: of the same text of both, or of either's own."""
    words = [f"{most:,.0f} {curves.unit}s over {seconds(curves.end_s)}."]
    if curves.a and curves.b:
        halves = (most / 2, most / 2) if lines.one_text else (curves.a[-1] / 2, curves.b[-1] / 2)
        sides = (curves.a, curves.b)
        when = (_when(curves, side, half) for side, half in zip(sides, halves, strict=True))
        both = ", ".join(f"{at} {name}" for at, name in zip(when, lines.said, strict=True))
        words.append(f"Half of {'it' if lines.one_text else 'each'} could be read after {both};")
        read = curves.reader[-1] if curves.reader else 0.0
        words.append(f"{lines.names[2].replace('the', 'a', 1)} had read {read:,.0f} by the end.")
    return " ".join(words)


def spread_plot(rows: Sequence[SpreadRow], title: str = "Runs, medians and their intervals") -> str:
    """Draw each run as a pale dot, each median as a full one, its interval as a whisker, in s."""
    shown = [row for row in rows if row.values]
    said = "; ".join(f"{row.label}: median {seconds(median(row.values))}" for row in shown)
    canvas = Canvas(_TOP + _ROW * max(1, len(shown)) + _BOTTOM, title, said or "No runs.")
    most = max([value for row in shown for value in row.values], default=1.0)
    x = Scale(0, most * 1.05, _LABEL, canvas.width - _RIGHT)
    bottom = canvas.height - _BOTTOM
    for tick in x.ticks():
        canvas.line(x(tick), _TOP - 8, x(tick), bottom, "grid")
        canvas.text(x(tick), bottom + 18, f"{tick:,g}", "middle")
    canvas.line(_LABEL, bottom, canvas.width - _RIGHT, bottom, "axis")
    canvas.text((_LABEL + canvas.width) / 2, canvas.height - 8, "seconds", "middle")
    canvas.text(16, 20, title, style="title")
    for index, row in enumerate(shown):
        middle = _TOP + _ROW * (index + 0.5)
        canvas.text(_LABEL - 12, middle + 4, row.label, "end")
        for value in row.values:
            canvas.dot(x(value), middle + 7, 3, f"f{row.side} light")
        if row.low is not None and row.high is not None:
            canvas.line(x(row.low), middle - 3, x(row.high), middle - 3, f"line {row.side} solid")
            for bound in (row.low, row.high):
                canvas.line(x(bound), middle - 7, x(bound), middle + 1, f"line {row.side} solid")
        canvas.dot(x(median(row.values)), middle - 3, 5, f"f{row.side}")
    return canvas.render()


def gaps_plot(
    arrivals_ns: Sequence[int],
    title: str = "Gaps between chunks, over time",
    side: Literal["a", "b"] = "a",
) -> str:
    """Draw the gap before each chunk but the first, when it ended, in ms; gaps are no tokens."""
    gaps = [(later / 1e9, (later - before) / 1e6) for before, later in pairwise(arrivals_ns)]
    sizes = sorted(size for _, size in gaps)
    said = "No gaps." if not gaps else _gaps_words(sizes)
    canvas = Canvas(220 + _LEGEND, title, said)
    x = Scale(0, gaps[-1][0] if gaps else 1.0, _LEFT, canvas.width - _RIGHT)
    y = Scale(0, sizes[-1] if sizes else 1.0, canvas.height - _BOTTOM, _TOP + _LEGEND)
    _axes(canvas, x, y, "seconds since the request was sent", "ms")
    for at, size in gaps:
        canvas.line(x(at), y(0), x(at), y(size), f"line {side} solid")
    canvas.text(_LEFT, 20, title, style="title")
    canvas.text(_LEFT, 20 + _LEGEND, said)
    return canvas.render()


def gap_histogram(
    arrivals_ns: Sequence[int],
    title: str = "Gaps between chunks, by length",
    side: Literal["a", "b"] = "a",
) -> str:
    """Draw how many gaps had which length, in ms; those beyond the 99th percentile in the last."""
    sizes = sorted((later - before) / 1e6 for before, later in pairwise(arrivals_ns))
    said = "No gaps." if not sizes else _gaps_words(sizes)
    most = percentile(sizes, 0.99) if sizes else 1.0
    beyond = sum(size > most for size in sizes)
    last = f"last bar: {beyond} longer than {milliseconds(most)}" if beyond else ""
    canvas = Canvas(220, title, f"{said}; {last}" if last else said)
    x = Scale(0, most, _LEFT, canvas.width - _RIGHT)
    counts = [0] * _BARS
    for size in sizes:
        counts[min(_BARS - 1, int(size / x.most * _BARS))] += 1
    y = Scale(0, max(1, *counts), canvas.height - _BOTTOM, _TOP)
    _axes(canvas, x, y, "ms", "gaps")
    width = (x.end - x.start) / _BARS
    for index, number in enumerate(counts):
        top = y(number)
        canvas.box(x.start + index * width + 1, top, width - 2, y(0) - top, f"f{side}")
    canvas.text(_LEFT, 20, title, style="title")
    canvas.text(canvas.width - _RIGHT, 20, last, "end")
    return canvas.render()


def _gaps_words(ordered: Sequence[float]) -> str:
    return (
        f"median {milliseconds(median(ordered))}, 95th percentile"
        f" {milliseconds(percentile(ordered, 0.95))}, longest {milliseconds(ordered[-1])}"
    )


def _when(curves: Curves, side: Sequence[int], amount: float) -> str:
    pairs = zip(curves.times_s, side, strict=False)
    return seconds(next((t for t, value in pairs if value >= amount), None))


def _axes(canvas: Canvas, x: Scale, y: Scale, below: str, beside: str) -> None:
    bottom = canvas.height - _BOTTOM
    for tick in y.ticks(4):
        canvas.line(_LEFT, y(tick), canvas.width - _RIGHT, y(tick), "grid")
        canvas.text(_LEFT - 8, y(tick) + 4, f"{tick:,g}", "end")
    for tick in x.ticks(8):
        canvas.line(x(tick), bottom, x(tick), bottom + 5, "axis")
        canvas.text(x(tick), bottom + 19, f"{tick:,g}", "middle")
    canvas.line(_LEFT, bottom, canvas.width - _RIGHT, bottom, "axis")
    canvas.text((_LEFT + canvas.width) / 2, canvas.height - 6, below, "middle")
    canvas.text(_LEFT - 8, y.end - 14, beside, "end")


def _legend(canvas: Canvas, entries: Sequence[tuple[str, str]]) -> None:
    """Name the lines by their strokes, not by colour alone, below the title."""
    left, at = float(_LEFT), 20 + _LEGEND
    for style, words in entries:
        canvas.line(left, at - 4, left + 30, at - 4, f"line {style}")
        canvas.text(left + 36, at, words)
        left += 60 + 7.5 * len(words)
