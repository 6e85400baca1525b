"""What can be said on the command line: what the app and all commands that measure share."""

import argparse
import sys
from pathlib import Path
from typing import Any, Literal

import msgspec

from streamscope import __version__
from streamscope.cli.channels import PROTOCOLS, Wanted
from streamscope.cli.parsing import MAX_WHOLE, Parser, UsageError, at_least, check_text, whole

DESCRIPTION = """\
What does streaming change about this answer, from this model, for the person who
waits? Without a command, opens the app.

commands:
  run PROMPT…      measure without a screen
  history …        list, show, compare, export, import and edit what was measured
  replay FILE|ID   watch a recorded pair again, without a server
  calibrate        find out how wrong the times are that this machine measures
  serve            be a server to try things out with: simulated, all protocols
  doctor           tell what was found here, servers and keys, and what is wrong
"""
_CHANNELS = {"a": "llama3.2:3b", "b": '"qwen3:8b blocking"'}


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What can be said wherever something is measured.

    ``None`` and empty mean that nothing was said: config and defaults decide.

    Attributes:
        a: What tells channel A from what is said of both, in words.
        b: The same of channel B.
    """

    url: str = ""
    protocol: str = ""
    model: str = ""
    engine: Wanted | Literal[""] = ""
    a: tuple[str, ...] = ()
    b: tuple[str, ...] = ()
    system: str | None = None
    temperature: float | None = None
    top_p: float | None = None
    seed: int | None = None
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    think: str | None = None
    params: tuple[str, ...] = ()
    save: bool = True
    timeout_s: float | None = None
    stall_s: float | None = None


class AppOptions(Options, frozen=True, kw_only=True):
    """What the app opens with.

    Attributes:
        prompt: The prompt: text, ``@FILE`` or ``-``.
        theme: Theme for this time only.
    """

    prompt: str = ""
    theme: str = ""


def parse(argv: list[str]) -> AppOptions:
    """Read the command line of the app; leaves with code 2 when it means nothing.

    Raises:
        UsageError: It holds bytes that are no text.
    """
    check_line(argv)
    return AppOptions(**members(_app_parser().parse_args(argv)))


def check_line(argv: list[str]) -> None:
    """Make sure that a command line is text.

    Raises:
        UsageError: It holds bytes that are none.
    """
    for said in argv:
        check_text(said, "The command line")


def members(said: argparse.Namespace) -> dict[str, Any]:
    """Return what was said, as members of ``Options``: lists become tuples."""
    return {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in vars(said).items()
    }


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
    check_text(text, "The prompt")
    if not text.strip():
        raise UsageError("The prompt is empty: say something to ask, @FILE, or - for a pipe.")
    return text.rstrip("\n") if said[:1] in "@-" else text


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


def add_target(parser: argparse.ArgumentParser) -> None:
    """Add what answers."""
    server = parser.add_argument_group("what answers")
    server.add_argument(
        "--protocol",
        default="",
        choices=PROTOCOLS,
        metavar="P",
        help=f"how it speaks, found out if it is not said: {', '.join(PROTOCOLS)}",
    )
    server.add_argument("--model", default="", metavar="M", help="its model, as it calls it")
    server.add_argument(
        "--engine",
        default="",
        choices=("auto", "local", "simulator"),
        help="what answers when no URL is named: the first server found (auto), "
        "the small model that streamscope brings, or its simulator",
    )


def add_channels(parser: argparse.ArgumentParser) -> None:
    """Add in what the channels differ."""
    differ = parser.add_argument_group(
        "what is compared",
        "Usually one model of one server, A streaming and B blocking. WORDS change for\n"
        "one channel what is said above: a model, a URL, a protocol, an engine, stream\n"
        "or blocking, in any order, in quotes if there are several. Where a word would\n"
        "be taken for something else: model=M, url=U, protocol=P, engine=E, mode=M.\n"
        "Two servers or two models both stream unless you say otherwise.",
    )
    for name in ("a", "b"):
        differ.add_argument(
            f"--{name}",
            action="append",
            default=[],
            metavar="WORDS",
            help=f"channel {name.upper()}, such as {_CHANNELS[name]}",
        )


def add_request(parser: argparse.ArgumentParser) -> None:
    """Add what is asked."""
    asked = parser.add_argument_group("what is asked, the same on both channels")
    asked.add_argument("--system", metavar="S", help="system text")
    asked.add_argument("--temperature", type=at_least(0.0), metavar="T")
    asked.add_argument("--top-p", type=at_least(0.0), metavar="P")
    asked.add_argument("--seed", type=whole(-MAX_WHOLE), metavar="N", help="of the sampling")
    asked.add_argument("--max-tokens", type=whole(1), metavar="N", help="thinking included")
    asked.add_argument(
        "--stop", action="append", default=[], metavar="TEXT", help="ends the answer"
    )
    asked.add_argument("--think", choices=("on", "off", "low", "medium", "high"))
    asked.add_argument(
        "--param",
        dest="params",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a further member of the request body; VALUE is JSON or text, and null leaves out "
        "what would be sent",
    )


def add_limits(parser: argparse.ArgumentParser) -> None:
    """Add what bounds a run."""
    limits = parser.add_argument_group("limits")
    limits.add_argument(
        "--timeout",
        dest="timeout_s",
        type=at_least(0.001),
        metavar="S",
        help="end a run after so many seconds (600)",
    )
    limits.add_argument(
        "--stall-timeout",
        dest="stall_s",
        type=at_least(0.001),
        metavar="S",
        help="end a run after so many seconds without a single byte (120)",
    )


def add_no_save(parser: argparse.ArgumentParser) -> None:
    """Add the switch that keeps no history."""
    parser.add_argument("--no-save", dest="save", action="store_false", help="keep no history")


def _app_parser() -> argparse.ArgumentParser:
    parser = Parser(
        "streamscope",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="`streamscope COMMAND --help` tells what can be said there.",
    )
    parser.add_argument("--version", action="version", version=f"streamscope {__version__}")
    parser.add_argument("url", nargs="?", default="", metavar="URL", help="base URL of a server")
    parser.add_argument("--prompt", default="", metavar="TEXT", help="TEXT, @FILE or -")
    parser.add_argument("--theme", default="", metavar="NAME")
    add_target(parser)
    add_channels(parser)
    add_request(parser)
    add_limits(parser)
    add_no_save(parser)
    return parser
