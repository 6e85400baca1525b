"""What the details say of a verdict: every kind of finding, with numbers that are true."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamscope.measure.inference import Estimate
from streamscope.measure.verdict import Finding, Judgement, PairFigures, judge
from streamscope.tui.judged import NO_VERDICT, finding_block, interval_bar, kind_words, verdict_page

PairValues = dict[str, float | None]


def side(first: float, total: float, rate: float) -> PairValues:
    return {
        "ttfv_s": first,
        "total_s": total,
        "done_s": total,
        "server_tok_per_s": rate,
        "visible_tok_per_s": rate,
        "output_tokens": 100.0,
    }


def judged(n: int = 6) -> Judgement:
    """Pairs in which A's first text came much sooner, and nothing else differed."""
    sways = [0.99, 1.0, 1.01, 0.995, 1.005, 1.002, 0.998, 1.001]
    return judge(
        [
            PairFigures(
                a=side(0.63 * sways[i], 3.4 * sways[i], 50 * sways[-i]),
                b=side(3.41 * sways[-i], 3.4 * sways[(i + 2) % 8], 50 * sways[(i + 1) % 8]),
                same_output=True,
            )
            for i in range(n)
        ]
    )


def finding(**of: object) -> Finding:
    given_ = {"name": "done_s", "kind": "unknown", "margin": 0.05, **of}
    return Finding(**given_)  # type: ignore[arg-type]  # a test names the fields that matter


def estimate(low: float | None, middle: float, high: float | None) -> Estimate:
    coverage = None if low is None else 0.96875
    return Estimate(estimate=middle, low=low, high=high, coverage=coverage, n=6)


def test_without_a_verdict_it_says_what_one_takes() -> None:
    assert verdict_page(None, 80).plain == NO_VERDICT


def test_a_verdict_shows_each_finding_with_its_numbers() -> None:
    page = verdict_page(judged(), 118).plain
    assert "≠ first text: different" in page
    assert "≈ total: equivalent within ±5 %" in page
    assert "medians A 0.63 s · B 3.41 s" in page
    assert page.count("96.9 % CI") >= 3
    assert page.count("90.6 % CI") >= 3
    assert "p 0.031" in page
    assert "On this server streaming is worth it from" in page
    assert "Judged over 6 pairs." in page


def test_too_few_pairs_have_no_interval_and_say_so() -> None:
    page = verdict_page(judged(2), 118).plain
    assert "no 95 % interval: too few pairs" in page
    assert "96.9 %" not in page


def test_without_a_whole_pair_it_is_said_why() -> None:
    page = verdict_page(judge([], why_none="no blocking run came to a good end"), 80).plain
    assert page == (
        "No pair is whole, so there is nothing to judge: no blocking run came to a good end."
    )


def test_one_pair_can_tell_nothing() -> None:
    assert "can't tell: fewer than two pairs" in verdict_page(judged(1), 80).plain


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (finding(kind="different"), "different"),
        (finding(kind="different", negligible=True), "different, but negligible (±5 %)"),
        (finding(kind="equivalent", margin=0.2), "equivalent within ±20 %"),
        (finding(kind="inconclusive", more=12), "inconclusive, about 12 more pairs"),
        (finding(kind="inconclusive", more=1), "inconclusive, about 1 more pair"),
        (finding(kind="inconclusive", more=200), "inconclusive, more than 200 further pairs"),
        (finding(kind="inconclusive", reason="too few"), "inconclusive: too few"),
        (finding(reason="the answers differ"), "can't tell: the answers differ"),
    ],
)
def test_every_kind_has_a_word(found: Finding, words: str) -> None:
    assert kind_words(found) == words


def test_what_was_found_of_nothing_is_drawn_without_numbers() -> None:
    lines = finding_block(finding(reason="the answers differ"), 80).plain.splitlines()
    assert lines == [
        "– total: can't tell: the answers differ",
        "  medians A – · B – · end mark · n=0 pairs",
    ]


def test_an_interval_is_drawn_where_it_lies() -> None:
    bar = interval_bar(estimate(1.1, 1.2, 1.4), 0.05, 60)
    assert bar is not None
    one = bar.plain.index("│")
    assert one < bar.plain.index("┣") < bar.plain.index("●") < bar.plain.index("┫")
    assert bar.plain.startswith("÷1.5 ")
    assert bar.plain.endswith(" ×1.5")


def test_an_interval_within_the_margin_is_drawn_within_it() -> None:
    bar = interval_bar(estimate(0.98, 1.0, 1.02), 0.05, 60)
    assert bar is not None
    assert bar.plain.index("░") < bar.plain.index("┣")
    assert bar.plain.rindex("░") > bar.plain.rindex("┫")


def test_an_interval_that_crosses_equality_and_the_margin_shows_both() -> None:
    bar = interval_bar(estimate(0.8, 0.97, 1.2), 0.05, 70)
    assert bar is not None
    line = bar.plain
    marks = [line.index("┣"), line.index("┿"), line.index("╋"), line.rindex("┿"), line.index("┫")]
    assert marks == sorted(set(marks))


@pytest.mark.parametrize("broken", [(0.0, 1.0, 2.0), (0.5, 1.0, float("inf")), (1e-9, 1.0, 2.0)])
def test_what_has_no_place_on_the_axis_is_not_drawn(broken: tuple[float, float, float]) -> None:
    assert interval_bar(estimate(*broken), 0.05, 60) is None


def test_an_interval_needs_room() -> None:
    assert interval_bar(estimate(0.9, 1.0, 1.1), 0.05, 20) is None


@given(
    st.lists(st.floats(0.002, 500), min_size=3, max_size=3).map(sorted),
    st.floats(0.001, 0.5),
    st.integers(0, 200),
)
def test_no_interval_is_wider_than_its_room(bounds: list[float], margin: float, width: int) -> None:
    bar = interval_bar(estimate(*bounds), margin, width)
    if bar is not None:
        assert len(bar.plain) <= width
        assert bar.plain.count("●") == 1
