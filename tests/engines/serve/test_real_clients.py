"""The packages that people use accept our server: OpenAI's, Ollama's and Anthropic's own."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from anthropic import Anthropic
    from ollama import Client
    from openai import OpenAI

    from tests.engines.serve.conftest import House

ASKED: Any = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Why?"}]
USER: Any = ASKED[1:]
MODEL = "thinker"


@pytest.fixture(scope="module")
def openai(house: "House") -> Iterator["OpenAI"]:
    from openai import OpenAI

    with OpenAI(base_url=f"{house.url}/v1", api_key="none", max_retries=0) as client:
        yield client


@pytest.fixture(scope="module")
def ollama(house: "House") -> Iterator["Client"]:
    from ollama import Client

    with Client(host=house.url) as client:
        yield client


@pytest.fixture(scope="module")
def anthropic(house: "House") -> Iterator["Anthropic"]:
    from anthropic import Anthropic

    with Anthropic(base_url=house.url, api_key="none", max_retries=0) as client:
        yield client


# OpenAI


def test_openai_chat(openai: "OpenAI") -> None:
    whole = openai.chat.completions.create(model=MODEL, messages=ASKED)
    answer = whole.choices[0].message.content
    assert answer is not None
    assert answer.startswith("[simulated] ")
    assert whole.choices[0].finish_reason == "stop"
    assert whole.usage is not None
    assert whole.usage.completion_tokens == 30

    said = ""
    usage = None
    with openai.chat.completions.create(
        model=MODEL, messages=ASKED, stream=True, stream_options={"include_usage": True}
    ) as stream:
        for chunk in stream:
            usage = chunk.usage or usage
            said += "".join(choice.delta.content or "" for choice in chunk.choices)
    assert said == answer
    assert usage is not None
    assert usage.total_tokens == whole.usage.total_tokens


def test_openai_completions(openai: "OpenAI") -> None:
    whole = openai.completions.create(model=MODEL, prompt="Why?")
    assert whole.choices[0].text.startswith("[simulated] ")
    with openai.completions.create(model=MODEL, prompt="Why?", stream=True) as stream:
        assert "".join(chunk.choices[0].text for chunk in stream) == whole.choices[0].text


def test_openai_responses(openai: "OpenAI") -> None:
    whole = openai.responses.create(model=MODEL, input="Why?", instructions="Be brief.")
    assert whole.output_text.startswith("[simulated] ")
    assert [item.type for item in whole.output] == ["reasoning", "message"]
    assert whole.usage is not None
    assert whole.usage.output_tokens == 30

    with openai.responses.stream(model=MODEL, input=USER, instructions="Be brief.") as stream:
        events = list(stream)
        final = stream.get_final_response()
    said = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    assert said == final.output_text == whole.output_text
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert final.status == "completed"

    cut = openai.responses.create(model=MODEL, input="Why?", max_output_tokens=20)
    assert cut.status == "incomplete"
    assert cut.incomplete_details is not None
    assert cut.incomplete_details.reason == "max_output_tokens"


def test_openai_lists_models_and_raises_its_own_errors(openai: "OpenAI") -> None:
    from openai import APIError, InternalServerError, NotFoundError

    assert MODEL in [model.id for model in openai.models.list()]
    with pytest.raises(NotFoundError, match="model 'nobody' not found"):
        openai.chat.completions.create(model="nobody", messages=ASKED)
    with pytest.raises(InternalServerError, match="this model fails"):
        openai.chat.completions.create(model="error-0", messages=ASKED)
    with (
        openai.chat.completions.create(model="error-5", messages=ASKED, stream=True) as stream,
        pytest.raises(APIError, match="this model fails"),
    ):
        list(stream)
    with openai.responses.create(model="error-5", input="Why?", stream=True) as events:
        *_, last = events
    assert last.type == "error"
    assert "this model fails" in last.message


# Ollama


def test_ollama_chat(ollama: "Client") -> None:
    whole = ollama.chat(model=MODEL, messages=ASKED, think=True)
    assert whole.message.content is not None
    assert whole.message.content.startswith("[simulated] ")
    assert whole.message.thinking
    pieces = list(ollama.chat(model=MODEL, messages=ASKED, think=True, stream=True))
    assert "".join(piece.message.content or "" for piece in pieces) == whole.message.content
    assert "".join(piece.message.thinking or "" for piece in pieces) == whole.message.thinking
    assert [piece.done for piece in pieces] == [False] * 30 + [True]
    assert pieces[-1].eval_count == 30


def test_ollama_generate(ollama: "Client") -> None:
    whole = ollama.generate(model=MODEL, prompt="Why?")
    pieces = list(ollama.generate(model=MODEL, prompt="Why?", stream=True))
    assert "".join(piece.response or "" for piece in pieces) == whole.response
    assert whole.response.startswith("[simulated] ")


def test_ollama_tells_of_models_and_raises_its_own_errors(ollama: "Client") -> None:
    from ollama import ResponseError

    ollama.generate(model=MODEL)  # loads it
    assert MODEL in [model.model for model in ollama.list().models]
    assert MODEL in [model.model for model in ollama.ps().models]
    assert ollama.show(MODEL).capabilities == ["completion", "thinking"]
    with pytest.raises(ResponseError, match="model 'nobody' not found"):
        ollama.chat(model="nobody", messages=ASKED)
    with pytest.raises(ResponseError, match="this model fails"):
        list(ollama.chat(model="error-5", messages=ASKED, stream=True))


# Anthropic


def test_anthropic_messages(anthropic: "Anthropic") -> None:
    whole = anthropic.messages.create(model=MODEL, max_tokens=99, system="Be brief.", messages=USER)
    assert [block.type for block in whole.content] == ["thinking", "text"]
    assert whole.stop_reason == "end_turn"
    assert whole.usage.output_tokens == 30
    with anthropic.messages.stream(
        model=MODEL, max_tokens=99, system="Be brief.", messages=USER
    ) as stream:
        said = "".join(stream.text_stream)
        final = stream.get_final_message()
    (answer,) = (block.text for block in whole.content if block.type == "text")
    assert said == answer
    assert answer.startswith("[simulated] ")
    assert [block.type for block in final.content] == ["thinking", "text"]
    assert final.usage.output_tokens == 30
    assert final.stop_reason == "end_turn"


def test_anthropic_raises_its_own_errors(anthropic: "Anthropic") -> None:
    from anthropic import APIStatusError, NotFoundError

    with pytest.raises(NotFoundError, match="model 'nobody' not found"):
        anthropic.messages.create(model="nobody", max_tokens=9, messages=USER)
    with (
        pytest.raises(APIStatusError, match="this model fails"),
        anthropic.messages.stream(model="error-5", max_tokens=99, messages=USER) as stream,
    ):
        list(stream.text_stream)
