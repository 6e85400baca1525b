"""How wrong arrival times may be, in words: the error, how far it reaches, what it rests on."""

from collections.abc import Sequence

from streamscope.calibration import Calibration
from streamscope.measure.calibration import (
    Claim,
    basis,
    claim_of,
    claimed_error,
    median_gap,
    outran,
)
from streamscope.measure.values import NS_PER_MS, NS_PER_S
from streamscope.report.calibration_words import plus_minus
from streamscope.report.words import count, milliseconds
from streamscope.trace import Clock, ClockBasis, Trace

NOT_CALIBRATED = "not calibrated on this machine"
"""Said of times of which nobody found out how wrong they may be."""

NO_CLOCK = "Only a summary of it is known, and not which clock its times are of."
"""Said of times that were imported, and not measured here."""


def clock_words(trace: Trace) -> list[str]:
    """Say where the arrival times come from, and how good they are; where that is not claimed, why.

    It is not claimed of runs for which the machine was too busy, and of those whose text came
    faster than what was calibrated.
    """
    if trace.known_clock is None:
        return [NO_CLOCK]
    whose = "the kernel's" if trace.clock == "kernel" else "those of our reads"
    good = how_good(trace)
    sign = ";" if good.startswith("no ±") else ","
    return [f"Arrival times are {whose}{sign} {good}."]


def error_words(traces: Sequence[Trace]) -> str:
    """Say how good the times of several runs are, by the largest error; empty where none is known.

    Returns:
        Such as ``times good to ±0.05 ms (p99) up to 1,000 chunks a second, as calibrated on
        2026-01-01 (no ± for 1 of 4 runs: busy machine)``.
    """
    claim = claim_of(traces)
    without = _without_words(claim, traces)
    if claim.error_ns is None:
        return f"no ± is claimed: {without}" if without else ""
    date = f" on {claim.basis.measured_utc[:10]}" if claim.basis else ""
    said = f"times good to {plus_minus(claim.error_ns)} (p99){reach_words(claim.on)}, as calibrated"
    few = few_words(claim.on)
    left = f" (no ± for {claim.runs - claim.claimed} of {claim.runs} runs: {without})"
    return f"{said}{date}{f', though {few}' if few else ''}{left if without else ''}"


def short_words(calibration: Calibration | None, traces: Sequence[Trace], *, wide: bool) -> str:
    """Say for a title how good times are: ``±0.05 ms up to 1,000 ch/s``; empty where nobody knows.

    Args:
        calibration: What the times of this machine are good for.
        traces: The newest runs, of which perhaps nothing is claimed.
        wide: Whether there is room for how far it reaches, and for what it rests on.
    """
    if calibration is None or any(trace.known_clock is None for trace in traces):
        return ""
    if any(trace.busy for trace in traces):
        return "no ± (busy)"
    if any(map(outran, traces)):
        return "no ± (faster than calibrated)" if wide else "no ± (too fast)"
    clocks = basis(calibration).clocks
    asked: list[Clock] = [trace.clock for trace in traces] or ["kernel", "read"]
    on = next((clocks[each] for each in asked if each in clocks), None)
    if on is None or on.error_ns_p99 is None:
        return ""
    error = plus_minus(on.error_ns_p99)
    if not wide:
        return error
    few = f" ({on.counted} of {on.cases} cases)" if few_words(on) else ""
    return f"{error}{reach_words(on).replace('chunks a second', 'ch/s')}{few}"


def reach_words(found: ClockBasis | None) -> str:
    """Say up to which rate an error was shown: `` up to 1,000 chunks a second``, or nothing."""
    if found is None or found.true_gap_ns is None:
        return ""
    return f" up to {count(round(NS_PER_S / found.true_gap_ns))} chunks a second"


def few_words(found: ClockBasis | None) -> str:
    """Say that an error rests on few of the cases that were tried; nothing where on most."""
    if found is None or 2 * found.counted >= found.cases:
        return ""
    return f"only {found.counted} of {found.cases} cases counted"


def how_good(trace: Trace) -> str:
    """Say how good arrival times are: ``good to ±0.05 ms (p99) …``, or why nothing is claimed."""
    error = claimed_error(trace)
    known = trace.calibration is not None or trace.error_ns_p99 is not None
    on = None if trace.calibration is None else trace.calibration.clocks.get(trace.clock)
    if error is not None:
        few = few_words(on)
        though = f", though {few}" if few else ""
        return f"good to {plus_minus(error)} (p99){reach_words(on)}{though}"
    if not known:
        return NOT_CALIBRATED
    if trace.busy:
        return "no ± is claimed, because the machine was too busy in this run"
    gap_ns = median_gap(trace)
    if outran(trace) and gap_ns is not None and on is not None and on.true_gap_ns is not None:
        gaps = [milliseconds(each / NS_PER_MS) for each in (gap_ns, on.true_gap_ns)]
        return (
            "no ± is claimed, because its chunks came faster than what was calibrated"
            f" (median gap {gaps[0]}, calibrated down to {gaps[1]})"
        )
    return "no ± is claimed, because the calibration found nothing out about this clock"


def _without_words(claim: Claim, traces: Sequence[Trace]) -> str:
    """Say why nothing is claimed of some runs; empty where something is of all, or nobody knows."""
    calibrated = [each for each in traces if each.calibration or each.error_ns_p99 is not None]
    if claim.claimed == claim.runs or not calibrated:
        return ""
    without = [each for each in traces if claimed_error(each) is None]
    reasons = {
        "busy machine": any(each.busy for each in without),
        "faster than what was calibrated": any(outran(each) and not each.busy for each in without),
    }
    said = [words for words, holds in reasons.items() if holds]
    return ", ".join(said) or "not calibrated"
