"""What the medians, the verdict and the title line are about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from streamscope.plan import Plan
    from streamscope.trace import Layout, Regime, Request


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What was asked, and how it was measured: only what is alike in both is pooled.

    Attributes:
        request: What both channels are asked.
        layout: Whether the runs of a pair are measured apart or at once.
        regime: Whether the prompt may have been cached.
    """

    request: Request
    layout: Layout
    regime: Regime = "warm"

    @classmethod
    def of(cls, request: Request, plan: Plan) -> Subject:
        """Return what the runs of a plan are about."""
        return cls(request=request, layout=plan.layout, regime=plan.regime)

    @property
    def how(self) -> str:
        """Say how it is measured: ``apart``, ``race``, ``apart · cold``."""
        return self.layout if self.regime == "warm" else f"{self.layout} · {self.regime}"
