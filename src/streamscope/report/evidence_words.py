"""What the server, the observer and the way between say about a run, in words.

Everything is plain text, one statement a line, for ``run -v`` and the details screen.
"""

from collections.abc import Collection, Iterable

from streamscope.measure.buffering import buffering
from streamscope.measure.server_side import Part, ServerSide, server_side
from streamscope.measure.trust import DoubtCode, doubts, merged_reads
from streamscope.measure.values import NS_PER_MS
from streamscope.report.calibration_words import plus_minus
from streamscope.report.words import count, milliseconds, percent, plain, rate, seconds
from streamscope.trace import Observer, Trace

WORTH_SAYING = 0.005
"""Shares of the processors' time below it are not spoken of."""


def server_words(trace: Trace) -> list[str]:
    """Say what the server reports, beside what was seen; empty if it reports nothing."""
    side = server_side(trace)
    if side is None:
        return []
    named = [_part_words(part) for part in side.parts]
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


def clock_words(trace: Trace) -> list[str]:
    """Say where the arrival times come from, and how good they are."""
    whose = "the kernel's" if trace.clock == "kernel" else "those of our reads"
    error = trace.error_ns_p99
    good = (
        "not calibrated on this machine" if error is None else f"good to {plus_minus(error)} (p99)"
    )
    return [f"Arrival times are {whose}, {good}."]


def observer_words(trace: Trace) -> list[str]:
    """Say what measuring took and what stood in its way; empty if nobody looked."""
    said = []
    found = doubts(trace)
    if trace.observer is not None:
        said += _probe_words(trace, trace.observer)
        told = {doubt.code for doubt in found}
        said += _machine_words(trace.observer, told)
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


def error_words(errors_ns: Iterable[int | None]) -> str:
    """Say how good times are, by the largest error of several runs; empty where none is known."""
    known = [error for error in errors_ns if error is not None]
    return f"times good to {plus_minus(max(known))} (p99), as calibrated" if known else ""


def _several(number: int, name: str) -> str:
    return f"{count(number)} {name}{'' if number == 1 else 's'}"


def _of(side: ServerSide) -> str:
    return f" ({plain(side.source)})" if side.source else ""


def _part_words(part: Part) -> str:
    details = []
    if part.tokens is not None:
        details.append(f"{count(part.tokens)} {'token' if part.tokens == 1 else 'tokens'}")
    if part.rate is not None:
        details.append(f"{'~' if part.rate.estimated else ''}{rate(part.rate.value)}")
    return f"{part.label} {seconds(part.seconds)}" + (f" ({', '.join(details)})" if details else "")


def _overhead_words(side: ServerSide) -> list[str]:
    """Say what of the whole is in none of the server's parts, and how that is to be read."""
    if side.overhead_s is None or side.ours_total_s is None:
        return []
    seen = f"We saw {seconds(side.ours_total_s)}"
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
    if observer.lag_p50_ns is None or observer.lag_p99_ns is None:
        return said
    lags = [milliseconds(each / NS_PER_MS) for each in (observer.lag_p50_ns, observer.lag_p99_ns)]
    late = f"It looked {lags[0]} late (median; 99 %: {lags[1]})"
    if observer.lag_from == "timer":
        late += ", as its timers tell"
    elif trace.clock == "kernel":
        late += ", which moves no arrival time"
    return [*said, f"{late}."]


def _machine_words(observer: Observer, told: Collection[DoubtCode]) -> list[str]:
    """Say how much the machine had to do, but for what is told as a doubt."""
    said = []
    if observer.busy is not None:
        cores = "1 processor" if observer.cores == 1 else f"{observer.cores} processors"
        said.append(f"The machine worked {percent(observer.busy)} of the time ({cores}).")
    if (observer.stolen or 0) > WORTH_SAYING and "stolen" not in told:
        said.append(f"A hypervisor gave {percent(observer.stolen)} of its time to others.")
    if observer.throttled_s and "throttled" not in told:
        said.append(f"A quota stopped the processes for {seconds(observer.throttled_s)}.")
    return said
