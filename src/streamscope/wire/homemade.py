"""How to ask servers that somebody wrote for themselves: there is no standard, so there are rules.

- **Where:** the URL is the route, if it has a path. If not, the protocol knows a usual one.
- **Without a stream:** a route whose name ends in ``stream`` has a twin without that word:
  ``/v1/completions/stream`` and ``/v1/completions``, ``/generate_stream`` and ``/generate``. Any
  other route is asked itself. Both are told ``stream``, true or false.
- **What:** ``prompt``, and of the rest what OpenAI's completions have, under the names that it has
  there. Where a parameter of the person's own is the text ``{prompt}``, it becomes the prompt, and
  there is no ``prompt`` beside it: ``message={prompt}`` is for servers that want a ``message``.
- **How:** by POST, as a JSON text. Protocols whose names end in ``-get`` send the same members as
  a query, as a browser's ``EventSource`` does; a member that is an object is JSON there, and one
  that is a list is repeated.
"""

import re
from collections.abc import Mapping
from typing import Any, ClassVar, Literal
from urllib.parse import quote, urlencode, urlsplit

import msgspec

from streamscope.trace import Fault, Mode, Request, Target
from streamscope.wire import faults, lenient
from streamscope.wire.base import HttpCall, Protocol
from streamscope.wire.request import given, headers, merge, missing

PLACEHOLDER = "{prompt}"
"""A parameter with this value becomes the prompt."""

_STREAM = re.compile(r"(?P<twin>.*[^/])[/_-]stream$")
_NO_ROUTE = re.compile(r"(.*/)?(api|v\d+[a-z]*\d*)")


class Homemade(Protocol):
    """A protocol without a standard."""

    method: ClassVar[Literal["POST", "GET"]] = "POST"
    """How the server is asked."""

    path: ClassVar[str] = ""
    """Route for URLs without one."""

    accept: ClassVar[str]
    """Content type of a stream."""

    accept_whole: ClassVar[str] = "application/json"
    """Content type of an answer that comes whole."""

    def call(self, target: Target, request: Request, mode: Mode, key: str | None) -> HttpCall:
        """Build the request; both modes get the same members, but for ``stream``."""
        body = members(target, request)
        body["stream"] = mode == "stream"
        fields = headers(self.accept if mode == "stream" else self.accept_whole, key)
        url = route(target.url, mode, self.path)
        if self.method == "POST":
            return HttpCall(method="POST", url=url, headers=fields, body=lenient.encode(body))
        del fields["Content-Type"]
        return HttpCall(method="GET", url=f"{url}?{query(body)}", headers=fields)

    def unsent(
        self,
        target: Target,  # noqa: ARG002 (nobody knows what a server takes)
        request: Request,
    ) -> tuple[str, ...]:
        """Return what has no usual name: system text and thinking."""
        return missing(request, "system", "think")

    def tells_length(
        self,
        target: Target,  # noqa: ARG002 (most of them keep quiet)
    ) -> bool:
        """Return that the count decides: few say why an answer ended, and some count tokens."""
        return False

    def models_url(
        self,
        target: Target,  # noqa: ARG002 (none of them has one)
    ) -> str:
        """Return nothing: there is no list of models."""
        return ""

    def parse_models(
        self,
        body: bytes,  # noqa: ARG002 (whatever it is)
    ) -> list[str]:
        """Return nothing: there is no list of models."""
        return []

    def fault(self, target: Target, status: int, body: bytes) -> Fault:
        """Say what an HTTP error means; nobody says here in which mode, so both routes are told."""
        called = route(target.url, "stream", self.path)
        twin = route(target.url, "blocking", self.path)
        if twin != called:
            called += f" or, for a whole answer, {urlsplit(twin).path}"
        return faults.refused(target, status, body, called)


def route(base: str, mode: Mode, usual: str) -> str:
    """Return the URL to call.

    Args:
        base: URL of the server, or of its route.
        mode: A stream is asked for where the URL says; for the other mode the twin is called.
        usual: Path for a URL that has none.
    """
    root = base.rstrip("/")
    path = urlsplit(root).path
    server, path = root.removesuffix(path), path or usual
    match = _STREAM.fullmatch(path)
    if mode == "blocking" and match and not _NO_ROUTE.fullmatch(match["twin"]):
        path = match["twin"]
    return server + path


def members(target: Target, request: Request) -> dict[str, Any]:
    """Return what is sent, the person's own parameters among it."""
    body = given(
        {
            "model": target.model or None,
            "prompt": request.prompt,
            "temperature": request.temperature,
            "top_p": request.top_p,
            "seed": request.seed,
            "max_tokens": request.max_tokens,
            "stop": list(request.stop),
        }
    )
    params = _filled(request.params, request.prompt)
    if params != request.params:
        del body["prompt"]
    merge(body, params)
    return body


def query(values: Mapping[str, Any]) -> str:
    """Return members as the query of a URL."""
    # Written and read, they are text that can be encoded, whatever a terminal put into it.
    clean = msgspec.json.decode(lenient.encode(values))
    written = {
        name: [_written(each) for each in value] if isinstance(value, list) else _written(value)
        for name, value in clean.items()
    }
    return urlencode(written, doseq=True, quote_via=quote)


def _written(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _filled(value: Any, prompt: str) -> Any:
    """Return parameters with the prompt in place of what stands for it."""
    if isinstance(value, Mapping):
        return {name: _filled(inner, prompt) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_filled(inner, prompt) for inner in value]
    return prompt if value == PLACEHOLDER else value
