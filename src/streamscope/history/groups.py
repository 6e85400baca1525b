"""Groups of runs that may be compared: what makes one, and how it is found."""

import sqlite3
from hashlib import sha256

import msgspec

from streamscope.history.codec import clean, encode_params, storable_request
from streamscope.trace import Layout, Mode, Regime, Request, Run, Target


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

    def delivered(self) -> "tuple[Part, Part]":
        """Return its streamed runs, and its blocking ones."""
        return Part(group=self, mode="stream"), Part(group=self, mode="blocking")


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """The runs of a group that were delivered in one way: what one channel brings about.

    Attributes:
        group: The group.
        mode: How they were delivered.
    """

    group: Group
    mode: Mode

    @classmethod
    def of(cls, run: Run) -> "Part":
        """Return what ``run`` is one of."""
        return cls(group=Group.of(run), mode=run.trace.mode)


def group_id(connection: sqlite3.Connection, group: Group) -> int | None:
    """Return the id of ``group``, or ``None``, which equals nothing in SQL, if it is not there."""
    row = connection.execute(
        "SELECT group_id FROM groups JOIN prompts USING (prompt_id) WHERE prompts.sha = ? "
        "AND target_key = ? AND engine = ? AND params_sha = ? AND layout = ? AND regime = ?",
        (
            text_sha(group.prompt),
            clean(group.target),
            clean(group.engine),
            clean(group.params),
            clean(group.layout),
            clean(group.regime),
        ),
    ).fetchone()
    return row and int(row["group_id"])


def group_of_row(row: sqlite3.Row) -> Group:
    """Return the group that the columns of a row name, as ``run_list`` has them."""
    return Group(
        prompt=row["prompt"],
        target=row["target_key"],
        engine=row["engine"],
        params=row["params_sha"],
        layout=row["layout"],
        regime=row["regime"],
    )


def target_of_row(row: sqlite3.Row) -> Target:
    """Return the server that the columns of a row name."""
    return Target(protocol=row["protocol"], url=row["url"], model=row["model"])
