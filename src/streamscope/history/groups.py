"""What a person can ask the history about: groups of runs that may be compared, and rows."""

from hashlib import sha256

import msgspec

from streamscope.history.codec import clean, encode_params, storable_request
from streamscope.trace import (
    ChannelName,
    Clock,
    Ended,
    FaultCode,
    Layout,
    Mode,
    Regime,
    Request,
    Run,
    ServerTimings,
    Target,
    Tokens,
)


def text_sha(text: str) -> str:
    """Return the SHA-256 of ``text`` as stored, in UTF-8, as 64 hexadecimal digits."""
    return sha256(clean(text).encode()).hexdigest()


def target_key(target: Target, engine: str) -> str:
    """Name a server in a way that lasts: an engine of ours has another port at each start."""
    where = f"engine:{engine}" if engine else target.url
    return clean(f"{target.protocol} {where} {target.model}".rstrip())


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """Runs that asked the same of the same server under the same conditions.

    Only figures of one group may be pooled.

    Attributes:
        prompt: The person's text.
        target: The server, as ``target_key`` names it.
        engine: Name of the engine of ours that answered, or empty.
        params: SHA-256 over everything else in the request.
        layout: Whether pairs were measured apart or as races.
        regime: Whether prompts may have been cached.
    """

    prompt: str
    target: str
    engine: str
    params: str
    layout: Layout
    regime: Regime

    @classmethod
    def of(cls, run: Run) -> "Group":
        """Return the group to which ``run`` belongs."""
        return cls.asked(
            run.target, run.request, engine=run.engine, layout=run.layout, regime=run.regime
        )

    @classmethod
    def asked(
        cls,
        target: Target,
        request: Request,
        *,
        engine: str = "",
        layout: Layout = "apart",
        regime: Regime = "warm",
    ) -> "Group":
        """Return the group of runs that ask ``request`` of ``target``, before there are any."""
        request = storable_request(request)
        return cls(
            prompt=request.prompt,
            target=target_key(target, engine),
            engine=clean(engine),
            params=sha256(encode_params(request)).hexdigest(),
            layout=layout,
            regime=regime,
        )


class GroupValues(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of one group in one mode.

    Attributes:
        values: For each name asked for, the known values of the pooled runs, oldest first. A run
            without that figure has no entry, so a list may be shorter than ``n``.
        n: Number of pooled runs: those that ended by themselves and were no warm-ups.
        excluded: Number of further runs, by the reason why they are not pooled: ``warmup``; how
            they ended (``error``, ``cancelled``, ``filter``, ``incomplete``, ``unfinished``);
            ``version`` (another version of the server); ``older`` (beyond the newest ones).
    """

    values: dict[str, list[float]]
    n: int
    excluded: dict[str, int]


class RunRow(msgspec.Struct, frozen=True, kw_only=True):
    """A saved run without its trace: a line of a list.

    Attributes:
        run_id: Unique, 32 hexadecimal digits.
        comparison_id: The comparison that it belongs to.
        started_utc: Wall-clock time of the start, ``YYYY-MM-DDTHH:MM:SS.ffffffZ``.
        group: The runs that it may be compared with; holds prompt, engine, layout and regime.
        target: The server.
        channel: The side on which it ran.
        mode: How the channel delivered.
        pair: Number of the pair in its comparison, from 1; 0 for a warm-up.
        position: 1 if it ran first in its pair, 2 if second.
        warmup: Whether it only served to warm up.
        server_version: Version of the server, where it says so.
        ended: How it ended.
        fault_code: The class of fault, if it failed.
        fault_sentence: Why it failed, for a person.
        status: HTTP status.
        clock: Where the arrival times come from.
        tokens: Token counts by the server.
        server: Durations by the server.
        n_chunks: Number of pieces of text, of all kinds.
        n_reasoning_chunks: How many of them were reasoning.
        output_sha: SHA-256 of the whole answer: equal for equal answers.
        reasoning_sha: SHA-256 of the whole reasoning.
        flags: Short names of what makes this run special.
        figures: The figures that were saved with it; ``None`` where there is no value.
    """

    run_id: str
    comparison_id: str
    started_utc: str
    group: Group
    target: Target
    channel: ChannelName
    mode: Mode
    pair: int
    position: int
    warmup: bool
    server_version: str
    ended: Ended | None
    fault_code: FaultCode | None
    fault_sentence: str | None
    status: int | None
    clock: Clock
    tokens: Tokens
    server: ServerTimings
    n_chunks: int
    n_reasoning_chunks: int
    output_sha: str
    reasoning_sha: str
    flags: tuple[str, ...]
    figures: dict[str, float | None]
