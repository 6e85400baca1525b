"""The table of figures that depend on who reads: computed when shown, never stored.

They follow the settings of ``measure.conventions``, so a number from last week would mean
something else today. A new one is one function and one row here.
"""

from collections.abc import Callable

import msgspec

from streamscope.measure import flow
from streamscope.measure.conventions import Conventions
from streamscope.measure.figures import Described
from streamscope.measure.reader import Reading, Units, reading_of, units_of
from streamscope.measure.timing import survey
from streamscope.measure.values import Value, known
from streamscope.trace import Trace

USUAL = Conventions()
"""The conventions that are meant unless others are named."""

FIRST_DEADLINE_S = 1.0
"""When the fluidity-index expects the first word, s: Nielsen's limit of an unbroken thought."""

LEAST_EXPECTED_S = 1.0
PROMPT_TOKENS_PER_S = 5000
"""Andes expects the first text after ``prompt tokens / 5000`` s, but not before 1 s."""


class ReaderFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What all figures of one reader are made of, gathered once.

    Attributes:
        trace: The run; it came to an end of its own.
        units: What there was to read.
        reading: How it was read.
    """

    trace: Trace
    units: Units
    reading: Reading

    @property
    def unit_s(self) -> float:
        """Mean time in which the reader takes one unit of this answer, s."""
        return self.reading.reading_s / self.reading.units


class ReaderFigure(Described, frozen=True, kw_only=True):
    """A figure that depends on who reads.

    Attributes:
        of: From facts to value.
    """

    of: Callable[[ReaderFacts], Value | None]

    def compute(self, trace: Trace, conventions: Conventions = USUAL) -> Value | None:
        """Compute this one figure; for all of them use ``measure_reader``, which reads once."""
        facts = _gather(trace, conventions)
        return None if facts is None else self._value(facts)

    def _value(self, facts: ReaderFacts) -> Value | None:
        if self.stream_only and facts.trace.mode == "blocking":
            return None
        return self.of(facts)


def measure_reader(trace: Trace, conventions: Conventions = USUAL) -> dict[str, Value | None]:
    """Compute all reader figures of a run, by name, in the order of the table.

    All are ``None`` where there is nothing to read, and for runs that are under way, failed or
    were stopped: their end is not the end.

    Raises:
        ValueError: If the reader's speed is not a positive number.
    """
    facts = _gather(trace, conventions)
    return {each.name: None if facts is None else each._value(facts) for each in READER_FIGURES}


def _gather(trace: Trace, conventions: Conventions) -> ReaderFacts | None:
    if not survey(trace).complete:
        return None
    units = units_of(trace)
    reading = reading_of(units, conventions.reader)
    return None if reading is None else ReaderFacts(trace=trace, units=units, reading=reading)


def _idle(facts: ReaderFacts) -> Value | None:
    return known(facts.reading.idle_s)


def _stall(facts: ReaderFacts) -> Value | None:
    return known(facts.reading.stall_s)


def _stalls(facts: ReaderFacts) -> Value | None:
    return known(facts.reading.stalls)


def _finish(facts: ReaderFacts) -> Value | None:
    return known(facts.reading.finish_s)


def _andes(facts: ReaderFacts) -> Value | None:
    prompt = facts.trace.tokens.prompt or 0
    expected = max(prompt / PROMPT_TOKENS_PER_S, LEAST_EXPECTED_S)
    return known(flow.andes(facts.units.visible_s, 1 / facts.unit_s, expected))


def _fluidity(facts: ReaderFacts) -> Value | None:
    return known(flow.fluidity(facts.units.visible_s, FIRST_DEADLINE_S, facts.unit_s))


READER_FIGURES: tuple[ReaderFigure, ...] = (
    ReaderFigure(
        name="reader_idle_s",
        unit="s",
        label="reader idle",
        short="idle",
        formula="I = max over i of (v_i − time to read the words before i)",
        explanation="How long the reader had nothing to read, from sending on. In blocking mode"
        " that is the whole wait.",
        of=_idle,
        better="lower",
    ),
    ReaderFigure(
        name="reader_stall_s",
        unit="s",
        label="reader waiting",
        short="waiting",
        formula="I − v_1",
        explanation="The part of the idle time that came after the first word: the stream was"
        " slower than the reader. Zero where it always kept ahead.",
        of=_stall,
        better="lower",
        stream_only=True,
    ),
    ReaderFigure(
        name="reader_stalls",
        unit="stalls",
        label="reader stalls",
        short="r. stalls",
        formula="number of waits after the first word > 0.2 s",
        explanation="How often the reader had to stop in mid-text. A gap that came while they were"
        " still reading what was there is none. The threshold is this tool's convention.",
        of=_stalls,
        better="lower",
        stream_only=True,
    ),
    ReaderFigure(
        name="finish_s",
        unit="s",
        label="read to the end",
        short="read by",
        formula="I + time to read all words",
        explanation="When the reader was through with the answer. Of the same generation, a stream"
        " is read less than twice as soon as a blocking response, whatever the model.",
        of=_finish,
        better="lower",
    ),
    ReaderFigure(
        name="andes_qoe",
        unit="ratio",
        label="quality of experience",
        short="Andes QoE",
        formula="1 − Σ(a_i − ideal_i) / Σ a_i; a_i = max(v_i, a_(i−1) + d)",
        explanation="After Andes (2024, second version): 1 if no word came later than a reader"
        " wanted it who starts at max(prompt tokens / 5000, 1) s. Counted in words (Han and kana:"
        " characters) instead of tokens, d being the time to read one.",
        of=_andes,
        better="higher",
    ),
    ReaderFigure(
        name="fluidity",
        unit="share",
        label="fluidity-index",
        short="fluidity",
        formula="deadlines met / (met + missed); first 1 s, then d for each word",
        explanation="After Etalon (2024): being early saves up slack, a stall costs as many"
        " deadlines as it spans. Counted in words (Han and kana: characters) instead of tokens, d"
        " being the time to read one.",
        of=_fluidity,
        better="higher",
    ),
)
