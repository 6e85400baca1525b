"""Every protocol of our server, read by our own instrument: the same words in both modes."""

from typing import TYPE_CHECKING

import pytest

from streamscope.engines.stage import FAILURE
from streamscope.trace import Trace

if TYPE_CHECKING:
    from tests.engines.serve.conftest import Asker, House

pytestmark = pytest.mark.asyncio(loop_scope="session")

OPEN = ("ollama-chat", "ollama-generate", "openai-chat", "openai-responses", "anthropic")
"""Protocols that bring thinking and count all tokens, in both modes."""

HOMEMADE = ("token-sse", "token-sse-get", "websocket")
TEXT = ("text", "text-get")
ALL = (*OPEN, "openai-completions", *HOMEMADE, *TEXT)


def said(trace: Trace, kind: str) -> str:
    return "".join(chunk.text for chunk in trace.chunks if chunk.kind == kind)


@pytest.mark.parametrize("protocol", ALL)
async def test_both_modes_say_the_same(house: "House", asker: "Asker", protocol: str) -> None:
    stream = await asker(house.url, protocol, "stream", "thinker")
    whole = await asker(house.url, protocol, "blocking", "thinker")
    for trace in (stream, whole):
        assert trace.fault is None
        assert trace.ended == "stop" or protocol in HOMEMADE
        assert trace.status == (101 if protocol == "websocket" else 200)
        assert said(trace, "answer").startswith("[simulated] ")
        assert said(trace, "answer") == said(stream, "answer")
        thinks = protocol in OPEN + HOMEMADE
        if protocol == "token-sse" and trace is whole:  # the twin is OpenAI's
            thinks = False
        assert said(trace, "reasoning") == (said(stream, "reasoning") if thinks else "")
        assert bool(said(trace, "reasoning")) == thinks
    if protocol not in TEXT:  # whose chunks are reads
        assert len(stream.chunks) == (30 if protocol in OPEN + HOMEMADE else 18)


@pytest.mark.parametrize("protocol", [*OPEN, "openai-completions", "websocket"])
@pytest.mark.parametrize("mode", ["stream", "blocking"])
async def test_tokens_are_counted(house: "House", asker: "Asker", protocol: str, mode: str) -> None:
    trace = await asker(house.url, protocol, mode, "thinker")  # type: ignore[arg-type] # parametrized
    assert trace.tokens.output == 30
    assert trace.tokens.prompt == 1
    if protocol in ("openai-chat", "openai-responses", "openai-completions", "anthropic"):
        assert trace.tokens.reasoning == 12


@pytest.mark.parametrize("protocol", ALL)
async def test_a_limit_holds(house: "House", asker: "Asker", protocol: str) -> None:
    unlimited = await asker(house.url, protocol)
    trace = await asker(house.url, protocol, max_tokens=4)
    assert said(unlimited, "answer").startswith(said(trace, "answer"))
    assert len(said(trace, "answer")) < len(said(unlimited, "answer"))
    if protocol in OPEN or protocol == "openai-completions":
        assert trace.ended == "length"


@pytest.mark.parametrize("protocol", ALL)
@pytest.mark.parametrize("mode", ["stream", "blocking"])
async def test_an_unknown_model_is_refused(
    house: "House", asker: "Asker", protocol: str, mode: str
) -> None:
    trace = await asker(house.url, protocol, mode, "nobody")  # type: ignore[arg-type] # parametrized
    assert trace.ended == "error"
    assert trace.fault is not None
    assert "nobody" in trace.fault.sentence + trace.fault.detail


@pytest.mark.parametrize("protocol", ALL)
@pytest.mark.parametrize("mode", ["stream", "blocking"])
async def test_an_error_before_anything_is_told_with_its_status(
    house: "House", asker: "Asker", protocol: str, mode: str
) -> None:
    trace = await asker(house.url, protocol, mode, "error-0")  # type: ignore[arg-type] # parametrized
    assert trace.ended == "error"
    assert trace.fault is not None
    assert FAILURE in trace.fault.sentence + trace.fault.detail
    assert trace.fault.status == (None if protocol == "websocket" else 500)
    assert not trace.chunks


@pytest.mark.parametrize("protocol", [name for name in ALL if name not in TEXT])
async def test_an_error_in_mid_stream_is_told_in_the_protocols_own_shape(
    house: "House", asker: "Asker", protocol: str
) -> None:
    trace = await asker(house.url, protocol, "stream", "error-5")
    assert trace.ended == "error"
    assert trace.fault is not None
    assert FAILURE in trace.fault.sentence + trace.fault.detail
    assert len(trace.chunks) == 5


@pytest.mark.parametrize("protocol", ALL)
@pytest.mark.parametrize("model", ["cut-0", "cut-5"])
async def test_a_cut_is_a_cut(house: "House", asker: "Asker", protocol: str, model: str) -> None:
    trace = await asker(house.url, protocol, "stream", model)
    assert trace.ended == "error"
    assert trace.fault is not None
    assert trace.fault.code == "cut"
    assert bool(trace.chunks) == (model == "cut-5")


@pytest.mark.parametrize("protocol", TEXT)
async def test_plain_text_has_no_way_to_tell_of_an_error_but_a_cut(
    house: "House", asker: "Asker", protocol: str
) -> None:
    trace = await asker(house.url, protocol, "stream", "error-5")
    assert trace.fault is not None
    assert trace.fault.code == "cut"


@pytest.mark.parametrize("protocol", ["openai-chat", "token-sse", "websocket"])
@pytest.mark.parametrize("model", ["stall-0", "stall-5"])
async def test_a_stall_lasts_until_the_client_leaves(
    house: "House", asker: "Asker", protocol: str, model: str
) -> None:
    trace = await asker(house.url, protocol, "stream", model, stall_s=0.15)
    assert trace.fault is not None
    assert trace.fault.code == "silence"
    assert len(trace.chunks) == (5 if model == "stall-5" else 0)


async def test_tokens_are_gathered_by_number_and_by_time(house: "House", asker: "Asker") -> None:
    alone = await asker(house.url, "token-sse-get")
    fives = await asker(house.url, "token-sse-get", params={"tokens_per_chunk": 5})
    timed = await asker(house.url, "token-sse-get", params={"batch_ms": 1000})
    assert len(alone.chunks) == 30
    assert len(fives.chunks) == 6
    assert len(timed.chunks) == 1
    assert said(alone, "answer") == said(fives, "answer") == said(timed, "answer")
