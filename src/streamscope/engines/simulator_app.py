"""The simulator's application: every protocol, in front of one stage."""

from starlette.applications import Starlette

from streamscope.engines.routes import anthropic, homemade, ollama, openai, page, websocket
from streamscope.engines.stage import Stage


def application(stage: Stage) -> Starlette:
    """Return the simulator as an ASGI application."""
    families = (page, ollama, openai, anthropic, homemade, websocket)
    return Starlette(routes=[route for family in families for route in family.routes(stage)])
