r"""JSON as servers really write it: strict and fast first, forgiving only where that failed.

msgspec refuses lone surrogates (``\ud83d`` without its other half), bytes that are no UTF-8,
``NaN``, numbers beyond all bounds and raw control characters in strings. Servers send all of them,
and one odd character is no reason to lose an answer: it becomes U+FFFD, ``NaN`` becomes ``null``,
and a number that is too large the largest.
"""

import json
import sys
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")

_LONGEST_INT = 300
"""Digits beyond which an integer is read as a float."""

_RAW = msgspec.json.Decoder(msgspec.Raw)


class NotValidError(ValueError):
    """The bytes are no JSON, or not of the expected shape."""


def decode(data: bytes, decoder: msgspec.json.Decoder[T]) -> T:
    """Decode one JSON text.

    Raises:
        NotValidError: It is no JSON, or a member that matters has the wrong type.
    """
    try:
        return decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        pass  # perhaps only unusual: the forgiving way decides
    except RecursionError as error:
        raise NotValidError("JSON is nested too deeply") from error
    try:
        return decoder.decode(_repaired(data))
    except (ValueError, RecursionError) as error:  # json's and msgspec's errors are ValueErrors
        raise NotValidError(str(error)) from error


def is_json(data: bytes) -> bool:
    """Tell whether the bytes are exactly one JSON text, forgiving what ``decode`` forgives."""
    try:
        decode(data, _RAW)
    except NotValidError:
        return False
    return True


def encode(value: Any) -> bytes:
    """Encode a request body; a lone surrogate from a terminal or a file becomes U+FFFD."""
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        return _without_surrogates(text).encode()


def encode_text(text: str) -> bytes:
    """Encode text that is sent as it is; a lone surrogate becomes U+FFFD here as well."""
    return _without_surrogates(text).encode()


def _repaired(data: bytes) -> str:
    """Write the JSON text again without what msgspec refuses."""
    value = json.loads(
        data.decode("utf-8", "replace"),
        strict=False,
        parse_constant=_no_number,
        parse_float=_float,
        parse_int=_int,
    )
    return _without_surrogates(json.dumps(value, ensure_ascii=False))


def _no_number(_name: str) -> None:
    """Stand in for ``NaN`` and ``Infinity``."""


def _float(digits: str) -> float:
    return max(-sys.float_info.max, min(float(digits), sys.float_info.max))


def _int(digits: str) -> int | float:
    """Read an integer; of one that is longer than any that means something, the size."""
    return int(digits) if len(digits) <= _LONGEST_INT else _float(digits)


def _without_surrogates(text: str) -> str:
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
