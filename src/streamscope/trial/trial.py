"""Carry out a plan: run after run through the probe, every one kept, whatever its end."""

import asyncio
import contextlib
import time
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

import msgspec

from streamscope.calibration import Calibration
from streamscope.measure.calibration import basis, claimed_error
from streamscope.measure.conventions import Trust
from streamscope.measure.figures import Figures, measure
from streamscope.measure.trust import is_busy
from streamscope.probe.client import Probe, ProbeError
from streamscope.probe.messages import Limits, Start
from streamscope.trace import (
    BUSY_FLAG,
    PREFILL_FLAG,
    ChannelName,
    Chunk,
    Fault,
    Run,
    Shown,
    Trace,
)
from streamscope.trial.ending import HOPELESS
from streamscope.trial.plan import (
    CHANNELS,
    Channel,
    Course,
    Step,
    asked_request,
    new_nonce,
    pair_steps,
    to_go,
    warmups,
    whole_pairs,
    with_nonce,
)
from streamscope.trial.progress import Progress, Values, progress
from streamscope.trial.replay import end_ns

RETRY_PAUSE_S = 1.0
"""Pause before a run that failed is made once more, unless the server names a longer one, s."""

AWAY_PAUSE_S = 5.0
"""Pause before a server that has answered and can't be reached any more is tried once more, s."""

LONGEST_PAUSE_S = 60.0
"""The longest pause that a server may ask for, s."""

GIVE_UP = 3
"""Pairs in a row that fail, or meet a busy machine, in spite of a second try, after which a
comparison ends."""

PAINTED_S = 0.6
"""The longest wait for the screen to have shown the last of a run, s."""

Save = Callable[[Run, Figures], object]
"""Keeps a finished run and its figures; must not block."""

Settle = Callable[[], Awaitable[None]]
"""Waits until the server is done with runs that were stopped."""


async def _settled() -> None:
    """There is nothing to wait for."""


class Listener(Protocol):
    """Is told what happens, from the event loop; must return quickly."""

    def run_started(self, step: Step, started_ns: int) -> None:
        """Tell that a run begins now: monotonic time in ns."""

    def run_moved(self, step: Step, trace: Trace, new: list[Chunk]) -> None:
        """Tell that something happened in a run, with the chunks that are new."""

    async def painted(self, step: Step, trace: Trace) -> Shown | None:
        """Wait until all text of a run is on the screen; return when that was.

        Awaited once all has arrived and before the run is kept, for at most ``PAINTED_S``.

        Args:
            step: The run.
            trace: What happened in it.

        Returns:
            How long text took to the screen; ``None``, at once, where there is none.
        """

    def run_ended(self, step: Step, run: Run, figures: Figures) -> None:
        """Tell that a run is over, with its exact figures."""


class Trial:
    """One comparison under way."""

    def __init__(
        self,
        *,
        probe: Probe,
        channels: Mapping[ChannelName, Channel],
        course: Course,
        listener: Listener,
        save: Save | None = None,
        settle: Settle = _settled,
        limits: Limits = Limits(),  # noqa: B008 (immutable)
        retry_pause_s: float = RETRY_PAUSE_S,
        away_pause_s: float = AWAY_PAUSE_S,
        calibration: Calibration | None = None,
        trust: Trust = Trust(),  # noqa: B008 (immutable)
    ) -> None:
        """Prepare a comparison.

        Args:
            probe: Does the timing.
            channels: Both sides, and what each is asked.
            course: How often, in which order, and from where on.
            listener: Is told what happens.
            save: Keeps every finished run.
            settle: Waits until the server is done with runs that were stopped.
            limits: Bounds of each run.
            retry_pause_s: Pause before a run that failed is made once more, s.
            away_pause_s: Pause before one is made once more whose server was not there, s.
            calibration: What is known about the error of this machine's times.
            trust: When a machine is too busy for a run to be trusted.
        """
        self._probe = probe
        self._channels = channels
        self.course = course
        self.plan = course.plan
        self._listener = listener
        self._save = save
        self._settle = settle
        self._limits = limits
        self._retry_pause_s = retry_pause_s
        self._away_pause_s = away_pause_s
        self._basis = None if calibration is None else basis(calibration)
        self._trust = trust
        self._under_way: set[str] = set()
        self._tries: Counter[Step] = Counter()
        self._stop = asyncio.Event()
        self._values = Values()
        self._figures: dict[str, Figures] = {}
        self._began_s = self._measuring_s = time.monotonic()
        self._pairs_took_s = 0.0
        self._pairs_now = 0
        self.comparison_id = course.comparison_id or uuid.uuid4().hex
        self.runs: list[Run] = list(course.runs)

    def stop(self) -> None:
        """End the runs under way at once and begin no further ones."""
        self._stop.set()
        for run_id in self._under_way:
            self._probe.cancel(run_id)

    @property
    def stopped(self) -> bool:
        """Whether it was stopped."""
        return self._stop.is_set()

    @property
    def progress(self) -> Progress:
        """How far it has come."""
        return progress(
            self.plan,
            self._values,
            elapsed_s=time.monotonic() - self._began_s,
            measured_s=self._pairs_took_s,
            pairs_now=self._pairs_now,
            guessed_s=self._guessed_s,
            made_good=self.course.lost,
        )

    @property
    def _guessed_s(self) -> float | None:
        """How long a pair will take by its warm-ups; ``None`` unless there was one on each side."""
        took = {
            run.channel: end_ns(run.trace) / 1e9
            for run in self.runs
            if run.warmup and run.trace.ok and PREFILL_FLAG not in run.trace.flags
        }
        if len(took) < len(CHANNELS):
            return None
        together = max if self.plan.layout == "race" else sum
        return together(took.values()) + self.plan.cooldown_s

    @property
    def so_far(self) -> Course:
        """Its course, with all runs up to now."""
        return msgspec.structs.replace(self.course, runs=tuple(self.runs))

    def goes_again(self, step: Step, trace: Trace) -> bool:
        """Whether a run that ended so is made once more."""
        left = self._tries[step] <= self.course.retries
        given_up = self._hopeless(step.channel, trace)
        return left and not given_up and not self.stopped and self._to_repeat(trace)

    async def carry_out(self) -> list[Run]:
        """Carry out the plan; return its runs in the order in which they ended.

        A run that fails, or that meets a busy machine, is made again, as the course says. What had
        been measured before it was stopped counts.
        """
        self._began_s = time.monotonic()
        await self._settle()
        for a, b in self.course.pairs():
            self._values.add(measure(a.trace).values, measure(b.trace).values)
        asked = {channel.target for channel in self._channels.values()}
        for step in warmups(self.course, one_server=len(asked) == 1):
            if self.stopped or not await self._together((step,)):
                return self.runs
        self._measuring_s = time.monotonic()
        await self._pairs()
        return self.runs

    async def _pairs(self) -> None:
        """Go through the pairs that are still to be measured."""
        failed = 0
        for number in to_go(self.course):
            if self._narrow or failed >= GIVE_UP:
                return
            if self._pairs_now:
                await self._pause(self.plan.cooldown_s)
            if self.stopped or not await self._pair(number):
                return
            self._pairs_now += 1
            self._pairs_took_s = time.monotonic() - self._measuring_s
            failed = 0 if self._taken(number) else failed + 1

    async def _pair(self, number: int) -> bool:
        """Make the runs of a pair; return whether there is any sense in going on."""
        steps = pair_steps(self.course, number)
        rounds = [steps] if self.plan.layout == "race" else [(step,) for step in steps]
        for together in rounds:
            if self.stopped or not await self._together(together):
                return False
        return not self.stopped

    def _taken(self, number: int) -> bool:
        """Count a pair in if it is whole; return whether it is."""
        of_pair = [run for run in self.runs if run.pair == number]
        pairs = whole_pairs(of_pair, include_busy=self.course.include_busy)
        for a, b in pairs:
            self._values.add(self._known(a).values, self._known(b).values)
        return bool(pairs)

    def _known(self, run: Run) -> Figures:
        """Return the figures of a run, which may be one of before it was stopped."""
        return self._figures.get(run.run_id) or measure(run.trace)

    @property
    def _narrow(self) -> bool:
        plan = self.plan
        return plan.until is not None and self._values.narrow(plan.until, plan.least)

    async def _together(self, steps: tuple[Step, ...]) -> bool:
        """Make runs at once, and again if one fails. Return whether going on makes sense."""
        for left in range(self.course.retries, -1, -1):
            # A group, so that no run goes on by itself when the other one raises.
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._run(step)) for step in steps]
            runs = [task.result() for task in tasks]
            traces = [run.trace for run in runs]
            away = any(_is_away(each) for each in traces)
            hopeless = any(self._hopeless(run.channel, run.trace) for run in runs)
            if hopeless or (away and not left):
                return False
            failed = [each for each in traces if self._to_repeat(each)]
            if not failed or self.stopped:
                return True
            if left:
                pause_s = self._away_pause_s if away else self._retry_pause_s
                await self._pause(max(pause_s, *map(asked_pause_s, failed)))
                if self.stopped:
                    return True
        return True

    def _hopeless(self, channel: ChannelName, trace: Trace) -> bool:
        """Tell whether a run failed in a way that another one would only meet again.

        A server that answered before and can't be reached may be starting anew.
        """
        if trace.fault is None or trace.fault.code not in HOPELESS:
            return False
        target = self._channels[channel].target
        answered = any(run.trace.ok and run.target.url == target.url for run in self.runs)
        return not (_is_away(trace) and answered)

    def _to_repeat(self, trace: Trace) -> bool:
        """Tell whether a run failed in a way, or met a machine, that may be another next time."""
        busy = trace.busy and not self.course.include_busy
        return trace.ended in ("error", "incomplete") or (busy and trace.ok)

    async def _pause(self, seconds: float) -> None:
        """Wait, but not for longer than until it is stopped."""
        if seconds > 0:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), seconds)

    async def _run(self, step: Step) -> Run:
        channel = self._channels[step.channel]
        asked = asked_request(channel.request, step, self.course, channel.target)
        nonce = new_nonce() if self.plan.regime == "cold" else ""
        start = Start(
            run_id=uuid.uuid4().hex,
            target=channel.target,
            key=channel.key,
            headers=channel.headers,
            request=with_nonce(asked, nonce, channel.target),
            mode=channel.mode,
            limits=self._limits,
            proxy=channel.proxy,
            reuse=self.plan.reuse,
        )
        self._under_way.add(start.run_id)
        self._tries[step] += 1
        self._listener.run_started(step, time.monotonic_ns())
        try:
            trace = await self._probe.run(
                start, lambda trace, new: self._listener.run_moved(step, trace, new)
            )
        except ProbeError as error:
            trace = Trace(mode=channel.mode, ended="cancelled")
            if not self.stopped:  # whoever stops us may have stopped the probe too
                fault = Fault(code="probe", sentence=str(error))
                trace = Trace(mode=channel.mode, ended="error", fault=fault)
        finally:
            self._under_way.discard(start.run_id)
        if self.stopped and trace.ended == "error":
            # Whoever stops us may have stopped the probe and the server of ours, too.
            trace.ended, trace.fault = "cancelled", None
        if asked != channel.request:
            trace.flags.append(PREFILL_FLAG)
        if channel.engine == "simulator":
            trace.flags.append("simulated")
        if is_busy(trace, self._trust):
            trace.flags.append(BUSY_FLAG)
        trace.calibration = self._basis
        trace.error_ns_p99 = claimed_error(trace)
        trace.shown = await self._painted(step, trace)
        run = Run(
            run_id=start.run_id,
            comparison_id=self.comparison_id,
            channel=step.channel,
            target=channel.target,
            request=channel.request,
            trace=trace,
            layout=self.plan.layout,
            regime=self.plan.regime,
            nonce=nonce,
            pair=step.pair,
            position=step.position,
            warmup=step.warmup,
            engine=channel.engine,
            server_version=channel.server_version,
        )
        self.runs.append(run)
        # A long answer takes longer to work through than a key press may wait.
        figures = await asyncio.to_thread(measure, trace)
        self._figures[run.run_id] = figures
        if self._save is not None:
            self._save(run, figures)
        self._listener.run_ended(step, run, figures)
        return run

    async def _painted(self, step: Step, trace: Trace) -> Shown | None:
        """Return when the text of a run was on the screen: never a reason to lose the run."""
        if self.stopped:  # and maybe the screen is gone
            return None
        # The screen is no part of what was measured: whatever goes wrong there, the run is good.
        with contextlib.suppress(Exception):
            async with asyncio.timeout(PAINTED_S):
                return await self._listener.painted(step, trace)
        return None


def _is_away(trace: Trace) -> bool:
    return trace.fault is not None and trace.fault.code == "unreachable"


def is_complete(course: Course) -> bool:
    """Tell whether a comparison has all that its plan wants: pairs that don't count are missing."""
    if len(course.pairs()) >= course.plan.repeat:
        return True
    if course.plan.until is None:
        return False
    values = Values()
    for a, b in course.pairs():
        values.add(measure(a.trace).values, measure(b.trace).values)
    return values.narrow(course.plan.until, course.plan.least)


def asked_pause_s(trace: Trace) -> float:
    """Return how long the server asks to wait before the next request, s; 0 if it does not."""
    asked = trace.headers.get("retry-after", "")
    try:
        seconds = float(asked)
    except ValueError:  # a date, which needs both clocks to agree
        return 0.0
    return min(seconds, LONGEST_PAUSE_S) if seconds > 0 else 0.0  # NaN is not
