"""What the server, the observer and the way between say about a run, in words.

Everything is plain text, one statement a line, for ``run -v`` and the details screen.
"""

from collections.abc import Collection

from streamscope.measure.buffering import buffering
from streamscope.measure.server_side import Part, ServerSide, server_side
from streamscope.measure.trust import DoubtCode, doubts, merged_reads
from streamscope.measure.values import NS_PER_MS
from streamscope.measure.waterfall import waterfall
from streamscope.report.words import count, milliseconds, percent, plain, rate, seconds
from streamscope.trace import Observer, Trace

WORTH_SAYING = 0.005
"""Shares of the processors' time below it are not spoken of."""

ENOUGH_LOOKS = 20
"""Looks at what came from which on a percentile of them says more than the largest."""


def server_words(trace: Trace, *, drawn: bool = False) -> list[str]:
    """Say what the server reports, beside what was seen; empty if it reports nothing.

    Args:
        trace: The run.
        drawn: Whether its spans stand above as bars: a length that is one of them is not repeated.
    """
    side = server_side(trace)
    if side is None:
        return []
    above = {span.name for span in waterfall(trace) if span.source == "server"} if drawn else set()
    named = [
        words
        for part in side.parts
        if part.seconds * 1000 >= 1 or not drawn
        if (words := _part_words(part, above=part.name in above))
    ]
    if side.total_s is not None:
        named.append(f"{seconds(side.total_s)} in all")
    said = [f"By the server's own clock{_of(side)}: {' · '.join(named)}."] if named else []
    said += _overhead_words(side)
    if side.loaded:
        said.append("The model was loaded in this run: its wait is not the model's own.")
    if side.cached:
        of_all = f" of {count(side.prompt)}" if side.prompt else ""
        said.append(f"{count(side.cached)}{of_all} prompt tokens came from its cache.")
    return [*said, *side.doubts]


def observer_words(trace: Trace) -> list[str]:
    """Say what measuring took and what stood in its way; empty if nobody looked."""
    said = []
    found = doubts(trace)
    if trace.observer is not None:
        said += _probe_words(trace, trace.observer)
        told = {doubt.code for doubt in found}
        said += _machine_words(trace.observer, told, busy=trace.busy)
    if trace.segments is not None:
        merged, _ = merged_reads(trace)
        held = f", {merged} of which held several" if merged else ""
        came = f"{_several(trace.segments, 'segment')} came in {_several(trace.reads, 'read')}"
        said.append(f"{came}{held}.")
    said += [doubt.sentence for doubt in found]
    if trace.busy:
        said.append("So this run is marked as busy.")
    return said


def buffering_words(trace: Trace) -> list[str]:
    """Say what put pieces of a stream together, and why that is thought; empty if nothing did."""
    found = buffering(trace)
    if found is None:
        return []
    return [plain(line) for line in (found.sentence, *found.evidence, found.advice) if line]


def _several(number: int, name: str) -> str:
    return f"{count(number)} {name}{'' if number == 1 else 's'}"


def _of(side: ServerSide) -> str:
    return f" ({plain(side.source)})" if side.source else ""


def _part_words(part: Part, *, above: bool) -> str:
    """Say what a part took, and of how much work; only the latter where its length is above."""
    details = []
    if part.tokens is not None:
        details.append(f"{count(part.tokens)} {'token' if part.tokens == 1 else 'tokens'}")
    if part.rate is not None:
        details.append(f"{'~' if part.rate.estimated else ''}{rate(part.rate.value)}")
    if above:
        return f"{part.label} {', '.join(details)}" if details else ""
    return f"{part.label} {seconds(part.seconds)}" + (f" ({', '.join(details)})" if details else "")


def _overhead_words(side: ServerSide) -> list[str]:
    """Say what of the whole is in none of the server's parts, and how that is to be read."""
    if side.overhead_s is None or side.ours_total_s is None:
        return []
    seen = f"To its end mark we saw {seconds(side.ours_total_s)}"
    if side.overhead_s < 0:
        words = (
            f"{seen}, {seconds(-side.overhead_s)} less than its parts: it began before all was"
            " sent, or the two clocks differ."
        )
        return [words]
    over = f"{seen}, of which {seconds(side.overhead_s)} are in none of its parts"
    if side.inside_s is None or side.outside_s is None or min(side.inside_s, side.outside_s) < 0:
        return [f"{over}: waiting there, network and client."]
    inside, outside = seconds(side.inside_s), seconds(side.outside_s)
    return [f"{over}: {inside} its own waiting and preparing, {outside} network and client."]


def _probe_words(trace: Trace, observer: Observer) -> list[str]:
    work = f"The probe took {seconds(observer.cpu_s)} of processor time"
    if observer.waited_s is not None:
        work += f", and was ready without a processor for {seconds(observer.waited_s)}"
    said = [f"{work}."]
    late = _late_words(trace, observer)
    if not late:
        return said
    if observer.lag_from == "timer":
        late += ", as its timers tell"
    elif trace.clock == "kernel":
        late += ", which moves no arrival time"
    return [*said, f"{late}."]


def _late_words(trace: Trace, observer: Observer) -> str:
    """Say how late the probe looked; of few looks no percentile, but the one or the largest."""
    p50, p99, most = (
        None if each is None else milliseconds(each / NS_PER_MS)
        for each in (observer.lag_p50_ns, observer.lag_p99_ns, observer.lag_max_ns)
    )
    if p50 is None or p99 is None:
        return ""
    looks = trace.reads if observer.lag_from == "arrival" else 0
    if looks >= ENOUGH_LOOKS:
        return f"It looked {p50} late (median; 99 %: {p99})"
    if looks == 1 or p50 == (most or p99):
        return f"It looked {most or p99} late"
    return f"It looked {p50} late (median), at most {most or p99}"


def _machine_words(observer: Observer, told: Collection[DoubtCode], *, busy: bool) -> list[str]:
    """Say how much the machine had to do, but for what is told as a doubt.

    How much its processors worked explains why a run is marked, and otherwise nothing.
    """
    said = []
    if busy and observer.busy is not None:
        cores = "1 processor" if observer.cores == 1 else f"{observer.cores} processors"
        said.append(f"The machine worked {percent(observer.busy)} of the time ({cores}).")
    if (observer.stolen or 0) > WORTH_SAYING and "stolen" not in told:
        said.append(f"A hypervisor gave {percent(observer.stolen)} of its time to others.")
    if observer.throttled_s and "throttled" not in told:
        said.append(f"A quota stopped the processes for {seconds(observer.throttled_s)}.")
    return said
