"""``streamscope doctor``: what was found here, and what is wrong."""

import argparse
import asyncio
import sys
from typing import Literal

import msgspec

from streamscope.cli import results, start
from streamscope.cli.arguments import check_line, members
from streamscope.cli.doctor.examine import Examination
from streamscope.cli.doctor.findings import Findings
from streamscope.cli.doctor.words import lines
from streamscope.cli.parsing import Parser

EXIT_DONE, EXIT_FAILED = 0, 1

DESCRIPTION = """\
Tell what was found here: servers with their models, keys (from where and for
whom, never what they are), the terminal, files, and how good the times are.
Nothing is changed. Commands and the keyring are asked for keys only of servers
that you or the environment name.
"""
EPILOG = """\
exit codes: 0 nothing is wrong; 1 something is, and a sentence says what and what
to do; 2 bad usage. docs/servers.md tells how servers and keys are found.
"""


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What can be said to ``streamscope doctor``."""

    url: str
    format: Literal["text", "json"]


def run(argv: list[str]) -> int:
    """Look at everything and tell of it; return the exit code."""
    check_line(argv)
    options = Options(**members(_parser().parse_args(argv)))
    start.check_url(options.url, flag=True)
    findings = asyncio.run(Examination(options.url).carry_out())
    if options.format == "json":
        text = msgspec.json.format(msgspec.json.encode(findings)).decode() + "\n"
        there = results.deliver_text(text, "", "json")
    else:
        there = _print(findings)
    return EXIT_DONE if there and not findings.problems else EXIT_FAILED


def _print(findings: Findings) -> bool:
    """Print findings as text, with headings in bold on a terminal; tell whether they got there."""
    bold, plain = ("\x1b[1m", "\x1b[0m") if sys.stdout.isatty() else ("", "")
    told = [
        f"{bold}{line}{plain}" if line and not line.startswith(" ") else line
        for line in lines(findings)
    ]
    return results.deliver_text("\n".join(told) + "\n", "", "table")


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        "streamscope doctor",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "url", nargs="?", default="", metavar="URL", help="a server to look at before all others"
    )
    parser.add_argument(
        "--format", default="text", choices=("text", "json"), help="text, for people, or JSON"
    )
    return parser
