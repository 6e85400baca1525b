"""Every run ever measured, kept in SQLite: schema, migrations, queries."""

from streamscope.history.errors import HistoryError
from streamscope.history.groups import Group, GroupValues, RunRow
from streamscope.history.store import History

__all__ = ["Group", "GroupValues", "History", "HistoryError", "RunRow"]
