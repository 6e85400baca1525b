"""Both channels are called by what tells them apart, in little room and without acting."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from streamscope.report.channels import LONGEST_HEAD, head, name, report_title, told_apart
from streamscope.report.words import plain
from streamscope.sides import Side, Sides
from streamscope.trace import Mode, Target


def sides(a: str, b: str, modes: tuple[Mode, Mode] = ("stream", "stream")) -> Sides:
    """Return two models at one place."""
    made = [
        Side(target=Target(protocol="openai-chat", url="http://x/v1", model=model), mode=mode)
        for model, mode in zip((a, b), modes, strict=True)
    ]
    return Sides(a=made[0], b=made[1])


DELIVERY = sides("m", "m", ("stream", "blocking"))


def test_the_usual_channels_are_called_by_how_they_deliver() -> None:
    assert (head(DELIVERY, "A", "stream"), head(None, "B", "blocking")) == (
        "A stream",
        "B blocking",
    )
    assert report_title([DELIVERY, None]) == "Streaming or blocking?"
    assert report_title([]) == "Streaming or blocking?"


def test_others_are_called_by_what_tells_them_apart() -> None:
    models = sides("qwen3:8b", "llama3.2:3b")
    assert [head(models, each, "stream") for each in ("A", "B")] == ["A qwen3:8b", "B llama3.2:3b"]
    assert report_title([models, models]) == "A (qwen3:8b) against B (llama3.2:3b)"
    assert report_title([models, DELIVERY]) == "A against B"
    blocking_first = sides("m", "m", ("blocking", "stream"))
    assert head(blocking_first, "A", "blocking") == "A blocking"
    assert head(sides("m", "m"), "B", "stream") == "B streaming"


@pytest.mark.parametrize(
    ("a", "b", "shown"),
    [
        ("short", "a-model-with-a-name-that-is-long", "B a-model-with-a-name-that-…"),
        (
            "a-model-with-a-name-that-is-long-q4",
            "a-model-with-a-name-that-is-long-q8",
            "B …th-a-name-that-is-long-q8",
        ),
        (
            "meta-llama/Llama-3.1-8B-Instruct-GGUF-Q4_K_M",
            "meta-llama/Llama-3.1-70B-Instruct-GGUF-Q4_K_M",
            "B meta-llama/Llama-3.1-70B-…",
        ),
    ],
)
def test_a_long_name_keeps_what_tells_it_from_the_other(a: str, b: str, shown: str) -> None:
    assert head(sides(a, b), "B", "stream") == shown
    assert len(shown) <= LONGEST_HEAD


@pytest.mark.parametrize(
    ("mine", "other", "room", "shown"),
    [
        ("Llama-3.1-8B-Instruct", "Llama-3.1-70B-Instruct", 12, "…8B-Instruct"),
        ("Llama-3.1-70B-Instruct", "Llama-3.1-8B-Instruct", 12, "…70B-Instru…"),
        ("a-long-name-v12-and-what-else", "a-long-name-v13-and-what-else", 8, "…v12-an…"),
        ("通义千问很长的名字甲", "通义千问很长的名字乙", 8, "…名字甲"),
        ("the-same-long-name", "the-same-long-name", 8, "…ng-name"),
    ],
)
def test_a_difference_in_the_middle_is_kept(mine: str, other: str, room: int, shown: str) -> None:
    assert told_apart(mine, other, room) == shown
    assert cell_len(shown) <= room


@given(st.text(), st.text())
def test_no_name_is_too_long_or_dangerous(a: str, b: str) -> None:
    compared = sides(a, b)
    for channel in ("A", "B"):
        said = head(compared, channel, "stream")
        assert len(said) <= LONGEST_HEAD
        assert said == plain(said)
        assert len(name(compared, channel)) <= 48
