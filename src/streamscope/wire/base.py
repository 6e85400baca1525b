"""What a protocol module provides, and what the probe may rely on."""

import abc
from collections.abc import Sequence
from typing import ClassVar

import msgspec

from streamscope.trace import Fault, Mode, Request, Target
from streamscope.wire.events import Event


class HttpCall(msgspec.Struct, frozen=True, kw_only=True):
    """An HTTP request, ready to be sent.

    Attributes:
        method: ``GET``, ``POST``, or ``WEBSOCKET`` for a conversation in messages.
        url: Absolute URL.
        headers: All headers that the protocol wants; they may hold the key.
        body: Bytes of the body, empty for none; over a WebSocket the first message, of text.
    """

    method: str
    url: str
    headers: dict[str, str]
    body: bytes = b""


class Decoder(abc.ABC):
    """Turns the bytes of one response body into events, as they come in."""

    @abc.abstractmethod
    def feed(self, data: bytes) -> Sequence[Event]:
        """Take the bytes of one read; return the events that they completed, in order.

        Malformed bytes give a ``Failure``; nothing is raised. Over a WebSocket a read is one
        message.
        """

    @abc.abstractmethod
    def finish(self) -> Sequence[Event]:
        """Return what was still held back when the body ended."""


class Protocol(abc.ABC):
    """How one kind of server speaks. Instances hold no state and may be shared."""

    name: ClassVar[str]
    """Name in the registry and on the command line, such as ``openai-chat``."""

    label: ClassVar[str]
    """What it is, in a few words."""

    marked: ClassVar[bool] = True
    """Whether an answer can have an end mark of its own, beside the end of its bytes."""

    @abc.abstractmethod
    def call(self, target: Target, request: Request, mode: Mode, key: str | None) -> HttpCall:
        """Build the HTTP request. Both modes get the same parameters."""

    @abc.abstractmethod
    def decoder(self, mode: Mode) -> Decoder:
        """Return a new decoder for one response.

        A blocking decoder holds everything until ``finish``: nothing can be read before.
        """

    def unsent(
        self,
        target: Target,  # noqa: ARG002 (a protocol with members for everything asks nobody)
        request: Request,  # noqa: ARG002 (the same)
    ) -> tuple[str, ...]:
        """Return the names of what was asked for and is not sent, in both modes alike.

        The protocol has no member for it, or this model is known to refuse it. A difference between
        two channels may come from them, so they are said, never dropped in silence. Names are those
        of ``Request``, such as ``seed``.
        """
        return ()

    def limit_added(
        self,
        request: Request,  # noqa: ARG002 (most protocols leave the length to the server)
    ) -> int | None:
        """Return the token limit that is sent though none was asked for; ``None`` if none is."""
        return None

    def tells_length(
        self,
        target: Target,  # noqa: ARG002 (most protocols have a word for it, whoever speaks)
    ) -> bool:
        """Return whether such a server says so when the token limit cut its answer.

        Where it does not, an answer with as many tokens as were allowed counts as cut. One that
        really ended with the very last token that it might have had is then called cut, too.
        """
        return True

    def shortest(
        self,
        target: Target,  # noqa: ARG002 (most servers take any limit)
        request: Request,
    ) -> Request:
        """Return the same request for as short an answer as such a server may be asked for.

        It loads the model and fills the cache, with the same options as the request itself, since
        some servers load the model anew for others.
        """
        return msgspec.structs.replace(request, max_tokens=1)

    @abc.abstractmethod
    def models_url(self, target: Target) -> str:
        """Return the URL that lists the models; empty where there is no such list."""

    @abc.abstractmethod
    def parse_models(self, body: bytes) -> list[str]:
        """Return the names in a model list; empty if it is not one."""

    @abc.abstractmethod
    def fault(self, target: Target, status: int, body: bytes) -> Fault:
        """Say in one sentence what an HTTP error means and what to do about it.

        Args:
            target: The server that answered.
            status: HTTP status, 300 or more.
            body: The first 64 KiB of the body.
        """
