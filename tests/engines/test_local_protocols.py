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
LIMIT = 12


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
async def test_both_modes_say_the_same_and_neither_has_a_free_prefill(
    bench: "Bench", local_engine: Engine, protocol: str
) -> None:
    stream = await ask(bench, local_engine, protocol)
    blocking = await ask(bench, local_engine, protocol, "blocking")
    for trace in (stream, blocking):
        assert (trace.fault, trace.ended) == (None, "length")
        assert (trace.tokens.output, trace.tokens.cached) == (LIMIT, 0)
    assert stream.text() == blocking.text() != ""
    assert len(stream.chunks) > 1
    assert len(blocking.chunks) == 1
    assert stream.tokens.prompt == blocking.tokens.prompt


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_it_says_what_the_limit_did_or_its_count_does(
    bench: "Bench", local_engine: Engine, protocol: str
) -> None:
    flags = (await ask(bench, local_engine, protocol)).flags
    assert ("length-counted" in flags) == (protocol == "openai-responses")
    assert ("unsent:seed" in flags) == (protocol == "anthropic")


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_every_route_heeds_where_to_stop(
    bench: "Bench", local_engine: Engine, protocol: str
) -> None:
    """OpenAI's responses have no member for it: llama.cpp takes it all the same."""
    whole = await ask(bench, local_engine, protocol)
    word = whole.text().split()[2]
    cut = await ask(bench, local_engine, protocol, stop=(word,))
    assert cut.text() == whole.text().partition(word)[0]
    assert cut.ended == "stop"
