"""The command that repeats a comparison survives a shell and our own parser."""

import shlex
from collections.abc import Callable

import pytest

from streamscope.plan import Plan
from streamscope.report.command import command_line
from streamscope.report.comparison import Comparison
from streamscope.trace import Request, Run, Target, Trace

Make = Callable[..., str]


@pytest.fixture
def command(build_run: Callable[..., Run], build_stream: Callable[..., Trace]) -> Make:
    def make(request: Request, plan: Plan | None = None, **fields: object) -> str:
        run = build_run(build_stream(1, 9), request=request, **fields)
        return command_line(Comparison(plan=plan or Plan(), runs=[run]))

    return make


def test_every_setting_of_the_request_is_in_it(command: Make) -> None:
    request = Request(
        prompt="It's $HOME `x`;\nrm",
        system="-s",
        temperature=0.5,
        top_p=0.9,
        seed=-3,
        max_tokens=64,
        stop=("END", "--"),
        think=False,
        params={"options": {"num_ctx": 8}},
    )
    words = shlex.split(command(request, Plan(repeat=8, warmup=2, order="ba", regime="cold")))
    assert words[:3] == ["streamscope", "run", "It's $HOME `x`;\nrm"]
    for each in (
        "--system=-s",
        "--temperature=0.5",
        "--top-p=0.9",
        "--seed=-3",
        "--max-tokens=64",
        "--stop=END",
        "--stop=--",
        "--think=off",
        '--param=options={"num_ctx":8}',
    ):
        assert each in words
    assert "--repeat 8 --warmup 2 --order ba --regime cold" in " ".join(words)


def test_connections_that_are_used_again_are_said(command: Make) -> None:
    assert "--reuse-connection" not in command(Request(prompt="?"))
    assert "--reuse-connection" in command(Request(prompt="?"), Plan(reuse=True))


def test_until_narrow_and_races_are_said(command: Make) -> None:
    said = command(Request(prompt="?"), Plan(until=0.05, repeat=30, layout="race"))
    assert "--until 5%" in said
    assert "--repeat" not in said
    assert "--order race" in said


def test_our_own_engines_are_named_instead_of_their_address(command: Make) -> None:
    said = command(Request(prompt="?"), engine="local")
    assert "--engine local" in said
    assert "--url" not in said


@pytest.mark.parametrize("prompt", ["@file", "-", "-x", "--help"])
def test_a_prompt_that_would_mean_something_else_goes_through_a_pipe(
    command: Make, prompt: str
) -> None:
    words = shlex.split(command(Request(prompt=prompt)))
    assert words[:7] == ["printf", "%s", prompt, "|", "streamscope", "run", "-"]


def test_summaries_of_other_scripts_cannot_be_repeated(command: Make) -> None:
    target = Target(protocol="imported", url="", model="m")
    assert command(Request(prompt="?"), target=target) == ""
    assert command_line(Comparison(plan=Plan(), runs=[])) == ""
