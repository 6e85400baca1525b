"""Servers that the environment names, in variables that people have set for other programs."""

from collections.abc import Mapping

from streamscope.engines.found import Candidate
from streamscope.engines.ollama_host import parse_ollama_host
from streamscope.wire.urls import validate_url

BASES = (("OPENAI_BASE_URL", ""), ("ANTHROPIC_BASE_URL", "anthropic"))
"""Variables with a base URL, and the protocol that they imply where the server does not tell."""

LLAMA_PORT = 8080
"""Where llama.cpp listens if nobody says otherwise."""


def candidates(variables: Mapping[str, str]) -> tuple[Candidate, ...]:
    """Return the servers that are named, the one that is preferred first.

    That is: ``OLLAMA_HOST``, ``OPENAI_BASE_URL``, ``ANTHROPIC_BASE_URL``, and ``LLAMA_ARG_HOST``
    with ``LLAMA_ARG_PORT``. One that can't be called is left out; ``unusable`` tells of it.
    """
    found = []
    if host := variables.get("OLLAMA_HOST", "").strip():
        found.append(Candidate(url=parse_ollama_host(host), variable="OLLAMA_HOST"))
    for name, protocol in BASES:
        if value := variables.get(name, "").strip():
            try:
                url = validate_url(value)
            except ValueError:
                continue
            found.append(Candidate(url=url, variable=name, protocol=protocol))
    if url := llama_url(variables):
        named = "LLAMA_ARG_PORT" if variables.get("LLAMA_ARG_PORT", "").strip() else ""
        found.append(Candidate(url=url, variable=named or "LLAMA_ARG_HOST"))
    return tuple(found)


def unusable(variables: Mapping[str, str]) -> list[str]:
    """Return a sentence for each variable that should name a server and does not."""
    problems = []
    for name in ("OLLAMA_HOST", *(name for name, _ in BASES)):
        value = variables.get(name, "").strip()
        try:
            if value:
                validate_url(parse_ollama_host(value) if name == "OLLAMA_HOST" else value)
        except ValueError as error:
            problems.append(f"{name} names no server: {error}")
    return problems


def llama_url(variables: Mapping[str, str]) -> str:
    """Return where llama.cpp's own variables have it listen; empty if they are not set."""
    host = variables.get("LLAMA_ARG_HOST", "").strip()
    port = variables.get("LLAMA_ARG_PORT", "").strip() or str(LLAMA_PORT)
    if "/" in host or not (host or variables.get("LLAMA_ARG_PORT", "").strip()):
        return ""  # a path is that of a socket
    # The same forms, and an address that means every interface is this machine here too.
    bracketed = f"[{host}]" if ":" in host and not host.startswith("[") else host
    try:
        url = validate_url(parse_ollama_host(f"http://{bracketed or '127.0.0.1'}:{port}"))
    except ValueError:
        return ""
    prefix = variables.get("LLAMA_ARG_API_PREFIX", "").strip().strip("/")
    return f"{url}/{prefix}" if prefix else url


def vendor_base(variables: Mapping[str, str], name: str, usual: str) -> str:
    """Return the base URL to which a vendor's key belongs: what the variable names, or its own.

    What can't be called is no place for a key: empty.
    """
    value = variables.get(name, "").strip()
    try:
        return validate_url(value) if value else usual
    except ValueError:
        return ""
