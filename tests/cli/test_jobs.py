"""What is measured anew, or goes on, is what was measured before, or it is refused."""

from typing import TYPE_CHECKING

import msgspec
import pytest

from streamscope.cli.jobs import Job, planned
from streamscope.cli.run_arguments import parse_rerun
from streamscope.engines.engine import Engine
from streamscope.history import Group, HistoryError
from streamscope.measure.figures import measure
from streamscope.plan import Plan
from streamscope.settings import Config
from streamscope.sides import Side, Sides
from streamscope.trace import ChannelName, Mode, Request, Run, Target
from streamscope.trial.plan import Course
from streamscope.trial.setup import Matchup, Setup, Wish, Wishes

if TYPE_CHECKING:
    from tests.cli.conftest import Past

ASKED = Request(prompt="Why?", seed=1)
MEASURED = "The comparison was measured on openai-chat http://127.0.0.1:9"
BEGUN = "The comparison was begun on version 1 of the server"


class Gone:
    """Stands for the process of an engine."""

    alive = True

    def close(self) -> None:
        return


def setup(model: str, *, version: str = "1", engine: Engine | None = None) -> Setup:
    target = Target(protocol="openai-chat", url="http://127.0.0.1:9", model=model)
    name = "" if engine is None else engine.name
    return Setup(target=target, version=version, process=engine, engine=name)


def before(**versions: str) -> Job:
    """Return a job of small against large."""
    models: dict[ChannelName, str] = {"A": "small", "B": "large"}
    groups = {name: Group.asked(setup(model).target, ASKED) for name, model in models.items()}
    return Job(request=ASKED, course=Course(), groups=groups, versions=versions)  # type: ignore[arg-type] # names of channels


def again(past: "Past", named: str) -> Job:
    (job,) = planned(parse_rerun([named]), Config(), past.history)
    return job


@pytest.mark.parametrize(
    ("a", "b", "sentence"),
    [
        (setup("small"), setup("large"), ""),
        (
            setup("other"),
            setup("large"),
            f"{MEASURED} small on channel A, but here is openai-chat http://127.0.0.1:9 other.",
        ),
        (
            setup("small"),
            setup("other"),
            f"{MEASURED} large on channel B, but here is openai-chat http://127.0.0.1:9 other.",
        ),
        (
            setup("small"),
            setup("large", version="2"),
            f"{BEGUN} on channel B, which is 2 now: `streamscope history rerun` measures it anew.",
        ),
        (setup("small"), setup("large", version=""), ""),
    ],
)
def test_each_channel_has_to_be_what_it_was(a: Setup, b: Setup, sentence: str) -> None:
    assert before(B="1").refusal(Matchup(a=a, b=b, modes=("stream", "stream"))) == sentence


def test_one_server_needs_no_channel_to_be_named() -> None:
    job = before()
    groups = dict.fromkeys(job.groups, job.groups["A"])
    words = msgspec.structs.replace(job, groups=groups).refusal(Matchup.of(setup("other")))
    assert words.startswith(f"{MEASURED} small, but here is ")


def test_a_new_comparison_may_be_measured_on_anything() -> None:
    assert Job(request=ASKED, course=Course()).refusal(Matchup.of(setup("any"))) == ""


def test_an_engine_that_adds_something_else_than_before_is_refused() -> None:
    target = setup("small").target
    defaults = {"max_tokens": 9}
    engine = Engine(
        name="local",
        target=target,
        key=None,
        label="",
        caution="-",
        defaults=defaults,
        process=Gone(),
    )
    group = Group.asked(target, ASKED, engine="local")
    job = Job(request=ASKED, course=Course(), groups={"A": group})
    here = Matchup(a=setup("small", engine=engine), b=setup("large"))
    assert "with other parameters than it would be asked with now" in job.refusal(here)
    filled = Group.asked(target, engine.fill(ASKED), engine="local")
    assert msgspec.structs.replace(job, groups={"A": filled}).refusal(here) == ""


# ----------------------------------------------------------------------------- from the history


def test_both_channels_are_wished_for_again(past: "Past") -> None:
    name, runs = past.comparison(model="small", against="large", modes=("stream", "stream"))
    job = again(past, name)
    a, b = (
        Wish(url=runs[0].target.url, protocol="openai-chat", model=m, named=False, named_once=True)
        for m in ("small", "large")
    )
    assert job.wishes == Wishes(a=a, b=b, modes=("stream", "stream"))
    assert job.groups == {run.channel: Group.of(run) for run in runs[:2]}


def test_what_an_engine_added_to_one_channel_is_not_asked_of_the_other(past: "Past") -> None:
    name, (a, b) = past.comparison(pairs=1)
    request = msgspec.structs.replace(b.request, max_tokens=256)
    filled = msgspec.structs.replace(b, run_id=past.id(), engine="local", request=request)
    past.history.delete(runs=[b.run_id]).result()
    past.history.save(filled, measure(b.trace).values).result()
    assert again(past, name).request == a.request


def _alone(past: "Past", mode: Mode) -> Run:
    """Keep a comparison that was stopped before B was asked."""
    _, (a, b) = past.comparison(pairs=1, modes=(mode, "stream"), plan=Plan(repeat=3))
    past.history.delete(runs=[b.run_id]).result()
    return a


def test_a_stream_alone_was_to_be_compared_with_the_same_server(past: "Past") -> None:
    run = _alone(past, "stream")
    asked = msgspec.structs.replace(Wish.again(run.target, ""), named_once=True)
    assert again(past, run.comparison_id).wishes == Wishes(a=asked)


def test_the_plan_tells_what_a_channel_is_that_was_not_asked_yet(past: "Past") -> None:
    side = Side(target=setup("small").target, mode="stream")
    large = Side(target=setup("large").target, mode="stream")
    plan = Plan(repeat=3, sides=Sides(a=side, b=large))
    name, (_, b) = past.comparison(pairs=1, modes=("stream", "stream"), plan=plan)
    past.history.delete(runs=[b.run_id]).result()
    wishes = again(past, name).wishes
    assert wishes is not None
    assert wishes.b is not None
    assert wishes.b.model == "large"


def test_a_channel_alone_that_is_not_the_usual_one_says_nothing_of_the_other(past: "Past") -> None:
    run = _alone(past, "blocking")
    with pytest.raises(HistoryError, match="nobody knows what the other one was"):
        again(past, run.comparison_id)


def test_channels_that_were_asked_different_things_are_refused(past: "Past") -> None:
    name, (_, b) = past.comparison(pairs=1)
    request = msgspec.structs.replace(b.request, prompt="What?")
    other = msgspec.structs.replace(b, run_id=past.id(), request=request)
    past.history.delete(runs=[b.run_id]).result()
    past.history.save(other, measure(b.trace).values).result()
    with pytest.raises(HistoryError, match="channels that differ in prompt"):
        again(past, name)
