"""A run that is over, with what was computed from it: what screens hand around."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from streamscope.trace import Run

if TYPE_CHECKING:
    from streamscope.measure.figures import Figures


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedRun:
    """A run and its figures."""

    run: Run
    figures: "Figures"
