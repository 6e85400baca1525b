"""From "nothing is known" to "this server answers", and from there to comparisons and memory.

Nothing here reads config or environment; whoever makes a session has done so.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path

import msgspec

from streamscope.calibration import Calibration
from streamscope.engines.choose import Choice
from streamscope.engines.detect import Found
from streamscope.engines.engine import EngineError
from streamscope.engines.found import Candidate
from streamscope.history import History
from streamscope.keys import KeyRefusedError
from streamscope.measure.conventions import Trust
from streamscope.measure.figures import Figures
from streamscope.plan import Plan
from streamscope.probe.client import Probe, ProbeError
from streamscope.probe.messages import Limits
from streamscope.trace import Request, Run
from streamscope.trial.past import Past
from streamscope.trial.plan import Course
from streamscope.trial.servers import KeyFor, Servers
from streamscope.trial.setup import Matchup, NoServerError, Report, Wish, Wishes
from streamscope.trial.trial import Listener, Trial

SETTLE_S = 1.2
"""Wait after a stopped run before the same server is asked again, in seconds.

Small servers look only once a second whether anybody still waits (llama.cpp in blocking mode) and
generate on until then, which would slow down the next run.
"""


class Session:
    """Everything between the front door and the measuring: one for each start of the program.

    Attributes:
        past: What the history knows of requests on two channels.
        calibration: What is known about the error of this machine's times; ``None`` if nothing.
            A newer one holds from the next comparison on.
    """

    def __init__(
        self,
        *,
        wishes: Wishes,
        history: History | None,
        cache_dir: Path,
        limits: Limits,
        key_for: KeyFor,
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
            wishes: What the person wants to compare.
            history: Keeps the runs; ``None`` for none.
            cache_dir: Where fetched weights and servers that were named are kept.
            limits: Bounds of each run.
            key_for: Returns the key for a URL.
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
        self._wishes = wishes
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
        self.past = Past(history, include_busy=trust.include_busy)
        self._matchup: Matchup | None = None
        self._warm: set[tuple[str, str]] = set()
        self._pairs: dict[tuple[str, str], int] = {}
        self._settled_ns = 0
        self._saves: list[Future[None]] = []

    # ------------------------------------------------------------------------- finding a server

    async def open(self, report: Report, wishes: Wishes | None = None) -> Matchup:
        """Find or start what is compared; what was before is let go once there is another one.

        Args:
            report: Told what is being done.
            wishes: What is wanted from now on; what was wanted last, if nothing is said.

        Raises:
            NoServerError: A server is not to be had, and one sentence says why. What was before
                stays.
        """
        before = (self._wishes, self._servers.named)
        self._wishes = wishes or self._wishes
        report("looking for a server", None)
        try:
            await self._probe.start()
            matchup = await self._prepare(self._wishes, report)
        except BaseException as error:
            if self._matchup is not None:
                self._wishes, self._servers.named = before
            if isinstance(error, (EngineError, KeyRefusedError, ProbeError)):
                raise NoServerError(str(error)) from error
            raise
        self._close_engines(but=matchup)
        self._matchup = matchup
        return matchup

    async def _prepare(self, wishes: Wishes, report: Report) -> Matchup:
        """Return both channels, ready to be measured; an engine of one is ended without the other.

        Raises:
            NoServerError: A wish contradicts itself.
            EngineError: A server is not to be had.
            KeyRefusedError: The key of one can't be sent to it.
        """
        running = [] if self._matchup is None else [self._matchup.a, self._matchup.b]
        choice = await self._servers.choose(wishes.a)
        a = await self._servers.prepare(choice, wishes.a, report, running)
        self._remember(choice, wishes.a)
        if wishes.b is None or wishes.one_server:
            return wishes.matchup(a, a)
        try:
            report("looking for the server of channel B", None)
            choice = await self._servers.choose(wishes.b, second=True)
            b = await self._servers.prepare(choice, wishes.b, report, [a, *running])
        except BaseException:
            if a.process is not None and a.process not in [setup.process for setup in running]:
                a.process.close()
            raise
        self._remember(choice, wishes.b)
        return wishes.matchup(a, b)

    def _remember(self, choice: Choice, wish: Wish) -> None:
        if self._history is not None:
            self._servers.remember(choice, wish)

    async def get_ready(self) -> None:
        """Start the measuring process, if it is not there.

        Raises:
            ProbeError: It can't be started.
        """
        await self._probe.start()

    async def preview(self) -> Choice:
        """Return what ``open`` would choose for channel A, without starting or changing anything.

        Raises:
            NoServerError: There is nothing.
            ProbeError: The measuring process can't be started.
        """
        await self._probe.start()
        try:
            return await self._servers.choose(self._wishes.a)
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

    def course(self, matchup: Matchup, request: Request, plan: Plan) -> Course:
        """Return how a plan is carried out for a person who waits at the screen.

        Before the first pair of a prompt on a server that caches prompts, one token is asked for:
        it loads the model and fills the cache, or else the run that goes first would pay for both.
        Single pairs take turns in who goes first, as the pairs of a series do by themselves.
        """
        about = (matchup.identity, request.prompt)
        cold = about not in self._warm and not matchup.uncached and plan.layout == "apart"
        self._warm.add(about)
        before = self._pairs.get(about, 0)
        self._pairs[about] = before + plan.repeat
        busy = self._trust.include_busy
        if plan.repeat > 1:
            return Course(plan=plan, include_busy=busy)
        # Who looks on wants to see a failure, not what came after it.
        plan = msgspec.structs.replace(plan, warmup=int(cold))
        return Course(
            plan=plan, prefill_only=True, retries=0, pairs_before=before, include_busy=busy
        )

    def trial(
        self, matchup: Matchup, request: Request, course: Course, listener: Listener
    ) -> Trial:
        """Return a comparison, to be carried out.

        Args:
            matchup: What is compared with what.
            request: What both channels are asked.
            course: How often, in which order, and from where on.
            listener: Is told what happens.
        """
        if (sides := matchup.sides).question != "delivery":
            # Whoever goes on with it must know what B was, though it was stopped before B's turn.
            plan = msgspec.structs.replace(course.plan, sides=sides)
            course = msgspec.structs.replace(course, plan=plan)
        trial = Trial(
            probe=self._probe,
            channels=matchup.channels(request),
            course=course,
            listener=listener,
            save=self._save,
            settle=self._settle,
            limits=self._limits,
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

    @property
    def history(self) -> History | None:
        """Where runs are kept; ``None`` if they are not."""
        return self._history

    @property
    def notice(self) -> str:
        """What a person should know about the history file; empty if nothing."""
        return self._history.notice if self._history is not None else ""

    # ------------------------------------------------------------------------------------- end

    def _close_engines(self, but: Matchup | None = None) -> None:
        """End the engines of what was compared last, but those that go on to be measured."""
        used = [] if but is None else [but.a.process, but.b.process]
        if self._matchup is not None:
            for process in (self._matchup.a.process, self._matchup.b.process):
                if process is not None and process not in used:
                    process.close()
        self._matchup = None

    async def close(self) -> None:
        """End every process and keep what is still to be kept."""
        self._close_engines()
        await self._probe.close()
        if self._history is not None:
            await asyncio.to_thread(self._history.close)
