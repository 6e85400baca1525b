"""The record of a calibration: how wrong this machine's arrival times are, and up to which rate.

Every other part of streamscope shares these types. All times are in nanoseconds.
"""

from typing import Literal

import msgspec

from streamscope.trace import Clock, Mode

Cut = Literal["", "line", "character"]
"""Where the writes of a server are cut: not at all, inside a line, or inside a character."""


class Schedule(msgspec.Struct, frozen=True, kw_only=True):
    """When a server writes what.

    Attributes:
        writes: How many times it writes.
        gap_ns: From one write to the next.
        first_ns: From the arrival of the request to the first write.
        tokens: Pieces of text in a write.
        cut: Where writes are cut; a piece that is cut comes whole with the write after.
    """

    writes: int
    gap_ns: int
    first_ns: int = 100_000_000
    tokens: int = 1
    cut: Cut = ""


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """What a server did for one request: the truth. Times are on the machine's monotonic clock.

    Attributes:
        request: Number of the request, from 1.
        mode: How the answer was delivered; a blocking one is a single write.
        arrived_ns: When the request had arrived.
        arrived_by: Where that time comes from.
        due_ns: When each write was to begin.
        before_ns: Taken just before each write.
        after_ns: Taken just after it.
        pieces: Every piece of text, each different from all others.
        completed: Index of the write that completed each piece.
    """

    request: int
    mode: Mode
    arrived_ns: int
    arrived_by: Clock
    due_ns: list[int]
    before_ns: list[int]
    after_ns: list[int]
    pieces: list[str]
    completed: list[int]


class Spread(msgspec.Struct, frozen=True, kw_only=True):
    """How large errors are, without their sign. Percentiles are of type 7.

    Attributes:
        p50: The median, ns.
        p99: The 99th percentile, ns.
        max: The largest, ns.
    """

    p50: int
    p99: int
    max: int


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One schedule that was carried out, and what the probe made of it.

    Attributes:
        gap_ns: From one write to the next.
        tokens: Pieces of text in a write.
        cut: Where writes were cut: not at all, inside a line, or inside a character.
        clock: Where the arrival times came from.
        writes: Number of writes.
        stamps: Error of the arrival times: ours minus the moment of the write.
        gaps: Error of the gaps between arrivals: ours minus the gaps between the writes.
        late: How late the server's own writes began: what the schedule itself is good for.
        first_ns: Error of the time to first text: ours minus the server's, which counts from the
            arrival of the request to the first write.
        lost: Pieces of text that never came. Must be 0.
        doubled: Pieces of text that came more than once, or changed. Must be 0.
        shared: Writes that have no arrival time of their own, because one read brought several.
        tries: How often it was carried out: again when the server could not keep its schedule.
    """

    gap_ns: int
    tokens: int = 1
    cut: Cut = ""
    clock: Clock
    writes: int
    stamps: Spread
    gaps: Spread
    late: Spread
    first_ns: int
    lost: int = 0
    doubled: int = 0
    shared: int = 0
    tries: int = 1


class Calibration(msgspec.Struct, frozen=True, kw_only=True):
    """What is known about the error of this machine's times.

    Attributes:
        schema: Name and version of this record's format.
        measured_utc: When, ISO 8601.
        streamscope: Version that measured.
        python: Version of Python.
        system: Name of the operating system, its release and the kind of processor.
        cores: Number of processors.
        machine: Opaque name of the machine: another machine's calibration does not hold here.
        painted: Whether the app was painting meanwhile.
        exact: Whether the server kept its schedule to better than 0.05 ms at p99.
        error_ns_p99: By how much an arrival time may be wrong, by clock: the largest p99 of the
            stamps over all rates at which the gaps were true.
        true_gap_ns: The shortest gap at which the gaps were true; ``None`` if none was.
        cases: What it rests on.
    """

    schema: str = "streamscope/calibration/1"
    measured_utc: str
    streamscope: str
    python: str
    system: str
    cores: int
    machine: str
    painted: bool
    exact: bool
    error_ns_p99: dict[Clock, int]
    true_gap_ns: int | None
    cases: tuple[Case, ...]
