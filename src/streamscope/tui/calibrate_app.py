"""The app that only calibrates: the same painting as in the app, in a terminal or without one."""

from collections.abc import Callable, Sequence
from typing import NoReturn

from streamscope.settings import Config, Places
from streamscope.trace import Request
from streamscope.trial.calibration import Item, Progress
from streamscope.tui.app import StreamscopeApp
from streamscope.tui.screens.calibrate import CalibrateScreen


class CalibrateApp(StreamscopeApp):
    """The calibration alone, painted by the same app.

    Attributes:
        calibrate: Its only screen.
    """

    CSS = CalibrateScreen.CSS  # of a default screen, Textual does not load it

    def __init__(
        self,
        items: Sequence[Item],
        *,
        config: Config,
        places: Places,
        closes: bool,
        mounted: Callable[[CalibrateScreen], None],
        begun: Callable[[Progress, Item], None] = lambda *_: None,
    ) -> None:
        """Prepare.

        Args:
            items: The cases.
            config: What the person has set.
            places: Where files are kept.
            closes: Whether it closes by itself at the end.
            mounted: Told when it is there, in its event loop.
            begun: Told when a case begins.
        """
        super().__init__(
            open_session=_no_session, config=config, places=places, request=Request(prompt="")
        )
        self.calibrate = CalibrateScreen(items, closes=closes, begun=begun)
        self._mounted = mounted

    def get_default_screen(self) -> CalibrateScreen:  # type: ignore[override]  # in its place
        """Return the only screen."""
        return self.calibrate

    def on_ready(self) -> None:
        """Tell that it is there."""
        self._mounted(self.calibrate)


def _no_session() -> NoReturn:
    """Refuse: nothing is measured here but the machine itself."""
    raise RuntimeError("a calibration needs no session")
