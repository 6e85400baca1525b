"""The table of figures: screens, reports, documents and the history all read it.

A new figure is one function in ``formulas`` and one row here.
"""

from collections.abc import Callable
from typing import Literal

import msgspec

from streamscope.measure import formulas as f
from streamscope.measure.formulas import Facts, gather
from streamscope.measure.values import Value
from streamscope.trace import Trace

Unit = Literal[
    "s", "ms", "tok/s", "chars/s", "chunks/s", "tokens", "chunks", "stalls", "share", "ratio"
]
"""``share`` is 0 to 1, ``ratio`` any number without a unit; the rest are what they say."""

Better = Literal["lower", "higher"]


class Described(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is said about a figure anywhere.

    Attributes:
        name: Its key in files and in the history; never changes.
        unit: Its unit.
        label: Its name for people.
        short: Its name where there is little room, at most 12 characters.
        formula: How it is computed.
        explanation: What it means, and when there is none.
        better: Which direction a person would want; ``None`` where that has no meaning.
        stream_only: Whether blocking runs have none, by nature.
    """

    name: str
    unit: Unit
    label: str
    short: str
    formula: str
    explanation: str
    better: Better | None = None
    stream_only: bool = False


class Figure(Described, frozen=True, kw_only=True):
    """A figure that follows from the run alone.

    Attributes:
        compute: From facts to value.
    """

    compute: Callable[[Facts], Value | None]

    def __call__(self, trace: Trace) -> float | None:
        """Compute this one figure; for all of them use ``measure``, which is one pass."""
        value = self.compute(gather(trace))
        return None if value is None else value.value


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """All figures of one run.

    Attributes:
        values: By name, in the order of the table; ``None`` where there is none. Never NaN.
        estimated: Names of those that were inferred, not measured or reported; shown with ``~``.
    """

    values: dict[str, float | None]
    estimated: frozenset[str] = frozenset()

    def __getitem__(self, name: str) -> float | None:
        """Return one figure."""
        return self.values[name]


def measure(trace: Trace) -> Figures:
    """Compute all figures of a run in one pass over its chunks.

    A run that is under way or went wrong has those that it got far enough for.
    """
    facts = gather(trace)
    found = {figure.name: figure.compute(facts) for figure in FIGURES}
    return Figures(
        values={name: None if each is None else each.value for name, each in found.items()},
        estimated=frozenset(n for n, each in found.items() if each is not None and each.estimated),
    )


FIGURES: tuple[Figure, ...] = (
    Figure(
        name="ttfb_s",
        unit="s",
        label="first byte",
        short="first byte",
        formula="first body byte",
        explanation="When the first byte of the body came. Servers send it at very different"
        " points of their work, so never compare it between servers.",
        compute=f.ttfb,
        better="lower",
    ),
    Figure(
        name="t_any_s",
        unit="s",
        label="any text",
        short="any text",
        formula="first chunk with non-empty reasoning or answer",
        explanation="When anything of the model could be read, thinking included. Other tools"
        " call this time to first token.",
        compute=f.t_any,
        better="lower",
    ),
    Figure(
        name="ttfv_s",
        unit="s",
        label="first text",
        short="first text",
        formula="v_1: first chunk with non-empty answer",
        explanation="When the first of the answer could be read. In blocking mode that is when"
        " all of it could.",
        compute=f.ttfv,
        better="lower",
    ),
    Figure(
        name="t_10_s",
        unit="s",
        label="first ten words",
        short="ten words",
        formula="first moment with ≥ 10 words of the answer",
        explanation="A fairer start than the first token, which may be a single bracket. A word"
        " counts from its first letter on; two Han or kana characters count as one word. None for"
        " shorter answers.",
        compute=f.t_10,
        better="lower",
    ),
    Figure(
        name="total_s",
        unit="s",
        label="total",
        short="total",
        formula="last chunk with text; blocking: body complete",
        explanation="When the last of the text could be read. Reports of usage and end marks that"
        " follow do not count. None for runs that failed or were stopped.",
        compute=f.total,
        better="lower",
    ),
    Figure(
        name="done_s",
        unit="s",
        label="end mark",
        short="end mark",
        formula="the protocol's own end mark; blocking: body complete",
        explanation="The event at which both modes have done the same work: use it, not the"
        " total, to look for an overhead of streaming.",
        compute=f.done,
        better="lower",
    ),
    Figure(
        name="close_s",
        unit="s",
        label="closed",
        short="closed",
        formula="response complete on the wire",
        explanation="When the connection had nothing more to say.",
        compute=f.close,
        better="lower",
    ),
    Figure(
        name="connect_s",
        unit="s",
        label="connect",
        short="connect",
        formula="(secured or connected) − connecting",
        explanation="Name, TCP and TLS. It lies before the zero of all other times, so it is part"
        " of none of them. None on a connection that was already there.",
        compute=f.connect,
        better="lower",
    ),
    Figure(
        name="thinking_tax_s",
        unit="s",
        label="thinking in sight",
        short="thinking",
        formula="ttfv_s − t_any_s",
        explanation="How long reasoning could be seen before the answer began. Zero also when the"
        " model thought in silence: see hidden tokens.",
        compute=f.thinking_tax,
        better="lower",
        stream_only=True,
    ),
    Figure(
        name="hidden_s",
        unit="s",
        label="thinking out of sight",
        short="hidden",
        formula="(~) hidden tokens / server rate",
        explanation="How long the server took for thinking that it never sent: a wait that no"
        " stream can shorten. None where no token was hidden.",
        compute=f.hidden_time,
        better="lower",
    ),
    Figure(
        name="benefit_s",
        unit="s",
        label="reading ahead",
        short="benefit",
        formula="B = total_s − ttfv_s",
        explanation="How long the stream showed what a blocking response would have hidden.",
        compute=f.benefit,
        better="higher",
        stream_only=True,
    ),
    Figure(
        name="share",
        unit="share",
        label="share of the wait",
        short="share",
        formula="B / total_s",
        explanation="The part of the whole time in which there was something to read; 0 means"
        " that streaming changed nothing.",
        compute=f.benefit_share,
        better="higher",
        stream_only=True,
    ),
    Figure(
        name="visible_tok_per_s",
        unit="tok/s",
        label="visible rate",
        short="visible rate",
        formula="(n_v − f) / (v_K − v_1)",
        explanation="Answer tokens per second, as the eye sees them. Those of the first arrival, f,"
        " only start the clock: 1 where a chunk is a token and comes alone. The count is the"
        " server's; an estimate where it does not tell reasoning from answer, or f is inferred."
        " None without a count: a chunk is no token.",
        compute=f.visible_rate,
        better="higher",
        stream_only=True,
    ),
    Figure(
        name="server_tok_per_s",
        unit="tok/s",
        label="server rate",
        short="server rate",
        formula="(n − 1) / decode time; n / decode time (~) for servers of unknown clock",
        explanation="Decode rate by the server's own clock, all tokens. Ollama (≥ 0.30),"
        " llama.cpp and vLLM start it at the first token, so n tokens took n − 1 steps. Older"
        " Ollama counted otherwise and can't be compared.",
        compute=f.decode_rate,
        better="higher",
    ),
    Figure(
        name="e2e_tok_per_s",
        unit="tok/s",
        label="end-to-end rate",
        short="e2e rate",
        formula="n / total_s",
        explanation="All tokens by the whole time. Mixes wait and decoding, so it grows with the"
        " length of the answer.",
        compute=f.end_to_end_rate,
        better="higher",
    ),
    Figure(
        name="e2e_visible_tok_per_s",
        unit="tok/s",
        label="end-to-end visible rate",
        short="e2e visible",
        formula="n_v / total_s",
        explanation="Answer tokens by the whole time. None where the text is too short for all"
        " tokens and nobody knows how many were thought in secret.",
        compute=f.end_to_end_visible_rate,
        better="higher",
    ),
    Figure(
        name="e2e_char_per_s",
        unit="chars/s",
        label="text rate",
        short="text rate",
        formula="characters of the answer / total_s",
        explanation="Characters of the answer, white space as sent, by the whole time. The rate to"
        " compare models by, whose tokens differ; not between languages, whose characters hold more"
        " or less. None where the text is not known.",
        compute=f.end_to_end_text_rate,
        better="higher",
    ),
    Figure(
        name="chunks_per_s",
        unit="chunks/s",
        label="chunk rate",
        short="chunks/s",
        formula="(K − k) / (v_K − v_1)",
        explanation="Answer chunks per second; k are those of the first arrival, mostly 1."
        " A chunk may hold several tokens.",
        compute=f.chunk_rate,
        better="higher",
        stream_only=True,
    ),
    Figure(
        name="tpot_ms",
        unit="ms",
        label="time per token",
        short="per token",
        formula="(T_last − T_first) / (n − f)",
        explanation="Time per token after the f of the first arrival, over the tokens whose arrival"
        " was seen: all of them where reasoning was in sight, otherwise the answer's.",
        compute=f.tpot,
        better="lower",
        stream_only=True,
    ),
    Figure(
        name="prefill_tok_per_s",
        unit="tok/s",
        label="prefill rate",
        short="prefill rate",
        formula="evaluated prompt tokens / prefill time",
        explanation="By the server's clock, cached tokens left out. An estimate, and too high,"
        " where the server does not say how many were cached.",
        compute=f.prefill_rate,
        better="higher",
    ),
    Figure(
        name="gap_p50_ms",
        unit="ms",
        label="gap, median",
        short="gap median",
        formula="median of g_i = v_(i+1) − v_i",
        explanation="Between arrivals of answer text. Chunks of one read are one arrival.",
        compute=f.gap_p50,
        better="lower",
        stream_only=True,
    ),
    Figure(
        name="gap_p95_ms",
        unit="ms",
        label="gap, 95th percentile",
        short="gap p95",
        formula="95th percentile of g_i (type 7, linear)",
        explanation="One gap in twenty is longer.",
        compute=f.gap_p95,
        better="lower",
        stream_only=True,
    ),
    Figure(
        name="gap_max_ms",
        unit="ms",
        label="gap, longest",
        short="gap max",
        formula="max g_i",
        explanation="The longest moment without anything new to read.",
        compute=f.gap_max,
        better="lower",
        stream_only=True,
    ),
    Figure(
        name="gap_mean_ms",
        unit="ms",
        label="gap, mean",
        short="gap mean",
        formula="mean of g_i",
        explanation="Pulled up by single stalls; prefer the median.",
        compute=f.gap_mean,
        better="lower",
        stream_only=True,
    ),
    Figure(
        name="gap_cv",
        unit="ratio",
        label="gap, variation",
        short="gap CV",
        formula="sd(g) / mean(g), sample sd",
        explanation="Below 0.3 the stream is steady; 1 is as uneven as chance.",
        compute=f.gap_cv,
        better="lower",
        stream_only=True,
    ),
    Figure(
        name="stalls",
        unit="stalls",
        label="stalls",
        short="stalls",
        formula="number of g_i > max(0.2 s, 3 · median)",
        explanation="Gaps that a reader notices. The threshold is this tool's convention.",
        compute=f.stalls,
        better="lower",
        stream_only=True,
    ),
    Figure(
        name="stall_s",
        unit="s",
        label="time in stalls",
        short="stalled",
        formula="sum of the stalls",
        explanation="How long the text stood still in all.",
        compute=f.stall_time,
        better="lower",
        stream_only=True,
    ),
    Figure(
        name="burst_share",
        unit="share",
        label="bursts",
        short="bursts",
        formula="answer chunks < 1 ms after the one before / (K − 1)",
        explanation="Chunks that came together with the one before. Where a server sends a thousand"
        " chunks a second that is its speed; at a lower rate something put them together, and the"
        " gaps describe that rather than the model.",
        compute=f.burst_share,
        better="lower",
        stream_only=True,
    ),
    Figure(
        name="chunks",
        unit="chunks",
        label="chunks",
        short="chunks",
        formula="K: non-empty answer chunks",
        explanation="In how many pieces the answer was sent.",
        compute=f.chunks,
        stream_only=True,
    ),
    Figure(
        name="output_tokens",
        unit="tokens",
        label="tokens",
        short="tokens",
        formula="n, by the server",
        explanation="All generated tokens, reasoning included.",
        compute=f.output_tokens,
    ),
    Figure(
        name="visible_tokens",
        unit="tokens",
        label="answer tokens",
        short="answer tok",
        formula="n_v = n − n_h",
        explanation="Tokens of the answer. An estimate by share of chunks (of characters, where"
        " all came at once) if the server does not tell reasoning or tool calls apart.",
        compute=f.visible_tokens,
    ),
    Figure(
        name="reasoning_tokens",
        unit="tokens",
        label="reasoning tokens",
        short="reasoning",
        formula="n_h, by the server; else estimated",
        explanation="Tokens of thinking, seen or not.",
        compute=f.reasoning_tokens,
    ),
    Figure(
        name="hidden_tokens",
        unit="tokens",
        label="hidden tokens",
        short="hidden",
        formula="n_h without reasoning text; else (~) min((ttfv_s − load − queue − prefill)"
        " · server rate, n − K, 1 + (decoding − (v_K − v_1)) · server rate)",
        explanation="Tokens of thinking that were generated and never sent. The estimate is only"
        " made above 20 tokens and 20 % of all.",
        compute=f.hidden_tokens,
        better="lower",
    ),
    Figure(
        name="prompt_tokens",
        unit="tokens",
        label="prompt tokens",
        short="prompt tok",
        formula="by the server",
        explanation="Tokens of the prompt, cached ones included.",
        compute=f.prompt_tokens,
    ),
    Figure(
        name="cached_tokens",
        unit="tokens",
        label="cached tokens",
        short="cached tok",
        formula="by the server",
        explanation="Prompt tokens that came from a cache. None means unknown, not zero.",
        compute=f.cached_tokens,
    ),
    Figure(
        name="load_s",
        unit="s",
        label="model load",
        short="load",
        formula="by the server",
        explanation="Loading the model. Above 0.1 s the run says more about the disk.",
        compute=f.load_time,
        better="lower",
    ),
    Figure(
        name="prefill_s",
        unit="s",
        label="prefill",
        short="prefill",
        formula="by the server",
        explanation="Evaluating the part of the prompt that was not cached.",
        compute=f.prefill_time,
        better="lower",
    ),
    Figure(
        name="decode_s",
        unit="s",
        label="decoding",
        short="decoding",
        formula="by the server",
        explanation="Generating all tokens, hidden ones included.",
        compute=f.decode_time,
        better="lower",
    ),
    Figure(
        name="overhead_s",
        unit="s",
        label="overhead",
        short="overhead",
        formula="end mark − load − queue − prefill − decoding",
        explanation="In none of the server's durations: network, client, and waiting where the"
        " server does not report it. Two clocks may make it fall below zero. None unless the"
        " server reports prefill and decoding.",
        compute=f.overhead,
        better="lower",
    ),
    Figure(
        name="shown_p50_ms",
        unit="ms",
        label="to the screen, median",
        short="shown",
        formula="median over the chunks of frame − arrival",
        explanation="From the arrival of text to the frame that showed it. Part of no other time:"
        " those end when bytes arrive. None without a screen.",
        compute=f.shown_p50,
        better="lower",
    ),
    Figure(
        name="shown_p99_ms",
        unit="ms",
        label="to the screen, 99th percentile",
        short="shown p99",
        formula="99th percentile over the chunks of frame − arrival",
        explanation="One piece of text in a hundred took longer to the screen.",
        compute=f.shown_p99,
        better="lower",
    ),
    Figure(
        name="read_lag_p99_ms",
        unit="ms",
        label="look, 99th percentile",
        short="look p99",
        formula="99th percentile of look − arrival; else of timer run − timer due",
        explanation="How late the probe looked. With the kernel's clock that moves no arrival time;"
        " with the clock of the read it does. Late looks tell of a busy machine.",
        compute=f.read_lag,
        better="lower",
    ),
    Figure(
        name="probe_cpu_ms",
        unit="ms",
        label="probe's work",
        short="probe CPU",
        formula="user and system time of the probe's process",
        explanation="What measuring took of a processor, in a process of its own.",
        compute=f.probe_cpu,
        better="lower",
    ),
)

BY_NAME: dict[str, Figure] = {figure.name: figure for figure in FIGURES}
"""The table by name."""
