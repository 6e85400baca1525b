"""How the simulator pretends: speeds, pauses and lengths, under names."""

from typing import Literal

import msgspec

Failure = Literal["", "error", "cut", "stall"]
"""How an answer fails: the protocol's own error, a broken connection, or silence."""


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """One way to answer. Times are in seconds.

    Attributes:
        load_s: Loading the model, before its first answer.
        prefill_s: From getting the slot to the first token.
        tokens_per_s: Rate after the first token.
        tokens: Length of a whole answer, thinking included.
        thinking_share: Part of those tokens that is thinking; 0 for a model that cannot think.
        silent: Whether thinking that was not asked for is counted but never sent.
        jitter: How far a gap may be from the mean, up or down, as a share of it; below 1.
        stall_share: Chance of a stall before a token.
        stall_s: How long a stall is.
        tokens_per_chunk: Tokens that are sent as one piece.
        batch_s: How long tokens are gathered before they are sent as one piece; 0 for not at all.
        failure: How each answer fails; empty for answers that come to their end.
        fail_at: Tokens before it fails; 0 for a failure before anything is sent.
    """

    load_s: float = 0.0
    prefill_s: float = 0.4
    tokens_per_s: float = 50.0
    tokens: int = 240
    thinking_share: float = 0.0
    silent: bool = False
    jitter: float = 0.0
    stall_share: float = 0.0
    stall_s: float = 0.0
    tokens_per_chunk: int = 1
    batch_s: float = 0.0
    failure: Failure = ""
    fail_at: int = 0

    def __post_init__(self) -> None:
        """Refuse what cannot be acted out.

        Raises:
            ValueError: A value is out of its range.
        """
        within = {
            "load_s": self.load_s >= 0,
            "prefill_s": self.prefill_s >= 0,
            "tokens_per_s": self.tokens_per_s > 0,
            "tokens": self.tokens >= 1,
            "thinking_share": 0 <= self.thinking_share < 1,
            "jitter": 0 <= self.jitter < 1,
            "stall_share": 0 <= self.stall_share <= 1,
            "stall_s": self.stall_s >= 0,
            "tokens_per_chunk": self.tokens_per_chunk >= 1,
            "batch_s": self.batch_s >= 0,
            "fail_at": self.fail_at >= 0,
        }
        for name, fine in within.items():
            if not fine:
                raise ValueError(f"{name} of a profile is out of range: {getattr(self, name)}")

    @property
    def thinks(self) -> bool:
        """Whether this model can think."""
        return self.thinking_share > 0

    @property
    def usual_s(self) -> float:
        """About how long a whole answer takes, in seconds."""
        gap_s = 1 / self.tokens_per_s + self.stall_share * self.stall_s
        return self.prefill_s + (self.tokens - 1) * gap_s


PROFILES: dict[str, Profile] = {
    "default": Profile(thinking_share=0.2, jitter=0.25, stall_share=0.01, stall_s=0.25),
    "steady": Profile(prefill_s=0.2, tokens=100),
    "fast": Profile(prefill_s=0.1, tokens_per_s=200, tokens=400, jitter=0.3, tokens_per_chunk=4),
    "slow": Profile(prefill_s=3.0, tokens_per_s=8, tokens=120, jitter=0.2),
    "stalls": Profile(jitter=0.3, stall_share=0.05, stall_s=0.8),
    "cold": Profile(load_s=2.5, jitter=0.2),
    # A 16 GB laptop, gemma4:e2b, as once published: 94 % and 47 % of the tokens were thinking
    # that never reached the client. Its times leave 0.31 s and 0.50 s for everything before them.
    "m1-short": Profile(
        prefill_s=0.307, tokens_per_s=44.5, tokens=349, thinking_share=0.941, silent=True
    ),
    "m1-long": Profile(
        prefill_s=0.504, tokens_per_s=50.8, tokens=997, thinking_share=0.469, silent=True
    ),
}
"""The named profiles; each is a model of the simulator."""
