"""A result in the format that was asked for, to where it was asked to be."""

import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from rich.console import Console, Group, RenderableType
from rich.text import Text

from streamscope import files
from streamscope.cli.run_arguments import Format
from streamscope.cli.words import shortened
from streamscope.measure.conventions import Conventions
from streamscope.report.comparison import Comparison
from streamscope.report.judging import judge_comparison
from streamscope.report.table import as_text, comparison_table
from streamscope.report.verdict_words import verdict_sentence
from streamscope.report.words import plain
from streamscope.trial.plan import CHANNELS

_FORMATS: dict[Format, str] = {
    "table": "a table, as text",
    "json": "JSON",
    "jsonl": "JSON Lines",
    "csv": "CSV",
    "markdown": "Markdown",
    "html": "HTML",
}

HEADING = 76
"""Characters of a prompt that stand above its table."""


def deliver(
    comparisons: Sequence[Comparison],
    form: Format,
    output: str,
    conventions: Conventions,
    *,
    more: bool = False,
) -> bool:
    """Print comparisons, or write them to a file; tell whether they got there.

    Args:
        comparisons: What was measured.
        form: How it is written.
        output: The file; empty for standard output.
        conventions: What is taken for granted.
        more: Whether a table is followed by where the time of a run of each channel went.
    """
    if form == "table":
        return deliver_table(tables(comparisons, conventions, more=more), output)
    return deliver_text(written(comparisons, form, conventions), output, form)


def tables(
    comparisons: Sequence[Comparison], conventions: Conventions, *, more: bool = False
) -> RenderableType:
    """Return the tables of comparisons, with their prompts above them if there are several."""
    parts: list[RenderableType] = []
    for number, comparison in enumerate(comparisons, 1):
        if len(comparisons) > 1:
            asked = comparison.runs[0].request.prompt if comparison.runs else ""
            heading = shortened(f"{number} of {len(comparisons)} · {plain(asked)}", HEADING)
            parts += [Text()] * (number > 1) + [Text(heading, "bold underline")]
        parts.append(comparison_table(comparison, conventions))
        if more:
            from streamscope.report.verbose import verbose

            parts.append(verbose(comparison))
    return Group(*parts)


def verdicts(comparisons: Sequence[Comparison], conventions: Conventions) -> list[str]:
    """Return what each comparison shows, in a sentence; where there are several, with its place."""
    count = len(comparisons)
    return [
        (f"{number} of {count} · " if count > 1 else "")
        + verdict_sentence(judge_comparison(comparison, conventions=conventions))
        for number, comparison in enumerate(comparisons, 1)
        if len(comparison.channels()) == len(CHANNELS)
    ]


def written(comparisons: Sequence[Comparison], form: Format, conventions: Conventions) -> str:
    """Return comparisons as the text of a file."""
    runs = [run for comparison in comparisons for run in comparison.runs]
    match form:
        case "json":
            from streamscope.report.comparison_json import to_json

            return "".join(to_json(each, conventions).decode() + "\n" for each in comparisons)
        case "jsonl":
            from streamscope.report.comparison_json import to_jsonl

            return "".join(
                to_jsonl(run, each.known_plan).decode() for each in comparisons for run in each.runs
            )
        case "csv":
            from streamscope.report.csv_runs import to_csv

            return to_csv(runs)
        case "markdown":
            from streamscope.report.markdown import to_markdown

            return to_markdown(comparisons, conventions)
        case "html":
            from streamscope.report.html import to_html

            return to_html(comparisons, conventions)
        case "table":
            return as_text(tables(comparisons, conventions))


def deliver_table(table: RenderableType, output: str) -> bool:
    """Print a table, in colour on a terminal, or write it to a file."""
    if not output and sys.stdout.isatty():
        Console(highlight=False).print(table)
        return True
    return deliver_text(as_text(table), output, "table")


def deliver_text(text: str, output: str = "", form: Format = "table") -> bool:
    """Print a text, or write it to a file and say so; tell whether it got there.

    What can't be written to its file is printed, so that it is not lost.
    """
    if not output:
        return print_parts([text])
    try:
        with files.writing(Path(output)) as file:
            file.write(text.encode())
    except OSError as error:
        print(
            f"streamscope: The result can't be written to {output}: {error.strerror}; here it is.",
            file=sys.stderr,
        )
        print_parts([text])
        return False
    say_written("", output, form)
    return True


def say_written(what: str, output: str, form: Format) -> None:
    """Say that a file was written, and as what: ``6 runs written to r.jsonl (JSON Lines).``."""
    began = f"{what} written" if what else "Written"
    print(f"{began} to {output} ({_FORMATS[form]}).", file=sys.stderr)


def print_parts(parts: Iterable[str]) -> bool:
    """Write to standard output; tell whether it got there.

    Whoever read it may have left, which is no news to anybody; all else costs a sentence.
    """
    try:
        for part in parts:
            sys.stdout.write(part)
        sys.stdout.flush()
    except OSError as error:
        # Python flushes once more at its end, which must not fail.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            print(
                f"streamscope: Standard output can't be written to: {error.strerror}.",
                file=sys.stderr,
            )
        return False
    return True
