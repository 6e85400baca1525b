"""Nothing is lost by mistake, and remarks stay."""

import io
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cli.conftest import Cli, Past


def test_what_was_deleted_comes_back(cli: "Cli", past: "Past") -> None:
    one, _ = past.comparison(pairs=3)
    _, other = past.comparison(pairs=1)
    done = cli("history", "delete", one[:4], other[0].run_id, "--yes")
    assert done.code == 0
    assert done.out.startswith("7 runs deleted: `streamscope history undo`")
    assert past.history.count() == 1
    assert cli("history", "undo") == (0, "7 runs brought back.\n", "")
    assert past.history.count() == 8


def test_nothing_is_deleted_where_nobody_can_be_asked(cli: "Cli", past: "Past") -> None:
    past.comparison(pairs=1)
    done = cli("history", "delete", "last")
    assert (done.code, done.out) == (2, "")
    assert "--yes" in done.err
    assert past.history.count() == 2


@pytest.mark.parametrize(("said", "left", "code"), [("y\n", 0, 0), ("\n", 2, 1), ("", 2, 1)])
def test_a_person_is_asked(
    cli: "Cli",
    past: "Past",
    monkeypatch: pytest.MonkeyPatch,
    said: str,
    left: int,
    code: int,
) -> None:
    name, _ = past.comparison(pairs=1, prompt="Keep me?")
    monkeypatch.setattr("sys.stdin", io.StringIO(said))
    monkeypatch.setattr("streamscope.cli.start.at_terminal", lambda: True)
    done = cli("history", "delete", name)
    assert done.code == code
    assert f"{name[:8]}: 2 runs · Keep me?" in done.err
    assert "Delete 2 runs? [y/N]" in done.err
    assert past.history.count() == left


def test_of_several_ids_one_that_is_wrong_deletes_none(cli: "Cli", past: "Past") -> None:
    name, _ = past.comparison(pairs=1)
    done = cli("history", "delete", name, "beef", "--yes")
    assert (done.code, done.out) == (1, "")
    assert past.history.count() == 2


def test_no_deletion_to_undo(cli: "Cli", past: "Past") -> None:
    done = cli("history", "undo")
    assert (done.code, done.out) == (1, "")
    assert "no deletion" in done.err


def test_tags_are_added_removed_and_told(cli: "Cli", past: "Past") -> None:
    name, runs = past.comparison(pairs=1)
    assert cli("history", "tag", name).out == "There are no tags.\n"
    assert cli("history", "tag", name, "slow", "#Two words").out == "#slow #two-words\n"
    assert cli("history", "tag", name, "-slow", "third").out == "#two-words #third\n"
    assert cli("history", "tag", "last", "-two-words", "-#third").out == "There are no tags.\n"
    assert cli("history", "tag", runs[0].run_id, "of-its-run").out == "#of-its-run\n"
    assert past.history.comparison(name)[0].tags == ("of-its-run",)


def test_a_note_is_written_told_and_removed(cli: "Cli", past: "Past") -> None:
    name, _ = past.comparison(pairs=1)
    assert cli("history", "note", name).out == "There is no note.\n"
    assert cli("history", "note", name, "on", "the train").code == 0
    assert cli("history", "note", "last").out == "on the train\n"
    assert cli("history", "note", name, "").out == f"{name[:8]}: The note is removed.\n"
    assert past.history.comparison(name)[0].note == ""
