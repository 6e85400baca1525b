"""Find what to ask of a server that somebody wrote: by what it tells about itself."""

import msgspec

from streamscope.engines import addresses, openapi
from streamscope.engines.asking import Fetch, ask, get
from streamscope.engines.engine import EngineError
from streamscope.engines.found import LABELS, Found
from streamscope.trace import Target

TEXT = ("text", "text-get")
"""Protocols whose route has no usual name, so that a URL without one names none."""

_PROTOCOLS = (*TEXT, "token-sse", "token-sse-get")

_TEXT_ROUTE = "/text/stream"
_DESCRIPTION = "/openapi.json"


async def find(fetch: Fetch, url: str, timeout_s: float) -> Found | None:
    """Return a server that somebody wrote, if it describes a route that streams.

    Args:
        fetch: How to GET.
        url: The URL of the route itself, or of what lies above a description.
        timeout_s: Limit for each GET.
    """
    server = addresses.server_of(url)
    path = url.removeprefix(server)
    roots = list(dict.fromkeys((server, url)))
    pages = [root + _DESCRIPTION for root in roots]
    for root, answer in zip(roots, await ask(fetch, "", pages, timeout_s), strict=True):
        wanted = path if root == server else ""
        if answer and (route := openapi.streaming_route(answer.json, wanted)):
            return Found(
                kind="homemade",
                label=LABELS["homemade"],
                url=root + route.path,
                protocol=route.protocol,
                version="",
                models=[],
                slots=None,
            )
    return None


async def routed(fetch: Fetch, target: Target, found: Found | None, timeout_s: float) -> Target:
    """Return a target with the route of its protocol, where a URL without a route was named.

    Our own simulator's is known, and any other may be described. Where there is neither, tokens
    have a usual one. Text has none, and if a page for people lies at the root, nothing would be
    measured but that page.

    Args:
        fetch: How to GET.
        target: What was named.
        found: What answers there, if that is known.
        timeout_s: Limit for each GET.

    Raises:
        EngineError: There is no route, and the person has to name it.
    """
    root = target.url
    if target.protocol not in _PROTOCOLS or root != addresses.server_of(root):
        return target
    text = target.protocol in TEXT
    if text and found is not None and found.kind == "simulator":
        return msgspec.structs.replace(target, url=root + _TEXT_ROUTE)
    described = await get(fetch, root + _DESCRIPTION, timeout_s)
    if route := openapi.streaming_route(described.json, protocol=target.protocol):
        return msgspec.structs.replace(target, url=root + route.path)
    if text and (await get(fetch, f"{root}/", timeout_s)).is_page:
        raise EngineError(
            f"At {root} there is a page for people, and no answer to a prompt: name the route as "
            f"well, as in {root}/generate."
        )
    return target
