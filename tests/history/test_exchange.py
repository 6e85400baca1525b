"""Runs leave the history whole and come into it once, whatever a file says."""

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from pathlib import Path

import msgspec
import pytest

from streamscope.history import Group, History, Imported, store
from streamscope.trace import Chunk, Run

MakeRun = Callable[..., Run]
Keep = Callable[..., Run]
Figures = Mapping[str, float | None]


def test_runs_are_exported_whole_oldest_first(
    history: History, make_run: MakeRun, keep: Keep
) -> None:
    runs = [make_run(comparison_id=f"{number % 2}" * 32) for number in range(120)]
    for run in reversed(runs):
        keep(run)
    other = keep(make_run(prompt="other", comparison_id="0" * 32))

    assert list(history.export()) == [*runs, other]
    assert list(history.export(Group.of(runs[0]))) == runs
    assert list(history.export(comparison_id="0" * 32)) == [*runs[::2], other]
    assert list(history.export(Group.of(other), "0" * 32)) == [other]
    assert list(history.export(Group.of(other), "1" * 32)) == []


def test_runs_of_the_same_moment_are_exported_once_each(
    history: History, make_run: MakeRun, keep: Keep
) -> None:
    moment = {"started_utc": "2026-10-17T12:00:00Z"}
    runs = [keep(make_run(trace=moment)) for _ in range(101)]

    assert list(history.export()) == runs


def test_an_export_that_is_broken_off_holds_nothing_open(
    history: History, make_run: MakeRun, keep: Keep
) -> None:
    for _ in range(60):
        keep(make_run())
    exported = history.export()

    assert len(list(islice(exported, 3))) == 3
    history.close()


def test_what_was_exported_is_imported_once(
    tmp_path: Path, history: History, make_run: MakeRun, keep: Keep
) -> None:
    for number in range(70):
        keep(make_run(nonce=str(number)), a=float(number))
    with History.open(tmp_path / "other.db") as other:
        other.save(make_run(prompt="mine"), {}).result()
        for expected in (Imported(added=70, known=0), Imported(added=0, known=70)):
            assert other.add((run, {"a": 1.0}) for run in history.export()) == expected

        assert other.count() == 71
        assert list(other.export())[:70] == list(history.export())
        assert other.groups()[1].runs == 70
        assert other.comparisons()[0].plan is None


def test_a_file_that_names_a_run_twice_adds_it_once(history: History, make_run: MakeRun) -> None:
    run = make_run()
    again = msgspec.structs.replace(run, server_version="forged")

    assert history.add([(run, {}), (again, {})]) == Imported(added=1, known=1)
    assert history.load(run.run_id) == run


def test_importing_a_deleted_run_brings_it_back(
    history: History, make_run: MakeRun, keep: Keep
) -> None:
    """Whoever imports a file wants to have what is in it."""
    runs = [keep(make_run(), a=1.0) for _ in range(2)]
    history.delete(groups=[Group.of(runs[0])]).result()

    assert history.add([(runs[0], {"a": 2.0})]) == Imported(added=1, known=0)
    assert history.count() == 1
    assert history.values(Group.of(runs[0]), ["a"])["stream"].values == {"a": [1.0]}
    assert history.undo().result() == 1
    assert history.count() == 2
    assert history.undo().result() == 0


def test_an_undo_after_everything_was_imported_again_undoes_an_older_deletion(
    history: History, make_run: MakeRun, keep: Keep
) -> None:
    older, newer = keep(make_run()), keep(make_run())
    history.delete(runs=[older.run_id]).result()
    history.delete(runs=[newer.run_id]).result()
    history.add([(newer, {})])

    assert history.undo().result() == 1
    assert history.count() == 2


def test_what_came_before_a_broken_line_is_kept(history: History, make_run: MakeRun) -> None:
    runs = [make_run() for _ in range(store.BATCH + 5)]

    def lines() -> Iterator[tuple[Run, Figures]]:
        for run in runs:
            yield run, {}
        raise ValueError("line 56 is broken")

    with pytest.raises(ValueError, match="line 56 is broken"):
        history.add(lines())

    assert history.count() == len(runs)
    assert history.add((run, {}) for run in [*runs, make_run()]) == Imported(
        added=1, known=len(runs)
    )


def test_nothing_to_import_is_no_error(history: History) -> None:
    assert history.add([]) == Imported(added=0, known=0)


def test_a_hostile_file_is_just_text(history: History, make_run: MakeRun) -> None:
    nasty = "'); DROP TABLE runs; --\x00\ud800\x1b]0;gone\x07"
    run = make_run(
        run_id=nasty,
        comparison_id=nasty,
        prompt=nasty,
        nonce=nasty,
        pair=10**30,
        position=-(10**30),
        server_version=nasty,
        trace={"chunks": [Chunk(2**63 - 1, "answer", nasty, 0)], "started_utc": nasty},
    )
    plain = nasty.replace("\ud800", "\ufffd")

    assert history.add([(run, {nasty: float("nan")})]) == Imported(added=1, known=0)
    assert history.add([(run, {})]) == Imported(added=0, known=1)

    (row,) = history.recent(10)
    assert (row.run_id, row.pair, row.position) == (plain, 2**63 - 1, -(2**63))
    assert row.figures == {plain: None}
    assert [each.run_id for each in history.comparison(plain)[1]] == [plain]
    assert history.load(nasty).nonce == plain
    assert history.delete(comparisons=[nasty]).result().runs == 1


def test_many_runs_of_one_pair_of_one_comparison_are_imported_and_deleted(
    history: History, make_run: MakeRun
) -> None:
    """What is kept beside the runs must not be counted anew from all of them for each."""
    runs = [make_run("blocking" if number % 2 else "stream") for number in range(2000)]

    history.add((run, {}) for run in runs)
    assert (history.groups()[0].runs, history.groups()[0].pairs) == (2000, 1)
    history.delete(runs=[run.run_id for run in runs[1:]]).result()
    assert (history.groups()[0].runs, history.groups()[0].pairs) == (1, 0)
