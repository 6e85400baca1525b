"""What the two channels of a comparison are, and what tells them apart.

Usually both ask one server, and only the mode differs; but any two channels may be compared.
"""

from collections.abc import Iterable
from typing import Literal
from urllib.parse import urlsplit

import msgspec

from streamscope.trace import ChannelName, Mode, Run, Target

Aspect = Literal["model", "server", "protocol", "mode"]
"""In what two channels can differ."""

Question = Literal["delivery", "same-model", "models"]
"""What a comparison can answer.

``delivery``: what streaming changes, as A streams and B blocks, and nothing else differs.
``same-model``: what another server, protocol or mode changes for one model, so that equal work can
be expected of both. ``models``: how two models differ, whose tokens are no common unit.
"""

MODE_WORDS: dict[Mode, str] = {"stream": "streaming", "blocking": "blocking"}
"""Names of the modes for people."""


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """One channel: who is asked, and how the answer is delivered.

    Attributes:
        target: The server.
        mode: How it delivers.
        engine: Name of the engine of ours that answers, or empty.
    """

    target: Target
    mode: Mode
    engine: str = ""

    @classmethod
    def of(cls, run: Run) -> "Side":
        """Return the side on which a run was made."""
        return cls(target=run.target, mode=run.trace.mode, engine=run.engine)

    @property
    def place(self) -> str:
        """Host and port, without credentials; of an engine of ours its name, which lasts."""
        return self.engine or urlsplit(self.target.url).netloc.rpartition("@")[2]

    @property
    def address(self) -> str:
        """What tells it from others at its place: with one protocol, another path is another."""
        return self.engine or self.target.url


class Sides(msgspec.Struct, frozen=True, kw_only=True):
    """Both channels of a comparison.

    Attributes:
        a: Channel A.
        b: Channel B.
    """

    a: Side
    b: Side

    @classmethod
    def of(cls, runs: Iterable[Run]) -> "Sides | None":
        """Return the channels that runs were made on; ``None`` if only one has any.

        A measured run tells more than a warm-up, and the newest one of a channel how its server
        is called now.
        """
        found: dict[ChannelName, Run] = {}
        for run in runs:
            if run.channel not in found or found[run.channel].warmup or not run.warmup:
                found[run.channel] = run
        if len(found) < 2:
            return None
        return cls(a=Side.of(found["A"]), b=Side.of(found["B"]))

    @property
    def differ(self) -> tuple[Aspect, ...]:
        """In what they differ; empty where a channel is compared with itself."""
        a, b = self.a, self.b
        another = a.place != b.place
        if a.target.protocol == b.target.protocol:
            another = a.address != b.address
        differs: dict[Aspect, bool] = {
            "model": a.target.model != b.target.model,
            "server": another,
            "protocol": a.target.protocol != b.target.protocol,
            "mode": a.mode != b.mode,
        }
        return tuple(aspect for aspect, differ in differs.items() if differ)

    @property
    def question(self) -> Question:
        """What their comparison can answer."""
        if "model" in self.differ:
            return "models"
        if self.differ == ("mode",) and self.a.mode == "stream":
            return "delivery"
        return "same-model"

    def side(self, channel: ChannelName) -> Side:
        """Return one of them."""
        return self.a if channel == "A" else self.b

    def name(self, channel: ChannelName) -> str:
        """Name one of them by what tells it from the other, as the server wrote it.

        ``streaming``, ``qwen3:8b``, ``127.0.0.1:8000 blocking``. Where nothing does, by its mode.
        """
        side, differ = self.side(channel), self.differ
        words: dict[Aspect, str] = {
            "model": side.target.model or "its only model",
            "server": self._where(side),
            "protocol": side.target.protocol,
            "mode": MODE_WORDS[side.mode],
        }
        return " ".join(words[aspect] for aspect in differ) or MODE_WORDS[side.mode]

    def _where(self, side: Side) -> str:
        return side.place if self.a.place != self.b.place else side.target.url
