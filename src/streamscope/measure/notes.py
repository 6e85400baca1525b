"""Honest remarks: what a reader must know before believing the figures of a run or a pair."""

import hashlib
from collections.abc import Callable
from typing import Literal, TypeAlias

import msgspec

from streamscope.measure import thought
from streamscope.measure.asked import (
    length_limit,
    limit_added,
    limit_ignored,
    not_sent,
    page,
    sent_to_one,
    think_ignored,
)
from streamscope.measure.believable import believable
from streamscope.measure.buffering import buffering
from streamscope.measure.formulas import Facts, gather, overhead, total
from streamscope.measure.server_side import RELOAD_S
from streamscope.measure.trust import busy_words
from streamscope.sides import Side
from streamscope.trace import UNMARKED_FLAG, Run, Trace

UNACCOUNTED_LIMIT = 0.1

NoteCode: TypeAlias = Literal[
    "simulated",
    "demo-model",
    "hidden-thinking",
    "think-unset",
    "reasoning",
    "split-estimated",
    "coalesced",
    "not-streamed",
    "prompt-cache",
    "model-load",
    "old-ollama-rate",
    "unaccounted",
    "impossible-figures",
    "busy",
    "length-limit",
    "withheld",
    "incomplete",
    "unmarked",
    "no-answer",
    "page",
    "unsent",
    "limit-ignored",
    "limit-added",
    "think-ignored",
    "different-output",
    "cut-short",
    "race",
]


class Note(msgspec.Struct, frozen=True):
    """A remark.

    Attributes:
        code: Short name, stable, for files and filters.
        sentence: One sentence for people.
    """

    code: NoteCode
    sentence: str


RACE = "Both requests ran at once and may have shared or queued for the server."
RACE_APART = (
    "Both requests ran at once: servers that share a machine or a line slowed each other down."
)


def run_notes(run: Run) -> tuple[Note, ...]:
    """Return what must be said about one run, the gravest first."""
    about_run = ((code, remark(run)) for code, remark in _ABOUT_RUN)
    notes = [Note(code, sentence) for code, sentence in about_run if sentence]
    for note in trace_notes(run.trace):
        cold = note.code == "prompt-cache" and run.regime == "cold"
        notes.append(Note(note.code, _cached_in_spite(run.trace)) if cold else note)
        said = any(each.code == "think-unset" for each in notes)
        if not said and (unset := thought.left_open(run, note.code)):
            notes.append(Note("think-unset", unset))
    return tuple(notes)


def trace_notes(trace: Trace) -> tuple[Note, ...]:
    """Return what the record alone gives cause to say, the gravest first."""
    facts = gather(trace)
    remarks = ((code, remark(facts)) for code, remark in _ABOUT_TRACE)
    return tuple(Note(code, sentence) for code, sentence in remarks if sentence)


def pair_notes(a: Run, b: Run) -> tuple[Note, ...]:
    """Return what must be said about two runs that stand side by side."""
    notes = []
    same_source = a.target == b.target and a.request == b.request
    if same_source and a.trace.ok and b.trace.ok and output_hash(a.trace) != output_hash(b.trace):
        counts = [believable(run.trace).tokens.output for run in (a, b)]
        if counts[0] is not None and counts[0] == counts[1]:
            words = f"The two answers differ, but both have {counts[0]} tokens."
        else:
            sizes = f" ({counts[0]} and {counts[1]} tokens)" if None not in counts else ""
            words = f"The two answers differ{sizes}: compare rates, not totals."
        notes.append(Note("different-output", words))
        if cut := _cut_short(a, b):
            notes.insert(0, Note("cut-short", cut))
    if difference := sent_to_one(a, b):
        notes.append(Note("unsent", difference))
    if a.layout == "race" or b.layout == "race":
        notes.append(Note("race", RACE if _one_place(a, b) else RACE_APART))
    return tuple(notes)


def output_hash(trace: Trace) -> str:
    """Return the SHA-256 of the answer, in hexadecimal. Lone surrogates count as they are."""
    return hashlib.sha256(trace.text().encode("utf-8", "surrogatepass")).hexdigest()


def _simulated(run: Run) -> str | None:
    if run.engine == "simulator" or "simulated" in run.trace.flags:
        return "Simulated: the text and its timing were made up by the simulator."
    return None


def _demo_model(run: Run) -> str | None:
    if run.engine == "local":
        return "135M demo model: the timings are real, the answers are not reliable."
    return None


def _not_streamed(facts: Facts) -> str | None:
    found = buffering(facts.trace, facts.timing)
    return found.sentence if found is not None and found.kind == "not-streamed" else None


def _coalesced(facts: Facts) -> str | None:
    found = buffering(facts.trace, facts.timing)
    return found.sentence if found is not None and found.kind != "not-streamed" else None


def _prompt_cache(facts: Facts) -> str | None:
    counts = facts.trace.tokens
    if not counts.cached:
        return None
    of_all = f" of {counts.prompt}" if counts.prompt else ""
    return f"{counts.cached}{of_all} prompt tokens came from the cache: the wait is a warm one."


def _cached_in_spite(trace: Trace) -> str:
    """Say what a cache did in a run whose prompt it could not know."""
    cached, prompt = trace.tokens.cached or 0, trace.tokens.prompt or 0
    if prompt and cached <= prompt / 2:
        return (
            f"{cached} of {prompt} prompt tokens came from the cache: what the server puts before"
            " the text is the same in every run."
        )
    return (
        f"{cached} prompt tokens came from the cache, although nothing of this prompt had been"
        " asked before: its wait is not a cold one."
    )


def _model_load(facts: Facts) -> str | None:
    load = facts.trace.server.load_s
    if load is None or load <= RELOAD_S:
        return None
    return f"The model was loaded in this run ({load:.1f} s): its wait is not the model's own."


def _old_ollama(run: Run) -> str | None:
    version = run.server_version.lstrip("v").split(".")[:2]
    if run.trace.server.source != "ollama" or not all(part.isdecimal() for part in version):
        return None
    if [int(part) for part in version] >= [0, 30]:
        return None
    return "Ollama before 0.30 measured decoding otherwise: don't compare its rate with others."


def _unaccounted(facts: Facts) -> str | None:
    end, over = total(facts), overhead(facts)
    if end is None or over is None or over.value <= UNACCOUNTED_LIMIT * end.value:
        return None
    return f"{over.value:.2f} s are in none of the server's durations: queue, network or client."


def _impossible(facts: Facts) -> str | None:
    return " ".join(facts.doubts) or None


def _busy(facts: Facts) -> str | None:
    return busy_words(facts.trace) or None


def _one_place(a: Run, b: Run) -> bool:
    return Side.of(a).place == Side.of(b).place


def _withheld(facts: Facts) -> str | None:
    if facts.trace.ended == "filter":
        return "The server withheld the rest of the answer."
    return None


def _incomplete(facts: Facts) -> str | None:
    if facts.trace.ended == "incomplete" and facts.trace.fault is None:
        return "The stream ended without its end mark: the answer may lack its end."
    return None


def _unmarked(facts: Facts) -> str | None:
    if facts.trace.ok and UNMARKED_FLAG in facts.trace.flags:
        return "The answer ended without an end mark: whether it is whole nobody can tell."
    return None


def _cut_short(a: Run, b: Run) -> str | None:
    """Say what the other answer tells of one that came without an end mark."""
    for channel, one, other in (("A", a, b), ("B", b, a)):
        text, longer = one.trace.text(), other.trace.text()
        if UNMARKED_FLAG in one.trace.flags and longer != text and longer.startswith(text):
            return (
                f"{channel}'s answer came without an end mark and is the beginning of the other"
                f" ({len(text)} of {len(longer)} characters): most likely it was cut."
            )
    return None


def _no_answer(facts: Facts) -> str | None:
    timing = facts.timing
    if not timing.complete or timing.answer.chunks or facts.trace.ended == "tool":
        return None
    if timing.reasoning.chunks:
        return "All text was reasoning: no answer came."
    return "No answer text came."


_ABOUT_RUN: tuple[tuple[NoteCode, Callable[[Run], str | None]], ...] = (
    ("simulated", _simulated),
    ("demo-model", _demo_model),
    ("limit-ignored", limit_ignored),
    ("think-ignored", think_ignored),
    ("old-ollama-rate", _old_ollama),
)

_ABOUT_TRACE: tuple[tuple[NoteCode, Callable[[Facts], str | None]], ...] = (
    ("busy", _busy),
    ("page", page),
    ("incomplete", _incomplete),
    ("unmarked", _unmarked),
    ("withheld", _withheld),
    ("no-answer", _no_answer),
    ("not-streamed", _not_streamed),
    ("hidden-thinking", thought.hidden),
    ("reasoning", thought.in_sight),
    ("split-estimated", thought.split_estimated),
    ("coalesced", _coalesced),
    ("unsent", not_sent),
    ("limit-added", limit_added),
    ("length-limit", length_limit),
    ("model-load", _model_load),
    ("prompt-cache", _prompt_cache),
    ("unaccounted", _unaccounted),
    ("impossible-figures", _impossible),
)
