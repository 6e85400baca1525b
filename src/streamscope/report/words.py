"""Numbers in words: with their unit, with as many digits as they deserve, in a fixed width."""

import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from streamscope.measure.figures import Described


NONE = "–"
"""What does not exist. Never 0."""

NEAR = 0.05
"""Numbers this close are only called that; it is no statement of equivalence."""

TIMES_FROM = 1.5
"""From this factor on, a wait is so many times sooner; below, so many percent."""

_MINUTES_FROM_S = 120.0
_JOINERS = "\u200c\u200d"  # parts of words and emoji, harmless
WAITS = frozenset({"ttfb_s", "t_any_s", "ttfv_s", "t_10_s"})
"""Figures of which one side's may come sooner."""

_SCALES = {("s", "ms"): 1e3, ("ms", "s"): 1e-3, ("share", "%"): 100.0}
"""What a value is multiplied by that is written in another unit than its own."""

_COMPARATIVES = {
    "s": ("longer", "shorter", "as long"),
    "ms": ("longer", "shorter", "as long"),
    "tok/s": ("higher", "lower", "as high"),
    "chars/s": ("higher", "lower", "as high"),
    "chunks/s": ("higher", "lower", "as high"),
    "tokens": ("more", "fewer", "as many"),
    "chunks": ("more", "fewer", "as many"),
    "stalls": ("more", "fewer", "as many"),
    "share": ("higher", "lower", "as high"),
    "ratio": ("higher", "lower", "as high"),
}


def plain(text: str) -> str:
    """Make untrusted text safe for a terminal and for one line.

    Control characters, escape sequences' first byte among them, marks that reorder text, and lone
    surrogates become U+FFFD; line breaks and tabs become spaces.
    """
    spaced = " ".join(text.split())
    return "".join("\ufffd" if _dangerous(char) else char for char in spaced)


def plain_lines(text: str) -> str:
    """Do what ``plain`` does, but keep lines, tabs and spaces as they are."""
    lines = (
        "".join("\ufffd" if _dangerous(char) else char for char in line.expandtabs(4))
        for line in text.replace("\r\n", "\n").split("\n")
    )
    return "\n".join(lines)


def digits(value: float) -> str:
    """Write a number with three significant digits, at most two of them decimals.

    Below 0.1 two significant digits remain, whatever the decimals: ``0.034``.
    """
    size = abs(value)
    if size == 0:
        return "0"
    if size < 0.095:
        return f"{value:.2g}" if size >= 0.0001 else f"{value:.0e}"
    if round(size, 2) < 10:
        return f"{value:.2f}"
    if round(size, 1) < 100:
        return f"{value:.1f}"
    return f"{value:,.0f}"


def seconds(value: float | None) -> str:
    """Write a time given in seconds: ``34.0 ms``, ``0.63 s``, ``19.5 s``, ``2:05 min``."""
    if value is None:
        return NONE
    number, unit = _time(value)
    return f"{number} {unit}"


def milliseconds(value: float | None) -> str:
    """Write a time given in milliseconds: ``4.21 ms``, ``212 ms``, ``12.3 s``."""
    if value is None:
        return NONE
    return f"{digits(value)} ms" if value < 10_000 else seconds(value / 1000)


def rate(value: float | None, unit: str = "tok/s") -> str:
    """Write a rate: ``50.8 tok/s``."""
    return NONE if value is None else f"{digits(value)} {unit}"


def count(value: float | None) -> str:
    """Write a count, rounded: ``1,024``."""
    return NONE if value is None else f"{value:,.0f}"


def percent(value: float | None) -> str:
    """Write a share of 1: ``5.6 %``."""
    return NONE if value is None else f"{digits(100 * value)} %"


def figure_words(figure: "Described", value: float | None, *, estimated: bool = False) -> str:
    """Write a figure with its unit; estimates begin with ``~``."""
    if value is None:
        return NONE
    match figure.unit:
        case "s":
            words = seconds(value)
        case "ms":
            words = milliseconds(value)
        case "tok/s" | "chars/s" | "chunks/s":
            words = rate(value, figure.unit)
        case "share":
            words = percent(value)
        case "ratio":
            words = digits(value)
        case "tokens" | "chunks":
            words = count(value)
        case "stalls":
            words = f"{value:g}"  # a median of few runs may be half a stall: not none, not one
    return f"~{words}" if estimated else words


def range_words(figure: "Described", low: float, high: float) -> str:
    """Write an interval without repeating the unit: ``0.60–0.71``.

    The unit is written where the bounds need different ones. Bounds that differ are written with
    as many digits as it takes to see that: ``0.121–0.124``.
    """
    bounds = [figure_words(figure, bound).split(" ") for bound in (low, high)]
    if bounds[0] == bounds[1] and low != high:
        return _told_apart(bounds[0], figure.unit, low, high)
    if bounds[0][1:] == bounds[1][1:]:
        return f"{bounds[0][0]}–{bounds[1][0]}"
    return "–".join(" ".join(bound) for bound in bounds)


def _told_apart(written: list[str], unit: str, low: float, high: float) -> str:
    """Write two numbers, which look alike so far, with more decimals, but with no more than six."""
    number, shown_in = written[0], "".join(written[1:])
    scale = _SCALES.get((unit, shown_in), 1.0)
    least = len(number.partition(".")[2]) + 1
    for places in range(least, 7 if ":" not in number else 0):
        first, second = (f"{value * scale:,.{places}f}" for value in (low, high))
        if first != second:
            return f"{first}–{second}"
    return f"{number}–{number}"


def versus(figure: "Described", a: float | None, b: float | None, *, near: float = NEAR) -> str:
    """Say how A's value stands to B's: a statement about these two numbers, and nothing tested.

    Only waits get ``n× sooner``; nothing is ever called faster. Numbers that are close to each
    other are only called that, ``within 5 %``: ``≈`` is for what was tested.
    """
    if a is None or b is None or a < 0 or b < 0:
        return NONE
    if a == b:
        return "same"
    if a == 0 or b == 0:
        return NONE
    if max(a, b) / min(a, b) <= 1 + near:
        return f"within {100 * near:g} %"
    if figure.name in WAITS:
        return _sooner(a, b)
    more, less, equal = _COMPARATIVES[figure.unit]
    if a < b:
        return f"{100 * (1 - a / b):.0f} % {less}"
    return f"{_times(a / b)} {equal}" if a >= 2 * b else f"{100 * (a / b - 1):.0f} % {more}"


def sooner(a_s: float, b_s: float, *, near: float = NEAR) -> str:
    """Say how much sooner A's moment came than B's: ``31× sooner (0.63 vs 19.5 s)``.

    Args:
        a_s: A's moment, s, positive.
        b_s: B's moment, s, positive.
        near: Moments this close are only called that.
    """
    (a_number, a_unit), (b_number, b_unit) = _time(a_s), _time(b_s)
    both = f"{a_number} vs {b_number} {b_unit}"
    if a_unit != b_unit:
        both = f"{a_number} {a_unit} vs {b_number} {b_unit}"
    if min(a_s, b_s) <= 0:
        return both
    if max(a_s, b_s) / min(a_s, b_s) <= 1 + near:
        return f"at about the same time ({both})"
    return f"{_sooner(a_s, b_s)} ({both})"


def _sooner(a: float, b: float) -> str:
    """Say which of two moments came first, and by how much: both positive, and not equal."""
    if max(a, b) / min(a, b) >= TIMES_FROM:
        return f"{_times(b / a)} sooner" if a < b else f"{_times(a / b)} later"
    return f"{100 * (1 - a / b):.0f} % sooner" if a < b else f"{100 * (a / b - 1):.0f} % later"


def seconds_fixed(value: float | None) -> str:
    """Write a time for a place where nothing may jump: always 9 characters, until 100 hours.

    Two decimals up to two minutes (``   0.63 s``), then ``12:05 min``, then `` 1:02:05`` in hours.
    """
    if value is None:
        return f"{NONE:>9}"
    if value < _MINUTES_FROM_S - 0.005:
        return f"{value:7.2f} s"
    minutes, rest = divmod(int(value), 60)
    if minutes < 60:
        return f"{minutes:2d}:{rest:02d} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours:3d}:{minutes:02d}:{rest:02d}"


def milliseconds_fixed(value: float | None) -> str:
    """Write a gap for a place where nothing may jump: always 8 characters, until 99,999 ms."""
    return f"{NONE:>8}" if value is None else f"{value:5.0f} ms"


def rate_fixed(value: float | None, unit: str = "tok/s") -> str:
    """Write a rate for a place where nothing may jump: 7 characters, a space and the unit."""
    return f"{NONE:>7} {unit}" if value is None else f"{value:7.1f} {unit}"


def count_fixed(value: float | None) -> str:
    """Write a count for a place where nothing may jump: always 7 characters, below a million."""
    return f"{count(value):>7}"


def _dangerous(char: str) -> bool:
    return unicodedata.category(char) in ("Cc", "Cf", "Cs") and char not in _JOINERS


def _time(value: float) -> tuple[str, str]:
    """Return a time in seconds as a number and its unit."""
    if abs(value) < 0.0995:
        return digits(value * 1000), "ms"
    if value < _MINUTES_FROM_S:
        return digits(value), "s"
    minutes, rest = divmod(round(value), 60)
    if minutes < 60:
        return f"{minutes}:{rest:02d}", "min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}", "h"


def _times(factor: float) -> str:
    return f"{factor:.1f}×" if factor < 9.95 else f"{factor:,.0f}×"
