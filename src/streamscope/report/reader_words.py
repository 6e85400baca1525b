"""What a comparison means to one who reads, and what blocking costs beside the wait."""

from collections.abc import Callable, Sequence

import msgspec

from streamscope.measure.bands import broken_by, first_text_band, gap_band
from streamscope.measure.conventions import Conventions, Costs
from streamscope.measure.costs import EarlyStop, TimeoutOutcome, stop_after, with_timeout
from streamscope.measure.figures import measure
from streamscope.measure.reader import Reading, read
from streamscope.measure.statistics import median
from streamscope.report.channels import name
from streamscope.report.words import count, percent, seconds
from streamscope.sides import Sides
from streamscope.trace import SUMMARY_FLAG, ChannelName, Mode, Run, Trace


class _Told(msgspec.Struct, frozen=True, kw_only=True):
    """The runs of a channel of which more than a summary is known, and how they are spoken of.

    Attributes:
        traces: The runs.
        mode: How they were delivered.
        name: As it stands alone: ``streamed``, ``A (small)``.
        after: As it follows a number: ``0.6 s streamed``, ``0.6 s with A (small)``.
        briefly: The same once it has been named: ``with A``.
        text: Its text: ``the stream``, ``A``.
        usual: Whether only the delivery differs, so that it is called by that.
    """

    traces: list[Trace]
    mode: Mode
    name: str
    after: str
    briefly: str
    text: str
    usual: bool = False

    @property
    def streams(self) -> bool:
        """Whether its pieces came one by one."""
        return self.mode == "stream"


def reader_words(
    pooled: Sequence[Run], conventions: Conventions, sides: Sides | None = None
) -> list[str]:
    """Say how a reader gets through both; nothing where no text is known.

    Args:
        pooled: The runs.
        conventions: Who reads, and what is a long wait.
        sides: Both channels; ``None`` where only one is known.
    """
    told = _told(pooled, sides)
    readings = [
        [each for trace in one.traces if (each := read(trace, conventions.reader))] for one in told
    ]
    said = []
    if all(readings):
        ends = [_middle(each, lambda reading: reading.finish_s) for each in readings]
        said.append(_finish(told, ends, _speed(readings[0][0], conventions)))
        said.append(f"With nothing to read: {_idle(told, readings)}.")
    return said + _bands(told, conventions)


def cost_words(pooled: Sequence[Run], costs: Costs, sides: Sides | None = None) -> list[str]:
    """Say what a time-out would have done, and what stopping early would have saved.

    The latter is what blocking denies, so it is said where a channel blocks.

    Args:
        pooled: The runs.
        costs: The time-out, when a reader stops, and what tokens cost.
        sides: Both channels; ``None`` where only one is known.
    """
    told, said = _told(pooled, sides), []
    outcomes = [(one, with_timeout(one.traces, costs.timeout_s)) for one in told if one.traces]
    if outcomes:
        said.append(_timeouts(outcomes, costs.timeout_s))
    if sides is not None and "blocking" not in (sides.a.mode, sides.b.mode):
        return said
    for one in told:
        stops = [
            stop
            for trace in one.traces
            if (stop := stop_after(trace, costs.stop_after_words, costs.price_per_million))
        ]
        if stops:
            said.append(_early(one, stops, costs))
    return said


def _told(pooled: Sequence[Run], sides: Sides | None) -> tuple[_Told, _Told]:
    """Return both channels, but for runs of which only a summary is known."""
    known = [run for run in pooled if SUMMARY_FLAG not in run.trace.flags]
    if sides is None or sides.question == "delivery":
        return (
            _usual([run.trace for run in known], "stream", "streamed"),
            _usual([run.trace for run in known], "blocking", "blocking"),
        )
    return _channel(known, sides, "A"), _channel(known, sides, "B")


def _usual(traces: Sequence[Trace], mode: Mode, name: str) -> _Told:
    """Return the channel that delivers in a mode, where nothing else is different."""
    return _Told(
        traces=[trace for trace in traces if trace.mode == mode],
        mode=mode,
        name=name,
        after=name,
        briefly=name,
        text="the stream",
        usual=True,
    )


def _channel(runs: Sequence[Run], sides: Sides, channel: ChannelName) -> _Told:
    mode = sides.side(channel).mode
    named = f"{channel} ({name(sides, channel)})"
    return _Told(
        traces=[run.trace for run in runs if run.channel == channel and run.trace.mode == mode],
        mode=mode,
        name=named,
        after=f"with {named}",
        briefly=f"with {channel}",
        text=channel,
    )


def _middle(readings: Sequence[Reading], value: Callable[[Reading], float]) -> float:
    return median([value(each) for each in readings])


def _speed(reading: Reading, conventions: Conventions) -> str:
    reader = conventions.reader
    if reading.unit == "character":
        return f"{reader.characters_per_minute:g} characters a minute"
    return f"{reader.words_per_minute:g} words a minute"


def _finish(told: Sequence[_Told], ends: Sequence[float], speed: str) -> str:
    a_s, b_s = ends
    both = f"{seconds(a_s)} {told[0].after}, {seconds(b_s)} {told[1].after}"
    if a_s == b_s:
        return f"At {speed} a reader is through after {both}."
    way = "earlier" if a_s < b_s else "later"
    return (
        f"At {speed} a reader is through after {both}: {seconds(abs(b_s - a_s))}"
        f" ({percent(abs(b_s - a_s) / b_s)}) {way} with {told[0].text} (medians)."
    )


def _idle(told: Sequence[_Told], readings: Sequence[Sequence[Reading]]) -> str:
    """Say how long a reader of each had nothing to read."""
    said = []
    for one, each in zip(told, readings, strict=True):
        words = f"{seconds(_middle(each, lambda reading: reading.idle_s))} {one.briefly}"
        if one.streams:
            stall = _middle(each, lambda reading: reading.stall_s)
            words += f", of which {seconds(stall)} after the first word"
        said.append(words)
    return "; ".join(said)


def _bands(told: Sequence[_Told], conventions: Conventions) -> list[str]:
    said, follow = [], []
    for one in told:
        band = first_text_band(_median(one, "ttfv_s"), conventions.bands)
        if band:
            said.append(f"{band.mark} {one.name}: {band.word}")
        band = gap_band(_median(one, "gap_p50_ms"), conventions.bands) if one.streams else None
        if band:
            of = "" if one.usual else f" on {one.text}"
            broken = broken_by(_median(one, "stalls"))
            follow.append(f"{band.mark} {band.word}ly{of}{broken}")
    parts = [f"First text {', '.join(said)}"] if said else []
    parts += [f"chunks follow {', '.join(follow)}"] if follow else []
    return ["; ".join(parts) + " (conventions, see the settings)."] if parts else []


def _median(one: _Told, figure: str) -> float | None:
    """Return the median of a figure over runs that have it."""
    values = [value for trace in one.traces if (value := measure(trace)[figure]) is not None]
    return median(values) if values else None


def _timeouts(outcomes: Sequence[tuple[_Told, TimeoutOutcome]], timeout_s: float) -> str:
    if all(one.usual for one, _ in outcomes):
        cut = " and ".join(f"{o.cut_by_deadline} of {o.runs} {one.name}" for one, o in outcomes)
        silent = " and ".join(f"{o.cut_by_silence} {one.name}" for one, o in outcomes)
    else:
        cut = " and ".join(f"{o.cut_by_deadline} of {one.text}'s {o.runs}" for one, o in outcomes)
        silent = " and ".join(f"{o.cut_by_silence} of {one.text}'s" for one, o in outcomes)
    words = (
        f"A deadline of {timeout_s:g} s would have cut {cut} answers; a read time-out, which only"
        f" counts silence, {silent}"
    )
    kept = [
        f"{count(outcome.kept_words)} words of {one.text}"
        for one, outcome in outcomes
        if outcome.kept_words is not None
    ]
    if kept:
        words += f". At the deadline {' and '.join(kept)} could be read (median)"
    return f"{words}."


def _early(one: _Told, stops: Sequence[EarlyStop], costs: Costs) -> str:
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
        f"Stopping {one.text} after {costs.stop_after_words} words would have saved"
        f" {', '.join(parts)} (median of {len(stops)})."
    )
