"""The local model behind the same routes: its stream of tokens in the place of a script."""

import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Literal

import httpx

from streamscope.engines.engine import Engine
from streamscope.engines.profiles import Profile
from streamscope.engines.script import Ask, Kind, Piece
from streamscope.engines.stage import FailedError, Report, Stage
from streamscope.trace import Request, ServerTimings, Tokens
from streamscope.wire.events import Event, Failure, Finish, Text, Timings, Usage
from streamscope.wire.registry import protocol

_CONNECT_S = 5.0


class LocalStage(Stage):
    """A stage with one model that is real. It has one slot, as its server does."""

    simulated = False

    def __init__(self, engine: Engine, *, queue: int | None, patience_s: float) -> None:
        """Put a running engine on the stage.

        Args:
            engine: The local model.
            queue: How many requests may wait; ``None`` for any number.
            patience_s: How long a client may take nothing before it is dropped, in seconds.
        """
        super().__init__({engine.target.model: Profile()}, queue=queue, patience_s=patience_s)
        self.caution = engine.caution
        self._engine = engine

    async def _play(
        self,
        model: str,  # noqa: ARG002 - there is only one
        ask: Ask,
        came: int,
        load_ns: int,
    ) -> AsyncGenerator[Piece | Report]:
        begun = time.monotonic_ns()
        first = last = begun
        gathered = Gathered(ask)
        said = _Said()
        async with aclosing(self._events(ask)) as events:
            async for event in events:
                said.note(event)
                if not isinstance(event, Text) or event.kind not in ("answer", "reasoning"):
                    continue
                last = time.monotonic_ns()
                first = last if first == begun else first
                self.made += 1
                for piece in gathered.add(event.kind, event.text, last):
                    yield piece
        for piece in gathered.rest():
            yield piece
        output = said.tokens.output or gathered.total
        server = said.server
        yield Report(
            prompt_tokens=said.tokens.prompt or ask.prompt_tokens,
            thinking_tokens=gathered.thinking,
            answer_tokens=output - gathered.thinking,
            ended=said.ended,
            load_ns=load_ns,
            prefill_ns=first - begun if server.prefill_s is None else _ns(server.prefill_s),
            decode_ns=last - first if server.decode_s is None else _ns(server.decode_s),
            total_ns=time.monotonic_ns() - came,
        )

    async def _events(self, ask: Ask) -> AsyncGenerator[Event]:
        """Ask the model's own server; yield what it says.

        Raises:
            FailedError: It says no, or nothing any more.
        """
        speaker = protocol("openai-chat")
        target = self._engine.target
        request = self._engine.fill(_request(ask))
        call = speaker.call(target, request, "stream", self._engine.key)
        decoder = speaker.decoder("stream")
        # It is our own child on loopback: no proxy, no TLS, and it may think for as long as it has.
        timeout = httpx.Timeout(None, connect=_CONNECT_S)
        try:
            async with (
                httpx.AsyncClient(trust_env=False, verify=False, timeout=timeout) as client,  # noqa: S501 - see above
                client.stream(
                    call.method, call.url, headers=call.headers, content=call.body
                ) as response,
            ):
                if response.status_code != httpx.codes.OK:
                    fault = speaker.fault(target, response.status_code, await response.aread())
                    raise FailedError(fault.detail or fault.sentence)
                async for data in response.aiter_raw():
                    for event in decoder.feed(data):
                        yield event
                for event in decoder.finish():
                    yield event
        except httpx.HTTPError as error:
            raise FailedError(f"the local model does not answer: {error}") from error


class Gathered:
    """Gathers tokens as a request wants them: by number, or for some time."""

    def __init__(self, ask: Ask) -> None:
        self._most = ask.tokens_per_chunk or 1
        self._batch_ns = _ns(ask.batch_s or 0.0)
        self._kind: Kind = "answer"
        self._texts: list[str] = []
        self._since = 0
        self.thinking = 0
        self.total = 0

    def add(self, kind: Kind, text: str, now_ns: int) -> list[Piece]:
        """Take a token; return what is to be sent now.

        Time is looked at when a token comes, so that a pause makes a batch longer.
        """
        ready = self.rest() if self._texts and kind != self._kind else []
        if not self._texts:
            self._kind, self._since = kind, now_ns
        self._texts.append(text)
        self.total += 1
        self.thinking += kind == "reasoning"
        if self._batch_ns:
            full = now_ns - self._since >= self._batch_ns
        else:
            full = len(self._texts) >= self._most
        return [*ready, *self.rest()] if full else ready

    def rest(self) -> list[Piece]:
        """Return what is held."""
        if not self._texts:
            return []
        piece = Piece(self._kind, "".join(self._texts), 0.0, len(self._texts))
        self._texts = []
        return [piece]


class _Said:
    """What the server said beside the text."""

    def __init__(self) -> None:
        self.tokens = Tokens()
        self.server = ServerTimings()
        self.ended: Literal["stop", "length"] = "stop"

    def note(self, event: Event) -> None:
        match event:
            case Usage(tokens):
                self.tokens = tokens
            case Timings(server):
                self.server = server
            case Finish(reason):
                self.ended = "length" if reason == "length" else "stop"
            case Failure():
                raise FailedError(event.detail)


def _request(ask: Ask) -> Request:
    messages = [{"role": role, "content": text} for role, text in ask.messages]
    return Request(
        prompt=ask.prompt,
        temperature=ask.temperature,
        top_p=ask.top_p,
        seed=ask.seed,
        max_tokens=ask.max_tokens,
        stop=ask.stop,
        think=ask.think,
        params={"messages": messages} if messages else {},
    )


def _ns(seconds: float) -> int:
    return round(seconds * 1e9)
