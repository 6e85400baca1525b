"""What can be said to ``streamscope history``."""

import argparse
from typing import Literal, TypeAlias

import msgspec

from streamscope.cli.arguments import check_line
from streamscope.cli.parsing import Parser, UsageError, whole
from streamscope.cli.run_arguments import (
    Format,
    Views,
    add_busy,
    add_result,
    add_verbose,
    add_views,
    with_views,
)

Action: TypeAlias = Literal[
    "list", "show", "compare", "trend", "export", "import", "delete", "undo", "tag", "note", "path"
]

DESCRIPTION = """\
What was measured. An ID is that of a comparison or a run, its first digits (at
least four), or `last` for the newest comparison; `list` and `show` tell them.
"""
_COMMANDS: dict[str, str] = {
    "list": "comparisons, newest first, with medians; --groups pools them",
    "show": "the report of a comparison, or the figures of a run",
    "compare": "two comparisons against each other, such as two models",
    "trend": "first text and total each time that the same was measured",
    "rerun": "measure past comparisons anew, under the same plan",
    "export": "write runs or reports to a file",
    "import": "add runs from files",
    "delete": "delete comparisons or runs; undo brings them back",
    "undo": "bring back what was deleted last",
    "tag": "show, add or remove tags",
    "note": "show or write a note",
    "path": "where the history is",
}
EPILOG = "commands:\n" + "\n".join(f"  {name:<9} {words}" for name, words in _COMMANDS.items())
EPILOG += "\n\n`streamscope history COMMAND --help` tells what can be said there."

LISTED = 20
LIST_FORMATS: tuple[Format, ...] = ("table", "json", "csv")
COMPARE_FORMATS: tuple[Format, ...] = ("table", "json")
TREND_FORMATS: tuple[Format, ...] = ("table", "json")
EXPORT_FORMATS: tuple[Format, ...] = ("jsonl", "csv", "json", "markdown", "html")


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be done with the history.

    Attributes:
        action: What.
        ids: With which comparisons or runs.
        words: Tags, or the words of a note, as they were said; files to import.
        search: Words that must all occur; ``#word`` is a tag.
        limit: How many at most.
        groups: Whether to list groups instead of comparisons.
        pooled: Whether to take all comparable runs of the history.
        all: Whether to export everything.
        yes: Whether nobody needs to be asked.
        format: How the result is written.
        output: Where to.
        verbose: Whether to tell of a run where its time went.
        views: What reports take for granted.
    """

    action: Action
    ids: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    search: str = ""
    limit: int = LISTED
    groups: bool = False
    pooled: bool = False
    all: bool = False
    yes: bool = False
    format: Format | Literal[""] = ""
    output: str = ""
    verbose: bool = False
    views: Views = Views()


def parse(argv: list[str]) -> Options:
    """Read what follows ``streamscope history``; leaves with code 2 when it means nothing.

    Raises:
        UsageError: It contradicts itself, or holds bytes that are no text.
    """
    check_line(argv)
    options = Options(**with_views(_parser().parse_args(argv)))
    if options.action == "export":
        chosen = bool(options.ids) + bool(options.search) + options.all
        if chosen != 1:
            raise UsageError("Say what to export, and only once: an ID, --search TEXT or --all.")
    return options


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        "streamscope history",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        usage="streamscope history COMMAND …",
    )
    # The commands stand below, one a line: argparse would list them twice, and less well.
    commands = parser.add_subparsers(
        dest="action",
        required=True,
        metavar="COMMAND",
        help=argparse.SUPPRESS,
        parser_class=Parser,
        prog="streamscope history",
    )
    for name, add in {
        "list": _add_list,
        "show": _add_show,
        "compare": _add_compare,
        "trend": _add_trend,
        "export": _add_export,
        "import": _add_import,
        "delete": _add_delete,
        "undo": None,
        "tag": _add_tag,
        "note": _add_note,
        "rerun": None,  # has a parser of its own; here it is known by name
        "path": None,
    }.items():
        words = _COMMANDS[name]
        command = commands.add_parser(
            name,
            description=words[0].upper() + words[1:] + ".",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        if add is not None:
            add(command)
    return parser


def _add_list(parser: argparse.ArgumentParser) -> None:
    parser.epilog = (
        "Figures are medians, A vs B: those that `show` tells. Usually A streams and B\n"
        "blocks; else it is said what tells them apart. A comparison that another program\n"
        "is still measuring is listed as stopped.\n\n"
        "Comparisons that ask the same of the same server under the same conditions form\n"
        "a group; of two servers or models each is one of its own. With --groups pairs\n"
        "and medians, streaming vs blocking, are those of all its comparisons, and note\n"
        "and tags its own; the ID of its newest comparison stands beside them."
    )
    parser.add_argument(
        "--search",
        default="",
        metavar="TEXT",
        help="only where all these words occur: in prompt, model, URL, note or tags; "
        "#word is a tag",
    )
    _add_limit(parser)
    parser.add_argument(
        "--groups",
        action="store_true",
        help="comparable ones pooled, one line each, instead of one by one",
    )
    add_result(parser, LIST_FORMATS)


def _add_show(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("ids", nargs=1, metavar="ID", help="a comparison, a run, or last")
    add_result(parser)
    add_verbose(parser)
    add_views(parser)


def _add_compare(parser: argparse.ArgumentParser) -> None:
    parser.epilog = (
        "Channel A is compared with A and B with B, where both deliver in the same mode.\n"
        "The two are taken as independent samples: the ratio is the unpaired\n"
        "Hodges-Lehmann estimate with its interval, p that of the Mann-Whitney test."
    )
    parser.add_argument("ids", nargs=2, metavar="ID", help="a comparison, or last")
    parser.add_argument(
        "--pooled",
        action="store_true",
        help="take all runs of the history that may be pooled with each",
    )
    add_busy(parser)
    add_result(parser, COMPARE_FORMATS)


def _add_trend(parser: argparse.ArgumentParser) -> None:
    parser.epilog = (
        "The comparisons that ask the same of the same servers as this one, under the\n"
        "same conditions, the oldest first."
    )
    parser.add_argument("ids", nargs=1, metavar="ID", help="a comparison, or last")
    _add_limit(parser)
    add_busy(parser)
    add_result(parser, TREND_FORMATS)


def _add_limit(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--limit",
        type=whole(1, 1_000_000),
        default=LISTED,
        metavar="N",
        help=f"at most so many ({LISTED})",
    )


def _add_export(parser: argparse.ArgumentParser) -> None:
    parser.epilog = (
        "jsonl (a RunLine a run) and json (a ComparisonRecord a line) can be imported\n"
        "and replayed elsewhere. jsonl is written as it is read: for large histories."
    )
    parser.add_argument("ids", nargs="*", metavar="ID", help="comparisons or runs")
    parser.add_argument("--search", default="", metavar="TEXT", help="all groups with these words")
    parser.add_argument("--all", action="store_true", help="everything")
    add_result(parser, EXPORT_FORMATS, usual="jsonl")
    add_views(parser)


def _add_import(parser: argparse.ArgumentParser) -> None:
    parser.epilog = (
        "Takes our JSON Lines and JSON, and one summary of a run a line, as other scripts\n"
        "write them. Runs that are there already are skipped. It ends at the first line\n"
        "that can't be read; what came before is kept, and importing the file again when\n"
        "it is mended adds the rest."
    )
    parser.add_argument("words", nargs="+", metavar="FILE", help="a file, or - for a pipe")


def _add_delete(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("ids", nargs="+", metavar="ID", help="a comparison, a run, or last")
    parser.add_argument("--yes", action="store_true", help="don't ask")


def _add_tag(parser: argparse.ArgumentParser) -> None:
    parser.epilog = "Without a TAG, tells which there are."
    parser.add_argument("ids", nargs=1, metavar="ID", help="a comparison, or last")
    # What begins with a dash is a tag to remove, and no option.
    parser.add_argument(
        "words", nargs=argparse.REMAINDER, metavar="TAG", help="add TAG; -TAG removes it"
    )


def _add_note(parser: argparse.ArgumentParser) -> None:
    parser.epilog = "Without a TEXT, tells what it says; an empty TEXT removes it."
    parser.add_argument("ids", nargs=1, metavar="ID", help="a comparison, or last")
    parser.add_argument("words", nargs=argparse.REMAINDER, metavar="TEXT")
