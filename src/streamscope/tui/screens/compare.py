"""How a comparison is to be made: until its medians are known, or so many pairs."""

import re

import msgspec
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, OptionList, Static

from streamscope.plan import LEAST, Plan
from streamscope.settings import MAX_REPEAT
from streamscope.trace import Regime
from streamscope.trial.plan import Course
from streamscope.tui.course_words import about_time
from streamscope.tui.screens.picker import Picker
from streamscope.tui.widgets.field import Field

CHOICES = (6, 10, 20)
"""Numbers of pairs to choose from."""

_REGIMES: dict[Regime, str] = {
    "warm": "the same prompt each time, so that a cache helps both sides alike",
    "cold": "each request begins with something new, so that no cache helps; answers differ",
}


class Unfinished(msgspec.Struct, frozen=True, kw_only=True):
    """A comparison of this prompt that was stopped.

    Attributes:
        plan: Its plan.
        pairs: Whole pairs that it has.
    """

    plan: Plan
    pairs: int


def unfinished_of(course: Course | None) -> Unfinished | None:
    """Return what is to be said of a comparison that could go on, if there is one."""
    if course is None:
        return None
    return Unfinished(plan=course.plan, pairs=len(course.pairs()))


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What the person wants.

    Attributes:
        plan: How the comparison is made.
        resume: Whether the stopped one goes on.
    """

    plan: Plan
    resume: bool = False


def read_wish(text: str, plan: Plan) -> Plan | None:
    """Return the plan that a text means: ``12`` pairs, or until ``3 %``; ``None`` for neither."""
    number = re.fullmatch(r"\s*(\d{1,5})\s*", text)
    if number and 1 <= int(number[1]) <= MAX_REPEAT:
        return msgspec.structs.replace(plan, repeat=int(number[1]), until=None)
    width = re.fullmatch(r"\s*±?\s*(\d{1,2}(?:[.,]\d+)?)\s*%\s*", text)
    if width and (share := float(width[1].replace(",", ".")) / 100) > 0:
        most = plan.repeat if plan.until is not None else max(plan.repeat, 30)
        return msgspec.structs.replace(plan, until=share, repeat=most)
    return None


def _pairs(number: int) -> str:
    return f"{number} pair{'s' if number != 1 else ''}"


def plan_words(plan: Plan, pair_s: float | None) -> tuple[str, str]:
    """Return what a plan does, and how long that takes if a pair takes so long."""
    if plan.until is None:
        pairs = _pairs(plan.repeat)
        spans = [plan.repeat]
    else:
        least = min(plan.least, plan.repeat)
        pairs = f"until ±{100 * plan.until:g} %: {least} to {plan.repeat} pairs"
        spans = [least, plan.repeat]
    if pair_s is None:
        return pairs, ""
    took = [each * pair_s + max(0, each - 1) * plan.cooldown_s for each in spans]
    return pairs, "about " + " to ".join(dict.fromkeys(about_time(each) for each in took))


class CompareDialog(Picker[Asked | None]):
    """Choose with the arrow keys, or type a number of pairs or a width; enter starts."""

    CSS = """
    CompareDialog > .dialog { height: auto; max-height: 90%; width: 90%; max-width: 84; }
    CompareDialog .dialog OptionList { height: auto; max-height: 8; }
    CompareDialog #regime { margin: 1 0; }
    """
    BINDINGS = [Binding("f2", "regime", "warm or cold")]

    def __init__(
        self, plan: Plan, *, pair_s: float | None = None, unfinished: Unfinished | None = None
    ) -> None:
        """Open the dialog.

        Args:
            plan: What is done unless something else is said.
            pair_s: How long a pair takes, s, where that is known.
            unfinished: The comparison that could go on.
        """
        super().__init__()
        self._plan = plan
        self._pair_s = pair_s
        self._unfinished = unfinished
        self._choices: list[Asked] = []
        self._regime: Regime = plan.regime

    def compose(self) -> ComposeResult:
        """Lay out the dialog."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "compare"
            dialog.border_subtitle = "enter starts · f2 warm or cold · esc closes"
            yield Field(placeholder="a number of pairs, or a width such as 3 %, or choose below")
            yield OptionList()
            yield Static(id="regime")
            yield Static(self._conditions(), classes="hint")

    def on_mount(self) -> None:
        """List what can be chosen."""
        if self._unfinished is not None:
            left = self._unfinished.plan
            words, _ = plan_words(left, None)
            self._add(
                Asked(plan=left, resume=True),
                "go on",
                f"with the one that was stopped after {_pairs(self._unfinished.pairs)} ({words})",
            )
        plans = [self._plan]
        plans += [
            plan
            for number in CHOICES
            if (plan := msgspec.structs.replace(self._plan, repeat=number, until=None)) not in plans
        ]
        for plan in plans:
            words, took = plan_words(plan, self._pair_s)
            self._add(Asked(plan=plan), words, took)
        self._draw_regime()

    def action_regime(self) -> None:
        """Switch between warm and cold."""
        self._regime = "cold" if self._regime == "warm" else "warm"
        self._draw_regime()

    def _draw_regime(self) -> None:
        self.query_one("#regime", Static).update(
            Content.assemble(
                ("f2 ", "$accent"), (self._regime, "bold"), (f": {_REGIMES[self._regime]}", "")
            )
        )

    def _conditions(self) -> Content:
        plan = self._plan
        cool = f", {plan.cooldown_s:g} s pause between pairs" if plan.cooldown_s else ""
        said = (
            f"Measured apart, order {plan.order.upper()}, {plan.warmup} warm-up a side dropped"
            f"{cool}. Fewer than {LEAST} pairs have no 95 % interval. esc stops it; what is"
            " measured stays, and it can go on later."
        )
        return Content.styled(said, "$text-muted")

    def _add(self, asked: Asked, name: str, about: str) -> None:
        self._choices.append(asked)
        options = self.query_one(OptionList)
        options.add_option(Content.assemble((f"{name:<34}", "bold"), (about, "$text-muted")))
        if options.highlighted is None:
            options.highlighted = 0

    def _start(self, asked: Asked) -> None:
        if not asked.resume:
            asked = Asked(plan=msgspec.structs.replace(asked.plan, regime=self._regime))
        self.dismiss(asked)

    @on(Input.Submitted)
    def _typed(self, event: Input.Submitted) -> None:
        if not event.value.strip():
            self._start(self._choices[self.query_one(OptionList).highlighted or 0])
            return
        plan = read_wish(event.value, self._plan)
        if plan is None:
            self.query_one(".hint", Static).update(
                Content.styled(
                    f"Say a number of pairs from 1 to {MAX_REPEAT}, or a width such as 3 %.", "$bad"
                )
            )
            return
        self._start(Asked(plan=plan))

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        self._start(self._choices[event.option_index])
