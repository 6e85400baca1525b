"""The smallest words of this room: a number that knows whether it is an estimate."""

import math

import msgspec

NS_PER_S = 1_000_000_000
NS_PER_MS = 1_000_000


class Value(msgspec.Struct, frozen=True):
    """A finite number.

    Attributes:
        value: The number, in the unit of its figure.
        estimated: Whether it was inferred rather than measured or reported; shown with ``~``.
    """

    value: float
    estimated: bool = False


def known(number: float | None, *, estimated: bool = False) -> Value | None:
    """Wrap a number; ``None``, NaN and infinities, which servers do send, give ``None``."""
    if number is None or not math.isfinite(number):
        return None
    return Value(number, estimated)


def ratio(over: float | None, under: float | None) -> float | None:
    """Divide; ``None`` where either is unknown or the divisor is not positive."""
    if over is None or under is None or under <= 0:
        return None
    return over / under


def seconds(ns: int | None) -> float | None:
    """Turn nanoseconds into seconds."""
    return None if ns is None else ns / NS_PER_S
