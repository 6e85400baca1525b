"""What every command on the history works with."""

from types import TracebackType
from typing import Self

from streamscope import settings
from streamscope.cli import planning
from streamscope.cli.history.arguments import Options
from streamscope.history import ComparisonRow, History
from streamscope.measure.conventions import Conventions
from streamscope.report.comparison import Comparison
from streamscope.report.recalled import recalled
from streamscope.trace import Run

SHORT = 8
"""Digits of an id that are shown: enough to name it."""


class Desk:
    """The history, what is to be done with it, and what reports take for granted.

    Attributes:
        options: What was said.
        history: The history, open.
        conventions: What reports take for granted.
    """

    def __init__(self, options: Options, history: History, conventions: Conventions) -> None:
        self.options = options
        self.history = history
        self.conventions = conventions

    @classmethod
    def open(cls, options: Options) -> Self:
        """Open the history of the person.

        Raises:
            HistoryError: It can't be used.
            SettingsError: The config file can't be.
            UsageError: The result can't be written where it is wanted.
        """
        planning.check_output(options.output)
        places = settings.places()
        config = settings.load(places.config_file)
        conventions = planning.conventions(options.views, config)
        busy = conventions.trust.include_busy
        history = History.open(places.history_file, include_busy=busy)
        return cls(options, history, conventions)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.history.close()

    def comparison(self, named: str) -> tuple[ComparisonRow, Comparison]:
        """Return the comparison that is named, or that a named run belongs to.

        Raises:
            HistoryError: Nothing, or more than one, is named so.
        """
        kind, whole_id = self.history.find(named)
        if kind == "run":
            whole_id = self.history.load(whole_id).comparison_id
        row, runs = self.history.comparison(whole_id)
        return row, self.as_comparison(row, runs)

    def as_comparison(self, row: ComparisonRow, runs: list[Run]) -> Comparison:
        """Return what reports are made from."""
        return recalled(row.plan, runs, include_busy=self.include_busy)

    @property
    def include_busy(self) -> bool:
        """Whether runs on a busy machine are pooled."""
        return self.conventions.trust.include_busy
