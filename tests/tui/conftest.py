"""The app under a pilot, with a measuring process that plays recorded runs or with the real one.

The actor takes the probe's part: a run that was written down happens again at once, or as far as
the test lets it. Everything above it is the real thing: session, trial, history, screens.
"""

import asyncio
import html
import re
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import msgspec
import pytest
from textual.app import App
from textual.notifications import SeverityLevel
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Footer, Static

from streamscope import settings
from streamscope.calibration import Calibration, Case, Spread
from streamscope.cli import start as cli_start
from streamscope.cli.arguments import parse
from streamscope.engines.detect import Found
from streamscope.history import History
from streamscope.measure.figures import measure
from streamscope.probe.client import Listener, Probe
from streamscope.probe.messages import Limits, Start
from streamscope.settings import Places
from streamscope.trace import (
    ChannelName,
    Chunk,
    Ended,
    Fault,
    MarkName,
    Mode,
    Request,
    Run,
    Target,
    TextKind,
    Tokens,
    Trace,
)
from streamscope.trial import session as session_module
from streamscope.trial.plan import Course
from streamscope.trial.session import Session
from streamscope.trial.setup import Matchup, NoServerError, Report, Setup, Wishes
from streamscope.trial.trial import Listener as TrialListener
from streamscope.trial.trial import Trial
from streamscope.tui import app as app_module
from streamscope.tui import commands
from streamscope.tui.app import StreamscopeApp
from streamscope.tui.ended import EndedRun
from streamscope.tui.widgets.channel_pane import ChannelPane
from streamscope.tui.widgets.ends import Ends
from streamscope.tui.widgets.prompt import PromptEditor
from tests.tui import hands

ANSWER = """\
Water waves spread from a stone that falls into a pond. They carry energy, not water: a leaf on \
the surface rises and sinks, and stays where it is.

Two stones make two rings. Where a crest meets a crest the water stands higher, and where a crest \
meets a trough it lies still."""
"""What recorded runs answer."""

THOUGHT = "The question is about waves. A pond is a picture that everybody knows."
"""What recorded runs think, where they do."""

DOING = re.compile(
    r"((?:warm-up|pair|measuring|replay|paused)\b.*) · (?:apart|race)(?: · cold)?(?: · ±.*)?$"
)
"""The part of the title line that says what is being done."""

REPLAY = re.compile(r"(replay|paused)(?: ([0-9.]+)×)? +([0-9.]+) s")
"""What that is while a pair is played again."""

TARGET = Target(protocol="ollama-chat", url="http://127.0.0.1:11434", model="tiny:1b")
"""The server that recorded runs came from."""

SETUP = Setup(
    target=TARGET,
    reason="Ollama answers at 127.0.0.1:11434 with tiny:1b.",
    contended=True,
    uncached=True,
    version="0.12.3",
)
"""The same, as a session finds it. Nothing is cached there, so no run needs a warm-up."""


def ns(seconds: float) -> int:
    """Turn seconds into whole nanoseconds."""
    return round(seconds * 1e9)


def _pieces(text: str) -> list[str]:
    return re.findall(r"\s*\S+", text)


def stream(
    first_s: float = 0.63,
    total_s: float = 3.4,
    *,
    text: str = ANSWER,
    thought: str = "",
    ended: Ended = "stop",
    fault: Fault | None = None,
    model: str = "",
) -> Trace:
    """Write down a streaming run; thinking fills the second half of the wait."""
    texts: list[tuple[TextKind, str]] = [("reasoning", each) for each in _pieces(thought)]
    thoughts = len(texts)
    texts += [("answer", each) for each in _pieces(text)]
    times = [first_s * (0.5 + 0.5 * i / thoughts) for i in range(thoughts)]
    answers = len(texts) - thoughts
    # Not every gap is the same, and the first and last piece come when they should.
    sways = [(0.0, 0.25, -0.25, 0.5)[i % 4] if 0 < i < answers - 1 else 0 for i in range(answers)]
    step = (total_s - first_s) / max(1, answers - 1)
    times += [first_s + step * (i + sway) for i, sway in enumerate(sways)]
    marks: dict[MarkName, int] = {"sent": 0, "headers": ns(first_s / 2)}
    if texts:
        marks["first_byte"] = ns(times[0])
    if ended in ("error", "cancelled"):
        marks["error" if ended == "error" else "cancelled"] = ns(total_s)
    else:
        marks |= {"done": ns(total_s), "closed": ns(total_s)}
    return Trace(
        mode="stream",
        clock="kernel",
        started_utc="2026-01-02T03:04:05.000000Z",
        marks=marks,
        chunks=[
            Chunk(ns(at), kind, each, read)
            for read, (at, (kind, each)) in enumerate(zip(times, texts, strict=True))
        ],
        ended=ended,
        fault=fault,
        tokens=Tokens(prompt=12, output=len(texts), reasoning=thoughts),
        model=model,
    )


def blocking(
    total_s: float = 3.5,
    *,
    text: str = ANSWER,
    thought: str = "",
    ended: Ended = "stop",
    fault: Fault | None = None,
) -> Trace:
    """Write down a blocking run."""
    at = ns(total_s)
    parts: tuple[tuple[TextKind, str], ...] = (("reasoning", thought), ("answer", text))
    end: MarkName = "error" if ended == "error" else "done"
    return Trace(
        mode="blocking",
        clock="kernel",
        started_utc="2026-01-02T03:04:09.000000Z",
        marks={"sent": 0, "headers": at, "first_byte": at, end: at, "closed": at},
        chunks=[Chunk(at, kind, each, 0) for kind, each in parts if each],
        ended=ended,
        fault=fault,
        tokens=Tokens(
            prompt=12,
            output=len(_pieces(thought)) + len(_pieces(text)),
            reasoning=len(_pieces(thought)),
        ),
    )


def ended_run(trace: Trace, channel: ChannelName = "A") -> EndedRun:
    """Put a trace into a run with its figures."""
    run = Run(
        run_id="0" * 32,
        comparison_id="1" * 32,
        channel=channel,
        target=TARGET,
        request=Request(prompt="Why?"),
        trace=trace,
    )
    return EndedRun(run=run, figures=measure(trace))


class Actor(Probe):
    """Takes the part of the measuring process.

    Attributes:
        traces: What is played.
        holds: Number of chunks after which a run waits for ``go``, or until it is cancelled.
        hold_from: The number of the first run, from 1, to which that applies.
        starts: What was asked for.
    """

    def __init__(self) -> None:
        super().__init__()
        self.traces: dict[Mode, Trace] = {"stream": stream(), "blocking": blocking()}
        self.holds: dict[Mode, int] = {}
        self.hold_from = 1
        self.starts: list[Start] = []
        self._doors: dict[str, asyncio.Event] = {}
        self._cancelled: set[str] = set()

    async def start(self) -> None:
        """Be ready."""

    async def close(self) -> None:
        """Let go of everybody."""
        self.go()

    def go(self) -> None:
        """Let all runs come to their end, from now on."""
        self.holds.clear()
        for door in self._doors.values():
            door.set()

    def cancel(self, run_id: str) -> None:
        """Stop a run."""
        self._cancelled.add(run_id)
        if run_id in self._doors:
            self._doors[run_id].set()

    async def run(self, start: Start, listener: Listener | None = None) -> Trace:
        """Play the run of this mode."""
        assert listener is not None
        self.starts.append(start)
        recorded = self.traces[start.mode]
        now = time.monotonic_ns()
        trace = Trace(
            mode=start.mode,
            clock=recorded.clock,
            sent_monotonic_ns=now,
            started_utc=recorded.started_utc,
            marks={"sent": 0},
        )
        listener(trace, [])
        hold = self.holds.get(start.mode, -1) if len(self.starts) >= self.hold_from else -1
        for index, chunk in enumerate(recorded.chunks):
            if index == hold:
                door = self._doors[start.run_id] = asyncio.Event()
                await door.wait()
                if start.run_id in self._cancelled:
                    trace.marks["cancelled"] = chunk.t_ns
                    trace.ended = "cancelled"
                    return trace
            trace.chunks.append(chunk)
            listener(trace, [chunk])
        return msgspec.structs.replace(
            recorded,
            sent_monotonic_ns=now,
            chunks=trace.chunks,
            marks=dict(recorded.marks),
            flags=list(recorded.flags),
        )


class ObservedSession(Session):
    """A session that remembers what it was asked for, and what came of it.

    Attributes:
        wishes: What was to be opened, an entry for each attempt.
        setups: What channel A found.
        trials: The comparisons.
    """

    def __init__(self, **of_session: Any) -> None:
        super().__init__(**of_session)
        self.wishes: list[Wishes | None] = []
        self.setups: list[Setup] = []
        self.trials: list[Trial] = []

    async def open(self, report: Report, wishes: Wishes | None = None) -> Matchup:
        """Open, and remember."""
        self.wishes.append(wishes)
        matchup = await self.find(report, wishes)
        self.setups.append(matchup.a)
        return matchup

    async def find(self, report: Report, wishes: Wishes | None) -> Matchup:
        """Find or start what is compared."""
        return await super().open(report, wishes)

    def trial(
        self, matchup: Matchup, request: Request, course: Course, listener: TrialListener
    ) -> Trial:
        """Return the comparison, and remember it."""
        trial = super().trial(matchup, request, course, listener)
        self.trials.append(trial)
        return trial


class Stage(ObservedSession):
    """A session that finds what the test puts there.

    Attributes:
        setup: What is found.
        matchup: Both channels that are found, where they ask different servers.
        found: What looking for servers brings.
        refusals: Why there is no server, for as many attempts.
        door: Held shut, keeps a server from getting ready.
    """

    def __init__(self, history: History | None, setup: Setup = SETUP) -> None:
        super().__init__(
            wishes=Wishes(),
            history=history,
            cache_dir=Path(),
            limits=Limits(),
            key_for=lambda *_: None,
            proxy_for=lambda _url: None,
        )
        self.setup = setup
        self.matchup: Matchup | None = None
        self.found: list[Found] = []
        self.refusals: list[str] = []
        self.door = asyncio.Event()
        self.door.set()

    async def find(self, report: Report, wishes: Wishes | None) -> Matchup:
        """Find the server of the test, whatever the wishes."""
        del wishes
        report("looking for a server", None)
        await self.door.wait()
        if self.refusals:
            raise NoServerError(self.refusals.pop(0))
        return self.matchup or Matchup.of(self.setup)

    def against(self, model: str, modes: tuple[Mode, Mode] = ("stream", "stream")) -> None:
        """Find two models of the server, from now on."""
        target = msgspec.structs.replace(self.setup.target, model=model)
        other = msgspec.structs.replace(self.setup, target=target)
        self.matchup = Matchup(a=self.setup, b=other, modes=modes)

    async def discover(self) -> list[Found]:
        """Return the servers of the test."""
        return list(self.found)


class ObservedApp(StreamscopeApp):
    """The app, and what it said.

    Attributes:
        said: Every notice, in order.
    """

    CSS_PATH = str(Path(app_module.__file__).with_name("streamscope.tcss"))

    def __init__(
        self,
        session: Session,
        places: Places,
        request: Request,
        theme: str = "",
        recorded: Mapping[ChannelName, Run] | None = None,
    ) -> None:
        super().__init__(
            recorded=recorded,
            open_session=lambda: session,
            config=settings.load(places.config_file),
            places=places,
            request=request,
            theme=theme,
        )
        self.said: list[str] = []

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = True,
    ) -> None:
        """Note it down, and show it."""
        self.said.append(message)
        super().notify(message, title=title, severity=severity, timeout=timeout, markup=markup)


def screen_lines(app: App[None]) -> list[str]:
    """Return what stands on the screen, a text a line, as a terminal would show it."""
    svg = app.export_screenshot()
    rows: dict[int, dict[float, str]] = {}
    for match in re.finditer(
        r'<text[^>]* x="([0-9.]+)"[^>]*clip-path="url\(#[^)]*line-(\d+)\)">(.*?)</text>', svg
    ):
        cell = float(match[1]) / 12.2  # what an exported cell is wide
        rows.setdefault(int(match[2]), {})[cell] = html.unescape(match[3]).replace("\xa0", " ")
    lines = [""] * (max(rows, default=-1) + 1)
    for row, parts in rows.items():
        for cell, text in sorted(parts.items()):
            lines[row] = lines[row].ljust(round(cell)) + text
    return lines


@dataclass
class Person:
    """Somebody who sits at the app: presses keys, and looks."""

    app: ObservedApp
    pilot: Pilot[None]
    session: ObservedSession

    async def press(self, *keys: str) -> None:
        """Press keys, one after the other, and wait until the app has dealt with each."""
        await hands.press(self.pilot, *keys)

    async def write(self, text: str) -> None:
        """Type a text."""
        await hands.write(self.pilot, text)

    async def settle(self) -> None:
        """Wait until every widget has dealt with what it was told, and those with what follows."""
        await hands.settle(self.pilot)

    async def until(self, condition: Callable[[], object], what: str = "") -> None:
        """Wait until something holds; fail, and show the screen, if that takes too long."""
        await hands.until(self.pilot, condition, lambda: "\n".join([what, *self.screen]))

    async def filled(self) -> None:
        """Wait until the frame of the first picture is filled."""
        await self.until(lambda: self.main.query(Footer), "the panes")

    async def ready(self) -> None:
        """Wait until a server is there."""
        await self.until(lambda: self.session.setups, "a server")
        await self.at_rest()

    async def worked(self) -> None:
        """Wait until all workers are done, and those that they began."""
        while len(self.app.workers):
            await self.app.workers.wait_for_complete()

    async def at_rest(self) -> None:
        """Wait until nothing is found, measured or replayed any more."""
        await self.worked()
        await self.until(lambda: not self.doing, "rest")

    async def measured(self, *keys: str) -> None:
        """Press keys that begin a comparison, and wait until it is over and kept."""
        assert not self.doing
        before = len(self.session.trials)
        await self.press(*keys)
        await self.until(lambda: len(self.session.trials) > before, "a comparison")
        await self.worked()
        await self.settle()

    async def rewind(self) -> None:
        """Pause the replay, and go back to its beginning."""
        await self.press("ctrl+g")
        await self.until(lambda: self.replay[0] == "paused", "the pause")
        back = commands.StepBack.key_binding()
        while self.replay[2]:
            await self.press(*[back] * 5)
        await self.press(back)  # what is shown was rounded

    async def opens(self, *keys: str) -> None:
        """Press keys, the last of which opens a dialog, and wait for it."""
        await self.press(*keys)
        await self.until(lambda: self.app.screen.is_modal, "the dialog")

    async def run(self) -> None:
        """Measure a pair and skip its replay."""
        await self.measured("enter")
        await self.press("escape")
        await self.at_rest()

    @property
    def main(self) -> Screen[object]:
        """The main screen, whatever lies over it."""
        return self.app.screen_stack[0]

    @property
    def screen(self) -> list[str]:
        """All that can be seen, a text a line."""
        return screen_lines(self.app)

    def pane(self, name: ChannelName) -> ChannelPane:
        """Return a pane."""
        return self.main.query_one(f"#pane-{name.lower()}", ChannelPane)

    def _line(self, selector: str, name: ChannelName | None = None) -> str:
        root = self.main if name is None else self.pane(name)
        return root.query_one(selector, Ends).render().plain

    def status(self, name: ChannelName) -> str:
        """Return the phase that a pane names."""
        return self._line(".status", name).split("  ")[0].strip()

    def clock(self, name: ChannelName) -> str:
        """Return the clock of a pane, with the space before it."""
        return self._line(".status", name)[-9:]

    def figures(self, name: ChannelName) -> str:
        """Return the figures of a pane."""
        return self._line(".figures", name).rstrip()

    @property
    def title(self) -> str:
        """The uppermost line."""
        return self._line("#title")

    @property
    def doing(self) -> str:
        """What the title line says is being done; empty at rest."""
        found = DOING.search(self.title)
        return found[1] if found else ""

    @property
    def replay(self) -> tuple[str, float, float]:
        """Whether a replay runs or is paused, its speed, and the moment that it shows, s."""
        found = REPLAY.search(self.doing)
        return (found[1], float(found[2] or 1), float(found[3])) if found else ("", 0.0, 0.0)

    @property
    def layout(self) -> str:
        """Apart or race, by the title line."""
        return self.title.rstrip().rpartition(" ")[2]

    @property
    def notice(self) -> str:
        """The line below the title."""
        return self._line("#notice").rstrip()

    def _static(self, selector: str) -> str:
        return str(self.main.query_one(selector, Static).visual)

    @property
    def verdict(self) -> str:
        """What came of the last pair."""
        return self._static("#verdict > .said")

    @property
    def medians(self) -> str:
        """The medians of the history panel."""
        return self._static("#medians")

    @property
    def prompt(self) -> PromptEditor:
        """The editor."""
        return self.main.query_one(PromptEditor)


class OpenApp(Protocol):
    """Opens the app."""

    def __call__(
        self,
        *,
        prompt: str = "",
        size: tuple[int, int] = (120, 40),
        theme: str = "",
        recorded: Mapping[ChannelName, Run] | None = None,
    ) -> AbstractAsyncContextManager[Person]:
        """Open the app with a prompt, in a terminal of a size."""


@pytest.fixture
def places() -> Places:
    """Where this test's files are."""
    return settings.places()


@pytest.fixture
def write_config(places: Places) -> Callable[[str], Path]:
    """Write the config file."""

    def write(text: str) -> Path:
        places.config.mkdir(parents=True, exist_ok=True)
        places.config_file.write_text(text, encoding="utf-8")
        return places.config_file

    return write


@pytest.fixture
def actor(monkeypatch: pytest.MonkeyPatch) -> Actor:
    """The one who plays recorded runs in the place of the measuring process."""
    actor = Actor()
    monkeypatch.setattr(session_module, "Probe", lambda: actor)
    return actor


@pytest.fixture
def history(places: Places) -> Iterator[History]:
    """The history of this test's home."""
    with History.open(places.history_file) as history:
        yield history


@pytest.fixture
def stage(actor: Actor, history: History) -> Stage:
    """A session that finds the recorded server."""
    return Stage(history)


@pytest.fixture
def make_app(stage: Stage, places: Places) -> Callable[..., ObservedApp]:
    """Make an app before the recorded server."""

    def make(
        *,
        prompt: str = "",
        theme: str = "",
        recorded: Mapping[ChannelName, Run] | None = None,
    ) -> ObservedApp:
        asked = Request(prompt=prompt, temperature=0.2, seed=42)
        return ObservedApp(stage, places, asked, theme, recorded)

    return make


@pytest.fixture
def make_person(stage: Stage) -> Callable[[ObservedApp, Pilot[None]], Person]:
    """Put a person before that app."""
    return lambda app, pilot: Person(app, pilot, stage)


@pytest.fixture
def open_app(
    make_app: Callable[..., ObservedApp],
    make_person: Callable[[ObservedApp, Pilot[None]], Person],
    actor: Actor,
) -> OpenApp:
    """Opens the app before the recorded server."""

    @asynccontextmanager
    async def opened(
        *,
        prompt: str = "",
        size: tuple[int, int] = (120, 40),
        theme: str = "",
        recorded: Mapping[ChannelName, Run] | None = None,
    ) -> AsyncIterator[Person]:
        app = make_app(prompt=prompt, theme=theme, recorded=recorded)
        async with app.run_test(size=size, notifications=True) as pilot:
            person = make_person(app, pilot)
            await person.filled()
            try:
                yield person
            finally:
                actor.go()
                await person.app.workers.wait_for_complete()

    return opened


class OpenReal(Protocol):
    """Opens the app with everything real."""

    def __call__(
        self, *arguments: str, size: tuple[int, int] = (120, 40)
    ) -> AbstractAsyncContextManager[Person]:
        """Open it as the command line does, with these arguments."""


@pytest.fixture
def probes(monkeypatch: pytest.MonkeyPatch) -> list[Probe]:
    """The measuring processes of this test's sessions."""
    made: list[Probe] = []

    def make() -> Probe:
        made.append(Probe())
        return made[-1]

    monkeypatch.setattr(session_module, "Probe", make)
    return made


@pytest.fixture
def open_real(monkeypatch: pytest.MonkeyPatch, places: Places) -> OpenReal:
    """Opens the app before real processes, with the history of this test's home."""
    monkeypatch.setattr(session_module, "Session", ObservedSession)

    @asynccontextmanager
    async def opened(*arguments: str, size: tuple[int, int] = (120, 40)) -> AsyncIterator[Person]:
        options = parse(list(arguments))
        config = settings.load(places.config_file)
        busy = config.trust.include_busy
        history = cli_start.history(options, places, include_busy=busy)
        session = cli_start.session(options, config, places, history)
        assert isinstance(session, ObservedSession)
        app = ObservedApp(session, places, cli_start.request(options, config, ""), options.theme)
        async with app.run_test(size=size, notifications=True) as pilot:
            person = Person(app, pilot, session)
            await person.filled()
            yield person

    return opened


@pytest.fixture
def build_stream() -> Callable[..., Trace]:
    """Return the builder of streaming runs."""
    return stream


@pytest.fixture
def build_blocking() -> Callable[..., Trace]:
    """Return the builder of blocking runs."""
    return blocking


@pytest.fixture
def build_ended() -> Callable[..., EndedRun]:
    """Return the builder of runs with figures around a trace."""
    return ended_run


@pytest.fixture
def calibration() -> Calibration:
    """What is known of a machine that keeps time."""
    small = Spread(p50=10_000, p99=48_000, max=90_000)
    case = Case(
        gap_ns=20_000_000,
        clock="kernel",
        writes=100,
        stamps=small,
        gaps=small,
        late=Spread(p50=1_000, p99=9_000, max=10_000),
        first_ns=10_000,
    )
    return Calibration(
        measured_utc="2026-01-02T03:04:05Z",
        streamscope="0.1.0",
        python="3.11",
        system="Linux",
        cores=2,
        machine="0123456789abcdef",
        painted=True,
        exact=True,
        error_ns_p99={"kernel": 48_000},
        true_gap_ns=20_000_000,
        cases=(case,),
    )
