"""What the screen says: values to words and colours. Every state has a word, never only a colour.

All texts are made of parts with a style; nothing that a server sent is read as markup.
"""

from textual.content import Content

from streamscope.measure.figures import FIGURES, Figures
from streamscope.measure.live import LiveFigures
from streamscope.measure.notes import pair_notes, run_notes
from streamscope.measure.phases import Phase, PhaseName
from streamscope.measure.statistics import median
from streamscope.report import words
from streamscope.trace import ChannelName, Ended, Layout, Mode, Trace
from streamscope.trial.plan import Plan, Step
from streamscope.trial.session import Memory, Setup
from streamscope.tui.ended import EndedRun
from streamscope.tui.widgets.sanitize import one_line

FIGURE = {figure.name: figure for figure in FIGURES}

PHASES: dict[PhaseName, tuple[str, str]] = {
    "connecting": ("○ connecting", "$text-muted"),
    "sending": ("○ sending", "$text-muted"),
    "waiting": ("◌ waiting for text", "$text-muted"),
    "thinking": ("◍ thinking", "$dim-lane"),
    "answering": ("● answering", "$good"),
    "calling": ("● calling a tool", "$good"),
    "receiving": ("◌ receiving, not readable yet", "$text-muted"),
    "finishing": ("● finishing", "$good"),
    "done": ("✓ done", "$good"),
    "incomplete": ("! incomplete", "$warn"),
    "failed": ("✗ failed", "$bad"),
    "stopped": ("■ stopped", "$warn"),
}
"""Glyph, word and colour of each phase."""

READY: dict[Mode, str] = {
    "stream": "The answer will appear here\nword by word.",
    "blocking": "The answer will appear here\nall at once.",
}
"""What stands in a pane before the first run."""

TURN_COMES = """\
Its turn comes next: measured one after the other,
so that neither slows the other."""
"""What stands in a pane while the other one is measured."""

NOT_RUN = "It was not run: the comparison ended before its turn."
"""What stands in a pane whose turn never came."""

WITHOUT_SERVER = "f4 chooses another server, enter looks again."
"""What stands in the other pane when there is no server."""

EMPTY_ANSWER: dict[Ended, str] = {
    "stop": "The answer was empty.",
    "length": "The token limit was reached before the answer began.",
    "tool": "The model called a tool instead of answering.",
    "filter": "The server withheld the answer.",
    "incomplete": "The connection ended before any text came.",
    "error": "Nothing came.",
    "cancelled": "Stopped before anything could be read.",
}
"""What stands in a pane whose run brought no text."""

LAYOUTS: dict[Layout, str] = {
    "apart": "Apart: one run after the other, then both are played again on one clock.",
    "race": "Race: both requests at once. A server with one slot lets the second one wait.",
}
"""What the two layouts mean."""

HELP = """
Type a prompt and press `enter` (or `ctrl+r`). It is sent to the same model twice: **A** shows the
answer as it is made, **B** shows it whole. On a server with one slot the two are measured one
after the other and then played again together; with `ctrl+t` they race.

Nothing that streaming does makes the model faster. It changes *when the first word can be read*.

**first** is the time from sending the request to the first text of the answer, thinking not
counted. **total** ends with the last text. **tok/s** is the rate at which the answer became
visible, from the server's own token count; `~` marks an estimate, `ch/s` counts chunks where the
server counts no tokens; `e2e` counts from sending the request. **gaps** are the times between
chunks, which may hold several tokens. Connecting comes before the clock starts.

Drag with the mouse to select text, `ctrl+c` copies it.
"""
"""The beginning of the help page; the list of commands follows it."""


def muted(text: str) -> Content:
    """Return text that stands back."""
    return Content.styled(text, "$text-muted")


def bad(text: str) -> Content:
    """Return a problem."""
    return Content.styled(one_line(text, 400), "$bad")


def _plain(text: str, style: str = "") -> Content:
    return Content.styled(one_line(text, 200), style) if style else Content(one_line(text, 200))


# ------------------------------------------------------------------------------------ title line


def title(setup: Setup | None, *, short: bool) -> Content:
    """Return what is measured; without its protocol where there is little room."""
    name = Content.styled("streamscope", "bold $accent")
    if setup is None:
        return name
    target = setup.target
    named = ("" if short else target.protocol, target.model, setup.place)
    parts = [part for part in named if part]
    if setup.engine == "simulator":
        parts = ["simulated", *parts[:-1]]
    return Content.assemble(name, "  ", _plain(" · ".join(parts)))


def state(layout: Layout, doing: str) -> Content:
    """Return how it is measured, and what is being done."""
    if doing:
        return Content.assemble((doing, "bold"), (f" · {layout}", "$text-muted"))
    return muted(layout)


def doing(step: Step, plan: Plan) -> str:
    """Name the run that is under way."""
    if step.warmup:
        return "warm-up"
    pair = f"pair {step.pair} of {plan.pairs}" if plan.pairs > 1 else "measuring"
    side = "A and B" if plan.layout == "race" else step.channel
    return f"{pair} · {side}"


def replaying(position_s: float, speed: float, *, playing: bool, finished: bool) -> str:
    """Name what the replay is doing."""
    if finished:
        return ""
    what = "replay" if playing else "paused"
    factor = "" if speed == 1 else f" {speed:g}×"
    return f"{what}{factor} {position_s:5.1f} s"


def notice(setup: Setup) -> Content:
    """Return why this server was chosen, and what must be known about it."""
    if setup.caution:
        return Content.assemble(
            _plain(setup.caution, "$warn"), "  ", _plain(setup.reason, "$text-muted")
        )
    return _plain(setup.reason, "$text-muted")


def progress(doing: str, share: float | None) -> Content:
    """Return what is being done before there is a server."""
    words_ = _plain(doing[:1].upper() + doing[1:] + " …", "$text-muted")
    if share is None:
        return words_
    full = round(max(0.0, min(1.0, share)) * 20)
    return Content.assemble(
        words_, "  ", ("━" * full, "$accent"), ("━" * (20 - full), "$border-blurred")
    )


def waiting_run(pairs: int) -> Content:
    """Say that the prompt will run as soon as it can."""
    return muted("runs as soon as it is ready") if pairs else Content()


# ------------------------------------------------------------------------------------------ panes


def clock(now_ns: int, *, final: bool = False) -> Content:
    """Return the clock of a pane; its width never changes."""
    return Content.styled(words.seconds_fixed(max(0, now_ns) / 1e9), "bold" if final else "")


def starting(*, warmup: bool) -> Content:
    """Return the status of a run whose request is not out yet."""
    word, style = PHASES["connecting"]
    return Content.styled(f"{word}{' · warm-up' if warmup else ''}", style)


def phase_line(at: Phase, trace: Trace, *, warmup: bool) -> Content:
    """Return the phase of a run under way, by name, with the time it has lasted."""
    word, style = PHASES[at.name]
    if warmup:
        return Content.styled("◌ warm-up: loads the model, is dropped", "$text-muted")
    if at.name == "waiting" and trace.mode == "blocking":
        word = "◌ waiting for all of it"
    if at.name in ("thinking", "waiting") and trace.mode == "stream":
        return Content.styled(f"{word} {at.elapsed_s:.1f} s", style)
    return Content.styled(word, style)


def final_line(name: PhaseName, trace: Trace) -> Content:
    """Return how a run ended."""
    word, style = PHASES[name]
    if trace.ended == "length":
        word = "✓ done, at the token limit"
    elif trace.ended == "filter":
        word = "! withheld by the server"
    elif trace.fault is not None and trace.chunks:
        return Content.styled(one_line(f"{word}: {trace.fault.sentence}", 200), style)
    return Content.styled(word, style)


def _figure_line(first: str, rate: str, tokens: str) -> Content:
    muted_ = "$text-muted"
    return Content.assemble(
        ("first ", muted_), first, (" · ", muted_), rate, (" · ", muted_), tokens
    )


def no_figures() -> Content:
    """Return the line of figures of an empty pane."""
    return _figure_line(words.NONE, f"{words.NONE} tok/s", f"{words.NONE} tok")


def live_figures(live: LiveFigures, mode: Mode) -> Content:
    """Return the figures of a run under way: chunks, as nobody has counted tokens yet."""
    if mode == "blocking":
        return no_figures()
    rate = live.chunks_per_s
    return _figure_line(
        words.seconds(live.ttfv_s),
        f"{words.NONE} ch/s" if rate is None else f"~{rate:5.1f} ch/s",
        f"{live.chunks} ch",
    )


def final_figures(figures: Figures) -> Content:
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
    return _figure_line(_value(figures, "ttfv_s"), rate + whole, counted)


def _value(figures: Figures, name: str) -> str:
    return words.figure_words(FIGURE[name], figures[name], estimated=name in figures.estimated)


# ---------------------------------------------------------------------------- what came of it


def verdict(last: dict[ChannelName, EndedRun]) -> Content:
    """Return what the last pair shows, in words that claim no more than it does, and remarks."""
    lines: list[Content] = []
    if {"A", "B"} <= last.keys():
        a, b = last["A"], last["B"]
        first = (a.figures["ttfv_s"], b.figures["ttfv_s"])
        total = (a.figures["total_s"], b.figures["total_s"])
        if first[0] and first[1]:
            line = f"First text {words.sooner(first[0], first[1])}"
            if total[0] and total[1]:
                line += f"; {_totals(total[0], total[1])}"
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
    lines += [_plain(f"· {sentence}", "$text-muted") for sentence in known]
    return Content("\n").join(lines)


def _totals(a_s: float, b_s: float) -> str:
    both = f"({words.seconds(a_s)} and {words.seconds(b_s)})"
    versus = words.versus(FIGURE["total_s"], a_s, b_s)
    return f"total {'about the same' if versus == '≈' else versus} {both}"


# --------------------------------------------------------------------------------------- history

_LABELS = {"ttfv_s": "first", "total_s": "total", "rate": "rate", "output_tokens": "tokens"}
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
    for row in _LABELS:
        names = (row, row)
        if row == "rate":
            names = ("visible_tok_per_s", "e2e_visible_tok_per_s")
        figure = FIGURE[names[0]]
        a, b = (
            median(values) if (values := side.values.get(name)) else None
            for side, name in zip((stream, blocking), names, strict=True)
        )
        if row == "rate" and a is None:
            figure = FIGURE["chunks_per_s"]
            a = median(found) if (found := stream.values.get("chunks_per_s")) else None
        label = _LABELS[row]
        versus = words.versus(figure, a, b) if row != "rate" else ""
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
    return words.figure_words(FIGURE[name], value)


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
