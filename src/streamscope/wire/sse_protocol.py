"""What most protocols have in common: one POST, answered by an event stream or one JSON text."""

import abc
from typing import Any, ClassVar

from streamscope.trace import Fault, Mode, Request, Target
from streamscope.wire import faults, lenient, openai_shapes, urls
from streamscope.wire.base import Decoder, HttpCall, Protocol
from streamscope.wire.bodies import Reader, SseBody, WholeBody
from streamscope.wire.request import headers, merge


class SseProtocol(Protocol):
    """A protocol that brings the members of its request, and a reader of its answer.

    What is not overridden is as OpenAI has it: routes below a version, the key as a bearer token,
    ``/models`` with ids in it.
    """

    route: ClassVar[str]
    """Path of the route below the version, such as ``chat/completions``."""

    @abc.abstractmethod
    def members(self, target: Target, request: Request) -> dict[str, Any]:
        """Return the members of the body that are the same in both modes, without ``params``."""

    @abc.abstractmethod
    def reader(self, mode: Mode) -> Reader:
        """Return a new reader for one response."""

    def url(self, target: Target) -> str:
        """Return the URL that is called."""
        return urls.openai_url(target.url, self.route)

    def headers(
        self,
        target: Target,  # noqa: ARG002 (for those who treat one host in another way)
        accept: str,
        key: str | None,
    ) -> dict[str, str]:
        """Return the headers; ``accept`` is the content type of the answer."""
        return headers(accept, key)

    def switch(self, body: dict[str, Any], mode: Mode) -> None:
        """Set the members that differ between modes, last, so that no parameter overrules them."""
        body["stream"] = mode == "stream"

    def call(self, target: Target, request: Request, mode: Mode, key: str | None) -> HttpCall:
        """Build the request; only the members that switch streaming differ between modes."""
        body = self.members(target, request)
        merge(body, request.params)
        self.switch(body, mode)
        accept = "text/event-stream" if mode == "stream" else "application/json"
        return HttpCall(
            method="POST",
            url=self.url(target),
            headers=self.headers(target, accept, key),
            body=lenient.encode(body),
        )

    def decoder(self, mode: Mode) -> Decoder:
        """Return a decoder for server-sent events, or for one whole answer."""
        reader = self.reader(mode)
        return SseBody(reader) if mode == "stream" else WholeBody(reader)

    def models_url(self, target: Target) -> str:
        """Return the URL that lists the models."""
        return urls.openai_url(target.url, "models")

    def parse_models(self, body: bytes) -> list[str]:
        """Return the ids that the server lists."""
        return openai_shapes.model_ids(body)

    def fault(self, target: Target, status: int, body: bytes) -> Fault:
        """Say what an HTTP error means."""
        return faults.refused(target, status, body, self.url(target))
