"""Remarks on what was asked for and what became of it."""

from collections.abc import Sequence

from streamscope.measure.believable import believable
from streamscope.measure.formulas import Facts
from streamscope.trace import COUNTED_FLAG, IGNORED_FLAG, Run


def not_sent(facts: Facts) -> str | None:
    """Name what was asked for and not sent."""
    names = facts.trace.unsent
    if not names:
        return None
    were = "were" if len(names) > 1 else "was"
    them = "them" if len(names) > 1 else "it"
    return (
        f"{_listed(names)} {were} not sent: the protocol has no member for {them}, the model would"
        f" refuse {them}, or a null took {them} back."
    )


def page(facts: Facts) -> str | None:
    """Say that what came is a page for people, as a URL without a route often has."""
    kind = facts.trace.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in ("text/html", "application/xhtml+xml") or not facts.trace.text():
        return None
    return (
        "What came is a web page, and most likely no answer to the prompt: name the server's route"
        " in the URL."
    )


def sent_to_one(a: Run, b: Run) -> str | None:
    """Say what was asked of one channel alone, although it was asked for on both."""
    if a.trace.unsent == b.trace.unsent:
        return None
    alone = [
        f"{_listed(names)} went to {channel} alone"
        for channel, one, other in (("A", a, b), ("B", b, a))
        if (names := tuple(name for name in other.trace.unsent if name not in one.trace.unsent))
    ]
    return f"{' and '.join(alone)}: the answers may differ for it."


def limit_ignored(run: Run) -> str | None:
    """Say that the server made far more tokens than it was allowed."""
    limit, output = run.request.max_tokens, believable(run.trace).tokens.output
    if IGNORED_FLAG not in run.trace.flags or limit is None or output is None:
        return None
    return f"The server ignored the token limit: {limit} were allowed, it made {output}."


def limit_added(facts: Facts) -> str | None:
    """Say that a limit was sent that nobody had asked for."""
    limit = facts.trace.limit_added
    if limit is None:
        return None
    return (
        f"The protocol wants a token limit and none was asked for: {limit:,} were allowed,"
        " thinking included."
    )


def length_limit(facts: Facts) -> str | None:
    """Say that the token limit cut the answer."""
    if facts.trace.ended == "length" and COUNTED_FLAG in facts.trace.flags:
        return "The answer was cut at the token limit; the count says so, the server did not."
    if facts.trace.ended == "length":
        return "The answer was cut at the token limit."
    return None


def think_ignored(run: Run) -> str | None:
    """Say that the model thought although it had been told not to."""
    trace = run.trace
    if run.request.think not in (False, "none") or "think" in trace.unsent:
        return None
    counted = believable(trace).tokens.reasoning
    if not counted and not any(chunk.kind == "reasoning" for chunk in trace.chunks):
        return None
    return "“--think off” was sent and not honoured: the model thought all the same."


def _listed(names: Sequence[str]) -> str:
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last
