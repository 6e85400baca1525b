"""What callers get when an engine runs, and the one error that engines raise."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import msgspec

from streamscope.trace import Request, Target


class EngineError(Exception):
    """An engine could not be had. Its text is one sentence for a person: what, and what to do."""


class Closeable(Protocol):
    """What an engine needs to know of its process."""

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""

    def close(self) -> None:
        """End it now, from any thread, any number of times."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """A running server of ours.

    Attributes:
        name: ``local`` or ``simulator``, as stored with each run.
        target: Where it answers, and as what model.
        key: The key that it asks for. Random for each start; never stored.
        label: What it is, in a few words.
        caution: What a person must know before trusting an answer; never empty.
        defaults: Values for members of a ``Request`` that the person left open.
        process: The child process.
        speaks: Base URL of each protocol that it speaks, that of ``target`` among them.
        models: What it serves beside its target's model.
    """

    name: str
    target: Target
    key: str | None = field(repr=False)
    label: str
    caution: str
    defaults: dict[str, Any]
    process: Closeable = field(repr=False)
    speaks: Mapping[str, str] = field(default_factory=dict)
    models: Sequence[str] = ()

    def speaking(self, protocol: str, model: str = "") -> Target:
        """Return where it answers in a protocol, and as what model.

        Args:
            protocol: The protocol; empty for the usual one.
            model: The model; empty for the usual one.

        Raises:
            EngineError: It does not speak that, or has no such model.
        """
        model = model or self.target.model
        if model != self.target.model and model not in self.models:
            raise EngineError(
                f"The {self.name} has no {model!r}: choose from {', '.join(self.models)}."
            )
        if protocol in ("", self.target.protocol):
            return msgspec.structs.replace(self.target, model=model)
        if protocol not in self.speaks:
            raise EngineError(
                f"The {self.name} engine does not speak {protocol}: it speaks "
                f"{', '.join(self.speaks)}."
            )
        return Target(protocol=protocol, url=self.speaks[protocol], model=model)

    @property
    def alive(self) -> bool:
        """Whether its process still runs."""
        return self.process.alive

    def fill(self, request: Request) -> Request:
        """Return the request with the defaults filled in where the person left a gap."""
        changes: dict[str, Any] = {}
        for name, value in self.defaults.items():
            if name == "params":
                changes[name] = {**value, **request.params}
            elif getattr(request, name) is None:
                changes[name] = value
        return msgspec.structs.replace(request, **changes)

    def close(self) -> None:
        """End its process now. Safe to call from any thread, and more than once."""
        self.process.close()
