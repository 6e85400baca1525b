"""How a page is asked for, such as the list of models, by those who give keys to servers."""

from streamscope.trace import Request, Target
from streamscope.wire.registry import protocol


def headers(speaks: str, url: str, key: str | None) -> dict[str, str]:
    """Return the headers of a GET: those of a request, but for what describes its body.

    So the key stands where the server looks for it, and what else belongs to it beside.

    Args:
        speaks: Name of the protocol.
        url: What is asked for.
        key: The key; ``None`` for none.

    Raises:
        ValueError: There is no such protocol.
    """
    call = protocol(speaks).call(
        Target(protocol=speaks, url=url), Request(prompt=""), "blocking", key
    )
    return {name: value for name, value in call.headers.items() if name != "Content-Type"}
