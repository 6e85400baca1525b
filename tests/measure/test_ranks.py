"""Null distributions and order statistics of pairs agree with plain enumeration."""

import itertools
import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats  # type: ignore[import-untyped] # SciPy ships no types

from streamscope.measure import ranks
from streamscope.measure.ranks import (
    doubled_ranks,
    pairwise_differences,
    sized_subset_sums,
    subset_sums,
    tie_sizes,
    walsh_averages,
)

few_ranks = st.lists(st.integers(0, 12), max_size=9).map(tuple)
rough = st.lists(st.integers(-20, 20).map(float), min_size=1, max_size=25)


@given(st.lists(st.integers(0, 8).map(float), max_size=30))
def test_ranks_are_those_of_scipy(values: list[float]) -> None:
    assert doubled_ranks(values) == [2 * rank for rank in stats.rankdata(values)]


@given(st.lists(st.integers(0, 4).map(float), max_size=30))
def test_tie_sizes_count_each_value_once(values: list[float]) -> None:
    assert tie_sizes(values) == [values.count(value) for value in sorted(set(values))]


@given(few_ranks)
def test_every_subset_is_counted_by_its_sum(given_ranks: tuple[int, ...]) -> None:
    found = [0] * (sum(given_ranks) + 1)
    for kept in itertools.product((0, 1), repeat=len(given_ranks)):
        found[sum(itertools.compress(given_ranks, kept))] += 1
    assert list(subset_sums(given_ranks)) == found


@given(few_ranks, st.data())
def test_every_subset_of_a_size_is_counted_by_its_sum(
    given_ranks: tuple[int, ...], data: st.DataObject
) -> None:
    size = data.draw(st.integers(0, len(given_ranks)))
    found = [0] * (sum(given_ranks) + 1)
    for subset in itertools.combinations(given_ranks, size):
        found[sum(subset)] += 1
    assert list(sized_subset_sums(given_ranks, size)) == found


@pytest.mark.parametrize("n", [7, 8, 15, 16, 60])
def test_no_count_spills_into_its_neighbour(n: int) -> None:
    """With all ranks 0 one count holds all subsets: the largest there can be."""
    assert subset_sums((0,) * n) == (2**n,)
    assert sum(subset_sums(tuple(range(1, n + 1)))) == 2**n
    assert sized_subset_sums((0,) * n, n // 2) == (math.comb(n, n // 2),)


@pytest.mark.parametrize("limit", [0, ranks.ALL_PAIRS])
@given(values=rough)
def test_walsh_averages_are_the_same_searched_and_sorted(limit: int, values: list[float]) -> None:
    every = sorted(
        (first + second) / 2 for first, second in itertools.combinations_with_replacement(values, 2)
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ranks, "ALL_PAIRS", limit)
        found = walsh_averages(values, range(1, len(every) + 1))
    assert found == pytest.approx(every, abs=1e-12)


@pytest.mark.parametrize("limit", [0, ranks.ALL_PAIRS])
@given(x=rough, y=rough)
def test_differences_are_the_same_searched_and_sorted(
    limit: int, x: list[float], y: list[float]
) -> None:
    every = sorted(first - second for first in x for second in y)
    places = sorted({1, len(every) // 2 + 1, len(every)})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ranks, "ALL_PAIRS", limit)
        found = pairwise_differences(x, y, places)
    assert found == pytest.approx([every[place - 1] for place in places], abs=1e-12)


def test_a_search_among_ten_million_pairs_finds_the_median() -> None:
    """Symmetric around 3, so that the median of all averages must be 3."""
    draw = random.Random(1)
    half = [draw.gauss(0, 1) for _ in range(1500)]
    values = [3 + each for each in half] + [3 - each for each in half]
    n = len(values)
    (found,) = walsh_averages(values, [n * (n + 1) // 4])
    assert found == pytest.approx(3, abs=1e-3)
