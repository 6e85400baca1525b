"""What a start without further words would measure, in a sentence."""

from streamscope.engines.choose import place
from streamscope.trial.setup import Wish, Wishes


def opens_with(wishes: Wishes, reason: str) -> str:
    """Say what the channels would ask.

    Args:
        wishes: What is wanted of each.
        reason: What channel A would ask, and why, a sentence. Of B it is told as far as the
            config file says it: its server is looked for when it is needed.
    """
    first, second = wishes.modes
    if wishes.b is None and first is second is None:
        return reason
    told = " · ".join(filter(None, [*_asked(wishes.b), second or ""])) or "the same"
    return f"A{f', {first}' if first else ''}: {reason} B: {told}."


def _asked(wish: Wish | None) -> list[str]:
    if wish is None:
        return []
    engine = "" if wish.engine == "auto" else wish.engine
    return [place(wish.url) if wish.url else engine, wish.protocol, wish.model]
