"""The main screen obeys its keys, says what it does, keeps still at rest, and trusts no text."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from textual.message_pump import MessagePump
from textual.timer import Timer
from textual.widgets import Footer

from streamscope.settings import Places
from streamscope.trace import Fault, Trace
from streamscope.tui import commands
from streamscope.tui.widgets.plot import UNDER_WAY

if TYPE_CHECKING:
    from tests.tui.conftest import Actor, ObservedApp, OpenApp, Person, Stage

EVIL = "\x1b[31mred\x1b]0;title\x07 [bold]not bold[/bold] [/] \x9b2J\u202edesrever\r\nend"
"""What a terminal or a reader of markup would act upon."""


def harmless(person: "Person") -> bool:
    """Whether nothing on the screen can do anything but be read."""
    return not {"\x1b", "\x07", "\x9b", "\u202e", "\r"} & set("".join(person.screen))


def only_file(folder: Path) -> Path:
    """Return the one file in a folder."""
    (file,) = folder.iterdir()
    return file


# ------------------------------------------------------------------------------------ running


@pytest.mark.parametrize("key", ["enter", "ctrl+r"])
async def test_a_pair_is_measured_and_played_again(open_app: "OpenApp", key: str) -> None:
    async with open_app(prompt="Why?") as person:
        await person.ready()
        await person.measured(key)
        await person.until(lambda: person.doing.startswith("replay"), "the replay")
        assert person.layout == "apart"
        await person.press("escape")
        await person.at_rest()
        assert person.pane("A").text.plain_text == person.pane("B").text.plain_text != ""


async def test_while_one_side_is_measured_the_other_says_when_its_turn_comes(
    open_app: "OpenApp", actor: "Actor"
) -> None:
    actor.holds = {"stream": 5, "blocking": 0}
    async with open_app(prompt="Why?") as person:
        await person.ready()
        await person.press("enter")
        await person.until(lambda: person.status("A") == "● answering", "A")
        assert person.doing == "measuring · A"
        assert person.status("B") == "its turn comes next"
        assert any(UNDER_WAY in line for line in person.screen)
        first = person.clock("A")
        await person.until(lambda: person.clock("A") != first, "the clock")
        await person.press("escape")
        await person.at_rest()


async def test_in_a_race_both_sides_are_live_at_once(open_app: "OpenApp", actor: "Actor") -> None:
    actor.holds = {"stream": 5, "blocking": 0}
    async with open_app(prompt="Why?") as person:
        await person.ready()
        await person.press("ctrl+t", "enter")
        await person.until(lambda: person.status("A") == "● answering", "A")
        assert person.status("B") == "◌ waiting for all of it"
        assert person.doing == "measuring · A and B"
        first = person.clock("A"), person.clock("B")
        await person.until(
            lambda: person.clock("A") != first[0] and person.clock("B") != first[1], "both clocks"
        )
        actor.go()
        await person.at_rest()
        assert person.status("A") == person.status("B") == "✓ done"
        assert not person.doing  # both were seen live, so nothing needs to be played again
        assert "n=1" in person.medians
        assert "race" in str(person.main.query_one("#history").border_title)
        await person.press("ctrl+t")
        await person.settle()
        # Never pooled with it.
        await person.until(lambda: person.medians.startswith("Nothing measured yet"), "none")


async def test_escape_stops_at_once_and_keeps_what_had_come(
    open_app: "OpenApp", actor: "Actor"
) -> None:
    actor.holds = {"stream": 5}
    async with open_app(prompt="Why?") as person:
        await person.ready()
        await person.press("enter")
        await person.until(lambda: person.status("A") == "● answering", "A")
        await person.press("escape")
        await person.at_rest()
        assert person.status("A") == "■ stopped"
        assert person.status("B") == "not run"
        assert person.pane("A").text.plain_text == "Water waves spread from a"
        assert len(actor.starts) == 1
        await person.until(lambda: "1 stopped" in person.medians, "what was left out")
        assert [run.trace.ended for run in person.session.trials[-1].runs] == ["cancelled"]


async def test_a_server_that_caches_is_warmed_up_once_a_prompt(
    open_app: "OpenApp", actor: "Actor", stage: "Stage"
) -> None:
    stage.setup = msgspec.structs.replace(stage.setup, uncached=False)
    actor.holds = {"stream": 1}
    async with open_app(prompt="Why?") as person:
        await person.ready()
        await person.press("enter")
        await person.until(lambda: person.doing == "warm-up", "the warm-up")
        await person.until(lambda: "warm-up" in person.status("A"), "its phase")
        actor.go()
        await person.app.workers.wait_for_complete()
        await person.press("escape")
        await person.run()
        tokens = [start.request.max_tokens for start in actor.starts]
        assert tokens == [1, None, None, None, None]
        await person.until(lambda: person.medians.startswith("n=2 "), "both pairs")


async def test_what_cannot_be_done_now_is_said(open_app: "OpenApp", actor: "Actor") -> None:
    actor.holds = {"stream": 5}
    async with open_app() as person:
        await person.ready()
        await person.press("enter", "ctrl+g")
        empty, nothing = person.app.said
        assert empty == "The prompt is empty: type one, or find one with f7."
        assert "replay" in nothing
        assert not actor.starts
        person.app.said.clear()
        await person.write("Why?")
        await person.press("enter")
        await person.until(lambda: person.status("A") == "● answering", "A")
        await person.press("enter", "f4", "ctrl+t", "ctrl+g")
        assert person.app.said == ["A run is under way: esc stops it."] * 2
        assert person.layout == "apart"
        assert len(actor.starts) == 1


async def test_a_prompt_sent_too_early_waits_and_can_be_called_off(
    open_app: "OpenApp", actor: "Actor", stage: "Stage"
) -> None:
    stage.door.clear()
    async with open_app(prompt="Why?") as person:
        await person.until(lambda: stage.wishes, "looking")
        await person.press("enter")
        await person.press("escape")
        assert person.app.said == [
            "It runs as soon as the server is ready.",
            "It will not run by itself any more.",
        ]
        stage.door.set()
        await person.ready()
        assert not actor.starts


async def test_without_a_server_enter_looks_again_and_then_runs(
    open_app: "OpenApp", actor: "Actor", stage: "Stage"
) -> None:
    stage.refusals = ["Nobody answers at [/] nowhere."]
    async with open_app(prompt="Why?") as person:
        await person.until(lambda: person.status("A") == "no server", "the refusal")
        assert "Nobody answers at [/]" in person.pane("A").text.placeholder
        assert person.notice.startswith("Nobody answers at [/]")
        await person.measured("enter")
        assert len(actor.starts) == 2


async def test_a_target_that_does_not_answer_leaves_the_one_that_does(
    open_app: "OpenApp", stage: "Stage"
) -> None:
    async with open_app(prompt="Why?") as person:
        await person.ready()
        await person.run()
        await person.press("escape")
        text = person.pane("A").text.plain_text
        stage.refusals = ["No server answers at http://127.0.0.1:9."]
        await person.opens("f4")
        await person.press(*"127.0.0.1:9", "enter")
        await person.until(lambda: any("stays what it was" in said for said in person.app.said))
        assert person.pane("A").text.plain_text == text != ""
        assert "tiny:1b" in person.title
        await person.run()
        await person.until(lambda: person.medians.startswith("n=2 "), "both pairs")


async def test_another_prompt_begins_with_empty_panes(open_app: "OpenApp", actor: "Actor") -> None:
    async with open_app(prompt="Why?") as person:
        await person.ready()
        await person.run()
        actor.holds = {"stream": 2}
        await person.write("Really?")
        await person.press("enter")
        await person.until(lambda: person.status("A") == "● answering", "A")
        assert person.pane("A").text.plain_text == "Water waves"
        assert person.pane("B").text.plain_text == ""
        assert person.verdict == ""


async def test_a_run_goes_on_under_a_dialog(open_app: "OpenApp", actor: "Actor") -> None:
    actor.holds = {"stream": 5}
    async with open_app(prompt="Why?") as person:
        await person.ready()
        await person.press("enter")
        await person.until(lambda: person.status("A") == "● answering", "A")
        await person.opens("f7")
        actor.go()
        await person.until(lambda: person.doing.startswith("replay"), "the replay")
        await person.press("escape")
        await person.until(lambda: not person.app.screen.is_modal, "its end")


async def test_a_prompt_that_was_changed_meanwhile_has_its_own_history(
    open_app: "OpenApp", actor: "Actor"
) -> None:
    actor.holds = {"stream": 5}
    async with open_app(prompt="Why?") as person:
        await person.ready()
        await person.press("enter")
        await person.until(lambda: person.status("A") == "● answering", "A")
        await person.press("!")
        actor.go()
        await person.app.workers.wait_for_complete()
        await person.press("escape")
        assert {start.request.prompt for start in actor.starts} == {"Why?"}
        await person.until(lambda: person.medians.startswith("Nothing measured yet"), "none")
        await person.press("backspace")
        await person.until(lambda: person.medians.startswith("n=1 "), "that of the run")


# ------------------------------------------------------------------------------------ replaying


async def test_a_replay_obeys_its_keys(open_app: "OpenApp") -> None:
    slower, faster, on = (
        command.key_binding()
        for command in (commands.Slower, commands.Faster, commands.StepForward)
    )
    async with open_app(prompt="Why?") as person:
        await person.ready()
        await person.measured("enter")
        await person.until(lambda: person.doing.startswith("replay"), "the replay")
        await person.rewind()
        assert person.pane("A").text.plain_text == person.pane("B").text.plain_text == ""
        await person.press(on)
        await person.until(lambda: person.replay == ("paused", 1, 0.1), "a step")
        await person.press(slower)
        await person.until(lambda: person.replay == ("paused", 0.5, 0.1), "half speed")
        await person.press(*[faster] * 9)
        await person.until(lambda: person.replay == ("paused", 8, 0.1), "eight times")
        await person.press("ctrl+g")
        await person.until(lambda: not person.doing, "the end")
        assert person.status("A") == person.status("B") == "✓ done"
        assert (person.clock("A"), person.clock("B")) == ("   3.40 s", "   3.50 s")
        await person.press(*[slower] * 9)
        await person.press("ctrl+g")
        await person.until(lambda: person.replay[:2] == ("replay", 0.25), "it again")
        assert person.prompt.text == "Why?"
        assert person.prompt.has_focus


async def test_both_panes_of_a_replay_are_on_one_clock(open_app: "OpenApp") -> None:
    async with open_app(prompt="Why?") as person:
        await person.ready()
        await person.measured("enter")
        await person.rewind()
        await person.press(*[commands.StepForward.key_binding()] * 12)
        await person.until(lambda: person.replay == ("paused", 1, 1.2), "the moment")
        assert person.clock("A") == person.clock("B") == "   1.20 s"
        trace = person.session.trials[0].runs[0].trace
        come = "".join(chunk.text for chunk in trace.chunks if chunk.t_ns <= 1_200_000_000)
        assert person.pane("A").text.plain_text == come != ""
        assert person.pane("B").text.plain_text == ""


async def test_a_new_run_ends_the_replay(open_app: "OpenApp", actor: "Actor") -> None:
    async with open_app(prompt="Why?") as person:
        await person.ready()
        await person.measured("enter")
        await person.until(lambda: person.doing.startswith("replay"), "the replay")
        actor.holds = {"blocking": 0}
        await person.press("enter")
        await person.until(lambda: person.doing == "measuring · B", "the run")


# ------------------------------------------------------------------------------------ at rest


async def test_at_rest_nothing_of_ours_wakes_up(
    open_app: "OpenApp", monkeypatch: pytest.MonkeyPatch
) -> None:
    fired: list[str] = []

    def counted(real: Callable[..., Timer]) -> Callable[..., Timer]:
        def begin(
            pump: MessagePump,
            delay: float,
            callback: Callable[[], object] | None = None,
            **options: Any,
        ) -> Timer:
            if callback is None or not getattr(callback, "__module__", "").startswith(
                "streamscope"
            ):
                return real(pump, delay, callback, **options)

            @functools.wraps(callback)
            def note() -> object:
                fired.append(callback.__qualname__)
                return callback()

            return real(pump, delay, note, **options)

        return begin

    monkeypatch.setattr(MessagePump, "set_timer", counted(MessagePump.set_timer))
    monkeypatch.setattr(MessagePump, "set_interval", counted(MessagePump.set_interval))
    async with open_app(prompt="Why?") as person:
        await person.ready()
        fired.clear()
        await person.pilot.pause(0.3)
        assert fired == []

        await person.measured("ctrl+r")
        await person.press(*[commands.Faster.key_binding()] * 3)
        await person.until(lambda: not person.doing, "the end of the replay")
        assert len(fired) > 5
        await person.pilot.pause(0.1)  # what was under way may end
        fired.clear()
        await person.pilot.pause(0.3)
        assert fired == []

        await person.measured("ctrl+r")
        await person.press("ctrl+g")
        await person.until(lambda: person.doing.startswith("paused"), "the pause")
        await person.pilot.pause(0.1)
        fired.clear()
        await person.pilot.pause(0.3)
        assert fired == []


# ------------------------------------------------------------------------------------ memory


async def test_the_choice_between_apart_and_race_is_remembered(
    open_app: "OpenApp", places: Places, write_config: Callable[[str], Path]
) -> None:
    file = write_config("# mine\nprofile = 'fast' # two\n")
    async with open_app(prompt="Why?") as person:
        await person.ready()
        assert person.layout == "apart"
        await person.press("ctrl+t")
        assert person.layout == "race"
        assert "both requests at once" in person.app.said[-1]
    text = file.read_text(encoding="utf-8")
    assert text.startswith("# mine\nprofile = 'fast' # two\n")
    assert '"ollama-chat 127.0.0.1:11434 tiny:1b" = "race"' in text
    async with open_app(prompt="Why?") as person:
        await person.ready()
        assert person.layout == "race"


async def test_older_prompts_come_back_and_the_draft_survives(open_app: "OpenApp") -> None:
    async with open_app() as person:
        await person.ready()
        for prompt in ("first", "second"):
            person.prompt.put(prompt)
            await person.run()
        person.prompt.put("a draft")
        seen = []
        for key in ("up", "up", "up", "down", "down", "down"):
            await person.press(key)
            await person.settle()
            seen.append(person.prompt.text)
        assert seen == ["second", "first", "first", "second", "a draft", "a draft"]


async def test_the_history_is_that_of_the_prompt_in_the_editor(open_app: "OpenApp") -> None:
    async with open_app(prompt="Why") as person:
        await person.ready()
        await person.run()
        await person.until(lambda: person.medians.startswith("n=1 "), "the pair")
        await person.write("?")
        await person.until(lambda: person.medians.startswith("Nothing measured yet"), "none")
        await person.press("backspace")
        await person.until(lambda: person.medians.startswith("n=1 "), "those of before")


# ------------------------------------------------------------------------------------ untrusted


async def test_what_is_known_of_a_prompt_is_said_before_it_runs_again(
    open_app: "OpenApp",
) -> None:
    async with open_app(prompt="Why?") as person:
        await person.ready()
        await person.run()
        await person.opens("escape", "f4")
        await person.press("enter")
        await person.until(lambda: person.status("A") == "ready", "the server, anew")
        await person.until(lambda: "One pair" in person.verdict, "what is known")
        await person.write("!")
        await person.until(lambda: not person.verdict, "the other prompt")


async def test_nothing_that_a_server_says_reaches_the_terminal_as_it_is(
    open_app: "OpenApp",
    actor: "Actor",
    stage: "Stage",
    build_stream: Callable[..., Trace],
    build_blocking: Callable[..., Trace],
) -> None:
    stage.setup = msgspec.structs.replace(
        stage.setup,
        target=msgspec.structs.replace(stage.setup.target, model=EVIL),
        reason=f"{EVIL} answers.",
        caution=EVIL,
    )
    fault = Fault(code="server", sentence=f"It said {EVIL}.", detail=EVIL)
    actor.traces = {
        "stream": build_stream(text=EVIL, thought=EVIL, model=EVIL, ended="error", fault=fault),
        "blocking": build_blocking(text=EVIL, thought=EVIL),
    }
    async with open_app(prompt="Why?", size=(200, 50)) as person:
        await person.ready()
        await person.run()
        await person.until(lambda: not person.pane("B").text.backlog, "all text")
        assert person.pane("B").text.plain_text == EVIL  # to be copied, as it came
        shown = "\n".join(person.screen)
        assert harmless(person)
        assert shown.count("[bold]not bold[/bold]") >= 6


async def test_why_there_is_no_server_is_shown_harmlessly(
    open_app: "OpenApp", stage: "Stage"
) -> None:
    stage.refusals = [EVIL]
    async with open_app(prompt="Why?") as person:
        await person.until(lambda: person.status("A") == "no server", "the refusal")
        assert "[bold]not bold" in "".join(person.screen)
        assert harmless(person)


async def test_a_notice_of_the_history_is_no_markup(
    open_app: "OpenApp", stage: "Stage", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        type(stage), "notice", "Set aside as history \x1b[31m[/red].db.", raising=False
    )
    async with open_app() as person:
        await person.ready()
        assert any("[/red]" in line for line in person.screen)
        assert harmless(person)


# ------------------------------------------------------------------------------------ room


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 50)])
async def test_everything_in_the_footer_can_be_read(
    open_app: "OpenApp", size: tuple[int, int]
) -> None:
    async with open_app(size=size) as person:
        await person.ready()
        footer = person.main.query_one(Footer)
        assert all(footer.region.contains_region(each.region) for each in footer.children)
        assert person.screen[-1].replace(" ", "") == (
            "^rrun^ncompareescstop^greplayf3historyf4targetf5whyf1help^pall"
        )


async def test_tab_goes_through_prompt_and_panes_and_on(open_app: "OpenApp") -> None:
    async with open_app(prompt="Why?") as person:
        await person.ready()
        await person.run()
        visited = []
        for _ in range(6):
            visited.append(person.app.focused)
            await person.press("tab")
        order = [person.prompt, person.pane("A").text, person.pane("B").text]
        positions = [visited.index(widget) for widget in order]
        assert positions == sorted(positions)
        assert visited[0] is person.prompt


async def test_a_narrow_terminal_stacks_the_panes(open_app: "OpenApp") -> None:
    async with open_app(size=(60, 40)) as person:
        await person.ready()
        a, b = (person.main.query_one(frame).region for frame in ("#frame-a", "#frame-b"))
        assert (a.x, a.width) == (b.x, b.width)
        assert a.bottom == b.y
        await person.pilot.resize_terminal(120, 40)
        await person.until(lambda: person.pane("A").region.y == person.pane("B").region.y, "beside")


async def test_no_size_of_the_terminal_loses_anything(open_app: "OpenApp") -> None:
    async with open_app(prompt="Why?") as person:
        await person.ready()
        await person.run()
        panes = person.pane("A").text, person.pane("B").text
        await person.until(lambda: not any(pane.backlog for pane in panes), "all text")
        before = person.screen
        for size in ((80, 24), (60, 20), (40, 12), (20, 5), (1, 1), (300, 80), (120, 40)):
            await person.pilot.resize_terminal(*size)
            await person.settle()
        await person.until(lambda: person.screen == before, "the same picture")


async def test_numbers_do_not_move_what_stands_beside_them(
    open_app: "OpenApp", actor: "Actor"
) -> None:
    actor.holds = {"stream": 30}
    async with open_app(prompt="Why?") as person:
        await person.ready()
        await person.press("enter")
        await person.until(lambda: person.status("A") == "● answering", "A")
        regions = {widget: widget.region for widget in person.main.query()}
        first = person.clock("A")
        await person.until(lambda: person.clock("A") != first, "the clock")
        actor.go()
        await person.at_rest()
        assert {widget: widget.region for widget in regions} == regions


async def test_the_answer_of_the_focused_pane_is_copied(open_app: "OpenApp") -> None:
    async with open_app(prompt="Why?") as person:
        await person.ready()
        await person.press("ctrl+o")
        assert person.app.said == ["There is no answer in A to copy."]
        await person.run()
        await person.press("ctrl+o")
        assert person.app.clipboard == person.pane("A").text.plain_text != ""
        person.pane("B").text.focus()
        await person.press("ctrl+o")
        assert person.app.said[-1] == "The answer of B is on the clipboard."


async def test_leaving_in_the_middle_of_a_run_is_no_error(
    open_app: "OpenApp", actor: "Actor"
) -> None:
    actor.holds = {"stream": 5}
    async with open_app(prompt="Why?") as person:
        await person.ready()
        await person.press("enter")
        await person.until(lambda: person.status("A") == "● answering", "A")
        await person.press("ctrl+q")
    assert person.app.return_code == 0


async def test_a_terminal_that_is_closed_in_the_middle_of_a_run_is_no_error(
    actor: "Actor", make_app: Callable[..., "ObservedApp"]
) -> None:
    actor.holds = {"stream": 0}
    app = make_app(prompt="Why?")
    async with app.run_test() as pilot:
        while not actor.starts:
            await pilot.press("enter")
    assert len(actor.starts) == 1  # and leaving raised nothing


async def test_a_picture_of_the_screen_is_saved_where_the_person_is(
    open_app: "OpenApp", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with open_app(prompt="Why?") as person:
        await person.ready()
        await person.press("f12")
        (said,) = person.app.said
    picture = only_file(tmp_path)
    assert picture.read_text(encoding="utf-8").startswith("<svg")
    assert picture.name in said
