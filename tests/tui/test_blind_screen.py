"""The blind test under a pilot: nothing tells the sides apart, and every vote is kept."""

from collections.abc import Callable, Iterator
from itertools import cycle

import msgspec
import pytest
from textual.app import App
from textual.pilot import Pilot
from textual.widgets import ContentSwitcher, Footer, Input, Static

from streamscope.history import Group, History
from streamscope.trace import ChannelName, Trace
from streamscope.trial.blind import SIDES, Side
from streamscope.tui.ended import EndedRun
from streamscope.tui.screens import blind
from streamscope.tui.screens.blind import BlindScreen, StillPane
from streamscope.tui.themes import DEFAULT_THEME, default_variables, load_themes
from streamscope.tui.widgets.ends import Ends
from tests.tui import hands

Build = Callable[..., Trace]
Pair = dict[ChannelName, EndedRun]

SIZES = [(80, 24), (120, 40)]
WORDS_THAT_TELL = ("stream", "block", "0.63", "3.5", "phase", "tok")


class Host(App[None]):
    """An app that opens nothing but the blind test, with a clock and a coin of its own."""

    def __init__(
        self, pair: Pair, history: History | None = None, coins: tuple[bool, ...] = (True,)
    ) -> None:
        super().__init__()
        self.now = 0
        falls: Iterator[bool] = cycle(coins)
        self.blind = BlindScreen(pair, history, coin=lambda: next(falls), clock=lambda: self.now)
        self.closed = False
        for each in load_themes(None)[0]:
            self.register_theme(each)
        self.theme = DEFAULT_THEME

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Return our own colours."""
        return default_variables(dark=self.current_theme.dark)

    def on_mount(self) -> None:
        """Open the test."""

        def closed(_: None) -> None:
            self.closed = True

        self.push_screen(self.blind, closed)

    def _text(self, selector: str) -> str:
        return str(self.blind.query_one(selector, Static).visual)

    @property
    def question(self) -> str:
        """What is asked."""
        return self._text("#question")

    @property
    def remark(self) -> str:
        """What stands below."""
        return self._text("#remark")

    @property
    def page(self) -> str:
        """What is revealed; empty before that."""
        shown = self.blind.query_one(ContentSwitcher).current == "votes"
        return self._text("#page") if shown else ""

    @property
    def heading(self) -> str:
        """The uppermost line."""
        return self.blind.query_one("#title", Ends).render().plain

    @property
    def keys(self) -> set[str]:
        """What the footer offers."""
        return {
            each.binding.description
            for each in self.blind.active_bindings.values()
            if each.binding.show
        }

    def text(self, side: Side) -> str:
        """What stands on a side."""
        return self.blind.query_one(f"#text-{side}", StillPane).plain_text


class Person:
    """Somebody who takes the test."""

    def __init__(self, app: Host, pilot: Pilot[None]) -> None:
        self.app = app
        self.pilot = pilot

    async def press(self, *keys: str) -> None:
        """Press keys, and wait until each was dealt with."""
        await hands.press(self.pilot, *keys)

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait until something holds."""
        await hands.until(self.pilot, condition, lambda: "what follows")

    async def watch(self) -> None:
        """Start a round, and wait until both answers are there."""
        await self.press("enter")
        self.app.now += 10**10
        await self.until(lambda: self.app.question == blind.FASTER)

    async def round(self, *keys: str) -> None:
        """Go through a round, with these keys after the replays."""
        await self.watch()
        await self.press(*keys)
        assert self.app.question == blind.NOTED

    async def results(self) -> str:
        """End the test, and read what the votes come to."""
        await self.press("escape")
        await self.until(lambda: self.app.page not in ("", blind.COUNTING))
        return self.app.page


@pytest.fixture
def pair(build_stream: Build, build_blocking: Build, build_ended: Callable[..., EndedRun]) -> Pair:
    """A pair of the same answer; both runs thought about it."""
    ended: Pair = {
        "A": build_ended(build_stream(thought="Let me think.")),
        "B": build_ended(build_blocking(thought="Let me think."), "B"),
    }
    return {
        channel: EndedRun(
            run=msgspec.structs.replace(each.run, run_id=channel * 32), figures=each.figures
        )
        for channel, each in ended.items()
    }


@pytest.fixture
def kept(history: History, pair: Pair) -> History:
    """A history that knows the pair."""
    for ended in pair.values():
        history.save(ended.run, ended.figures.values).result()
    return history


def answer_of(pair: Pair) -> str:
    return pair["A"].run.trace.text()


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_everything_fits(pair: Pair, size: tuple[int, int]) -> None:
    app = Host(pair)
    async with app.run_test(size=size) as pilot:
        person = Person(app, pilot)

        def check() -> None:
            footer = app.blind.query_one(Footer).region
            assert footer.bottom == size[1]
            for selector in ("#sides", "#question", "#remark"):
                assert app.blind.query_one(selector).region.bottom <= footer.y
            sides = [app.blind.query_one(f"#text-{side}").region for side in SIDES]
            assert sides[0].size == sides[1].size
            assert sides[0].height >= 12

        assert app.remark == blind.READY
        check()
        await person.watch()
        check()
        await person.press("left", "x", "enter")
        assert app.remark.startswith("Type seconds")
        check()


@pytest.mark.parametrize("stream_left", [True, False])
async def test_nothing_tells_the_sides_apart_but_when_text_comes(
    pair: Pair, stream_left: bool
) -> None:
    app = Host(pair, coins=(stream_left,))
    async with app.run_test(size=(80, 24)) as pilot:
        person = Person(app, pilot)
        stream: Side = "left" if stream_left else "right"
        blocking: Side = "right" if stream_left else "left"
        said: set[str] = set()

        def look() -> None:
            titles = [str(each.border_title) for each in app.blind.query("#sides > Container")]
            said.update((app.heading, app.question, app.remark, *titles, *app.keys))
            panes = [app.blind.query_one(f"#text-{side}", StillPane) for side in SIDES]
            assert panes[0].rich_style == panes[1].rich_style
            assert panes[0].placeholder == panes[1].placeholder == ""

        look()
        await person.press("enter")
        look()
        app.now = 10**9
        await person.until(lambda: app.text(stream))
        look()
        assert answer_of(pair).startswith(app.text(stream))
        assert app.text(blocking) == ""
        app.now = 10**10
        await person.until(lambda: app.text(blocking))
        assert app.text("left") == app.text("right") == answer_of(pair)
        look()
        await person.press("left", "1", "enter")
        look()
        await person.press("2", "enter")
        look()
        everything = " ".join(said).lower()
        assert "round 1" in everything
        assert not [word for word in WORDS_THAT_TELL if word in everything]


async def test_nobody_votes_before_both_sides_have_text(pair: Pair) -> None:
    app = Host(pair)
    async with app.run_test(size=(80, 24)) as pilot:
        person = Person(app, pilot)
        await person.press("left")
        assert "left" not in app.keys
        await person.press("enter")
        app.now = 10**9
        await person.until(lambda: app.text("left"))
        await person.press("left", "l", "t", "down")
        assert app.question == blind.WATCH
        assert "left" not in app.keys
        app.now = 10**10
        await person.until(lambda: "left" in app.keys)
        await person.press("l")
        assert app.question == blind.HOW_LONG.format("LEFT")


@pytest.mark.parametrize(
    ("key", "choice"),
    [
        ("left", "stream"),
        ("l", "stream"),
        ("right", "blocking"),
        ("r", "blocking"),
        ("t", "tie"),
        ("down", "tie"),
    ],
)
async def test_each_key_votes_and_the_vote_is_kept(
    pair: Pair, kept: History, key: str, choice: str
) -> None:
    app = Host(pair, kept)
    async with app.run_test(size=(80, 24)) as pilot:
        person = Person(app, pilot)
        await person.round(key, *"1.5", "enter", "enter")
        await person.results()
        (row,) = kept.votes(Group.of(pair["A"].run))
        assert row.choice == choice
        assert (row.felt_stream_s, row.felt_blocking_s) == (1.5, None)
        assert (row.stream_run, row.blocking_run) == ("A" * 32, "B" * 32)
        assert (row.first_s, row.blocking_s) == (0.63, 3.5)


async def test_what_is_no_time_is_said_and_nothing_is_lost(pair: Pair) -> None:
    app = Host(pair)
    async with app.run_test(size=(80, 24)) as pilot:
        person = Person(app, pilot)
        await person.watch()
        await person.press("left", *"a while", "enter")
        assert app.remark == "Type seconds, such as 2.5, or nothing to skip it."
        assert app.question == blind.HOW_LONG.format("LEFT")
        assert app.blind.query_one(Input).value == "a while"


async def test_a_slip_can_be_taken_back(pair: Pair, kept: History) -> None:
    app = Host(pair, kept)
    async with app.run_test(size=(80, 24)) as pilot:
        person = Person(app, pilot)
        await person.watch()
        await person.press("right", "9", "enter", "up", "up")
        assert app.question == blind.FASTER
        await person.press("left", "1", "enter", "4", "enter")
        await person.results()
        (row,) = kept.votes()
        assert (row.choice, row.felt_stream_s, row.felt_blocking_s) == ("stream", 1, 4)


async def test_another_round_begins_empty_with_sides_drawn_anew(pair: Pair) -> None:
    app = Host(pair, coins=(True, False))
    async with app.run_test(size=(80, 24)) as pilot:
        person = Person(app, pilot)
        await person.round("left", "enter", "enter")
        await person.press("enter")
        assert app.heading.endswith("round 2")
        assert app.text("left") == app.text("right") == ""
        assert app.question == blind.AGAIN
        await person.round("left", "enter", "enter")
        page = await person.results()
        assert "1            streaming    blocking     left, streaming" in page
        assert "2            blocking     streaming    left, blocking" in page


async def test_the_end_counts_earlier_votes_apart_and_says_what_they_show(
    pair: Pair, kept: History
) -> None:
    for sitting in range(2):
        app = Host(pair, kept)
        async with app.run_test(size=(80, 24)) as pilot:
            person = Person(app, pilot)
            for number in range(4):
                if number:
                    await person.press("enter")
                await person.round("left", *"1.26", "enter", "7", "enter")
                assert app.page == "", "nothing of earlier votes is shown before the end"
            page = await person.results()
            if not sitting:
                assert page.startswith("Can't tell: ")
                assert "before" not in page.split("How long")[0]
    assert page.startswith("Streaming felt faster in 8 of 8 votes (p 0.0078, ")
    assert "One person's votes are about that person." in page
    rows = [line.split() for line in page.splitlines()]
    assert ["this", "time", "4", "0", "0"] in rows
    assert ["before", "4", "0", "0"] in rows
    assert ["together", "8", "0", "0"] in rows
    assert "1.26 s       0.63 s       2.00×" in page
    assert "7.00 s       3.50 s       2.00×" in page
    assert "exact sign test p = 0.008" in page.replace("\n", " ")


async def test_ending_amid_the_questions_keeps_what_was_said(pair: Pair, kept: History) -> None:
    app = Host(pair, kept)
    async with app.run_test(size=(80, 24)) as pilot:
        person = Person(app, pilot)
        await person.watch()
        await person.press("right", "2")
        await person.results()
        (row,) = kept.votes()
        assert (row.choice, row.felt_stream_s, row.felt_blocking_s) == ("blocking", 2, None)
        await person.press("escape")
        await person.until(lambda: app.closed)


@pytest.mark.parametrize("remembers", [True, False])
async def test_without_a_vote_there_is_nothing_to_reveal(
    pair: Pair, kept: History, remembers: bool
) -> None:
    app = Host(pair, kept if remembers else None)
    async with app.run_test(size=(80, 24)) as pilot:
        person = Person(app, pilot)
        await person.press("enter", "escape")
        await person.until(lambda: app.closed)


async def test_votes_of_a_session_without_history_end_there_and_that_is_said(pair: Pair) -> None:
    app = Host(pair)
    async with app.run_test(size=(80, 24)) as pilot:
        person = Person(app, pilot)
        await person.round("t", "enter", "enter")
        assert "No history is kept: these votes end here." in await person.results()


async def test_a_history_that_fails_is_told_and_the_votes_are_shown(
    pair: Pair, kept: History
) -> None:
    app = Host(pair, kept)
    kept.close()
    async with app.run_test(size=(80, 24)) as pilot:
        person = Person(app, pilot)
        await person.round("left", "enter", "enter")
        page = await person.results()
        assert "The history" in page
        assert ["this", "time", "1", "0", "0"] in [line.split() for line in page.splitlines()]


async def test_a_pair_without_an_answer_is_refused_in_a_sentence(
    pair: Pair, build_blocking: Build, build_ended: Callable[..., EndedRun]
) -> None:
    app = Host({"A": pair["A"], "B": build_ended(build_blocking(text=""), "B")})
    async with app.run_test(size=(80, 24)) as pilot:
        person = Person(app, pilot)
        assert app.page == "A blind test needs two whole answers: B has none."
        await person.press("enter", "left", "escape")
        await person.until(lambda: app.closed)


async def test_both_sides_stay_at_the_top_and_scroll_together(
    build_stream: Build, build_blocking: Build, build_ended: Callable[..., EndedRun]
) -> None:
    text = "\n".join(f"line {number}" for number in range(100))
    app = Host(
        {
            "A": build_ended(build_stream(text=text)),
            "B": build_ended(build_blocking(text=text), "B"),
        }
    )
    async with app.run_test(size=(80, 24)) as pilot:
        person = Person(app, pilot)
        panes = [app.blind.query_one(f"#text-{side}", StillPane) for side in SIDES]
        await person.watch()
        for pane in panes:
            pane.flush()
        assert [pane.scroll_y for pane in panes] == [0, 0]
        await person.press("pagedown")
        assert panes[0].scroll_y == panes[1].scroll_y == panes[0].size.height - 1
        await person.press("pageup")
        assert [pane.scroll_y for pane in panes] == [0, 0]


async def test_commands_of_the_main_screen_do_nothing_here(pair: Pair) -> None:
    app = Host(pair)
    async with app.run_test(size=(80, 24)):
        assert app.blind.check_action("help_command", ())
        assert not app.blind.check_action("run_pair_command", ())
