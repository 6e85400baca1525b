"""One simulated answer as an ASGI response: on time, and only while somebody listens."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

from starlette.datastructures import MutableHeaders
from starlette.types import Receive, Scope, Send

from streamscope.engines.script import Ask, Piece
from streamscope.engines.shapes import Shape
from streamscope.engines.stage import Report, Stage

PATIENCE_S = 30.0
"""How long a client may read nothing before it is dropped, in seconds."""

HEADERS = {"x-simulated": "true", "cache-control": "no-cache", "x-accel-buffering": "no"}
"""What every answer of the simulator carries."""


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
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._stage, self._model, self._ask, self._shape = stage, model, ask, shape
        self._stream = stream
        self._patience_s = patience_s
        self._headers = MutableHeaders(HEADERS)
        self._headers["content-type"] = shape.stream_type if stream else shape.blocking_type
        self._started = False

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, watching the connection in either mode."""
        playing = asyncio.create_task(self._play(send))
        leaving = asyncio.create_task(_left(receive))
        try:
            await asyncio.wait({playing, leaving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            leaving.cancel()
            if not playing.done():
                playing.cancel()
            await asyncio.wait({playing, leaving})
        if not playing.cancelled():
            playing.result()

    async def _play(self, send: Send) -> None:
        async with aclosing(self._stage.perform(self._model, self._ask)) as performance:
            if self._stream:
                await self._play_stream(performance, send)
            else:
                await self._play_whole(performance, send)

    async def _play_stream(self, performance: AsyncIterator[Piece | Report], send: Send) -> None:
        if self._shape.early_headers:
            await self._write(send, b"")
        async for item in performance:
            if isinstance(item, Report):
                for part in self._shape.end(item):
                    await self._write(send, part)
            elif item.text:
                await self._write(send, self._shape.piece(item))
        await self._write(send, b"", more=False)

    async def _play_whole(self, performance: AsyncIterator[Piece | Report], send: Send) -> None:
        texts = {"answer": "", "reasoning": ""}
        body = b""
        async for item in performance:
            if isinstance(item, Report):
                body = self._shape.whole(texts["answer"], texts["reasoning"], item)
            else:
                texts[item.kind] += item.text
        self._headers["content-length"] = str(len(body))
        await self._write(send, body, more=False)

    async def _write(self, send: Send, part: bytes, *, more: bool = True) -> None:
        """Send a part, the headers first if they have not gone yet."""
        async with asyncio.timeout(self._patience_s):
            if not self._started:
                self._started = True
                await send(
                    {
                        "type": "http.response.start",
                        "status": 200,
                        "headers": self._headers.raw,
                    }
                )
            if part or not more:
                await send({"type": "http.response.body", "body": part, "more_body": more})


async def _left(receive: Receive) -> None:
    """Wait until the client has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass
