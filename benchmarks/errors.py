"""How wrong a client's times are: what it noted, held against what the server did. Pure sums."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median

from benchmarks.known import Answer
from benchmarks.readings import Reading
from streamscope.measure.statistics import percentile

MS = 1_000_000
"""Nanoseconds of a millisecond."""

MOST_RATIO, LEAST_GAIN = 1.5, 50.0
"""The aims: at most so many times the bare loop's p99; so many times better than a reader on a
Textual event loop."""


@dataclass
class Errors:
    """The errors of one client at one gap, over all rounds, in ms.

    Attributes:
        cold: Of the time to the first text, for the first request of a process.
        warm: The same for all later ones.
        stamps: Of every stamp of the long answers; empty if the client's clock is its own.
        sure: Those of the last stamp of each read: the others may have come at any time before.
        gaps: Of every gap in them, without sign.
        late: How late the server's writes began.
        cpu_s: Processor time for 1,000 tokens, s, one for each long answer.
        shared: Pieces that were not the last of their read; ``None`` if the client doesn't tell.
        clocks: Where the stamps came from.
    """

    cold: list[float] = field(default_factory=list)
    warm: list[float] = field(default_factory=list)
    stamps: list[float] = field(default_factory=list)
    sure: list[float] = field(default_factory=list)
    gaps: list[float] = field(default_factory=list)
    late: list[float] = field(default_factory=list)
    cpu_s: list[float] = field(default_factory=list)
    shared: int | None = 0
    clocks: set[str] = field(default_factory=set)

    def add(
        self, readings: Sequence[Reading], answers: Sequence[Answer], cpu_s: float | None
    ) -> None:
        """Hold one process's readings against the server's log of them.

        Args:
            readings: In the order of the requests; the last one is of the long answer.
            answers: What the server did for them.
            cpu_s: Processor time of the last one; ``None`` if it is not known.

        Raises:
            ValueError: Texts are missing, so nothing can be said about the others.
        """
        for reading, answer in zip(readings, answers, strict=True):
            if len(reading.stamps_ns) != len(answer.wrote_ns):
                raise ValueError(
                    f"{len(answer.wrote_ns)} texts were written, {len(reading.stamps_ns)} came"
                )
        firsts = list(map(first_error_ms, readings, answers))
        reading, answer = readings[-1], answers[-1]
        shared = shared_reads(reading)
        self.cold.append(firsts[0])
        self.warm += firsts[1:]
        if reading.absolute:
            self.stamps += stamp_errors_ms(reading, answer)
            self.sure += sure_errors_ms(reading, answer)
        self.gaps += gap_errors_ms(reading, answer)
        self.late += answer.lateness_ms()
        self.clocks.add(reading.clock)
        self.shared = None if shared is None or self.shared is None else self.shared + shared
        if cpu_s is not None:
            self.cpu_s.append(cpu_s * 1000 / len(reading.stamps_ns))


def first_error_ms(reading: Reading, answer: Answer) -> float:
    """Return by how much the time to the first text is wrong.

    That is (the client's first stamp - the client's zero) - (the server's first write with text -
    the arrival of the request).
    """
    told = reading.stamps_ns[0] - reading.zero_ns
    return (told - (answer.wrote_ns[0] - answer.arrived_ns)) / MS


def stamp_errors_ms(reading: Reading, answer: Answer) -> list[float]:
    """Return for each stamp how long after the beginning of its write it is."""
    pairs = zip(reading.stamps_ns, answer.wrote_ns, strict=True)
    return [(stamp - wrote) / MS for stamp, wrote in pairs]


def sure_errors_ms(reading: Reading, answer: Answer) -> list[float]:
    """Return the errors of the last stamp of each read; none if the reads are not known."""
    errors = stamp_errors_ms(reading, answer)
    return (
        []
        if reading.reads is None
        else list(dict(zip(reading.reads, errors, strict=True)).values())
    )


def gap_errors_ms(reading: Reading, answer: Answer) -> list[float]:
    """Return for each gap by how much it differs from the gap between its writes."""
    return [abs(after - before) for before, after in pairwise(stamp_errors_ms(reading, answer))]


def shared_reads(reading: Reading) -> int | None:
    """Return how many pieces came with a read that a later one shares; ``None`` if not known."""
    return None if reading.reads is None else len(reading.reads) - len(set(reading.reads))


def three(values: Sequence[float]) -> tuple[float, float, float] | None:
    """Return p50, p99 (type 7) and maximum; ``None`` of nothing."""
    ordered = sorted(values)
    if not ordered:
        return None
    return percentile(ordered, 0.5), percentile(ordered, 0.99), ordered[-1]


def middle(values: Sequence[float]) -> float | None:
    """Return the median; ``None`` of nothing."""
    return median(values) if values else None


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> float | None:
    """Return our p99 over theirs; ``None`` where one is missing or theirs is 0."""
    one, other = three(ours), three(theirs)
    return one[1] / other[1] if one and other and other[1] else None


def aims(
    ours: str, stamps: Sequence[float], bare: Sequence[float], textual: Sequence[float]
) -> str:
    """Return a sentence that says whether the aims hold, whatever came out."""
    parts = []
    if (share := ratio(stamps, bare)) is not None:
        holds = "holds" if share <= MOST_RATIO else "does not hold"
        parts.append(f"{share:.2f}× the bare loop's p99 (aim: at most {MOST_RATIO:g}×) {holds}")
    if (gain := ratio(textual, stamps)) is not None:
        holds = "holds" if gain >= LEAST_GAIN else "does not hold"
        parts.append(
            f"{gain:.0f}× better than the reader on a Textual loop (aim: {LEAST_GAIN:g}×) {holds}"
        )
    return f"{ours}: {'; '.join(parts) or 'not measured beside the others'}."
