"""The one table of a report: a row for each comparison and mode, medians with their intervals."""

from collections.abc import Sequence

from streamscope.measure.figures import BY_NAME
from streamscope.report.sections import Section
from streamscope.report.summary import Spread
from streamscope.report.words import NONE, figure_words, percent, range_words

_RATES = ("server_tok_per_s", "e2e_tok_per_s")


def medians_table(made: Sequence[Section]) -> tuple[list[str], list[list[str]]]:
    """Return the names of the columns, and the rows.

    Figures are named as everywhere. Of the rates it has those that serve any of the comparisons
    best, a column each: two rates never share one.
    """
    rates = dict.fromkeys(rate for section in made if (rate := _rate(section)))
    names = ["ttfv_s", "total_s", *(name for name in _RATES if name in rates), "output_tokens"]
    head = ["scenario", "mode", *(BY_NAME[name].label for name in names), "n"]
    return head, [row for section in made for row in _rows(section, names)]


def coverage_words(made: Sequence[Section]) -> str:
    """Say how much the intervals in this table can be believed."""
    said = []
    for section in made:
        for channel, figures in section.summary.figures.items():
            known = {spread.coverage for spread in figures.values() if spread.coverage is not None}
            words = f"{percent(max(known))} intervals" if known else "no intervals"
            said.append(f"{channel}: n={section.summary.counts[channel].pooled}, {words}")
    return f"Medians, intervals in brackets ({'; '.join(dict.fromkeys(said))})."


def _rate(section: Section) -> str:
    sides = section.summary.figures.values()
    return next((name for name in _RATES if any(name in side for side in sides)), "")


def _rows(section: Section, names: Sequence[str]) -> list[list[str]]:
    rows = []
    for channel in section.comparison.channels():
        mode = section.comparison.of(channel)[0].trace.mode
        cells = [_cell(name, section.summary.spread(channel, name)) for name in names]
        pooled = section.summary.counts[channel].pooled
        rows.append([section.title, mode, *cells, str(pooled)])
    return rows


def _cell(name: str, spread: Spread | None) -> str:
    if spread is None:
        return NONE
    figure = BY_NAME[name]
    words = figure_words(figure, spread.median, estimated=spread.estimated)
    if spread.low is None or spread.high is None or spread.low == spread.high:
        return words
    return f"{words} ({range_words(figure, spread.low, spread.high)})"
