"""Which runs a comparison consists of.

Two live requests on a server with one slot queue behind each other, so runs are measured one at a
time unless a race is asked for. Who goes first in each pair is ``order``'s business.
"""

import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from streamscope.plan import Plan
from streamscope.trace import ChannelName, Mode, Request, Run, Target
from streamscope.trial.order import arrangement

if TYPE_CHECKING:
    from streamscope.wire.base import Protocol

NONCE_BYTES = 4
"""Random bytes in a nonce: enough that no cache has seen it, and always of the same length."""


class Channel(msgspec.Struct, frozen=True, kw_only=True):
    """One side of a comparison.

    Attributes:
        name: The side.
        target: The server.
        mode: How the answer is delivered.
        request: What is asked of it.
        key: The server's key. Never leaves the process but to the probe.
        headers: What is sent beside it, or in its place; the same holds for them.
        proxy: HTTP proxy to go through.
        engine: Name of the engine of ours that answers, or empty.
        server_version: Version of the server, where known.
    """

    name: ChannelName
    target: Target
    mode: Mode
    request: Request
    key: str | None = None
    headers: Mapping[str, str] = {}
    proxy: str | None = None
    engine: str = ""
    server_version: str = ""

    def __repr__(self) -> str:
        return f"Channel({self.name!r}, {self.target!r}, {self.mode!r})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        """Show everything but the key."""
        return [("name", self.name), ("target", self.target), ("mode", self.mode)]


class Course(msgspec.Struct, frozen=True, kw_only=True):
    """A plan, and where in it one stands.

    Attributes:
        plan: The plan.
        prefill_only: Whether a warm-up stops after one token: it loads the model and fills the
            cache, which is all that an interactive pair needs.
        pairs_before: How many pairs of other comparisons went before, for the order of a pair that
            is a comparison of its own.
        retries: How often a run that fails is made again.
        comparison_id: The comparison that is continued; empty for a new one.
        runs: What that one had measured before it was stopped.
        include_busy: Whether runs on a busy machine count.
    """

    plan: Plan = Plan()
    prefill_only: bool = False
    pairs_before: int = 0
    retries: int = 1
    comparison_id: str = ""
    runs: tuple[Run, ...] = ()
    include_busy: bool = False

    def pairs(self) -> list[tuple[Run, Run]]:
        """Return the whole pairs that had been measured before."""
        return whole_pairs(self.runs, include_busy=self.include_busy)

    @property
    def lost(self) -> int:
        """How many pairs had been gone through and do not count."""
        return last_pair(self.runs) - sum(a.pair <= last_pair(self.runs) for a, _ in self.pairs())


class Step(msgspec.Struct, frozen=True):
    """One run of a plan.

    Attributes:
        channel: The side.
        pair: Number of the pair, from 1; 0 for a warm-up.
        position: 1 if it goes first in its pair, 2 if second.
        warmup: Whether it is dropped.
    """

    channel: ChannelName
    pair: int
    position: int
    warmup: bool = False


CHANNELS: tuple[ChannelName, ...] = ("A", "B")


def warmups(course: Course, *, one_server: bool = True) -> Iterator[Step]:
    """Yield the warm-ups, which are dropped.

    Args:
        course: A plan whose warm-ups only prefill needs one run a server, as each has one cache.
        one_server: Whether both channels ask the same model of the same server.
    """
    once = course.prefill_only and one_server
    for _ in range(course.plan.warmup):
        for position, channel in enumerate(CHANNELS[:1] if once else CHANNELS, 1):
            yield Step(channel, 0, position, True)


def pair_steps(course: Course, pair: int) -> tuple[Step, ...]:
    """Return the runs of a pair, numbered from 1, in the order in which they go."""
    plan = course.plan
    block = pair - 1 + course.pairs_before
    sides = arrangement(plan.order, CHANNELS, block, plan.seed)
    return tuple(Step(side, pair, position) for position, side in enumerate(sides, 1))


def to_go(course: Course) -> range:
    """Return the numbers of the pairs that are still to be measured.

    A pair that was gone through and does not count is made good by a further one: runs of another
    day would be no pair with those of it that are good.
    """
    last = last_pair(course.runs)
    return range(last + 1, course.plan.repeat + course.lost + 1)


def last_pair(runs: Sequence[Run]) -> int:
    """Return the number of the last pair that was gone through: one cut short counts as not."""
    sides: dict[int, set[ChannelName]] = {}
    for run in runs:
        if not run.warmup and run.trace.ended != "cancelled":
            sides.setdefault(run.pair, set()).add(run.channel)
    return max((pair for pair, both in sides.items() if len(both) == len(CHANNELS)), default=0)


def whole_pairs(runs: Sequence[Run], *, include_busy: bool = False) -> list[tuple[Run, Run]]:
    """Return the measured pairs of which both runs count, by number of pair.

    A run that failed and was repeated counts as what it became.

    Args:
        runs: All runs of a comparison.
        include_busy: Whether those on a busy machine count.
    """
    good: dict[tuple[int, ChannelName], Run] = {}
    for run in runs:
        if run.trace.ok and not run.warmup and (include_busy or not run.trace.busy):
            good[run.pair, run.channel] = run
    numbers = sorted({pair for pair, _ in good})
    return [
        (good[pair, "A"], good[pair, "B"])
        for pair in numbers
        if (pair, "A") in good and (pair, "B") in good
    ]


def new_nonce() -> str:
    """Return what makes a prompt one that no cache has seen, always of the same length."""
    return secrets.token_hex(NONCE_BYTES)


def asked_request(request: Request, step: Step, course: Course, target: Target) -> Request:
    """Return what a step asks: the request, or only its first token for a warm-up that prefills."""
    if step.warmup and course.prefill_only:
        return _speaker(target).shortest(target, request)
    return request


def meant(requests: Iterable[Request]) -> Request:
    """Return what both channels were to be asked, of what they were asked.

    An engine of ours adds what it needs, so that the request which says least is the person's.

    Args:
        requests: At least one.
    """

    def members(request: Request) -> int:
        known = [value for value in msgspec.structs.astuple(request) if value is not None]
        return len(known) + len(request.params)

    return min(requests, key=members)


def with_nonce(request: Request, nonce: str, target: Target) -> Request:
    """Return a request of which no cache has seen the beginning; itself without a nonce.

    The nonce stands at the very start, because a cache keeps what comes before a difference: in
    the system text, if there is one and the protocol has a place for it, or else in the prompt.
    """
    if not nonce:
        return request
    unsent = _speaker(target).unsent(target, request)
    if request.system and "system" not in unsent:
        return msgspec.structs.replace(request, system=f"[{nonce}] {request.system}")
    return msgspec.structs.replace(request, prompt=f"[{nonce}] {request.prompt}")


def _speaker(target: Target) -> "Protocol":
    from streamscope.wire.registry import protocol  # the first picture needs no protocol

    return protocol(target.protocol)
