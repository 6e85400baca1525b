CREATE TABLE prompts (
    prompt_id  INTEGER PRIMARY KEY,
    sha        TEXT NOT NULL UNIQUE,
    text       TEXT NOT NULL,
    folded     TEXT NOT NULL,
    newest_utc TEXT NOT NULL
) STRICT
;
CREATE TABLE groups (
    group_id   INTEGER PRIMARY KEY,
    prompt_id  INTEGER NOT NULL REFERENCES prompts,
    target_key TEXT NOT NULL,
    engine     TEXT NOT NULL,
    params_sha TEXT NOT NULL,
    layout     TEXT NOT NULL,
    regime     TEXT NOT NULL,
    params     TEXT NOT NULL, newest_utc TEXT NOT NULL DEFAULT '', note TEXT NOT NULL DEFAULT '', tags TEXT NOT NULL DEFAULT '[]', folded_note TEXT NOT NULL DEFAULT '', folded_target TEXT NOT NULL DEFAULT '',
    UNIQUE (prompt_id, target_key, engine, params_sha, layout, regime)
) STRICT
;
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
, nonce TEXT NOT NULL DEFAULT '', deletion_id INTEGER REFERENCES deletions) STRICT
;
CREATE TABLE figures (
    seq   INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
    name  TEXT NOT NULL,
    value REAL,
    PRIMARY KEY (seq, name)
) STRICT, WITHOUT ROWID
;
CREATE TABLE traces (
    seq   INTEGER PRIMARY KEY REFERENCES runs ON DELETE CASCADE,
    trace BLOB NOT NULL
) STRICT
;
CREATE INDEX prompts_newest ON prompts (newest_utc);
CREATE TABLE deletions (
    deletion_id INTEGER PRIMARY KEY,
    deleted_utc TEXT NOT NULL
) STRICT
;
CREATE TABLE comparisons (
    comparison_id TEXT PRIMARY KEY,
    begun_utc     TEXT NOT NULL,
    newest_utc    TEXT NOT NULL DEFAULT '',
    plan          TEXT,
    note          TEXT NOT NULL DEFAULT '',
    tags          TEXT NOT NULL DEFAULT '[]',
    folded_note   TEXT NOT NULL DEFAULT ''
) STRICT, WITHOUT ROWID
;
CREATE TABLE parts (
    group_id      INTEGER NOT NULL REFERENCES groups,
    comparison_id TEXT NOT NULL REFERENCES comparisons,
    newest_utc    TEXT NOT NULL,
    pairs         INTEGER NOT NULL,
    PRIMARY KEY (group_id, comparison_id)
) STRICT, WITHOUT ROWID
;
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
;
CREATE INDEX runs_newest ON runs (deletion_id, started_utc);
CREATE INDEX runs_newest_of_group ON runs (group_id, deletion_id, started_utc);
CREATE INDEX runs_to_pool
ON runs (group_id, deletion_id, mode, left_out, server_version, started_utc)
;
CREATE INDEX runs_of_comparison ON runs (comparison_id, deletion_id, started_utc);
CREATE INDEX runs_of_pair
ON runs (comparison_id, pair, group_id, mode, left_out, deletion_id, started_utc)
;
CREATE INDEX groups_of_prompt ON groups (prompt_id, newest_utc);
CREATE INDEX groups_newest ON groups (newest_utc);
CREATE INDEX comparisons_newest ON comparisons (newest_utc);
CREATE INDEX comparisons_written_about ON comparisons (comparison_id) WHERE folded_note <> '';
CREATE INDEX parts_newest_of_group ON parts (group_id, newest_utc);
CREATE INDEX parts_of_comparison ON parts (comparison_id, newest_utc);
CREATE INDEX votes_of_stream_run ON votes (stream_run);
CREATE INDEX votes_of_blocking_run ON votes (blocking_run);
CREATE VIEW kept_runs AS SELECT * FROM runs WHERE deletion_id IS NULL;
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
WHERE deletion_id IS NULL;
CREATE TRIGGER run_added AFTER INSERT ON runs WHEN NEW.deletion_id IS NULL
BEGIN
INSERT INTO comparisons (comparison_id, begun_utc) VALUES (NEW.comparison_id, NEW.started_utc)
ON CONFLICT DO NOTHING;
INSERT INTO parts (group_id, comparison_id, newest_utc, pairs)
VALUES (NEW.group_id, NEW.comparison_id, NEW.started_utc, (NEW.left_out = '' AND EXISTS (SELECT 1 FROM runs
    WHERE comparison_id = NEW.comparison_id AND pair = NEW.pair
        AND group_id = NEW.group_id AND left_out = '' AND deletion_id IS NULL AND mode = CASE NEW.mode WHEN 'stream' THEN 'blocking' ELSE 'stream' END)
    AND NOT EXISTS (SELECT 1 FROM runs
    WHERE comparison_id = NEW.comparison_id AND pair = NEW.pair
        AND group_id = NEW.group_id AND left_out = '' AND deletion_id IS NULL AND mode = NEW.mode AND seq <> NEW.seq)))
ON CONFLICT DO UPDATE SET
    newest_utc = max(newest_utc, excluded.newest_utc), pairs = pairs + excluded.pairs;
END;
CREATE TRIGGER run_brought_back AFTER UPDATE OF deletion_id ON runs WHEN OLD.deletion_id IS NOT NULL AND NEW.deletion_id IS NULL
BEGIN
INSERT INTO comparisons (comparison_id, begun_utc) VALUES (NEW.comparison_id, NEW.started_utc)
ON CONFLICT DO NOTHING;
INSERT INTO parts (group_id, comparison_id, newest_utc, pairs)
VALUES (NEW.group_id, NEW.comparison_id, NEW.started_utc, (NEW.left_out = '' AND EXISTS (SELECT 1 FROM runs
    WHERE comparison_id = NEW.comparison_id AND pair = NEW.pair
        AND group_id = NEW.group_id AND left_out = '' AND deletion_id IS NULL AND mode = CASE NEW.mode WHEN 'stream' THEN 'blocking' ELSE 'stream' END)
    AND NOT EXISTS (SELECT 1 FROM runs
    WHERE comparison_id = NEW.comparison_id AND pair = NEW.pair
        AND group_id = NEW.group_id AND left_out = '' AND deletion_id IS NULL AND mode = NEW.mode AND seq <> NEW.seq)))
ON CONFLICT DO UPDATE SET
    newest_utc = max(newest_utc, excluded.newest_utc), pairs = pairs + excluded.pairs;
END;
CREATE TRIGGER run_deleted AFTER UPDATE OF deletion_id ON runs WHEN OLD.deletion_id IS NULL AND NEW.deletion_id IS NOT NULL
BEGIN
UPDATE parts SET pairs = pairs - (OLD.left_out = '' AND EXISTS (SELECT 1 FROM runs
    WHERE comparison_id = OLD.comparison_id AND pair = OLD.pair
        AND group_id = OLD.group_id AND left_out = '' AND deletion_id IS NULL AND mode = CASE OLD.mode WHEN 'stream' THEN 'blocking' ELSE 'stream' END)
    AND NOT EXISTS (SELECT 1 FROM runs
    WHERE comparison_id = OLD.comparison_id AND pair = OLD.pair
        AND group_id = OLD.group_id AND left_out = '' AND deletion_id IS NULL AND mode = OLD.mode AND seq <> OLD.seq)), newest_utc = coalesce((
    SELECT started_utc FROM runs
    WHERE comparison_id = OLD.comparison_id AND deletion_id IS NULL AND +group_id = OLD.group_id
    ORDER BY started_utc DESC LIMIT 1), '')
WHERE group_id = OLD.group_id AND comparison_id = OLD.comparison_id;
DELETE FROM parts
WHERE group_id = OLD.group_id AND comparison_id = OLD.comparison_id AND newest_utc = '';
END;
CREATE TRIGGER run_removed AFTER DELETE ON runs WHEN OLD.deletion_id IS NULL
BEGIN
UPDATE parts SET pairs = pairs - (OLD.left_out = '' AND EXISTS (SELECT 1 FROM runs
    WHERE comparison_id = OLD.comparison_id AND pair = OLD.pair
        AND group_id = OLD.group_id AND left_out = '' AND deletion_id IS NULL AND mode = CASE OLD.mode WHEN 'stream' THEN 'blocking' ELSE 'stream' END)
    AND NOT EXISTS (SELECT 1 FROM runs
    WHERE comparison_id = OLD.comparison_id AND pair = OLD.pair
        AND group_id = OLD.group_id AND left_out = '' AND deletion_id IS NULL AND mode = OLD.mode AND seq <> OLD.seq)), newest_utc = coalesce((
    SELECT started_utc FROM runs
    WHERE comparison_id = OLD.comparison_id AND deletion_id IS NULL AND +group_id = OLD.group_id
    ORDER BY started_utc DESC LIMIT 1), '')
WHERE group_id = OLD.group_id AND comparison_id = OLD.comparison_id;
DELETE FROM parts
WHERE group_id = OLD.group_id AND comparison_id = OLD.comparison_id AND newest_utc = '';
END;
CREATE TRIGGER part_added AFTER INSERT ON parts
BEGIN
UPDATE groups SET newest_utc = coalesce((SELECT max(newest_utc) FROM parts WHERE group_id = NEW.group_id), '') WHERE group_id = NEW.group_id;
UPDATE comparisons SET newest_utc = coalesce((SELECT max(newest_utc) FROM parts WHERE comparison_id = NEW.comparison_id), '') WHERE comparison_id = NEW.comparison_id;
END;
CREATE TRIGGER part_changed AFTER UPDATE OF newest_utc ON parts WHEN NEW.newest_utc <> OLD.newest_utc
BEGIN
UPDATE groups SET newest_utc = coalesce((SELECT max(newest_utc) FROM parts WHERE group_id = NEW.group_id), '') WHERE group_id = NEW.group_id;
UPDATE comparisons SET newest_utc = coalesce((SELECT max(newest_utc) FROM parts WHERE comparison_id = NEW.comparison_id), '') WHERE comparison_id = NEW.comparison_id;
END;
CREATE TRIGGER part_removed AFTER DELETE ON parts
BEGIN
UPDATE groups SET newest_utc = coalesce((SELECT max(newest_utc) FROM parts WHERE group_id = OLD.group_id), '') WHERE group_id = OLD.group_id;
UPDATE comparisons SET newest_utc = coalesce((SELECT max(newest_utc) FROM parts WHERE comparison_id = OLD.comparison_id), '') WHERE comparison_id = OLD.comparison_id;
END;
CREATE TRIGGER group_changed AFTER UPDATE OF newest_utc ON groups WHEN NEW.newest_utc <> OLD.newest_utc
BEGIN
UPDATE prompts SET newest_utc = (SELECT max(newest_utc) FROM groups WHERE prompt_id = NEW.prompt_id) WHERE prompt_id = NEW.prompt_id;
END;
