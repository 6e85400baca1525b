"""The votes of a blind test: kept, counted, and held against the real waits."""

import math
from collections.abc import Callable, Iterable
from concurrent.futures import Future, wait
from datetime import UTC, datetime

import msgspec

from streamscope.history import Group, History, HistoryError, VoteRow
from streamscope.measure.blind import Tally, Vote, tally
from streamscope.measure.inference import Estimate
from streamscope.measure.statistics import median
from streamscope.trace import Mode
from streamscope.trial.blind import Round, Subjects, fair_coin

SAVING_S = 5.0
"""How long the results wait for votes that are still to be written, s."""


class Wait(msgspec.Struct, frozen=True, kw_only=True):
    """How long one way of delivery let people wait before they could read: felt, and really.

    Attributes:
        felt_s: Median of what was said, s.
        real_s: Median of the real waits of the same votes, s.
        ratio: Felt over real, median over the votes; ``None`` where a real wait is not known.
        n: Number of answers.
    """

    felt_s: float
    real_s: float
    ratio: Estimate | None
    n: int


class Results(msgspec.Struct, frozen=True, kw_only=True):
    """What votes come to.

    Attributes:
        now: The votes of this test.
        before: Earlier ones about the same prompt and target.
        together: All of them.
        waits: Of all of them, by mode; a mode is missing where nothing was said.
        rounds: The rounds of this test with a vote, in order.
        problems: What went wrong in keeping or reading votes; sentences.
    """

    now: Tally
    before: Tally
    together: Tally
    waits: dict[Mode, Wait]
    rounds: tuple[Round, ...]
    problems: tuple[str, ...]


class BlindTest:
    """Rounds about one pair, and the votes that came of them."""

    def __init__(
        self,
        pair: Subjects,
        history: History | None,
        *,
        coin: Callable[[], bool] = fair_coin,
    ) -> None:
        """Prepare.

        Args:
            pair: What is voted on.
            history: Where votes are kept; ``None`` to forget them afterwards.
            coin: Whether the stream goes to the left in the next round.
        """
        self._pair = pair
        self._history = history
        self._coin = coin
        self._rounds: list[Round] = []
        self._rows: list[VoteRow] = []
        self._saving: list[Future[None]] = []

    @property
    def votes(self) -> int:
        """Number of votes so far."""
        return len(self._rows)

    def draw(self) -> Round:
        """Return a new round, its sides drawn by lot."""
        return Round(self._pair, stream_left=self._coin())

    def keep(self, done: Round) -> None:
        """Count the vote of a round, with as many estimates as were given; return at once."""
        now = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        row = done.row(now)
        if row is None:
            return
        self._rounds.append(done)
        self._rows.append(row)
        if self._history is not None:
            self._saving.append(self._history.vote(row))

    def results(self) -> Results:
        """Count all votes. Waits for those that are being written, so call it in a thread."""
        problems = self._unsaved()
        before: list[VoteRow] = []
        if self._history is not None:
            try:
                kept = self._history.votes(Group.of(self._pair["stream"].run))
                before = [row for row in kept if row not in self._rows]
            except HistoryError as error:
                problems.append(str(error))
        together = [*before, *self._rows]
        counted = tally([_vote(row) for row in together])
        waits: dict[Mode, Wait | None] = {
            "stream": _wait(
                ((row.felt_stream_s, row.first_s) for row in together), counted.felt.stream_first
            ),
            "blocking": _wait(
                ((row.felt_blocking_s, row.blocking_s) for row in together), counted.felt.blocking
            ),
        }
        return Results(
            now=tally([_vote(row) for row in self._rows]),
            before=tally([_vote(row) for row in before]),
            together=counted,
            waits={mode: each for mode, each in waits.items() if each is not None},
            rounds=tuple(self._rounds),
            problems=tuple(dict.fromkeys(problems)),
        )

    def _unsaved(self) -> list[str]:
        """Return why votes could not be kept, once that is known."""
        done, late = wait(self._saving, timeout=SAVING_S)
        problems = [str(error) for each in done if (error := each.exception()) is not None]
        if late:
            problems.append("The history is busy: the votes of this test are not written yet.")
        return problems


def _vote(row: VoteRow) -> Vote:
    """Return a vote as it is counted; a real time that nobody knows is no number."""
    return Vote(
        choice=row.choice,
        felt_stream_s=row.felt_stream_s,
        felt_blocking_s=row.felt_blocking_s,
        real_stream_first_s=math.nan if row.first_s is None else row.first_s,
        real_stream_total_s=math.nan if row.stream_total_s is None else row.stream_total_s,
        real_blocking_s=math.nan if row.blocking_s is None else row.blocking_s,
    )


def _wait(
    pairs: Iterable[tuple[float | None, float | None]], ratio: Estimate | None
) -> Wait | None:
    known = [(felt, real) for felt, real in pairs if felt is not None and real is not None]
    if not known:
        return None
    return Wait(
        felt_s=median([felt for felt, _ in known]),
        real_s=median([real for _, real in known]),
        ratio=ratio,
        n=len(known),
    )
