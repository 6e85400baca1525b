"""Runs of which only a summary is known: one JSON object a run, as many scripts write it.

Made for the ``results.jsonl`` of an experiment with Ollama whose exact names are not known, hence
the table of aliases. Such a run has no chunks. It is kept as what is known: a first moment with
text, a last one, and the server's counts and durations. Its two chunks are empty, and the flag
``imported-summary`` keeps anybody from reading gaps into them.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec

from streamscope.report import aliases
from streamscope.report.aliases import Members
from streamscope.report.restore import RecordError
from streamscope.trace import (
    SUMMARY_FLAG,
    Chunk,
    Ended,
    Fault,
    MarkName,
    Mode,
    Request,
    Run,
    ServerTimings,
    Target,
    Tokens,
    Trace,
)

MOST_SETS = 100_000
"""Scenarios for which repeats can be counted; no experiment has as many."""

MOST_SUMMARIES = 100_000
"""Summaries that are held at once, because only all of them name their comparisons."""

_ROUNDED = 1.001
"""A first token may come after the end by so much: both were rounded."""

_WORDS_FOR: dict[Mode, frozenset[str]] = {
    "stream": frozenset({"stream", "streaming", "streamed", "sse", "true", "on"}),
    "blocking": frozenset(
        {"blocking", "block", "blocked", "nonstream", "nonstreaming", "nostream", "sync",
         "synchronous", "batch", "whole", "full", "false", "off"}
    ),
}  # fmt: skip
_ONLY_MODE = ("mode", "delivery", *aliases.STREAM)
"""Members that can't be about anything else, unlike a ``type``."""

_TAIL = re.compile(r"[\s+_/|:.-]+((?:non|no)[\s_-]?)?(stream(?:ing|ed)?|block(?:ing|ed)?|sync)$")


def looks_like_summary(members: object) -> bool:
    """Tell whether an object has anything that such a summary would have."""
    if not isinstance(members, dict):
        return False
    known = Members(members)
    has_time = any(known.duration(quantity) is not None for quantity in ("first", "total"))
    return has_time or (known.text(aliases.ERROR) != "" and _says_mode(known))


class _Asked(NamedTuple):
    """What a comparison of a file asked: its summaries have this in common."""

    scenario: str
    model: str
    url: str


class _Gathered(NamedTuple):
    """A run that still lacks its ids, and the line that it was made of."""

    asked: _Asked
    line: str
    run: Run


class Summaries:
    """Turns the summaries of one file into runs, and numbers those that have no number.

    The ids are made of what the lines say, so that a file that is imported twice adds nothing. That
    of a comparison is made of all its lines: two experiments may well have one in common.
    """

    def __init__(self) -> None:
        self._gathered: list[_Gathered] = []
        self._counts: dict[tuple[_Asked, Mode], int] = {}
        self._shifts: dict[tuple[_Asked, Mode], int] = {}

    def runs(self) -> Iterator[Run]:
        """Yield the runs of all objects that were added, in their order."""
        lines: dict[_Asked, list[str]] = {}
        for asked, line, _ in self._gathered:
            lines.setdefault(asked, []).append(line)
        named = {asked: _digest(*asked, *said) for asked, said in lines.items()}
        for asked, line, run in self._gathered:
            comparison_id = named[asked]
            run_id = _digest(comparison_id, run.trace.mode, str(run.pair), line)
            yield msgspec.structs.replace(run, run_id=run_id, comparison_id=comparison_id)

    def add(self, members: dict[str, Any]) -> None:
        """Take one object.

        Raises:
            RecordError: It lacks what a run needs, its numbers can't be, or it is one too many.
        """
        if len(self._gathered) >= MOST_SUMMARIES:
            raise RecordError(f"the file has more than {MOST_SUMMARIES:,} summaries: split it")
        known = Members(members)
        line = json.dumps(members, sort_keys=True)
        mode, scenario = _mode(known)
        trace = _trace(known, mode)
        target = _target(known)
        asked = _Asked(scenario, target.model, target.url)
        warmup = known.true(aliases.WARMUP) or known.text(("phase",)).lower() in (
            "warmup",
            "warm-up",
        )
        pair = 0 if warmup else self._pair(known, (asked, trace.mode))
        run = Run(
            run_id="",
            comparison_id="",
            channel="A" if trace.mode == "stream" else "B",
            target=target,
            request=Request(
                prompt=scenario,
                temperature=known.number(("temperature", "temp")),
                seed=known.count(("seed",)),
                max_tokens=known.count(("num_predict", "max_tokens")),
            ),
            trace=trace,
            pair=pair,
            warmup=warmup,
            server_version=known.text(aliases.VERSION),
        )
        self._gathered.append(_Gathered(asked, line, run))

    def _pair(self, known: Members, which: tuple[_Asked, Mode]) -> int:
        """Return the number of the repeat, from 1, whether the file counts from 0 or not at all."""
        if which not in self._counts and len(self._counts) >= MOST_SETS:
            raise RecordError(f"the file has more than {MOST_SETS:,} scenarios")
        self._counts[which] = self._counts.get(which, 0) + 1
        number = known.count(aliases.REPEAT)
        if number is None:
            return self._counts[which]
        self._shifts.setdefault(which, 1 if number == 0 else 0)
        return number + self._shifts[which]


def _trace(known: Members, mode: Mode | None) -> Trace:
    first, total = known.duration("first"), known.duration("total")
    failed = known.text(aliases.ERROR)
    if mode is None and first is not None and total is not None and first < total:
        mode = "stream"
    if mode is None:
        raise RecordError("it does not say whether it was streamed (mode, or stream)")
    if total is None and not failed:
        raise RecordError("it has no total time (total_s, elapsed, latency …)")
    if mode == "stream" and first is None and not failed:
        raise RecordError("it was streamed but has no time to first token (ttft_s …)")
    if first is not None and total is not None and first > total * _ROUNDED:
        raise RecordError("its first token comes after its end")
    end = round((total or 0.0) * 1e9)
    begin = end if mode == "blocking" or first is None else min(end, round(first * 1e9))
    moments = [end] if mode == "blocking" else [begin, end]
    last: MarkName = "error" if failed else "done"
    marks: dict[MarkName, int] = {"sent": 0}
    if total is not None:
        marks[last] = end
    return Trace(
        mode=mode,
        started_utc=_started(known),
        marks=marks,
        chunks=[] if failed else [Chunk(t_ns, "answer", "", i) for i, t_ns in enumerate(moments)],
        ended=_ended(known, failed),
        fault=Fault(code="server", sentence=failed[:200], detail=failed[:2000]) if failed else None,
        tokens=Tokens(prompt=known.count(aliases.INPUT), output=known.count(aliases.OUTPUT)),
        server=_server(known),
        model=known.text(aliases.MODEL),
        flags=[SUMMARY_FLAG],
    )


def _server(known: Members) -> ServerTimings:
    """Return the server's durations; of a rate alone, the time that it stands for.

    ``eval_duration`` is Ollama's own and spans one token less than it counts; a rate that the file
    gives is taken as it is.
    """
    decode, output, rate = (
        known.duration("decode"),
        known.count(aliases.OUTPUT),
        known.number(aliases.RATE),
    )
    source = "ollama" if "eval_duration" in known else "imported"
    if decode is None and output and rate:
        decode = output / rate
    return ServerTimings(
        load_s=known.duration("load"),
        prefill_s=known.duration("prefill"),
        decode_s=decode,
        decode_tokens=output,
        source=source,
    )


def _target(known: Members) -> Target:
    """Return the server; its protocol only if the file names it, or an endpoint that has one."""
    url = known.text(aliases.URL).rstrip("/")
    protocol = known.text(aliases.PROTOCOL)
    for endpoint, spoken in aliases.ENDPOINTS.items():
        if url.endswith(endpoint):
            protocol = protocol or spoken
            url = url.removesuffix(endpoint)
    return Target(protocol=protocol or "imported", url=url, model=known.text(aliases.MODEL))


def _mode(known: Members) -> tuple[Mode | None, str]:
    """Return the mode, if it is said, and the scenario without it.

    Raises:
        RecordError: A member that can only be about the mode says something else.
    """
    scenario = known.text(aliases.SCENARIO)
    words = ((name, known.known.get(name)) for name in (*aliases.STREAM, *aliases.MODE))
    said = next((mode for name, value in words if (mode := _said(name, value))), None)
    if said is not None:
        return said, scenario
    for name in _ONLY_MODE:
        value = known.known.get(name)
        if isinstance(value, str | int | float) and value != "":
            raise RecordError(f"its {name} is {str(value)[:40]!r}, neither stream nor blocking")
    tail = _TAIL.search(scenario.lower())
    if tail is None:
        return None, scenario
    streamed = tail.group(2).startswith("stream") and tail.group(1) is None
    return ("stream" if streamed else "blocking"), scenario[: tail.start()]


def _says_mode(known: Members) -> bool:
    try:
        return _mode(known)[0] is not None
    except RecordError:
        return True  # it says one, though none that there is


def _said(name: str, value: object) -> Mode | None:
    """Return the mode that a member means; ``None`` if it means none."""
    if name in aliases.STREAM and isinstance(value, int) and value in (0, 1):
        return "stream" if value else "blocking"
    if not isinstance(value, str):
        return None
    word = re.sub(r"[\s_-]", "", value.lower())
    return next((mode for mode, words in _WORDS_FOR.items() if word in words), None)


def _ended(known: Members, failed: str) -> Ended:
    if failed:
        return "error"
    return "length" if known.text(aliases.REASON) == "length" else "stop"


def _started(known: Members) -> str:
    """Return the start as ISO 8601 in UTC; empty where the file says none that can be read."""
    for name in aliases.STARTED:
        value = known.known.get(name)
        try:
            if isinstance(value, str):
                when = datetime.fromisoformat(value.strip())
            elif isinstance(value, int | float) and 1e9 < value < 1e10:
                when = datetime.fromtimestamp(value, UTC)
            else:
                continue
        except (ValueError, OverflowError):
            continue
        when = when.astimezone(UTC) if when.tzinfo else when.replace(tzinfo=UTC)
        return when.isoformat(timespec="milliseconds")
    return ""


def _digest(*parts: str) -> str:
    text = "\0".join(parts).encode("utf-8", "surrogatepass")
    return hashlib.sha256(text).hexdigest()[:32]
