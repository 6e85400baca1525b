"""Tables that go to a terminal and to a Markdown file alike."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

NONE = "–"
"""What stands where there is no number."""


@dataclass(frozen=True)
class Sheet:
    """A table.

    Attributes:
        title: Above it.
        headings: One for each column.
        rows: Each as long as the headings.
        texts: How many columns, from the left, hold words.
        notes: Sentences below it.
    """

    title: str
    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    texts: int = 1
    notes: list[str] = field(default_factory=list)

    def rendered(self) -> RenderableType:
        """Return it for a terminal."""
        table = Table(title=Text(self.title), title_justify="left")
        for index, heading in enumerate(self.headings):
            words = index < self.texts
            # A name stays in one piece, sentences do not.
            whole = words and self.texts < len(self.headings)
            table.add_column(Text(heading), justify="left" if words else "right", no_wrap=whole)
        for row in self.rows:
            table.add_row(*map(Text, row))
        return Group(table, *map(Text, self.notes))

    def markdown(self) -> str:
        """Return it as Markdown."""
        rule = ["---" if index < self.texts else "--:" for index in range(len(self.headings))]
        lines = [self.headings, rule, *self.rows]
        table = "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)
        notes = "".join(f"\n- {note}" for note in self.notes)
        return f"### {self.title}\n\n{table}\n" + (f"{notes}\n" if notes else "")


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


def number(value: float | None, digits: int = 3) -> str:
    """Return a number with so many digits behind the point."""
    return NONE if value is None else f"{value:.{digits}f}"


def show(console: Console, sheet: Sheet) -> None:
    """Print a table."""
    console.print(sheet.rendered())
    console.print()


def write(file: Path, machine: Sequence[str], sheets: Iterable[Sheet]) -> None:
    """Write what a machine is, and tables, as Markdown."""
    head = "\n".join(f"- {line}" for line in machine)
    file.write_text("\n".join([f"{head}\n", *(sheet.markdown() for sheet in sheets)]))


def wide_console() -> Console:
    """Return a console on which no table is folded."""
    console = Console()
    return Console(width=max(console.width, 200))
