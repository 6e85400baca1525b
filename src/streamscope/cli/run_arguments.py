"""What can be said to `streamscope run`, and to `streamscope history rerun`."""

import argparse
from typing import Any, Literal, TypeAlias

import msgspec

from streamscope.cli.arguments import (
    Options,
    add_channels,
    add_limits,
    add_no_save,
    add_request,
    add_target,
    check_line,
    members,
)
from streamscope.cli.parsing import Parser, UsageError, at_least, share, whole
from streamscope.plan import LEAST

MAX_REPEAT = 1000
MAX_SPEED = 100_000
DAY_S = 86_400

Format: TypeAlias = Literal["table", "json", "jsonl", "csv", "markdown", "html"]
"""What a result can be written as."""

FORMATS: tuple[Format, ...] = ("table", "json", "jsonl", "csv", "markdown", "html")

RunOrder: TypeAlias = Literal["abba", "ab", "ba", "random", "latin", "race"]
ORDERS: tuple[RunOrder, ...] = ("abba", "ab", "ba", "random", "latin", "race")

DESCRIPTION = """\
Measure prompts on both channels, A streaming and B blocking unless --a or --b
say otherwise: progress on stderr, result on stdout. Several prompts make one
comparison each, and one report.
Ctrl-C stops, prints and keeps what there is; `--continue last` goes on from there.
"""
EPILOG = """\
formats: table, for people; json, a ComparisonRecord a line, one for each prompt;
jsonl, a RunLine for each run; csv, a row for each run; markdown and html, reports.
docs/json.md describes the records.

exit codes: 0 done; 1 a pair failed, or the result could not be kept or written;
2 bad usage; 3 no server; 130 interrupted.
"""


_PAIRS = whole(1, MAX_REPEAT)
_UNTIL = (
    "as many pairs as it takes until the medians are known to within a share of themselves, such "
    "as 5%% or 0.05"
)


class Views(msgspec.Struct, frozen=True, kw_only=True):
    """What is taken for granted about readers and clients; ``None``: the config decides.

    Attributes:
        wpm: Words a minute that the person reads.
        cpm: Han and kana characters a minute.
        price: Price of a million output tokens.
        client_timeout_s: Time-out of the clients that will call the server, s.
        include_busy: Whether runs on a busy machine are pooled.
    """

    wpm: float | None = None
    cpm: float | None = None
    price: float | None = None
    client_timeout_s: float | None = None
    include_busy: bool = False


class RunOptions(Options, frozen=True, kw_only=True):
    """What is to be measured without a screen, and what becomes of the result.

    Attributes:
        prompts: Each text, ``@FILE`` or ``-``.
        going_on: Id of the comparison to continue; empty for none.
        again: Ids of comparisons to make anew.
        repeat: Exactly so many pairs.
        until: Half-width of the medians' intervals at which to end, as a share.
        most: Most pairs then.
        warmup: Runs on each channel that are dropped.
        order: Who goes first in a pair, or both at once.
        regime: Whether the prompt may be in the server's cache.
        cooldown_s: Pause between pairs, s.
        reuse_connection: Whether a run takes the connection that the one before has left open.
        format: How the result is written; empty: guessed from the file's name.
        output: The file; empty for standard output.
        verbose: Whether the table is followed by where the time of a run of each channel went.
        tags: Tags of the comparisons.
        note: What is to be remembered about them.
        views: What reports take for granted.
    """

    prompts: tuple[str, ...] = ()
    going_on: str = ""
    again: tuple[str, ...] = ()
    repeat: int | None = None
    until: float | None = None
    most: int | None = None
    warmup: int | None = None
    order: RunOrder | None = None
    regime: Literal["warm", "cold"] | None = None
    cooldown_s: float | None = None
    reuse_connection: bool = False
    format: Format | Literal[""] = ""
    output: str = ""
    verbose: bool = False
    tags: tuple[str, ...] = ()
    note: str | None = None
    views: Views = Views()


def parse_run(argv: list[str]) -> RunOptions:
    """Read what follows `streamscope run`; leaves with code 2 when it means nothing.

    Raises:
        UsageError: It contradicts itself, or holds bytes that are no text.
    """
    check_line(argv)
    options = RunOptions(**with_views(_run_parser().parse_intermixed_args(argv)))
    _check(options)
    return options


def parse_rerun(argv: list[str]) -> RunOptions:
    """Read what follows `streamscope history rerun`; leaves with code 2 when it means nothing.

    Raises:
        UsageError: It holds bytes that are no text.
    """
    check_line(argv)
    return RunOptions(**with_views(_rerun_parser().parse_intermixed_args(argv)))


def with_views(said: argparse.Namespace) -> dict[str, Any]:
    """Return what was said as members of options, with what reports take for granted in one."""
    known = members(said)
    views = {name: known.pop(name) for name in Views.__struct_fields__ if name in known}
    return known | {"views": Views(**views)}


def _check(options: RunOptions) -> None:
    """Refuse what contradicts itself."""
    if options.most is not None and options.until is None and not options.going_on:
        raise UsageError("--most bounds --until: add --until 5%, or say --repeat N alone.")
    if options.prompts.count("-") > 1:
        raise UsageError("Only one prompt can come from the pipe: name a - once.")
    if options.going_on:
        _check_continued(options)
    elif not options.prompts:
        raise UsageError("There is no PROMPT: say something to ask, @FILE, or - for a pipe.")


def _check_continued(options: RunOptions) -> None:
    """Refuse what a comparison that goes on has settled already."""
    free = {"going_on", "most", "format", "output", "verbose", "tags", "note", "views"}
    free |= {"timeout_s", "stall_s"}
    said = [
        name
        for name, default in msgspec.structs.asdict(RunOptions()).items()
        if name not in free and getattr(options, name) != default
    ]
    if said:
        raise UsageError(
            f"--continue takes prompt, server and plan from the comparison: leave out "
            f"{', '.join(map(_spelled, said))}."
        )


def _spelled(name: str) -> str:
    known = {"prompts": "the prompt", "save": "--no-save", "params": "--param"}
    return known.get(name) or f"--{name.removesuffix('_s').replace('_', '-')}"


def _run_parser() -> argparse.ArgumentParser:
    parser = Parser(
        "streamscope run",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        usage="streamscope run [options] PROMPT…\n       streamscope run --continue ID|last",
    )
    parser.add_argument(
        "prompts", nargs="*", metavar="PROMPT", help="the prompt, @FILE, or - for a pipe"
    )
    parser.add_argument(
        "--continue",
        dest="going_on",
        default="",
        metavar="ID",
        help="go on with a comparison of the history that was stopped, or with the last one",
    )
    parser.add_argument("--url", default="", metavar="U", help="base URL of a server")
    add_target(parser)
    add_channels(parser)
    add_request(parser)
    _add_plan(parser)
    add_limits(parser)
    add_views(parser)
    add_result(parser)
    add_verbose(parser)
    _add_remarks(parser)
    add_no_save(parser)
    return parser


def _rerun_parser() -> argparse.ArgumentParser:
    parser = Parser(
        "streamscope history rerun",
        description="Measure past comparisons anew: the same prompt, request, plan and servers.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=EPILOG,
    )
    parser.add_argument("again", nargs="+", metavar="ID", help="a comparison, or last")
    plan = parser.add_argument_group(
        "how many pairs", "What is not said is as it was in the comparison."
    )
    pairs = plan.add_mutually_exclusive_group()
    pairs.add_argument("--repeat", type=_PAIRS, metavar="N", help="exactly N pairs")
    pairs.add_argument("--until", type=share, metavar="SHARE", help=_UNTIL)
    plan.add_argument(
        "--most",
        type=whole(LEAST, MAX_REPEAT),
        metavar="N",
        help="at most so many pairs until the medians are known (30)",
    )
    add_limits(parser)
    add_views(parser)
    add_result(parser)
    add_verbose(parser)
    _add_remarks(parser)
    add_no_save(parser)
    return parser


def _add_plan(parser: argparse.ArgumentParser) -> None:
    plan = parser.add_argument_group(
        "how it is measured", "What is not said, [comparison] in the config file decides."
    )
    pairs = plan.add_mutually_exclusive_group()
    pairs.add_argument("--repeat", type=_PAIRS, metavar="N", help=f"exactly N pairs ({LEAST})")
    pairs.add_argument("--until", type=share, metavar="SHARE", help=_UNTIL)
    plan.add_argument(
        "--most",
        type=whole(LEAST, MAX_REPEAT),
        metavar="N",
        help="at most so many pairs with --until (30); with --continue, the new bound",
    )
    plan.add_argument(
        "--warmup",
        type=whole(0, MAX_REPEAT),
        metavar="K",
        help="runs on each channel before, which are dropped (1)",
    )
    plan.add_argument(
        "--order",
        choices=ORDERS,
        help="who goes first in a pair: by turns (abba; of two channels latin is the same), "
        "always the same one (ab, ba: the effect of the place can't be told then), by lot "
        "(random), or both at once (race)",
    )
    plan.add_argument(
        "--regime",
        choices=("warm", "cold"),
        help="whether the server may know the prompt from the run before (warm)",
    )
    plan.add_argument(
        "--cooldown",
        dest="cooldown_s",
        type=at_least(0, 3600),
        metavar="S",
        help="pause between pairs, in seconds (0)",
    )
    plan.add_argument(
        "--reuse-connection",
        action="store_true",
        help="let a run take the connection that the one before has left open: the warm-up opens "
        "it, the pairs find it open (a fresh one for each run)",
    )


def add_views(parser: argparse.ArgumentParser) -> None:
    """Add what reports take for granted about readers and clients."""
    views = parser.add_argument_group("what reports take for granted")
    views.add_argument(
        "--wpm", type=at_least(1, MAX_SPEED), metavar="N", help="words a minute you read (238)"
    )
    views.add_argument(
        "--cpm",
        type=at_least(1, MAX_SPEED),
        metavar="N",
        help="Han or kana characters a minute you read (255)",
    )
    views.add_argument(
        "--price", type=at_least(0), metavar="P", help="of a million output tokens (0: unknown)"
    )
    views.add_argument(
        "--client-timeout",
        dest="client_timeout_s",
        type=at_least(0.001, DAY_S),
        metavar="S",
        help="of the clients that will call the server, in seconds (30)",
    )
    add_busy(parser)


def add_busy(parser: argparse.ArgumentParser) -> None:
    """Add whether runs on a busy machine count."""
    counted = parser.add_argument_group("what counts")
    counted.add_argument(
        "--include-busy",
        action="store_true",
        help="pool runs during which this machine was too busy to be trusted, too",
    )


def add_result(
    parser: argparse.ArgumentParser,
    formats: tuple[Format, ...] = FORMATS,
    *,
    usual: Format = "table",
) -> None:
    """Add what becomes of the result."""
    out = parser.add_argument_group("result")
    out.add_argument(
        "--format",
        choices=formats,
        default="",
        help=f"what --output's name ends in, else {usual}",
    )
    out.add_argument("--output", default="", metavar="FILE", help="write the result to a file")


def add_verbose(parser: argparse.ArgumentParser) -> None:
    """Add the switch that says more below a table."""
    parser.add_argument(
        "-v",
        "--verbose",
        action="store_true",
        help="below a table, show where the time of a run went: of each channel's, the one whose "
        "total is nearest the median; Markdown and HTML tell it anyway",
    )


def check_verbose(form: Format, *, verbose: bool) -> None:
    """Make sure that there is something in which more can be said, or that says it anyway.

    Raises:
        UsageError: The result is written as something else.
    """
    if verbose and form not in ("table", "markdown", "html"):
        raise UsageError(
            f"-v says more below a table, and {form} has everything already: leave one of them out."
        )


def _add_remarks(parser: argparse.ArgumentParser) -> None:
    remarks = parser.add_argument_group("in the history")
    remarks.add_argument(
        "--tag", dest="tags", action="append", default=[], metavar="T", help="may be repeated"
    )
    remarks.add_argument("--note", metavar="TEXT", help="what is to be remembered about it")
