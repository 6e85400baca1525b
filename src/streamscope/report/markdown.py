"""A report as Markdown: the verdict, the table, and what they rest on."""

import re
from collections.abc import Sequence

from streamscope import __version__
from streamscope.measure.conventions import Conventions
from streamscope.report.comparison import Comparison
from streamscope.report.sections import COLUMNS, METHOD, Section, sections
from streamscope.report.words import plain, plain_lines

_USUAL = Conventions()
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~$])")


def to_markdown(comparisons: Sequence[Comparison], conventions: Conventions = _USUAL) -> str:
    """Write one report of all these comparisons, such as of a short and of a long prompt."""
    made = sections(comparisons, conventions)
    if not made:
        return "# Streaming or blocking?\n\nNothing was measured.\n"
    parts = ["# Streaming or blocking?", _verdicts(made), _table(made)]
    for section in made:
        parts += _section(section, alone=len(made) == 1)
    parts += ["## Method", _list(METHOD_LINES)]
    parts.append(f"Made by streamscope {__version__}.")
    return "\n\n".join(part for part in parts if part) + "\n"


METHOD_LINES = [
    " ".join(lines.split()) for lines in re.split(r"\n(?=Cells|“Different|Gaps)", METHOD)
]
"""The method, a paragraph each."""


def escape(text: str) -> str:
    """Write any text on one line so that Markdown takes none of it for its own."""
    return _SPECIAL.sub(r"\\\1", plain(text))


def fenced(text: str) -> str:
    """Write any text as a block of code that it can't end by itself."""
    shown = plain_lines(text)
    longest = max((len(run) for run in re.findall(r"`+", shown)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{shown}\n{fence}"


def _verdicts(made: Sequence[Section]) -> str:
    if len(made) == 1:
        return f"**{escape(made[0].verdict)}**"
    return "\n".join(f"- {escape(each.title)}: **{escape(each.verdict)}**" for each in made)


def _table(made: Sequence[Section]) -> str:
    rows = [COLUMNS, ("---",) * len(COLUMNS)]
    rows += [tuple(escape(cell) for cell in row) for each in made for row in each.rows]
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    coverage = "; ".join(dict.fromkeys(each.coverage for each in made))
    return "\n".join(lines) + f"\n\nMedians, intervals in brackets ({escape(coverage)})."


def _section(section: Section, *, alone: bool) -> list[str]:
    parts = [] if alone else [f"## {escape(section.title)}", escape(section.verdict)]
    mark = "##" if alone else "###"
    for heading, lines in section.lists:
        parts += [f"{mark} {heading}", _list(lines)]
    parts += [f"{mark} Prompt", fenced(section.prompt)]
    if section.command:
        parts += [f"{mark} How to repeat", fenced(section.command)]
    return parts


def _list(lines: Sequence[str]) -> str:
    return "\n".join(f"- {escape(line)}" for line in lines)
