"""What can be said on the command line."""

import argparse
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, NoReturn, TypeAlias

import msgspec

from streamscope import __version__

DESCRIPTION = """\
What does streaming change about this answer, from this model, for the person who waits?
Without a command, opens the app. `streamscope run PROMPT` measures without a screen.
"""
PROTOCOLS = ("ollama-chat", "ollama-generate", "openai-chat")
FORMATS = ("table", "json", "jsonl")
MAX_REPEAT = 1000
MAX_WHOLE = 2**63 - 1
"""Most that a server, or the history, can be told as a whole number."""


Wanted: TypeAlias = Literal["auto", "local", "simulator"]
Order: TypeAlias = Literal["abba", "ab", "ba", "race"]


class UsageError(Exception):
    """The command line can't be carried out; the text is a sentence for a person."""


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """A command line, read.

    ``None`` and empty mean that nothing was said: config and defaults decide.
    """

    command: str = ""
    url: str = ""
    protocol: str = ""
    model: str = ""
    engine: Wanted | Literal[""] = ""
    prompt: str = ""
    theme: str = ""
    system: str | None = None
    temperature: float | None = None
    top_p: float | None = None
    seed: int | None = None
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    think: str | None = None
    params: tuple[str, ...] = ()
    repeat: int = 5
    warmup: int = 1
    order: Order = "abba"
    format: str = "table"
    output: str = ""
    save: bool = True
    timeout_s: float | None = None
    stall_s: float | None = None


def parse(argv: list[str]) -> Options:
    """Read a command line; leaves with code 2 and a sentence when it means nothing.

    Raises:
        UsageError: It holds bytes that are no text.
    """
    for said in argv:
        _check_text(said, "The command line")
    headless = bool(argv) and argv[0] == "run"
    parser = _run_parser() if headless else _app_parser()
    known = vars(parser.parse_args(argv[1:] if headless else argv))
    known["stop"] = tuple(known.get("stop") or ())
    known["params"] = tuple(known.pop("param") or ())
    return Options(command="run" if headless else "", **known)


def prompt_text(said: str) -> str:
    """Return the prompt: as it was said, from a file (``@file``), or from standard input (``-``).

    Raises:
        UsageError: There is no such file, it is no text, or the prompt is empty.
    """
    try:
        if said == "-":
            text = sys.stdin.read()
        elif said.startswith("@"):
            text = Path(said[1:]).read_text(encoding="utf-8")
        else:
            text = said
    except OSError as error:
        source = said[1:] or "standard input"
        raise UsageError(f"The prompt can't be read from {source}: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise UsageError("The prompt is not UTF-8 text: save it as UTF-8.") from error
    _check_text(text, "The prompt")
    if not text.strip():
        raise UsageError("The prompt is empty: say something to ask, @FILE, or - for a pipe.")
    return text.rstrip("\n") if said[:1] in "@-" else text


def _check_text(text: str, what: str) -> None:
    """Refuse what was no UTF-8 before Python read it: no server could be sent it."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise UsageError(f"{what} is not UTF-8 text: save or type it as UTF-8.") from error


def thinking(said: str | None) -> bool | str | None:
    """Return what ``--think`` means for a request."""
    return {None: None, "on": True, "off": False}.get(said, said)


def parameters(said: tuple[str, ...]) -> dict[str, Any]:
    """Return what ``--param NAME=VALUE`` adds to the request; values are JSON, or else text.

    Raises:
        UsageError: There is no ``=``.
    """
    params: dict[str, Any] = {}
    for each in said:
        name, equals, value = each.partition("=")
        if not equals or not name:
            raise UsageError(f"--param wants NAME=VALUE, not {each!r}.")
        try:
            decoded = msgspec.json.decode(value)
            msgspec.msgpack.encode(decoded)  # knows no larger ones
        except msgspec.DecodeError:
            decoded = value
        except OverflowError as error:
            raise UsageError(f"--param {name}: the number has more than 64 bits.") from error
        params[name] = decoded
    return params


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line instead of repeating everything that can be said."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"streamscope: {message} (`{self.prog} --help` lists what can be said).\n")


def _common(parser: argparse.ArgumentParser) -> None:
    server = parser.add_argument_group("what answers")
    server.add_argument("--protocol", default="", choices=PROTOCOLS, help="how it speaks")
    server.add_argument("--model", default="", metavar="M", help="its model, as it calls it")
    server.add_argument(
        "--engine",
        default="",
        choices=("auto", "local", "simulator"),
        help="what answers when no URL is named: the first server found (auto), "
        "the small model that streamscope brings, or its simulator",
    )
    asked = parser.add_argument_group("what is asked, the same on both channels")
    asked.add_argument("--system", metavar="S", help="system text")
    asked.add_argument("--temperature", type=_at_least(0.0), metavar="T")
    asked.add_argument("--top-p", type=_at_least(0.0), metavar="P")
    asked.add_argument("--seed", type=_whole(-MAX_WHOLE), metavar="N")
    asked.add_argument("--max-tokens", type=_whole(1), metavar="N", help="thinking included")
    asked.add_argument("--stop", action="append", metavar="TEXT", help="ends the answer")
    asked.add_argument("--think", choices=("on", "off", "low", "medium", "high"))
    asked.add_argument(
        "--param",
        action="append",
        metavar="NAME=VALUE",
        help="a further member of the request body; VALUE is JSON or text",
    )
    limits = parser.add_argument_group("limits")
    limits.add_argument(
        "--timeout",
        dest="timeout_s",
        type=_at_least(0.001),
        metavar="S",
        help="end a run after so many seconds (600)",
    )
    limits.add_argument(
        "--stall-timeout",
        dest="stall_s",
        type=_at_least(0.001),
        metavar="S",
        help="end a run after so many seconds without a single byte (120)",
    )
    parser.add_argument("--no-save", dest="save", action="store_false", help="keep no history")


def _app_parser() -> argparse.ArgumentParser:
    parser = _Parser(
        "streamscope",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="`streamscope run --help` tells how to measure without a screen.",
    )
    parser.add_argument("--version", action="version", version=f"streamscope {__version__}")
    parser.add_argument("url", nargs="?", default="", metavar="URL", help="base URL of a server")
    parser.add_argument("--prompt", default="", metavar="TEXT", help="TEXT, @FILE or -")
    parser.add_argument("--theme", default="", metavar="NAME")
    _common(parser)
    return parser


def _run_parser() -> argparse.ArgumentParser:
    parser = _Parser(
        "streamscope run",
        description="Measure a prompt on both channels: progress on stderr, result on stdout.",
    )
    parser.add_argument("prompt", metavar="PROMPT", help="the prompt, @FILE, or - for a pipe")
    parser.add_argument("--url", default="", metavar="U", help="base URL of a server")
    _common(parser)
    plan = parser.add_argument_group("how it is measured")
    plan.add_argument(
        "--repeat", type=_whole(1, MAX_REPEAT), default=5, metavar="N", help="pairs (5)"
    )
    plan.add_argument(
        "--warmup",
        type=_whole(0, MAX_REPEAT),
        default=1,
        metavar="K",
        help="pairs before them that are dropped (1)",
    )
    plan.add_argument(
        "--order",
        choices=("abba", "ab", "ba", "race"),
        default="abba",
        help="who goes first in a pair, or both at once (race)",
    )
    out = parser.add_argument_group("result")
    out.add_argument("--format", choices=FORMATS, default="table")
    out.add_argument("--output", default="", metavar="FILE", help="write the result to a file")
    return parser


def _at_least(low: float) -> Callable[[str], float]:
    def number(text: str) -> float:
        value = float(text)
        if not math.isfinite(value) or value < low:
            raise argparse.ArgumentTypeError(f"must be a number of at least {low:g}, not {text}")
        return value

    number.__name__ = "number"
    return number


def _whole(low: int, high: int = MAX_WHOLE) -> Callable[[str], int]:
    def number(text: str) -> int:
        value = int(text)
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"must be from {low} to {high}, not {text}")
        return value

    number.__name__ = "whole number"
    return number
