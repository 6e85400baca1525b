"""The list of groups, with the newest figures of each: searched, newest first, page by page."""

import sqlite3
from collections.abc import Sequence
from itertools import islice

from streamscope.history.codec import clean, decode_request
from streamscope.history.comparisons import read_tags
from streamscope.history.groups import group_of_row, target_of_row
from streamscope.history.pools import values_of
from streamscope.history.rows import GroupRow

MOST_WORDS = 32
"""How many words of a search count: somebody may paste a whole prompt."""

# What is on the page comes first: nothing else is looked up for groups that are not on it.
_LIST = """
WITH page AS (
    SELECT groups.group_id FROM groups {search}
    ORDER BY groups.newest_utc DESC, groups.group_id DESC LIMIT :limit OFFSET :offset
)
SELECT groups.group_id, groups.newest_utc, groups.note, groups.tags, groups.target_key,
       groups.engine, groups.params_sha, groups.layout, groups.regime, groups.params,
       prompts.text AS prompt, newest.protocol, newest.url, newest.model,
       (SELECT sum(pairs) FROM parts WHERE parts.group_id = page.group_id) AS pairs
FROM page CROSS JOIN groups ON groups.group_id = page.group_id
CROSS JOIN prompts ON prompts.prompt_id = groups.prompt_id
CROSS JOIN runs AS newest ON newest.seq = (
    SELECT seq FROM kept_runs WHERE kept_runs.group_id = page.group_id
    ORDER BY started_utc DESC, seq DESC LIMIT 1)
ORDER BY groups.newest_utc DESC, groups.group_id DESC
"""

_ALL = "WHERE groups.newest_utc > ''"
_SOME = f"CROSS JOIN prompts ON prompts.prompt_id = groups.prompt_id {_ALL}"

_WORD = """
(instr(groups.folded_target, :{word}) OR instr(groups.folded_note, :{word})
    OR instr(prompts.folded, :{word})
    OR groups.group_id IN (
        SELECT parts.group_id FROM comparisons CROSS JOIN parts USING (comparison_id)
        WHERE comparisons.folded_note <> '' AND instr(comparisons.folded_note, :{word})))
"""

_TAG = """
((groups.tags <> '[]' AND :{word} IN (SELECT value FROM json_each(groups.tags)))
    OR groups.group_id IN (
        SELECT parts.group_id FROM comparisons CROSS JOIN parts USING (comparison_id)
        WHERE comparisons.folded_note <> ''
            AND :{word} IN (SELECT value FROM json_each(comparisons.tags))))
"""


def groups(
    connection: sqlite3.Connection,
    limit: int,
    contains: str,
    names: Sequence[str],
    newest: int,
    offset: int,
    *,
    busy: bool = False,
) -> list[GroupRow]:
    """Return up to ``limit`` groups that have runs, the one with the newest run first."""
    search, bound = _search(contains)
    rows = connection.execute(
        _LIST.format(search=search),
        bound | {"limit": max(limit, 0), "offset": max(offset, 0)},
    ).fetchall()
    return [_group_row(connection, row, names, newest, busy=busy) for row in rows]


def _search(contains: str) -> tuple[str, dict[str, object]]:
    """Return which groups have all words of ``contains``, as SQL, and what to bind in it.

    A word that begins with # is a tag.
    """
    conditions = ""
    bound: dict[str, object] = {}
    words = dict.fromkeys(clean(contains).split())
    for number, word in enumerate(islice(words, MOST_WORDS)):
        tag = word.startswith("#") and word != "#"
        bound[f"word{number}"] = word[1:].lower() if tag else word.casefold()
        conditions += f" AND {(_TAG if tag else _WORD).format(word=f'word{number}')}"
    return f"{_SOME}{conditions}" if conditions else _ALL, bound


def _group_row(
    connection: sqlite3.Connection,
    row: sqlite3.Row,
    names: Sequence[str],
    newest: int,
    *,
    busy: bool,
) -> GroupRow:
    values = values_of(connection, row["group_id"], names, newest, busy=busy)
    return GroupRow(
        group=group_of_row(row),
        target=target_of_row(row),
        request=decode_request(row["prompt"], row["params"]),
        started_utc=row["newest_utc"],
        runs=sum(each.n + sum(each.excluded.values()) for each in values.values()),
        pairs=row["pairs"],
        note=row["note"],
        tags=read_tags(row["tags"]),
        values=values,
    )
