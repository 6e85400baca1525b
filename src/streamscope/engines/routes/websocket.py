"""Tokens over a WebSocket: a prompt comes, as JSON or bare, and its answer goes, again and again.

The JSON is what ``homemade.Body`` describes. A message is ``{"token": …}`` or ``{"thinking": …}``;
the last of an answer has ``"done": true``; with ``"stream": false`` it is the only one. An error is
``{"error": …}``, and the socket is closed after it.
"""

import asyncio
from collections import deque
from contextlib import aclosing
from typing import Any

import msgspec
from starlette.routing import BaseRoute, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from streamscope.engines.performance import Patience, abort, attended, whole
from streamscope.engines.routes.base import known_or_first
from streamscope.engines.routes.homemade import Body
from streamscope.engines.shapes import Messages
from streamscope.engines.stage import CutError, FailedError, RefusedError, Report, Stage

PATH = "/ws"

_REFUSED, _FAILED, _BUSY = 1008, 1011, 1013
"""Codes that a socket is closed with: against the rules, an error here, try again later."""


def routes(stage: Stage) -> list[BaseRoute]:
    """Return the route."""

    async def endpoint(socket: WebSocket) -> None:
        await socket.accept()
        await Conversation(stage, socket).hold()

    return [WebSocketRoute(PATH, endpoint)]


class Conversation:
    """Answers the prompts of one socket, one after the other."""

    def __init__(self, stage: Stage, socket: WebSocket) -> None:
        self._stage, self._socket = stage, socket
        self._early = deque[str | bytes]()
        self._gone = False
        self._patience = Patience(stage.patience_s)

    async def hold(self) -> None:
        """Answer until the client leaves, or something fails."""
        try:
            while (message := await self._next()) is not None:
                await self._answer(message)
        except WebSocketDisconnect:
            return
        except RefusedError as refusal:
            await self._fail(str(refusal), _code(refusal.status), refusal.retry_s)
        except FailedError as failure:
            await self._fail(str(failure), _FAILED)
        except (CutError, TimeoutError):
            if not abort(self._socket.scope):
                raise

    async def _next(self) -> str | bytes | None:
        """Return the next message; ``None`` if none will come.

        Raises:
            RefusedError: Nobody is let in any more.
        """
        if self._early:
            return self._early.popleft()
        if self._gone:
            return None
        message: str | bytes | None = None

        async def listen() -> None:
            nonlocal message
            message = await self._received()

        await attended(listen(), self._stage.last_call)
        return message

    async def _received(self) -> str | bytes | None:
        message = await self._socket.receive()
        if message["type"] == "websocket.disconnect":
            self._gone = True
            return None
        text: str | bytes | None = message.get("text")
        return message["bytes"] if text is None else text

    async def _answer(self, message: str | bytes) -> None:
        body = _read(message)
        model, ask = known_or_first(self._stage, body.model), body.ask
        with self._stage.admitted(model):
            playing = self._play(model, ask, stream=body.stream is not False)
            await attended(playing, self._stage.closing, self._left(), self._patience.watch())

    async def _play(self, model: str, ask: Any, *, stream: bool) -> None:
        shape = Messages()
        async with aclosing(self._stage.perform(model, ask)) as performance:
            if not stream:
                await self._send(await whole(performance, shape))
                return
            async for item in performance:
                if isinstance(item, Report):
                    for part in shape.end(item):
                        await self._send(part)
                elif item.text:
                    await self._send(shape.piece(item))

    async def _left(self) -> None:
        """Wait until the client has gone; what it says meanwhile is kept."""
        while (message := await self._received()) is not None:
            self._early.append(message)

    async def _send(self, message: bytes) -> None:
        with self._patience:
            await self._socket.send_text(message.decode())

    async def _fail(self, message: str, code: int, retry_s: int | None = None) -> None:
        retry = {} if retry_s is None else {"retry_after_s": retry_s}
        async with asyncio.timeout(self._stage.patience_s):
            await self._send(msgspec.json.encode({"error": message, **retry}))
            await self._socket.close(code)


def _read(message: str | bytes) -> Body:
    """Read a message: an object, or a prompt and nothing else."""
    text = message if isinstance(message, str) else message.decode("utf-8", "replace")
    if not text.lstrip().startswith("{"):
        return Body(prompt=text)
    try:
        return msgspec.json.decode(text, type=Body)
    except msgspec.DecodeError as error:
        raise RefusedError(400, f"invalid request: {error}") from error


def _code(status: int) -> int:
    if status in (429, 503):
        return _BUSY
    return _FAILED if status >= 500 else _REFUSED
