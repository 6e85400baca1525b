"""A person names a run or a comparison by the beginning of its id, or the newest by a word."""

from collections.abc import Callable

import pytest

from streamscope.history import History, HistoryError
from streamscope.trace import Run

MakeRun = Callable[..., Run]
Keep = Callable[..., Run]

ONE, TWO, THREE = "aaaa1" + "0" * 27, "aaaa2" + "0" * 27, "bbbb3" + "0" * 27


@pytest.fixture(autouse=True)
def runs(make_run: MakeRun, keep: Keep) -> None:
    """Two runs whose ids begin alike, and two comparisons; the second is the newest."""
    keep(make_run(run_id=ONE, comparison_id=THREE))
    keep(make_run(run_id=TWO, comparison_id="cccc4" + "0" * 27))


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (ONE, ("run", ONE)),
        ("aaaa1", ("run", ONE)),
        (" AAAA2 ", ("run", TWO)),
        ("bbbb", ("comparison", THREE)),
        (THREE, ("comparison", THREE)),
        ("last", ("comparison", "cccc4" + "0" * 27)),
        ("Last", ("comparison", "cccc4" + "0" * 27)),
    ],
)
def test_an_id_is_found_by_its_first_digits(
    history: History, text: str, named: tuple[str, str]
) -> None:
    assert history.find(text) == named


@pytest.mark.parametrize("text", ["", "bbb", "aaaa3", "cccd", "%", "bbb_", "aaaa1g", "\x00", "é"])
def test_what_names_nothing_is_said_in_one_sentence(history: History, text: str) -> None:
    with pytest.raises(HistoryError, match=r"^There is no run or comparison “.*” in the history"):
        history.find(text)


def test_what_names_several_is_said(history: History) -> None:
    with pytest.raises(HistoryError, match=r"“aaaa” is the beginning of several ids.*more digits"):
        history.find("aaaa")


def test_the_beginning_of_a_run_and_of_a_comparison_is_no_name(
    history: History, make_run: MakeRun, keep: Keep
) -> None:
    keep(make_run(run_id="bbbb9" + "0" * 27))

    with pytest.raises(HistoryError, match="several"):
        history.find("bbbb")
    # Where only a comparison can be meant, it is one.
    assert history.comparison("bbbb")[0].comparison_id == THREE


def test_a_run_is_no_comparison(history: History) -> None:
    with pytest.raises(HistoryError, match=r"There is no comparison “aaaa1”"):
        history.comparison("aaaa1")


def test_ids_of_another_kind_are_found_whole(
    history: History, make_run: MakeRun, keep: Keep
) -> None:
    """An imported file names its runs as it likes."""
    odd = "Run №1 '; DROP TABLE runs --"
    keep(make_run(run_id=odd))

    assert history.find(odd) == ("run", odd)
    assert history.load(odd).run_id == odd


def test_a_name_that_would_garble_the_screen_is_not_repeated(history: History) -> None:
    with pytest.raises(HistoryError) as failure:
        history.find("\x1b[2J" + "a" * 10_000)

    assert "\x1b" not in str(failure.value)
    assert len(str(failure.value)) < 250


def test_an_empty_history_has_no_last_comparison(history: History) -> None:
    history.delete(comparisons=[row.comparison_id for row in history.comparisons()]).result()

    with pytest.raises(HistoryError, match="There is no comparison in the history yet"):
        history.find("last")
    with pytest.raises(HistoryError, match="There is no run or comparison"):
        history.find("aaaa1")
