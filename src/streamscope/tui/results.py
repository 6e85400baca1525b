"""What came of runs, in words: exact figures, what a pair shows, medians over repeats."""

from collections.abc import Mapping

from textual.content import Content

from streamscope.measure.figures import BY_NAME, Figures
from streamscope.measure.notes import pair_notes, run_notes
from streamscope.measure.statistics import median
from streamscope.report import words
from streamscope.trace import ChannelName, Layout, Mode
from streamscope.trial.session import Memory
from streamscope.tui.ended import EndedRun
from streamscope.tui.faces import bad, figure_line, muted, plain


def final_figures(figures: Figures, mode: Mode) -> Content:
    """Return the exact figures of a run."""
    rate_name = next(
        (
            name
            for name in ("visible_tok_per_s", "e2e_visible_tok_per_s", "e2e_tok_per_s")
            if figures[name] is not None
        ),
        "chunks_per_s",
    )
    rate = _value(figures, rate_name)
    if rate == words.NONE:
        rate = f"{words.NONE} tok/s"
    tokens = _value(figures, "output_tokens")
    chunks = _value(figures, "chunks")
    counted = f"{chunks} ch" if tokens == words.NONE != chunks else f"{tokens} tok"
    whole = " e2e" if rate_name.startswith("e2e") and rate != words.NONE else ""
    return figure_line(_value(figures, "ttfv_s"), rate + whole, counted, mode=mode)


def _value(figures: Figures, name: str) -> str:
    return words.figure_words(BY_NAME[name], figures[name], estimated=name in figures.estimated)


# ---------------------------------------------------------------------------- what came of it


def verdict(last: Mapping[ChannelName, EndedRun], *, contended: bool) -> Content:
    """Return what the last pair shows, in words that claim no more than it does, and remarks.

    Args:
        last: The runs, by side.
        contended: Whether two live requests disturb each other on this server.
    """
    lines: list[Content] = []
    if {"A", "B"} <= last.keys():
        a, b = last["A"], last["B"]
        first = (a.figures["ttfv_s"], b.figures["ttfv_s"])
        total = (a.figures["total_s"], b.figures["total_s"])
        if first[0] and first[1] and a.run.trace.fault is None and b.run.trace.fault is None:
            line = f"First text {words.sooner(first[0], first[1])}"
            if total[0] and total[1]:
                # One pair can't tell a difference from noise: both numbers, and no claim.
                line += f"; total {words.seconds(total[0])} and {words.seconds(total[1])}"
            if contended and a.run.layout == "race":
                line = f"A race, in which one may have waited for the other: {line}"
            lines.append(Content.styled(f"{line}.", "bold $verdict"))
        remarks = [*run_notes(a.run), *run_notes(b.run), *pair_notes(a.run, b.run)]
    else:
        remarks = [note for ended in last.values() for note in run_notes(ended.run)]
    for ended in last.values():
        fault = ended.run.trace.fault
        if fault is not None:
            lines.append(bad(f"{ended.run.channel}: {fault.sentence}"))
    known = dict.fromkeys(
        note.sentence for note in remarks if note.code not in ("simulated", "demo-model")
    )
    lines += [plain(f"· {sentence}", "$text-muted") for sentence in known]
    return Content("\n").join(lines)


# --------------------------------------------------------------------------------------- history

_LABELS = {"ttfv_s": "first", "total_s": "total", "e2e_tok_per_s": "e2e", "output_tokens": "tokens"}
_ENOUGH = 6
"""Repeats from which the median of a mode has a 95 % interval (metrics, chapter on small n)."""

_FEW_NEAR = 0.2
"""Below that, medians are only called different when a person would notice (Weber fraction)."""

_NAME_WIDTH, _CELL_WIDTH = 8, 12


def history_title(memory: Memory, layout: Layout) -> str:
    """Return the title of the panel."""
    measured = any(values.n for values in memory.values.values())
    medians_ = " · medians" if measured else ""
    return f"history · this prompt, this target, {layout}{medians_}"


def medians(memory: Memory) -> Content:
    """Return the medians of both modes side by side, with what was left out."""
    stream, blocking = memory.values.get("stream"), memory.values.get("blocking")
    if stream is None or blocking is None or not (stream.n or blocking.n):
        return muted("Nothing measured yet. enter runs the prompt, ctrl+n repeats it for medians.")
    lines = [
        muted(
            f"{_number(stream.n, blocking.n):<{_NAME_WIDTH}}"
            f"{'A stream':<{_CELL_WIDTH}}{'B blocking':<{_CELL_WIDTH}}A vs B"
        )
    ]
    near = words.NEAR if min(stream.n, blocking.n) >= _ENOUGH else _FEW_NEAR
    for row in _LABELS:
        figure = BY_NAME[row]
        a, b = (
            median(values) if (values := side.values.get(row)) else None
            for side in (stream, blocking)
        )
        label = _LABELS[row]
        versus = words.versus(figure, a, b, near=near)
        lines.append(
            Content.assemble(
                (f"{label:<{_NAME_WIDTH}}", "$text-muted"),
                (f"{_cell(figure.name, a):<{_CELL_WIDTH}}", "$channel-a"),
                (f"{_cell(figure.name, b):<{_CELL_WIDTH}}", "$channel-b"),
                versus,
            )
        )
    out = {
        reason: stream.excluded.get(reason, 0) + blocking.excluded.get(reason, 0)
        for reason in (*stream.excluded, *blocking.excluded)
        if reason != "warmup"
    }
    if out:
        told = ", ".join(f"{count} {_REASONS.get(why, why)}" for why, count in out.items())
        lines.append(muted(f"left out: {told}"))
    return Content("\n").join(lines)


def _number(a: int, b: int) -> str:
    return f"n={a}" if a == b else f"n={a},{b}"


_REASONS = {
    "error": "failed",
    "cancelled": "stopped",
    "filter": "withheld",
    "unfinished": "unfinished",
    "version": "of another server version",
}


def _cell(name: str, value: float | None) -> str:
    return words.figure_words(BY_NAME[name], value)


def recent(memory: Memory) -> Content:
    """Return the newest runs, a line each."""
    lines = [muted(f"{'newest runs':<14}{'first':>9}{'total':>10}  ended")] if memory.recent else []
    for row in memory.recent:
        style = "$channel-a" if row.channel == "A" else "$channel-b"
        told = "warm-up" if row.warmup else (row.ended or "?")
        lines.append(
            Content.assemble(
                muted(f"{row.started_utc[11:19]} "),
                (f"{row.channel} ", style),
                f"{'':3}{words.seconds(row.figures.get('ttfv_s')):>9}",
                f"{words.seconds(row.figures.get('total_s')):>10}  ",
                muted(told),
            )
        )
    return Content("\n").join(lines)
