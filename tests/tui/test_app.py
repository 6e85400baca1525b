"""A person's whole session: real processes, a real simulated server, a real history."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from streamscope.engines.child import Child
from streamscope.history import History
from streamscope.probe.client import Probe
from streamscope.settings import Places
from streamscope.trace import ChannelName, Trace

if TYPE_CHECKING:
    from tests.tui.conftest import OpenReal, Person

PROMPT = "Why is the sky blue?"
SHORT = ("--engine", "simulator", "--max-tokens", "16")
"""Runs that are over in a few tenths of a second."""


@pytest.fixture(autouse=True)
def quick(write_config: Callable[[str], Path]) -> None:
    """Let a comparison be of two pairs, of a quick simulator, however busy this machine is."""
    write_config(
        'profile = "fast"\n[comparison]\nrepeat = 2\nwarmup = 0\n[trust]\ninclude_busy = true\n'
    )


def traces(person: "Person") -> dict[ChannelName, Trace]:
    """Return what was measured last, by side."""
    return {run.channel: run.trace for run in person.session.trials[-1].runs}


def engine_pid(person: "Person") -> int:
    """Return the id of the engine's process."""
    engine = person.session.setups[-1].process
    assert engine is not None
    assert isinstance(engine.process, Child)
    return engine.process.pid


async def test_a_first_pair_from_the_prompt_to_the_medians(open_real: "OpenReal") -> None:
    async with open_real("--engine", "simulator", "--max-tokens", "240") as person:
        await person.ready()
        assert person.notice.startswith("simulated: no model answers")
        await person.write(PROMPT)
        await person.measured("enter")
        assert [run.channel for run in person.session.trials[0].runs] == ["A", "B"]
        await person.until(lambda: person.doing.startswith("replay"), "the replay")
        await person.until(lambda: not person.doing, "the end of the replay")

        a, b = traces(person)["A"], traces(person)["B"]
        assert a.text() == b.text() != ""
        assert (person.pane("A").text.plain_text, person.pane("B").text.plain_text) == (
            a.text(),
            b.text(),
        )
        assert a.chunks[0].t_ns < b.chunks[0].t_ns
        for side in ("A", "B"):
            assert person.status(side).startswith("✓ done, at the token limit")
        assert "sooner" in person.verdict
        await person.until(lambda: person.medians.startswith("n=1 "), "the pair")


async def test_repeats_add_up_and_are_there_after_a_restart(
    open_real: "OpenReal", places: Places
) -> None:
    async with open_real(*SHORT) as person:
        await person.ready()
        await person.write(PROMPT)
        await person.run()
        await person.until(lambda: person.medians.startswith("n=1 "), "the pair")
        await person.opens("ctrl+n")
        await person.press("enter")
        await person.until(lambda: "Done: 2 pairs." in person.app.said, "its end")
        assert not person.doing  # a replay would hide what was measured meanwhile
        await person.until(lambda: person.medians.startswith("n=3 "), "all three pairs")
        assert [run.channel for run in person.session.trials[1].runs] == ["A", "B", "B", "A"]
    async with open_real(*SHORT) as person:
        await person.ready()
        await person.press("up")
        assert person.prompt.text == PROMPT
        await person.until(lambda: person.medians.startswith("n=3 "), "what is remembered")
    with History.open(places.history_file) as history:
        assert history.count() == 6


async def test_escape_keeps_what_had_come(open_real: "OpenReal") -> None:
    async with open_real("--engine", "simulator") as person:
        await person.ready()
        await person.write(PROMPT)
        await person.press("enter")
        await person.until(lambda: person.pane("A").text.plain_text, "text")
        await person.press("escape")
        await person.at_rest()
        assert person.status("A") == "■ stopped"
        trace = traces(person)["A"]
        assert trace.ended == "cancelled"
        assert person.pane("A").text.plain_text == trace.text() != ""
        assert person.status("B") == "not run"
    async with open_real("--engine", "simulator") as person:
        await person.ready()
        await person.write(PROMPT)
        await person.until(lambda: "1 stopped" in person.medians, "the stopped run")


async def test_leaving_keeps_what_had_come(open_real: "OpenReal", places: Places) -> None:
    async with open_real("--engine", "simulator") as person:
        await person.ready()
        await person.write(PROMPT)
        await person.press("enter")
        await person.until(lambda: person.pane("A").text.plain_text, "text")
        await person.press("ctrl+q")
        await person.until(lambda: not person.app.is_running, "the end")
    (run,) = person.session.trials[-1].runs
    assert run.trace.ended == "cancelled"
    assert run.trace.text()
    with History.open(places.history_file) as history:
        assert [row.run_id for row in history.recent(9)] == [run.run_id]


async def test_a_prompt_that_comes_before_the_server_runs_once_it_is_there(
    open_real: "OpenReal",
) -> None:
    async with open_real(*SHORT) as person:
        assert not person.session.setups
        await person.write("Why?")
        await person.measured("enter")
        assert person.app.said[0] == "It runs as soon as the server is ready."
        assert traces(person)["B"].ok


async def test_an_engine_that_dies_while_it_answers_is_started_again(
    open_real: "OpenReal",
) -> None:
    async with open_real("--engine", "simulator") as person:
        await person.ready()
        await person.write(PROMPT)
        await person.press("enter")
        await person.until(lambda: person.pane("A").text.plain_text, "text")
        os.kill(engine_pid(person), signal.SIGKILL)
        await person.at_rest()
        trace = traces(person)["A"]
        assert trace.fault is not None
        assert trace.fault.code == "cut"
        assert person.pane("A").text.plain_text == trace.text() != ""
        assert person.status("A").startswith("✗ failed: ")
        assert trace.fault.sentence in person.verdict

        await person.write("!")
        await person.press("enter")
        await person.until(lambda: person.status("A") == "● answering", "text again")
        await person.press("escape")
        await person.at_rest()
        assert len(person.session.setups) == 2
        assert traces(person)["A"].fault is None


async def test_a_measuring_process_that_dies_is_started_again(
    probes: list[Probe], open_real: "OpenReal"
) -> None:
    async with open_real("--engine", "simulator") as person:
        await person.ready()
        await person.write(PROMPT)
        await person.press("enter")
        await person.until(lambda: person.pane("A").text.plain_text, "text")
        first = probes[0].pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        await person.at_rest()
        trace = traces(person)["A"]
        assert trace.fault is not None
        assert trace.fault.code == "probe"
        assert person.pane("A").text.plain_text == trace.text() != ""
        assert "The measuring process ended" in person.verdict
        assert person.status("B") == "not run"

        await person.write("!")
        await person.press("enter")
        await person.until(lambda: person.status("A") == "● answering", "text again")
        await person.press("escape")
        await person.at_rest()
        assert probes[0].pid not in (None, first)
        assert traces(person)["A"].fault is None


async def test_a_server_that_is_not_there_is_said_in_one_sentence(
    open_real: "OpenReal", free_port: int
) -> None:
    url = f"http://127.0.0.1:{free_port}"
    async with open_real(url, "--protocol", "ollama-chat", "--model", "tiny") as person:
        await person.ready()
        await person.write("Why?")
        await person.measured("enter")
        fault = traces(person)["A"].fault
        assert fault is not None
        assert fault.code == "unreachable"
        assert fault.sentence in person.verdict
        assert person.pane("A").text.placeholder == fault.sentence
        assert person.status("A") == "✗ failed"
        assert person.status("B") == "not run"
        await person.press("ctrl+g")
        assert "replay" in person.app.said[-1]


async def test_a_server_that_nobody_knows_leaves_the_app_open(
    open_real: "OpenReal", free_port: int
) -> None:
    async with open_real(f"http://127.0.0.1:{free_port}") as person:
        await person.until(lambda: person.status("A") == "no server", "the refusal")
        assert f"127.0.0.1:{free_port}" in person.pane("A").text.placeholder
        assert "f4" in person.pane("B").text.placeholder
