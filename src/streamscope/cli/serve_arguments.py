"""What can be said to ``streamscope serve``."""

import argparse
import math
from typing import Any

import msgspec

from streamscope.cli.arguments import check_line, members
from streamscope.cli.parsing import Parser, UsageError, at_least, whole
from streamscope.engines.profiles import PROFILES, Profile

PORT = 8000
SLOTS, QUEUE = 8, 64
MOST_AT_ONCE = 100_000
MOST_TOKENS = 100_000
"""An answer is written before it is played, which takes a tenth of a second for so many."""

DESCRIPTION = """\
Serve a model that is acted out by a profile: what it says means nothing, when it
says it is planned. It speaks Ollama's, OpenAI's and Anthropic's protocols, the
tutorial's tokens as events (POST and GET), plain text in chunks, and WebSockets,
each streaming and blocking. A browser finds a page at / that shows a stream.
With --model local a small model answers that is real.
"""
EPILOG = """\
All profiles are served, each as a model of its name; the one that is named here
comes first, with what is said of it. docs/serve.md tells the routes.

exit codes: 0 stopped by ctrl+c or SIGTERM, which gives running answers a moment
(a second time: none); 1 it can't listen there; 2 bad usage.
"""

_OF_PROFILE = (
    "load_s",
    "prefill_s",
    "tokens_per_s",
    "tokens",
    "thinking_share",
    "jitter",
    "stall_share",
    "stall_s",
    "tokens_per_chunk",
    "failure",
    "fail_at",
)


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What can be said to ``streamscope serve``; ``None`` leaves it to the profile."""

    model: str
    profile: str
    host: str
    port: int
    slots: int | None
    queue: int
    seed: int
    patience_s: float
    batch_ms: float | None
    load_s: float | None
    prefill_s: float | None
    tokens_per_s: float | None
    tokens: int | None
    thinking_share: float | None
    jitter: float | None
    stall_share: float | None
    stall_s: float | None
    tokens_per_chunk: int | None
    failure: str | None
    fail_at: int | None

    @property
    def pretends(self) -> bool:
        """Whether anything was said that only a simulated model can do."""
        own = (*_OF_PROFILE, "batch_ms", "slots")
        return self.profile != "default" or any(getattr(self, name) is not None for name in own)


def options_of(argv: list[str]) -> Options:
    """Read the command line; leaves with code 2 when it means nothing.

    Raises:
        UsageError: It holds bytes that are no text.
    """
    check_line(argv)
    return Options(**members(_parser().parse_args(argv)))


def profile(options: Options) -> Profile:
    """Return the profile that was named, with what was said of it.

    Raises:
        UsageError: What was said can't be.
    """
    said = {name: value for name in _OF_PROFILE if (value := getattr(options, name)) is not None}
    if options.batch_ms is not None:
        said["batch_s"] = options.batch_ms / 1e3
    if "fail_at" in said and not said.get("failure"):
        raise UsageError("--fail-at wants to know how: say --fail error, cut or stall as well.")
    try:
        return msgspec.structs.replace(PROFILES[options.profile], **said)
    except ValueError as error:
        raise UsageError(f"{error}.") from error


def _part(text: str) -> float:
    """Read a share from 0 to below 1, as a number or in percent."""
    words = text.strip()
    try:
        value = float(words[:-1]) / 100 if words.endswith("%") else float(words)
    except ValueError:
        value = math.nan
    if not 0 <= value < 1:
        raise argparse.ArgumentTypeError(f"must be a share such as 20% or 0.2, not {text}")
    return value


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        "streamscope serve",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--model", default="", choices=("local",), help="the small model that streamscope brings"
    )
    parser.add_argument(
        "--host", default="127.0.0.1", help="address to listen at (127.0.0.1: this machine only)"
    )
    parser.add_argument(
        "--port", type=whole(0, 65535), default=PORT, metavar="N", help=f"({PORT}; 0: any free)"
    )
    _add_profile(parser)
    _add_house(parser)
    return parser


def _add_profile(parser: argparse.ArgumentParser) -> None:
    """Add what can be said of the profile."""
    group = parser.add_argument_group("how it answers")
    group.add_argument(
        "--profile", default="default", choices=tuple(PROFILES), metavar="NAME",
        help=f"what the rest starts from: {', '.join(PROFILES)}",
    )  # fmt: skip
    said: tuple[tuple[str, str, Any, str, str], ...] = (
        ("--load", "load_s", at_least(0), "S", "loading the model, before its first answer"),
        ("--prefill", "prefill_s", at_least(0), "S", "before the first token"),
        ("--rate", "tokens_per_s", at_least(0.001), "R", "tokens a second after it"),
        ("--tokens", "tokens", whole(1, MOST_TOKENS), "N", "length of an answer"),
        ("--thinking", "thinking_share", _part, "SHARE", "of the tokens is thinking"),
        ("--jitter", "jitter", _part, "SHARE", "of a gap that it may be shorter or longer"),
        ("--stalls", "stall_share", _part, "SHARE", "of the tokens come after a stall"),
        ("--stall", "stall_s", at_least(0), "S", "length of a stall"),
        ("--chunk", "tokens_per_chunk", whole(1), "N", "tokens that are sent as one"),
        ("--batch", "batch_ms", at_least(0, 10_000), "MS", "gather tokens for so long"),
        ("--fail-at", "fail_at", whole(0), "N", "tokens before it fails (0: before anything)"),
    )
    for flag, name, kind, metavar, words in said:
        group.add_argument(flag, dest=name, type=kind, metavar=metavar, help=words)
    group.add_argument(
        "--fail",
        dest="failure",
        choices=("error", "cut", "stall"),
        help="how each answer fails: the protocol's error, a broken connection, or silence",
    )


def _add_house(parser: argparse.ArgumentParser) -> None:
    """Add what can be said of the server."""
    group = parser.add_argument_group("how many it takes")
    group.add_argument(
        "--slots", type=whole(1, MOST_AT_ONCE), metavar="N",
        help=f"requests answered at once ({SLOTS})",
    )  # fmt: skip
    group.add_argument(
        "--queue", type=whole(0, MOST_AT_ONCE), default=QUEUE, metavar="N",
        help=f"requests that may wait; one more is refused with 429 ({QUEUE})",
    )  # fmt: skip
    group.add_argument(
        "--patience", dest="patience_s", type=at_least(0.001), default=30.0, metavar="S",
        help="a client that takes nothing for so long is dropped (30)",
    )  # fmt: skip
    group.add_argument(
        "--seed", type=whole(0), default=0, metavar="N", help="of what is irregular (0)"
    )
