"""What ``docs/history.md`` says about the file is so."""

import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import msgspec

from streamscope.history import History
from streamscope.history.migrations import APPLICATION_ID
from streamscope.history.schema import STEPS
from streamscope.trace import Run

DOCS = (Path(__file__).parents[2] / "docs" / "history.md").read_text(encoding="utf-8")


def test_the_docs_name_the_version_of_the_schema() -> None:
    assert f"Version {len(STEPS)} (`PRAGMA user_version`" in DOCS
    assert f"0x{APPLICATION_ID:x}" in DOCS


def test_the_docs_name_every_column_of_the_view_and_no_other(path: Path) -> None:
    History.open(path).close()
    with closing(sqlite3.connect(path)) as connection:
        columns = {row[1] for row in connection.execute("PRAGMA table_info(run_list)")}
    table = DOCS.partition("The view `run_list`")[2].partition("Below the view")[0]
    rows = re.findall(r"^\| (`.*?) \|", table, re.MULTILINE)

    assert {name for row in rows for name in re.findall(r"`(\w+)`", row)} == columns


def test_the_examples_work(path: Path, make_run: Callable[..., Run]) -> None:
    sql, python = re.findall(r"```(?:sql|python)\n(.*?)```", DOCS, re.DOTALL)
    with History.open(path) as history:
        for value in (4.0, 1.0, 2.0, 3.0):
            history.save(make_run("blocking"), {"ttfv_s": value}).result()
        for value in (3.0, 1.0, 2.0):
            run = make_run("stream")
            history.save(run, {"ttfv_s": value}).result()
        history.save(make_run("stream", ended="error"), {"ttfv_s": 99.0}).result()

    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute(sql).fetchall() == [
            ("m", "blocking", 2.5, 4),
            ("m", "stream", 2.0, 3),
        ]
    names: dict[str, object] = {}
    exec(python.replace("history.db", path.as_posix()), names)
    trace = names["trace"]
    assert isinstance(trace, dict)
    assert trace["marks"] == run.trace.marks
    assert trace["chunks"] == [msgspec.to_builtins(chunk) for chunk in run.trace.chunks]
