"""Of a comparison whose plan is lost, reports say what its runs tell and nothing else."""

from collections.abc import Callable

import msgspec
import pytest

from streamscope.plan import Order, Plan
from streamscope.report.command import command_line
from streamscope.report.recalled import UNTOLD, recalled, told_by
from streamscope.report.validity import how_words
from streamscope.trace import ChannelName, Run, Trace
from streamscope.trial.plan import Course, pair_steps, warmups

Make = Callable[[Plan], list[Run]]


@pytest.fixture
def make(build_run: Callable[..., Run], build_stream: Callable[..., Trace]) -> Make:
    """Return what makes the runs of a plan as it would be carried out."""

    def carried_out(plan: Plan) -> list[Run]:
        course = Course(plan=plan)
        steps = [*warmups(course)]
        for pair in range(1, plan.repeat + 1):
            steps += pair_steps(course, pair)
        return [
            build_run(
                build_stream(0.2, 2.0),
                step.channel,
                step.pair,
                position=step.position,
                warmup=step.warmup,
                layout=plan.layout,
                regime=plan.regime,
            )
            for step in steps
        ]

    return carried_out


@pytest.mark.parametrize(
    ("order", "told"), [("ab", "ab"), ("ba", "ba"), ("abba", "abba"), ("latin", "abba")]
)
def test_an_order_that_follows_a_rule_is_told(make: Make, order: Order, told: Order) -> None:
    plan, unknown = told_by(make(Plan(order=order, repeat=4, warmup=2, regime="cold")))
    assert plan == Plan(order=told, repeat=4, warmup=2, regime="cold")
    assert unknown == UNTOLD


@pytest.mark.parametrize("firsts", ["AABB", "ABBA", "A", "AAB"])
def test_an_order_without_a_rule_is_not_known(make: Make, firsts: str) -> None:
    runs = make(Plan(order="ab", repeat=len(firsts), warmup=0))
    turned = []
    for run in runs:
        first: ChannelName = "A" if firsts[run.pair - 1] == "A" else "B"
        position = 1 if run.channel == first else 2
        turned.append(msgspec.structs.replace(run, position=position))
    comparison = recalled(None, turned)
    assert comparison.unknown == {*UNTOLD, "order", "warmup"}
    said = how_words(comparison)
    assert "order not known" in said
    assert said.endswith(
        "came without its plan: warm-ups, pauses and when it was to end are not known."
    )
    command = command_line(comparison)
    assert f"--repeat {len(firsts)} --regime warm" in command
    assert "--order" not in command
    assert "--warmup" not in command


def test_a_race_has_no_order_to_know(make: Make) -> None:
    comparison = recalled(None, make(Plan(layout="race", repeat=2)))
    assert comparison.unknown == UNTOLD
    assert "--warmup 1 --order race" in command_line(comparison)
    assert "order" not in how_words(comparison)


def test_a_plan_that_is_known_stands_as_it_is(make: Make) -> None:
    plan = Plan(order="random", seed=3, repeat=2, until=0.05)
    comparison = recalled(plan, make(plan), include_busy=True)
    assert (comparison.plan, comparison.known_plan) == (plan, plan)
    assert comparison.include_busy
    assert "came without its plan" not in how_words(comparison)


def test_nothing_at_all_tells_nothing() -> None:
    assert told_by([]) == (Plan(repeat=1), frozenset({*UNTOLD, "order", "warmup"}))
