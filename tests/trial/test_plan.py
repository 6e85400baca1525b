"""The order of runs is fair: neither channel is favoured by a machine that drifts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.pretty import pretty_repr

from streamscope.trace import Request, Target
from streamscope.trial.plan import Channel, Order, Plan, Step, steps, warmup_request


def sides(plan: Plan) -> str:
    """Return the channels of all runs that are not warm-ups, in order; a race in brackets."""
    return "".join(
        "".join(step.channel for step in together)
        if len(together) == 1
        else f"[{''.join(step.channel for step in together)}]"
        for together in steps(plan)
        if not together[0].warmup
    )


@pytest.mark.parametrize(
    ("order", "expected"), [("abba", "ABBAAB"), ("ab", "ABABAB"), ("ba", "BABABA")]
)
def test_who_goes_first(order: Order, expected: str) -> None:
    assert sides(Plan(pairs=3, order=order)) == expected


def test_a_race_starts_both_at_once() -> None:
    assert sides(Plan(pairs=3, layout="race")) == "[AB][BA][AB]"


def test_turns_go_on_where_the_last_comparison_stopped() -> None:
    whole = sides(Plan(pairs=5))
    parts = [sides(Plan(pairs=1, first_pair=before)) for before in range(5)]
    assert "".join(parts) == whole


def test_pairs_and_positions_are_counted_from_one() -> None:
    assert steps(Plan(pairs=2)) == [
        (Step("A", 1, 1),),
        (Step("B", 1, 2),),
        (Step("B", 2, 1),),
        (Step("A", 2, 2),),
    ]


def test_warm_ups_come_first_on_both_channels_and_apart() -> None:
    order = steps(Plan(pairs=1, warmups=2, layout="race"))
    assert [[(step.channel, step.pair, step.warmup) for step in each] for each in order] == [
        [("A", 0, True)],
        [("B", 0, True)],
        [("A", 0, True)],
        [("B", 0, True)],
        [("A", 1, False), ("B", 1, False)],
    ]


def test_there_is_one_cache_to_fill() -> None:
    order = steps(Plan(pairs=1, warmups=1, prefill_only=True))
    assert [step.channel for (step,) in order if step.warmup] == ["A"]


def test_a_warm_up_that_only_prefills_asks_for_one_token() -> None:
    request = Request(prompt="Why?", max_tokens=500, seed=1)
    short = warmup_request(request, prefill_only=True)
    assert (short.max_tokens, short.prompt, short.seed) == (1, "Why?", 1)
    assert warmup_request(request, prefill_only=False) == request


@given(half=st.integers(1, 30), before=st.integers(0, 30), race=st.booleans())
def test_after_every_second_pair_both_have_gone_first_equally_often(
    half: int, before: int, race: bool
) -> None:
    plan = Plan(pairs=2 * half, first_pair=before, layout="race" if race else "apart")
    first = [step.channel for each in steps(plan) for step in each if step.position == 1]
    assert first.count("A") == first.count("B") == half


def test_a_channel_never_shows_its_key() -> None:
    target = Target(protocol="openai-chat", url="http://127.0.0.1:1")
    channel = Channel(name="A", target=target, mode="stream", key="sk-verysecret")
    for shown in (repr(channel), str(channel), pretty_repr(channel), repr({"A": channel})):
        assert "verysecret" not in shown
        assert "127.0.0.1:1" in shown
