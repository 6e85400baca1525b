"""Whatever bytes come, and however they are cut: no protocol raises, and none changes its mind."""

import itertools
import json
import re
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streamscope.trace import Mode
from streamscope.wire.events import End, Event, Failure, Text
from streamscope.wire.registry import PROTOCOLS, protocol

Load = Callable[[str], tuple[int, Mode, bytes]]

MODES: tuple[Mode, ...] = ("stream", "blocking")
FEW = settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])

RECORDED = {
    "openai-chat": "vllm/chat_stream",
    "openai-completions": "llamacpp/completions_stream",
    "openai-responses": "llamacpp/responses_stream",
    "llamacpp-completion": "llamacpp/native_completion_stream",
    "anthropic": "vllm/messages_stream",
}
"""A short stream of each protocol of which there are recorded bytes."""

MEMBERS = re.findall(
    r"\S+",
    """
    type object error message messages content content_block delta text thinking partial_json
    choices index finish_reason usage timings metrics model output status item response summary
    reasoning tool_calls function arguments stop stop_type done done_reason candidates parts
    input_tokens prompt_tokens prompt_ms predicted_ms incomplete_details reason event token
    """,
)
WORDS = re.findall(
    r"\S+",
    """
    message error text thinking tool_use message_start content_block_start content_block_delta
    message_delta message_stop text_delta thinking_delta response response.created
    response.output_text.delta response.output_item.added response.completed response.failed
    function_call reasoning completed incomplete stop length eos limit <think>
    chat.start message.delta chat.end
    """,
)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.floats()
    | st.sampled_from(WORDS)
    | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(MEMBERS), inner, min_size=1, max_size=4)
    ),
    max_leaves=12,
)


def run(name: str, mode: Mode, reads: Sequence[bytes]) -> list[Event]:
    decoder = protocol(name).decoder(mode)
    events = list(itertools.chain.from_iterable(map(decoder.feed, reads)))
    return events + list(decoder.finish())


def joined(events: Sequence[Event]) -> list[Event]:
    """Return events with neighbouring pieces of text of one kind made one."""
    found: list[Event] = []
    for event in events:
        before = found[-1] if found else None
        if isinstance(event, Text) and isinstance(before, Text) and event.kind == before.kind:
            found[-1] = Text(event.kind, before.text + event.text)
        else:
            found.append(event)
    return found


def check(name: str, mode: Mode, body: bytes, cut: int) -> None:
    """Decode a body in one piece and in two, and see that nothing follows an end or a failure."""
    events = run(name, mode, [body])
    in_two = run(name, mode, [body[:cut], body[cut:]])
    if name.startswith("websocket"):  # there each piece is a message, and never cut
        in_two = events
    if name.startswith("text"):  # nothing but its reads says where a piece of bare text ends
        in_two, events = joined(in_two), joined(events)
    assert in_two == events
    assert not any(isinstance(event, End | Failure) for event in events[:-1])


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", list(PROTOCOLS))
@FEW
@given(st.binary(max_size=80), st.integers(0, 80))
def test_any_bytes(name: str, mode: Mode, body: bytes, cut: int) -> None:
    check(name, mode, body, cut)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", list(PROTOCOLS))
@FEW
@given(
    st.lists(st.dictionaries(st.sampled_from(MEMBERS), JSON, max_size=5), max_size=4),
    st.sampled_from(["", "error", *WORDS]),
    st.integers(0, 400),
)
def test_any_json(name: str, mode: Mode, values: list[Any], event: str, cut: int) -> None:
    head = f"event: {event}\n" if event else ""
    texts = [*map(json.dumps, values)]
    sse = "".join(f"{head}data: {each}\n\n" for each in texts)
    for body in (sse, "\n".join(texts), "".join(texts[:1])):
        check(name, mode, body.encode(), cut)


@pytest.mark.parametrize("name", list(RECORDED))
@FEW
@given(st.data())
def test_any_damage(load: Load, name: str, data: st.DataObject) -> None:
    _, mode, body = load(RECORDED[name])
    at = data.draw(st.integers(0, len(body)))
    gone = data.draw(st.integers(0, 40))
    put = data.draw(st.binary(max_size=9) | st.sampled_from([b"null", b'"x"', b"{}", b"[1]", b"5"]))
    check(name, mode, body[:at] + put + body[at + gone :], at)


@pytest.mark.parametrize("name", list(RECORDED))
def test_a_cut_anywhere_is_no_complaint_about_form(load: Load, name: str) -> None:
    _, mode, body = load(RECORDED[name])
    whole = run(name, mode, [body])
    for at in range(0, len(body), 13):
        events = run(name, mode, [body[:at]])
        assert not [event for event in events if isinstance(event, Failure) and at > 400]
        assert End() not in events or events[-1] == whole[-1]


@pytest.mark.parametrize("name", list(RECORDED))
def test_split_at_every_position(load: Load, name: str) -> None:
    _, mode, body = load(RECORDED[name])
    whole = run(name, mode, [body])
    assert whole[-1] == End()
    for at in range(len(body)):
        assert run(name, mode, [body[:at], body[at:]]) == whole
