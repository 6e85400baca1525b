"""From "nothing is known" to "this server answers", and from there to comparisons and memory.

Nothing here reads config or environment; whoever makes a session has done so.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any, get_args

import msgspec

from streamscope.calibration import Calibration
from streamscope.engines import local
from streamscope.engines.addresses import read
from streamscope.engines.choose import Choice, Wanted, choose, place
from streamscope.engines.detect import USUAL, Found, detect
from streamscope.engines.engine import Engine, EngineError
from streamscope.engines.found import Candidate
from streamscope.engines.launch import launch
from streamscope.engines.weights import Progress
from streamscope.history import Group, GroupValues, History, HistoryError
from streamscope.key_owners import authority
from streamscope.keys import Key, KeyRefusedError, Secret
from streamscope.measure.conventions import Trust
from streamscope.measure.figures import Figures, measure
from streamscope.measure.verdict import PairFigures
from streamscope.plan import Plan
from streamscope.probe.client import Probe, ProbeError
from streamscope.probe.messages import Limits
from streamscope.trace import ChannelName, Layout, Mode, Regime, Request, Run, Target
from streamscope.trial import known_servers
from streamscope.trial.plan import Channel, Course
from streamscope.trial.trial import Listener, Trial, is_complete

Report = Callable[[str, float | None], None]
"""Told what is being done, in words for the screen, and the share done (0 to 1) where known."""

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


class NoServerError(Exception):
    """There is nothing to measure; the text is a sentence for a person."""


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What the person wants to measure. Empty members are found out.

    Attributes:
        engine: What answers when no URL is named.
        url: Base URL of a server.
        protocol: How it speaks.
        model: Its model.
    """

    engine: Wanted = "auto"
    url: str = ""
    protocol: str = ""
    model: str = ""

    @classmethod
    def again(cls, target: Target, engine: str) -> "Wish":
        """Return the wish for a server that answered before.

        Args:
            target: The server, as it was called.
            engine: Name of the engine of ours that it was, or empty.
        """
        if engine == "simulator":
            return cls(engine="simulator", model=target.model)  # its profile
        if engine == "local":
            return cls(engine="local")  # which has one model only, at another port each time
        return cls(url=target.url, protocol=target.protocol, model=target.model)


class Setup(msgspec.Struct, frozen=True, kw_only=True):
    """A server that is ready to be measured.

    Attributes:
        target: The server.
        key: Its key.
        headers: What is sent beside the key, or in its place.
        engine: Name of the engine of ours that it is, or empty.
        reason: Why it was chosen, a sentence.
        caution: What must be known before trusting its answers, or empty.
        contended: Whether two live requests would disturb each other.
        uncached: Whether it is told not to cache prompts, so that no run has its prefill for
            nothing.
        version: Version of the server, where known.
        proxy: HTTP proxy to go through.
        process: The engine, if it is one of ours.
    """

    target: Target
    key: str | None = None
    headers: Mapping[str, str] = {}
    engine: str = ""
    reason: str = ""
    caution: str = ""
    contended: bool = True
    uncached: bool = False
    version: str = ""
    proxy: str | None = None
    process: Engine | None = None

    def __repr__(self) -> str:
        return f"Setup({self.identity!r})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        """Show which server it is, and never the key."""
        return [("identity", self.identity)]

    @property
    def identity(self) -> str:
        """Name that lasts: an engine of ours has another port at each start."""
        where = self.engine or place(self.target.url)
        return f"{self.target.protocol} {where} {self.target.model}".rstrip()

    @property
    def place(self) -> str:
        """Host and port, or what stands in for them."""
        return self.engine or place(self.target.url)

    @property
    def layout(self) -> Layout:
        """How a pair is measured unless the person says otherwise."""
        return "apart" if self.contended else "race"

    @property
    def alive(self) -> bool:
        """Whether it can still answer, as far as that is known: an engine's process may be gone."""
        return self.process is None or self.process.alive

    def channel(self, name: ChannelName, mode: Mode) -> Channel:
        """Return a side of a comparison that asks this server."""
        return Channel(name=name, target=self.target, mode=mode, key=self.key, headers=self.headers)

    def fill(self, request: Request) -> Request:
        """Return a request with what this server wants in every request of its own added."""
        return request if self.process is None else self.process.fill(request)


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
        self._cache_dir = cache_dir
        self._known_file = cache_dir / "servers.json"
        self._limits = limits
        self._key_for = key_for
        self._proxy_for = proxy_for
        self._candidates = tuple(candidates)
        self._offered = tuple(offered)
        self._gguf = gguf
        self._profile = profile
        self._probe = Probe()
        self._setup: Setup | None = None
        self._named = ""
        self._refusals: set[str] = set()
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
        before = (self._wish, self._named)
        self._wish = wish or self._wish
        report("looking for a server", None)
        try:
            await self._probe.start()
            choice = await self._choose(self._wish)
            setup = await self._prepare(choice, self._wish, report)
        except BaseException as error:
            if self._setup is not None:
                self._wish, self._named = before
            if isinstance(error, (EngineError, KeyRefusedError, ProbeError)):
                raise NoServerError(str(error)) from error
            raise
        self._close_engine()
        self._setup = setup
        if choice.found is not None and self._history is not None:
            known_servers.remember(self._known_file, self._named, choice.found)
        return setup

    async def _choose(self, wish: Wish) -> Choice:
        if wish.engine == "local" and wish.model:
            raise NoServerError(
                "The local engine serves one model, so --model names nothing there: "
                "set model_file in the config file to serve a GGUF file of your own."
            )
        target = None
        self._named = ""
        if wish.url:
            from streamscope.wire.urls import validate_url  # the first picture needs no protocol

            try:
                url = self._named = validate_url(wish.url)
            except ValueError as error:
                raise NoServerError(str(error)) from error
            target = Target(protocol=wish.protocol, url=url, model=wish.model)
            await self._key(url)  # what speaks against it is said before anybody is asked
        elif wish.engine == "auto":
            await self._have_keys(self._candidates)
        self._refusals.clear()
        choice = await choose(
            self._fetch,
            engine=wish.engine,
            target=target,
            model=wish.model,
            candidates=self._candidates,
            known=known_servers.known(self._known_file, self._named) if self._named else None,
            local_missing=local.missing(),
        )
        # A server that would have come first, had its key been sent, is missed by the person.
        reason = " ".join([choice.reason, *sorted(self._refusals)])
        return msgspec.structs.replace(choice, reason=reason)

    async def _prepare(self, choice: Choice, wish: Wish, report: Report) -> Setup:
        if choice.kind == "server":
            assert choice.target is not None
            target = choice.target
            if wish.model and not wish.url:
                target = msgspec.structs.replace(target, model=wish.model)
            key = await self._key(target.url)
            return Setup(
                target=target,
                key=key.value if key else None,
                headers=key.headers if key else {},
                reason=choice.reason,
                contended=choice.contended,
                version=choice.version,
                proxy=self._proxy_for(target.url),
            )

        def progress(at: Progress) -> None:
            share = at.done / at.total if at.done and at.total else None
            size = f": {at.done / 1e6:.0f} of {at.total / 1e6:.0f} MB" if share else ""
            report(f"{at.phase}{size}", share)

        launched = await launch(
            choice,
            cache_dir=self._cache_dir,
            gguf=self._gguf,
            profile=(wish.model if wish.engine == "simulator" else "") or self._profile,
            fallback=wish.engine == "auto",
            report=lambda phase: report(phase, None),
            progress=progress,
        )
        engine = launched.engine
        return Setup(
            target=engine.target,
            key=engine.key,
            engine=engine.name,
            reason=launched.reason,
            caution=engine.caution,
            contended=True,
            uncached=True,
            process=engine,
        )

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
            return await self._choose(self._wish)
        except (EngineError, KeyRefusedError) as error:
            raise NoServerError(str(error)) from error

    async def discover(self) -> list[Found]:
        """Return the servers that answer.

        They are looked for where the person names one, or has named one, or the environment does,
        at vendors whose key is known, and on the usual ports.
        """
        await self._probe.start()
        named = [self._named] if self._named else []
        before = [each.url for each in known_servers.read(self._known_file)]
        known = [
            *(Candidate(url=url) for url in named),
            *self._candidates,
            *(Candidate(url=url) for url in before),
        ]
        await self._have_keys([*known, *self._offered])
        usual = [Candidate(url=url) for url in USUAL]
        found = await detect(self._fetch, [*known, *usual, *self._offered])
        # The same server may have been named in several ways.
        return list({(each.url, each.protocol): each for each in reversed(found)}.values())[::-1]

    async def _have_keys(self, places: Iterable[Candidate]) -> None:
        """Have keys at hand: a command may take longer than a server has to answer.

        Why there is none is told when it is wanted.
        """
        await asyncio.gather(*(self._key(place.url) for place in places), return_exceptions=True)

    async def _key(self, url: str) -> Key | None:
        return await asyncio.to_thread(self._key_for, url, self._named)

    async def _fetch(self, url: str, timeout_s: float) -> tuple[int, bytes]:
        """Get a page, with the key of the server, if there is one, where it looks for it.

        Raises:
            OSError: There is no answer, or none can be had without a key that is not sent there.
        """
        try:
            key = await self._key(url)
        except KeyRefusedError as error:
            self._refusals.add(str(error))
            raise OSError(str(error)) from error
        return await self._probe.fetch(
            url, timeout_s, self._opening(url, key), self._proxy_for(url)
        )

    def _opening(self, url: str, key: Key | None) -> dict[str, str]:
        """Return the headers that open a page."""
        if key is None:
            return {}
        from streamscope.wire import getting  # no server without a key needs a protocol for that

        named = self._named and authority(url) == authority(self._named)
        speaks = read(url).protocol or key.protocol or (self._wish.protocol if named else "")
        headers = {**getting.headers(speaks or "openai-chat", url, key.value), **key.headers}
        return {name: Secret(value) for name, value in headers.items()}

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
