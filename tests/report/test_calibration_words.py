"""What a calibration says is no more than what was found, in plain sentences and columns."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamscope.calibration import Calibration, Case, Spread
from streamscope.measure import calibration as measure
from streamscope.report import calibration_words as words
from streamscope.report.calibration_table import WIDTH, calibration_table
from streamscope.report.table import as_text
from streamscope.trace import Clock


def case(
    gap_ms: float = 20,
    *,
    stamps: int = 40_000,
    late: int = 0,
    lost: int = 0,
    doubled: int = 0,
    clock: Clock = "kernel",
) -> Case:
    return Case(
        gap_ns=round(gap_ms * 1e6),
        clock=clock,
        writes=100,
        stamps=Spread(p50=stamps // 2, p99=stamps, max=stamps * 2),
        gaps=Spread(p50=1, p99=stamps // 4, max=stamps),
        late=Spread(p50=0, p99=late, max=late),
        first_ns=-12_000,
        lost=lost,
        doubled=doubled,
    )


def calibration(*cases: Case, painted: bool = True) -> Calibration:
    found = measure.result(cases)
    return Calibration(
        measured_utc="2026-01-01T00:00:00+00:00",
        streamscope="1",
        python="3.11",
        system="Linux",
        cores=2,
        machine="m",
        painted=painted,
        exact=found.exact,
        error_ns_p99=found.error_ns_p99,
        true_gap_ns=found.true_gap_ns,
        cases=cases,
    )


def test_the_sentence_says_how_good_and_up_to_which_rate() -> None:
    assert words.summary(calibration(case(20), case(1))) == (
        "Arrival times on this machine are good to ±0.04 ms (p99) up to 1,000 chunks a second, "
        "with the app painting."
    )
    assert "with nothing painting" in words.summary(calibration(case(), painted=False))
    assert words.remarks(calibration(case())) == []


def test_a_machine_that_cannot_keep_the_schedule_is_told_so_and_promised_nothing() -> None:
    late = calibration(case(late=3_000_000))
    assert "could not be found out" in words.summary(late)
    assert "±" not in words.summary(late)
    untrue_read = case(0.2, stamps=400_000, clock="read")
    both = calibration(case(late=3_000_000), untrue_read)
    assert "could not be found out" in words.summary(both), "the other clock says nothing of it"
    (remark,) = words.remarks(late)
    assert remark.startswith("This machine can't keep the schedule: in all 1 case the server")
    assert "3.000 ms late" in remark
    some = words.remarks(calibration(case(20), case(1, late=60_000)))[0]
    assert "in 1 of 2 cases" in some


def test_what_was_lost_is_said_first() -> None:
    said = words.remarks(calibration(case(), case(1, lost=2, doubled=1, late=90_000)))
    assert said[0].startswith("2 pieces of text were lost and 1 came twice")
    assert len(said) == 2


def test_gaps_that_are_not_true_are_named() -> None:
    said = words.remarks(calibration(case(20), case(0.2, stamps=400_000)))
    assert said == ["At gaps of 0.2 ms the gaps are not true: more than a tenth off (p99)."]
    assert "not good enough" in words.summary(calibration(case(0.2, stamps=400_000)))


def test_the_time_of_the_read_is_told_beside_the_kernels() -> None:
    both = calibration(case(), case(stamps=161_000, clock="read"))
    assert words.remarks(both) == [
        "Where the kernel's stamps can't be had, they are good to ±0.17 ms."
    ]
    assert "±0.17 ms" in words.summary(calibration(case(stamps=161_000, clock="read")))


@pytest.mark.parametrize(
    ("error_ns", "said"),
    [
        (1, "±0.01 ms"),
        (50_000, "±0.05 ms"),
        (50_001, "±0.06 ms"),
        (999_000, "±1.00 ms"),
        (1_010_000, "±1.1 ms"),
        (12_300_000, "±13 ms"),
        (2_000_000_000, "±2.0 s"),
    ],
)
def test_an_error_is_rounded_up(error_ns: int, said: str) -> None:
    assert words.plus_minus(error_ns) == said


@given(st.integers(1, 10**10))
def test_no_error_is_made_smaller_than_it_is(error_ns: int) -> None:
    number, unit = words.plus_minus(error_ns).removeprefix("±").split()
    assert float(number) * {"ms": 1e6, "s": 1e9}[unit] >= error_ns * (1 - 1e-9)


@pytest.mark.parametrize("wide", [True, False])
def test_columns_stand_in_line(wide: bool) -> None:
    lines = [*words.heads(wide=wide), words.line(words.cells(case(0.2)), wide=wide)]
    lines.append(words.line(words.cells(case(late=123_456_789, stamps=12_345_678)), wide=wide))
    lines.append(words.line(words.waiting_cells(20_000_000, 20, "character", "read"), wide=wide))
    assert len({len(line) for line in lines}) == 1
    assert (len(lines[0]) <= 77) == (not wide), "a terminal of 80 columns has room for it"


@given(st.lists(st.integers(0, 10**8), min_size=4, max_size=4))
def test_no_cell_touches_its_neighbour(values: list[int]) -> None:
    made = case(stamps=values[0], late=values[1], lost=values[2] % 1000, doubled=values[3] % 1000)
    for value, column in zip(words.cells(made), words.COLUMNS, strict=True):
        assert len(value) < column.width or column is words.COLUMNS[0]


def test_the_text_tells_every_case_and_needs_no_more_room_than_it_says() -> None:
    text = as_text(calibration_table(calibration(case(20), case(0.2, stamps=9_000))), WIDTH)
    lines = text.splitlines()
    assert lines[0].startswith("Arrival times on this machine are good to ±0.04 ms")
    assert max(map(len, lines)) <= WIDTH
    (row,) = [line for line in lines if line.lstrip().startswith("0.2 ")]
    assert row.split() == [
        *("0.2", "1", "–", "kernel"),
        *("0.004", "0.009", "0.018", "0.000", "0.002", "0.009", "-0.012"),
        *("0", "0", "0", "0.000"),
    ]


def test_where_most_cases_do_not_count_the_caution_comes_first() -> None:
    late = [case(gap, late=3_000_000) for gap in (5, 1)]
    said = words.summary(calibration(case(20), *late))
    assert said.startswith(
        "Only 1 of 3 cases counts (100 writes), so believe this with care: arrival times on this"
    )
    assert said.endswith("good to ±0.04 ms (p99) up to 50 chunks a second, with the app painting.")


def test_times_of_reads_that_could_not_be_found_out_are_told() -> None:
    read = case(late=3_000_000, clock="read")
    assert words.remarks(calibration(case(), case(), read))[-1] == (
        "How good times are where the kernel's stamps can't be had was not found out: its case does"
        " not count."
    )
    assert "none of 2 cases counts" in words.remarks(calibration(case(), read, read))[-1]
    few = calibration(case(), case(stamps=161_000, clock="read"), read, read)
    assert words.remarks(few)[-1].endswith("they are good to ±0.17 ms, as 1 of 3 cases tell.")


@pytest.mark.parametrize("wide", [True, False])
def test_the_legend_explains_the_columns_that_are_there(wide: bool) -> None:
    text = as_text(calibration_table(calibration(case()), wide=wide), WIDTH)
    assert ("first: our time to first text" in text) == wide
    assert "arrival: our time" in text
