"""Honest remarks: what a reader must know before believing the figures of a run or a pair."""

import hashlib
from collections.abc import Callable, Sequence
from typing import Literal, TypeAlias

import msgspec

from streamscope.measure.believable import believable
from streamscope.measure.buffering import buffering
from streamscope.measure.formulas import Facts, gather, overhead, total
from streamscope.measure.server_side import RELOAD_S
from streamscope.measure.tokens import unsent_tokens
from streamscope.measure.trust import busy_words
from streamscope.trace import COUNTED_FLAG, IGNORED_FLAG, Run, Trace

UNACCOUNTED_LIMIT = 0.1
THINK_MEMBERS = frozenset({"think", "reasoning", "reasoning_effort", "chat_template_kwargs"})
"""Members of a request body with which thinking is asked for, or asked not to be."""

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
    "no-answer",
    "unsent",
    "limit-ignored",
    "different-output",
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


THINK_UNSET = (
    "Whether to think was left to the server: asked for (--think on), thinking may come in sight;"
    " declined (--think off), the wait for it may be spared."
)


def run_notes(run: Run) -> tuple[Note, ...]:
    """Return what must be said about one run, the gravest first."""
    about_run = ((code, remark(run)) for code, remark in _ABOUT_RUN)
    notes = [Note(code, sentence) for code, sentence in about_run if sentence]
    for note in trace_notes(run.trace):
        cold = note.code == "prompt-cache" and run.regime == "cold"
        notes.append(Note(note.code, _cached_in_spite(run.trace)) if cold else note)
        if note.code == "hidden-thinking" and not _think_set(run):
            notes.append(Note("think-unset", THINK_UNSET))
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
    if difference := _unsent_difference(a, b):
        notes.append(Note("unsent", difference))
    if a.layout == "race" or b.layout == "race":
        notes.append(
            Note("race", "Both requests ran at once and may have shared or queued for the server.")
        )
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


def _think_set(run: Run) -> bool:
    return run.request.think is not None or not THINK_MEMBERS.isdisjoint(run.request.params)


def _hidden(facts: Facts) -> str | None:
    hidden, output = facts.tokens.hidden, facts.tokens.output
    if hidden is None and output is not None:
        return _unsent(facts.trace, output.value)
    if hidden is None or output is None or hidden.value <= 0 or facts.timing.mode == "blocking":
        return None
    if hidden.estimated:
        return (
            f"About {hidden.value:.0f} of {output.value:.0f} tokens were thinking"
            " that you never saw (estimate)."
        )
    return f"{hidden.value:.0f} of {output.value:.0f} tokens were thinking that was never sent."


def _unsent(trace: Trace, output: float) -> str | None:
    """Say what the size of the text alone tells: in blocking mode there is nothing else."""
    least = unsent_tokens(trace)
    if least is None:
        return None
    return (
        f"At least {least} of {output:.0f} tokens are in no text that was sent: most likely"
        " thinking that you never saw."
    )


def _reasoning(facts: Facts) -> str | None:
    timing = facts.timing
    if not timing.reasoning.chunks:
        return None
    if timing.mode == "blocking" or timing.first_answer_ns is None:
        return "The model thought before it answered; the thinking was sent too."
    started = timing.first_reasoning_ns or 0
    seconds = (timing.first_answer_ns - started) / 1e9
    return f"The model thought in sight for {seconds:.1f} s before the first text of the answer."


def _split_estimated(facts: Facts) -> str | None:
    visible = facts.tokens.visible
    if visible is None or not visible.estimated or facts.tokens.hidden is not None:
        return None
    return (
        "The server counts all tokens together; those of the answer are estimated from its share"
        " of the text."
    )


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


def _unasked(facts: Facts) -> str | None:
    names = facts.trace.unsent
    if not names:
        return None
    them = "them" if len(names) > 1 else "it"
    return f"{_listed(names)} could not be sent: this protocol has no member for {them}."


def _unsent_difference(a: Run, b: Run) -> str | None:
    """Say what was asked of one channel alone, although it was asked for on both."""
    if a.trace.unsent == b.trace.unsent:
        return None
    alone = [
        f"{_listed(names)} went to {channel} alone"
        for channel, one, other in (("A", a, b), ("B", b, a))
        if (names := tuple(name for name in other.trace.unsent if name not in one.trace.unsent))
    ]
    return f"{' and '.join(alone)}: the answers may differ for it."


def _listed(names: Sequence[str]) -> str:
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last


def _limit_ignored(run: Run) -> str | None:
    limit, output = run.request.max_tokens, believable(run.trace).tokens.output
    if IGNORED_FLAG not in run.trace.flags or limit is None or output is None:
        return None
    return f"The server ignored the token limit: {limit} were allowed, it made {output}."


def _length_limit(facts: Facts) -> str | None:
    if facts.trace.ended == "length" and COUNTED_FLAG in facts.trace.flags:
        return "The answer was cut at the token limit; the count says so, the server did not."
    if facts.trace.ended == "length":
        return "The answer was cut at the token limit."
    return None


def _withheld(facts: Facts) -> str | None:
    if facts.trace.ended == "filter":
        return "The server withheld the rest of the answer."
    return None


def _incomplete(facts: Facts) -> str | None:
    if facts.trace.ended == "incomplete":
        return "The stream ended without its end mark: the answer may lack its end."
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
    ("limit-ignored", _limit_ignored),
    ("old-ollama-rate", _old_ollama),
)

_ABOUT_TRACE: tuple[tuple[NoteCode, Callable[[Facts], str | None]], ...] = (
    ("busy", _busy),
    ("incomplete", _incomplete),
    ("withheld", _withheld),
    ("no-answer", _no_answer),
    ("not-streamed", _not_streamed),
    ("hidden-thinking", _hidden),
    ("reasoning", _reasoning),
    ("split-estimated", _split_estimated),
    ("coalesced", _coalesced),
    ("unsent", _unasked),
    ("length-limit", _length_limit),
    ("model-load", _model_load),
    ("prompt-cache", _prompt_cache),
    ("unaccounted", _unaccounted),
    ("impossible-figures", _impossible),
)
