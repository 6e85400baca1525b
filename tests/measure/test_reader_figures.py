"""Every reader figure follows from the reading, the settings and the mode."""

from collections.abc import Callable

import pytest

from streamscope.measure.conventions import Conventions, Reader
from streamscope.measure.figures import BY_NAME
from streamscope.measure.reader_figures import READER_FIGURES, ReaderFigure, measure_reader
from streamscope.trace import Ended, Tokens, Trace

Build = Callable[..., Trace]

TOY_S = (0.5, 0.7, 0.9, 2.0, 2.2, 2.4)
FOUR_A_SECOND = Conventions(reader=Reader(words_per_minute=240))
NAMES = [figure.name for figure in READER_FIGURES]


@pytest.fixture
def toy(build_trace: Build) -> Trace:
    return build_trace([(time, "answer", "word ") for time in TOY_S])


@pytest.fixture
def blocked_toy(build_trace: Build) -> Trace:
    pieces = [(2.4, "answer", "word " * 6)]
    return build_trace(pieces, mode="blocking", marks_s={"done": 2.4})


def values(trace: Trace, conventions: Conventions = FOUR_A_SECOND) -> dict[str, float | None]:
    found = measure_reader(trace, conventions)
    return {name: None if each is None else each.value for name, each in found.items()}


def test_a_stream(toy: Trace) -> None:
    found = values(toy)
    assert list(found) == NAMES
    assert found["reader_idle_s"] == pytest.approx(1.25)
    assert found["reader_stall_s"] == pytest.approx(0.75)
    assert found["reader_stalls"] == 1
    assert found["finish_s"] == pytest.approx(2.75)
    # wanted 1, 1.25 … 2.25; had 1, 1.25, 1.5, 2, 2.25, 2.5: three times 0.25 late, of 10.5
    assert found["andes_qoe"] == pytest.approx(1 - 0.75 / 10.5)
    # 0.5 + 0.05 + 0.05 saved up; the word after 1.1 s is 0.25 late, two deadlines of 0.25
    assert found["fluidity"] == pytest.approx(5 / 7)


def test_a_blocking_response_has_no_stalls_by_nature(blocked_toy: Trace) -> None:
    found = values(blocked_toy)
    assert found["reader_idle_s"] == pytest.approx(2.4)
    assert found["finish_s"] == pytest.approx(3.9)
    assert (found["reader_stall_s"], found["reader_stalls"]) == (None, None)
    # each of the six is 1.4 late, consumed at 2.4, 2.65 … 3.65
    assert found["andes_qoe"] == pytest.approx(1 - 6 * 1.4 / 18.15)
    # 1.4 late spans floor(1.4 / 0.25) + 1 = 6 deadlines; the five others were there
    assert found["fluidity"] == pytest.approx(5 / 11)


def test_a_long_prompt_may_keep_one_waiting(build_trace: Build) -> None:
    pieces = [(3.0, "answer", "word")]
    assert values(build_trace(pieces, tokens=Tokens(prompt=15_000)))["andes_qoe"] == 1
    assert values(build_trace(pieces, tokens=Tokens(prompt=5)))["andes_qoe"] == pytest.approx(1 / 3)


def test_a_faster_reader_waits_longer(toy: Trace) -> None:
    slow, fast = values(toy), values(toy, Conventions(reader=Reader(words_per_minute=600)))
    assert (fast["reader_stall_s"] or 0) > (slow["reader_stall_s"] or 0)
    assert (fast["finish_s"] or 9) < (slow["finish_s"] or 0)


@pytest.mark.parametrize("ended", [None, "error", "cancelled"])
def test_what_did_not_end_has_no_figures(ended: Ended | None, build_trace: Build) -> None:
    found = values(build_trace([(1, "answer", "word")], ended=ended))
    assert found == dict.fromkeys(NAMES)


@pytest.mark.parametrize("text", ["", "[{"])
def test_without_words_there_is_nothing_to_read(text: str, build_trace: Build) -> None:
    assert values(build_trace([(1, "answer", text)] if text else [])) == dict.fromkeys(NAMES)


@pytest.mark.parametrize("figure", READER_FIGURES, ids=NAMES)
def test_each_figure_alone_agrees_with_all_of_them(
    figure: ReaderFigure, toy: Trace, blocked_toy: Trace
) -> None:
    for trace in (toy, blocked_toy):
        together = measure_reader(trace, FOUR_A_SECOND)
        assert figure.compute(trace, FOUR_A_SECOND) == together[figure.name]


def test_the_table_can_be_shown_everywhere() -> None:
    assert len(set(NAMES)) == len(NAMES)
    assert not set(NAMES) & set(BY_NAME), "one name, one meaning"
    for figure in READER_FIGURES:
        assert len(figure.short) <= 12
        assert figure.explanation.endswith(".")
