"""Notes, tags, deleting and bringing back: nothing of what was deleted shows, nothing else goes."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from streamscope.history import Deletion, Group, History, HistoryError, VoteRow
from streamscope.history.edits import UNDO_FOR
from streamscope.plan import Plan
from streamscope.trace import Run

MakeRun = Callable[..., Run]
Keep = Callable[..., Run]

FIRST, SECOND = "1" * 32, "2" * 32
UNCHANGED = Deletion(deletion_id=0, runs=0)


def everything(history: History, group: Group) -> dict[str, object]:
    """Return what every kind of read answers."""
    return {
        "count": history.count(),
        "prompts": history.prompts(),
        "recent": history.recent(100),
        "recent of the group": history.recent(100, group),
        "groups": history.groups(names=["a"]),
        "values": history.values(group, ["a"]),
        "pairs": history.pairs(*group.delivered(), ["a"]),
        "trend": history.trend(group, "a"),
        "last pair": history.last_pair(*group.delivered()),
        "comparisons": history.comparisons(),
        "comparisons of the group": history.comparisons(group=group),
        "export": list(history.export()),
        "votes": history.votes(),
    }


def a_vote(stream: Run, blocking: Run) -> VoteRow:
    return VoteRow(
        voted_utc="2026-10-17T12:30:00Z",
        stream_run=stream.run_id,
        blocking_run=blocking.run_id,
        choice="stream",
    )


@pytest.fixture
def pair(history: History, make_run: MakeRun, keep: Keep) -> tuple[Run, Run]:
    """A pair in a comparison of its own, with a plan and a vote about it."""
    history.begin(FIRST, Plan()).result()
    stream = keep(make_run("stream", comparison_id=FIRST), a=1.0)
    blocking = keep(make_run("blocking", comparison_id=FIRST), a=2.0)
    history.vote(a_vote(stream, blocking)).result()
    return stream, blocking


def test_a_note_and_tags_stay_with_a_group_and_with_a_comparison(
    history: History, pair: tuple[Run, Run]
) -> None:
    group = Group.of(pair[0])
    history.annotate(group, note=" Slow today. ", tags=["WLAN"]).result()
    history.annotate(FIRST, note="After the update.", tags=["a b", "#C", "c", "", "#"]).result()
    history.annotate(FIRST, note="After the second update.").result()
    history.annotate(group, tags=[]).result()

    (row,) = history.groups()
    assert (row.note, row.tags) == ("Slow today.", ())
    comparison, _ = history.comparison(FIRST)
    assert (comparison.note, comparison.tags) == ("After the second update.", ("a-b", "c"))


def test_text_that_is_no_text_does_not_cost_the_note(
    history: History, pair: tuple[Run, Run]
) -> None:
    history.annotate(FIRST, note="a\ud83db\x00", tags=["\ud83d"]).result()

    comparison, _ = history.comparison(FIRST)
    assert (comparison.note, comparison.tags) == ("a\ufffdb\x00", ("\ufffd",))


def test_what_is_not_there_cannot_be_annotated(history: History, make_run: MakeRun) -> None:
    with pytest.raises(HistoryError, match="no such comparison"):
        history.annotate(SECOND, note="x").result()
    with pytest.raises(HistoryError, match="no runs of this prompt"):
        history.annotate(Group.of(make_run()), note="x").result()


@pytest.mark.parametrize("what", ["runs", "comparisons", "groups"])
def test_what_was_deleted_shows_nowhere_and_comes_back_as_it_was(
    history: History, make_run: MakeRun, keep: Keep, pair: tuple[Run, Run], what: str
) -> None:
    group = Group.of(pair[0])
    history.annotate(group, note="kept", tags=["kept"]).result()
    other = keep(make_run(prompt="other", comparison_id=SECOND), a=3.0)
    before = everything(history, group)
    named = {
        "runs": [run.run_id for run in pair],
        "comparisons": [FIRST],
        "groups": [group],
    }

    deleted = history.delete(**{what: named[what]}).result()  # type: ignore[arg-type] # by name

    assert deleted.runs == 2
    assert history.count() == 1
    assert history.prompts() == ["other"]
    assert [row.run_id for row in history.recent(100)] == [other.run_id]
    assert history.recent(100, group) == []
    assert [row.group.prompt for row in history.groups()] == ["other"]
    assert history.groups(contains="#kept") == []
    assert all(
        (each.n, each.values, each.excluded) == (0, {"a": []}, {})
        for each in history.values(group, ["a"]).values()
    )
    assert history.pairs(*group.delivered(), ["a"]) == []
    assert history.trend(group, "a") == []
    assert history.last_pair(*group.delivered()) is None
    assert [row.comparison_id for row in history.comparisons()] == [SECOND]
    assert history.comparisons(group=group) == []
    assert list(history.export()) == [other]
    assert list(history.export(comparison_id=FIRST)) == []
    assert history.votes() == []
    for name in (pair[0].run_id, FIRST):
        with pytest.raises(HistoryError, match="There is no run or comparison"):
            history.find(name)
    with pytest.raises(HistoryError, match="There is no run"):
        history.load(pair[0].run_id)

    assert history.undo().result() == 2
    assert everything(history, group) == before


def test_what_is_left_is_pooled_and_paired_without_what_was_deleted(
    history: History, make_run: MakeRun, keep: Keep, pair: tuple[Run, Run]
) -> None:
    stream = keep(make_run("stream", comparison_id=FIRST, pair=2), a=5.0)
    blocking = keep(make_run("blocking", comparison_id=FIRST, pair=2), a=6.0)
    group = Group.of(stream)

    history.delete(runs=[pair[1].run_id, blocking.run_id, "unknown"]).result()

    values = history.values(group, ["a"])
    assert (values["stream"].n, values["blocking"].n) == (2, 0)
    assert history.pairs(*group.delivered(), ["a"]) == []
    (row,) = history.comparisons()
    assert (row.runs, row.pairs) == (2, 0)
    assert history.groups()[0].pairs == 0
    assert history.comparison(FIRST)[1] == [pair[0], stream]


def test_deletions_are_undone_the_newest_first(
    history: History, make_run: MakeRun, keep: Keep
) -> None:
    runs = [keep(make_run()) for _ in range(3)]
    one = history.delete(runs=[runs[0].run_id]).result()
    two = history.delete(runs=[runs[0].run_id, runs[1].run_id]).result()

    assert (one.runs, two.runs) == (1, 1)
    assert one.deletion_id != two.deletion_id
    assert history.undo().result() == 1
    assert [row.run_id for row in history.recent(9)] == [runs[2].run_id, runs[1].run_id]
    assert [history.undo().result() for _ in range(2)] == [1, 0]
    assert history.count() == 3


def test_deleting_nothing_is_no_deletion(history: History, make_run: MakeRun, keep: Keep) -> None:
    run = keep(make_run())
    history.delete(runs=[run.run_id]).result()

    assert history.delete().result() == UNCHANGED
    assert history.delete(runs=["x"], comparisons=["' OR 1"]).result() == UNCHANGED
    assert history.delete(groups=[Group.of(make_run(prompt="never"))]).result() == UNCHANGED
    assert history.undo().result() == 1


def test_a_deletion_can_be_undone_after_a_restart(path: Path, make_run: MakeRun) -> None:
    with History.open(path) as history:
        history.save(make_run(), {}).result()
        history.delete(groups=[history.groups()[0].group]).result()
    with History.open(path) as history:
        assert history.undo().result() == 1
        assert history.count() == 1


def date_deletions(path: Path, age: timedelta) -> None:
    """Have all deletions happened ``age`` ago."""
    then = f"{datetime.now(UTC) - age:%Y-%m-%dT%H:%M:%S.%fZ}"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE deletions SET deleted_utc = ?", (then,))
        connection.execute("UPDATE comparisons SET begun_utc = min(begun_utc, ?)", (then,))
        connection.commit()


def rows(path: Path) -> dict[str, int]:
    with closing(sqlite3.connect(path)) as connection:
        tables = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
        return {
            name: connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0]
            for (name,) in tables.fetchall()
        }


def test_what_was_deleted_long_ago_is_gone_for_good(
    path: Path, history: History, make_run: MakeRun, keep: Keep
) -> None:
    secret = "The cake is in the cellar, behind the third shelf."
    history.begin(FIRST, Plan()).result()
    stream = keep(make_run(prompt=secret, comparison_id=FIRST), a=1.0)
    history.annotate(Group.of(stream), note="A secret note.").result()
    history.annotate(FIRST, note="Another secret note.").result()
    history.vote(a_vote(stream, stream)).result()
    history.delete(comparisons=[FIRST]).result()
    other = keep(make_run(comparison_id=SECOND))
    history.close()
    assert secret.encode() in path.read_bytes()
    date_deletions(path, UNDO_FOR + timedelta(hours=1))

    with History.open(path) as history:
        assert history.undo().result() == 0
        assert list(history.export()) == [other]

    assert rows(path) == {
        "comparisons": 1,
        "deletions": 0,
        "figures": 0,
        "groups": 1,
        "parts": 1,
        "prompts": 1,
        "runs": 1,
        "traces": 1,
        "votes": 0,
    }
    content = path.read_bytes()
    for word in (secret, "secret note", FIRST, stream.run_id):
        assert word.encode() not in content


def test_what_still_has_runs_outlives_those_that_are_purged(
    path: Path, history: History, make_run: MakeRun, keep: Keep
) -> None:
    gone, kept, later = (keep(make_run(comparison_id=FIRST)) for _ in range(3))
    history.annotate(Group.of(gone), note="kept").result()
    history.annotate(FIRST, note="kept, too").result()
    history.delete(runs=[gone.run_id]).result()
    history.close()
    date_deletions(path, UNDO_FOR + timedelta(hours=1))

    with History.open(path) as history:
        # Deleted today, so that all that it belongs to has to stay.
        history.delete(runs=[kept.run_id, later.run_id]).result()
    with History.open(path) as history:
        assert (history.count(), history.groups()) == (0, [])
        assert history.undo().result() == 2
        assert [(row.note, row.runs) for row in history.groups()] == [("kept", 2)]
        assert history.comparison(FIRST)[0].note == "kept, too"


def test_a_comparison_that_waits_for_its_first_run_keeps_its_plan(
    path: Path, history: History, make_run: MakeRun
) -> None:
    """Another program may open the history while a long first run is under way."""
    history.begin(FIRST, Plan(repeat=9)).result()
    History.open(path).close()
    history.save(make_run(comparison_id=FIRST), {}).result()

    assert history.comparison(FIRST)[0].plan == Plan(repeat=9)


def test_a_plan_that_never_came_to_a_run_goes_after_a_day(path: Path, history: History) -> None:
    history.begin(FIRST, Plan()).result()
    history.close()
    date_deletions(path, UNDO_FOR + timedelta(hours=1))

    History.open(path).close()

    assert rows(path)["comparisons"] == 0


def test_what_is_handed_over_may_change_afterwards(history: History, pair: tuple[Run, Run]) -> None:
    tags, ids = ["one"], [pair[0].run_id]
    futures = history.annotate(FIRST, tags=tags), history.delete(runs=ids)
    tags.append("two")
    ids.clear()

    assert futures[1].result().runs == 1
    assert history.comparison(FIRST)[0].tags == ("one",)
