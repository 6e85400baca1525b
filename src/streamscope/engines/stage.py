"""Where scripts are played on time: slots, loaded models, and what really happened."""

import asyncio
import math
import random
import time
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import contextmanager
from typing import Literal

import msgspec

from streamscope.engines.profiles import Failure, Profile
from streamscope.engines.script import Ask, Kind, Piece, Script, write

FAILURE = "this model fails, as its profile says"
"""What is said of a failure that was asked for."""

LAST_WORDS = "the server is shutting down"
"""What answers that are under way end with when the server has to go."""

PATIENCE_S = 30.0
"""How long a client may take nothing before it is dropped, in seconds."""

_GRAIN_S = 0.001
_FEW = 4
"""Answers at once for which the last fraction of a millisecond is waited for."""


class RefusedError(Exception):
    """A request that gets an HTTP error; its text is the message.

    Attributes:
        status: The HTTP status.
        retry_s: Seconds after which it is worth another try; ``None`` if nobody knows.
    """

    def __init__(self, status: int, message: str, *, retry_s: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.retry_s = retry_s


class FailedError(Exception):
    """An answer that fails on the way, and says so; its text is the message."""


class CutError(Exception):
    """An answer whose connection breaks."""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """How a performance went: as measured, not as planned. Times in nanoseconds.

    Attributes:
        prompt_tokens: Tokens of the prompt.
        thinking_tokens: Tokens of thinking, secret ones included.
        answer_tokens: Tokens of the answer.
        ended: Why it ended.
        load_ns: Loading the model.
        prefill_ns: From the loaded model to the first token.
        decode_ns: From the first token to the last one.
        total_ns: Everything since the request came in, waiting for a slot included.
    """

    prompt_tokens: int
    thinking_tokens: int
    answer_tokens: int
    ended: Literal["stop", "length"]
    load_ns: int
    prefill_ns: int
    decode_ns: int
    total_ns: int

    @property
    def output_tokens(self) -> int:
        """All generated tokens."""
        return self.thinking_tokens + self.answer_tokens


class Stage:
    """The simulated machine: some models, a number of slots, and a clockwork for irregularity.

    Requests beyond the slots wait in the order in which they came.

    Attributes:
        profiles: The models, by name.
        slots: How many requests are answered at once.
        queue: How many more may wait; ``None`` for any number.
        present: Requests that are answered or wait.
        playing: Requests that are answered.
        made: Tokens made so far, for everybody.
        patience_s: How long a client may take nothing before it is dropped, in seconds.
        last_call: Set when nobody is let in any more.
        closing: Set when everybody has to leave.
        caution: What people must know before they trust an answer.
    """

    simulated = True
    """Whether no model answers."""

    def __init__(
        self,
        profiles: Mapping[str, Profile],
        *,
        slots: int = 1,
        queue: int | None = None,
        seed: int = 0,
        patience_s: float = PATIENCE_S,
    ) -> None:
        """Set the stage.

        Args:
            profiles: The models, by name; the first is the one that plain requests get.
            slots: How many requests are answered at once.
            queue: How many more may wait; ``None`` for any number.
            seed: Start of the clockwork: the same requests in the same order get the same times.
            patience_s: How long a client may take nothing before it is dropped, in seconds.
        """
        self.profiles = dict(profiles)
        self.slots = slots
        self.queue = queue
        self.present = 0
        self.made = 0
        self.patience_s = patience_s
        self.last_call = asyncio.Event()
        self.closing = asyncio.Event()
        self.caution = "Simulated: no model answers."
        self.playing = 0
        self._free = asyncio.Semaphore(slots)
        self._clockwork = random.Random(seed)  # noqa: S311 - timing, not a secret
        self._loaded: set[str] = set()

    @property
    def headers(self) -> dict[str, str]:
        """What every answer carries."""
        told = {"x-simulated": "true"} if self.simulated else {}
        return {**told, "cache-control": "no-cache", "x-accel-buffering": "no"}

    @property
    def loaded(self) -> list[str]:
        """The models that need no loading, in the order of the profiles."""
        return [name for name in self.profiles if name in self._loaded]

    async def load(self, model: str) -> int:
        """Load a model; return how long that took, in ns."""
        start = time.monotonic_ns()
        if model not in self._loaded:
            await asyncio.sleep(self.profiles[model].load_s)
            self._loaded.add(model)
        return time.monotonic_ns() - start

    def unload(self, model: str) -> None:
        """Forget a model, so that its next request loads it again."""
        self._loaded.discard(model)

    @contextmanager
    def admitted(self, model: str) -> Iterator[None]:
        """Let a request in, for as long as the context lasts.

        Raises:
            RefusedError: The queue is full, or this model fails before anything is sent.
            CutError: This model breaks the connection before anything is sent.
        """
        profile = self.profiles[model]
        if self.last_call.is_set():
            raise RefusedError(503, LAST_WORDS)
        if self.queue is not None and self.present >= self.slots + self.queue:
            raise RefusedError(
                429,
                f"all {self.slots} slots are taken, and {self.queue} requests wait already",
                retry_s=max(1, math.ceil(profile.usual_s)),
            )
        if profile.failure == "error" and not profile.fail_at:
            raise RefusedError(500, FAILURE)
        if profile.failure == "cut" and not profile.fail_at:
            raise CutError
        self.present += 1
        try:
            yield
        finally:
            self.present -= 1

    async def perform(self, model: str, ask: Ask) -> AsyncGenerator[Piece | Report]:
        """Yield each piece at its time, and at the end the report.

        Close the iterator (``contextlib.aclosing``) to free the slot when the client has left.

        Raises:
            FailedError: The profile has it fail here.
            CutError: The profile has the connection break here.
        """
        came = time.monotonic_ns()
        async with self._free:
            load_ns = await self.load(model)
            self.playing += 1
            try:
                async for item in self._play(model, ask, came, load_ns):
                    yield item
            finally:
                self.playing -= 1

    async def _play(
        self, model: str, ask: Ask, came: int, load_ns: int
    ) -> AsyncGenerator[Piece | Report]:
        """Play a script from its beginning."""
        profile = self.profiles[model]
        script = write(ask, profile, self._clockwork)
        begun = time.monotonic_ns()
        first = last = begun
        counts: dict[Kind, int] = {"reasoning": 0, "answer": 0}
        for piece in script.pieces():
            if profile.failure and sum(counts.values()) >= profile.fail_at:
                break
            # Deadlines count from the beginning: lateness of one gap never adds to the next.
            await _until(begun / 1e9 + piece.at_s, exact=self.playing <= _FEW)
            last = time.monotonic_ns()
            if not sum(counts.values()):
                first = last - _ns(piece.at_s - script.tokens[0].at_s)
            counts[piece.kind] += piece.tokens
            self.made += piece.tokens
            yield piece
        if profile.failure:
            await _fail(profile.failure)
        yield _report(script, counts, came, load_ns, begun, first, last)


async def _fail(failure: Failure) -> None:
    """Fail in the way of a profile."""
    match failure:
        case "error":
            raise FailedError(FAILURE)
        case "cut":
            raise CutError
        case "stall":
            await asyncio.Event().wait()


def _report(
    script: Script,
    counts: dict[Kind, int],
    came: int,
    load_ns: int,
    begun: int,
    first: int,
    last: int,
) -> Report:
    return Report(
        prompt_tokens=script.prompt_tokens,
        thinking_tokens=counts["reasoning"],
        answer_tokens=counts["answer"],
        ended=script.ended,
        load_ns=load_ns,
        prefill_ns=first - begun,
        decode_ns=last - first,
        total_ns=time.monotonic_ns() - came,
    )


def _ns(seconds: float) -> int:
    return round(seconds * 1e9)


async def _until(deadline_s: float, *, exact: bool) -> None:
    """Sleep until a time on the monotonic clock, to some 0.1 ms if that is wanted, else to 1 ms."""
    # Even if it is late: others must get their turn, or nobody would notice that a client left.
    grain_s = _GRAIN_S if exact else 0.0
    await asyncio.sleep(max(0.0, deadline_s - time.monotonic() - grain_s))
    # The event loop rounds its sleeps up to the next millisecond, the kernel does not.
    _doze(deadline_s - time.monotonic())


def _doze(seconds: float) -> None:
    """Sleep for less than a millisecond, the whole loop with us."""
    if seconds > 0:
        time.sleep(seconds)
