"""Choose what is measured: a server that was found, an engine of ours, or a URL, for A, B or both.

A line of the list says which channels ask it at present, so that one can see what a choice changes.
"""

from typing import ClassVar

import msgspec
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, OptionList, Static

from streamscope.engines.choose import place
from streamscope.engines.profiles import PROFILES
from streamscope.probe.client import ProbeError
from streamscope.settings import SettingsError
from streamscope.trial.session import Session
from streamscope.trial.setup import Matchup, Wish, Wishes
from streamscope.tui.aims import WAYS, Aim, same, usual_modes
from streamscope.tui.faces import muted
from streamscope.tui.screens.picker import Picker
from streamscope.tui.widgets.field import Field
from streamscope.tui.widgets.sanitize import one_line
from streamscope.wire.urls import validate_url, without_credentials

WIDE = 100
"""Columns from which on there is room for what is known of a model beside its server."""

NAME_WIDE, NAME_NARROW = 34, 22
"""Columns of a name there, and elsewhere."""

MADE_UP = "no model: text and timing are made up"
"""What the simulator is."""


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the list.

    Attributes:
        wish: What choosing it means.
        name: Its name.
        url: Address of the server, if it has one that lasts.
        where: Which server it is, beside its address.
        about: What is known of the model.
    """

    wish: Wish
    name: str
    url: str = ""
    where: str = ""
    about: str = ""

    def looks_like(self, other: "Line") -> bool:
        """Whether host and port do not tell it from another server's line of the same name."""
        return (
            self.name == other.name
            and self.url != other.url
            and place(self.url) == place(other.url)
        )


class TargetPicker(Picker[Wishes | None]):
    """Choose from the list with the arrow keys, or type a URL; enter takes it."""

    CSS = """
    TargetPicker OptionList { text-wrap: nowrap; text-overflow: ellipsis; }
    TargetPicker #aim { height: 2; margin: 0 0 1 0; text-wrap: nowrap; text-overflow: ellipsis; }
    TargetPicker > .dialog { height: 90%; }
    TargetPicker .hint { min-height: 2; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f2", "aim", "which channel"),
        Binding("f3", "deliver", "how they deliver"),
    ]

    def __init__(self, session: Session, matchup: Matchup | None) -> None:
        """Open the picker.

        Args:
            session: Finds servers.
            matchup: What is compared at present.
        """
        super().__init__()
        self._session = session
        self._aim = Aim.at(matchup)
        self._lines: list[Line] = []
        self._news = ""

    def compose(self) -> ComposeResult:
        """Lay out the dialog."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "target"
            dialog.border_subtitle = "enter takes it · f2 A, B or both · f3 delivery · esc closes"
            yield Static(id="aim")
            yield Field(placeholder="a URL, such as http://127.0.0.1:8000/v1, or choose below")
            yield OptionList()
            yield Static(classes="hint")

    def on_mount(self) -> None:
        """Show what is asked now and what is always there, then look for servers."""
        for wish in (self._aim.a, self._aim.b):
            if wish is not None and wish.engine == "auto":
                self._list(Line(wish=wish, name=wish.model or wish.url, url=wish.url))
            elif wish is not None and wish.engine == "simulator":
                self._list(_profile(wish))
        local = Wish(engine="local")
        self._list(
            Line(wish=local, name="local model", where="SmolLM2-135M by llama.cpp, on this machine")
        )
        if not any(line.wish.engine == "simulator" for line in self._lines):
            self._list(Line(wish=Wish(engine="simulator"), name="simulator", where=MADE_UP))
        self._stand_on_present()
        self._draw_aim()
        self._hint("Looking for servers on their usual ports …")
        self._look()

    @work(exclusive=True)
    async def _look(self) -> None:
        try:
            found = await self._session.discover()
        except (ProbeError, SettingsError) as error:
            self._hint(str(error))
            return
        for server in found:
            state = "" if server.state == "ready" else server.state
            label = " ".join(filter(None, (server.label, server.version)))
            where = " · ".join(filter(None, (state, label)))
            for model in server.models or [""]:
                wish = Wish(url=server.url, protocol=server.protocol, model=model, named=False)
                about = server.about(model).words
                name = model or server.label
                self._list(Line(wish=wish, name=name, url=server.url, where=where, about=about))
        for profile in PROFILES:
            self._list(_profile(Wish(engine="simulator", model=profile)))
        self._hint(
            ""
            if found
            else "No server answers on the usual ports of Ollama, LM Studio, "
            "llama.cpp and vLLM. A URL names any other."
        )

    # ------------------------------------------------------------------------------- the list

    def _list(self, line: Line) -> None:
        """List a target, or say more of one that is there."""
        options = self.query_one(OptionList)
        for at, other in enumerate(self._lines):
            if same(other.wish, line.wish):
                self._lines[at] = msgspec.structs.replace(line, wish=other.wish)
                options.replace_option_prompt_at_index(at, self._written(self._lines[at]))
                self._tell()
                return
        self._lines.append(line)
        options.add_option(self._written(line))
        for at, other in enumerate(self._lines):
            if other.looks_like(line):
                options.replace_option_prompt_at_index(at, self._written(other))
        if options.highlighted is None:
            options.highlighted = 0

    def _written(self, line: Line) -> Content:
        """Return what stands in the list: who asks it now, its name, and which server it is."""
        narrow = self.app.size.width < WIDE
        # There may be no room for all of it in a line, so it stands below the list, too.
        width = NAME_NARROW if narrow else NAME_WIDE
        where = self._where(line)
        shown = where if narrow or not line.about else f"{where} · {line.about}"
        now = self._aim.now(line.wish)
        return Content.assemble(
            ("A " if "A" in now else "  ", "bold $channel-a"),
            ("B " if "B" in now else "  ", "bold $channel-b"),
            (f"{one_line(line.name, width):<{width + 2}}", "bold"),
            (one_line(shown, 160), "$text-muted"),
        )

    def _where(self, line: Line) -> str:
        """Say which server it is: by host and port, or its whole address where that takes more."""
        alike = any(line.looks_like(other) for other in self._lines)
        address = without_credentials(line.url) if alike else place(line.url)
        # What tells servers apart comes first: the end may be cut.
        return " · ".join(filter(None, (address, line.where)))

    def _hint(self, text: str) -> None:
        """Say something below the list; nothing leaves room for the whole line highlighted."""
        self._news = one_line(text, 300)
        self._tell()

    @on(OptionList.OptionHighlighted)
    def _moved(self) -> None:
        self._tell()
        self._draw_aim()

    def _tell(self) -> None:
        index = self.query_one(OptionList).highlighted
        line = None if index is None else self._lines[index]
        parts = () if line is None else (line.name, self._where(line), line.about)
        said = self._news or one_line(" · ".join(filter(None, parts)), 200)
        self.query_one(".hint", Static).update(Content(said))

    @property
    def _highlighted(self) -> Wish:
        return self._lines[self.query_one(OptionList).highlighted or 0].wish

    def _stand_on_present(self) -> None:
        """Highlight what the channel asks now for which a server is chosen, if it is listed."""
        wanted = "B" if self._aim.scope == "B" else "A"
        for at, line in enumerate(self._lines):
            if wanted in self._aim.now(line.wish):
                self.query_one(OptionList).highlighted = at
                return

    # ------------------------------------------------------------------ for whom, and delivered how

    def action_aim(self) -> None:
        """Choose for the next of both channels, A alone, and B alone."""
        still = bool(self._aim.now(self._highlighted))
        self._aim = self._aim.next_scope()
        if still:  # nobody has begun to choose
            self._stand_on_present()
        self._draw_aim()

    def action_deliver(self) -> None:
        """Deliver in the next way."""
        self._aim = self._aim.next_modes(self._highlighted)
        self._draw_aim()

    def _draw_aim(self) -> None:
        """Say what enter does."""
        aim, wish = self._aim, self._highlighted
        ways = aim.ways(wish)
        one_server = aim.choose(wish).one_server
        usual = ways == usual_modes(one_server=one_server)
        targets = "one target" if one_server else "two targets"
        self.query_one("#aim", Static).update(
            Content("\n").join(
                [
                    Content.assemble(("f2  ", "$accent"), self._for_whom()),
                    Content.assemble(
                        ("f3  ", "$accent"),
                        (WAYS[ways], "bold"),
                        muted(f": usual for {targets}" if usual else ""),
                    ),
                ]
            )
        )

    def _for_whom(self) -> Content:
        aim = self._aim
        if aim.scope == "both":
            return Content.assemble(
                "enter takes it for ", ("both channels", "bold"), muted(": A and B ask the same")
            )
        other = "B" if aim.scope == "A" else "A"
        return Content.assemble(
            "enter takes it for ",
            ("channel ", "bold"),
            (aim.scope, f"bold $channel-{aim.scope.lower()}"),
            muted(f": {other} stays {self._name_of(aim.b if other == 'B' else aim.a)}"),
        )

    def _name_of(self, wish: Wish | None) -> str:
        line = next((each for each in self._lines if wish and same(each.wish, wish)), None)
        return "what is found" if line is None else one_line(line.name, 48)

    # ------------------------------------------------------------------------------------- the end

    @on(Input.Submitted)
    def _typed(self, event: Input.Submitted) -> None:
        if not event.value.strip():
            self._take(self._highlighted)
            return
        try:
            self._take(Wish(url=validate_url(event.value)))
        except ValueError as error:
            self._hint(str(error))

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        self._take(self._lines[event.option_index].wish)

    def _take(self, wish: Wish) -> None:
        self.dismiss(self._aim.choose(wish))


def _profile(wish: Wish) -> Line:
    """Return the line of a model of the simulator."""
    profile = PROFILES.get(wish.model)
    where = "made up"
    if profile is not None:
        where += f": {profile.tokens_per_s:g} tok/s from {profile.prefill_s:.2g} s on"
    return Line(wish=wish, name=f"simulator {wish.model}", where=where)
