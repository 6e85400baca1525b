"""The history: found, looked at, described, deleted and brought back, compared, taken along."""

import html
import re
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from textual.app import App
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Footer, Input, OptionList, Static

from streamscope.history import History
from streamscope.measure.conventions import Conventions
from streamscope.measure.figures import measure
from streamscope.plan import Plan
from streamscope.report.exchange import parse_lines
from streamscope.sides import Sides
from streamscope.trace import SUMMARY_FLAG, Fault, Run
from streamscope.tui import app as app_module
from streamscope.tui.screens.ask import Ask
from streamscope.tui.screens.history import Chosen, HistoryScreen, Replay, Rerun, UsePrompt, reads
from streamscope.tui.screens.history.about import medians_table, run_page
from streamscope.tui.screens.history.compared import delivery
from streamscope.tui.screens.history.drill import ComparisonsScreen, RunsScreen, with_partner
from streamscope.tui.screens.history.frame import Listing
from streamscope.tui.screens.history.groups import EMPTY, NOT_FOUND
from streamscope.tui.screens.history.versus import VersusDialog
from streamscope.tui.themes import default_variables
from streamscope.tui.widgets.ends import Ends
from streamscope.tui.widgets.rows import RowList
from streamscope.tui.widgets.trend import Trend
from tests.tui import hands

if TYPE_CHECKING:
    from tests.tui.conftest import OpenApp

Keep = Callable[..., list[Run]]


class HistoryApp(App[None]):
    """The screen, what it answered and what it said."""

    CSS_PATH = str(Path(app_module.__file__).with_name("streamscope.tcss"))

    def __init__(self, history: History) -> None:
        super().__init__()
        self._history = history
        self.chosen: list[Chosen | None] = []
        self.said: list[str] = []

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return default_variables()

    def on_mount(self) -> None:
        self.push_screen(HistoryScreen(self._history, Conventions()), self.chosen.append)

    def notify(self, message: str, **_how: object) -> None:
        self.said.append(message)


class Reader:
    """Somebody who sits at the history."""

    def __init__(self, app: HistoryApp, pilot: Pilot[None]) -> None:
        self.app = app
        self.pilot = pilot

    @property
    def screen(self) -> Screen[Any]:
        return self.app.screen

    @property
    def listing(self) -> Listing[object]:
        screen = self.app.screen
        assert isinstance(screen, Listing)
        return screen

    @property
    def lines(self) -> list[str]:
        """The lines of the list."""
        found = self.screen.query_one("#rows OptionList", OptionList)
        return [str(found.get_option_at_index(i).prompt) for i in range(found.option_count)]

    @property
    def at(self) -> int:
        return self.listing.query_one(RowList).at

    @property
    def told(self) -> str:
        """What is told of the highlighted line."""
        return str(self.screen.query_one("#told > Static", Static).visual)

    @property
    def trend(self) -> str:
        drawn = self.screen.query_one(Trend)
        return drawn.render().plain if drawn.display else ""

    @property
    def problem(self) -> str:
        shown = self.screen.query_one("#problem", Static)
        return str(shown.visual) if shown.display else ""

    @property
    def title(self) -> str:
        return self.screen.query_one("#title", Ends).render().plain

    def has_heard(self, many: int) -> bool:
        return len(self.app.said) == many

    async def press(self, *keys: str) -> None:
        await hands.press(self.pilot, *keys)

    async def until(self, condition: Callable[[], object], what: str) -> None:
        """Wait until something holds."""
        await hands.until(self.pilot, condition, lambda: f"{what}: {self.app.said}")

    async def see(self, *texts: str) -> None:
        """Wait until the list has so many lines, each with its text in it."""
        await self.until(
            lambda: (
                len(self.lines) == len(texts)
                and all(text in line for text, line in zip(texts, self.lines, strict=True))
            ),
            f"{texts}",
        )

    async def on(self, kind: type[Screen[Any]]) -> None:
        await self.until(lambda: isinstance(self.app.screen, kind), kind.__name__)

    async def write(self, text: str) -> None:
        """Type over what stands in the field."""
        self.screen.query_one(Input).value = ""
        await hands.write(self.pilot, text)

    async def into(self, *kinds: type[Screen[Any]]) -> None:
        """Go into the highlighted line, and on."""
        for kind in kinds:
            await self.press("enter")
            await self.on(kind)
            await self.until(lambda: self.lines, "lines")


@asynccontextmanager
async def at_history(history: History, size: tuple[int, int] = (120, 40)) -> AsyncIterator[Reader]:
    app = HistoryApp(history)
    async with app.run_test(size=size) as pilot:
        reader = Reader(app, pilot)
        await reader.on(HistoryScreen)
        await reader.until(lambda: reader.lines or reader.problem, "the list")
        yield reader


def read_back(path: Path) -> list[Run]:
    with path.open("rb") as file:
        return sorted(parse_lines(file, path.name), key=lambda run: run.run_id)


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


@pytest.fixture
def three(keep: Keep) -> list[list[Run]]:
    """Three groups, the last one the newest."""
    return [
        keep("What is a wave?", pairs=1),
        keep("Why is the sky blue?", pairs=6, regime="cold"),
        keep("Explain unified memory.", pairs=2),
    ]


# --------------------------------------------------------------------------------------- the list


async def test_groups_stand_with_their_medians_the_newest_first(
    history: History, three: list[list[Run]]
) -> None:
    async with at_history(history) as reader:
        await reader.see("Explain unified memory.", "cold · Why is the sky blue?", "What is a wave")
        assert "tiny:1b" in reader.lines[0]
        assert "0.63 s    3.40 s    3.50 s      2" in reader.lines[0]


async def test_typing_searches_and_arrows_move_meanwhile(
    history: History, three: list[list[Run]]
) -> None:
    async with at_history(history) as reader:
        await reader.press("down")
        assert reader.at == 1
        await reader.write("w blue")
        await reader.see("Why is the sky blue?")
        assert reader.screen.query_one(Input).has_focus
        await reader.write("wh")
        await reader.see("Why is", "What is")
        await reader.press("down", "down", "up", "down")
        assert reader.at == 1
        await reader.write("nothing like it")
        await reader.until(lambda: reader.problem == NOT_FOUND, "a word about it")
        await reader.write("wave")
        await reader.see("What is a wave?")
        assert reader.problem == ""


async def test_enter_opens_what_was_searched_for_not_what_still_stood_there(
    history: History, three: list[list[Run]]
) -> None:
    async with at_history(history) as reader:
        await reader.press(*"wave", "enter")
        await reader.on(ComparisonsScreen)
        assert "What is a wave?" in reader.title


async def test_an_empty_history_says_how_it_is_filled(history: History) -> None:
    async with at_history(history) as reader:
        assert reader.problem == EMPTY
        await reader.press("f2", "f4", "f5", "f6", "f7", "f8", "f9", "down", "enter")
        await reader.on(HistoryScreen)
        await reader.press("escape")
        await reader.until(lambda: reader.app.chosen, "the end")
        assert reader.app.chosen == [None]


async def test_a_history_that_cannot_be_read_says_why(
    history: History, three: list[list[Run]]
) -> None:
    async with at_history(history) as reader:
        history.close()
        await reader.write("x")
        await reader.until(lambda: reader.problem, "the reason")
        assert "is closed" in reader.problem


async def test_deeds_that_fail_say_why(history: History, three: list[list[Run]]) -> None:
    async with at_history(history) as reader:
        history.close()
        for number, key in enumerate(("f5", "f6", "f8", "ctrl+z"), 1):
            await reader.press(key)
            await reader.until(partial(reader.has_heard, number), key)
            assert "closed" in reader.app.said[-1]
        assert reader.app.chosen == []


async def test_more_groups_come_when_the_last_ones_are_near(history: History, keep: Keep) -> None:
    for number in range(60):
        keep(f"Prompt {number}.", pairs=1)
    async with at_history(history) as reader:
        assert len(reader.lines) == 50
        for _ in range(48):
            await reader.press("down")
        await reader.until(lambda: len(reader.lines) == 60, "all")
        assert reader.at == 48
        assert "Prompt 0." in reader.lines[-1]
        assert len(set(reader.lines)) == 60


async def test_prompts_and_servers_are_shown_and_never_obeyed(history: History, keep: Keep) -> None:
    keep("[bold]\x1b[31mred\nline two", pairs=1, model="[red]\x1b]0;model")
    async with at_history(history) as reader:
        await reader.see("[bold]␛[31mred line two")
        assert "[red]␛]0;model" in reader.lines[0]
        await reader.until(lambda: "[red]␛]0;model" in reader.told, "what is told")
        assert "\x1b" not in reader.told
        await reader.into(ComparisonsScreen, RunsScreen)
        assert "[bold]␛[31mred line two" in reader.title


# -------------------------------------------------------------------------------- what is told


async def test_a_group_is_told_with_verdict_medians_and_coverage(
    history: History, three: list[list[Run]]
) -> None:
    async with at_history(history) as reader:
        await reader.press("down")
        await reader.until(lambda: "n=6 pairs" in reader.told, "the verdict")
        assert "Stream it: first text" in reader.told
        assert "streamed n=6, 96.9 % CI" in reader.told
        assert "0.63 s  0.63–0.63" in reader.told
        assert "a trend takes two" in reader.told
        assert reader.trend == ""


async def test_what_was_not_tested_stands_in_brackets_beside_what_was(
    history: History, keep: Keep
) -> None:
    keep("Why?", pairs=6)
    (group,) = history.groups(1)
    found = reads.about_group(history, group.group, Conventions().thresholds)
    untested = msgspec.structs.replace(
        found.judgement.total, kind="inconclusive", negligible=False, ratio=None, a=2.0, b=4.0
    )
    partly = msgspec.structs.replace(found.judgement, total=untested)
    none = msgspec.structs.replace(
        partly,
        first=msgspec.structs.replace(untested, name="ttfv_s"),
        rate=msgspec.structs.replace(untested, name="e2e_tok_per_s"),
    )
    for judgement, mark in ((partly, "(50 % shorter)"), (none, " 50 % shorter")):
        told = msgspec.structs.replace(found, judgement=judgement)
        (row,) = [line.plain for line in medians_table(told, 100) if line.plain.startswith("total")]
        assert row.endswith(mark)


async def test_one_is_no_many(history: History, keep: Keep) -> None:
    (run, *_) = keep("Why?", pairs=1)
    warm = msgspec.structs.replace(run, run_id="f" * 32, warmup=True, pair=0)
    history.save(warm, measure(warm.trace).values).result()
    async with at_history(history) as reader:
        await reader.until(lambda: "left out: 1 warm-up" in reader.told, "what was left out")
        assert "warm-ups" not in reader.told
        assert " · 3 runs · newest " in reader.told.splitlines()[0]
    history.delete(runs=[each.run_id for each in (run, warm)]).result()
    async with at_history(history) as reader:
        await reader.until(lambda: " · 1 run · " in reader.told, "the one that is left")


async def test_few_values_have_no_interval(history: History, three: list[list[Run]]) -> None:
    async with at_history(history) as reader:
        await reader.until(lambda: "streamed n=2 " in reader.told, "the medians")
        assert "CI" not in reader.told.splitlines()[-4]
        assert "0.63 s  0.6" not in reader.told


async def test_over_time_each_comparison_is_a_bar(history: History, keep: Keep) -> None:
    for first_s in (0.5, 1.0, 0.25):
        keep("Why?", pairs=2, first_s=first_s)
    async with at_history(history) as reader:
        await reader.until(lambda: reader.trend, "the bars")
        span, *rows = reader.trend.splitlines()
        assert span.startswith("medians of the 3 comparisons, ")
        assert "0.50 → 0.25 s, −50 %" in reader.trend
        assert "3.40 → 3.40 s, ±0 %" in reader.trend
        assert any("▄" in row for row in rows)


async def test_what_failed_is_left_out_and_said(history: History, keep: Keep) -> None:
    keep("Why?", pairs=2)
    keep("Why?", pairs=1, fault=Fault(code="busy", sentence="The server is \x1bbusy."))
    async with at_history(history) as reader:
        await reader.until(lambda: "left out: 2 failed" in reader.told, "what was left out")
        await reader.into(ComparisonsScreen)
        await reader.until(lambda: "busy" in reader.told, "the reason")
        assert "The server is ␛busy." in reader.told
        await reader.into(RunsScreen)
        assert "failed" in reader.lines[0]
        await reader.until(lambda: "The server is ␛busy." in reader.told, "the reason")


# ------------------------------------------------------------------------------------ drilling in


async def test_into_a_group_and_back(history: History, keep: Keep) -> None:
    keep("Why?", pairs=6)
    keep("Why?", pairs=2, first_s=1.5)
    async with at_history(history) as reader:
        await reader.into(ComparisonsScreen)
        assert len(reader.lines) == 2
        assert "1.50 s" in reader.lines[0]
        assert "0.63 s" in reader.lines[1]
        await reader.press("down")
        await reader.until(lambda: "p = 0.0312" in reader.told, "the evidence")
        await reader.into(RunsScreen)
        assert len(reader.lines) == 12
        assert "A stream" in reader.lines[0]
        assert "done" in reader.lines[0]
        await reader.until(lambda: "Water waves spread" in reader.told, "the answer")
        await reader.press("escape")
        await reader.on(ComparisonsScreen)
        assert reader.at == 1
        await reader.press("escape")
        await reader.on(HistoryScreen)
        assert reader.screen.query_one(Input).has_focus


async def test_going_back_while_something_is_read_is_no_trouble(
    history: History, keep: Keep
) -> None:
    keep("Why?", pairs=1)
    async with at_history(history) as reader:
        for _ in range(5):
            await reader.press("enter")
            await reader.on(ComparisonsScreen)
            await reader.press("f8", "escape")
            await reader.on(HistoryScreen)
            await reader.press("ctrl+z")
            await reader.until(lambda: history.count() == 2, "all back")
            await reader.until(lambda: reader.lines, "the group")


async def test_going_back_twice_closes_no_more_than_there_is(history: History, keep: Keep) -> None:
    keep("Why?", pairs=1)
    async with at_history(history) as reader:
        await reader.into(ComparisonsScreen, RunsScreen)
        runs = reader.listing
        runs.leave()
        runs.leave()
        await reader.on(ComparisonsScreen)
        assert reader.app.chosen == []


# --------------------------------------------------------------------------- notes, tags, deleting


async def test_notes_and_tags_are_kept_shown_and_found(
    history: History, three: list[list[Run]]
) -> None:
    async with at_history(history, (160, 40)) as reader:
        await reader.press("down", "f2")
        await reader.on(Ask)
        await reader.write("after the update")
        await reader.press("enter")
        await reader.until(lambda: "after the update" in reader.told, "the note")
        assert reader.at == 1
        await reader.press("f3")
        await reader.on(Ask)
        await reader.write("Mac, #fast")
        await reader.press("enter")
        await reader.until(lambda: "#mac #fast" in reader.told, "the tags")
        assert "#mac #fast" in reader.lines[1]
        await reader.write("#mac update")
        await reader.see("Why is the sky")
        await reader.press("f3", "escape")
        await reader.on(HistoryScreen)
        (row,) = history.groups(1, contains="#mac")
        assert (row.note, row.tags) == ("after the update", ("mac", "fast"))


async def test_a_comparison_has_notes_of_its_own(history: History, keep: Keep) -> None:
    runs = keep("Why?", pairs=1)
    async with at_history(history) as reader:
        await reader.into(ComparisonsScreen)
        await reader.press("f2")
        await reader.on(Ask)
        await reader.write("noisy")
        await reader.press("enter")
        await reader.until(lambda: "noisy" in reader.lines[0], "the note")
        assert history.comparison(runs[0].comparison_id)[0].note == "noisy"
        assert history.groups(1)[0].note == ""
        await reader.into(RunsScreen)
        await reader.press("f2", "f3")
        await reader.on(RunsScreen)


async def test_a_group_is_deleted_and_brought_back(
    history: History, three: list[list[Run]]
) -> None:
    async with at_history(history) as reader:
        await reader.press("down", "f8")
        await reader.see("Explain unified memory.", "What is a wave?")
        assert reader.at == 1
        assert reader.app.said[-1].endswith("12 runs. ctrl+z brings it back.")
        await reader.press("ctrl+z")
        await reader.see("Explain", "Why is the sky blue?", "What")
        assert reader.app.said[-1] == "Back again: 12 runs."
        await reader.press("ctrl+z")
        await reader.until(lambda: len(reader.app.said) == 3, "the answer")
        assert reader.app.said[-1] == "There is no deletion to undo."


async def test_a_comparison_is_deleted_and_brought_back(history: History, keep: Keep) -> None:
    keep("Why?", pairs=1)
    keep("Why?", pairs=3)
    async with at_history(history) as reader:
        await reader.into(ComparisonsScreen)
        await reader.press("delete")
        await reader.until(lambda: len(reader.lines) == 1, "one less")
        assert history.count() == 2
        await reader.press("delete")
        await reader.until(lambda: "All runs of this group" in reader.problem, "none left")
        await reader.press("ctrl+z")
        await reader.until(lambda: len(reader.lines) == 1, "one back")
        await reader.press("ctrl+z")
        await reader.until(lambda: len(reader.lines) == 2, "both back")
        assert history.count() == 8
        await reader.press("down")
        assert reader.at == 1  # the keys reach the list again


async def test_single_runs_are_deleted_and_the_groups_know(history: History, keep: Keep) -> None:
    keep("Why?", pairs=1)
    async with at_history(history) as reader:
        await reader.into(ComparisonsScreen, RunsScreen)
        await reader.press("f8")
        await reader.until(lambda: len(reader.lines) == 1, "one less")
        await reader.press("f8")
        await reader.until(lambda: "All runs of this comparison" in reader.problem, "none left")
        await reader.press("escape")
        await reader.on(ComparisonsScreen)
        await reader.until(lambda: reader.problem, "none left")
        await reader.press("escape")
        await reader.on(HistoryScreen)
        await reader.until(lambda: reader.problem == EMPTY, "none left")
        await reader.press("ctrl+z", "ctrl+z")
        await reader.until(lambda: history.count() == 2, "both back")
        await reader.see("Why?")


def test_of_a_run_that_is_a_summary_the_clock_is_not_known(keep: Keep) -> None:
    (measured, *_) = keep("Why?", pairs=1)
    trace = msgspec.structs.replace(measured.trace, clock="read", flags=[SUMMARY_FLAG])
    summary = msgspec.structs.replace(measured, run_id="f" * 32, trace=trace)
    about = run_page(measured, measure(measured.trace)), run_page(summary, measure(trace))
    assert ["clock: kernel" in each.plain for each in about] == [True, False]
    assert "clock: not known" in about[1].plain


# ----------------------------------------------------------------------------------- taken along


async def test_the_newest_pair_is_taken_to_be_replayed(history: History, keep: Keep) -> None:
    runs = keep("Why?", pairs=3)
    async with at_history(history) as reader:
        await reader.press("f5")
        await reader.until(lambda: reader.app.chosen, "the choice")
        assert reader.app.chosen == [Replay(pair={"A": runs[4], "B": runs[5]})]


async def test_the_pair_of_a_run_is_taken_from_deep_inside(history: History, keep: Keep) -> None:
    runs = keep("Why?", pairs=3)
    async with at_history(history) as reader:
        await reader.into(ComparisonsScreen, RunsScreen)
        await reader.press("down", "down", "down", "enter")
        await reader.until(lambda: reader.app.chosen, "the choice")
        assert reader.app.chosen == [Replay(pair={"A": runs[2], "B": runs[3]})]


def attempt(runs: list[Run], **members: Any) -> list[Run]:
    """Return a pair as it was made another time."""
    return [msgspec.structs.replace(run, run_id=uuid.uuid4().hex, **members) for run in runs]


def stopped(run: Run) -> Run:
    """Return a run as it was when it was stopped."""
    trace = msgspec.structs.replace(run.trace, ended="cancelled")
    return msgspec.structs.replace(run, trace=trace)


async def test_a_run_of_a_comparison_that_went_on_is_played_with_its_own_partner(
    history: History, keep: Keep
) -> None:
    """What was stopped is made anew under the same number: each run has its own neighbour."""
    of_pair = keep("Why?", pairs=1)
    a, b = of_pair
    warm = {"pair": 0, "warmup": True}
    first, again = attempt(of_pair, **warm), attempt(of_pair, **warm)
    b_first = msgspec.structs.replace(b, run_id=uuid.uuid4().hex, position=1)
    a_stopped = stopped(msgspec.structs.replace(a, run_id=uuid.uuid4().hex, position=2))
    made = [*first, b_first, a_stopped, *again, *attempt(of_pair)]
    history.delete(runs=[run.run_id for run in of_pair]).result()
    for number, run in enumerate(made):
        trace = msgspec.structs.replace(run.trace, started_utc=f"2026-01-01T00:{number:02}:00Z")
        made[number] = msgspec.structs.replace(run, trace=trace)
        history.save(made[number], measure(trace).values).result()
    for chosen, pair in {0: (0, 1), 2: (3, 2), 3: (3, 2), 5: (4, 5), 6: (6, 7)}.items():
        async with at_history(history) as reader:
            await reader.into(ComparisonsScreen, RunsScreen)
            await reader.press(*["down"] * chosen, "enter")
            await reader.until(lambda: reader.app.chosen, "the choice")
            a, b = (made[number] for number in pair)
            assert reader.app.chosen == [Replay(pair={"A": a, "B": b})]


def test_a_run_without_a_partner_of_its_own_attempt_is_played_alone(keep: Keep) -> None:
    a, b = keep("Why?", pairs=1)
    alone = stopped(msgspec.structs.replace(a, run_id=uuid.uuid4().hex))
    warmed = attempt([a, b], pair=0, warmup=True)
    for between in ([], warmed):
        made = [alone, *between, a, b]
        assert with_partner(alone, made) == {"A": alone}
        assert with_partner(b, made) == with_partner(a, made) == {"A": a, "B": b}


def test_a_run_that_failed_and_was_made_once_more_has_the_partner_of_its_pair(keep: Keep) -> None:
    a, b = keep("Why?", pairs=1)
    (failed,) = attempt([a])
    assert with_partner(failed, [failed, a, b]) == {"A": failed, "B": b}
    assert with_partner(b, [failed, a, b]) == {"A": a, "B": b}


def test_both_runs_of_a_race_were_made_at_the_same_time(keep: Keep) -> None:
    """Which of them began first by a hair says nothing, and both are made again together."""
    a, b = keep("Why?", pairs=1, layout="race")
    failed_a, failed_b = attempt([a, b])
    made = [failed_b, failed_a, a, b]
    assert with_partner(failed_b, made) == with_partner(failed_a, made)
    assert with_partner(failed_a, made) == {"A": failed_a, "B": failed_b}
    assert with_partner(a, made) == with_partner(b, made) == {"A": a, "B": b}


def test_summaries_of_a_file_that_lists_each_mode_by_itself_are_pairs(keep: Keep) -> None:
    runs = keep("Why?", pairs=2)
    for run in runs:
        run.trace.flags = [SUMMARY_FLAG]
    a1, b1, a2, b2 = runs
    assert with_partner(a1, [a1, a2, b1, b2]) == {"A": a1, "B": b1}


async def test_without_a_whole_pair_nothing_is_replayed(history: History, keep: Keep) -> None:
    keep("Why?", pairs=1, fault=Fault(code="busy", sentence="Busy."))
    async with at_history(history) as reader:
        await reader.press("f5")
        await reader.until(lambda: reader.app.said, "the answer")
        assert reader.app.said == ["There is no whole pair to replay."]
        assert reader.app.chosen == []


@pytest.mark.parametrize("into", [[], [ComparisonsScreen], [ComparisonsScreen, RunsScreen]])
async def test_the_same_is_measured_again_by_its_own_plan(
    history: History, keep: Keep, into: list[type[Screen[Any]]]
) -> None:
    plan = Plan(repeat=9, until=0.03, regime="cold")
    (run, *_) = keep("Why?", pairs=1, regime="cold", plan=plan)
    async with at_history(history) as reader:
        await reader.into(*into)
        await reader.press("f6")
        await reader.until(lambda: reader.app.chosen, "the choice")
        assert reader.app.chosen == [
            Rerun(request=run.request, plan=plan, sides=delivery(run.target, ""))
        ]


async def test_what_came_without_a_plan_is_measured_as_it_was(history: History, keep: Keep) -> None:
    keep("Why?", pairs=3, layout="race")
    async with at_history(history) as reader:
        assert "race · Why?" in reader.lines[0]
        await reader.press("f6")
        await reader.until(lambda: reader.app.chosen, "the choice")
        (chosen,) = reader.app.chosen
        assert isinstance(chosen, Rerun)
        assert (chosen.plan.layout, chosen.plan.repeat) == ("race", 3)


async def test_a_prompt_is_taken_whole(history: History, keep: Keep) -> None:
    keep("line one\nline two", pairs=1)
    async with at_history(history) as reader:
        await reader.press("f9")
        await reader.until(lambda: reader.app.chosen, "the choice")
        assert reader.app.chosen == [UsePrompt(text="line one\nline two")]


# ------------------------------------------------------------------------------ where there is room


@pytest.mark.parametrize("width", [80, 120])
async def test_lines_that_differ_in_the_model_only_are_told_apart(
    history: History, keep: Keep, width: int
) -> None:
    keep("Explain why the sky is blue, and why it is red in the evening", pairs=1, model="small")
    keep("Explain why the sky is blue, and why it is red in the evening", pairs=1, model="large")
    async with at_history(history, (width, 24)) as reader:
        await reader.see("large", "small")
        assert all("Explain why the sky" in line for line in reader.lines)


async def test_two_servers_of_one_model_are_told_apart(history: History, keep: Keep) -> None:
    (run, *_) = keep("Why?", pairs=1)
    async with at_history(history) as reader:
        await reader.see("Why?")
        assert "127.0.0.1" not in reader.lines[0]
    target = msgspec.structs.replace(run.target, url="http://127.0.0.1:8080/v1")
    other = msgspec.structs.replace(run, run_id="f" * 32, comparison_id="e" * 32, target=target)
    history.save(other, measure(other.trace).values).result()
    async with at_history(history) as reader:
        await reader.until(lambda: len(reader.lines) == 2, "both")
        assert {"127.0.0.1:8080", "127.0.0.1:11434"} <= set(" ".join(reader.lines).split())


async def test_keys_stay_at_the_bottom_when_nothing_is_found(history: History, keep: Keep) -> None:
    keep("Why?", pairs=1)
    async with at_history(history, (80, 24)) as reader:
        await reader.see("Why?")
        await reader.write("nothing of the kind")
        await reader.until(lambda: reader.problem == NOT_FOUND, "that nothing is found")
        assert reader.screen.query_one(Footer).region.bottom == 24


# ----------------------------------------------------------------------------------- two groups


async def test_two_groups_are_compared(history: History, keep: Keep) -> None:
    keep("Why?", pairs=6, first_s=2.0)
    keep("How?", pairs=6, first_s=0.5)
    async with at_history(history) as reader:
        await reader.press("f4")
        assert "◆ How?" in reader.lines[0]
        assert "f4 on another line compares" in reader.title
        await reader.press("f4")
        assert "◆" not in reader.lines[0] + reader.title
        await reader.press("f4", "down", "f4")
        await reader.on(VersusDialog)
        shown = str(reader.screen.query_one(Static).visual)
        await reader.until(lambda: str(reader.screen.query_one(Static).visual), "the text")
        shown = str(reader.screen.query_one(Static).visual)
        assert shown.splitlines()[0].startswith("How?")
        assert "0.25 · p = 0.002" in shown
        assert "first text 4.0× sooner" in shown
        assert "total equivalent within ±5 %" in shown
        # In the list, totals end with the text.
        assert len(re.findall(r"^total \(end mark\) +3\.40 s", shown, re.MULTILINE)) == 1
        assert "not paired" in shown
        assert "The prompts differ" in shown
        await reader.press("escape")
        await reader.on(HistoryScreen)
        assert "◆" not in "".join(reader.lines)


# ------------------------------------------------------------------------------------- exporting


async def test_runs_are_written_to_a_file(
    history: History, keep: Keep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    runs = keep("Why is the sky blue?", pairs=2)
    async with at_history(history) as reader:
        await reader.press("f7")
        await reader.on(Ask)
        assert reader.screen.query_one(Input).value == "streamscope-why-is-the-sky-blue.md"
        await reader.write("x.doc")
        await reader.press("enter")
        await reader.on(Ask)
        assert "must end in" in str(reader.screen.query_one(".hint", Static).visual)
        await reader.write("x.jsonl")
        await reader.press("enter")
        await reader.until(lambda: reader.app.said, "the end")
        (said,) = reader.app.said
        assert said.startswith("4 runs written to\nx.jsonl\nin ")
    assert read_back(tmp_path / "x.jsonl") == runs


async def test_a_file_is_replaced_only_when_asked_twice(
    history: History, keep: Keep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "x.csv"
    write(path, "old")
    keep("Why?", pairs=1)
    async with at_history(history) as reader:
        await reader.into(ComparisonsScreen, RunsScreen)
        await reader.press("f7")
        await reader.on(Ask)
        await reader.write("x.csv")
        await reader.press("enter")
        await reader.on(Ask)
        assert "enter replaces it" in str(reader.screen.query_one(".hint", Static).visual)
        assert read(path) == "old"
        await reader.press("enter")
        await reader.until(lambda: reader.app.said, "the end")
        (said,) = reader.app.said
        assert said.startswith("2 runs written to\nx.csv\nin ")
        assert "Why?" in read(path)


# ------------------------------------------------------------------------------------------ looks


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 50)])
async def test_everything_has_its_place_on_every_screen(
    history: History, three: list[list[Run]], size: tuple[int, int]
) -> None:
    async with at_history(history, size) as reader:
        await reader.press("down")
        await reader.until(lambda: "n=6 pairs" in reader.told, "the verdict")
        svg = reader.app.export_screenshot()
        text = " ".join(html.unescape(re.sub(r"<[^>]*>", " ", svg)).split())
        keys = "f2 note f3 tags f4 compare f5 replay f6 again f7 save f8 delete esc back"
        assert keys in text
        for part in (
            "f1 help",
            "words, #tag",
            "Explain",
            "blocking",
            "newest",
            "Stream it",
            "96.9 % CI",
        ):
            assert part in text, part
        widths = {len(line) for line in reader.lines}
        assert len(widths) == 1
        assert max(widths) <= size[0]


async def test_help_and_palette_know_this_screen(history: History, three: list[list[Run]]) -> None:
    from textual_enhanced.dialogs import HelpScreen

    async with at_history(history) as reader:
        await reader.press("f1")
        await reader.on(HelpScreen)
        await reader.press("escape")
        await reader.on(HistoryScreen)


async def test_the_main_screen_opens_it_and_plays_what_was_chosen(open_app: "OpenApp") -> None:
    async with open_app(prompt="Why is the sky blue?") as person:
        await person.ready()
        await person.run()
        await person.press("f3")
        await person.until(lambda: isinstance(person.app.screen, HistoryScreen), "the history")
        screen = person.app.screen
        await person.until(lambda: screen.query_one(RowList).rows, "a group")
        await person.press("f5")
        await person.until(lambda: person.replay[0] == "replay", "the replay")


# ------------------------------------------------------------------------- two models, and the like


async def test_two_models_are_named_in_the_list_of_comparisons_and_of_runs(
    history: History, keep: Keep
) -> None:
    keep("Why?", pairs=6, model="small", against="large", modes=("stream", "stream"))
    async with at_history(history) as reader:
        await reader.into(ComparisonsScreen)
        await reader.see("small vs large")
        # Both totals are those of whole pairs, each of its own channel.
        assert [part for part in reader.lines[0].split("  ") if " s" in part][-2:] == [
            "3.40 s",
            "3.50 s",
        ]
        await reader.until(lambda: "A small · streaming" in reader.told, "who")
        assert "B large · streaming" in reader.told
        assert "n=6 pairs" in reader.told
        await reader.press("enter")
        await reader.on(RunsScreen)
        await reader.until(lambda: len(reader.lines) == 12, "the runs")
        assert "small vs large" in reader.title
        assert "A stream    small" in reader.lines[0]
        assert "B stream    large" in reader.lines[1]


async def test_a_channel_against_itself_has_its_own_medians(history: History, keep: Keep) -> None:
    keep("Why?", pairs=3, modes=("stream", "stream"))
    async with at_history(history) as reader:
        await reader.into(ComparisonsScreen)
        await reader.see("streaming vs streaming")
        assert "3.40 s" in reader.lines[0]
        assert "3.50 s" in reader.lines[0]


async def test_a_group_without_pairs_of_its_own_says_so(history: History, keep: Keep) -> None:
    keep("Why?", pairs=6, model="small", against="large", modes=("stream", "stream"))
    async with at_history(history) as reader:
        await reader.until(lambda: reader.told, "the group")
        assert "No streamed run of this was paired with a blocking one." in reader.told
        assert "enter opens: small vs large." in reader.told
        cells = [cell.strip() for cell in reader.lines[0].split("  ") if cell.strip()]
        assert cells[-2] == "–", "pairs"
        assert "Stream it" not in reader.told


async def test_a_group_is_judged_by_its_own_pairs_alone(history: History, keep: Keep) -> None:
    keep("Why?", pairs=6, model="small")
    keep("Why?", pairs=2, model="small", against="large", modes=("stream", "stream"))
    async with at_history(history) as reader:
        await reader.until(lambda: len(reader.lines) == 2, "both groups")
        await reader.press(*([] if "small" in reader.lines[0] else ["down"]))
        await reader.until(lambda: reader.told.startswith("small"), "the group")
        assert "n=6 pairs" in reader.told
        assert "streamed n=8" in reader.told


@pytest.mark.parametrize("into", [[], [ComparisonsScreen], [ComparisonsScreen, RunsScreen]])
async def test_two_models_are_measured_again_and_replayed(
    history: History, keep: Keep, into: list[type[Screen[Any]]]
) -> None:
    plan = Plan(repeat=2, layout="race")
    runs = keep(
        "Why?",
        pairs=2,
        plan=plan,
        layout="race",
        model="small",
        against="large",
        modes=("stream", "stream"),
    )
    sides = Sides.of(runs)
    assert sides is not None
    for key, expected in (
        ("f6", Rerun(request=runs[0].request, plan=plan, sides=sides)),
        ("f5", Replay(pair={"A": runs[2], "B": runs[3]})),
    ):
        async with at_history(history) as reader:
            await reader.into(*into)
            if RunsScreen in into:
                await reader.press("down", "down")
            await reader.press(key)
            await reader.until(lambda app=reader.app: app.chosen, "the choice")  # type: ignore[misc]
            assert reader.app.chosen == [expected]
