"""The order of runs is fair: neither channel is favoured by a machine that drifts."""

from collections import Counter
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.pretty import pretty_repr

from streamscope.plan import Order, Plan
from streamscope.trace import Request, Run, Target, Trace
from streamscope.trial.order import arrangement, latin_square
from streamscope.trial.plan import (
    Channel,
    Course,
    Step,
    asked_request,
    meant,
    new_nonce,
    pair_steps,
    warmups,
    whole_pairs,
    with_nonce,
)

REQUEST = Request(prompt="Why?", max_tokens=500, seed=1)
TARGET = Target(protocol="openai-chat", url="http://127.0.0.1:1", model="m")


def sides(plan: Plan, pairs_before: int = 0) -> str:
    """Return the channels of all measured runs in order."""
    course = Course(plan=plan, pairs_before=pairs_before)
    return "".join(
        step.channel for pair in range(plan.repeat) for step in pair_steps(course, pair + 1)
    )


@pytest.mark.parametrize(
    ("order", "expected"),
    [("abba", "ABBAAB"), ("ab", "ABABAB"), ("ba", "BABABA"), ("latin", "ABBAAB")],
)
def test_who_goes_first(order: Order, expected: str) -> None:
    assert sides(Plan(repeat=3, order=order)) == expected


def test_a_random_order_is_the_same_again_when_it_is_continued() -> None:
    plan = Plan(repeat=40, order="random", seed=7)
    assert sides(plan) == sides(plan)
    assert {sides(plan)[i : i + 2] for i in range(0, 80, 2)} == {"AB", "BA"}
    assert sides(plan) != sides(Plan(repeat=40, order="random", seed=8))


def test_turns_go_on_where_the_last_comparison_stopped() -> None:
    parts = [sides(Plan(repeat=1), pairs_before=before) for before in range(5)]
    assert "".join(parts) == sides(Plan(repeat=5))


def test_pairs_and_positions_are_counted_from_one() -> None:
    course = Course(plan=Plan(repeat=2))
    assert pair_steps(course, 1) == (Step("A", 1, 1), Step("B", 1, 2))
    assert pair_steps(course, 2) == (Step("B", 2, 1), Step("A", 2, 2))


def test_warm_ups_are_made_on_both_channels() -> None:
    steps = list(warmups(Course(plan=Plan(warmup=2))))
    assert [(step.channel, step.pair, step.warmup) for step in steps] == [
        ("A", 0, True),
        ("B", 0, True),
    ] * 2


def test_there_is_one_cache_to_fill() -> None:
    course = Course(plan=Plan(warmup=1), prefill_only=True)
    assert [step.channel for step in warmups(course)] == ["A"]


def test_a_warm_up_that_only_prefills_asks_for_one_token() -> None:
    step = Step("A", 0, 1, True)
    short = asked_request(REQUEST, step, Course(prefill_only=True), TARGET)
    assert (short.max_tokens, short.prompt, short.seed) == (1, "Why?", 1)
    assert asked_request(REQUEST, step, Course(), TARGET) == REQUEST
    timed = Step("A", 1, 1)
    assert asked_request(REQUEST, timed, Course(prefill_only=True), TARGET) == REQUEST


def test_a_nonce_stands_before_all_that_a_cache_could_know() -> None:
    first, second = new_nonce(), new_nonce()
    assert first != second
    assert len(first) == len(second), "or else prompts would differ in length"
    assert with_nonce(REQUEST, first, TARGET).prompt == f"[{first}] Why?"
    assert with_nonce(REQUEST, "", TARGET) is REQUEST


def test_a_nonce_stands_before_the_system_text_where_that_is_sent() -> None:
    request = msgspec.structs.replace(REQUEST, system="Be brief.")
    nonce = new_nonce()
    found = with_nonce(request, nonce, TARGET)
    assert (found.system, found.prompt) == (f"[{nonce}] Be brief.", "Why?")
    bare = Target(protocol="openai-completions", url=TARGET.url)
    assert with_nonce(request, nonce, bare).prompt == f"[{nonce}] Why?"


@given(half=st.integers(1, 30), before=st.integers(0, 30))
def test_after_every_second_pair_both_have_gone_first_equally_often(half: int, before: int) -> None:
    first = sides(Plan(repeat=2 * half), before)[::2]
    assert first.count("A") == first.count("B") == half


@given(size=st.integers(2, 9))
def test_a_latin_square_is_balanced_for_places_and_for_what_went_before(size: int) -> None:
    rows = latin_square(size)
    places = Counter((place, each) for row in rows for place, each in enumerate(row))
    follows = Counter(pair for row in rows for pair in pairwise(row))
    assert set(places.values()) == {len(rows) // size}
    assert len(follows) == size * (size - 1)
    assert len(set(follows.values())) == 1


@given(
    channels=st.permutations("ABCD"),
    block=st.integers(0, 50),
    order=st.sampled_from(["abba", "ab", "ba", "random", "latin"]),
)
def test_every_channel_runs_once_in_a_block(channels: list[str], block: int, order: Order) -> None:
    assert sorted(arrangement(order, channels, block)) == sorted(channels)


def test_a_run_that_was_made_again_counts_as_what_it_became() -> None:
    def run(channel: str, pair: int, ended: str) -> Run:
        return Run(
            run_id=f"{channel}{pair}{ended}",
            comparison_id="c",
            channel=channel,  # type: ignore[arg-type] # the test names it
            target=Target(protocol="openai-chat", url="http://127.0.0.1:1"),
            request=REQUEST,
            trace=Trace(mode="stream", ended=ended),  # type: ignore[arg-type] # as above
            pair=pair,
        )

    runs = [
        run("A", 1, "error"),
        run("A", 1, "stop"),
        run("B", 1, "stop"),
        run("B", 2, "stop"),
        run("A", 2, "cancelled"),
    ]
    assert [(a.run_id, b.run_id) for a, b in whole_pairs(runs)] == [("A1stop", "B1stop")]


def test_a_channel_never_shows_its_key() -> None:
    target = Target(protocol="openai-chat", url="http://127.0.0.1:1")
    request = Request(prompt="Why?")
    channel = Channel(name="A", target=target, mode="stream", request=request, key="sk-verysecret")
    for shown in (repr(channel), str(channel), pretty_repr(channel), repr({"A": channel})):
        assert "verysecret" not in shown
        assert "127.0.0.1:1" in shown


def test_what_an_engine_added_was_not_meant() -> None:
    """To ask both channels again what an engine needs would make of one server's habit a wish."""
    filled = Request(prompt="Why?", max_tokens=512, params={"cache_prompt": False})
    plain = Request(prompt="Why?", max_tokens=512)
    assert meant([filled, plain]) == plain
    assert meant([plain]) == plain
