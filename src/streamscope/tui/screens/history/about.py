"""What is told of the highlighted line: of a group, a comparison or a run."""

from datetime import datetime
from typing import Final

from textual.content import Content

from streamscope.history import ComparisonRow, GroupRow, GroupValues, TrendPoint
from streamscope.measure.figures import BY_NAME, Figures
from streamscope.measure.notes import run_notes
from streamscope.measure.statistics import median, median_interval
from streamscope.measure.verdict import Judgement
from streamscope.report import words
from streamscope.report.finding_words import finding_cell
from streamscope.report.verdict_words import (
    evidence,
    verdict_sentence,
)
from streamscope.sides import Sides
from streamscope.trace import Mode, Run
from streamscope.tui import naming, when
from streamscope.tui.faces import bad, muted, plain
from streamscope.tui.screens.history import reads
from streamscope.tui.screens.history.lines import (
    CHANNEL_STYLES,
    SIDE_STYLES,
    channels_words,
    conditions,
    model_words,
    plan_words,
    tag_words,
)
from streamscope.tui.screens.history.reads import AboutComparison, AboutGroup
from streamscope.tui.widgets.sanitize import one_line
from streamscope.tui.widgets.trend import Series

_LABEL, _CELL, _NARROW_CELL = 12, 27, 24
_WIDE = 12 + 2 * 27 + 15
_MODES: Final[tuple[Mode, Mode]] = ("stream", "blocking")
HEADS: Final[dict[Mode, str]] = {"stream": "streamed", "blocking": "blocking"}
_SHORT_HEADS: Final[dict[Mode, str]] = {"stream": "stream", "blocking": "block"}
_OUT: Final = {
    "cancelled": "stopped",
    "error": "failed",
    "filter": "withheld",
    "older": "older",
    "unfinished": "unfinished",
    "busy": "on a busy machine",
    "version": "of another server version",
    "warmup": "warm-ups",
}
_ONE: Final = {"warmup": "warm-up"}
_NAMES: Final = {
    "done_s": "total (end mark)",
    "server_tok_per_s": "tok/s",
    "e2e_tok_per_s": "tok/s e2e",
}
_PREVIEW: Final = 600
_MOST_OTHERS: Final = 3


# ---------------------------------------------------------------------------------------- groups


def group_page(row: GroupRow, about: AboutGroup, now: datetime, width: int) -> Content:
    """Say what a group is, what its pairs show, and its medians with their intervals."""
    lines = [_asked(row, now, width)]
    if row.note or row.tags:
        lines.append(_remembered(row.note, row.tags))
    lines.append(_group_verdict(about))
    lines += medians_table(about, width)
    if not series_of(about) and about.judgement.n:
        lines.append(muted("over time: one comparison so far, and a trend takes two"))
    return Content("\n").join(lines)


def series_of(about: AboutGroup) -> tuple[Series, ...]:
    """Return what is drawn of a group over time; nothing for a single comparison."""
    known: tuple[tuple[str, Mode, list[TrendPoint]], ...] = (
        ("first streamed", "stream", about.first),
        ("total streamed", "stream", about.total),
        ("total blocking", "blocking", about.total),
    )
    drawn = ((label, mode, reads.medians(points, mode)) for label, mode, points in known)
    return tuple(
        Series(label=label, style=SIDE_STYLES[mode], values=values)
        for label, mode, values in drawn
        if len(values) > 1
    )


def span_of(about: AboutGroup, now: datetime) -> str:
    """Say what the bars are, and from when to when they reach."""
    points = about.total or about.first
    if not points:
        return ""
    ends = [points[0].started_utc, points[-1].started_utc]
    first, last = (when.day(end, now) for end in ends)
    if first == last:
        first, last = (when.moment(end, now) for end in ends)
    newest = "newest " if len(points) >= reads.MOST_POINTS else ""
    return f"medians of the {newest}{len(points)} comparisons, {first} to {last}"


def medians_table(about: AboutGroup, width: int) -> list[Content]:
    """Return medians and intervals of both modes, and what was found of each figure."""
    judgement = about.judgement
    rate = judgement.rate.name if judgement.rate.n else _known_rate(about)
    wide = width >= _WIDE
    cell = _CELL if wide else _NARROW_CELL
    heads = [
        (f"{_head(mode, about.values[mode], wide=wide):<{cell}}", SIDE_STYLES[mode])
        for mode in _MODES
    ]
    lines = [Content.assemble(" " * _LABEL, *heads, ("stream vs block", "$text-muted"))]
    for name, finding in (
        ("ttfv_s", judgement.first),
        ("total_s", judgement.total),
        (rate, judgement.rate),
    ):
        if not any(about.values[mode].values[name] for mode in _MODES):
            continue
        cells = [(_cell(name, about.values[mode]), SIDE_STYLES[mode]) for mode in _MODES]
        lines.append(
            Content.assemble(
                (f"{short_name(name):<{_LABEL}}", "$text-muted"),
                *((f"{text:<{cell}}", style) for text, style in cells),
                finding_cell(finding, judgement) if finding.n else words.NONE,
            )
        )
    out = _left_out(about)
    return [*lines, muted(f"left out: {out}")] if out else lines


def _asked(row: GroupRow, now: datetime, width: int) -> Content:
    """Say on one line what was asked of whom, and how often; the end may be cut."""
    request, target = row.request, row.target
    place = "" if row.group.engine else target.url.partition("//")[2]
    parts = [
        f"{conditions(row)}{model_words(target, row.group.engine)}",
        *([place] if place else []),
        runs_words(row.runs),
        f"newest {when.ago(row.started_utc, now)}",
        *([target.protocol] if target.protocol else []),
        *(["system text"] if request.system else []),
        *([] if request.temperature is None else [f"temperature {request.temperature:g}"]),
        *([] if request.max_tokens is None else [f"at most {request.max_tokens} tokens"]),
        *([] if request.think is None else [f"think {_think(request.think)}"]),
    ]
    return muted(one_line(" · ".join(parts), width))


def _think(think: bool | str) -> str:
    return think if isinstance(think, str) else "on" if think else "off"


def _remembered(note: str, tags: tuple[str, ...]) -> Content:
    return Content.assemble(
        plain(tag_words(tags), "$accent"), "  " if tags and note else "", plain(note, "italic")
    )


def _verdict(judgement: Judgement) -> Content:
    if not judgement.n:
        return muted("No pair of which both runs ended well: nothing to compare yet.")
    return Content.styled(words.plain(verdict_sentence(judgement)), "bold $verdict")


def _group_verdict(about: AboutGroup) -> Content:
    """Say what a group's own pairs show: of a stream and a whole answer of one server."""
    if about.judgement.n or not about.others:
        return _verdict(about.judgement)
    # One contest may be there more than once: an engine of ours has another port at each start.
    named = list(dict.fromkeys(channels_words(sides) for sides in about.others))
    others = ", ".join(named[:_MOST_OTHERS])
    more = ", …" if len(named) > _MOST_OTHERS else ""
    return muted(
        "No streamed run of this was paired with a blocking one. What it was compared with, enter"
        f" opens: {others}{more}."
    )


def _known_rate(about: AboutGroup) -> str:
    return next(
        (name for name in reads.RATES if about.values["stream"].values[name]), reads.RATES[-1]
    )


def _head(mode: Mode, values: GroupValues, *, wide: bool) -> str:
    interval = median_interval(range(values.n))
    coverage = f", {words.percent(interval.coverage)} CI" if interval else ""
    name = HEADS[mode] if wide else _SHORT_HEADS[mode]
    return f"{name} n={values.n}{coverage}"


def short_name(name: str) -> str:
    """Name a figure where there is little room."""
    return _NAMES.get(name, BY_NAME[name].label)


def _cell(name: str, values: GroupValues) -> str:
    """Write a median with its interval: ``0.24 s 0.23–0.26``; a dash where there is none."""
    known = values.values[name]
    if not known:
        return words.NONE
    figure = BY_NAME[name]
    said = words.figure_words(figure, median(known))
    if "tok" in name:
        said = said.split(" ")[0]
    interval = median_interval(known)
    if interval is None:
        return said
    bounds = words.range_words(figure, interval.low, interval.high)
    text = f"{said}  {bounds}"
    fewer = f" n={len(known)}" if len(known) != values.n else ""
    return text + fewer if len(text + fewer) < _NARROW_CELL else text


def _left_out(about: AboutGroup) -> str:
    counts: dict[str, int] = {}
    for mode in _MODES:
        for reason, count in about.values[mode].excluded.items():
            counts[reason] = counts.get(reason, 0) + count
    return ", ".join(f"{count} {_reason(reason, count)}" for reason, count in counts.items())


def _reason(reason: str, count: int) -> str:
    """Name why so many runs are left out."""
    one = _ONE.get(reason) if count == 1 else None
    return one or _OUT.get(reason, reason)


def runs_words(count: int) -> str:
    """Write a number of runs."""
    return f"{words.count(count)} {'run' if count == 1 else 'runs'}"


# ----------------------------------------------------------------------------------- comparisons


def comparison_page(row: ComparisonRow, about: AboutComparison, width: int) -> Content:
    """Say how a comparison was made and what it shows."""
    plan = plan_words(about.comparison.plan)
    lines = [
        muted(one_line(f"{plan} · {runs_words(row.runs)} · {row.comparison_id[:8]}", width)),
        *_channels(about.comparison.sides, width),
        *([_remembered(row.note, row.tags)] if row.note or row.tags else []),
        _verdict(about.judgement),
    ]
    if about.judgement.n > 1:
        lines += [Content(f"· {words.plain(said)}") for said in evidence(about.judgement)]
    faults = [run.trace.fault.sentence for run in about.comparison.runs if run.trace.fault]
    lines += [bad(sentence) for sentence in dict.fromkeys(faults)]
    return Content("\n").join(lines)


def _channels(sides: Sides | None, width: int) -> list[Content]:
    """Say what was compared; nothing where that is one server's two ways to deliver."""
    if sides is None or sides.question == "delivery":
        return []
    return [
        Content.styled(naming.pane_title(sides, name, width), f"bold {style}")
        for name, style in CHANNEL_STYLES.items()
    ]


# ------------------------------------------------------------------------------------------ runs


def run_page(run: Run, figures: Figures) -> Content:
    """Say how a run went, what must be known about it, and how its answer begins."""
    trace = run.trace
    shown = ("ttfb_s", "ttfv_s", "total_s", "gap_p50_ms", "gap_p95_ms", "visible_tok_per_s")
    told = [
        f"{BY_NAME[name].label} "
        + words.figure_words(BY_NAME[name], figures[name], estimated=name in figures.estimated)
        for name in shown
        if figures[name] is not None
    ]
    version = f" · server {one_line(run.server_version, 20)}" if run.server_version else ""
    lines = [
        muted(f"run {run.run_id[:8]} · clock: {trace.known_clock or 'not known'}{version}"),
        *([bad(trace.fault.sentence)] if trace.fault else []),
        Content(" · ".join(told) or "It has no figures."),
        *(plain(f"· {note.sentence}", "$text-muted") for note in run_notes(run)),
        Content(),
        Content(one_line(trace.text(), _PREVIEW) or "It has no answer."),
    ]
    return Content("\n").join(lines)
