"""What keeps two channels from being compared is said, and nothing where nothing does."""

from collections.abc import Callable, Sequence

import msgspec
import pytest

from streamscope.measure.conventions import Conventions, Thresholds
from streamscope.measure.figures import measure
from streamscope.report.comparison import Comparison
from streamscope.report.contest_cautions import ContestValidity, contest_validity
from streamscope.report.validity import cautions_of, validity_of
from streamscope.trace import Run, ServerTimings, Target, Trace

Build = Callable[..., Comparison]
BuildTrace = Callable[..., Trace]

USUAL = Thresholds()
ELSEWHERE = Target(protocol="ollama-chat", url="http://127.0.0.1:9999", model="gemma4:e2b")


def found(comparison: Comparison) -> ContestValidity:
    return contest_validity(comparison, [measure(run.trace) for run in comparison.runs], USUAL)


def loading(comparison: Comparison, loads: Sequence[bool]) -> Comparison:
    """Return a comparison in whose runs, in their order, the model was loaded or not."""
    runs = [
        msgspec.structs.replace(
            run,
            trace=msgspec.structs.replace(
                run.trace, server=ServerTimings(load_s=2.5 if load else 0.01, source="ollama")
            ),
        )
        for run, load in zip(comparison.runs, loads, strict=True)
    ]
    return msgspec.structs.replace(comparison, runs=runs)


def test_answers_of_other_lengths_are_a_caution(models: Comparison) -> None:
    (caution,) = found(models).cautions
    assert caution == (
        "The answers differ in length (A 500, B 1,000 characters): totals compare answers, not"
        " speeds; the text rate compares speeds."
    )
    assert caution in cautions_of(models, Conventions())
    assert validity_of(models, Conventions())[0] == caution


def test_answers_of_nearly_one_length_are_none(
    build_contest: Build, build_stream: BuildTrace
) -> None:
    alike = build_contest([build_stream(1, 4, 100)] * 2, [build_stream(1, 4, 104)] * 2)
    assert found(alike) == ContestValidity()


def test_a_model_that_gave_no_answer_is_not_timed(
    build_contest: Build, build_stream: BuildTrace
) -> None:
    silent = build_stream(1, 4)
    silent.chunks = [msgspec.structs.replace(chunk, kind="reasoning") for chunk in silent.chunks]
    contest = build_contest([build_stream(1, 4)] * 2, [silent] * 2)
    assert found(contest).cautions == [
        "Most runs of B brought no answer: their totals are not those of one."
    ]


def test_the_same_model_elsewhere_may_answer_at_any_length(
    build_contest: Build, build_stream: BuildTrace
) -> None:
    a, b = [build_stream(1, 4, 100)] * 2, [build_stream(1, 4, 200)] * 2
    assert found(build_contest(a, b, of_b=ELSEWHERE)) == ContestValidity()


PUSHED_OUT = [True, True, False, True] * 3
"""Runs in their order A B, B A, A B …: each model finds the other one loaded."""


def test_models_that_push_each_other_out_are_told(models: Comparison) -> None:
    said = found(loading(models, PUSHED_OUT)).cautions[-1]
    assert said.startswith("The server loaded a model in 9 of 12 runs: it does not keep both")


@pytest.mark.parametrize(
    "loads",
    [
        [True, True] + [False] * 10,
        [True, False, False, True, True, False, False, True, True, False, False, True],
        [False] * 12,
    ],
    ids=["each once, at first", "only A", "never"],
)
def test_a_model_that_is_loaded_for_another_reason_is_not_pushed_out(
    models: Comparison, loads: list[bool]
) -> None:
    assert not any("push" in said for said in found(loading(models, loads)).cautions)


def test_servers_of_their_own_push_nothing_out(
    build_contest: Build, build_stream: BuildTrace
) -> None:
    other = msgspec.structs.replace(ELSEWHERE, model="qwen3:8b")
    contest = build_contest([build_stream(1, 4)] * 6, [build_stream(1, 4)] * 6, of_b=other)
    assert not any("push" in said for said in found(loading(contest, PUSHED_OUT)).cautions)


def test_two_differences_at_once_can_not_be_told_apart(
    build_contest: Build, build_stream: BuildTrace, build_blocking: BuildTrace
) -> None:
    both = "A and B differ in model and {}: which of them makes a difference can't be told."
    mixed = build_contest([build_stream(1, 4)] * 2, [build_blocking(4)] * 2)
    assert found(mixed).cautions == [both.format("delivery")], "which could have been the same"
    other = msgspec.structs.replace(ELSEWHERE, model="qwen3:8b")
    apart = build_contest([build_stream(1, 4)] * 2, [build_stream(1, 4)] * 2, of_b=other)
    assert found(apart) == ContestValidity(information=[both.format("server")])


def test_a_channel_against_itself_is_called_that(
    build_contest: Build, build_stream: BuildTrace, build_run: Callable[..., Run]
) -> None:
    of = build_run(build_stream(1, 4)).target
    twice = build_contest([build_stream(1, 4)] * 2, [build_stream(1, 4)] * 2, of, of)
    assert found(twice) == ContestValidity(
        information=["A and B are one channel twice: what they differ in is chance."]
    )


def test_the_usual_comparison_has_none_of_it(long_comparison: Comparison) -> None:
    assert found(long_comparison) == ContestValidity()


def test_a_cache_that_only_one_server_may_use_is_a_caution(models: Comparison) -> None:
    """Its first text comes sooner for that, and not for the server's sake."""

    def told(channels: str, regime: str = "warm") -> Comparison:
        runs = [
            msgspec.structs.replace(
                run, request=msgspec.structs.replace(run.request, params={"cache_prompt": False})
            )
            if run.channel in channels
            else run
            for run in models.runs
        ]
        plan = msgspec.structs.replace(models.plan, regime=regime)
        return msgspec.structs.replace(models, runs=runs, plan=plan)

    assert found(told("B")).cautions[0] == (
        "B was told not to keep prompts in its cache, and A may: --regime cold keeps both from it."
    )
    for fair in (told(""), told("AB"), told("B", "cold")):
        assert not any("cache" in caution for caution in found(fair).cautions)
