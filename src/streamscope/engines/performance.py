"""One answer as an ASGI response: on time, and only while somebody listens."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import aclosing
from typing import Any

import msgspec
from starlette.datastructures import MutableHeaders
from starlette.types import Receive, Scope, Send

from streamscope.engines.script import Ask, Piece
from streamscope.engines.shapes import Shape
from streamscope.engines.shapes.base import JSON
from streamscope.engines.stage import (
    LAST_WORDS,
    CutError,
    FailedError,
    RefusedError,
    Report,
    Stage,
)

ABORT = "streamscope.abort"
"""The ASGI extension by which a connection can be broken; see ``connection``."""


class Performance:
    """Play one answer, streaming or whole. It stops as soon as the client leaves."""

    def __init__(
        self,
        stage: Stage,
        model: str,
        ask: Ask,
        shape: Shape,
        *,
        stream: bool,
    ) -> None:
        self._stage, self._model, self._ask, self._shape = stage, model, ask, shape
        self._stream = stream
        self._headers = MutableHeaders(stage.headers)
        self._headers["content-type"] = shape.stream_type if stream else shape.blocking_type
        self._started = False
        self._patience = Patience(stage.patience_s)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, watching the connection in either mode.

        Raises:
            CutError: The connection has to break, and the server can't break it.
            TimeoutError: The same.
        """
        try:
            await self._attempt(receive, send)
        except (CutError, TimeoutError):
            if not abort(scope):
                raise

    async def _attempt(self, receive: Receive, send: Send) -> None:
        """Play, or say why not."""
        try:
            with self._stage.admitted(self._model):
                await attended(
                    self._play(send), self._stage.closing, _left(receive), self._patience.watch()
                )
        except FailedError as failure:
            refusal = RefusedError(500, str(failure))
        except RefusedError as error:
            refusal = error
        else:
            return
        async with asyncio.timeout(self._stage.patience_s):
            await self._fail(send, refusal)

    async def _play(self, send: Send) -> None:
        async with aclosing(self._stage.perform(self._model, self._ask)) as performance:
            if self._stream:
                await self._play_stream(performance, send)
            else:
                await self._play_whole(performance, send)

    async def _play_stream(self, performance: AsyncIterator[Piece | Report], send: Send) -> None:
        if self._shape.early_headers:
            await self._write(send, self._shape.begin(self._ask.prompt_tokens))
        async for item in performance:
            if isinstance(item, Report):
                for part in self._shape.end(item):
                    await self._write(send, part)
            elif item.text:
                await self._write(send, self._shape.piece(item))
        await self._write(send, b"", more=False)

    async def _play_whole(self, performance: AsyncIterator[Piece | Report], send: Send) -> None:
        body = await whole(performance, self._shape)
        self._headers["content-length"] = str(len(body))
        await self._write(send, body, more=False)

    async def _fail(self, send: Send, refusal: RefusedError) -> None:
        """End with an error: as a status if nothing was sent, else as the protocol has it."""
        if not self._started:
            self._headers["content-type"] = JSON
            if refusal.retry_s is not None:
                self._headers["retry-after"] = str(refusal.retry_s)
            body = msgspec.json.encode(self._shape.refusal(refusal.status, str(refusal)))
            self._headers["content-length"] = str(len(body))
            await self._write(send, body, more=False, status=refusal.status)
            return
        last = self._shape.failed(str(refusal))
        if last is None:
            raise CutError
        await self._write(send, last)
        await self._write(send, b"", more=False)

    async def _write(
        self, send: Send, part: bytes, *, more: bool = True, status: int = 200
    ) -> None:
        """Send a part, the headers first if they have not gone yet."""
        with self._patience:
            if not self._started:
                self._started = True
                headers = self._headers.raw
                await send({"type": "http.response.start", "status": status, "headers": headers})
            if part or not more:
                await send({"type": "http.response.body", "body": part, "more_body": more})


class Patience:
    """Notices when a client takes nothing for too long: one timer for all writes of an answer."""

    def __init__(self, limit_s: float) -> None:
        """Wait for a write for so many seconds."""
        self._limit_s = limit_s
        self._since_s: float | None = None

    def __enter__(self) -> None:
        self._since_s = time.monotonic()

    def __exit__(self, *_error: object) -> None:
        self._since_s = None

    async def watch(self) -> None:
        """Wait until a write takes too long.

        Raises:
            TimeoutError: One does.
        """
        while True:
            since_s, now_s = self._since_s, time.monotonic()
            left_s = self._limit_s if since_s is None else since_s + self._limit_s - now_s
            if left_s <= 0:
                raise TimeoutError
            await asyncio.sleep(left_s)


async def attended(
    playing: Coroutine[Any, Any, None],
    closing: asyncio.Event,
    *ends: Coroutine[Any, Any, object],
) -> None:
    """Play for as long as somebody is there to listen.

    Args:
        playing: The performance.
        closing: Set when the server has to go.
        ends: Each ends when it has become pointless, as the client has left; what they raise is
            raised.

    Raises:
        RefusedError: The server had to go.
    """
    play, close = asyncio.ensure_future(playing), asyncio.ensure_future(closing.wait())
    watched: list[asyncio.Future[Any]] = [play, close, *map(asyncio.ensure_future, ends)]
    try:
        done, _ = await asyncio.wait(watched, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in watched:
            task.cancel()
        await asyncio.wait(watched)
    if not play.cancelled():
        play.result()
        return
    for task in done:
        task.result()
    if close in done:
        raise RefusedError(503, LAST_WORDS)


async def whole(performance: AsyncIterator[Piece | Report], shape: Shape) -> bytes:
    """Play to the end; return the body of the whole answer."""
    texts = {"answer": "", "reasoning": ""}
    body = b""
    async for item in performance:
        if isinstance(item, Report):
            body = shape.whole(texts["answer"], texts["reasoning"], item)
        else:
            texts[item.kind] += item.text
    return body


def abort(scope: Scope) -> bool:
    """Break the connection at once; return whether the server can do that."""
    breaking: Callable[[], None] | None = scope.get("extensions", {}).get(ABORT)
    if breaking is None:
        return False
    breaking()
    return True


async def _left(receive: Receive) -> None:
    """Wait until the client has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass
