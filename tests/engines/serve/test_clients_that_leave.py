"""Whoever leaves, or takes nothing, costs nothing from then on: all protocols, both modes."""

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
import wsproto
from wsproto.events import AcceptConnection, TextMessage
from wsproto.events import Request as Handshake

from streamscope.engines.stage import Stage
from streamscope.trace import Mode, Request, Target
from streamscope.wire.registry import protocol as protocol_named

if TYPE_CHECKING:
    from tests.engines.serve.conftest import House

PROTOCOLS = (
    "ollama-chat",
    "ollama-generate",
    "openai-chat",
    "openai-completions",
    "openai-responses",
    "anthropic",
    "token-sse",
    "token-sse-get",
    "text",
    "text-get",
)
MODES: tuple[Mode, ...] = ("stream", "blocking")

Within = Callable[[Callable[[], bool]], bool]
Opening = Callable[..., AbstractContextManager["House"]]


@pytest.fixture
def empty(opening: Opening) -> Iterator["House"]:
    """A house with one slot, where nobody else comes."""
    from tests.engines.serve.conftest import PROFILES

    with opening(Stage(PROFILES)) as house:
        yield house


def request(url: str, name: str, mode: Mode, model: str) -> bytes:
    """Return the bytes of a request, as our own client would send it."""
    url += "/text/stream" if name.startswith("text") else ""
    target = Target(protocol=name, url=url, model=model)
    call = protocol_named(name).call(target, Request(prompt="Why?"), mode, None)
    parts = urlsplit(call.url)
    path = parts.path + ("?" + parts.query if parts.query else "")
    lines = [f"{call.method} {path} HTTP/1.1", f"Host: {parts.netloc}"]
    lines += [f"{header}: {value}" for header, value in call.headers.items()]
    lines += [f"Content-Length: {len(call.body)}", "", ""]
    return "\r\n".join(lines).encode() + call.body


def converse(client: socket.socket, message: dict[str, Any]) -> None:
    """Shake hands over a plain socket and send a message: nobody reads in the background."""
    conversation = wsproto.WSConnection(wsproto.ConnectionType.CLIENT)
    client.sendall(conversation.send(Handshake(host="127.0.0.1", target="/ws")))
    conversation.receive_data(client.recv(1000))
    assert isinstance(next(conversation.events()), AcceptConnection)
    client.sendall(conversation.send(TextMessage(json.dumps(message))))


@pytest.mark.parametrize("mode", MODES)
def test_nothing_is_made_any_more_when_the_client_leaves(
    house: "House", within: Within, mode: Mode
) -> None:
    stage = house.stage
    before = stage.made
    names = (*PROTOCOLS, "websocket")
    with ExitStack() as stack:
        clients = {
            name: stack.enter_context(socket.create_connection(house.address)) for name in names
        }
        for name, client in clients.items():
            if name == "websocket":
                stream = mode == "stream"
                converse(client, {"prompt": "Why?", "model": "endless", "stream": stream})
            else:
                client.sendall(request(house.url, name, mode, "endless"))
        assert within(lambda: stage.playing == len(names))
        assert within(lambda: stage.made > before)
        left = len(names)
        for client in clients.values():
            client.close()
            left -= 1
            assert within(lambda: stage.playing == stage.present == left)  # noqa: B023 - called at once


@pytest.mark.parametrize("name", ["openai-chat", "websocket"])
def test_a_client_that_takes_nothing_is_dropped(
    opening: Opening, within: Within, name: str
) -> None:
    from tests.engines.serve.conftest import PROFILES

    with (
        opening(Stage(PROFILES, patience_s=0.1)) as house,
        socket.socket() as client,
    ):
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(house.address)
        if name == "websocket":
            converse(client, {"prompt": "Why?", "model": "flood"})
        else:
            client.sendall(request(house.url, name, "stream", "flood"))
        assert within(lambda: house.stage.made > 0)
        assert within(lambda: house.stage.present == 0)
        assert house.stage.made < PROFILES["flood"].tokens
        assert within(lambda: not house.service.server_state.connections)


def test_who_waits_in_the_queue_may_leave_too(empty: "House", within: Within) -> None:
    with (
        socket.create_connection(empty.address) as first,
        socket.create_connection(empty.address) as second,
    ):
        first.sendall(request(empty.url, "openai-chat", "stream", "endless"))
        assert within(lambda: empty.stage.playing == 1)
        second.sendall(request(empty.url, "openai-chat", "blocking", "endless"))
        assert within(lambda: empty.stage.present == 2)
        second.close()
        assert within(lambda: empty.stage.present == 1)
        assert empty.stage.playing == 1
    assert within(lambda: empty.stage.present == 0)


@pytest.mark.parametrize("name", ["openai-chat", "websocket"])
def test_no_token_waits_for_an_acknowledgement(empty: "House", within: Within, name: str) -> None:
    with socket.create_connection(empty.address) as client:
        if name == "websocket":
            converse(client, {"prompt": "Why?", "model": "endless"})
        else:
            client.sendall(request(empty.url, name, "stream", "endless"))
        assert within(lambda: empty.stage.playing == 1)
        (connection,) = empty.service.server_state.connections
        sock = connection.transport.get_extra_info("socket")
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    assert within(lambda: empty.stage.present == 0)
