"""A bar in time: how long there was nothing to read, and how long there was.

Both panes draw on the same scale, so that the two bars can be compared at a glance. Every phase
has a glyph of its own; colour only adds to it.
"""

from typing import Literal

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

Stretch = Literal["wait", "thinking", "answer"]
"""What a part of the bar shows: nothing to read, dim thinking, the answer."""

GLYPHS: dict[Stretch, str] = {"wait": "·", "thinking": "░", "answer": "█"}
"""What each part is drawn with."""

ARRIVAL = "▌"
"""An answer that came whole: a moment, not a stretch."""

_NS = 1_000_000_000
_STEPS = (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0)


def scale_ns(needed_ns: int) -> int:
    """Return the length of a scale that holds a duration: round, and not much longer.

    It grows in steps, so that a bar is redrawn at another scale only now and then.
    """
    unit = _NS
    while True:
        for step in _STEPS:
            if needed_ns <= unit * step:
                return int(unit * step)
        unit *= 10


class PhaseTrack(Widget):
    """The bar of one pane."""

    COMPONENT_CLASSES = {
        "phase-track--wait",
        "phase-track--thinking",
        "phase-track--answer",
        "phase-track--rest",
    }
    DEFAULT_CSS = """
    PhaseTrack {
        height: 1;
        width: 1fr;
    }
    PhaseTrack > .phase-track--wait { color: $text-muted; }
    PhaseTrack > .phase-track--thinking { color: $dim-lane; }
    PhaseTrack > .phase-track--answer { color: $primary; }
    PhaseTrack > .phase-track--rest { color: $text-muted; }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id)
        self._stretches: tuple[tuple[int, Stretch], ...] = ()
        self._now_ns = 0
        self._scale_ns = 0
        self._whole = False
        self._cells = ""

    def show(
        self,
        stretches: tuple[tuple[int, Stretch], ...],
        now_ns: int,
        scale: int,
        *,
        whole: bool = False,
    ) -> None:
        """Draw a run up to a moment.

        Args:
            stretches: When each part began, ns since sent, in order.
            now_ns: The moment up to which the bar is drawn.
            scale: The duration that the full width stands for, ns; 0 draws nothing.
            whole: Whether the answer came at once, at ``now_ns``.
        """
        self._stretches, self._now_ns, self._scale_ns = stretches, now_ns, scale
        self._whole = whole
        cells = self._draw(self.size.width)
        if cells != self._cells:
            self._cells = cells
            self.refresh()

    def _draw(self, width: int) -> str:
        """Return one glyph a cell."""
        if not self._scale_ns:
            return ""
        label = f" {self._scale_ns / _NS:g} s"
        width = max(0, width - len(label))
        done = min(width, round(self._now_ns / self._scale_ns * width))
        glyphs = [" "] * width
        for index, (start, kind) in enumerate(self._stretches):
            until = (
                self._stretches[index + 1][0] if index + 1 < len(self._stretches) else self._now_ns
            )
            first = min(width, round(start / self._scale_ns * width))
            last = min(done, round(until / self._scale_ns * width))
            # However short it was, what could be read is seen.
            if kind != "wait" and last <= first < width:
                last = first + 1
            glyphs[first:last] = GLYPHS[kind] * max(0, last - first)
        if self._whole and width:
            glyphs[min(max(0, done - 1), width - 1)] = ARRIVAL
        return "".join(glyphs) + label

    def render_line(self, y: int) -> Strip:  # noqa: ARG002 (Textual's signature)
        """Render the bar."""
        width = self.size.width
        cells = self._draw(width)
        styles = {
            GLYPHS["wait"]: self._style("wait"),
            GLYPHS["thinking"]: self._style("thinking"),
            GLYPHS["answer"]: self._style("answer"),
            ARRIVAL: self._style("answer"),
        }
        rest = self._style("rest")
        segments: list[Segment] = []
        run, style = "", rest
        for cell in cells:
            this = styles.get(cell, rest)
            if this is not style and run:
                segments.append(Segment(run, style))
                run = ""
            run, style = run + cell, this
        segments.append(Segment(run, style))
        return Strip(segments).adjust_cell_length(width, self.rich_style)

    def _style(self, name: str) -> Style:
        return self.get_component_rich_style(f"phase-track--{name}")
