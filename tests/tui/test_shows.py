"""Both panes show the same stretch of time, live and in a replay, and never more than has come."""

import asyncio
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import TYPE_CHECKING, get_args

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from textual.app import App, ComposeResult
from textual.containers import Horizontal

from streamscope.trace import SUMMARY_FLAG, ChannelName, Chunk, Mode, Run, Trace
from streamscope.trial.plan import Step
from streamscope.tui import faces, shows
from streamscope.tui.shows import STEP_NS, LiveShow, ReplayShow
from streamscope.tui.themes import default_variables
from streamscope.tui.widgets.channel_pane import ChannelPane
from streamscope.tui.widgets.ends import Ends
from streamscope.tui.widgets.gap_strip import GapStrip
from streamscope.tui.widgets.phase_track import PhaseTrack

if TYPE_CHECKING:
    from streamscope.tui.ended import EndedRun

Build = Callable[..., Trace]
BuildEnded = Callable[..., "EndedRun"]
Pair = dict[ChannelName, "EndedRun"]
Told = Callable[[Step, Run | None], None]

S = 1_000_000_000
A, B = Step("A", 1, 1), Step("B", 1, 2)


class PanesApp(App[None]):
    """Two panes, and nothing else."""

    def compose(self) -> ComposeResult:
        with Horizontal():
            yield ChannelPane("A", "stream", id="pane-a")
            yield ChannelPane("B", "blocking", id="pane-b")

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return default_variables()

    def post_display_hook(self) -> None:
        """Tell the panes that a frame is out."""
        for pane in self.query(ChannelPane):
            pane.text.frame_out(time.monotonic_ns())

    @property
    def panes(self) -> dict[ChannelName, ChannelPane]:
        return {
            name: self.query_one(f"#pane-{name.lower()}", ChannelPane)
            for name in get_args(ChannelName)
        }

    def bar(self, name: ChannelName) -> str:
        """What the bar of a pane shows."""
        return self.panes[name].query_one(PhaseTrack).render_line(0).text

    def scale(self, name: ChannelName) -> str:
        """The scale of that bar."""
        return " ".join(self.bar(name).split()[-2:])

    def status(self, name: ChannelName) -> str:
        """The phase and the clock of a pane."""
        return " ".join(self.panes[name].query_one(".status", Ends).render().plain.split())

    def figures(self, name: ChannelName) -> str:
        """The figures of a pane."""
        return self.panes[name].query_one(".figures", Ends).render().plain.rstrip()

    def gaps(self, name: ChannelName) -> str:
        """The gaps of a pane."""
        return self.panes[name].query_one(GapStrip).render_line(0).text.strip()


class Clock:
    """The time, as the test says."""

    def __init__(self) -> None:
        self.now_ns = 1000 * S

    def monotonic_ns(self) -> int:
        """Return it."""
        return self.now_ns

    def pass_(self, seconds: float) -> None:
        """Let time pass."""
        self.now_ns += round(seconds * S)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Time stands still until the test lets it pass."""
    clock = Clock()
    monkeypatch.setattr(shows, "time", SimpleNamespace(monotonic_ns=clock.monotonic_ns))
    return clock


@pytest.fixture
def pair(build_stream: Build, build_blocking: Build, build_ended: BuildEnded) -> Pair:
    """A pair whose stream thought at first."""
    return {
        "A": build_ended(build_stream(1.0, 3.0, thought="Well, well."), "A"),
        "B": build_ended(build_blocking(4.0), "B"),
    }


@pytest.fixture
def changes() -> list[tuple[Step, Run | None]]:
    """What a live show told."""
    return []


@pytest.fixture
def told(changes: list[tuple[Step, Run | None]]) -> Told:
    """Take it down."""
    return lambda step, run: changes.append((step, run))


# ------------------------------------------------------------------------------------ live


async def test_a_live_run_is_drawn_up_to_the_present(
    clock: Clock, pair: Pair, told: Told, changes: list[tuple[Step, Run | None]]
) -> None:
    app = PanesApp()
    async with app.run_test(size=(100, 20)):
        show = LiveShow(app.panes, told)
        show.run_started(A, clock.now_ns)
        assert show.live
        assert app.status("A") == "○ connecting 0.00 s"
        assert changes == [(A, None)]

        trace = Trace(mode="stream", sent_monotonic_ns=clock.now_ns, marks={"sent": 0})
        show.run_moved(A, trace, [])
        clock.pass_(0.25)
        show.tick()
        assert app.status("A") == "◌ waiting for text 0.25 s"

        whole = pair["A"].run.trace
        clock.pass_(0.5)
        new = [chunk for chunk in whole.chunks if chunk.t_ns <= 0.75 * S]
        trace.chunks.extend(new)
        show.run_moved(A, trace, new)
        show.tick()
        assert app.status("A") == "◍ thinking 0.2 s 0.75 s"
        assert set("·░") <= set(app.bar("A"))
        assert "█" not in app.bar("A")

        clock.pass_(1.25)
        new = [chunk for chunk in whole.chunks if 0.75 * S < chunk.t_ns <= 2 * S]
        trace.chunks.extend(new)
        show.run_moved(A, trace, new)
        show.tick()
        assert app.status("A") == "● answering 2.00 s"
        assert app.figures("A").startswith("first 1.00 s ·  26.8 ch/s")
        assert app.scale("A") == "2 s"


async def test_the_exact_figures_take_the_place_of_the_live_ones(
    clock: Clock, pair: Pair, told: Told, changes: list[tuple[Step, Run | None]]
) -> None:
    app = PanesApp()
    async with app.run_test(size=(100, 20)):
        show = LiveShow(app.panes, told)
        ended = pair["A"]
        show.run_started(A, clock.now_ns)
        show.run_moved(A, ended.run.trace, list(ended.run.trace.chunks))
        show.run_ended(A, ended.run, ended.figures)
        assert not show.live
        assert show.last == {"A": ended}
        assert changes[-1] == (A, ended.run)
        assert app.status("A") == "✓ done · thought 0.50 s first 3.00 s"
        assert "~" not in app.figures("A")
        assert app.gaps("A").endswith("max  66")


async def test_the_last_whole_pair_stays_known_while_further_ones_fail(
    clock: Clock, pair: Pair, told: Told, build_stream: Build, build_ended: BuildEnded
) -> None:
    app = PanesApp()
    async with app.run_test(size=(100, 20)):
        show = LiveShow(app.panes, told)
        assert show.whole == {}
        for step in (A, B):
            assert show.whole == {}
            show.run_started(step, clock.now_ns)
            show.run_ended(step, pair[step.channel].run, pair[step.channel].figures)
        assert show.whole == pair
        broken = build_ended(build_stream(ended="incomplete"))
        for step, ended in ((Step("A", 2, 1), broken), (Step("B", 2, 2), pair["B"])):
            show.run_started(step, clock.now_ns)
            show.run_ended(step, ended.run, ended.figures)
        assert show.last == {"A": broken, "B": pair["B"]}
        assert show.whole == pair


async def test_it_tells_how_long_the_text_took_to_the_screen(pair: Pair, told: Told) -> None:
    app = PanesApp()
    async with app.run_test(size=(100, 20)):
        show = LiveShow(app.panes, told)
        whole = pair["A"].run.trace
        sent_ns = time.monotonic_ns() - 10 * S  # all of it came in the last ten seconds
        trace = msgspec.structs.replace(whole, sent_monotonic_ns=sent_ns)
        show.run_started(A, sent_ns)
        show.run_moved(A, trace, list(trace.chunks))
        async with asyncio.timeout(20):
            shown = await show.painted(A, trace)
        assert shown is not None
        assert 0 < shown.chunks <= len(trace.chunks)
        assert shown.frames == 1
        assert 7 * S < shown.p50_ns <= shown.p99_ns <= shown.max_ns


async def test_nothing_is_told_of_a_run_that_was_not_timed_on_this_clock(
    pair: Pair, told: Told
) -> None:
    app = PanesApp()
    async with app.run_test(size=(100, 20)):
        show = LiveShow(app.panes, told)
        trace = pair["A"].run.trace
        assert not trace.sent_monotonic_ns
        show.run_started(A, 1)
        show.run_moved(A, trace, list(trace.chunks))
        async with asyncio.timeout(20):
            assert await show.painted(A, trace) is None


async def test_the_bar_of_a_run_that_is_over_keeps_the_scale_of_the_one_under_way(
    clock: Clock, pair: Pair, told: Told
) -> None:
    app = PanesApp()
    async with app.run_test(size=(100, 20)):
        show = LiveShow(app.panes, told)
        ended = pair["A"]
        show.run_started(A, clock.now_ns)
        show.run_moved(A, ended.run.trace, list(ended.run.trace.chunks))
        show.run_ended(A, ended.run, ended.figures)
        assert app.scale("A") == "3 s"
        show.run_started(B, clock.now_ns)
        blocking = Trace(mode="blocking", sent_monotonic_ns=clock.now_ns, marks={"sent": 0})
        show.run_moved(B, blocking, [])
        clock.pass_(7)
        show.tick()
        assert app.scale("A") == app.scale("B") == "8 s"
        assert app.gaps("B") == "no gaps: it comes at once"
        assert app.figures("B") == "at – · – · –"


async def test_the_bar_of_a_warm_up_keeps_the_scale_of_what_comes_after(
    clock: Clock, pair: Pair, told: Told
) -> None:
    app = PanesApp()
    async with app.run_test(size=(100, 20)):
        show = LiveShow(app.panes, told)
        warm_a, warm_b = Step("A", 0, 1, True), Step("B", 0, 2, True)
        show.run_started(warm_a, clock.now_ns)
        ended = pair["A"]
        show.run_moved(warm_a, ended.run.trace, list(ended.run.trace.chunks))
        show.run_ended(warm_a, msgspec.structs.replace(ended.run, warmup=True), ended.figures)
        assert app.scale("A") == "3 s"
        assert app.status("A") == "✓ done · warm-up, dropped 3.00 s"
        show.run_started(warm_b, clock.now_ns)
        blocking = Trace(mode="blocking", sent_monotonic_ns=clock.now_ns, marks={"sent": 0})
        show.run_moved(warm_b, blocking, [])
        clock.pass_(1)
        show.tick()
        assert app.scale("A") == app.scale("B") == "3 s"


async def test_a_summary_that_was_imported_is_called_one(
    clock: Clock, pair: Pair, build_ended: BuildEnded
) -> None:
    def summary(mode: Mode) -> Trace:
        ends = [S, 2 * S] if mode == "stream" else [2 * S]
        return Trace(
            mode=mode,
            chunks=[Chunk(at, "answer", "", read) for read, at in enumerate(ends)],
            marks={"sent": 0, "done": 2 * S},
            ended="stop",
            flags=[SUMMARY_FLAG],
        )

    app = PanesApp()
    async with app.run_test(size=(100, 20)):
        runs = {"A": build_ended(summary("stream")), "B": build_ended(summary("blocking"), "B")}
        replay = ReplayShow(app.panes, runs)  # type: ignore[arg-type] # these are channels
        clock.pass_(1.5)
        replay.tick()
        assert "max" not in app.gaps("A")
        replay.leave()
        assert app.gaps("A") == "no gaps: only a summary was imported"
        for pane in app.panes.values():
            assert pane.text.placeholder == faces.ONLY_A_SUMMARY


async def test_an_answer_that_comes_whole_is_a_moment(clock: Clock, pair: Pair, told: Told) -> None:
    app = PanesApp()
    async with app.run_test(size=(100, 20)):
        show = LiveShow(app.panes, told)
        ended = pair["B"]
        show.run_started(B, clock.now_ns)
        show.run_moved(B, ended.run.trace, list(ended.run.trace.chunks))
        show.run_ended(B, ended.run, ended.figures)
        assert app.bar("B").count("▌") == 1
        assert not {"█", "░"} & set(app.bar("B"))
        assert app.gaps("B") == "no gaps: it comes at once"


async def test_a_warm_up_is_shown_but_not_kept(clock: Clock, pair: Pair, told: Told) -> None:
    app = PanesApp()
    async with app.run_test(size=(100, 20)):
        show = LiveShow(app.panes, told)
        step = Step("A", 0, 1, True)
        show.run_started(step, clock.now_ns)
        assert app.status("A").startswith("○ connecting · warm-up")
        show.run_ended(step, pair["A"].run, pair["A"].figures)
        assert show.last == {}


async def test_news_of_a_run_that_is_over_is_not_drawn(
    clock: Clock, pair: Pair, told: Told
) -> None:
    app = PanesApp()
    async with app.run_test(size=(100, 20)):
        show = LiveShow(app.panes, told)
        show.run_moved(A, pair["A"].run.trace, [Chunk(S, "answer", "late", 0)])
        assert app.panes["A"].text.plain_text == ""


@pytest.mark.parametrize(
    ("ended", "words"),
    [
        ("stop", "The answer was empty."),
        ("length", "The token limit was reached before the answer began."),
        ("filter", "The server withheld the answer."),
        ("cancelled", "Stopped before anything could be read."),
    ],
)
async def test_a_run_without_text_says_so_where_the_text_would_be(
    clock: Clock,
    told: Told,
    build_stream: Build,
    build_ended: BuildEnded,
    ended: str,
    words: str,
) -> None:
    app = PanesApp()
    async with app.run_test(size=(100, 20)):
        show = LiveShow(app.panes, told)
        run = build_ended(build_stream(text="", ended=ended))
        show.run_started(A, clock.now_ns)
        show.run_ended(A, run.run, run.figures)
        assert app.panes["A"].text.placeholder == words


# ------------------------------------------------------------------------------------ replay


async def test_a_replay_shows_both_on_one_clock_and_one_scale(clock: Clock, pair: Pair) -> None:
    app = PanesApp()
    async with app.run_test(size=(100, 20)):
        show = ReplayShow(app.panes, pair)
        clock.pass_(2)
        show.tick()
        assert app.status("A") == "● answering 2.00 s"
        assert app.status("B") == "◌ waiting for all of it 2.00 s"
        assert app.scale("A") == app.scale("B") == "4 s"
        assert app.panes["B"].text.plain_text == ""
        clock.pass_(1)
        show.tick()
        assert app.status("A") == "✓ done · thought 0.50 s first 3.00 s"
        assert show.playing
        clock.pass_(1)
        show.tick()
        assert app.status("B") == "✓ done 4.00 s"
        assert show.finished
        assert not show.playing
        assert app.scale("A") == app.scale("B") == "4 s"


async def test_a_replay_can_be_paused_stepped_and_sped_up(clock: Clock, pair: Pair) -> None:
    app = PanesApp()
    async with app.run_test(size=(100, 20)):
        show = ReplayShow(app.panes, pair)
        clock.pass_(1)
        show.toggle()
        clock.pass_(60)
        show.tick()
        assert (show.position_s, show.playing) == (1.0, False)
        show.step(3)
        show.tick()
        assert show.position_s == 1 + 3 * STEP_NS / S
        show.step(-100)
        show.tick()
        assert show.position_s == 0
        show.change_speed(2)
        show.toggle()
        clock.pass_(0.5)
        show.tick()
        assert show.position_s == 2.0
        clock.pass_(60)
        assert not show.finished, "nobody has drawn its end yet"
        show.tick()
        assert show.finished
        show.leave()
        assert app.status("A") == "✓ done · thought 0.50 s first 3.00 s"
        assert app.status("B") == "✓ done 4.00 s"


async def test_at_its_end_a_replay_shows_what_was_recorded(clock: Clock, pair: Pair) -> None:
    app = PanesApp()
    async with app.run_test(size=(100, 20)):
        live = LiveShow(app.panes, lambda *_: None)
        for step in (A, B):
            ended = pair[step.channel]
            live.run_started(step, clock.now_ns)
            live.run_moved(step, ended.run.trace, list(ended.run.trace.chunks))
            live.run_ended(step, ended.run, ended.figures)
        live.tick()

        def shown() -> list[str]:
            return [
                look(name)
                for name in get_args(ChannelName)
                for look in (app.status, app.bar, app.figures, app.gaps)
            ]

        before = shown()
        replay = ReplayShow(app.panes, pair)
        clock.pass_(1.5)
        replay.tick()
        assert shown() != before
        replay.leave()
        assert shown() == before


async def test_wherever_a_replay_is_moved_it_shows_what_had_come_by_then(
    clock: Clock, pair: Pair
) -> None:
    app = PanesApp()
    async with app.run_test(size=(100, 20)):
        show = ReplayShow(app.panes, pair)
        show.toggle()

        @settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
        @given(st.lists(st.integers(-45, 45), min_size=1, max_size=4))
        def holds(moves: list[int]) -> None:
            for move in moves:
                show.step(move)
                show.tick()
                position_ns = round(show.position_s * S)
                for name in get_args(ChannelName):
                    trace = pair[name].run.trace
                    come = "".join(
                        chunk.text
                        for chunk in trace.chunks
                        if chunk.kind == "answer" and chunk.t_ns <= position_ns
                    )
                    assert app.panes[name].text.plain_text == come

        holds()


async def test_a_replay_does_not_change_what_was_recorded(clock: Clock, pair: Pair) -> None:
    app = PanesApp()
    async with app.run_test(size=(100, 20)):
        before = {name: msgspec.json.encode(ended.run) for name, ended in pair.items()}
        show = ReplayShow(app.panes, pair)
        for _ in range(50):
            clock.pass_(0.1)
            show.tick()
        assert {name: msgspec.json.encode(ended.run) for name, ended in pair.items()} == before
