"""The lists of the history: their columns, and what a row says in them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from streamscope.history import ComparisonRow, GroupRow
from streamscope.measure.figures import BY_NAME, Figures
from streamscope.measure.statistics import median
from streamscope.plan import Plan
from streamscope.report import words
from streamscope.sides import MODE_WORDS, Sides
from streamscope.trace import ChannelName, Mode, Run, Target
from streamscope.tui import naming, when
from streamscope.tui.screens.history.compared import sides_of
from streamscope.tui.screens.history.reads import Medians
from streamscope.tui.widgets.rows import Cell, Column

MARK: Final = "◆"
"""Stands before a group that is to be compared with another one."""

_FIGURE: Final = 8

GROUP_COLUMNS: Final = (
    Column(name="prompt", title="prompt"),
    Column(name="model", title="model", width=15, wide=24),
    Column(name="server", title="server", width=21, least=112, needed=False),
    Column(name="first", title="first", width=_FIGURE, right=True),
    Column(name="a", title="streamed", width=_FIGURE, right=True),
    Column(name="b", title="blocking", width=_FIGURE, right=True),
    Column(name="pairs", title="pairs", width=5, right=True),
    Column(name="busy", title="busy", width=5, right=True, needed=False),
    Column(name="when", title="newest", width=when.AGO_WIDTH, right=True, least=96),
    Column(name="tags", title="tags", width=12, least=88, needed=False),
)

COMPARISON_COLUMNS: Final = (
    Column(name="when", title="begun", width=when.MOMENT_WIDTH),
    Column(name="pairs", title="pairs", width=5, right=True),
    Column(name="failed", title="failed", width=6, right=True, needed=False),
    Column(name="busy", title="busy", width=5, right=True, needed=False),
    Column(name="first", title="first A", width=_FIGURE, right=True),
    Column(name="a", title="total A", width=_FIGURE, right=True),
    Column(name="b", title="total B", width=_FIGURE, right=True),
    Column(name="sides", title="channels", width=24, needed=False),
    Column(name="note", title="note and tags"),
    Column(name="plan", title="plan", width=28, least=128),
)

RUN_COLUMNS: Final = (
    Column(name="pair", title="pair", width=8),
    Column(name="side", title="side", width=10),
    Column(name="asked", title="channel", width=18, needed=False),
    Column(name="first", title="first", width=_FIGURE, right=True),
    Column(name="total", title="total", width=_FIGURE, right=True),
    Column(name="tokens", title="tokens", width=7, right=True),
    Column(name="rate", title="rate", width=11, right=True, least=96),
    Column(name="ended", title="ended", width=10),
    Column(name="flags", title="remarks"),
    Column(name="at", title="at", width=8, right=True, least=96),
)

SIDE_STYLES: Final[Mapping[Mode, str]] = {"stream": "$channel-a", "blocking": "$channel-b"}

CHANNEL_STYLES: Final[Mapping[ChannelName, str]] = {"A": "$channel-a", "B": "$channel-b"}

_ENDED: Final = {
    "stop": "done",
    "length": "at limit",
    "tool": "tool call",
    "filter": "withheld",
    "incomplete": "incomplete",
    "error": "failed",
    "cancelled": "stopped",
}


def model_words(target: Target, engine: str) -> str:
    """Name what answered, in short."""
    if engine == "simulator":
        return "simulated"
    return target.model or target.url.partition("//")[2]


def conditions(row: GroupRow) -> str:
    """Name conditions that are not the usual ones: a race, cold caches; else nothing."""
    unusual = (row.group.layout == "race", "race"), (row.group.regime == "cold", "cold")
    return "".join(f"{word} · " for holds, word in unusual if holds)


def place_words(row: GroupRow) -> str:
    """Name where a group's server is, in short; nothing of an engine of ours."""
    return "" if row.group.engine else row.target.url.partition("//")[2].partition("/")[0]


def group_cells(row: GroupRow, now: datetime, *, marked: bool, place: str = "") -> dict[str, Cell]:
    """Return what a group says.

    Args:
        row: The group.
        now: The present.
        marked: Whether it is to be compared with another one.
        place: Where its server is, if that must be told.
    """
    mark = f"{MARK} " if marked else ""
    stream, blocking = row.values["stream"].values, row.values["blocking"].values
    return {
        "prompt": (f"{mark}{conditions(row)}{row.group.prompt}", "$verdict" if marked else ""),
        "model": (model_words(row.target, row.group.engine), "$text-muted"),
        "server": (place, "$text-muted"),
        "first": (seconds_of(stream["ttfv_s"]), "$channel-a"),
        "a": (seconds_of(stream["total_s"]), "$channel-a"),
        "b": (seconds_of(blocking["total_s"]), "$channel-b"),
        "pairs": (words.count(row.pairs or None), ""),
        "busy": (_some(sum(each.excluded.get("busy", 0) for each in row.values.values())), "$warn"),
        "when": (when.ago(row.started_utc, now), "$text-muted"),
        "tags": (tag_words(row.tags), "$accent"),
    }


def comparison_cells(row: ComparisonRow, medians: Medians, now: datetime) -> dict[str, Cell]:
    """Return what a comparison says."""
    return {
        "when": (when.moment(row.started_utc, now), ""),
        "pairs": (words.count(row.pairs), ""),
        "failed": (_some(row.failed_pairs), "$bad"),
        "busy": (_some(row.busy), "$warn"),
        "first": (words.seconds(medians.first), "$channel-a"),
        "a": (words.seconds(medians.a), "$channel-a"),
        "b": (words.seconds(medians.b), "$channel-b"),
        "sides": (channels_words(sides_of(row)), ""),
        "note": (" ".join(part for part in (tag_words(row.tags), row.note) if part), "$accent"),
        "plan": ("" if row.plan is None else plan_words(row.plan), "$text-muted"),
    }


def channels_words(sides: Sides | None) -> str:
    """Say what was compared with what; nothing where that is one server's two ways to deliver."""
    if sides is None or sides.question == "delivery":
        return ""
    a, b = (MODE_WORDS[side.mode] for side in (sides.a, sides.b))
    return naming.versus(sides) or f"{a} vs {b}"


def run_cells(run: Run, figures: Figures, sides: Sides | None = None) -> dict[str, Cell]:
    """Return what a run says; between channels that have names, whose it is."""
    trace = run.trace
    style = CHANNEL_STYLES[run.channel]
    ended = trace.ended
    end = "unfinished" if ended is None else _ENDED[ended]
    busy = trace.busy and trace.ok
    return {
        "pair": ("warm-up" if run.warmup else f"{run.pair}", "$text-muted" if run.warmup else ""),
        "side": (f"{run.channel} {trace.mode}", style),
        "asked": ("" if sides is None else naming.without_mode(sides, run.channel), style),
        "first": (_figure(figures, "ttfv_s"), style),
        "total": (_figure(figures, "total_s"), style),
        "tokens": (_figure(figures, "output_tokens"), ""),
        "rate": (_figure(figures, "e2e_tok_per_s"), ""),
        "ended": (
            "! busy" if busy else end,
            "$bad" if ended == "error" else "" if trace.ok and not busy else "$warn",
        ),
        "flags": (", ".join(trace.flags), "$text-muted"),
        "at": (when.clock(trace.started_utc), "$text-muted"),
    }


def _some(number: int) -> str:
    """Write a number; nothing where there are none."""
    return words.count(number) if number else ""


def plan_words(plan: Plan) -> str:
    """Say how a comparison was to be made."""
    pairs = "1 pair" if plan.repeat == 1 else f"{plan.repeat} pairs"
    if plan.until is not None:
        pairs = f"until ±{100 * plan.until:g} %"
    how = "race" if plan.layout == "race" else plan.order.upper()
    return f"{pairs}, {how}, {plan.regime}"


def tag_words(tags: tuple[str, ...]) -> str:
    """Write tags as they are searched for."""
    return " ".join(f"#{tag}" for tag in tags)


def seconds_of(values: list[float]) -> str:
    """Write the median of times in seconds; a dash where there are none."""
    return words.seconds(median(values) if values else None)


def _figure(figures: Figures, name: str) -> str:
    return words.figure_words(BY_NAME[name], figures[name], estimated=name in figures.estimated)
