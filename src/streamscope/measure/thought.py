"""Remarks on thinking: how much of it was seen, and who decided on it."""

from streamscope.measure.formulas import Facts
from streamscope.measure.tokens import unsent_tokens
from streamscope.trace import Run, Trace

THINK_MEMBERS = frozenset({"think", "reasoning", "reasoning_effort", "chat_template_kwargs"})
"""Members of a request body with which thinking is asked for, or asked not to be."""

THINK_UNSET = (
    "Whether to think was left to the server: asked for (--think on), thinking may come in sight;"
    " declined (--think off), the wait for it may be spared."
)

THINK_OLLAMA = (
    "Whether to think was left to Ollama, whose models do unless told otherwise: --think off"
    " declines it, --think on asks for it."
)


def left_open(run: Run, code: str) -> str | None:
    """Say that nobody had decided whether to think, where a remark on thinking calls for it.

    Args:
        run: The run.
        code: Code of the remark that is made.
    """
    if _think_set(run):
        return None
    if code == "hidden-thinking":
        return THINK_UNSET
    return THINK_OLLAMA if code == "reasoning" and _is_ollama(run) else None


def _think_set(run: Run) -> bool:
    return run.request.think is not None or not THINK_MEMBERS.isdisjoint(run.request.params)


def _is_ollama(run: Run) -> bool:
    return run.target.protocol.startswith("ollama")


def hidden(facts: Facts) -> str | None:
    """Say how much of the output was thinking that nobody saw."""
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


def in_sight(facts: Facts) -> str | None:
    """Say how long the model thought before the first text of the answer."""
    timing = facts.timing
    if not timing.reasoning.chunks:
        return None
    if timing.mode == "blocking" or timing.first_answer_ns is None:
        return "The model thought before it answered; the thinking was sent too."
    started = timing.first_reasoning_ns or 0
    seconds = (timing.first_answer_ns - started) / 1e9
    return f"The model thought in sight for {seconds:.1f} s before the first text of the answer."


def split_estimated(facts: Facts) -> str | None:
    """Say that the tokens of the answer alone are an estimate."""
    visible = facts.tokens.visible
    if visible is None or not visible.estimated or facts.tokens.hidden is not None:
        return None
    return (
        "The server counts all tokens together; those of the answer are estimated from its share"
        " of the text."
    )
