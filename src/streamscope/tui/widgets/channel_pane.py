"""One side of the comparison: its phase and clock, its bar in time, its text, its figures."""

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content

from streamscope.measure.conventions import Bands
from streamscope.measure.live import LiveFigures
from streamscope.measure.phases import PhaseName, phase
from streamscope.measure.values import NS_PER_S
from streamscope.trace import SUMMARY_FLAG, Chunk, Mode, Trace
from streamscope.trial.replay import end_ns
from streamscope.tui import faces
from streamscope.tui.ended import EndedRun
from streamscope.tui.widgets.ends import Ends
from streamscope.tui.widgets.gap_strip import GapStrip
from streamscope.tui.widgets.phase_track import PhaseTrack, Stretch
from streamscope.tui.widgets.sanitize import one_line
from streamscope.tui.widgets.text_pane import TextPane

WAITING: dict[Mode, str] = {
    "stream": "nothing to read yet",
    "blocking": "waiting, nothing to read:\nthe answer comes whole or not at all",
}
"""What stands in an empty pane while its run is under way."""


class ChannelPane(Vertical):
    """A pane. It is told of a run as it happens, live or in a replay, and draws it."""

    HELP = """
    ## The panes

    The upper line names the phase and shows the clock, from the moment at which the request was
    sent; when the run is over it shows the total, to the last text. While text comes, chunks are
    counted: how many tokens they hold, the server tells at the end. The bar shows time: `·` nothing
    to read, `░` thinking, `█` the answer arrives, `▌` the answer came whole. Both bars have the
    same scale. Scroll with the arrow keys; select text with the mouse and copy it with `ctrl+c`.
    """

    def __init__(self, channel: str, mode: Mode, *, id: str) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id)
        self.channel = channel
        self._own_mode = self.mode = mode
        self.bands = Bands()
        self.include_busy = False
        self.trace: Trace | None = None
        self._live = LiveFigures()
        self._stretches: list[tuple[int, Stretch]] = []
        self._warmup = False

    def compose(self) -> ComposeResult:
        """Lay out the lines of the pane."""
        yield Ends(classes="status")
        yield PhaseTrack()
        yield TextPane()
        yield Ends(classes="figures")
        yield GapStrip()

    def on_mount(self) -> None:
        """Show the empty pane."""
        self.rest("")

    @property
    def text(self) -> TextPane:
        """The text of the answer."""
        return self.query_one(TextPane)

    def rest(self, why: str, status: str = "ready") -> None:
        """Be empty, and say why."""
        self.trace = None
        self.text.clear()
        self.text.placeholder = why
        self._status.show(faces.muted(status))
        self._figures.show(faces.no_figures(self.mode))
        self._gaps.show_message(self._no_gaps())
        self._track.show((), 0, 0)

    def deliver(self, mode: Mode) -> None:
        """Be for runs that are delivered like this, from the next one on."""
        self._own_mode = self.mode = mode

    def begin(self, mode: Mode | None = None, *, warmup: bool = False) -> None:
        """Get ready for a run.

        Args:
            mode: How it delivers, where that is not this side's own way: a replay can show either
                side's run in either pane.
            warmup: Whether the run is dropped.
        """
        self.mode = mode or self._own_mode
        self.trace = None
        self._warmup = warmup
        self._live = LiveFigures()
        self._stretches = []
        self.text.clear()
        self.text.placeholder = WAITING[self.mode]
        self._status.show(faces.starting(warmup=warmup), faces.clock(0))
        self._figures.show(faces.live_figures(self._live, self.mode))
        self._gaps.show_message(self._no_gaps())
        self._track.show((), 0, 0)

    def take(self, trace: Trace, new: list[Chunk], *, live: bool = False) -> None:
        """Note what happened in the run; drawing waits for the next tick, but for the text.

        Args:
            trace: The run so far.
            new: What came.
            live: Whether it came just now, so that its way to the eye is of interest.
        """
        self.trace = trace
        timed = live and trace.sent_monotonic_ns > 0
        for chunk in new:
            if self.mode == "stream" and SUMMARY_FLAG not in trace.flags:
                self._live.add(chunk)
            kind: Stretch = "answer" if chunk.kind == "answer" else "thinking"
            if not self._stretches or self._stretches[-1][1] != kind:
                self._stretches.append((chunk.t_ns, kind))
            came_ns = trace.sent_monotonic_ns + chunk.t_ns if timed else None
            self.text.append(chunk.kind, chunk.text, came_ns)

    def tick(self, now_ns: int, scale: int) -> None:
        """Draw the run at a moment, ns since sent, on a scale that both panes share."""
        trace = self.trace
        if trace is None:
            return
        at = phase(trace, now_ns, self._live)
        self._status.show(faces.phase_line(at, trace, warmup=self._warmup), faces.clock(now_ns))
        self._draw_track(trace, now_ns, scale)
        if self.mode == "stream":
            self._figures.show(faces.live_figures(self._live, self.mode))
            self._draw_gaps()

    def rescale(self, end: int, scale: int) -> None:
        """Draw the bar of a run that is over on another scale."""
        if self.trace is not None:
            self._draw_track(self.trace, end, scale)

    def finish(self, ended: EndedRun, scale: int) -> None:
        """Draw the exact figures of a run that is over."""
        from streamscope.tui.results import (  # not needed for the first picture
            band_words,
            end_remarks,
            final_figures,
        )

        trace = ended.run.trace
        self.trace = trace
        end = end_ns(trace)
        name: PhaseName = phase(trace, end).name
        ended_line = faces.final_line(name, trace, warmup=ended.run.warmup)
        total_s = ended.figures["total_s"]
        clock = faces.clock(end if total_s is None else round(total_s * NS_PER_S), final=True)
        room = self._status.size.width - ended_line.cell_length - clock.cell_length - 1
        if trace.fault is None and not ended.run.warmup:
            remarks = end_remarks(ended, room, pooled=self.include_busy)
            ended_line = Content.assemble(ended_line, remarks)
        self._status.show(ended_line, clock)
        self._draw_track(trace, end, scale)
        line = final_figures(ended.figures, self.mode)
        room = self._figures.size.width - line.cell_length - 1
        self._figures.show(line, band_words(ended.figures, self.bands, room))
        if trace.fault is not None and not trace.chunks:
            self.text.placeholder = one_line(trace.fault.sentence, 400)
        elif SUMMARY_FLAG in trace.flags:
            self.text.placeholder = faces.ONLY_A_SUMMARY
        elif not trace.chunks:
            self.text.placeholder = faces.EMPTY_ANSWER[trace.ended or "stop"]
        if self.mode == "stream" and SUMMARY_FLAG in trace.flags:
            self._gaps.show_message("no gaps: only a summary was imported")
        elif self.mode == "stream":
            self._draw_gaps()
            if trace.chunks and not self._live.gaps.count:
                self._gaps.show_message("no gaps: it came at once")

    def _draw_track(self, trace: Trace, now_ns: int, scale: int) -> None:
        whole = self.mode == "blocking" and bool(trace.chunks)
        wait: tuple[tuple[int, Stretch], ...] = ((0, "wait"),)
        stretches = wait if whole else (*wait, *self._stretches)
        self._track.show(stretches, now_ns, scale, whole=whole)

    def _draw_gaps(self) -> None:
        gaps = self._live.gaps
        if not gaps.count:
            self._gaps.show_message(self._no_gaps())
            return
        self._gaps.show(
            gaps.bins(max(8, self._gaps.size.width)),
            gaps.median_ms,
            gaps.p95_ms,
            gaps.max_ms,
            gaps.count,
        )

    def _no_gaps(self) -> str:
        return "no gaps: it comes at once" if self.mode == "blocking" else "no gaps yet"

    @property
    def _status(self) -> Ends:
        return self.query_one(".status", Ends)

    @property
    def _figures(self) -> Ends:
        return self.query_one(".figures", Ends)

    @property
    def _gaps(self) -> GapStrip:
        return self.query_one(GapStrip)

    @property
    def _track(self) -> PhaseTrack:
        return self.query_one(PhaseTrack)
