"""The second step of the schema: comparisons, notes, votes, and deleting with a way back.

A deleted run keeps its row and carries the number of its deletion until it is brought back or
purged. Reads go through views that leave such rows out, so that none of them can forget to.

What lists are sorted by is kept beside the runs, by triggers: whoever writes, also another program
or an older version that has the file open, leaves it right.
"""

import sqlite3

_TABLES = (
    """
CREATE TABLE deletions (
    deletion_id INTEGER PRIMARY KEY,
    deleted_utc TEXT NOT NULL
) STRICT
""",
    """
CREATE TABLE comparisons (
    comparison_id TEXT PRIMARY KEY,
    begun_utc     TEXT NOT NULL,
    newest_utc    TEXT NOT NULL DEFAULT '',
    plan          TEXT,
    note          TEXT NOT NULL DEFAULT '',
    tags          TEXT NOT NULL DEFAULT '[]',
    folded_note   TEXT NOT NULL DEFAULT ''
) STRICT, WITHOUT ROWID
""",
    # The runs of one comparison that are of one group, as long as there are any.
    """
CREATE TABLE parts (
    group_id      INTEGER NOT NULL REFERENCES groups,
    comparison_id TEXT NOT NULL REFERENCES comparisons,
    newest_utc    TEXT NOT NULL,
    pairs         INTEGER NOT NULL,
    PRIMARY KEY (group_id, comparison_id)
) STRICT, WITHOUT ROWID
""",
    """
CREATE TABLE votes (
    vote_id         INTEGER PRIMARY KEY,
    voted_utc       TEXT NOT NULL,
    stream_run      TEXT NOT NULL,
    blocking_run    TEXT NOT NULL,
    choice          TEXT NOT NULL,
    felt_stream_s   REAL,
    felt_blocking_s REAL,
    first_s         REAL,
    stream_total_s  REAL,
    blocking_s      REAL
) STRICT
""",
    "ALTER TABLE runs ADD COLUMN nonce TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE runs ADD COLUMN deletion_id INTEGER REFERENCES deletions",
    "ALTER TABLE groups ADD COLUMN newest_utc TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE groups ADD COLUMN note TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE groups ADD COLUMN tags TEXT NOT NULL DEFAULT '[]'",
    "ALTER TABLE groups ADD COLUMN folded_note TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE groups ADD COLUMN folded_target TEXT NOT NULL DEFAULT ''",
)

# Every index on runs holds ``deletion_id``, so that what is kept, or one deletion, is one range.
_INDEXES = (
    "DROP INDEX runs_newest",
    "DROP INDEX runs_newest_of_group",
    "DROP INDEX runs_to_pool",
    "DROP INDEX runs_of_comparison",
    "DROP INDEX groups_of_prompt",
    "CREATE INDEX runs_newest ON runs (deletion_id, started_utc)",
    "CREATE INDEX runs_newest_of_group ON runs (group_id, deletion_id, started_utc)",
    """
CREATE INDEX runs_to_pool
ON runs (group_id, deletion_id, mode, left_out, server_version, started_utc)
""",
    "CREATE INDEX runs_of_comparison ON runs (comparison_id, deletion_id, started_utc)",
    """
CREATE INDEX runs_of_pair
ON runs (comparison_id, pair, group_id, mode, left_out, deletion_id, started_utc)
""",
    "CREATE INDEX groups_of_prompt ON groups (prompt_id, newest_utc)",
    "CREATE INDEX groups_newest ON groups (newest_utc)",
    "CREATE INDEX comparisons_newest ON comparisons (newest_utc)",
    # Few are written about: a search need not look at the others.
    "CREATE INDEX comparisons_written_about ON comparisons (comparison_id) WHERE folded_note <> ''",
    "CREATE INDEX parts_newest_of_group ON parts (group_id, newest_utc)",
    "CREATE INDEX parts_of_comparison ON parts (comparison_id, newest_utc)",
    "CREATE INDEX votes_of_stream_run ON votes (stream_run)",
    "CREATE INDEX votes_of_blocking_run ON votes (blocking_run)",
)

_VIEWS = (
    "CREATE VIEW kept_runs AS SELECT * FROM runs WHERE deletion_id IS NULL",
    "DROP VIEW run_list",
    """
CREATE VIEW run_list AS
SELECT seq, run_id, group_id, started_utc, mode, left_out, comparison_id, channel, pair, position,
       warmup, nonce, protocol, url, model, server_model, server_version, ended, fault_code,
       fault_sentence, status, clock, tokens_prompt, tokens_output, tokens_reasoning,
       tokens_cached, load_s, queue_s, prefill_s, decode_s, server_total_s, prefill_tokens,
       decode_tokens, timings_source, n_chunks, n_reasoning_chunks, output_sha, reasoning_sha,
       flags, prompts.text AS prompt, prompts.sha AS prompt_sha, groups.target_key, groups.engine,
       groups.layout, groups.regime, groups.params, groups.params_sha,
       json_extract(groups.params, '$.system') AS system
FROM runs JOIN groups USING (group_id) JOIN prompts USING (prompt_id)
WHERE deletion_id IS NULL
""",
)

_FILLING = (
    """
INSERT INTO comparisons (comparison_id, begun_utc, newest_utc)
SELECT comparison_id, min(started_utc), max(started_utc) FROM runs GROUP BY comparison_id
""",
    """
INSERT INTO parts (group_id, comparison_id, newest_utc, pairs)
SELECT group_id, comparison_id, max(started_utc), 0 FROM runs GROUP BY group_id, comparison_id
""",
    """
UPDATE parts SET pairs = found.pairs FROM (
    SELECT group_id, comparison_id, count(*) AS pairs FROM (
        SELECT group_id, comparison_id FROM runs WHERE left_out = ''
        GROUP BY group_id, comparison_id, pair HAVING min(mode) <> max(mode)
    ) GROUP BY group_id, comparison_id
) AS found
WHERE found.group_id = parts.group_id AND found.comparison_id = parts.comparison_id
""",
    """
UPDATE groups SET newest_utc = coalesce(
    (SELECT max(newest_utc) FROM parts WHERE parts.group_id = groups.group_id), '')
""",
)


# The names that are put into SQL from here on are our own.


def _makes_pair(run: str) -> str:
    """Return SQL for 1 if a pair is whole with the run (``NEW``, ``OLD``) and not without, else 0.

    The other mode must be there, and no second run of the same mode that could take its place.
    """
    others = f"""SELECT 1 FROM runs
    WHERE comparison_id = {run}.comparison_id AND pair = {run}.pair
        AND group_id = {run}.group_id AND left_out = '' AND deletion_id IS NULL"""  # noqa: S608 (our own names)
    other_mode = f"CASE {run}.mode WHEN 'stream' THEN 'blocking' ELSE 'stream' END"
    return f"""({run}.left_out = '' AND EXISTS ({others} AND mode = {other_mode})
    AND NOT EXISTS ({others} AND mode = {run}.mode AND seq <> {run}.seq))"""


def _trigger(name: str, event: str, *body: str) -> str:
    statements = "\n".join(f"{each.strip()};" for each in body)
    return f"CREATE TRIGGER {name} AFTER {event}\nBEGIN\n{statements}\nEND"


_COMES = (
    """
INSERT INTO comparisons (comparison_id, begun_utc) VALUES (NEW.comparison_id, NEW.started_utc)
ON CONFLICT DO NOTHING
""",
    f"""
INSERT INTO parts (group_id, comparison_id, newest_utc, pairs)
VALUES (NEW.group_id, NEW.comparison_id, NEW.started_utc, {_makes_pair("NEW")})
ON CONFLICT DO UPDATE SET
    newest_utc = max(newest_utc, excluded.newest_utc), pairs = pairs + excluded.pairs
""",  # noqa: S608 (our own names)
)

_GOES = (
    f"""
UPDATE parts SET pairs = pairs - {_makes_pair("OLD")}, newest_utc = coalesce((
    SELECT started_utc FROM runs
    WHERE comparison_id = OLD.comparison_id AND deletion_id IS NULL AND +group_id = OLD.group_id
    ORDER BY started_utc DESC LIMIT 1), '')
WHERE group_id = OLD.group_id AND comparison_id = OLD.comparison_id
""",  # noqa: S608 (our own names)
    """
DELETE FROM parts
WHERE group_id = OLD.group_id AND comparison_id = OLD.comparison_id AND newest_utc = ''
""",
)


def _newest(row: str) -> tuple[str, str]:
    """Return SQL that brings group and comparison of a part (``NEW``, ``OLD``) up to date."""
    group, comparison = (
        f"UPDATE {table} SET newest_utc = coalesce("  # noqa: S608 (our own names)
        f"(SELECT max(newest_utc) FROM parts WHERE {key} = {row}.{key}), '') "
        f"WHERE {key} = {row}.{key}"
        for table, key in (("groups", "group_id"), ("comparisons", "comparison_id"))
    )
    return group, comparison


_TRIGGERS = (
    _trigger("run_added", "INSERT ON runs WHEN NEW.deletion_id IS NULL", *_COMES),
    _trigger(
        "run_brought_back",
        "UPDATE OF deletion_id ON runs "
        "WHEN OLD.deletion_id IS NOT NULL AND NEW.deletion_id IS NULL",
        *_COMES,
    ),
    _trigger(
        "run_deleted",
        "UPDATE OF deletion_id ON runs "
        "WHEN OLD.deletion_id IS NULL AND NEW.deletion_id IS NOT NULL",
        *_GOES,
    ),
    _trigger("run_removed", "DELETE ON runs WHEN OLD.deletion_id IS NULL", *_GOES),
    _trigger("part_added", "INSERT ON parts", *_newest("NEW")),
    _trigger(
        "part_changed",
        "UPDATE OF newest_utc ON parts WHEN NEW.newest_utc <> OLD.newest_utc",
        *_newest("NEW"),
    ),
    _trigger("part_removed", "DELETE ON parts", *_newest("OLD")),
    _trigger(
        "group_changed",
        "UPDATE OF newest_utc ON groups WHEN NEW.newest_utc <> OLD.newest_utc",
        "UPDATE prompts SET newest_utc = "
        "(SELECT max(newest_utc) FROM groups WHERE prompt_id = NEW.prompt_id) "
        "WHERE prompt_id = NEW.prompt_id",
    ),
)


def step(connection: sqlite3.Connection) -> None:
    """Lead from version 1 to version 2; keep every run."""
    for statement in (*_TABLES, *_FILLING, *_INDEXES, *_VIEWS):
        connection.execute(statement)
    targets = connection.execute("SELECT DISTINCT target_key FROM groups").fetchall()
    # SQLite folds ASCII only.
    connection.executemany(
        "UPDATE groups SET folded_target = ? WHERE target_key = ?",
        [(target.casefold(), target) for (target,) in targets],
    )
    for statement in _TRIGGERS:
        connection.execute(statement)
