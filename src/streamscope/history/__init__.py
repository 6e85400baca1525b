"""Every run ever measured, kept in SQLite: schema, migrations, queries."""

from streamscope.history.errors import HistoryError
from streamscope.history.groups import Group, Part
from streamscope.history.rows import (
    Choice,
    ComparisonRow,
    Deletion,
    GroupRow,
    GroupValues,
    Imported,
    PairValues,
    RunRow,
    TrendPoint,
    VoteRow,
)
from streamscope.history.store import History

__all__ = [
    "Choice",
    "ComparisonRow",
    "Deletion",
    "Group",
    "GroupRow",
    "GroupValues",
    "History",
    "HistoryError",
    "Imported",
    "PairValues",
    "Part",
    "RunRow",
    "TrendPoint",
    "VoteRow",
]
