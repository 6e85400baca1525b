"""Older prompts come back in order, and what was being typed is never lost."""

from hypothesis import given
from hypothesis import strategies as st

from streamscope.tui.recall import Recall

PROMPTS = ["newest", "older", "oldest"]


def everything(contains: str) -> list[str]:
    return [prompt for prompt in PROMPTS if contains in prompt]


def test_steps_lead_to_the_oldest_and_back_to_the_draft() -> None:
    recall = Recall()
    seen = []
    text = "draft"
    for step in (1, 1, 1, 1, -1, -1, -1, -1):
        seen.append(recall.step(step, text, everything))
        text = seen[-1] or text
    assert seen == ["newest", "older", "oldest", None, "older", "newest", "draft", None]


def test_the_prompt_in_the_editor_is_not_offered_again() -> None:
    assert Recall().step(1, "newest", everything) == "older"


def test_there_is_nothing_newer_than_the_draft() -> None:
    assert Recall().step(-1, "draft", everything) is None


def test_without_older_prompts_nothing_happens() -> None:
    assert Recall().step(1, "draft", lambda _: []) is None


def test_after_a_run_it_begins_at_the_newest_again() -> None:
    recall = Recall()
    recall.step(1, "draft", everything)
    recall.step(1, "newest", everything)
    recall.forget()
    assert recall.step(1, "older", everything) == "newest"


@given(st.lists(st.sampled_from([1, -1])), st.lists(st.text(), unique=True), st.text())
def test_as_many_steps_back_as_forth_bring_the_draft_back(
    steps: list[int], prompts: list[str], draft: str
) -> None:
    recall = Recall()
    text = draft
    for step in [*steps, *[-1] * len(steps)]:
        found = recall.step(step, text, lambda _: prompts)
        text = text if found is None else found
    assert text == draft
