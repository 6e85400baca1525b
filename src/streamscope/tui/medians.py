"""What is remembered of a prompt, in words: the medians of both channels."""

from textual.content import Content

from streamscope.history import GroupValues
from streamscope.measure.figures import BY_NAME
from streamscope.measure.statistics import median
from streamscope.measure.verdict import Finding, Judgement
from streamscope.report import words
from streamscope.report.finding_words import beside_tested, finding_cell, untested_mark
from streamscope.sides import Sides
from streamscope.trace import ChannelName, Mode
from streamscope.trial.past import Memory
from streamscope.tui.faces import muted
from streamscope.tui.naming import column_head
from streamscope.tui.widgets.sanitize import one_line

_LABELS = {
    "ttfv_s": "first",
    "total_s": "total",
    "server_tok_per_s": "server",
    "e2e_tok_per_s": "e2e",
    "e2e_char_per_s": "chars/s",
    "output_tokens": "tokens",
    "gap_p95_ms": "gap p95",
    "stalls": "stalls",
}
"""The rows, the most telling first: where there is little room, the last ones are not seen."""

_TOKEN_RATES = ("server_tok_per_s", "e2e_tok_per_s")
_TEXT_RATES = ("e2e_char_per_s",)
_RATES = (*_TOKEN_RATES, *_TEXT_RATES)
"""Of these one is shown: the one that was judged, or else the first that both sides have. Of two
models, whose tokens are no common unit, it is that of characters."""

_NOTHING = "Nothing measured yet. enter runs the prompt, ctrl+n compares over many pairs."
"""What stands in the panel of a prompt that has no runs."""

_NONE_COUNTS = "No run that counts yet. enter runs the prompt, ctrl+n compares over many pairs."
"""What stands there where all runs were left out."""

COMING = "Nothing measured yet: the medians come with the first pair."
"""What stands there while its first runs are under way."""

_NAME_WIDTH, _CELL_WIDTH, _VERSUS_WIDTH = 8, 12, 15
_PROMPT_WIDTH = 24

_CHANNELS: tuple[ChannelName, ...] = ("A", "B")


def history_title(memory: Memory, how: str, sides: Sides | None = None, prompt: str = "") -> str:
    """Return the title of the panel.

    Args:
        memory: The figures.
        how: How they were measured: ``apart``, ``race · cold``.
        sides: The channels; ``None`` for the stream and the whole answer of one server.
        prompt: What was asked, where that is not what stands in the editor.
    """
    measured = any(values.n for values in memory.values.values())
    medians_ = " · medians" if measured else ""
    usual = sides is None or sides.question == "delivery"
    whose = "this target" if usual else "these two channels"
    asked = f"“{one_line(prompt, _PROMPT_WIDTH)}”" if prompt else "this prompt"
    return f"history · {asked}, {whose}, {how}{medians_}"


def medians(
    memory: Memory,
    judgement: Judgement | None = None,
    sides: Sides | None = None,
    width: int = 0,
    *,
    under_way: bool = False,
) -> Content:
    """Return the medians of both channels side by side, with what was left out.

    Args:
        memory: The figures.
        judgement: What the pairs among them show: where that was tested, it is said instead of
            how the medians stand to each other.
        sides: The channels; ``None`` for the stream and the whole answer of one server.
        width: Cells that there are, for names that are long.
        under_way: Whether runs are being made, which will be among them.
    """
    nothing = COMING if under_way else _NOTHING
    a, b = memory.values.get("A"), memory.values.get("B")
    if a is None or b is None:
        return muted(nothing)
    left_out = _left_out(a, b, sides)
    if not (a.n or b.n):
        if left_out and not under_way:
            nothing = _NONE_COUNTS
        return muted("\n".join([nothing, *left_out]))
    cell = _cell_width(sides, width)
    modes: dict[ChannelName, Mode] = {
        "A": "stream" if sides is None else sides.a.mode,
        "B": "blocking" if sides is None else sides.b.mode,
    }
    heads = [f"{column_head(sides, name, mode, cell - 2):<{cell}}" for name, mode in modes.items()]
    return Content("\n").join(
        [
            muted(f"{_number(a.n, b.n):<{_NAME_WIDTH}}{''.join(heads)}A vs B"),
            *(_line(row, a, b, judgement, cell) for row in _rows(a, b, judgement, sides)),
            *(muted(line) for line in left_out),
        ]
    )


def _line(
    row: str, a: GroupValues, b: GroupValues, judgement: Judgement | None, cell: int
) -> Content:
    """Return the medians of one figure."""
    figure = BY_NAME[row]
    both = [median(values) if (values := side.values.get(row)) else None for side in (a, b)]
    versus = beside_tested(
        untested_mark(figure, both[0], both[1], min(a.n, b.n)),
        judgement if judgement is not None and judgement.n > 1 else None,
    )
    if finding := _finding(judgement, row):
        versus = finding_cell(finding, judgement)
    return Content.assemble(
        (f"{_LABELS[row]:<{_NAME_WIDTH}}", "$text-muted"),
        *(
            (f"{_cell(figure.name, value):<{cell}}", f"$channel-{side}")
            for side, value in zip("ab", both, strict=True)
        ),
        versus,
    )


def _cell_width(sides: Sides | None, width: int) -> int:
    """Return the width of a column: names of servers and models may take what room there is."""
    if sides is None or sides.question == "delivery":
        return _CELL_WIDTH
    longest = max(len(column_head(sides, name, "stream", 99)) for name in _CHANNELS) + 2
    room = (width - _NAME_WIDTH - _VERSUS_WIDTH) // 2
    return max(_CELL_WIDTH, min(longest, room))


def _rows(
    a: GroupValues, b: GroupValues, judgement: Judgement | None, sides: Sides | None
) -> list[str]:
    """Return the names of the figures that are shown."""
    rates = _TEXT_RATES if sides is not None and sides.question == "models" else _TOKEN_RATES
    known = [name for name in rates if a.values.get(name) and b.values.get(name)]
    rate = next(iter(known), rates[-1])
    if judgement is not None and judgement.rate.name in known:
        rate = judgement.rate.name
    return [name for name in _LABELS if name == rate or name not in _RATES]


def _finding(judgement: Judgement | None, row: str) -> Finding | None:
    """Return what was found of a row's figure, if it was tested."""
    if judgement is None or judgement.n < 2:
        return None
    total = judgement.total if row == "total_s" else None
    found = (total, judgement.first, judgement.rate)
    return next((each for each in found if each and (each is total or each.name == row)), None)


def _left_out(a: GroupValues, b: GroupValues, sides: Sides | None) -> list[str]:
    """Say how many runs are not in the medians, and why; nothing if all are."""
    # Runs of a channel that is compared with itself are the same runs.
    counted = [a] if sides is not None and not sides.differ else [a, b]
    out: dict[str, int] = {}
    for values in counted:
        for reason, count in values.excluded.items():
            if reason != "warmup":
                out[reason] = out.get(reason, 0) + count
    told = ", ".join(f"{count} {_REASONS.get(why, why)}" for why, count in out.items())
    return [f"left out: {told}"] if told else []


def _number(a: int, b: int) -> str:
    return f"n={a}" if a == b else f"n={a},{b}"


_REASONS = {
    "error": "failed",
    "cancelled": "stopped",
    "filter": "withheld",
    "unfinished": "unfinished",
    "busy": "on a busy machine",
    "version": "of another server version",
}


def _cell(name: str, value: float | None) -> str:
    return words.figure_words(BY_NAME[name], value)
