"""Finding a run or a comparison by the beginning of its id."""

import sqlite3
from typing import Literal

from streamscope.history.codec import clean
from streamscope.history.errors import HistoryError

Kind = Literal["run", "comparison"]
"""What an id can belong to."""

LEAST = 4
"""Fewest digits of an id that name it."""

LAST = "last"
"""Names the newest comparison."""

_DIGITS = frozenset("0123456789abcdef")

_EXACT = """
SELECT 'run', run_id FROM kept_runs WHERE run_id = :text
UNION ALL
SELECT 'comparison', comparison_id FROM comparisons
WHERE comparison_id = :text AND newest_utc > ''
"""

# Ten are more than enough to say that there are several.
_BEGINNING = """
SELECT * FROM (SELECT 'run', run_id FROM kept_runs
    WHERE run_id >= :text AND run_id < :beyond ORDER BY run_id LIMIT 10)
UNION ALL
SELECT * FROM (SELECT 'comparison', comparison_id FROM comparisons
    WHERE comparison_id >= :text AND comparison_id < :beyond AND newest_utc > ''
    ORDER BY comparison_id LIMIT 10)
"""

_NEWEST = """
SELECT comparison_id FROM comparisons WHERE newest_utc > ''
ORDER BY newest_utc DESC, comparison_id DESC LIMIT 1
"""


def find(connection: sqlite3.Connection, text: str) -> tuple[Kind, str]:
    """Return what ``text`` names, and its whole id.

    Args:
        connection: Where to look.
        text: A whole id, the first digits of one, or ``last``.

    Raises:
        HistoryError: Nothing has such an id, or several have.
    """
    return _one(_named(connection, text), text, "run or comparison")


def find_comparison(connection: sqlite3.Connection, text: str) -> str:
    """Return the whole id of the comparison that ``text`` names, as for ``find``.

    Raises:
        HistoryError: No comparison has such an id, or several have.
    """
    named = [each for each in _named(connection, text) if each[0] == "comparison"]
    return _one(named, text, "comparison")[1]


def _named(connection: sqlite3.Connection, text: str) -> list[tuple[Kind, str]]:
    """Return everything that ``text`` may name."""
    text = clean(text).strip()
    if text.lower() == LAST:
        newest = connection.execute(_NEWEST).fetchone()
        if newest is None:
            raise HistoryError("There is no comparison in the history yet: run one first.")
        return [("comparison", newest[0])]
    exact = connection.execute(_EXACT, {"text": text}).fetchall()
    text = text.lower()
    if exact or len(text) < LEAST or not _DIGITS.issuperset(text):
        return [(kind, name) for kind, name in exact]
    bound = {"text": text, "beyond": text + "\U0010ffff"}
    return [(kind, name) for kind, name in connection.execute(_BEGINNING, bound)]


def _one(named: list[tuple[Kind, str]], text: str, what: str) -> tuple[Kind, str]:
    if len(named) == 1:
        return named[0]
    if named:
        raise HistoryError(
            f"{_shown(text)} is the beginning of several ids in the history: give more digits."
        )
    raise HistoryError(
        f"There is no {what} {_shown(text)} in the history: give its id or at least the first "
        f"{LEAST} digits of it, or “{LAST}” for the newest comparison."
    )


def _shown(text: str) -> str:
    """Return ``text`` short enough, and printable, to stand in a sentence."""
    short = text if len(text) <= 40 else text[:39] + "…"
    return "“" + "".join(char if char.isprintable() else "\ufffd" for char in short) + "”"
