"""Between runs in memory and what a database can hold.

A trace is stored as one format byte, then zlib over msgpack. Text that is no text (lone
surrogates, which a model or a terminal can produce) is replaced by U+FFFD here, at the boundary,
so that no run is ever lost because of it.
"""

import zlib
from typing import Any

import msgspec

from streamscope.history.errors import HistoryError
from streamscope.trace import Request, Run, Trace

FORMAT = 1
"""The format byte of traces that this version writes."""

_LEAST, _MOST = -(2**63), 2**64 - 1
"""The integers that msgpack knows."""

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Trace)


def clean(text: str) -> str:
    """Return ``text`` with split surrogate pairs joined and lone surrogates as U+FFFD."""
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _builtins(value: Any) -> Any:
    """Return ``value`` as builtins; a parameter of a type that no request can carry, as text."""
    return msgspec.to_builtins(value, enc_hook=str)


def _clean(value: Any) -> Any:
    """Return ``value``, builtins all the way down, as something that can be stored."""
    match value:
        case str():
            return clean(value)
        case bool():
            return value
        case int():
            # A count beyond 64 bits is a server's nonsense, and must not cost the run.
            return max(_LEAST, min(value, _MOST))
        case dict():
            return {_clean(key): _clean(member) for key, member in value.items()}
        case list() | tuple():
            return [_clean(member) for member in value]
        case _:
            return value


def storable(run: Run) -> Run:
    """Return ``run`` itself if it can be stored as it is, else its nearest storable copy."""
    try:
        _encoder.encode(run)
    except (UnicodeEncodeError, OverflowError, TypeError):
        return msgspec.convert(_clean(_builtins(run)), Run)
    return run


def storable_request(request: Request) -> Request:
    """Return ``request`` as it will be read back: clean text, floats where floats belong."""
    return msgspec.convert(_clean(_builtins(request)), Request)


def encode_params(request: Request) -> bytes:
    """Return everything in ``request`` but the prompt as canonical JSON.

    Only what was set is in it, in a fixed order, so that the same parameters always give the same
    bytes, also after a later version has learned further ones.
    """
    members = msgspec.to_builtins(request)
    asked = {
        name: value
        for name, value in members.items()
        if name != "prompt" and value is not None and value not in ((), [], {})
    }
    return msgspec.json.encode(asked, order="deterministic")


def decode_request(prompt: str, params: str) -> Request:
    """Put a request together again from its prompt and the JSON of ``encode_params``.

    Raises:
        HistoryError: The parameters are not what ``encode_params`` writes.
    """
    try:
        return msgspec.convert({**msgspec.json.decode(params), "prompt": prompt}, Request)
    except (ValueError, TypeError) as error:
        raise HistoryError(
            f"The parameters of this run cannot be read ({error}): its figures are still listed."
        ) from error


def encode_trace(trace: Trace) -> bytes:
    """Return ``trace``, which must be storable, as bytes."""
    return bytes([FORMAT]) + zlib.compress(_encoder.encode(trace))


def decode_trace(blob: bytes) -> Trace:
    """Return the trace in ``blob``.

    Raises:
        HistoryError: The bytes are of an unknown format, or damaged.
    """
    if blob[:1] != bytes([FORMAT]):
        raise HistoryError(
            "The trace of this run has a format that this version does not know: "
            "update streamscope to replay it."
        )
    try:
        return _decoder.decode(zlib.decompress(blob[1:]))
    except (zlib.error, msgspec.MsgspecError) as error:
        raise HistoryError(
            f"The trace of this run cannot be read any more ({error}): "
            "its figures are still listed, but it cannot be replayed."
        ) from error
