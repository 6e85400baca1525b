"""A run over a WebSocket: open it, say the prompt, take the messages that answer.

Zero is the sending of the message that asks. What it took to open the socket lies before it, with
negative times, as connecting does: ``connecting`` to ``secured``, and ``headers``, when the server
had agreed. Where it refuses to, there is only that request, and it is timed as any other.

A message came with the read that completed it. Control frames are no text.
"""

import asyncio

import httpx

from streamscope.probe.failures import BROKEN, NoMessagesError
from streamscope.probe.intake import CLOSE_S, Intake
from streamscope.probe.messages import Start
from streamscope.probe.record import Record
from streamscope.probe.websocket import UPGRADED, Alive, Heard, Opening, Part, WebSocket
from streamscope.wire import events, websocket
from streamscope.wire.base import HttpCall, Protocol


class Conversation:
    """One run, from the handshake to the close."""

    def __init__(self, start: Start, record: Record, intake: Intake, call: HttpCall) -> None:
        """Prepare a run.

        Args:
            start: What is asked.
            record: What happens.
            intake: Takes the answer.
            call: Where to connect, and as its body the message that asks.
        """
        self._start = start
        self._record = record
        self._intake = intake
        self._message = call.body
        self._opening = Opening(call)

    @property
    def call(self) -> HttpCall:
        """The HTTP request that opens the socket."""
        return self._opening.call

    async def hold(
        self, client: httpx.AsyncClient, request: httpx.Request, speaker: Protocol
    ) -> None:
        """Ask, and hear the answer out. Cancelling closes the connection at once."""
        record, wire = self._record, self._record.wire
        response = await client.send(request, stream=True)
        try:
            if response.status_code != UPGRADED:
                await self._intake.headers(response, speaker)
            self._opening.check(response.status_code, response.headers)
            record.upgraded(response.status_code, response.headers)
            socket = WebSocket(response.extensions["network_stream"], self._start.limits.stall_s)
            try:
                wire.forget_writes()
                await socket.say(self._message)
                wire.asked()
                record.sent()
                self._intake.begin(speaker.decoder(self._start.mode))
                await self._listen(socket)
            finally:
                await socket.abandon()
        finally:
            await response.aclose()

    async def _listen(self, socket: WebSocket) -> None:
        """Take messages until the server closes, or soon after the end mark."""
        closed = False
        try:
            async with asyncio.timeout(None) as patience:
                while not closed:
                    for heard in await socket.hear():
                        closed = closed or self._take(heard)
                    if closed or (self._record.end_seen and patience.when() is None):
                        # Many keep the socket open for the next question: there is none.
                        patience.reschedule(asyncio.get_running_loop().time() + CLOSE_S)
                        await socket.leave()
        except (TimeoutError, NoMessagesError, *BROKEN):
            if not self._record.end_seen:
                raise
        self._intake.end(closed=closed)

    def _take(self, heard: Heard) -> bool:
        """Note what the server said; return whether it closed the socket."""
        if isinstance(heard, Part):
            self._part(heard)
            return False
        if isinstance(heard, Alive):
            self._record.note([events.Ping()])
            return False
        failure = websocket.closed(heard.code, heard.reason)
        if failure is not None and not self._record.end_seen:
            self._intake.take([failure])
        return True

    def _part(self, part: Part) -> None:
        """Take some of a message. What came before the question is a greeting, no answer."""
        record = self._record
        if record.wire.greeted:
            return
        if not record.trace.body_bytes:
            record.wire.answered()
            record.sent()
        self._intake.arrived(part.size)
        if part.message is not None:
            self._intake.feed(part.message)
