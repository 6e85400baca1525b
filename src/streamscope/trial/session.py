"""From "nothing is known" to "this server answers", and from there to comparisons and memory.

Nothing here reads config or environment; whoever makes a session has done so.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import get_args

import msgspec

from streamscope.calibration import Calibration
from streamscope.engines.choose import Choice
from streamscope.engines.detect import Found
from streamscope.engines.engine import EngineError
from streamscope.engines.found import Candidate
from streamscope.history import Group, GroupValues, History, HistoryError
from streamscope.keys import Key, KeyRefusedError
from streamscope.measure.conventions import Trust
from streamscope.measure.figures import Figures, measure
from streamscope.measure.verdict import PairFigures
from streamscope.plan import Plan
from streamscope.probe.client import Probe, ProbeError
from streamscope.probe.messages import Limits
from streamscope.trace import Layout, Mode, Regime, Request, Run
from streamscope.trial.plan import Course
from streamscope.trial.servers import Servers
from streamscope.trial.setup import NoServerError, Report, Setup, Wish
from streamscope.trial.trial import Listener, Trial, is_complete

SETTLE_S = 1.2
"""Wait after a stopped run before the same server is asked again, in seconds.

Small servers look only once a second whether anybody still waits (llama.cpp in blocking mode) and
generate on until then, which would slow down the next run.
"""

REMEMBERED = (
    "ttfv_s",
    "total_s",
    "server_tok_per_s",
    "e2e_tok_per_s",
    "output_tokens",
    "gap_p95_ms",
    "stalls",
)
"""Figures of which the history panel shows medians."""

EVIDENCE = (
    "ttfv_s",
    "t_any_s",
    "total_s",
    "done_s",
    "benefit_s",
    "share",
    "visible_tok_per_s",
    "server_tok_per_s",
    "e2e_tok_per_s",
    "chunks_per_s",
    "output_tokens",
    "visible_tokens",
    "hidden_tokens",
)
"""Figures that a verdict and the advice rest on."""


class Memory(msgspec.Struct, frozen=True, kw_only=True):
    """What the history knows of a prompt on a target.

    Attributes:
        values: Figures of the runs that may be pooled, by mode.
    """

    values: Mapping[Mode, GroupValues]


class Session:
    """Everything between the front door and the measuring: one for each start of the program.

    Attributes:
        calibration: What is known about the error of this machine's times; ``None`` if nothing.
            A newer one holds from the next comparison on.
    """

    def __init__(
        self,
        *,
        wish: Wish,
        history: History | None,
        cache_dir: Path,
        limits: Limits,
        key_for: Callable[[str, str], Key | None],
        proxy_for: Callable[[str], str | None],
        candidates: Sequence[Candidate] = (),
        offered: Sequence[Candidate] = (),
        gguf: Path | None = None,
        profile: str = "default",
        calibration: Calibration | None = None,
        trust: Trust = Trust(),  # noqa: B008 (immutable)
    ) -> None:
        """Prepare a session; nothing is started yet.

        Args:
            wish: What the person wants to measure.
            history: Keeps the runs; ``None`` for none.
            cache_dir: Where fetched weights and servers that were named are kept.
            limits: Bounds of each run.
            key_for: Returns the key for a URL, given the one that the person named; may raise
                ``KeyRefusedError``. Called in a thread, as it may have to wait.
            proxy_for: Returns the proxy for a URL.
            candidates: Servers that the environment names, the one that is preferred first.
            offered: Further servers to choose from, of which none is chosen unless it is named.
            gguf: A model of the person's own for the local engine.
            profile: The simulator's profile.
            calibration: What is known about the error of this machine's times.
            trust: When a machine is too busy for a run to be trusted.
        """
        self.calibration = calibration
        self._trust = trust
        self._wish = wish
        self._history = history
        self._limits = limits
        self._probe = Probe()
        self._servers = Servers(
            self._probe,
            cache_dir=cache_dir,
            key_for=key_for,
            proxy_for=proxy_for,
            candidates=candidates,
            offered=offered,
            gguf=gguf,
            profile=profile,
        )
        self._setup: Setup | None = None
        self._warm: set[tuple[str, str]] = set()
        self._pairs: dict[tuple[str, str], int] = {}
        self._settled_ns = 0
        self._saves: list[Future[None]] = []

    # ------------------------------------------------------------------------- finding a server

    async def open(self, report: Report, wish: Wish | None = None) -> Setup:
        """Find or start a server; the one before, if any, is let go once there is another one.

        Args:
            report: Told what is being done.
            wish: What is wanted from now on; what was wanted last, if nothing is said.

        Raises:
            NoServerError: There is none, and one sentence says why. The one before stays.
        """
        before = (self._wish, self._servers.named)
        self._wish = wish or self._wish
        report("looking for a server", None)
        try:
            await self._probe.start()
            choice = await self._servers.choose(self._wish)
            setup = await self._servers.prepare(choice, self._wish, report)
        except BaseException as error:
            if self._setup is not None:
                self._wish, self._servers.named = before
            if isinstance(error, (EngineError, KeyRefusedError, ProbeError)):
                raise NoServerError(str(error)) from error
            raise
        self._close_engine()
        self._setup = setup
        if self._history is not None:
            self._servers.remember(choice)
        return setup

    async def get_ready(self) -> None:
        """Start the measuring process, if it is not there.

        Raises:
            ProbeError: It can't be started.
        """
        await self._probe.start()

    async def preview(self) -> Choice:
        """Return what ``open`` would choose, without starting or changing anything.

        Raises:
            NoServerError: There is nothing.
            ProbeError: The measuring process can't be started.
        """
        await self._probe.start()
        try:
            return await self._servers.choose(self._wish)
        except (EngineError, KeyRefusedError) as error:
            raise NoServerError(str(error)) from error

    async def discover(self) -> list[Found]:
        """Return the servers that answer.

        They are looked for where the person names one, or has named one, or the environment does,
        at vendors whose key is known, and on the usual ports.
        """
        await self._probe.start()
        return await self._servers.discover()

    # ------------------------------------------------------------------------------- measuring

    def course(self, setup: Setup, request: Request, plan: Plan) -> Course:
        """Return how a plan is carried out for a person who waits at the screen.

        Before the first pair of a prompt on a server that caches prompts, one token is asked for:
        it loads the model and fills the cache, or else the run that goes first would pay for both.
        The order goes on where the last comparison of this prompt ended.
        """
        about = (setup.identity, request.prompt)
        cold = about not in self._warm and not setup.uncached and plan.layout == "apart"
        self._warm.add(about)
        before = self._pairs.get(about, 0)
        self._pairs[about] = before + plan.repeat
        busy = self._trust.include_busy
        if plan.repeat > 1:
            return Course(plan=plan, pairs_before=before, include_busy=busy)
        # Who looks on wants to see a failure, not what came after it.
        plan = msgspec.structs.replace(plan, warmup=int(cold))
        return Course(
            plan=plan, prefill_only=True, retries=0, pairs_before=before, include_busy=busy
        )

    def trial(self, setup: Setup, request: Request, course: Course, listener: Listener) -> Trial:
        """Return a comparison of streaming (A) and blocking (B) on one server, to be carried out.

        Args:
            setup: The server.
            request: What is asked.
            course: How often, in which order, and from where on.
            listener: Is told what happens.
        """
        trial = Trial(
            probe=self._probe,
            channels={
                "A": setup.channel("A", "stream"),
                "B": setup.channel("B", "blocking"),
            },
            request=request,
            course=course,
            listener=listener,
            save=self._save,
            settle=self._settle,
            limits=self._limits,
            proxy=setup.proxy,
            engine=setup.engine,
            server_version=setup.version,
            calibration=self.calibration,
            trust=self._trust,
        )
        if self._history is not None:
            self._saves.append(self._history.begin(trial.comparison_id, course.plan))
        return trial

    async def _settle(self) -> None:
        """Wait until a server whose last run was stopped has noticed."""
        left_ns = self._settled_ns - time.monotonic_ns()
        if left_ns > 0:
            await asyncio.sleep(left_ns / 1e9)

    def _save(self, run: Run, figures: Figures) -> None:
        if run.trace.ended == "cancelled":
            self._settled_ns = time.monotonic_ns() + int(SETTLE_S * 1e9)
        if self._history is not None:
            self._saves.append(self._history.save(run, figures.values))

    # ---------------------------------------------------------------------------------- memory

    def problems(self) -> list[str]:
        """Return what went wrong with keeping runs since the last call, a sentence each."""
        done = [save for save in self._saves if save.done()]
        self._saves = [save for save in self._saves if not save.done()]
        return [str(error) for save in done if (error := save.exception()) is not None]

    async def saved(self) -> None:
        """Wait until all runs so far are kept, or could not be."""
        await asyncio.gather(*map(asyncio.wrap_future, self._saves), return_exceptions=True)

    def memory(self, setup: Setup, request: Request, layout: Layout) -> Memory:
        """Return what the history knows of a request on a server, measured in one layout.

        Raises:
            HistoryError: It can't be read.
        """
        if self._history is None:
            return Memory(values={})
        group = Group.asked(setup.target, request, engine=setup.engine, layout=layout)
        return Memory(values=self._history.values(group, REMEMBERED))

    def pairs(
        self, setup: Setup, request: Request, layout: Layout, regime: Regime = "warm"
    ) -> list[PairFigures]:
        """Return the figures of all whole pairs of a request on a server, the oldest first.

        Raises:
            HistoryError: The history can't be read.
        """
        if self._history is None:
            return []
        group = Group.asked(
            setup.target, request, engine=setup.engine, layout=layout, regime=regime
        )
        return [
            PairFigures(a=pair.a, b=pair.b, same_output=pair.same_output)
            for pair in self._history.pairs(group, EVIDENCE)
        ]

    def unfinished(self, setup: Setup, request: Request) -> Course | None:
        """Return the newest comparison of a request, if it was stopped and can go on."""
        if self._history is None:
            return None
        for regime in get_args(Regime):
            group = Group.asked(setup.target, request, engine=setup.engine, regime=regime)
            try:
                newest = self._history.comparisons(1, group)
                if newest and newest[0].plan is not None and newest[0].plan.repeat > 1:
                    row, runs = self._history.comparison(newest[0].comparison_id)
                    course = Course(
                        plan=row.plan or Plan(),
                        comparison_id=row.comparison_id,
                        runs=tuple(runs),
                        include_busy=self._trust.include_busy,
                    )
                    if not is_complete(course):
                        return course
            except HistoryError:
                return None
        return None

    @property
    def history(self) -> History | None:
        """Where runs are kept; ``None`` if they are not."""
        return self._history

    def last_pair(
        self, setup: Setup, request: Request, layout: Layout
    ) -> list[tuple[Run, Figures]]:
        """Return the newest whole pair of a request on a server, with its figures, if any."""
        if self._history is None:
            return []
        group = Group.asked(setup.target, request, engine=setup.engine, layout=layout)
        try:
            pair = self._history.last_pair(group)
        except HistoryError:
            return []
        return [(run, measure(run.trace)) for run in pair or ()]

    def prompts(self, contains: str = "") -> list[str]:
        """Return older prompts that contain a text, newest first; none where they can't be read."""
        if self._history is None:
            return []
        try:
            return self._history.prompts(contains)
        except HistoryError:
            return []

    @property
    def notice(self) -> str:
        """What a person should know about the history file; empty if nothing."""
        return self._history.notice if self._history is not None else ""

    # ------------------------------------------------------------------------------------- end

    def _close_engine(self) -> None:
        if self._setup is not None and self._setup.process is not None:
            self._setup.process.close()
        self._setup = None

    async def close(self) -> None:
        """End every process and keep what is still to be kept."""
        self._close_engine()
        await self._probe.close()
        if self._history is not None:
            await asyncio.to_thread(self._history.close)
