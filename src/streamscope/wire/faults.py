"""Every way in which a run can fail, in one sentence: what failed, where, and what to do.

The probe passes plain words. Nothing here knows a key, and whatever a server says is cleaned of
control characters, and of what looks like a key, before it becomes part of a sentence.
"""

import re
from typing import Any
from urllib.parse import urljoin, urlsplit

from streamscope.trace import Fault, FaultCode, Mode, Target
from streamscope.wire import hints
from streamscope.wire.events import Failure
from streamscope.wire.messages import Report, clean, find_report, read_report
from streamscope.wire.urls import validate_url, without_credentials

__all__ = [
    "bad_url",
    "cut",
    "dns",
    "in_stream",
    "incomplete",
    "malformed",
    "oversize",
    "proxy",
    "refused",
    "reported",
    "silence",
    "timeout",
    "tls",
    "unreachable",
    "unsendable",
    "validate_url",
]

_QUOTE_CHARS = 200
_URL_CHARS = 200

_NO_MODEL = re.compile(
    r"\bmodel\b.{0,120}?\b(not found|does not exist|not loaded|is not available)"
    r"|\b(unknown|no such|invalid|not a valid) model\b|model_not_found|\bmodel\W? is required",
    re.IGNORECASE,
)
_BUSY = re.compile(r"\bbusy\b|overloaded|too many|pending requests|rate.?limit|no slot", re.I)
_LOADING = re.compile(r"\bloading\b|unavailable_error|model is not ready", re.IGNORECASE)
_BAD_KEY = re.compile(
    r"\b(invalid|incorrect) api key|\bapi key (is )?(not valid|invalid|expired)", re.I
)
_BAD_OPTION = re.compile(r'option "[^"]*" must be', re.IGNORECASE)

_TYPES: dict[str, int] = {
    "authentication_error": 401,
    "invalid_api_key": 401,
    "permission_error": 403,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "insufficient_quota": 429,
    "overloaded_error": 529,
    "unavailable_error": 503,
    "invalid_request_error": 400,
    "invalid_request": 400,
    "model_not_found": 404,
    "not_found_error": 404,
    "NotFoundError": 404,
    "request_too_large": 413,
    "exceed_context_size_error": 400,
    "BadRequestError": 400,
}
"""Types of error that servers name inside a stream, as the status that they stand for."""


def refused(target: Target, status: int, body: bytes, called: str = "") -> Fault:
    """Say what an HTTP status of 300 or more means.

    Args:
        target: The server that answered.
        status: The status.
        body: The beginning of the body; for a redirect, where it leads.
        called: The URL that was called, where it differs from the target's.
    """
    called = _shown(called or target.url)
    if status < 400:
        return _redirect(target, status, body, called)
    report = read_report(body)
    code = _classify(status, report)
    where = _where(target)
    said = f"({status}{_colon(report.text)})"
    sentence = {
        "auth": f"{where} refuses access {said}: {_auth_hint(target, status, report)}.",
        "model": f"{where} {_no_model(target)} {said}: {_model_hint(target)}.",
        "url": f"{where} answers, but not at {called} {said}: {_path_hint(target)}.",
        "busy": f"{where} is busy {said}: wait a moment and run again.",
        "loading": f"{where} is still loading its model {said}: wait until it is ready, "
        "and run again.",
        "server": f"{where} failed {said}: {_server_hint(status)}.",
    }.get(code, f"{where} refuses the request {said}: {hints.for_request(target, report.text)}.")
    return Fault(code=code, sentence=sentence, detail=report.text, status=status)


def reported(value: Any) -> Failure:
    """Return the failure that a decoded JSON value, seen inside an answer, reports."""
    report = find_report(value) or find_report({"error": value}) or Report()
    named = _TYPES.get(report.code) or _TYPES.get(report.kind, 500)
    status = int(report.code) if report.code.isdecimal() else named
    code = _classify(status if 400 <= status < 600 else 500, report)
    return Failure("server" if code == "url" else code, report.text)


def in_stream(target: Target, failure: Failure) -> Fault:
    """Say what an error inside an answer means, where the HTTP status was good."""
    detail = clean(failure.detail)
    if failure.code == "malformed":
        return malformed(target, detail)
    if failure.code == "oversize":
        return oversize("the answer", detail)
    hint = {
        "auth": "check the API key for this server",
        "model": _model_hint(target),
        "busy": "wait a moment and run again",
        "loading": "wait until it is ready, and run again",
        "request": hints.for_request(target, detail),
    }.get(failure.code, "look into the server's log, then run again")
    said = f" “{_quote(detail)}”" if detail else ""
    sentence = f"{_where(target)} reported an error inside its answer{said}: {hint}."
    return Fault(code=failure.code, sentence=sentence, detail=detail)


def unreachable(target: Target, detail: str) -> Fault:
    """Say that no connection came about."""
    sentence = f"No server answers at {_where(target)}: {_start_hint(target)}."
    return Fault(code="unreachable", sentence=sentence, detail=clean(detail))


def dns(target: Target) -> Fault:
    """Say that the name of the server has no address."""
    host = clean(urlsplit(target.url).hostname or target.url, _URL_CHARS)
    sentence = f"The name {host} has no address: check its spelling, or your network."
    return Fault(code="unreachable", sentence=sentence)


def proxy(target: Target, url: str, detail: str) -> Fault:
    """Say that a proxy gives no way to the server; ``url`` is the proxy's."""
    sentence = (
        f"The proxy {_shown(url)} gives no way to {_where(target)}{_bracket(detail)}: check "
        "HTTP_PROXY and HTTPS_PROXY, or name the server in NO_PROXY to call it without."
    )
    return Fault(code="unreachable", sentence=sentence, detail=clean(detail))


def tls(target: Target, detail: str) -> Fault:
    """Say that there is no secure connection."""
    hint = "check its certificate, and whether it really speaks https"
    if "WRONG_VERSION_NUMBER" in detail or "wrong version number" in detail:
        hint = "it seems to speak plain http, so name it with http://"
    sentence = f"No secure connection to {_where(target)} ({_quote(clean(detail))}): {hint}."
    return Fault(code="tls", sentence=sentence, detail=clean(detail))


def bad_url(url: str, why: str) -> Fault:
    """Say that a URL can't be called; ``why`` is a phrase or a sentence."""
    sentence = f"“{_shown(url)}” can't be called ({_quote(clean(why))}): correct the URL."
    return Fault(code="url", sentence=sentence, detail=clean(why))


def unsendable(why: str) -> Fault:
    """Say that the request can't be written down, for what a person put into it."""
    sentence = f"The request can't be sent{_bracket(why)}: correct its text or its parameters."
    return Fault(code="request", sentence=sentence, detail=clean(why))


def cut(target: Target, detail: str) -> Fault:
    """Say that the connection broke."""
    sentence = (
        f"The connection to {_where(target)} broke before the answer was whole"
        f"{_bracket(detail)}: look into the server's log, then run again."
    )
    return Fault(code="cut", sentence=sentence, detail=clean(detail))


def incomplete(target: Target, mode: Mode, *, began: bool, told: bool) -> Fault:
    """Say that an answer ended cleanly and is not whole.

    Args:
        target: The server.
        mode: How the answer was to come.
        began: Whether any of the answer had come.
        told: Whether the server itself said that it broke off.
    """
    hint = "look into the server's log, then run again"
    if told:
        what = "broke its answer off, by its own word"
    elif not began:
        what = "ended its answer before any text came"
        hint += ", or check the URL and --protocol"
    elif mode == "blocking":
        what = "ended its answer in the middle of it"
    else:
        what = "ended its stream without an end mark, so the answer may lack its end"
        if _is_ollama(target):
            hint += " (it also breaks off text that repeats itself)"
    return Fault(code="cut", sentence=f"{_where(target)} {what}: {hint}.")


def silence(target: Target, seconds: float | None, any_text: bool) -> Fault:
    """Say that the server sent nothing for as long as it may."""
    limit = _seconds(seconds)
    if any_text:
        sentence = (
            f"{_where(target)} fell silent in the middle of its answer, for {limit}: "
            "look into the server's log, or allow longer silence with --stall-timeout."
        )
    else:
        sentence = (
            f"{_where(target)} sent nothing for {limit}: it may be loading the model or be busy, "
            "so wait longer with --stall-timeout, or look into its log."
        )
    return Fault(code="silence", sentence=sentence)


def timeout(target: Target, seconds: float | None) -> Fault:
    """Say that the limit for the whole run passed."""
    sentence = (
        f"{_where(target)} was not finished after {_seconds(seconds)}: "
        "raise --timeout, or ask for less with --max-tokens."
    )
    return Fault(code="timeout", sentence=sentence)


def oversize(what: str, limit: str) -> Fault:
    """Say that a bound was passed: ``what`` as in ``the answer``, ``limit`` with its unit."""
    what, limit = clean(what), clean(limit)
    sentence = (
        f"{what[:1].upper()}{what[1:]} passed the limit of {limit}: "
        "ask for less with --max-tokens, or check what the server sends."
    )
    return Fault(code="oversize", sentence=sentence, detail=limit)


def malformed(target: Target, detail: str) -> Fault:
    """Say that the bytes are not the protocol."""
    sentence = (
        f"{_where(target)} sent something that is not {target.protocol}{_bracket(detail)}: "
        "check the URL and --protocol."
    )
    return Fault(code="malformed", sentence=sentence, detail=clean(detail))


def _classify(status: int, report: Report) -> FaultCode:
    """Return the class of an error by its status and its words."""
    words = f"{report.text} {report.code}" if report.structured else ""
    names_model = bool(_NO_MODEL.search(words))
    if status in (401, 403, 407) or (status < 500 and _BAD_KEY.search(words)):
        return "auth"
    if status in (404, 405):
        return "model" if names_model or (status == 404 and "model" in words.lower()) else "url"
    if status in (408, 429, 529):
        return "busy"
    if status == 503 and _LOADING.search(words):
        return "loading"
    if status == 503 and _BUSY.search(words):
        return "busy"
    if status < 500 or _BAD_OPTION.search(words):
        return "model" if names_model else "request"
    return "server"


def _redirect(target: Target, status: int, body: bytes, called: str) -> Fault:
    leads = body.decode("utf-8", "replace").strip()
    if link := re.search(r"""href\s*=\s*["']([^"']+)""", leads, re.IGNORECASE):
        leads = link[1]
    elif any(char.isspace() for char in leads) or "<" in leads:
        leads = ""
    to = f" to {_shown(urljoin(called, leads))}" if leads else ""
    sentence = (
        f"{_where(target)} redirects{to} ({status}), which is not followed "
        "because it would be timed as well: name the server where it really is."
    )
    return Fault(code="url", sentence=sentence, detail=to.removeprefix(" to "), status=status)


def _where(target: Target) -> str:
    return _shown(target.url)


def _shown(url: str) -> str:
    return clean(without_credentials(url), _URL_CHARS)


def _is_ollama(target: Target) -> bool:
    return target.protocol.startswith("ollama")


def _auth_hint(target: Target, status: int, report: Report) -> str:
    if _is_ollama(target) and status == 403 and not report.text:
        return "it may not accept the host name in the URL, so call it by its IP address"
    return "set the right API key for this server"


def _no_model(target: Target) -> str:
    model = clean(target.model, 100)
    return f"does not know the model “{model}”" if model else "wants the name of a model"


def _model_hint(target: Target) -> str:
    if _is_ollama(target) and target.model:
        return f"get it with `ollama pull {clean(target.model, 100)}`, or name another with --model"
    return "name one that it has with --model"


def _path_hint(target: Target) -> str:
    if _is_ollama(target):
        return "check the URL, and whether it really is an Ollama server (--protocol)"
    if target.protocol.startswith(("token-sse", "text", "websocket")):
        return "check the path in the URL, and whether --protocol is POST, GET or another one"
    if target.protocol in ("gemini", "lmstudio"):
        return "check the URL and --protocol"
    return "check the URL (does it end in /v1?) and --protocol"


def _server_hint(status: int) -> str:
    if status in (502, 504) or status >= 520:
        return "the server behind that address may be down, so check it, then run again"
    return "look into the server's log, then run again"


def _start_hint(target: Target) -> str:
    if _is_ollama(target):
        return "start Ollama (`ollama serve`), or choose another server"
    return "start it and wait until its model is loaded, or choose another server"


def _colon(text: str) -> str:
    return f": “{_quote(text)}”" if text else ""


def _bracket(text: str) -> str:
    return f" ({_quote(clean(text))})" if text else ""


def _quote(text: str) -> str:
    """Return words on one line, short, without the full stop that is the sentence's own."""
    line = " ".join(text.split())
    line = line if len(line) <= _QUOTE_CHARS else line[: _QUOTE_CHARS - 1].rstrip() + "…"
    return line.rstrip(".")


def _seconds(seconds: float | None) -> str:
    return "the time allowed" if seconds is None else f"{seconds:g} s"
