"""Say in words who answers, who was passed over, and why."""

from collections.abc import Sequence
from urllib.parse import urlsplit

from streamscope.engines.found import Candidate, Found

_ARTICLES = ("a ", "an ", "the ", "no ")


def place(url: str) -> str:
    """Return host and port of a URL, without any credentials, for a sentence."""
    return urlsplit(url).netloc.rpartition("@")[2]


def answers(found: Found, model: str) -> str:
    """Say who answers where, as what, and with which model; the beginning is that of a clause.

    A model that the server does not list is asked for all the same, and said to be missing: its
    list may be short of one, and the person knows best.
    """
    by = f", which {found.variable} names," if found.variable else ""
    route = urlsplit(found.url).path if found.kind == "homemade" else ""
    who = f"{found.label} answers at {place(found.url)}{route}{by}"
    if not model:
        return f"{who.removesuffix(',')}."
    if not found.models or found.lists(model):
        return f"{who} with {model}."
    near = found.near(model)
    other = f" (it lists {near})" if near else ""
    return f"{who} and is asked for {model}, which it does not list{other}."


def unanswered(candidates: Sequence[Candidate], found: Sequence[Found], heard: set[str]) -> str:
    """Say where the environment names what can't be asked; the empty text if there is no such.

    Args:
        candidates: Where servers were looked for.
        found: All that answered.
        heard: Hosts and ports of which anything at all was heard.
    """
    told = []
    for each in absent(candidates, found):
        who = "nobody that we know" if place(each.url) in heard else "nothing"
        told.append(f"{each.variable} names {place(each.url)}, where {who} answers")
    named = {each.variable for each in candidates if each.variable}
    told += [
        f"{server.variable} names {place(server.url)}, where {server.label} answers, which is "
        "asked only if --url names it"
        for server in found
        if server.kind == "homemade" and server.variable in named
    ]
    return ", and ".join(told)


def unusable(candidates: Sequence[Candidate], found: Sequence[Found]) -> str:
    """Say which servers that the environment names can't be used as they are; or the empty text.

    A vendor's own is left out: as long as none of its models is named, nobody meant to ask it.
    """
    named = {each.variable for each in candidates if each.variable}
    return ", and ".join(
        f"{server.variable} names {place(server.url)}, where {server.label} {server.lacks}"
        for server in found
        if server.variable in named and server.lacks and not server.hosted
    )


def absent(candidates: Sequence[Candidate], found: Sequence[Found]) -> list[Candidate]:
    """Return where the environment names a server and none that we know answers."""
    there = {place(server.url) for server in found}
    return [each for each in candidates if each.variable and place(each.url) not in there]


def nobody(servers: Sequence[Found], model: str = "") -> str:
    """Say why no server was taken; the beginning is that of a clause.

    Args:
        servers: Those that answered.
        model: The model that they were to have; empty for any.
    """
    if not servers:
        return "no server answers on the usual ports"
    return " and ".join(
        f"{server.label} at {place(server.url)} {_lacks(server, model)}" for server in servers
    )


def no_model(servers: Sequence[Found], model: str) -> str:
    """Say that no server can be asked for a model, and what to do; begins as a clause does."""
    pull = any(server.kind == "ollama" for server in servers)
    remedy = "start a server that has it, or name one (--url), or leave the model out"
    if pull:
        remedy = f"`ollama pull {model}` fetches it; or name another server (--url), or model"
    return (
        f"{nobody(servers, model)}, so there is nobody to ask for {model}, and nothing else is "
        f"asked in its place: {remedy}."
    )


def sentence(*clauses: str) -> str:
    """Join clauses to a sentence with a capital, unless a name such as vLLM begins it."""
    text = "; ".join(filter(None, clauses))
    return text[0].upper() + text[1:] if text.startswith(_ARTICLES) else text


def _lacks(server: Found, model: str) -> str:
    if model and server.hosted and server.state == "ready":
        return f"does not list {model}"
    return server.lacks
