"""Carry out a plan: run after run through the probe, every one kept, whatever its end."""

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from streamscope.measure.figures import Figures, measure
from streamscope.probe.client import Probe, ProbeError
from streamscope.probe.messages import Limits, Start
from streamscope.trace import ChannelName, Chunk, Fault, FaultCode, Request, Run, Trace
from streamscope.trial.plan import Channel, Plan, Step, steps, warmup_request

HOPELESS: frozenset[FaultCode] = frozenset(
    ("unreachable", "tls", "url", "auth", "model", "request", "probe")
)
"""Faults that the next run would only meet again: the comparison ends there."""

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

    def run_ended(self, step: Step, run: Run, figures: Figures) -> None:
        """Tell that a run is over, with its exact figures."""


class Trial:
    """One comparison under way."""

    def __init__(
        self,
        *,
        probe: Probe,
        channels: Mapping[ChannelName, Channel],
        request: Request,
        plan: Plan,
        listener: Listener,
        save: Save | None = None,
        settle: Settle = _settled,
        limits: Limits = Limits(),  # noqa: B008 (immutable)
        proxy: str | None = None,
        engine: str = "",
        server_version: str = "",
    ) -> None:
        """Prepare a comparison.

        Args:
            probe: Does the timing.
            channels: Both sides.
            request: What both are asked.
            plan: How often, in which order.
            listener: Is told what happens.
            save: Keeps every finished run.
            settle: Waits until the server is done with runs that were stopped.
            limits: Bounds of each run.
            proxy: HTTP proxy to go through.
            engine: Name of the engine of ours that answers, or empty.
            server_version: Version of the server, where known.
        """
        self._probe = probe
        self._channels = channels
        self._request = request
        self.plan = plan
        self._listener = listener
        self._save = save
        self._settle = settle
        self._limits = limits
        self._proxy = proxy
        self._engine = engine
        self._server_version = server_version
        self._under_way: set[str] = set()
        self._stopped = False
        self.comparison_id = uuid.uuid4().hex
        self.runs: list[Run] = []

    def stop(self) -> None:
        """End the runs under way at once and begin no further ones."""
        self._stopped = True
        for run_id in self._under_way:
            self._probe.cancel(run_id)

    @property
    def stopped(self) -> bool:
        """Whether it was stopped."""
        return self._stopped

    async def carry_out(self) -> list[Run]:
        """Carry out the plan; return its runs in the order in which they ended."""
        await self._settle()
        for together in steps(self.plan):
            if self._stopped:
                break
            # A group, so that no run goes on by itself when the other one raises.
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._run(step)) for step in together]
            faults = [task.result().trace.fault for task in tasks]
            if any(fault is not None and fault.code in HOPELESS for fault in faults):
                break
        return self.runs

    async def _run(self, step: Step) -> Run:
        channel = self._channels[step.channel]
        request = self._request
        if step.warmup:
            request = warmup_request(request, prefill_only=self.plan.prefill_only)
        start = Start(
            run_id=uuid.uuid4().hex,
            target=channel.target,
            key=channel.key,
            request=request,
            mode=channel.mode,
            limits=self._limits,
            proxy=self._proxy,
        )
        self._under_way.add(start.run_id)
        self._listener.run_started(step, time.monotonic_ns())
        try:
            trace = await self._probe.run(
                start, lambda trace, new: self._listener.run_moved(step, trace, new)
            )
        except ProbeError as error:
            fault = Fault(code="probe", sentence=str(error))
            trace = Trace(mode=channel.mode, ended="error", fault=fault)
        finally:
            self._under_way.discard(start.run_id)
        if self._engine == "simulator":
            trace.flags.append("simulated")
        run = Run(
            run_id=start.run_id,
            comparison_id=self.comparison_id,
            channel=step.channel,
            target=channel.target,
            request=request,
            trace=trace,
            layout=self.plan.layout,
            regime=self.plan.regime,
            pair=step.pair,
            position=step.position,
            warmup=step.warmup,
            engine=self._engine,
            server_version=self._server_version,
        )
        self.runs.append(run)
        # A long answer takes longer to work through than a key press may wait.
        figures = await asyncio.to_thread(measure, trace)
        if self._save is not None:
            self._save(run, figures)
        self._listener.run_ended(step, run, figures)
        return run
