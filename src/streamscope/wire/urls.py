"""Addresses: what a person types, made into what can be called."""

import ipaddress
import re
import socket
from urllib.parse import SplitResult, parse_qsl, urlsplit

_LOCAL_NAMES = ("localhost", "local", "internal", "lan", "home.arpa")
_HOST = re.compile(r"[^\s/?#@\[\]<>\"'\\^`{|}%]+")
_ROUTES = ("/chat/completions", "/completions", "/responses", "/messages", "/models")
_SCHEMES = ("http", "https", "ws", "wss")
_VERSION = re.compile(r"v\d+[a-z]*\d*")
_SECRET = re.compile(
    r"(.*[_-])?(api[_-]?)?(key|token|secret|auth|authorization|sig|signature)", re.I
)
_AZURE = (".openai.azure.com", ".cognitiveservices.azure.com", ".services.ai.azure.com")
_DEPLOYMENT = re.compile(r"/openai/deployments/(?P<model>[^/]+)")


def validate_url(url: str) -> str:
    """Return a base URL in its plain form: with a scheme, without a slash at its end.

    Without a scheme it becomes ``http://``, as local servers speak it; a public name without a
    port becomes ``https://``, so that no key travels in the open because a scheme was left out.
    WebSockets may be called ``ws://`` and ``wss://``, or as what they begin as. A fragment is left
    out, and so is a query that says nothing that is not said anyway.

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
    plain = f"{parts.scheme}://{authority}{parts.path.rstrip('/')}"
    _check_query(parts, plain)
    return plain


def is_public(url: str) -> bool:
    """Tell whether a URL leads out of this machine and its private network, by its name alone."""
    host = urlsplit(url).hostname or ""
    if (address := address_of(host)) is not None:
        return address.is_global
    return "." in host.strip(".") and not any(
        host == name or host.endswith(f".{name}") for name in _LOCAL_NAMES
    )


def address_of(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return the address that a host is, in whatever way it is written; ``None`` for a name.

    As the system reads them, ``127.1``, ``0x7f.1`` and ``2130706433`` all are ``127.0.0.1``.
    """
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        try:
            return ipaddress.IPv4Address(socket.inet_aton(host))
        except (OSError, ValueError):
            return None
    return getattr(address, "ipv4_mapped", None) or address


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


def _check_query(parts: SplitResult, plain: str) -> None:
    """Make sure that a query can be left out; none is ever repeated, as it may hold a key.

    Raises:
        ValueError: It means something; the sentence says what to do instead.
    """
    said = {name.lower(): value for name, value in parse_qsl(parts.query, keep_blank_values=True)}
    if any(map(_SECRET.fullmatch, said)):
        raise ValueError(
            "The URL must not hold a key: leave out what follows the ?, and set the key apart, as "
            "STREAMSCOPE_API_KEY for one."
        )
    if said == {"alt": "sse"} and parts.path.endswith("enerateContent"):
        return  # which protocol and mode say as well
    if set(said) == {"api-version"} and (parts.hostname or "").endswith(_AZURE):
        _check_azure(parts)
    elif parts.query:
        raise ValueError(f"The URL must be without ? and what follows it: {plain}, that is.")


def _check_azure(parts: SplitResult) -> None:
    """Make sure that a URL is of Azure's API without versions.

    Raises:
        ValueError: It is of an older one.
    """
    if f"{parts.path}/".startswith("/openai/v1/"):
        return
    named = _DEPLOYMENT.match(parts.path)
    model = f"{named['model']} as the model" if named else "the deployment as the model"
    raise ValueError(
        "The URL is of Azure's API with versions, which is not spoken here: type "
        f"https://{parts.netloc}/openai/v1, and {model} (--model)."
    )


def _split(text: str) -> SplitResult:
    try:
        return urlsplit(text)
    except ValueError:
        # The reason is left out: it repeats the text, which may hold a password.
        raise ValueError("The URL is malformed.") from None
