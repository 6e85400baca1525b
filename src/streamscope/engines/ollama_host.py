"""Read ``OLLAMA_HOST`` as Ollama's own client does."""

import contextlib
import ipaddress

DEFAULT = "http://127.0.0.1:11434"
"""Where Ollama listens if nobody says otherwise."""

_PORTS = {"http": 80, "https": 443}
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104 - read, not bound
_LARGEST_PORT = 65535


def parse_ollama_host(value: str) -> str:
    """Return the base URL to connect to, with its port and without a trailing slash.

    The variable may hold what the server binds to; an address that means every interface is
    replaced by loopback.
    """
    text = value.strip().strip("\"'").strip()
    if text == "ollama.com":
        return "https://ollama.com:443"
    scheme, separator, rest = text.partition("://")
    if not separator:
        scheme, rest = "http", text
    default_port = _PORTS.get(scheme, 11434) if separator else 11434
    authority, _, path = rest.partition("/")
    host, port = _split(authority)
    host = _EVERYWHERE.get(host, host)
    shown = f"[{host}]" if ":" in host else host
    return f"{scheme}://{shown}:{_port(port, default_port)}/{path}".rstrip("/")


def _split(authority: str) -> tuple[str, str]:
    """Return host and port, either of which may be empty; an IPv6 host loses its brackets."""
    bare = authority.strip("[]")
    with contextlib.suppress(ValueError):
        return str(ipaddress.ip_address(bare)), ""
    host, _, port = authority.rpartition(":") if ":" in authority else (authority, "", "")
    host = host.strip("[]")
    with contextlib.suppress(ValueError):
        host = str(ipaddress.ip_address(host))
    return host, port


def _port(text: str, default: int) -> int:
    if text.isascii() and text.isdigit() and int(text) <= _LARGEST_PORT:
        return int(text)
    return default
