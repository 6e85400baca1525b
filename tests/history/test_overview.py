"""The list of groups: what each row tells, in which order, and how it is searched."""

from collections.abc import Callable

import pytest

from streamscope.history import Group, History, overview
from streamscope.trace import Run, Target

MakeRun = Callable[..., Run]
Keep = Callable[..., Run]


def found(history: History, contains: str) -> list[str]:
    return [row.group.prompt for row in history.groups(contains=contains)]


def test_a_group_is_listed_with_its_newest_figures(
    history: History, make_run: MakeRun, keep: Keep
) -> None:
    asked = {"system": "Be brief.", "max_tokens": 9}
    keep(make_run("stream", request=asked, pair=1), ttfv_s=1.0, total_s=2.0)
    keep(make_run("blocking", request=asked, pair=1), ttfv_s=3.0)
    keep(make_run("stream", "error", request=asked, pair=2))
    newest = keep(make_run("stream", request=asked, pair=2), ttfv_s=5.0)

    (row,) = history.groups(names=("ttfv_s", "total_s"))

    assert row.group == Group.of(newest)
    assert (row.target, row.request) == (newest.target, newest.request)
    assert row.started_utc == "2026-10-17T12:00:04.000000Z"
    assert (row.runs, row.pairs) == (4, 1)
    assert (row.note, row.tags) == ("", ())
    assert row.values == history.values(row.group, ["ttfv_s", "total_s"])
    assert row.values["stream"].values == {"ttfv_s": [1.0, 5.0], "total_s": [2.0]}
    assert row.values["stream"].excluded == {"error": 1}


def test_all_runs_are_counted_and_only_the_newest_pooled(
    history: History, make_run: MakeRun, keep: Keep
) -> None:
    for number in range(5):
        keep(make_run(pair=number), a=float(number))

    (row,) = history.groups(names=["a"], newest=2)

    assert row.runs == 5
    assert row.values["stream"].values == {"a": [3.0, 4.0]}
    assert row.values["stream"].excluded == {"older": 3}


def test_the_target_is_as_the_newest_run_called_it(
    history: History, make_run: MakeRun, keep: Keep
) -> None:
    """An engine of ours has another port at each start, and is one group all the same."""
    ports = [
        Target(protocol="ollama-chat", url=f"http://127.0.0.1:{port}", model="m")
        for port in (40001, 40002)
    ]
    for target in ports:
        keep(make_run(engine="local", target=target))

    assert [row.target for row in history.groups()] == [ports[1]]


def test_the_group_with_the_newest_run_is_first_and_pages_do_not_overlap(
    history: History, make_run: MakeRun, keep: Keep
) -> None:
    for prompt in ("one", "two", "three", "one"):
        keep(make_run(prompt=prompt))

    assert found(history, "") == ["one", "three", "two"]
    pages = [history.groups(1, offset=offset) for offset in range(4)]
    assert [[row.group.prompt for row in page] for page in pages] == [
        ["one"],
        ["three"],
        ["two"],
        [],
    ]


def test_nonsensical_limits_are_an_empty_page(
    history: History, make_run: MakeRun, keep: Keep
) -> None:
    keep(make_run())

    assert history.groups(-1) == []
    assert history.groups(0) == []
    assert len(history.groups(10, offset=-1)) == 1
    assert history.groups(newest=-1)[0].runs == 1


@pytest.mark.parametrize(
    ("contains", "prompts"),
    [
        ("äpfel SCHÖNE", ["Schöne Äpfel"]),
        ("apart", []),
        ("strasse", ["Die Straße"]),
        ("100%", ["100% sure_thing"]),
        ("_", ["100% sure_thing"]),
        ("内存", ["解释统一内存"]),
        ("GEMMA", ["解释统一内存"]),
        ("gemma 127.0.0.1:8080", ["解释统一内存"]),
        ("gemma straße", []),
        ("openai-chat", ["解释统一内存"]),
        ("' OR 1 --", []),
        ("#", []),
        ("\x00", []),
        ("  ", ["解释统一内存", "100% sure_thing", "Die Straße", "Schöne Äpfel"]),
    ],
)
def test_all_words_must_occur_in_prompt_or_target_in_any_case(
    history: History, make_run: MakeRun, keep: Keep, contains: str, prompts: list[str]
) -> None:
    for prompt in ("Schöne Äpfel", "Die Straße", "100% sure_thing"):
        keep(make_run(prompt=prompt))
    other = Target(protocol="openai-chat", url="http://127.0.0.1:8080", model="Gemma4:e2b")
    keep(make_run(prompt="解释统一内存", target=other))

    assert found(history, contains) == prompts


def test_notes_and_tags_are_searched_also_those_of_comparisons(
    history: History, make_run: MakeRun, keep: Keep
) -> None:
    one = keep(make_run(prompt="one", comparison_id="1" * 32))
    keep(make_run(prompt="two", comparison_id="2" * 32))
    history.annotate(Group.of(one), note="Slow WLAN", tags=["Zuhause"]).result()
    history.annotate("2" * 32, note="after the update", tags=["update", "büro"]).result()

    assert found(history, "wlan") == ["one"]
    assert found(history, "zuh") == ["one"]
    assert found(history, "after") == ["two"]
    assert found(history, "two after slow") == []


def test_a_word_with_a_hash_is_a_whole_tag(history: History, make_run: MakeRun, keep: Keep) -> None:
    one = keep(make_run(prompt="one #slow", comparison_id="1" * 32))
    two = keep(make_run(prompt="two", comparison_id="2" * 32))
    history.annotate(Group.of(one), note="#slow", tags=["slower"]).result()
    history.annotate(Group.of(two), tags=["Slow", "Büro"]).result()
    history.annotate("1" * 32, tags=["wlan"]).result()

    assert found(history, "#slow") == ["two"]
    assert found(history, "#SLOW #büro") == ["two"]
    assert found(history, "#slow #wlan") == []
    assert found(history, "#wlan one") == ["one #slow"]
    assert found(history, "#slo") == []


def test_a_whole_prompt_can_be_pasted_as_a_search(
    history: History, make_run: MakeRun, keep: Keep
) -> None:
    prompt = " ".join(f"word{number}" for number in range(5000))
    keep(make_run(prompt=prompt))

    assert found(history, prompt) == [prompt]
    assert found(history, f"absent {prompt}") == []
    assert overview.MOST_WORDS < 5000
