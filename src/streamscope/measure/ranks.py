"""Rank tests from first principles: mid-ranks, exact null distributions, order of pairwise values.

Under the null hypothesis every subset of the ranks is equally likely, so an exact p value is a
count of subsets by their sum. That count is the product of ``1 + x**rank`` over all ranks. Here
the polynomial is one big integer, each coefficient in its own bytes: multiplying by
``1 + x**rank`` is then a shift and an addition.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import groupby

ALL_PAIRS = 500_000
"""Up to so many pairwise values are sorted; more are never all in memory, but searched."""

_HALVINGS = 100  # leaves 1e-30 of the range: far below what a float can tell apart


def doubled_ranks(values: Sequence[float]) -> list[int]:
    """Rank values from the smallest on, and double the ranks so that mid-ranks are whole.

    Equal values share the mean of their ranks.

    Returns:
        Twice the rank of each value, in the order of the values.
    """
    order = sorted(range(len(values)), key=values.__getitem__)
    ranks = [0] * len(values)
    before = 0
    for _, group in groupby(order, key=values.__getitem__):
        places = list(group)
        for place in places:
            ranks[place] = 2 * before + len(places) + 1
        before += len(places)
    return ranks


def tie_sizes(values: Sequence[float]) -> list[int]:
    """Return how often each distinct value occurs."""
    return [len(list(group)) for _, group in groupby(sorted(values))]


@lru_cache(maxsize=128)
def subset_sums(ranks: tuple[int, ...]) -> tuple[int, ...]:
    """Count the subsets of ranks by their sum.

    Args:
        ranks: Non-negative whole numbers.

    Returns:
        At index ``s`` the number of subsets with sum ``s``.
    """
    width = len(ranks) // 8 + 1  # bytes: no count exceeds 2**n
    packed = 1
    for rank in ranks:
        packed += packed << (8 * width * rank)
    return _unpack(packed, width, sum(ranks) + 1)


@lru_cache(maxsize=128)
def sized_subset_sums(ranks: tuple[int, ...], size: int) -> tuple[int, ...]:
    """Count the subsets of a given size by their sum; see ``subset_sums``."""
    width = len(ranks) // 8 + 1
    packed = [1] + [0] * size  # by size of the subset
    for rank in ranks:
        for held in range(size, 0, -1):
            packed[held] += packed[held - 1] << (8 * width * rank)
    return _unpack(packed[size], width, sum(ranks) + 1)


def _unpack(packed: int, width: int, length: int) -> tuple[int, ...]:
    data = packed.to_bytes(width * length, "little")
    return tuple(
        int.from_bytes(data[at : at + width], "little") for at in range(0, len(data), width)
    )


def walsh_averages(values: Sequence[float], places: Sequence[int]) -> list[float]:
    """Return order statistics of all averages ``(v_i + v_j) / 2`` with ``i <= j``.

    Args:
        values: In any order; at least one.
        places: Wanted places in ascending order of the averages, from 1.
    """
    ordered = sorted(values)
    n = len(ordered)
    if n * (n + 1) // 2 <= ALL_PAIRS:
        every = sorted(
            _middle(first, second) for i, first in enumerate(ordered) for second in ordered[i:]
        )
        return [every[place - 1] for place in places]

    def up_to(bound: float) -> int:
        count, j = 0, n - 1
        for i, first in enumerate(ordered):
            while j >= i and _middle(first, ordered[j]) > bound:
                j -= 1
            if j < i:
                break
            count += j - i + 1
        return count

    return [_search(up_to, ordered[0], ordered[-1], place) for place in places]


def pairwise_differences(
    x: Sequence[float], y: Sequence[float], places: Sequence[int]
) -> list[float]:
    """Return order statistics of all differences ``x_i - y_j``.

    Args:
        x: In any order; at least one.
        y: Likewise.
        places: Wanted places in ascending order of the differences, from 1.
    """
    if len(x) * len(y) <= ALL_PAIRS:
        every = sorted(first - second for first in x for second in y)
        return [every[place - 1] for place in places]
    xs, ys = sorted(x), sorted(y)

    def up_to(bound: float) -> int:
        count = j = 0
        for second in ys:
            while j < len(xs) and xs[j] - second <= bound:
                j += 1
            count += j
        return count

    return [_search(up_to, xs[0] - ys[-1], xs[-1] - ys[0], place) for place in places]


def _middle(first: float, second: float) -> float:
    return first / 2 + second / 2  # halved first: the sum of two huge values would overflow


def _search(up_to: Callable[[float], int], low: float, high: float, place: int) -> float:
    """Find the smallest bound up to which there are ``place`` values, by halving the range."""
    if up_to(low) >= place:
        return low
    for _ in range(_HALVINGS):
        middle = _middle(low, high)
        if not low < middle < high:
            break
        if up_to(middle) >= place:
            high = middle
        else:
            low = middle
    return high
