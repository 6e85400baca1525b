"""What ``streamscope doctor`` found out: the record that it prints, as text or as JSON."""

from typing import Literal

import msgspec

from streamscope.engines.found import Capabilities
from streamscope.trace import Clock


class Server(msgspec.Struct, frozen=True, kw_only=True):
    """A server that answered.

    Attributes:
        label: What it is, for people.
        kind: The same, as one word.
        url: Its base URL.
        protocol: How it is spoken to.
        version: Its version; empty where it does not say.
        lacks: Why it can't be used as it is; empty if it can.
        variable: Environment variable that names it; empty if none does.
        models: What is known of its models, by name, the best one first.
    """

    label: str
    kind: str
    url: str
    protocol: str
    version: str
    lacks: str
    variable: str
    models: dict[str, Capabilities]


class KeyPlace(msgspec.Struct, frozen=True, kw_only=True):
    """Where a key comes from, and for whom. Never the key.

    Attributes:
        source: A variable, ``key_command`` or ``keyring``.
        place: Host and port of the server that gets it; empty if none does as it stands.
        about: What else is to be said.
    """

    source: str
    place: str
    about: str = ""


class File(msgspec.Struct, frozen=True, kw_only=True):
    """A file or folder.

    Attributes:
        name: What it is for.
        path: Where it is.
        bytes: Its size; ``None`` for a folder, or if there is none.
        exists: Whether it is there.
    """

    name: str
    path: str
    bytes: int | None
    exists: bool


class Terminal(msgspec.Struct, frozen=True, kw_only=True):
    """What the app would draw on.

    Attributes:
        interactive: Whether somebody sits there.
        columns: Its width.
        rows: Its height.
        term: What it calls itself.
        colors: How many colours it has: ``none``, ``16``, ``256`` or ``16.7 million``.
        encoding: How text is written to it.
    """

    interactive: bool
    columns: int
    rows: int
    term: str
    colors: str
    encoding: str


class Times(msgspec.Struct, frozen=True, kw_only=True):
    """How good the times are that are measured here.

    Attributes:
        clock: Where arrival times come from: the kernel, or the reads.
        ready_s: How long the measuring process took to be ready; ``None`` if it never was.
        error_ns_p99: By how much an arrival time may be wrong; ``None`` if nobody knows.
        measured_utc: When that was found out; empty if never.
        days: How many whole days ago.
    """

    clock: Clock
    ready_s: float | None
    error_ns_p99: int | None = None
    measured_utc: str = ""
    days: int | None = None


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """Something that is wrong.

    Attributes:
        area: Where it belongs: ``config``, ``environment``, ``history``, ``key``, ``probe``,
            ``server`` or ``terminal``.
        sentence: What it is, and what to do.
    """

    area: Literal["config", "environment", "history", "key", "probe", "server", "terminal"]
    sentence: str


class Findings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything.

    Attributes:
        schema: Name and version of this format.
        streamscope: Version.
        python: Version of Python.
        system: Name of the operating system, its release and the kind of processor.
        cores: Number of processors.
        servers: Those that answered.
        unasked: Host and port of each that was not asked, as its key may not be sent there.
        choice: What a start without further words would measure, a sentence; empty if nothing.
        keys: Where keys come from.
        proxy: HTTP proxy for servers elsewhere, without its password; empty for none.
        terminal: What the app would draw on.
        files: Where files are kept.
        times: How good the times are.
        packages: Versions of the packages that it needs or can use; ``None`` if missing.
        problems: What is wrong.
    """

    schema: str = "streamscope/doctor/1"
    streamscope: str
    python: str
    system: str
    cores: int
    servers: list[Server]
    unasked: list[str] = []
    choice: str
    keys: list[KeyPlace]
    proxy: str
    terminal: Terminal
    files: list[File]
    times: Times
    packages: dict[str, str | None]
    problems: list[Problem]
