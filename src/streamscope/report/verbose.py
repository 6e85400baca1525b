"""What stands below a table for whoever wants to know more: one run of each channel, in detail."""

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from streamscope.report.accounts import Account, account_of, accounts
from streamscope.report.comparison import Comparison
from streamscope.report.phases_words import LEAST_WIDTH
from streamscope.trace import Run

MOST_WIDTH = 100
"""Columns that bars take at most: a longer one is not easier to read."""

BULLET = "-"
"""Stands before each statement: no dot, as those separate what stands within one."""


class Bars:
    """The spans of a run as bars, as wide as the terminal lets them be."""

    def __init__(self, account: Account) -> None:
        """Take the run."""
        self._account = account

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw; where only ASCII can be written, with ASCII."""
        del console
        width = max(LEAST_WIDTH, min(options.max_width, MOST_WIDTH))
        for line in self._account.bars(width, ascii_only=options.ascii_only):
            yield Text(line, no_wrap=True, overflow="crop")


def verbose(comparison: Comparison) -> RenderableType:
    """Return where the time went on each channel, and what is to be known about that."""
    parts: list[RenderableType] = []
    for account in accounts(comparison):
        parts += [Text(), Text(account.heading, "bold"), _drawn(account)]
    return Group(*parts)


def of_run(run: Run) -> RenderableType:
    """Return where the time of one run went, and what is to be known about it."""
    return _drawn(account_of(run))


def _drawn(account: Account) -> RenderableType:
    statements = Table.grid(padding=(0, 1, 0, 0))
    for line in account.said:
        statements.add_row(BULLET, Text(line))
    return Group(Bars(account), statements)
