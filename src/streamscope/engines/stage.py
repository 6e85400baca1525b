"""Where scripts are played on time: slots, loaded models, and what really happened."""

import asyncio
import random
import time
from collections.abc import AsyncGenerator, Mapping
from typing import Literal

import msgspec

from streamscope.engines.profiles import Profile
from streamscope.engines.script import Ask, Kind, Piece, Script, write

_GRAIN_S = 0.001


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
    """

    def __init__(self, profiles: Mapping[str, Profile], *, slots: int = 1, seed: int = 0) -> None:
        """Set the stage.

        Args:
            profiles: The models, by name; the first is the one that plain requests get.
            slots: How many requests are answered at once.
            seed: Start of the clockwork: the same requests in the same order get the same times.
        """
        self.profiles = dict(profiles)
        self.slots = slots
        self._free = asyncio.Semaphore(slots)
        self._clockwork = random.Random(seed)  # noqa: S311 - timing, not a secret
        self._loaded: set[str] = set()

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

    async def perform(self, model: str, ask: Ask) -> AsyncGenerator[Piece | Report]:
        """Yield each piece at its time, and at the end the report.

        Close the iterator (``contextlib.aclosing``) to free the slot when the client has left.
        """
        profile = self.profiles[model]
        came = time.monotonic_ns()
        async with self._free:
            load_ns = await self.load(model)
            script = write(ask, profile, self._clockwork)
            begun = time.monotonic_ns()
            first = last = begun
            counts: dict[Kind, int] = {"reasoning": 0, "answer": 0}
            for piece in script.pieces():
                # Deadlines count from the beginning: lateness of one gap never adds to the next.
                await _until(begun / 1e9 + piece.at_s)
                last = time.monotonic_ns()
                if not sum(counts.values()):
                    first = last - _ns(piece.at_s - script.tokens[0].at_s)
                counts[piece.kind] += piece.tokens
                yield piece
            yield _report(script, counts, came, load_ns, begun, first, last)


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


async def _until(deadline_s: float) -> None:
    """Sleep until a time on the monotonic clock, to some 0.1 ms."""
    # Even if it is late: others must get their turn, or nobody would notice that a client left.
    await asyncio.sleep(max(0.0, deadline_s - time.monotonic() - _GRAIN_S))
    # The event loop rounds its sleeps up to the next millisecond, the kernel does not.
    _doze(deadline_s - time.monotonic())


def _doze(seconds: float) -> None:
    """Sleep for less than a millisecond, the whole loop with us."""
    if seconds > 0:
        time.sleep(seconds)
