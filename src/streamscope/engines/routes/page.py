"""What stands at ``/``: a page for browsers, a line for everybody else."""

from functools import cache
from html import escape
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp

from streamscope.engines.routes.base import route
from streamscope.engines.shapes import Ollama
from streamscope.engines.stage import Stage

GREETING = "The streamscope {} is running"

_PAGE = Path(__file__).with_name("page.html")
_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
    "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
"""The page loads nothing, talks to its own server alone, and stands in no frame."""


def routes(stage: Stage) -> list[BaseRoute]:
    """Return the route."""
    return [route(stage, "/", _root, Ollama.refusal, method="GET")]


async def _root(stage: Stage, request: Request) -> ASGIApp:
    if "text/html" not in request.headers.get("accept", ""):
        said = GREETING.format("simulator" if stage.simulated else "server")
        return Response(said, 200, {**stage.headers, "vary": "accept"}, "text/plain")
    headers = {**stage.headers, "vary": "accept", "content-security-policy": _POLICY}
    return Response(_page().replace("{caution}", escape(stage.caution)), 200, headers, "text/html")


@cache
def _page() -> str:
    return _PAGE.read_text(encoding="utf-8")
