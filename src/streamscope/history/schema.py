"""The tables of the history, as the ordered steps that lead to them.

A step that was released is never edited: what is to change becomes a further step, and gets a
test that starts from every older schema. The schema is documented in ``docs/history.md``. Each
later step has a module of its own.

The hot columns are small and come first; traces, which are read one at a time, have a table of
their own, so that lists and medians never page through them.
"""

from streamscope.history import schema_2
from streamscope.history.migrations import Step

_PROMPTS = """
CREATE TABLE prompts (
    prompt_id  INTEGER PRIMARY KEY,
    sha        TEXT NOT NULL UNIQUE,
    text       TEXT NOT NULL,
    folded     TEXT NOT NULL,
    newest_utc TEXT NOT NULL
) STRICT
"""

_GROUPS = """
CREATE TABLE groups (
    group_id   INTEGER PRIMARY KEY,
    prompt_id  INTEGER NOT NULL REFERENCES prompts,
    target_key TEXT NOT NULL,
    engine     TEXT NOT NULL,
    params_sha TEXT NOT NULL,
    layout     TEXT NOT NULL,
    regime     TEXT NOT NULL,
    params     TEXT NOT NULL,
    UNIQUE (prompt_id, target_key, engine, params_sha, layout, regime)
) STRICT
"""

_RUNS = """
CREATE TABLE runs (
    seq                INTEGER PRIMARY KEY,
    run_id             TEXT NOT NULL UNIQUE,
    group_id           INTEGER NOT NULL REFERENCES groups,
    started_utc        TEXT NOT NULL,
    mode               TEXT NOT NULL,
    left_out           TEXT NOT NULL,
    comparison_id      TEXT NOT NULL,
    channel            TEXT NOT NULL,
    pair               INTEGER NOT NULL,
    position           INTEGER NOT NULL,
    warmup             INTEGER NOT NULL,
    protocol           TEXT NOT NULL,
    url                TEXT NOT NULL,
    model              TEXT NOT NULL,
    server_model       TEXT NOT NULL,
    server_version     TEXT NOT NULL,
    ended              TEXT,
    fault_code         TEXT,
    fault_sentence     TEXT,
    status             INTEGER,
    clock              TEXT NOT NULL,
    tokens_prompt      INTEGER,
    tokens_output      INTEGER,
    tokens_reasoning   INTEGER,
    tokens_cached      INTEGER,
    load_s             REAL,
    queue_s            REAL,
    prefill_s          REAL,
    decode_s           REAL,
    server_total_s     REAL,
    prefill_tokens     INTEGER,
    decode_tokens      INTEGER,
    timings_source     TEXT NOT NULL,
    n_chunks           INTEGER NOT NULL,
    n_reasoning_chunks INTEGER NOT NULL,
    output_sha         TEXT NOT NULL,
    reasoning_sha      TEXT NOT NULL,
    flags              TEXT NOT NULL
) STRICT
"""

_FIGURES = """
CREATE TABLE figures (
    seq   INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
    name  TEXT NOT NULL,
    value REAL,
    PRIMARY KEY (seq, name)
) STRICT, WITHOUT ROWID
"""

_TRACES = """
CREATE TABLE traces (
    seq   INTEGER PRIMARY KEY REFERENCES runs ON DELETE CASCADE,
    trace BLOB NOT NULL
) STRICT
"""

_RUN_LIST = """
CREATE VIEW run_list AS
SELECT runs.*, prompts.text AS prompt, prompts.sha AS prompt_sha, groups.target_key,
       groups.engine, groups.layout, groups.regime, groups.params, groups.params_sha,
       json_extract(groups.params, '$.system') AS system
FROM runs JOIN groups USING (group_id) JOIN prompts USING (prompt_id)
"""

STEPS: tuple[Step, ...] = (
    (
        _PROMPTS,
        _GROUPS,
        _RUNS,
        _FIGURES,
        _TRACES,
        # Lists, newest first, of everything and of one group.
        "CREATE INDEX runs_newest ON runs (started_utc)",
        "CREATE INDEX runs_newest_of_group ON runs (group_id, started_utc)",
        # The runs of a group to be counted, and to be pooled: in this order without sorting.
        "CREATE INDEX runs_to_pool ON runs (group_id, mode, left_out, server_version, started_utc)",
        "CREATE INDEX runs_of_comparison ON runs (comparison_id, pair)",
        "CREATE INDEX prompts_newest ON prompts (newest_utc)",
        "CREATE INDEX groups_of_prompt ON groups (prompt_id)",
        _RUN_LIST,
    ),
    schema_2.step,
)
"""Step ``n`` (from 1) leads from ``user_version`` ``n - 1`` to ``n``."""
