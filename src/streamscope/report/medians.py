"""The one table of a report: a row for each comparison and channel, medians and intervals."""

from collections.abc import Sequence

from streamscope.measure.figures import BY_NAME
from streamscope.report.channels import head
from streamscope.report.sections import Section
from streamscope.report.summary import Spread
from streamscope.report.words import NONE, figure_words, percent, range_words

_RATES = ("server_tok_per_s", "e2e_tok_per_s")
_OF_MODELS = "e2e_char_per_s"
"""The rate of two models, whose tokens are no common unit."""


def medians_table(made: Sequence[Section]) -> tuple[list[str], list[list[str]]]:
    """Return the names of the columns, and the rows.

    Figures are named as everywhere. Of the rates it has those that serve any of the comparisons
    best, a column each: two rates never share one.
    """
    wanted = dict.fromkeys(rate for section in made if (rate := _rate(section)))
    rates = [name for name in (*_RATES, _OF_MODELS) if name in wanted]
    names = ["ttfv_s", "total_s", *rates, "output_tokens"]
    usual = all(section.comparison.question == "delivery" for section in made)
    labels = (BY_NAME[name].label for name in names)
    columns = ["scenario", "mode" if usual else "channel", *labels, "n"]
    return columns, [row for section in made for row in _rows(section, names, usual=usual)]


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
    rates = (_OF_MODELS,) if section.comparison.question == "models" else _RATES
    return next((name for name in rates if any(name in side for side in sides)), "")


def _rows(section: Section, names: Sequence[str], *, usual: bool) -> list[list[str]]:
    rows, sides = [], section.comparison.sides
    for channel in section.comparison.channels():
        mode = section.comparison.of(channel)[0].trace.mode
        cells = [_cell(name, section.summary.spread(channel, name)) for name in names]
        pooled = section.summary.counts[channel].pooled
        which = mode if usual else head(sides, channel, mode)
        rows.append([section.title, which, *cells, str(pooled)])
    return rows


def _cell(name: str, spread: Spread | None) -> str:
    if spread is None:
        return NONE
    figure = BY_NAME[name]
    words = figure_words(figure, spread.median, estimated=spread.estimated)
    if spread.low is None or spread.high is None or spread.low == spread.high:
        return words
    return f"{words} ({range_words(figure, spread.low, spread.high)})"
