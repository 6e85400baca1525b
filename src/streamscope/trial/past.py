"""What the history knows of a request on two channels: medians, pairs, and what was stopped."""

from collections.abc import Mapping
from typing import get_args

import msgspec

from streamscope.history import ComparisonRow, Group, GroupValues, History, HistoryError, Part
from streamscope.measure.figures import Figures, measure
from streamscope.measure.verdict import PairFigures
from streamscope.trace import ChannelName, Layout, Regime, Request, Run
from streamscope.trial.plan import Course
from streamscope.trial.setup import Matchup
from streamscope.trial.trial import is_complete

REMEMBERED = (
    "ttfv_s",
    "total_s",
    "server_tok_per_s",
    "e2e_tok_per_s",
    "e2e_char_per_s",
    "output_tokens",
    "gap_p95_ms",
    "stalls",
)
"""Figures of which the history panel shows medians."""

EVIDENCE = (
    "ttfv_s",
    "t_any_s",
    "total_s",
    "done_s",
    "benefit_s",
    "share",
    "visible_tok_per_s",
    "server_tok_per_s",
    "e2e_tok_per_s",
    "e2e_char_per_s",
    "chunks_per_s",
    "output_tokens",
    "visible_tokens",
    "hidden_tokens",
)
"""Figures that a verdict and the advice rest on."""


LOOK_BACK = 8
"""Newest comparisons of a server among which one of these two channels is looked for."""


class Memory(msgspec.Struct, frozen=True, kw_only=True):
    """What the history knows of a prompt on a target.

    Attributes:
        values: Figures of the runs that may be pooled, by channel.
    """

    values: Mapping[ChannelName, GroupValues]


class Past:
    """The runs that were made before, as far as they are of the same request and channels."""

    def __init__(self, history: History | None, *, include_busy: bool = False) -> None:
        """Look into a history.

        Args:
            history: Where runs are kept; ``None`` if they are not: then nothing is known.
            include_busy: Whether runs on a busy machine count.
        """
        self._history = history
        self._include_busy = include_busy

    def memory(
        self, matchup: Matchup, request: Request, layout: Layout, regime: Regime = "warm"
    ) -> Memory:
        """Return what the history knows of a request on two channels, measured in one way.

        Raises:
            HistoryError: It can't be read.
        """
        if self._history is None:
            return Memory(values={})
        values: dict[ChannelName, GroupValues] = {}
        for name, part in _parts(matchup, request, layout, regime).items():
            values[name] = self._history.values(part.group, REMEMBERED)[part.mode]
        return Memory(values=values)

    def pairs(
        self, matchup: Matchup, request: Request, layout: Layout, regime: Regime = "warm"
    ) -> list[PairFigures]:
        """Return the figures of all whole pairs of a request on two channels, the oldest first.

        Raises:
            HistoryError: The history can't be read.
        """
        if self._history is None:
            return []
        parts = _parts(matchup, request, layout, regime)
        return [
            PairFigures(a=pair.a, b=pair.b, same_output=pair.same_output)
            for pair in self._history.pairs(parts["A"], parts["B"], EVIDENCE)
        ]

    def unfinished(self, matchup: Matchup, request: Request) -> Course | None:
        """Return the newest comparison of a request, if it was stopped and can go on."""
        if self._history is None:
            return None
        parts = [_parts(matchup, request, "apart", regime) for regime in get_args(Regime)]
        try:
            found = [row for each in parts if (row := self._newest(each)) is not None]
            series = [(row, row.plan) for row in found if row.plan and row.plan.repeat > 1]
            if not series:
                return None
            newest, plan = max(series, key=lambda each: each[0].started_utc)
            _, runs = self._history.comparison(newest.comparison_id)
        except HistoryError:
            return None
        course = Course(
            plan=plan,
            comparison_id=newest.comparison_id,
            runs=tuple(runs),
            include_busy=self._include_busy,
        )
        return None if is_complete(course) else course

    def _newest(self, parts: Mapping[ChannelName, Part]) -> ComparisonRow | None:
        """Return the newest comparison of two channels, of the newest few of the first.

        Raises:
            HistoryError: The history can't be read.
        """
        if self._history is None:
            return None
        rows = self._history.comparisons(LOOK_BACK, parts["A"].group)
        return next((row for row in rows if row.parts == parts), None)

    def last_pair(
        self, matchup: Matchup, request: Request, layout: Layout, regime: Regime = "warm"
    ) -> list[tuple[Run, Figures]]:
        """Return the newest whole pair of a request on two channels, A first, with its figures.

        Nothing where there is none.
        """
        if self._history is None:
            return []
        parts = _parts(matchup, request, layout, regime)
        try:
            pair = self._history.last_pair(parts["A"], parts["B"])
        except HistoryError:
            return []
        return [(run, measure(run.trace)) for run in pair or ()]

    def prompts(self, contains: str = "") -> list[str]:
        """Return older prompts that contain a text, newest first; none where they can't be read."""
        if self._history is None:
            return []
        try:
            return self._history.prompts(contains)
        except HistoryError:
            return []


def _parts(
    matchup: Matchup, request: Request, layout: Layout, regime: Regime = "warm"
) -> dict[ChannelName, Part]:
    """Return which runs of the history each channel's are."""
    return {
        name: Part(
            group=Group.asked(
                channel.target, channel.request, engine=channel.engine, layout=layout, regime=regime
            ),
            mode=channel.mode,
        )
        for name, channel in matchup.channels(request).items()
    }
