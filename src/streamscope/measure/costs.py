"""What blocking costs beside the wait: answers lost to time-outs, text that nobody needed.

Both are counterfactuals. They are computed from what was recorded, as if the caller had given up
at some moment; what a server does then is its own matter (most stop generating when the
connection closes, some only when they notice).
"""

from collections.abc import Sequence
from itertools import pairwise

import msgspec

from streamscope.measure.conventions import Reader
from streamscope.measure.reader import USUAL, Units, read_by, units_of
from streamscope.measure.statistics import median
from streamscope.measure.timing import Timing, survey
from streamscope.measure.tokens import split_tokens
from streamscope.measure.values import NS_PER_S, Value
from streamscope.trace import MarkName, Mode, Trace

_SIGNS_OF_LIFE: tuple[MarkName, ...] = (
    "headers",
    "first_byte",
    "usage",
    "finish",
    "done",
    "closed",
    "error",
    "cancelled",
)


class TimeoutOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a time-out would have done to the runs of one mode.

    Attributes:
        mode: The mode.
        runs: Number of runs of which that can be told.
        cut_by_deadline: Of those, how many a deadline on the whole response would have cut, as
            gateways, serverless platforms and job queues set it.
        cut_by_silence: How many a read time-out would have cut, as most HTTP clients set it:
            silence for that long. At least so many: where a server sent keep-alives, which carry
            no time of their own, nothing is claimed.
        kept_words: Median number of words that could already be read at the deadline, over the
            streams that it cut; ``None`` where there are none. Of a blocking response nothing is
            kept.
    """

    mode: Mode
    runs: int
    cut_by_deadline: int
    cut_by_silence: int
    kept_words: int | None


class EarlyStop(msgspec.Struct, frozen=True, kw_only=True):
    """What stopping a stream early would have saved.

    Attributes:
        at_s: When it would have been stopped, s since sent.
        words: After so many words.
        saved_s: Time until the last text, s; 0 where all had already come.
        saved_tokens: Tokens of the answer that would not have been generated.
        saved_money: What they cost, in the currency of the price; ``None`` without a price.
        estimated: Whether the tokens were inferred rather than counted.
    """

    at_s: float
    words: int
    saved_s: float
    saved_tokens: float
    saved_money: float | None
    estimated: bool


def with_timeout(traces: Sequence[Trace], timeout_s: float) -> TimeoutOutcome:
    """Tell what a time-out of the caller would have done.

    The deadline and the first silence count from the moment at which the request was sent;
    connecting lies before it. Runs that failed or were stopped before the time-out are left out:
    nobody knows how long they would have taken.

    Args:
        traces: Runs of one mode; at least one.
        timeout_s: The time-out, s.

    Raises:
        ValueError: If there are no runs, runs of both modes, or the time-out is not positive.
    """
    modes = {trace.mode for trace in traces}
    if len(modes) != 1:
        raise ValueError("a time-out is judged for runs of one mode, and at least one of them")
    if not timeout_s > 0:
        raise ValueError(f"a time-out must be longer than 0 s, not {timeout_s:g}")
    lives = [(trace, _signs_of_life(trace)) for trace in traces]
    told = [
        (trace, life) for trace, life in lives if survey(trace).complete or life[-1] > timeout_s
    ]
    late = [trace for trace, life in told if life[-1] > timeout_s]
    kept = [_words_by(trace, timeout_s) for trace in late if trace.mode == "stream"]
    return TimeoutOutcome(
        mode=modes.pop(),
        runs=len(told),
        cut_by_deadline=len(late),
        cut_by_silence=sum(_silence(life) > timeout_s for trace, life in told if not trace.pings),
        kept_words=round(median(kept)) if kept else None,
    )


def stop_after(
    trace: Trace,
    words: int,
    price_per_million: float = 0.0,
    *,
    reader: Reader | None = None,
) -> EarlyStop | None:
    """Tell what stopping a stream after its first words would have saved.

    Tokens that had not yet arrived are saved: the server's count of the answer's tokens, in the
    share of the answer's chunks still to come. Without a count they are estimated from the words
    still to come.

    Args:
        trace: A run that came to an end of its own.
        words: After so many words; two Han or kana characters count as one.
        price_per_million: Price of a million output tokens; 0 for none.
        reader: Who stops it once they have read so far. By default it is stopped as soon as so
            much is there, which is the most that can be saved.

    Returns:
        ``None`` where the answer is shorter, the run failed or was stopped, or it was blocking:
        there nothing could be read before the end.

    Raises:
        ValueError: If the number of words is not positive, or the price is negative.
    """
    if words < 1:
        raise ValueError(f"a reader stops after at least 1 word, not {words}")
    if not price_per_million >= 0:
        raise ValueError("a price can't be negative")
    timing = survey(trace)
    if trace.mode == "blocking" or not timing.complete or timing.last_text_ns is None:
        return None
    units = units_of(trace)
    count = units.making(words)
    if count is None:
        return None
    at_s = read_by(units, count, reader) if reader else units.visible_s[count - 1]
    per_word = (reader or USUAL).tokens_per_word
    tokens = _tokens_after(trace, timing, at_s) or _guessed_after(units, at_s, per_word)
    return EarlyStop(
        at_s=at_s,
        words=words,
        saved_s=max(0.0, timing.last_text_ns / NS_PER_S - at_s),
        saved_tokens=tokens.value,
        saved_money=tokens.value * price_per_million / 1e6 if price_per_million else None,
        estimated=tokens.estimated,
    )


def _signs_of_life(trace: Trace) -> list[float]:
    """Return all moments at which bytes are known to have come, s since sent, from sending on."""
    marks = [trace.marks[name] for name in _SIGNS_OF_LIFE if name in trace.marks]
    moments = sorted([0, *marks, *(chunk.t_ns for chunk in trace.chunks)])
    return [moment / NS_PER_S for moment in moments]


def _silence(life: Sequence[float]) -> float:
    return max((after - before for before, after in pairwise(life)), default=0.0)


def _words_by(trace: Trace, time_s: float) -> int:
    units = units_of(trace)
    return units.words(stop=units.by(time_s))


def _tokens_after(trace: Trace, timing: Timing, time_s: float) -> Value | None:
    """Share the server's count of the answer's tokens out among its chunks."""
    counted = split_tokens(trace, timing).visible
    if counted is None:
        return None
    chunks = [chunk for chunk in trace.chunks if chunk.kind == "answer"]
    rest = sum(chunk.t_ns / NS_PER_S > time_s for chunk in chunks)
    one_each = len(chunks) == counted.value
    return Value(counted.value * rest / len(chunks), estimated=counted.estimated or not one_each)


def _guessed_after(units: Units, time_s: float, tokens_per_word: float) -> Value:
    return Value(units.words(start=units.by(time_s)) * tokens_per_word, estimated=True)
