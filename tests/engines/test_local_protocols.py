"""Every route of the real llama.cpp, through the real probe: what recorded bytes can't show."""

from typing import TYPE_CHECKING

import msgspec
import pytest

from streamscope.engines.engine import Engine
from streamscope.trace import Mode, Request, Trace

if TYPE_CHECKING:
    from tests.conftest import Bench

pytestmark = pytest.mark.asyncio(loop_scope="session")

PROTOCOLS = (
    "openai-chat",
    "openai-completions",
    "openai-responses",
    "anthropic",
    "llamacpp-completion",
)
LIMIT = 8


async def ask(
    bench: "Bench", engine: Engine, protocol: str, mode: Mode = "stream", **asked: object
) -> Trace:
    """Ask the engine one thing over one of its routes."""
    request = Request(prompt="Name three rivers of Europe.", seed=7, temperature=0.0)
    request = engine.fill(msgspec.structs.replace(request, **{"max_tokens": LIMIT, **asked}))
    return await bench.run(
        engine.target.url, protocol=protocol, mode=mode, key=engine.key, request=request
    )


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_a_route(bench: "Bench", local_engine: Engine, protocol: str) -> None:
    """One test, as every answer takes its time."""
    stream = await ask(bench, local_engine, protocol)
    blocking = await ask(bench, local_engine, protocol, "blocking")
    for trace in (stream, blocking):
        assert (trace.fault, trace.ended) == (None, "length")
        assert (trace.tokens.output, trace.tokens.cached) == (LIMIT, 0), "no free prefill"
        assert ("length-counted" in trace.flags) == (protocol == "openai-responses")
        assert ("unsent:seed" in trace.flags) == (protocol == "anthropic")
    assert stream.text() == blocking.text() != ""
    assert stream.tokens.prompt == blocking.tokens.prompt
    assert len(stream.chunks) > 1
    assert len(blocking.chunks) == 1
    # OpenAI's responses have no member for it: llama.cpp takes it all the same.
    word = stream.text().split()[2]
    cut = await ask(bench, local_engine, protocol, stop=(word,))
    assert cut.text() == stream.text().partition(word)[0]
    assert cut.ended == "stop"
