"""What the screen says: values to words and colours. Every state has a word, never only a colour.

All texts are made of parts with a style; nothing that a server sent is read as markup.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content

from streamscope.report import words
from streamscope.tui.naming import contest
from streamscope.tui.widgets.sanitize import one_line

if TYPE_CHECKING:
    from streamscope.measure.live import LiveFigures
    from streamscope.measure.phases import Phase, PhaseName
    from streamscope.trace import ChannelName, Ended, Layout, Mode, Trace
    from streamscope.trial.setup import Matchup

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

BUSY = "A run is under way: esc stops it."
"""Why something can't be done now."""

RUN_KEY = "enter runs it"
"""What stands under the prompt."""

STOP_KEY = "esc stops it"
"""What stands there while a run is under way."""

REPLAY_KEYS = "^g pauses · f8 slower · f9 faster"
"""What stands there while a pair is played again."""

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

RECORDED = "recorded runs · ctrl+g plays them again · enter finds a server and asks it the same"
"""What stands below the title while there is no server because none is needed."""

NO_HISTORY_YET = (
    "Recorded runs: no medians without a server.\nenter finds one, f3 shows all that is kept."
)
"""What stands where medians would, while recorded runs are shown and nothing else is known."""

ONLY_A_SUMMARY = "Only a summary of this run was imported: its text is not known."
"""What stands in a pane whose run has times and no text."""

NOT_RECORDED = "This side was not recorded."
"""What stands in a pane of which there is no run."""

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
after the other and then played again together; with `ctrl+t` they race. `f4` lets each channel ask
a model or a server of its own, and says how both deliver.

Nothing that streaming does makes the model faster. It changes *when the first word can be read*.

**first** is the time from sending the request to the first text of the answer, thinking not
counted. **total** ends with the last text. **tok/s** is the rate at which the answer became
visible, from the server's own token count; `~` marks an estimate, `ch/s` counts chunks where the
server counts no tokens; `e2e` counts from sending the request. **gaps** are the times between
chunks, which may hold several tokens. Connecting comes before the clock starts.

**The verdict** rests on pairs: A's value over B's, with an interval. *Different* means that the
interval leaves out 1; *equivalent* (`≈`) that it surely lies within the margin; *inconclusive* that
neither can be said yet, and about how many more pairs may tell: a guess that is right about three
times in four. `ctrl+n` measures them, `f5` shows the evidence with every formula. In *A vs B*, what
was not tested stands in brackets beside what was; *within 5 %* only says how close two numbers are.

Drag with the mouse to select text, `ctrl+c` copies it.
"""
"""The beginning of the help page; the list of commands follows it."""


def muted(text: str) -> Content:
    """Return text that stands back."""
    return Content.styled(text, "$text-muted")


def bad(text: str) -> Content:
    """Return a problem."""
    return Content.styled(one_line(text, 400), "$bad")


def plain(text: str, style: str = "") -> Content:
    """Return untrusted text on one line."""
    return Content.styled(one_line(text, 200), style) if style else Content(one_line(text, 200))


# ------------------------------------------------------------------------------------ title line


def title(matchup: Matchup | None, *, short: bool) -> Content:
    """Return what is measured; without its protocol where there is little room."""
    name = Content.styled("streamscope", "bold $accent")
    if matchup is None:
        return name
    if not matchup.one_server:
        return Content.assemble(name, "  ", plain(contest(matchup, short=short)))
    setup, target = matchup.a, matchup.a.target
    named = ("" if short else target.protocol, target.model, setup.place)
    parts = [part for part in named if part]
    if setup.engine == "simulator":
        parts = ["simulated", *parts[:-1]]
    return Content.assemble(name, "  ", plain(" · ".join(parts)))


def state(how: str, doing: str, error: str = "") -> Content:
    """Return how it is measured, what is being done, and how wrong times may be: ``±0.05 ms``."""
    how = " · ".join(part for part in (how, error) if part)
    if doing:
        return Content.assemble((doing, "bold"), (f" · {how}", "$text-muted"))
    return muted(how)


def replaying(position_s: float, speed: float, *, playing: bool, finished: bool) -> str:
    """Name what the replay is doing."""
    if finished:
        return ""
    what = "replay" if playing else "paused"
    return f"{what} {speed:g}× {position_s:5.1f} s"


def ready(channel: ChannelName, matchup: Matchup) -> str:
    """Return what stands in a pane before the first run: what will, and why this server."""
    will = READY[matchup.mode(channel)]
    if not matchup.one_server:
        return f"{will}\n\n{one_line(matchup.setup(channel).reason, 200)}"
    return f"{will}\n\n{one_line(matchup.reason, 200)}" if channel == "A" else will


def notice(matchup: Matchup) -> Content:
    """Return why this server was chosen, and what must be known about it."""
    if matchup.caution:
        return plain(matchup.caution, "$warn")
    return plain(matchup.reason, "$text-muted")


def progress(doing: str, share: float | None) -> Content:
    """Return what is being done before there is a server."""
    words_ = plain(doing[:1].upper() + doing[1:] + " …", "$text-muted")
    if share is None:
        return words_
    full = round(max(0.0, min(1.0, share)) * 20)
    return Content.assemble(
        words_, "  ", ("━" * full, "$accent"), ("━" * (20 - full), "$border-blurred")
    )


def waiting_run(*, waits: bool) -> Content:
    """Say that the prompt will run as soon as it can, if one waits."""
    return muted("runs as soon as it is ready") if waits else Content()


# ------------------------------------------------------------------------------------------ panes


def clock(now_ns: int, *, final: bool = False) -> Content:
    """Return the clock of a pane; its width never changes."""
    return Content.styled(words.seconds_fixed(max(0, now_ns) / 1e9), "bold" if final else "")


def starting(*, warmup: bool) -> Content:
    """Return the status of a run whose request is not out yet."""
    word, style = PHASES["connecting"]
    return Content.styled(f"{word}{' · warm-up' if warmup else ''}", style)


def phase_line(at: Phase, trace: Trace, *, warmup: bool) -> Content:
    """Return the phase of a run under way, by name; of thinking also how long it has lasted."""
    word, style = PHASES[at.name]
    if warmup:
        return Content.styled("◌ warm-up: loads the model, is dropped", "$text-muted")
    if at.name == "waiting" and trace.mode == "blocking":
        word = "◌ waiting for all of it"
    if at.name == "thinking" and trace.mode == "stream":  # the clock tells how long a wait was
        return Content.styled(f"{word} {at.elapsed_s:.1f} s", style)
    return Content.styled(word, style)


def final_line(name: PhaseName, trace: Trace, *, warmup: bool = False) -> Content:
    """Return how a run ended."""
    word, style = PHASES[name]
    if warmup and trace.fault is None:
        return Content.styled(f"{word} · warm-up, dropped", "$text-muted")
    if trace.ended == "length":
        word = "✓ done, at the token limit"
    elif trace.ended == "filter":
        word = "! withheld by the server"
    elif trace.fault is not None and trace.chunks:
        return Content.styled(one_line(f"{word}: {trace.fault.sentence}", 200), style)
    return Content.styled(word, style)


def figure_line(first: str, rate: str, tokens: str, *, mode: Mode) -> Content:
    """Return the line of figures of a pane: A's first text came first, B's came all at once."""
    muted_ = "$text-muted"
    return Content.assemble(
        ("first " if mode == "stream" else "at ", muted_),
        first,
        (" · ", muted_),
        rate,
        (" · ", muted_),
        tokens,
    )


def no_figures(mode: Mode) -> Content:
    """Return the line of figures of an empty pane."""
    return figure_line(words.NONE, words.NONE, words.NONE, mode=mode)


def live_figures(live: LiveFigures, mode: Mode) -> Content:
    """Return the figures of a run under way: chunks, as nobody has counted tokens yet.

    Nothing has a unit before there is something to count.
    """
    if mode == "blocking" or not live.chunks:
        return no_figures(mode)
    rate = live.chunks_per_s
    return figure_line(
        words.seconds(live.ttfv_s),
        f"{words.NONE} ch/s" if rate is None else f"{rate:5.1f} ch/s",
        f"{live.chunks} ch",
        mode=mode,
    )
