"""A report as Markdown: the verdict, the table, and what they rest on."""

import re
from collections.abc import Sequence

from streamscope import __version__
from streamscope.measure.conventions import Conventions
from streamscope.report.accounts import WHERE, Account
from streamscope.report.channels import report_title
from streamscope.report.comparison import Comparison
from streamscope.report.medians import coverage_words, medians_table
from streamscope.report.sections import Section, conventions_words, method_words, sections
from streamscope.report.words import plain, plain_lines

_USUAL = Conventions()
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~$])")


def to_markdown(comparisons: Sequence[Comparison], conventions: Conventions = _USUAL) -> str:
    """Write one report of all these comparisons, such as of a short and of a long prompt."""
    made = sections(comparisons, conventions)
    title = f"# {escape(report_title([section.sides for section in made]))}"
    if not made:
        return f"{title}\n\nNothing was measured.\n"
    parts = [title, _verdicts(made), _table(made)]
    for section in made:
        parts += _section(section, alone=len(made) == 1)
    parts += ["## Method", _list(method_words(made))]
    parts.append(f"Made by streamscope {__version__}.")
    return "\n\n".join(part for part in parts if part) + "\n"


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
    """Write the verdict with its cautions below; of several comparisons, a line each."""
    if len(made) == 1:
        said = f"**{escape(made[0].verdict)}**"
        return "\n\n".join(part for part in (said, _cautions(made[0])) if part)
    lines = []
    for each in made:
        lines.append(f"- **{escape(each.title)}**: {escape(each.line)}")
        lines += [f"  {line}" for line in _cautions(each).splitlines()]
    return "\n".join([*lines, "", escape(conventions_words(made))]).rstrip()


def _cautions(section: Section) -> str:
    return "\n".join(f"- Caution: {escape(said)}" for said in section.cautions)


def _table(made: Sequence[Section]) -> str:
    head, rows = medians_table(made)
    escaped = [[escape(cell) for cell in row] for row in (head, *rows)]
    escaped.insert(1, ["---"] * len(head))
    lines = ["| " + " | ".join(row) + " |" for row in escaped]
    return "\n".join(lines) + f"\n\n{escape(coverage_words(made))}"


def _section(section: Section, *, alone: bool) -> list[str]:
    parts = [] if alone else [f"## {escape(section.title)}"]
    mark = "##" if alone else "###"
    for heading, lines in section.lists(alone=alone):
        parts += [f"{mark} {heading}", _list(lines)]
    if section.accounts:
        parts.append(f"{mark} {WHERE}")
        for account in section.accounts:
            parts += _account(account)
    parts += [f"{mark} Prompt", fenced(section.prompt)]
    if section.command:
        parts += [f"{mark} How to repeat", fenced(section.command)]
    return parts


def _account(account: Account) -> list[str]:
    drawn = [fenced("\n".join(bars))] if (bars := account.bars()) else []
    said = [_list(account.said)] if account.said else []
    return [escape(account.heading), *drawn, *said]


def _list(lines: Sequence[str]) -> str:
    return "\n".join(f"- {escape(line)}" for line in lines)
