"""How text of any protocol becomes events."""

import pytest

from streamscope.trace import Ended
from streamscope.wire.events import Event, Finish, Model, Text
from streamscope.wire.transcript import Transcript


def test_the_model_is_named_once() -> None:
    said = Transcript()
    assert said.model("") == said.model(None) == []
    assert said.model("m") == [Model("m")]
    assert said.model("n") == []


def test_nothing_is_no_text() -> None:
    said = Transcript()
    for take in (said.answer, said.reasoning, said.refusal, said.tool):
        assert take("") == take(None) == []
    assert not said.said
    assert said.close() == []


def test_tags_are_thinking_until_the_server_itself_keeps_it_apart() -> None:
    said = Transcript()
    assert said.answer("<think>hm") == [Text("reasoning", "hm")]
    assert said.said
    apart = Transcript()
    assert apart.reasoning("hm") == [Text("reasoning", "hm")]
    assert apart.answer("<think>x") == [Text("answer", "<think>x")]


def test_what_is_held_back_counts_as_said_and_comes_before_what_follows() -> None:
    said = Transcript()
    assert said.answer("<th") == []
    assert said.said
    assert said.reasoning("hm") == [Text("reasoning", "hm")]
    assert said.answer("x") == [Text("answer", "<th"), Text("answer", "x")]
    assert said.close() == []


@pytest.mark.parametrize("ended", ["stop", "length"])
def test_the_reason_is_corrected_only_where_it_says_stop(ended: Ended) -> None:
    def after(*events: list[Event]) -> Ended:
        (finish,) = (event for event in events[-1] if isinstance(event, Finish))
        return finish.reason

    stops = ended == "stop"
    said = Transcript()
    assert after(said.finish(ended)) == ended
    assert after(said.tool("x"), said.finish(ended)) == ("tool" if stops else ended)
    assert after(said.refusal("x"), said.finish(ended)) == ("filter" if stops else ended)


def test_a_refusal_is_said_once() -> None:
    said = Transcript()
    assert said.refusal("I ") == [Text("answer", "I "), Finish("filter")]
    assert said.refusal("won't.") == [Text("answer", "won't.")]


def test_text_carries_the_stamp_of_the_server() -> None:
    said = Transcript()
    said.server_ns = 5
    assert said.answer("x") == [Text("answer", "x", 5)]
    assert said.tool("y") == [Text("tool", "y", 5)]
