"""What a blind test says at its end: which side was which, and what all votes come to."""

from textual.content import Content

from streamscope.measure.blind import Tally
from streamscope.report import words
from streamscope.trace import Mode
from streamscope.trial.blind import Round
from streamscope.trial.votes import Results, Wait
from streamscope.tui.faces import bad, muted

MODES: dict[Mode, str] = {"stream": "streaming", "blocking": "blocking"}

_NAME, _CELL = 13, 13

_ADVICE = (
    "Decide how many rounds you will do before you look: going on until the votes seem to show"
    " something makes them show it too often."
)
_WHAT_IS_HIDDEN = (
    "What was hidden is which side is which, and every figure. That text came in pieces or all at"
    " once can be seen, as in any app."
)


def votes_page(results: Results, *, kept: bool) -> Content:
    """Return the whole page.

    Args:
        results: The votes.
        kept: Whether they are kept in the history.
    """
    parts = [Content.styled(results.together.sentence, "bold $verdict")]
    parts += [bad(problem) for problem in results.problems]
    parts.append(_counts(results))
    if results.waits:
        parts.append(_waits(results.waits))
    parts.append(muted(_WHAT_IS_HIDDEN))
    parts.append(muted(_ADVICE if kept else f"No history is kept: these votes end here. {_ADVICE}"))
    if results.rounds:
        parts.append(_rounds(results.rounds))
    return Content("\n\n").join(parts)


def _counts(results: Results) -> Content:
    """Return a table of votes, with the test of all of them below."""
    lines = [_row("felt faster", MODES["stream"], MODES["blocking"], "no difference", head=True)]
    listed = [("this time", results.now), ("before", results.before)]
    if any(count(each) == 0 for _, each in listed):
        listed = [(name, each) for name, each in listed if count(each)]
    else:
        listed.append(("together", results.together))
    lines += [_row(name, f"{t.stream}", f"{t.blocking}", f"{t.ties}") for name, t in listed]
    if results.together.decided:
        lines.append(muted(_tested(results.together)))
    return Content("\n").join(lines)


def count(counted: Tally) -> int:
    """Return how many votes were counted, ties too."""
    return counted.decided + counted.ties


def _tested(counted: Tally) -> str:
    return (
        f"{counted.stream} of {counted.decided} for streaming: {_percent(counted.low)} to"
        f" {_percent(counted.high)} % by Wilson's 95 % interval; exact sign test"
        f" p {'<' if counted.p < 0.001 else '='} {max(counted.p, 0.001):.3f}"
    )


def _percent(share: float) -> str:
    return f"{100 * share:.0f}"


def _waits(waits: dict[Mode, Wait]) -> Content:
    """Return felt against real waits."""
    lines = [
        Content("How long you waited before you could start reading (medians)"),
        _row("", "felt", "really", "felt / really", head=True),
    ]
    for mode, name in MODES.items():
        wait = waits.get(mode)
        if wait is not None:
            felt, real = words.seconds(wait.felt_s), words.seconds(wait.real_s)
            lines.append(_row(name, felt, real, f"{_ratio(wait)}, n={wait.n}"))
    return Content("\n").join(lines)


def _ratio(wait: Wait) -> str:
    """Return felt over real, with its interval where there are enough answers for one."""
    ratio = wait.ratio
    if ratio is None:
        return words.NONE
    if ratio.low is None or ratio.high is None or ratio.coverage is None:
        return f"{words.digits(ratio.estimate)}×"
    return (
        f"{words.digits(ratio.estimate)}× ({100 * ratio.coverage:.1f} % CI"
        f" {words.digits(ratio.low)}–{words.digits(ratio.high)})"
    )


def _rounds(rounds: tuple[Round, ...]) -> Content:
    """Return what was where in each round, and what was said."""
    lines = [_row("round", "left", "right", "you said", head=True)]
    for number, each in enumerate(rounds, start=1):
        said = "no difference"
        if each.said is not None and each.said != "tie":
            said = f"{each.said}, {MODES[each.modes[each.said]]}"
        lines.append(_row(f"{number}", MODES[each.modes["left"]], MODES[each.modes["right"]], said))
    return Content("\n").join(lines)


def _row(name: str, *cells: str, head: bool = False) -> Content:
    body = "".join(f"{cell:<{_CELL}}" for cell in cells).rstrip()
    return Content.assemble(
        (f"{name:<{_NAME}}", "$text-muted"), (body, "$text-muted" if head else "")
    )
