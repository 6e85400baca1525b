"""A run that is over, with what was computed from it: what screens hand around."""

import msgspec

from streamscope.measure.figures import Figures
from streamscope.trace import Run


class EndedRun(msgspec.Struct, frozen=True, kw_only=True):
    """A run and its figures."""

    run: Run
    figures: Figures
