"""Estimates and tests agree with the documented examples, with SciPy and with enumeration."""

import itertools
import math
import random
import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats  # type: ignore[import-untyped] # SciPy ships no types

from streamscope.measure.inference import (
    Estimate,
    hodges_lehmann,
    log_ratios,
    mann_whitney_p,
    median_estimate,
    paired_ratio,
    ratio_unpaired,
    shift,
    sign_test_p,
    signed_rank_p,
    wilson,
)

SHORT = [7.69, 7.72, 7.61, 7.80, 7.66]
LONG = [9.71, 9.60, 9.85, 9.77, 9.69]
STREAM_RATES = [50.8, 50.6, 51.1, 50.9, 50.7, 50.5]
BLOCKING_RATES = [50.9, 50.7, 50.9, 51.2, 50.8, 50.4]

tied = st.integers(-6, 6).map(float)
seeds = st.integers(0, 2**32)


def drawn(seed: int, n: int, around: float = 0.3) -> list[float]:
    """Draw values of which no two are as large as each other."""
    draw = random.Random(seed)
    return [draw.gauss(around, 1) for _ in range(n)]


def bounds(estimate: Estimate) -> tuple[float, float]:
    assert estimate.low is not None
    assert estimate.high is not None
    return estimate.low, estimate.high


# the median


def test_an_outlier_widens_the_interval_but_not_the_median() -> None:
    found = median_estimate([0.79, 0.80, 0.81, 0.83, 0.86, 1.40])
    assert found.estimate == pytest.approx(0.82)
    assert bounds(found) == (0.79, 1.40)
    assert found.coverage == pytest.approx(0.969, abs=0.0005)


def test_five_values_have_no_interval_of_95_percent_but_one_of_93_75() -> None:
    assert median_estimate(SHORT) == Estimate(estimate=7.69, n=5)
    at_90 = median_estimate(SHORT, 0.90)
    assert (bounds(at_90), at_90.coverage) == ((7.61, 7.80), 0.9375)


# paired


def test_all_on_one_side_is_as_documented() -> None:
    found = hodges_lehmann([0.50, 0.42, 0.50, 0.41, 0.40, 0.58])
    assert found.estimate == pytest.approx(0.460)
    assert bounds(found) == pytest.approx((0.40, 0.58))
    assert found.coverage == pytest.approx(0.969, abs=0.0005)
    assert signed_rank_p([0.50, 0.42, 0.50, 0.41, 0.40, 0.58]) == pytest.approx(0.03125)


def test_mixed_signs_are_as_documented() -> None:
    differences = [0.30, -0.05, 0.12, 0.22, -0.10, 0.18]
    found = hodges_lehmann(differences)
    assert found.estimate == pytest.approx(0.120)
    assert bounds(found) == pytest.approx((-0.10, 0.30))
    assert not found.excludes(0)
    assert signed_rank_p(differences) == pytest.approx(0.15625)


def test_the_ratio_of_rates_is_as_documented() -> None:
    found = paired_ratio(list(zip(STREAM_RATES, BLOCKING_RATES, strict=True)), 0.90)
    assert found is not None
    assert found.estimate == pytest.approx(0.998, abs=0.0005)
    assert bounds(found) == pytest.approx((0.996, 1.002), abs=0.0005)
    assert found.coverage == 0.90625
    assert found.within(1 / 1.05, 1.05)


def test_the_ratio_of_rates_agrees_with_student() -> None:
    logs = np.log(STREAM_RATES) - np.log(BLOCKING_RATES)
    theirs = stats.t.interval(0.90, 5, loc=logs.mean(), scale=stats.sem(logs))
    assert np.exp(theirs) == pytest.approx((0.9962, 1.0019), abs=0.0001)
    ours = paired_ratio(list(zip(STREAM_RATES, BLOCKING_RATES, strict=True)), 0.90)
    assert ours is not None
    assert bounds(ours) == pytest.approx(np.exp(theirs), abs=0.0005)


@pytest.mark.parametrize(
    ("n", "p"), [(4, 0.125), (5, 0.0625), (6, 0.03125), (7, 0.015625), (8, 0.0078125)]
)
def test_the_smallest_paired_p_is_as_documented(n: int, p: float) -> None:
    assert signed_rank_p([float(i) for i in range(1, n + 1)]) == p


@pytest.mark.parametrize(("n", "confidence", "exists"), [
    (5, 0.95, False), (6, 0.95, True), (4, 0.90, False), (5, 0.90, True),
])  # fmt: skip
def test_an_interval_exists_only_from_so_many_pairs(
    n: int, confidence: float, exists: bool
) -> None:
    found = hodges_lehmann(drawn(1, n), confidence)
    assert (found.coverage is not None) == exists
    assert (found.low is not None) == (found.high is not None) == exists


def test_five_pairs_cover_93_75_percent() -> None:
    assert hodges_lehmann(drawn(1, 5), 0.90).coverage == 0.9375


@given(seeds, st.integers(1, 30))
def test_signed_rank_p_is_that_of_scipy(seed: int, n: int) -> None:
    differences = drawn(seed, n)
    theirs = stats.wilcoxon(differences, method="exact").pvalue
    assert signed_rank_p(differences) == pytest.approx(theirs, rel=1e-9)


@given(seeds, st.integers(61, 120))
def test_signed_rank_p_of_many_is_that_of_scipy(seed: int, n: int) -> None:
    differences = [round(each, 1) or 0.1 for each in drawn(seed, n, 0.1)]
    theirs = stats.wilcoxon(differences, method="asymptotic", correction=True).pvalue
    assert signed_rank_p(differences) == pytest.approx(theirs, rel=1e-9)


@given(st.lists(tied, min_size=1, max_size=9))
def test_signed_rank_p_with_ties_counts_every_pattern_of_signs(differences: list[float]) -> None:
    moved = [each for each in differences if each]
    ranks = stats.rankdata(np.abs(moved)) if moved else []
    centre = sum(ranks) / 2
    far = abs(sum(r for r, d in zip(ranks, moved, strict=True) if d > 0) - centre)
    patterns = list(itertools.product((0, 1), repeat=len(moved)))
    extreme = sum(
        abs(sum(itertools.compress(ranks, kept)) - centre) >= far - 1e-9 for kept in patterns
    )
    expected = pytest.approx(extreme / len(patterns)) if moved else None
    assert signed_rank_p(differences) == expected


def test_zeros_alone_have_no_p() -> None:
    assert signed_rank_p([0.0] * 8) is None
    assert signed_rank_p([]) is None


@given(seeds, st.integers(1, 11), st.sampled_from([0.80, 0.90, 0.95, 0.99]))
def test_the_paired_interval_is_that_of_enumeration(seed: int, n: int, confidence: float) -> None:
    differences = drawn(seed, n)
    sums = sorted(
        sum(itertools.compress(range(1, n + 1), kept))
        for kept in itertools.product((0, 1), repeat=n)
    )
    dropped = 0
    while 1 - 2 * sum(s <= dropped for s in sums) / 2**n >= confidence:
        dropped += 1
    averages = sorted(
        (a + b) / 2 for a, b in itertools.combinations_with_replacement(differences, 2)
    )
    found = hodges_lehmann(differences, confidence)
    assert found.estimate == pytest.approx(statistics.median(averages))
    if not dropped:
        assert found.low is found.high is found.coverage is None
    else:
        assert bounds(found) == pytest.approx((averages[dropped - 1], averages[-dropped]))
        assert found.coverage == pytest.approx(1 - 2 * sum(s < dropped for s in sums) / 2**n)


@given(seeds, st.integers(6, 40))
def test_the_paired_interval_holds_what_scipy_would_not_reject(seed: int, n: int) -> None:
    """Found in another way: just inside a bound SciPy keeps its null, just outside it does not."""
    differences = drawn(seed, n)
    low, high = bounds(hodges_lehmann(differences))
    for bound, outwards in ((low, -1e-9), (high, 1e-9)):
        inside = stats.wilcoxon(np.subtract(differences, bound - outwards), method="exact").pvalue
        outside = stats.wilcoxon(np.subtract(differences, bound + outwards), method="exact").pvalue
        assert outside < 0.05 <= inside


def test_the_normal_approximation_joins_the_exact_distribution() -> None:
    exact, approximate = hodges_lehmann(drawn(3, 60)), hodges_lehmann(drawn(3, 61))
    assert exact.coverage == pytest.approx(0.95, abs=0.002)
    assert approximate.coverage == pytest.approx(0.95, abs=0.002)
    assert bounds(exact) == pytest.approx(bounds(approximate), abs=0.1)


def test_equal_pairs_have_a_ratio_of_exactly_one() -> None:
    found = paired_ratio([(0.3, 0.3), (7.1, 7.1)] * 4)
    assert found is not None
    assert (found.estimate, found.low, found.high) == (1.0, 1.0, 1.0)


@pytest.mark.parametrize("pairs", [[], [(1.0, 0.0)], [(2.0, 1.0), (-1.0, 1.0)]])
def test_what_has_no_ratio_has_no_estimate(pairs: list[tuple[float, float]]) -> None:
    assert paired_ratio(pairs) is None


def test_one_pair_has_an_estimate_and_no_interval() -> None:
    found = paired_ratio([(3.0, 2.0)])
    assert found is not None
    assert found.estimate == pytest.approx(1.5)
    assert (found.low, found.high, found.coverage, found.n) == (None, None, None, 1)


def test_the_most_extreme_ratios_stay_numbers() -> None:
    found = paired_ratio([(1.7e308, 5e-324)] * 6)
    assert found is not None
    assert math.isfinite(found.estimate)
    assert log_ratios([(5e-324, 5e-324)]) == [0.0]


# unpaired


def test_the_unpaired_example_is_as_documented() -> None:
    found = shift(LONG, SHORT)
    assert found.estimate == pytest.approx(2.03)
    assert bounds(found) == pytest.approx((1.89, 2.16))
    assert found.coverage == pytest.approx(0.968, abs=0.0005)
    assert found.n == 10
    assert mann_whitney_p(LONG, SHORT) == pytest.approx(0.0079, abs=0.00005)


@pytest.mark.parametrize(("n", "p"), [(3, 0.10), (4, 0.0286), (5, 0.0079)])
def test_the_smallest_unpaired_p_is_as_documented(n: int, p: float) -> None:
    below = [float(i) for i in range(n)]
    above = [float(i) for i in range(n, 2 * n)]
    assert mann_whitney_p(below, above) == pytest.approx(p, abs=0.00005)


def test_five_repeats_reach_significance_unpaired_but_not_paired() -> None:
    unpaired, paired = mann_whitney_p(LONG, SHORT), signed_rank_p(np.subtract(LONG, SHORT).tolist())
    assert unpaired is not None
    assert paired is not None
    assert unpaired < 0.05 < paired


@given(seeds, st.integers(1, 12), st.integers(1, 12))
def test_mann_whitney_p_is_that_of_scipy(seed: int, m: int, n: int) -> None:
    values = drawn(seed, m + n)
    x, y = values[:m], values[m:]
    theirs = stats.mannwhitneyu(x, y, method="exact").pvalue
    assert mann_whitney_p(x, y) == pytest.approx(theirs, rel=1e-9)


@given(seeds, st.integers(41, 60), st.integers(41, 60))
def test_mann_whitney_p_of_many_is_that_of_scipy(seed: int, m: int, n: int) -> None:
    values = [round(each, 1) for each in drawn(seed, m + n)]
    x, y = values[:m], values[m:]
    theirs = stats.mannwhitneyu(x, y, method="asymptotic", use_continuity=True).pvalue
    assert mann_whitney_p(x, y) == pytest.approx(theirs, rel=1e-9)


@given(st.lists(tied, min_size=1, max_size=6), st.lists(tied, min_size=1, max_size=5))
def test_mann_whitney_p_with_ties_counts_every_division(x: list[float], y: list[float]) -> None:
    ranks = stats.rankdata([*x, *y])
    seen = sum(ranks[: len(x)])
    sums = [sum(chosen) for chosen in itertools.combinations(ranks, len(x))]
    below = sum(each <= seen + 1e-9 for each in sums) / len(sums)
    above = sum(each >= seen - 1e-9 for each in sums) / len(sums)
    assert mann_whitney_p(x, y) == pytest.approx(min(1, 2 * min(below, above)))


@given(seeds, st.integers(4, 12), st.integers(4, 12))
def test_the_unpaired_interval_holds_what_scipy_would_not_reject(seed: int, m: int, n: int) -> None:
    values = drawn(seed, m + n)
    x, y = values[:m], values[m:]
    low, high = bounds(shift(x, y))
    for bound, outwards in ((low, -1e-9), (high, 1e-9)):
        inside = stats.mannwhitneyu(np.subtract(x, bound - outwards), y, method="exact").pvalue
        outside = stats.mannwhitneyu(np.subtract(x, bound + outwards), y, method="exact").pvalue
        assert outside < 0.05 <= inside


@given(seeds, st.integers(1, 15), st.integers(1, 15))
def test_the_shift_is_the_median_of_all_differences(seed: int, m: int, n: int) -> None:
    values = drawn(seed, m + n)
    every = np.subtract.outer(values[:m], values[m:])
    assert shift(values[:m], values[m:]).estimate == pytest.approx(float(np.median(every)))


def test_the_unpaired_normal_approximation_joins_the_exact_distribution() -> None:
    x, y = drawn(4, 40), drawn(5, 41)
    exact, approximate = shift(x, y[:40]), shift(x, y)
    assert exact.coverage == pytest.approx(0.95, abs=0.003)
    assert approximate.coverage == pytest.approx(0.95, abs=0.003)
    assert bounds(exact) == pytest.approx(bounds(approximate), abs=0.1)


def test_the_unpaired_ratio_is_the_shift_of_logarithms() -> None:
    found = ratio_unpaired(LONG, SHORT)
    assert found is not None
    assert found.estimate == pytest.approx(
        math.exp(statistics.median(math.log(a / b) for a in LONG for b in SHORT))
    )
    assert ratio_unpaired(LONG, []) is None
    assert ratio_unpaired(LONG, [0.0]) is None
    assert mann_whitney_p([], LONG) is None


# shares


@pytest.mark.parametrize(
    ("wins", "losses", "p"),
    [(9, 1, 0.0215), (7, 3, 0.344), (5, 0, 0.0625), (6, 0, 0.03125), (0, 0, 1.0), (3, 3, 1.0)],
)
def test_the_sign_test_is_as_documented(wins: int, losses: int, p: float) -> None:
    assert sign_test_p(wins, losses) == pytest.approx(p, abs=0.0005)


@given(st.integers(0, 60), st.integers(0, 60))
def test_the_sign_test_is_that_of_scipy(wins: int, losses: int) -> None:
    theirs = stats.binomtest(wins, wins + losses).pvalue if wins + losses else 1
    assert sign_test_p(wins, losses) == pytest.approx(theirs, rel=1e-9)


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"), [(9, 10, 0.60, 0.98), (7, 10, 0.40, 0.89), (0, 0, 0, 1)]
)
def test_wilson_is_as_documented(successes: int, n: int, low: float, high: float) -> None:
    assert wilson(successes, n) == pytest.approx((low, high), abs=0.005)


@given(st.integers(1, 200), st.data(), st.sampled_from([0.80, 0.95, 0.99]))
def test_wilson_is_that_of_scipy(n: int, data: st.DataObject, confidence: float) -> None:
    successes = data.draw(st.integers(0, n))
    theirs = stats.binomtest(successes, n).proportion_ci(confidence, method="wilson")
    assert wilson(successes, n, confidence) == pytest.approx((theirs.low, theirs.high), abs=1e-9)


# bad input


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_values_that_are_not_finite_are_refused(bad: float) -> None:
    with pytest.raises(ValueError, match="must be finite numbers"):
        hodges_lehmann([1.0, bad])
    with pytest.raises(ValueError, match="must be finite numbers"):
        signed_rank_p([1.0, bad])
    with pytest.raises(ValueError, match="must be finite numbers"):
        paired_ratio([(1.0, bad)])
    with pytest.raises(ValueError, match="must be finite numbers"):
        shift([1.0], [bad])
    with pytest.raises(ValueError, match="must be finite numbers"):
        ratio_unpaired([bad], [1.0])
    with pytest.raises(ValueError, match="must be finite numbers"):
        mann_whitney_p([1.0], [bad])
    with pytest.raises(ValueError, match="must be finite numbers"):
        median_estimate([bad])


def test_nothing_has_no_estimate() -> None:
    for estimate in (hodges_lehmann, median_estimate):
        with pytest.raises(ValueError, match="at least one value"):
            estimate([])
    with pytest.raises(ValueError, match="at least one value"):
        shift([], [1.0])


@pytest.mark.parametrize("confidence", [0.0, 1.0, 95.0])
def test_a_confidence_that_is_none_is_refused(confidence: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        hodges_lehmann([1.0, 2.0], confidence)
    with pytest.raises(ValueError, match="between 0 and 1"):
        wilson(1, 2, confidence)


def test_impossible_counts_are_refused() -> None:
    with pytest.raises(ValueError, match="can't be negative"):
        sign_test_p(-1, 3)
    with pytest.raises(ValueError, match="can't be 4 successes in 3"):
        wilson(4, 3)


def test_an_estimate_without_interval_excludes_nothing_and_lies_nowhere() -> None:
    bare = Estimate(estimate=9.0, n=2)
    assert not bare.excludes(1)
    assert not bare.within(0, 100)
