"""What a comparison means to one who reads, and what blocking costs beside the wait."""

from collections.abc import Callable, Sequence

from streamscope.measure.bands import first_text_band, gap_band
from streamscope.measure.conventions import Conventions, Costs
from streamscope.measure.costs import EarlyStop, TimeoutOutcome, stop_after, with_timeout
from streamscope.measure.figures import measure
from streamscope.measure.reader import Reading, read
from streamscope.measure.statistics import median
from streamscope.report.words import count, percent, seconds
from streamscope.trace import SUMMARY_FLAG, Mode, Run, Trace


def reader_words(pooled: Sequence[Run], conventions: Conventions) -> list[str]:
    """Say how a reader gets through both; nothing where no text is known."""
    traces = _seen(pooled)
    readings = {
        mode: [each for trace in traces[mode] if (each := read(trace, conventions.reader))]
        for mode in traces
    }
    said = []
    a, b = readings["stream"], readings["blocking"]
    if a and b:
        speed = _speed(a[0], conventions)
        ends = [_middle(side, lambda each: each.finish_s) for side in (a, b)]
        said.append(_finish(ends[0], ends[1], speed))
        idle = [_middle(side, lambda each: each.idle_s) for side in (a, b)]
        stall = _middle(a, lambda each: each.stall_s)
        said.append(
            f"With nothing to read: {seconds(idle[0])} streamed, of which {seconds(stall)} after"
            f" the first word; {seconds(idle[1])} blocking."
        )
    return said + _bands(traces, conventions)


def cost_words(pooled: Sequence[Run], costs: Costs) -> list[str]:
    """Say what a time-out would have done, and what stopping early would have saved."""
    traces, said = _seen(pooled), []
    outcomes = [with_timeout(each, costs.timeout_s) for each in traces.values() if each]
    if outcomes:
        said.append(_timeouts(outcomes, costs.timeout_s))
    stops = [
        stop
        for trace in traces["stream"]
        if (stop := stop_after(trace, costs.stop_after_words, costs.price_per_million))
    ]
    if stops:
        said.append(_early(stops, costs))
    return said


def _seen(pooled: Sequence[Run]) -> dict[Mode, list[Trace]]:
    """Return the traces by mode, but for those of which only a summary is known."""
    known = [run.trace for run in pooled if SUMMARY_FLAG not in run.trace.flags]
    return {
        "stream": [trace for trace in known if trace.mode == "stream"],
        "blocking": [trace for trace in known if trace.mode == "blocking"],
    }


def _middle(readings: Sequence[Reading], value: Callable[[Reading], float]) -> float:
    return median([value(each) for each in readings])


def _speed(reading: Reading, conventions: Conventions) -> str:
    reader = conventions.reader
    if reading.unit == "character":
        return f"{reader.characters_per_minute:g} characters a minute"
    return f"{reader.words_per_minute:g} words a minute"


def _finish(a_s: float, b_s: float, speed: str) -> str:
    both = f"{seconds(a_s)} streamed, {seconds(b_s)} blocking"
    if a_s == b_s:
        return f"At {speed} a reader is through after {both}."
    way = "earlier" if a_s < b_s else "later"
    return (
        f"At {speed} a reader is through after {both}: {seconds(abs(b_s - a_s))}"
        f" ({percent(abs(b_s - a_s) / b_s)}) {way} with the stream (medians)."
    )


def _bands(traces: dict[Mode, list[Trace]], conventions: Conventions) -> list[str]:
    said = []
    names: dict[Mode, str] = {"stream": "streamed", "blocking": "blocking"}
    for mode, words in names.items():
        firsts = [
            first for trace in traces[mode] if (first := measure(trace)["ttfv_s"]) is not None
        ]
        band = first_text_band(median(firsts), conventions.bands) if firsts else None
        if band:
            said.append(f"{band.mark} {words}: {band.word}")
    gaps = [gap for trace in traces["stream"] if (gap := measure(trace)["gap_p50_ms"]) is not None]
    band = gap_band(median(gaps), conventions.bands) if gaps else None
    parts = [f"First text {', '.join(said)}"] if said else []
    parts += [f"chunks follow {band.mark} {band.word}ly"] if band else []
    return ["; ".join(parts) + " (conventions, see the settings)."] if parts else []


def _timeouts(outcomes: Sequence[TimeoutOutcome], timeout_s: float) -> str:
    names: dict[Mode, str] = {"stream": "streamed", "blocking": "blocking"}
    cut = " and ".join(f"{o.cut_by_deadline} of {o.runs} {names[o.mode]}" for o in outcomes)
    silent = " and ".join(f"{o.cut_by_silence} {names[o.mode]}" for o in outcomes)
    words = (
        f"A deadline of {timeout_s:g} s would have cut {cut} answers; a read time-out, which only"
        f" counts silence, {silent}"
    )
    kept = [outcome.kept_words for outcome in outcomes if outcome.kept_words is not None]
    if kept:
        words += f". At the deadline {count(kept[0])} words of the stream could be read (median)"
    return f"{words}."


def _early(stops: Sequence[EarlyStop], costs: Costs) -> str:
    saved_s = median([stop.saved_s for stop in stops])
    tokens = [stop.saved_tokens for stop in stops if stop.saved_tokens is not None]
    money = [stop.saved_money for stop in stops if stop.saved_money is not None]
    parts = [seconds(saved_s)]
    if tokens:
        mark = "~" if any(stop.estimated for stop in stops) else ""
        parts.append(f"{mark}{count(median(tokens))} tokens")
    if money:
        parts.append(f"{median(money):.2g} {costs.currency}")
    return (
        f"Stopping the stream after {costs.stop_after_words} words would have saved"
        f" {', '.join(parts)} (median of {len(stops)})."
    )
