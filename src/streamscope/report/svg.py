"""A small canvas for plots: standalone SVG, light and dark, without scripts, all text escaped."""

import html
import itertools
import math
from collections.abc import Sequence
from typing import Literal

from streamscope.report.words import plain

Anchor = Literal["start", "middle", "end"]

WIDTH = 720

_LEAST_SPAN = 1e-300
"""Numbers nearer to each other have no ticks between them that floats could hold."""

# The colours of A, B and the reader are those of the app's own themes, light and dark.
_STYLE = """
.plot{--a:#985400;--b:#0a2a6b;--r:#5b3fa3;--ink:#1c1c1c;--faint:#d5d5d5;--paper:#ffffff;
font:13px system-ui,-apple-system,"Segoe UI",sans-serif}
@media (prefers-color-scheme:dark){.plot{--a:#ffc857;--b:#4f9ae8;--r:#b9a7f2;--ink:#e4e4e4;
--faint:#444b55;--paper:#15181c}}
@media print{.plot{--a:#985400;--b:#0a2a6b;--r:#5b3fa3;--ink:#000;--faint:#ccc;--paper:#fff}}
.plot text{fill:var(--ink)}.plot .title{font-weight:600}.plot .paper{fill:var(--paper)}
.plot .grid{stroke:var(--faint);stroke-width:1}.plot .axis{stroke:var(--ink);stroke-width:1}
.plot .line{fill:none;stroke-width:2.5;stroke-linejoin:round}
.plot .a{stroke:var(--a)}.plot .b{stroke:var(--b);stroke-dasharray:7 4}
.plot .r{stroke:var(--r);stroke-dasharray:2 4}
.plot .solid{stroke-dasharray:none}
.plot .fa{fill:var(--a)}.plot .fb{fill:var(--b)}.plot .fr{fill:var(--r)}
.plot .light{fill-opacity:.35}
"""


def escape(text: str) -> str:
    """Make any text safe within SVG or HTML, between tags and in quotes, and on one line."""
    return html.escape(plain(text), quote=True)


class Scale:
    """From numbers to pixels, linearly, with round ticks."""

    def __init__(self, least: float, most: float, start: float, end: float) -> None:
        """Map ``least`` to ``start`` and ``most`` to ``end``, in pixels."""
        self.least, self.most = least, most if most - least > _LEAST_SPAN else least + 1.0
        self.start, self.end = start, end

    def __call__(self, value: float) -> float:
        """Return the place of a value, kept within the scale."""
        share = (value - self.least) / (self.most - self.least)
        return self.start + min(1.0, max(0.0, share)) * (self.end - self.start)

    def ticks(self, about: int = 5) -> list[float]:
        """Return round values on the scale: about so many."""
        rough = (self.most - self.least) / about
        power: float = 10.0 ** math.floor(math.log10(rough))
        step = next(s * power for s in (1, 2, 5, 10) if s * power >= rough * 0.999)
        first = math.ceil(self.least / step - 1e-9)
        last = math.floor(self.most / step + 1e-9)
        return [round(i * step, 12) for i in range(first, last + 1)]


class Canvas:
    """Elements of one picture, in the order in which they are drawn."""

    def __init__(self, height: int, title: str, description: str, width: int = WIDTH) -> None:
        """Begin a picture of so many pixels; title and description are for those who can't see."""
        self.width, self.height = width, height
        self._title, self._description = escape(title), escape(description)
        self._elements: list[str] = []

    def path(
        self, points: Sequence[tuple[float, float]], style: str, *, steps: bool = False
    ) -> None:
        """Draw a line through points, or a staircase."""
        if not points:
            return
        parts = [f"M{points[0][0]:.1f} {points[0][1]:.1f}"]
        for (_, above), (x, y) in itertools.pairwise(points):
            if steps and y != above:
                parts.append(f"L{x:.1f} {above:.1f}")
            parts.append(f"L{x:.1f} {y:.1f}")
        self._elements.append(f'<path class="line {style}" d="{"".join(parts)}"/>')

    def line(self, x1: float, y1: float, x2: float, y2: float, style: str) -> None:
        """Draw a straight line."""
        self._elements.append(
            f'<line class="{style}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'
        )

    def dot(self, x: float, y: float, radius: float, style: str) -> None:
        """Draw a filled circle."""
        self._elements.append(
            f'<circle class="{style}" cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}"/>'
        )

    def box(self, x: float, y: float, width: float, height: float, style: str) -> None:
        """Draw a filled rectangle."""
        self._elements.append(
            f'<rect class="{style}" x="{x:.1f}" y="{y:.1f}" '
            f'width="{max(0.0, width):.1f}" height="{max(0.0, height):.1f}"/>'
        )

    def text(
        self, x: float, y: float, words: str, anchor: Anchor = "start", style: str = ""
    ) -> None:
        """Write a line of text, of any origin."""
        name = f' class="{style}"' if style else ""
        self._elements.append(
            f'<text{name} x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'
        )

    def render(self) -> str:
        """Return the picture."""
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" class="plot" role="img" '
            f'viewBox="0 0 {self.width} {self.height}" '
            f'width="{self.width}" height="{self.height}" '
            f'aria-label="{self._title}. {self._description}">'
            f"<title>{self._title}</title><desc>{self._description}</desc>"
            f"<style>{_STYLE}</style>"
            f'<rect class="paper" width="{self.width}" height="{self.height}"/>'
            + "".join(self._elements)
            + "</svg>"
        )
