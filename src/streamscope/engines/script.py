"""What the simulator will say to a prompt, token by token, and when: pure, and free of servers."""

import random
from collections.abc import Iterator
from typing import Literal

import msgspec

from streamscope.engines import prose
from streamscope.engines.profiles import Profile

Kind = Literal["reasoning", "answer"]

_CHARS_PER_TOKEN = 4


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """What any protocol can ask of the simulator.

    Attributes:
        prompt: All texts of the request, joined; they decide the answer.
        topic: The person's last text; the answer quotes its beginning.
        seed: Other seeds give other texts; none is a seed too, always the same.
        max_tokens: Limit of tokens, thinking included.
        stop: Texts that end the answer.
        think: Whether to think; ``None`` leaves it to the model.
        tokens_per_chunk: Tokens to a piece; ``None`` leaves it to the profile.
        batch_s: How long tokens are gathered, in seconds; ``None`` leaves it to the profile.
        timing: Start of the irregularities: the same gives the same times; ``None`` for others
            every time.
        messages: Roles and texts of a conversation, for a model that is real; ``prompt`` is all
            of it if there are none.
        temperature: Of the sampling of a model that is real.
        top_p: The same.
    """

    prompt: str
    topic: str
    seed: int | None = None
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    think: bool | None = None
    tokens_per_chunk: int | None = None
    batch_s: float | None = None
    timing: int | None = None
    messages: tuple[tuple[str, str], ...] = ()
    temperature: float | None = None
    top_p: float | None = None

    @property
    def prompt_tokens(self) -> int:
        """How many tokens the prompt counts as."""
        return max(1, len(self.prompt) // _CHARS_PER_TOKEN)


class Token(msgspec.Struct, frozen=True):
    """One token.

    Attributes:
        kind: Thinking or answer.
        text: What it adds.
        at_s: When it is made, in seconds since the slot was free and the model loaded.
    """

    kind: Kind
    text: str
    at_s: float


class Piece(msgspec.Struct, frozen=True):
    """Tokens that are sent as one.

    Attributes:
        kind: Thinking or answer.
        text: Their texts, joined; empty if they are kept secret.
        at_s: When it is sent: as soon as its last token is made, or its time is over.
        tokens: How many they are.
    """

    kind: Kind
    text: str
    at_s: float
    tokens: int


class Script(msgspec.Struct, frozen=True, kw_only=True):
    """A whole answer with its times.

    Attributes:
        tokens: All tokens, in order.
        prompt_tokens: How many tokens the prompt counts as.
        ended: ``stop`` if it came to its end, ``length`` if the limit cut it.
        silent: Whether the thinking is kept secret.
        tokens_per_chunk: Tokens to a piece.
        batch_s: How long tokens are gathered for a piece, in seconds.
    """

    tokens: tuple[Token, ...]
    prompt_tokens: int
    ended: Literal["stop", "length"]
    silent: bool = False
    tokens_per_chunk: int = 1
    batch_s: float = 0.0

    def pieces(self) -> Iterator[Piece]:
        """Yield what is sent, in order; thinking and answer are never in one piece."""
        batch: list[Token] = []
        for token in self.tokens:
            if batch and self._ends(batch, token):
                yield self._piece(batch, token)
                batch = []
            batch.append(token)
        if batch:
            yield self._piece(batch, None)

    def _ends(self, batch: list[Token], token: Token) -> bool:
        """Tell whether a piece is sent before this token."""
        first = batch[0]
        if first.kind != token.kind:
            return True
        if self.batch_s:
            return token.at_s > first.at_s + self.batch_s
        return len(batch) == self.tokens_per_chunk

    def _piece(self, batch: list[Token], following: Token | None) -> Piece:
        kind = batch[0].kind
        secret = self.silent and kind == "reasoning"
        text = "" if secret else "".join(token.text for token in batch)
        at_s = batch[-1].at_s
        # Only what comes next tells that a batch is over: without it, time does.
        if self.batch_s and following is not None and following.kind == kind:
            at_s = batch[0].at_s + self.batch_s
        return Piece(kind, text, at_s, len(batch))


def write(ask: Ask, profile: Profile, clockwork: random.Random) -> Script:
    """Write the answer to a request.

    The text depends on prompt, seed and profile alone, the times also on ``clockwork``: so the
    same request gives the same text, and repeats differ in time, as they do on a real server.
    Whoever asks for a timing gets the same times again.
    """
    if ask.timing is not None:
        clockwork = random.Random(ask.timing)  # noqa: S311 - timing, not a secret
    rng = random.Random(f"{ask.seed}:{ask.prompt}")  # noqa: S311 - prose, not a secret
    thinking = round(profile.tokens * profile.thinking_share)
    if ask.think is False:
        texts: list[tuple[Kind, str]] = []
    else:
        texts = [("reasoning", text) for text in prose.thoughts(rng, tokens=thinking)]
    words = prose.answer(ask.topic, rng, tokens=profile.tokens - thinking)
    texts += [("answer", text) for text in _stopped(words, ask.stop)]
    limit = len(texts) if ask.max_tokens is None else ask.max_tokens
    times = _times(profile, clockwork)
    return Script(
        tokens=tuple(
            Token(kind, text, at_s)
            for (kind, text), at_s in zip(texts[:limit], times, strict=False)
        ),
        prompt_tokens=ask.prompt_tokens,
        ended="length" if limit < len(texts) else "stop",
        silent=profile.silent and ask.think is None,
        tokens_per_chunk=ask.tokens_per_chunk or profile.tokens_per_chunk,
        batch_s=_batch_s(ask, profile),
    )


def _batch_s(ask: Ask, profile: Profile) -> float:
    """Return how long tokens are gathered: whoever asks for a number of them wants no time."""
    if ask.batch_s is not None:
        return ask.batch_s
    return 0.0 if ask.tokens_per_chunk else profile.batch_s


def _stopped(tokens: Iterator[str], stop: tuple[str, ...]) -> Iterator[str]:
    """Yield tokens up to the first stop text, which is not part of the answer."""
    ends = [text for text in stop if text]
    if not ends:
        yield from tokens
        return
    reach = max(map(len, ends)) - 1
    tail = ""
    for token in tokens:
        window = tail + token
        found = [at for text in ends if (at := window.find(text)) >= 0]
        if found:
            # What an earlier token holds of the stop text was said already, as by real servers
            # that do not look ahead.
            if rest := window[len(tail) : min(found)]:
                yield rest
            return
        yield token
        tail = window[len(window) - reach :] if reach else ""


def _times(profile: Profile, clockwork: random.Random) -> Iterator[float]:
    """Yield the time of each token, without end."""
    at_s = profile.prefill_s
    while True:
        yield at_s
        gap = 1 / profile.tokens_per_s
        at_s += gap * (1 + clockwork.uniform(-profile.jitter, profile.jitter))
        if clockwork.random() < profile.stall_share:
            at_s += profile.stall_s
