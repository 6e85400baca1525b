"""Addresses: what a person types, made into what can be called."""

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

_LOCAL_NAMES = ("localhost", "local", "internal", "lan", "home.arpa")
_HOST = re.compile(r"[^\s/?#@\[\]<>\"'\\^`{|}%]+")
_ROUTES = ("/chat/completions", "/completions", "/responses", "/messages", "/models")
_SCHEMES = ("http", "https", "ws", "wss")
_VERSION = re.compile(r"v\d+[a-z]*\d*")


def validate_url(url: str) -> str:
    """Return a base URL in its plain form: with a scheme, without a slash at its end.

    Without a scheme it becomes ``http://``, as local servers speak it; a public name without a
    port becomes ``https://``, so that no key travels in the open because a scheme was left out.
    WebSockets may be called ``ws://`` and ``wss://``, or as what they begin as.

    Raises:
        ValueError: It can't be called; one sentence says why.
    """
    text = url.strip()
    if not text:
        raise ValueError("The URL is empty.")
    if any(char.isspace() or not char.isprintable() for char in text):
        raise ValueError("The URL holds spaces or control characters.")
    if "://" not in text:
        text = _with_scheme(text)
    parts = _split(text)
    try:
        port = parts.port
    except ValueError:
        port = 0  # not a number, or too large: refused with the rest
    _check(parts, port)
    host = parts.hostname or ""
    shown = f"[{host}]" if ":" in host else host
    authority = shown if port is None else f"{shown}:{port}"
    return f"{parts.scheme}://{authority}{parts.path.rstrip('/')}"


def is_public(url: str) -> bool:
    """Tell whether a URL leads out of this machine and its private network, by its name alone."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        return "." in host.strip(".") and not any(
            host == name or host.endswith(f".{name}") for name in _LOCAL_NAMES
        )


def openai_url(base: str, route: str) -> str:
    """Return the URL of a route such as ``chat/completions``.

    The base may end before its version, with it, or with the route itself: a version anywhere in
    its path (``/v1``, ``/openai/v1``, ``/v1beta/openai``) means that the route comes next.
    """
    root = base.rstrip("/")
    for known in _ROUTES:
        if root.endswith(known):
            return f"{root.removesuffix(known)}/{route}"
    segments = urlsplit(root).path.split("/")
    version = "" if any(map(_VERSION.fullmatch, segments)) else "/v1"
    return f"{root}{version}/{route}"


def anthropic_url(base: str, route: str) -> str:
    """Return the URL of a route such as ``messages``.

    The base is meant to end before the version, as Anthropic's own clients have it, but may end
    with it, or with a route. A version further up belongs to a gateway.
    """
    root = base.rstrip("/")
    for known in _ROUTES:
        if root.endswith(known):
            return f"{root.removesuffix(known)}/{route}"
    version = "" if _VERSION.fullmatch(urlsplit(root).path.rpartition("/")[2]) else "/v1"
    return f"{root}{version}/{route}"


def above_version(base: str) -> str:
    """Return a base URL without a version or a route at its end, where llama.cpp has its own."""
    root = base.rstrip("/")
    for known in (*_ROUTES, "/completion"):
        if root.endswith(known):
            root = root.removesuffix(known)
            break
    return root.removesuffix("/v1")


def ollama_url(base: str, route: str) -> str:
    """Return the URL of a route such as ``chat``; the base may end in ``/api`` or in a route."""
    root = base.rstrip("/")
    for known in ("/api/chat", "/api/generate", "/api"):
        root = root.removesuffix(known)
    return f"{root}/api/{route}"


def gemini_url(base: str, route: str) -> str:
    """Return the URL of a route such as ``models``; the base may end in a version or in a route."""
    root = re.sub(r"/models(/[^/]*)?$", "", base.rstrip("/"))
    segments = urlsplit(root).path.split("/")
    version = "" if any(map(_VERSION.fullmatch, segments)) else "/v1beta"
    return f"{root}{version}/{route}"


def lmstudio_url(base: str, route: str) -> str:
    """Return the URL of a route of LM Studio's own API; the base may be that of any of its APIs."""
    root = re.sub(r"/api(/v\d+(/(chat|models))?)?$|/v\d+$", "", base.rstrip("/"))
    return f"{root}/api/v1/{route}"


def without_credentials(url: str) -> str:
    """Return a URL fit to be shown: user name, password and query are taken out."""
    return re.sub(r"[?#].*", "", re.sub(r"(?<=//)[^/@]*@", "", url))


def _with_scheme(text: str) -> str:
    try:
        bare = ipaddress.ip_address(text)
    except ValueError:
        pass
    else:
        text = f"[{text}]" if bare.version == 6 else text
    plain = f"http://{text}"
    try:
        has_port = urlsplit(plain).port is not None
    except ValueError:
        return plain  # the check that follows says what is wrong with it
    return f"https://{text}" if not has_port and is_public(plain) else plain


def _check(parts: SplitResult, port: int | None) -> None:
    if parts.scheme not in _SCHEMES:
        raise ValueError(
            "The URL must begin with http:// or https:// (or ws:// or wss://), "
            f"not {parts.scheme}://."
        )
    if "@" in parts.netloc:
        raise ValueError("The URL must not hold a user name or a password: set the key apart.")
    host = parts.hostname or ""
    if not host:
        raise ValueError("The URL names no server.")
    if ":" not in host and not _HOST.fullmatch(host):
        raise ValueError("The name of the server in the URL holds characters that no name has.")
    if port == 0:
        raise ValueError("The port in the URL must be a number from 1 to 65535.")
    if parts.query or parts.fragment:
        raise ValueError("The URL must be a base URL, without ? and #.")


def _split(text: str) -> SplitResult:
    try:
        return urlsplit(text)
    except ValueError:
        # The reason is left out: it repeats the text, which may hold a password.
        raise ValueError("The URL is malformed.") from None
