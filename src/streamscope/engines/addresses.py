"""What a URL says by itself: people paste the whole of it, route and all, or a vendor's host."""

import re
from urllib.parse import unquote, urlsplit

import msgspec

from streamscope.engines.found import Kind
from streamscope.wire.urls import address_of


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """What a URL says.

    Attributes:
        base: The base URL below which the server has its routes.
        protocol: How it is to be spoken to; empty where the URL leaves that open.
        model: The model, where the route names it.
        vendor: Whose server it is, by its host; ``None`` for anybody's.
    """

    base: str
    protocol: str = ""
    model: str = ""
    vendor: Kind | None = None


_VENDORS: dict[str, tuple[Kind, str, str]] = {
    "api.openai.com": ("openai.com", "openai-chat", "/v1"),
    "api.anthropic.com": ("anthropic.com", "anthropic", ""),
    "generativelanguage.googleapis.com": ("googleapis.com", "gemini", ""),
    "ollama.com": ("ollama.com", "ollama-chat", ""),
}
"""Kind, protocol and path of the base URL, by host."""

_ROUTES: tuple[tuple[str, str, str], ...] = (
    # what the path ends with, the protocol that it names, what of it belongs to the base
    (r"/chat/completions", "openai-chat", ""),
    (r"/responses", "openai-responses", ""),
    (r"/completions", "openai-completions", ""),
    (r"/v1/messages", "anthropic", ""),
    (r"/api/v1/chat", "lmstudio", ""),
    (r"/api/chat", "ollama-chat", ""),
    (r"/api/generate", "ollama-generate", ""),
    (r"/completion", "llamacpp-completion", ""),
    (r"(?P<keep>/.*[/_-]stream|/stream)", "token-sse", "keep"),
    (r"/api/(tags|ps|version|show)", "ollama-chat", ""),
    (r"/models", "", ""),
    # pages that a browser shows, of which people copy the address
    (r"/(docs|redoc|openapi\.json|health|healthz|metrics|ping|props|slots|version)", "", ""),
)
_MODEL = re.compile(r"(?P<base>.*)/models/(?P<model>[^/:]+):(stream)?[gG]enerateContent")
_OPENAI_AT_GOOGLE = "/openai"


def read(url: str) -> Said:
    """Return what a URL says: its protocol by its route or its host, and its base.

    Args:
        url: A URL without a slash at its end, as ``wire.urls.validate_url`` makes it.
    """
    parts = urlsplit(url)
    if parts.scheme in ("ws", "wss"):
        return Said(base=url, protocol="websocket")
    root = url.removesuffix(parts.path)
    vendor, usual, path = _VENDORS.get((parts.hostname or "").lower(), (None, "", ""))
    if named := _MODEL.fullmatch(url):
        model = unquote(named["model"])
        return Said(base=named["base"], protocol="gemini", model=model, vendor=vendor)
    base, protocol = _by_route(url, parts.path)
    if vendor == "googleapis.com" and _OPENAI_AT_GOOGLE in parts.path:
        return Said(base=base, protocol=protocol or "openai-chat", vendor=vendor)
    if vendor is not None:
        base = base if base != root else root + path
        return Said(base=base, protocol=protocol or usual, vendor=vendor)
    return Said(base=base, protocol=protocol)


def is_loopback(url: str) -> bool:
    """Whether a URL leads to this machine, however that is written."""
    host = urlsplit(url).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    address = address_of(host)
    # Who connects to the address that means every interface gets to this machine, too.
    return address is not None and (address.is_loopback or address.is_unspecified)


def root_of(base: str) -> str:
    """Return where servers keep what tells them apart: above a version, or an ``/api``."""
    return re.sub(r"/(api/v\d+|api|v\d+[a-z]*)$", "", base.rstrip("/"))


def above(root: str) -> list[str]:
    """Return what lies above a URL, the nearest first, down to the server without a path."""
    found = []
    while root != server_of(root):
        root = root.rpartition("/")[0]
        found.append(root)
    return found


def server_of(url: str) -> str:
    """Return a URL without its path."""
    return url.removesuffix(urlsplit(url).path)


def _by_route(url: str, path: str) -> tuple[str, str]:
    """Return the base of a URL and the protocol that its route names; empty if it names none."""
    for ending, protocol, keep in _ROUTES:
        if keep and re.fullmatch(ending, path):
            return url, protocol
        if not keep and (found := re.search(f"{ending}$", path)):
            return url.removesuffix(found[0]), protocol
    return url, ""
