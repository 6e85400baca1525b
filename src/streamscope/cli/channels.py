"""What ``--a WORDS`` and ``--b WORDS`` say of a channel: who is asked, and how it delivers."""

import ipaddress
import re
from collections.abc import Callable, Iterable
from typing import Literal, get_args

import msgspec

from streamscope.cli.parsing import UsageError
from streamscope.trace import Mode

PROTOCOLS = (
    "ollama-chat",
    "ollama-generate",
    "openai-chat",
    "openai-completions",
    "openai-responses",
    "llamacpp-completion",
    "anthropic",
    "gemini",
    "lmstudio",
    "token-sse",
    "token-sse-get",
    "text",
    "text-get",
    "websocket",
    "websocket-text",
)
"""Names of the protocols."""

Wanted = Literal["auto", "local", "simulator"]
"""What can answer when no URL is named."""

_MODES: tuple[Mode, ...] = get_args(Mode)
_ENGINES: tuple[Wanted, ...] = get_args(Wanted)
_ALSO: dict[str, Mode] = {"streaming": "stream"}
_NAMED = re.compile(r"([A-Za-z_-]+)=(.*)", re.DOTALL)
_WITH_PORT = re.compile(r"(\[[0-9a-f:.]+\]|[\w.-]+):(\d{2,5})(/.*)?", re.IGNORECASE)
_HERE = re.compile(r"localhost([:/].*)?", re.IGNORECASE)


class Words(msgspec.Struct, frozen=True, kw_only=True):
    """What was said of one channel. Where a member is empty, nothing was said of that.

    Attributes:
        mode: How it delivers.
        protocol: How its server speaks.
        engine: What answers.
        url: Base URL of its server.
        model: Its model.
    """

    mode: Mode | Literal[""] = ""
    protocol: str = ""
    engine: Wanted | Literal[""] = ""
    url: str = ""
    model: str = ""


def parse(said: Iterable[str], where: str) -> Words:
    """Return what words say of a channel.

    Each is a mode, a protocol, an engine or a URL, or else a model. Where one would be taken for
    something else, it can be named: ``model=text``. Quotes keep words with spaces together.

    Args:
        said: Texts of any number of words each; at least one.
        where: Where they stand, for sentences: ``--b``.

    Raises:
        UsageError: They can't be understood, or contradict each other.
    """
    found: dict[str, str] = {}
    for word in _split(said, where):
        name, value = _meaning(word, where)
        before = found.setdefault(name, value)
        if before != value:
            raise UsageError(f"{where} says two {_PLURALS[name]}, {before} and {value}: say one.")
    if found.get("url") and found.get("engine", "auto") != "auto":
        raise UsageError(
            f"{where} says {found['url']} and {found['engine']}, of which only one can answer."
        )
    return msgspec.convert(found, Words)


def _split(said: Iterable[str], where: str) -> list[str]:
    import shlex  # most starts say nothing of a channel

    try:
        words = [word for text in said for word in shlex.split(text)]
    except ValueError as error:
        raise UsageError(f"{where}: a quotation mark or a backslash stands alone.") from error
    if not all(words) or not words:
        raise UsageError(
            f"{where} says nothing: name a model, a URL, a protocol, an engine, stream or blocking."
        )
    return words


def _meaning(word: str, where: str) -> tuple[str, str]:
    """Return what a word is the name of, and the name."""
    if named := _NAMED.fullmatch(word):
        name, value = named[1].lower(), named[2]
        if name not in _READERS:
            raise UsageError(f"{where}: there is no {named[1]}=, only {_either(_READERS, '=')}.")
        if not value:
            raise UsageError(f"{where}: {name}= is followed by nothing.")
        return name, _READERS[name](value, where)
    known = word.lower()
    if known in _MODES or known in _ALSO:
        return "mode", _mode(word, where)
    if known in PROTOCOLS:
        return "protocol", known
    if known in _ENGINES and known != "auto":  # which may be a model, too
        return "engine", known
    return ("url", _url(word, where)) if _is_url(word) else ("model", word)


def _is_url(word: str) -> bool:
    """Tell a URL from a model: names of models hold colons and slashes, too."""
    if "://" in word or _WITH_PORT.fullmatch(word) or _HERE.fullmatch(word):
        return True
    try:
        ipaddress.ip_address(word.strip("[]"))
    except ValueError:
        return _is_vendor(word)
    return True


def _is_vendor(word: str) -> bool:
    from streamscope.engines.addresses import read  # most starts need no addresses

    try:
        return read(f"https://{word}").vendor is not None
    except ValueError:  # brackets that no URL has
        return False


def _url(word: str, where: str) -> str:
    from streamscope.wire.urls import validate_url

    try:
        return validate_url(word)
    except ValueError as error:
        raise UsageError(f"{where}: {error}") from error


def _mode(word: str, where: str) -> str:
    known = word.lower()
    return _one_of(_MODES, "mode", _ALSO.get(known, known), where)


def _protocol(word: str, where: str) -> str:
    return _one_of(PROTOCOLS, "protocol", word.lower(), where)


def _engine(word: str, where: str) -> str:
    return _one_of(_ENGINES, "engine", word.lower(), where)


def _model(word: str, where: str) -> str:
    del where
    return word


def _one_of(known: Iterable[str], what: str, word: str, where: str) -> str:
    if word not in known:
        raise UsageError(f"{where}: there is no {what} {word!r}, only {_either(known)}.")
    return word


def _either(names: Iterable[str], end: str = "") -> str:
    *most, last = (f"{name}{end}" for name in names)
    return f"{', '.join(most)} and {last}"


_READERS: dict[str, Callable[[str, str], str]] = {
    "model": _model,
    "url": _url,
    "protocol": _protocol,
    "engine": _engine,
    "mode": _mode,
}
_PLURALS = {name: f"{name.upper() if name == 'url' else name}s" for name in _READERS}
