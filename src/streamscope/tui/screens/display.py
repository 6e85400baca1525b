"""Choose what each side of a replay shows: its own run, or the stream displayed in another way."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static

from streamscope.measure.pacing import PRESETS, RAW, Effect, effect, pace
from streamscope.report import words
from streamscope.tui.faces import muted
from streamscope.tui.replaying import Look

if TYPE_CHECKING:
    from streamscope.trace import ChannelName
    from streamscope.tui.ended import EndedRun
    from streamscope.tui.replaying import Looks

SIDES: Final[tuple[ChannelName, ...]] = ("A", "B")

ABOUT: Final = (
    "An app need not show a stream as it comes. Choose what each side of the replay shows, to see"
    " what batching, smoothing or holding back would do to this answer."
)

_LABEL = 12
_ROWS: Final = ("first text", "on average", "end", "gap p95", "gap CV", "stalls")


def stream_of(pair: Mapping[ChannelName, EndedRun], side: ChannelName) -> ChannelName | None:
    """Return whose run a side can display in other ways: its own, if it is a stream.

    Otherwise it is the first stream; ``None`` without any.
    """
    streams = [name for name in SIDES if pair[name].run.trace.mode == "stream"]
    return side if side in streams else next(iter(streams), None)


def choices(
    side: ChannelName, stream: ChannelName | None, present: Look | None = None
) -> list[Look]:
    """Return what a side can show, its own run first.

    Args:
        side: The side.
        stream: Whose run can be paced, if anyone's.
        present: What it shows now, which must be among them.
    """
    looks = [Look(side)]
    if stream is not None:
        looks += [Look(stream, pacing) for pacing in PRESETS]
    if present is not None:
        looks.append(present)
    return list(dict.fromkeys(looks))


def look_words(side: ChannelName, look: Look) -> str:
    """Name what a side would show."""
    if look == Look(side):
        return "as measured"
    return look.pacing.label if look.source == side else f"{look.source}, {look.pacing.label}"


def effect_words(ended: EndedRun, found: Effect | None) -> Content:
    """Return what a way of displaying costs and wins, line by line; ``–`` where nothing is.

    Args:
        ended: The run that is displayed.
        found: What displaying it so does; ``None`` for a run as it was measured.
    """
    first, total = ended.figures["ttfv_s"], ended.figures["total_s"]
    if found is None:
        figures = ended.figures
        told = [
            words.seconds(first),
            words.NONE,
            words.seconds(total),
            words.milliseconds(figures["gap_p95_ms"]),
            _number(figures["gap_cv"]),
            words.count(figures["stalls"]),
        ]
    else:
        told = [
            _delayed(first, found.first_delay_ms),
            _delay(found.delay_mean_ms),
            _delayed(total, found.end_delay_ms),
            _change(found.gap_p95_before_ms, found.gap_p95_after_ms, words.milliseconds),
            _change(found.gap_cv_before, found.gap_cv_after, _number),
            _change(found.stalls_before, found.stalls_after, words.count),
        ]
    return Content("\n").join(
        Content.assemble((f"{name:<{_LABEL}}", "$text-muted"), said)
        for name, said in zip(_ROWS, told, strict=True)
    )


def _delay(delay_ms: float) -> str:
    """Write a delay; one that is too short to be written is none."""
    return f"+{words.seconds(delay_ms / 1000)}" if round(delay_ms, 1) > 0 else "no delay"


def _delayed(came_s: float | None, delay_ms: float) -> str:
    """Write when something is shown, and how much later than it came."""
    if came_s is None:
        return words.NONE
    return f"{words.seconds(came_s + delay_ms / 1000)} ({_delay(delay_ms)})"


def _change(before: float | None, after: float | None, write: Callable[[float | None], str]) -> str:
    return f"{write(before)} → {write(after)}"


def _number(value: float | None) -> str:
    return words.NONE if value is None else words.digits(value)


class DisplayPicker(ModalScreen["Looks | None"]):
    """Move through both lists; enter takes what is marked in them, escape changes nothing."""

    AUTO_FOCUS = "#looks-a"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "Close"),
        Binding("left", "side('A')", show=False),
        Binding("right", "side('B')", show=False),
        Binding("r", "reset", "as measured"),
    ]

    CSS = """
    DisplayPicker > .dialog { height: auto; max-height: 100%; padding: 1 2 0 2; overflow-y: auto; }
    DisplayPicker Horizontal { height: auto; margin: 1 0 0 0; }
    DisplayPicker Horizontal > Vertical { width: 1fr; height: auto; padding: 0 1; }
    DisplayPicker .side { text-style: bold; }
    DisplayPicker .channel-a .side { color: $channel-a; }
    DisplayPicker .channel-b .side { color: $channel-b; }
    DisplayPicker .dialog OptionList { border: none; padding: 0; }
    DisplayPicker .effect { margin: 1 0 0 0; height: 6; }
    """

    def __init__(self, pair: Mapping[ChannelName, EndedRun], looks: Looks) -> None:
        """Take what is chosen from.

        Args:
            pair: The ended runs, by side.
            looks: What is shown now.
        """
        super().__init__()
        self._pair = pair
        self._choices = {side: choices(side, stream_of(pair, side), looks[side]) for side in SIDES}
        self._marked = {side: self._choices[side].index(looks[side]) for side in SIDES}
        self._effects: dict[Look, Effect] = {}

    def compose(self) -> ComposeResult:
        """Lay out both lists, with what each choice does below them."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "display of the replay"
            dialog.border_subtitle = "enter takes · tab other side · r as measured · esc closes"
            yield Static(muted(ABOUT))
            with Horizontal():
                for side in SIDES:
                    name = side.lower()
                    with Vertical(classes=f"channel-{name}"):
                        yield Static(Content(f"{side} shows"), classes="side")
                        yield OptionList(
                            *(self._prompt(side, index) for index in self._indices(side)),
                            id=f"looks-{name}",
                        )
                        yield Static(classes="effect", id=f"effect-{name}")

    def on_mount(self) -> None:
        """Stand on what is shown now."""
        for side in SIDES:
            # As high as the longer one, so that what is said below stands side by side.
            self._list(side).styles.height = max(map(len, self._choices.values()))
            self._list(side).highlighted = self._marked[side]

    def _indices(self, side: ChannelName) -> range:
        return range(len(self._choices[side]))

    def _list(self, side: ChannelName) -> OptionList:
        return self.query_one(f"#looks-{side.lower()}", OptionList)

    def _look(self, side: ChannelName) -> Look:
        return self._choices[side][self._marked[side]]

    def _prompt(self, side: ChannelName, index: int) -> Content:
        """Return an option; the mark tells what is chosen also without colours."""
        mark = "●" if index == self._marked[side] else "○"
        return Content(f"{mark} {look_words(side, self._choices[side][index])}")

    @on(OptionList.OptionHighlighted)
    def _moved(self, event: OptionList.OptionHighlighted) -> None:
        side: ChannelName = "A" if event.option_list is self._list("A") else "B"
        before, self._marked[side] = self._marked[side], event.option_index
        for index in {before, event.option_index}:
            event.option_list.replace_option_prompt_at_index(index, self._prompt(side, index))
        look = self._look(side)
        self.query_one(f"#effect-{side.lower()}", Static).update(
            effect_words(self._pair[look.source], self._effect(look))
        )

    def _effect(self, look: Look) -> Effect | None:
        """Return what a look does to the run that it shows, computed once."""
        if look.pacing == RAW:
            return None
        if look not in self._effects:
            raw = self._pair[look.source].run.trace
            self._effects[look] = effect(raw, pace(raw, look.pacing))
        return self._effects[look]

    @on(OptionList.OptionSelected)
    def _take(self) -> None:
        self.dismiss({side: self._look(side) for side in SIDES})

    def action_side(self, side: ChannelName) -> None:
        """Go to a side's list."""
        self._list(side).focus()

    def action_reset(self) -> None:
        """Mark on both sides what was measured."""
        for side in SIDES:
            self._list(side).highlighted = 0

    def action_close(self) -> None:
        """Change nothing."""
        self.dismiss(None)
