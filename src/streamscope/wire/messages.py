"""What servers say when they refuse: found in any shape of error, made fit to be shown."""

import re
import unicodedata
from typing import Any

import msgspec

from streamscope.wire import lenient

MESSAGE_CHARS = 2000
"""Longest message that is kept."""

PLAIN_CHARS = 200
"""Longest message taken from a body that is no JSON."""

_ANY = msgspec.json.Decoder()
_TITLE = re.compile(r"<title[^>]*>([^<]{1,200})</title>", re.IGNORECASE)
_TAG = re.compile(r"<[^<>]*>")
_SECRETS = (
    re.compile(r"(?i)(\bbearer\s+)[^\s\"',;]{6,}"),
    re.compile(r"(?i)(\bapi[-_ ]?key(?: provided)?[\"']?\s*[:=]\s*[\"']?)[^\s\"',;]{16,}"),
    re.compile(r"()\b(?:(?:sk|pk|gsk|hf|xai)[-_]|AIza)[\w*-]{8,}"),
)


class Report(msgspec.Struct, frozen=True):
    """An error as a server reported it.

    Attributes:
        text: Its words, clean; empty if it had none.
        code: Its code or type, such as ``503``, ``model_not_found``; empty if it had none.
        kind: Its type alone, such as ``invalid_request_error``; empty if it had none.
        structured: Whether it came as JSON, so that its words are about the request.
    """

    text: str = ""
    code: str = ""
    kind: str = ""
    structured: bool = False


def clean(text: str, limit: int = MESSAGE_CHARS) -> str:
    """Return text without control characters and without keys, cut to ``limit`` characters.

    Line feeds stay; every other control, format or unassigned character becomes a space.
    """
    shown = "".join(
        char if char == "\n" or not _unprintable(char) else " " for char in text[: 2 * limit]
    )
    for secret in _SECRETS:
        shown = secret.sub(r"\1…", shown)
    shown = shown.strip()
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def read_report(body: bytes) -> Report:
    """Find the message in the body of an error, whatever server it is from."""
    try:
        value = lenient.decode(body, _ANY)
    except lenient.NotValidError:
        return Report(text=clean(_plain(body), PLAIN_CHARS))
    if isinstance(value, str):
        return Report(text=clean(value), structured=True)
    return find_report(value) or Report(text=clean(_plain(body), PLAIN_CHARS), structured=True)


def find_report(value: Any) -> Report | None:
    """Return the error that a decoded JSON value reports; ``None`` if it reports none."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if not isinstance(value, dict):
        return None
    error = value.get("error")
    if isinstance(error, str) and error:
        return _report(error, value)
    if isinstance(error, dict) and error:
        words = _words(error.get("message")) or _words(error.get("detail"))
        return _report(words or lenient.encode(error).decode(), error)
    if error:
        return _report(lenient.encode(error).decode(), value)
    message = value.get("message")  # an object here is an answer, not an error
    words = _words(value.get("detail")) or (message if isinstance(message, str) else "")
    return _report(words, value) if words else None


def _unprintable(char: str) -> bool:
    category = unicodedata.category(char)
    return category[0] == "C" or category in ("Zl", "Zp")


def _report(words: str, holder: dict[str, Any]) -> Report:
    kind = holder.get("type") or holder.get("status")
    return Report(
        text=clean(words),
        code=_name(holder.get("code") or kind),
        kind=_name(kind),
        structured=True,
    )


def _name(value: Any) -> str:
    return clean(str(value), 80) if isinstance(value, str | int) else ""


def _words(value: Any) -> str:
    """Return a message: a string, or the complaints of a validator, joined."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "; ".join(filter(None, map(_complaint, value)))
    if isinstance(value, dict):
        return _words(value.get("message")) or lenient.encode(value).decode()
    return ""


def _complaint(value: Any) -> str:
    if not isinstance(value, dict):
        return value if isinstance(value, str) else ""
    what = _words(value.get("msg")) or _words(value.get("message"))
    where = value.get("loc")
    if what and isinstance(where, list):
        return f"{'.'.join(map(str, where))}: {what}"
    return what


def _plain(body: bytes) -> str:
    """Return the words of a page or a text."""
    text = body.decode("utf-8", "replace")
    if title := _TITLE.search(text):
        return title[1]
    if "<" in text[:PLAIN_CHARS]:
        text = _TAG.sub(" ", text)
    return " ".join(text.split())
