"""What blocking costs beside the wait, in words: time-outs, and text that nobody needed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from textual.content import Content

from streamscope.measure.costs import EarlyStop, TimeoutOutcome, stop_after, with_timeout
from streamscope.measure.reader import units_of
from streamscope.report import words
from streamscope.tui.evidence import SIDES, Pair, Row, short_seconds, table
from streamscope.tui.faces import muted

if TYPE_CHECKING:
    from streamscope.measure.conventions import Conventions, Costs, Reader
    from streamscope.trace import ChannelName, Trace


def costs_page(pair: Pair, conventions: Conventions) -> Content:
    """Say what a time-out would have done, and what stopping early would have saved."""
    costs = conventions.costs
    traces = {side: ended.run.trace for side, ended in pair.items()}
    outcomes = {side: with_timeout([trace], costs.timeout_s) for side, trace in traces.items()}
    blocks = [
        table(
            pair,
            f"time-out of {costs.timeout_s:g} s",
            [
                Row("for the whole response", *(_deadline(outcomes.get(side)) for side in SIDES)),
                Row("for silence", *(_silence(outcomes.get(side)) for side in SIDES)),
            ],
        ),
        muted(
            "What a client that gives up after so long would have seen: gateways limit the whole"
            " response, HTTP clients the silence between two reads."
        ),
        table(
            pair,
            f"stop after {costs.stop_after_words} {_words(costs.stop_after_words)}",
            [
                *_stops("as soon as they come", traces, costs, None),
                *_stops("once you read them", traces, costs, conventions.reader),
            ],
        ),
        muted(" ".join(filter(None, [_unit(traces.values()), _price(costs)]))),
    ]
    return Content("\n\n").join(blocks)


def _deadline(outcome: TimeoutOutcome | None) -> str:
    if outcome is None:
        return words.NONE
    if not outcome.runs:
        return "can't tell: it failed"
    if not outcome.cut_by_deadline:
        return "in time"
    if outcome.kept_words:
        return f"cut after {words.count(outcome.kept_words)} {_words(outcome.kept_words)}"
    return "cut, nothing was seen"


def _words(count: int) -> str:
    return "word" if count == 1 else "words"


def _silence(outcome: TimeoutOutcome | None) -> str:
    if outcome is None:
        return words.NONE
    if not outcome.runs:
        return "can't tell: it failed"
    return "cut" if outcome.cut_by_silence else "in time"


def _stops(
    label: str, traces: Mapping[ChannelName, Trace], costs: Costs, reader: Reader | None
) -> list[Row]:
    stops = {
        side: stop_after(trace, costs.stop_after_words, costs.price_per_million, reader=reader)
        for side, trace in traces.items()
    }
    at = [_stop_at(traces.get(side), stops.get(side)) for side in SIDES]
    rows = [Row(label, *at)]
    if any(stops.values()):
        rows.append(Row("  saves", *(_saved(stops.get(side)) for side in SIDES)))
        rows.append(Row("  in tokens", *(_tokens(stops.get(side)) for side in SIDES)))
    if any(stop is not None and stop.saved_money is not None for stop in stops.values()):
        rows.append(Row("  in money", *(_money(stops.get(side), costs) for side in SIDES)))
    return rows


def _stop_at(trace: Trace | None, stop: EarlyStop | None) -> str:
    if trace is None:
        return words.NONE
    if stop is not None:
        return f"at {words.seconds(stop.at_s)}"
    if trace.mode == "blocking":
        return "never: it comes whole"
    return "it has no more words" if trace.ok else "can't tell: it failed"


def _saved(stop: EarlyStop | None) -> str:
    return words.NONE if stop is None else short_seconds(stop.saved_s)


def _tokens(stop: EarlyStop | None) -> str:
    if stop is None:
        return words.NONE
    return f"{'~' if stop.estimated else ''}{words.count(stop.saved_tokens)}"


def _money(stop: EarlyStop | None, costs: Costs) -> str:
    if stop is None or stop.saved_money is None:
        return words.NONE
    return f"{words.digits(stop.saved_money)} {costs.currency}"


def _unit(traces: Iterable[Trace]) -> str:
    """Say what a word is in an answer without spaces between them."""
    if any(units_of(trace).prevailing == "character" for trace in traces):
        return "Two Han or kana characters count as one word."
    return ""


def _price(costs: Costs) -> str:
    if costs.price_per_million:
        return (
            f"At {costs.price_per_million:g} {costs.currency} a million output tokens. Servers "
            "that do not notice a closed connection generate, and charge, to the end."
        )
    return (
        "With a price in the settings this says money too. Servers that do not notice a closed"
        " connection generate to the end."
    )
