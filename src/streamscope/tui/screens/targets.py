"""Choose what is measured: a server that was found, an engine of ours, or a URL."""

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, OptionList, Static

from streamscope.engines.choose import place
from streamscope.probe.client import ProbeError
from streamscope.settings import SettingsError
from streamscope.trial.session import Session
from streamscope.trial.setup import Setup, Wish
from streamscope.tui.screens.picker import Picker
from streamscope.tui.widgets.field import Field
from streamscope.tui.widgets.sanitize import one_line
from streamscope.wire.urls import validate_url

WIDE = 100
"""Columns from which on there is room for what is known of a model beside its server."""

NAME_WIDE, NAME_NARROW = 34, 22
"""Columns of a name there, and elsewhere."""


class TargetPicker(Picker[Wish | None]):
    """Choose from the list with the arrow keys, or type a URL; enter takes it."""

    CSS = """
    TargetPicker OptionList { text-wrap: nowrap; text-overflow: ellipsis; }
    """

    def __init__(self, session: Session, setup: Setup | None) -> None:
        """Open the picker.

        Args:
            session: Finds servers.
            setup: What is measured at present.
        """
        super().__init__()
        self._session = session
        self._setup = setup
        self._wishes: list[Wish] = []
        self._about: list[str] = []
        self._news = ""

    def compose(self) -> ComposeResult:
        """Lay out the dialog."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "target"
            dialog.border_subtitle = "enter takes it · esc closes"
            yield Field(placeholder="a URL, such as http://127.0.0.1:8000/v1, or choose below")
            yield OptionList()
            yield Static(classes="hint")

    def on_mount(self) -> None:
        """Show what is always there, then look for servers."""
        self._add(Wish(engine="local"), "local model", "SmolLM2-135M by llama.cpp, on this machine")
        self._add(Wish(engine="simulator"), "simulator", "no model: text and timing are made up")
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
            label = " ".join(filter(None, (server.label, server.version)))
            where = f"{label} at {place(server.url)}"
            if server.state != "ready":
                where += f", {server.state}"
            for model in server.models or [""]:
                wish = Wish(url=server.url, protocol=server.protocol, model=model)
                self._add(wish, model or server.label, where, server.about(model).words)
        self._hint(
            ""
            if found
            else "No server answers on the usual ports of Ollama, LM Studio, "
            "llama.cpp and vLLM. A URL names any other."
        )

    def _add(self, wish: Wish, name: str, where: str, about: str = "") -> None:
        """List a target.

        Args:
            wish: What choosing it means.
            name: Its name.
            where: Which server it is.
            about: What is known of the model.
        """
        narrow = self.app.size.width < WIDE
        # There may be no room for all of it in a line, so it stands below the list, too.
        self._wishes.append(wish)
        self._about.append(one_line(f"{name} · {about}", 200) if about else "")
        width = NAME_NARROW if narrow else NAME_WIDE
        shown = where if narrow or not about else f"{where} · {about}"
        options = self.query_one(OptionList)
        options.add_option(
            Content.assemble(
                (f"{one_line(name, width):<{width + 2}}", "bold"),
                (one_line(shown, 160), "$text-muted"),
            )
        )
        if options.highlighted is None:
            options.highlighted = 0

    def _hint(self, text: str) -> None:
        """Say something below the list; nothing leaves room for what is known of a model."""
        self._news = one_line(text, 300)
        self._tell()

    @on(OptionList.OptionHighlighted)
    def _tell(self) -> None:
        index = self.query_one(OptionList).highlighted
        about = "" if index is None else self._about[index]
        self.query_one(Static).update(Content(self._news or about))

    @on(Input.Submitted)
    def _typed(self, event: Input.Submitted) -> None:
        if not event.value.strip():
            index = self.query_one(OptionList).highlighted
            self.dismiss(self._wishes[index or 0])
            return
        try:
            self.dismiss(Wish(url=validate_url(event.value)))
        except ValueError as error:
            self._hint(str(error))

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._wishes[event.option_index])
