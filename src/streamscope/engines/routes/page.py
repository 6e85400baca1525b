"""What stands at ``/``: a page for browsers, a line for everybody else."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp

from streamscope.engines.performance import HEADERS
from streamscope.engines.routes.base import route
from streamscope.engines.shapes import Ollama
from streamscope.engines.stage import Stage

GREETING = "The streamscope simulator is running"


def routes(stage: Stage) -> list[BaseRoute]:
    """Return the route."""
    return [route(stage, "/", _root, Ollama.refusal, method="GET")]


async def _root(_stage: Stage, _request: Request) -> ASGIApp:
    return Response(GREETING, 200, HEADERS, "text/plain")
