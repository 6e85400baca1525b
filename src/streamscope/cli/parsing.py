"""What every command line has in common: numbers that mean something, and errors in one line."""

import argparse
import math
from collections.abc import Callable
from typing import NoReturn

MAX_WHOLE = 2**63 - 1
"""Most that a server, or the history, can be told as a whole number."""


class UsageError(Exception):
    """The command line can't be carried out; the text is a sentence for a person."""


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line instead of repeating everything that can be said."""

    def error(self, message: str) -> NoReturn:
        """Leave with code 2."""
        self.exit(2, f"streamscope: {message} (`{self.prog} --help` lists what can be said).\n")


def at_least(low: float, high: float = math.inf) -> Callable[[str], float]:
    """Return what reads a finite number between two bounds."""
    words = f"at least {low:g}" if high == math.inf else f"{low:g} to {high:g}"

    def number(text: str) -> float:
        value = float(text)
        if not math.isfinite(value) or not low <= value <= high:
            raise argparse.ArgumentTypeError(f"must be a number of {words}, not {text}")
        return value

    number.__name__ = "number"
    return number


def whole(low: int, high: int = MAX_WHOLE) -> Callable[[str], int]:
    """Return what reads a whole number between two bounds."""

    def number(text: str) -> int:
        value = int(text)
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"must be from {low} to {high}, not {text}")
        return value

    number.__name__ = "whole number"
    return number


def share(text: str) -> float:
    """Read a share: ``5%``, or ``0.05``.

    Raises:
        argparse.ArgumentTypeError: It is none, or not above 0 and at most 1.
    """
    words = text.strip()
    try:
        value = float(words[:-1]) / 100 if words.endswith("%") else float(words)
    except ValueError:
        value = math.nan
    if not 0 < value <= 1:
        raise argparse.ArgumentTypeError(
            f"must be a share above 0% and at most 100%, such as 5% or 0.05, not {text}"
        )
    return value


def check_text(text: str, what: str) -> None:
    """Refuse what was no UTF-8 before Python read it: no server could be sent it.

    Raises:
        UsageError: It is such a text.
    """
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise UsageError(f"{what} is not UTF-8 text: save or type it as UTF-8.") from error
