"""Under which conditions runs were made: the server, and the settings of the requests."""

from streamscope.report.comparison import Comparison, is_import
from streamscope.report.words import plain
from streamscope.trace import Target


def target_words(target: Target) -> str:
    """Name a server: how it is spoken to, its model, its URL."""
    parts = [target.protocol, target.model, target.url]
    return " · ".join(plain(part) for part in parts if part)


def settings_words(comparison: Comparison) -> str:
    """Name the settings of the requests that were not left to the server."""
    request = comparison.runs[0].request
    think = request.think
    if isinstance(think, bool):
        think = "on" if think else "off"
    limit = None if request.max_tokens is None else f"{request.max_tokens:,} tokens"
    settings = (
        ("temperature", "temperature", request.temperature),
        ("top_p", "top-p", request.top_p),
        ("seed", "seed", request.seed),
        ("max_tokens", "at most", limit),
        ("think", "think", think),
    )
    said = [
        f"{name} {plain(str(value))}{_unsent(comparison, member)}"
        for member, name, value in settings
        if value is not None
    ]
    nothing = "settings not known" if is_import(comparison) else "sampling left to the server"
    return " · ".join(said) or nothing


def _unsent(comparison: Comparison, member: str) -> str:
    """Return on which channels a setting could not be sent, in brackets; empty if on none."""
    channels = comparison.channels()
    without = [
        name for name in channels if any(member in run.trace.unsent for run in comparison.of(name))
    ]
    if not without:
        return ""
    return " (not sent)" if len(without) == len(channels) else f" (not sent to {without[0]})"
