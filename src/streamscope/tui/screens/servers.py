"""Finding or starting a server, and choosing another one."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec
from textual import work

from streamscope.plan import Plan
from streamscope.settings import Config, SettingsError
from streamscope.trace import Layout, Request
from streamscope.tui import faces
from streamscope.tui.screens.replays import Replays
from streamscope.tui.widgets.sanitize import one_line

if TYPE_CHECKING:
    from textual.worker import Worker

    from streamscope.trial.session import Session
    from streamscope.trial.setup import Matchup, Wishes


class Servers(Replays):
    """Has a server, or looks for one."""

    def __init__(
        self, open_session: Callable[[], Session], request: Request, config: Config
    ) -> None:
        """Prepare.

        Args:
            open_session: Makes what finds a server and measures it; called in a thread.
            request: Prompt and parameters to open with.
            config: What the person has set.
        """
        super().__init__(request.prompt)
        self._open_session = open_session
        self._session: Session | None = None
        self._request = request
        self._config = config
        self._wanted: Plan | None = None
        self._opening = True

    def _filled(self) -> None:
        """Let the panes judge waits by the person's own bands."""
        super()._filled()
        for pane in self._panes.values():
            pane.bands = self._config.bands
            pane.include_busy = self._config.trust.include_busy

    @abstractmethod
    def _forget_pair(self) -> None:
        """Be without a pair: the panes are empty."""

    @abstractmethod
    def _draw_history(self) -> Worker[None]:
        """Show what is remembered of this prompt on this target."""

    @abstractmethod
    def _start(self, plan: Plan) -> None:
        """Measure, as soon as there is a server."""

    @work(group="open", exclusive=True)
    async def _open(self, wishes: Wishes | None = None, layout: Layout | None = None) -> None:
        """Find a server, or start one, and say which and why; the one before stays till then.

        Args:
            wishes: What is wanted; what was wanted last, if nothing is said.
            layout: How it is measured; ``None`` for what was chosen before, or is usual.
        """
        before, self._matchup = self._matchup, None
        self._opening = True
        # What measures is imported only now that there is something to look at.
        from streamscope.history import HistoryError
        from streamscope.trial.setup import NoServerError

        try:
            session = await self._with_session()
            matchup = await session.open(self._report, wishes)
        except HistoryError as error:
            self.app.exit(return_code=1, message=f"streamscope: {error}")
            return
        except (NoServerError, SettingsError) as error:
            if before is not None and before.alive and wishes is not None:
                self._keep(before, str(error))
            else:
                self._no_server(str(error))
            return
        finally:
            self._opening = False
        self._matchup = matchup
        self._be_between(matchup.sides)
        usual = self._config.layouts.get(matchup.identity, matchup.layout)
        self._layout = layout or usual
        self._notice.show(faces.notice(matchup))
        self._draw_title()
        for name, pane in self._panes.items():
            pane.rest(faces.ready(name, matchup))
        self._forget_pair()
        self._draw_history()
        if self._wanted is not None:
            plan, self._wanted = self._wanted, None
            self._start(plan)

    def _keep(self, matchup: Matchup, why: str) -> None:
        """Stay with a server, as there is no other one."""
        self._matchup, self._wanted = matchup, None
        self._notice.show(faces.notice(matchup))
        self._draw_title()
        self._say(f"{why} The target stays what it was.")

    async def _with_session(self) -> Session:
        if self._session is None:
            self._session = await asyncio.to_thread(self._open_session)
            if self._session.notice:
                self._say(self._session.notice)
        return self._session

    def _no_server(self, why: str) -> None:
        """Say why there is nothing to measure, and what can be done."""
        self._wanted = None
        self._draw_title()
        self._forget_pair()
        self.query_one("#history").border_title = "history"
        self._memory.clear()
        self._notice.show(faces.bad(why))
        self._panes["A"].rest(one_line(why, 400), "no server")
        self._panes["B"].rest(faces.WITHOUT_SERVER, "no server")

    def _report(self, doing: str, share: float | None) -> None:
        self._notice.show(
            faces.progress(doing, share), faces.waiting_run(waits=self._wanted is not None)
        )

    def _asked(self) -> Request:
        """Return what is asked with the present prompt."""
        return msgspec.structs.replace(self._request, prompt=self._prompt.text)

    @work(group="target", exclusive=True)
    async def action_choose_target_command(self) -> None:
        """Choose server and model, of both channels or of one."""
        from streamscope.tui.screens.targets import TargetPicker

        if self._busy:
            self.notify(faces.BUSY, markup=False)
            return
        if not self._panes:
            return
        session = await self._with_session()

        def opened(wishes: Wishes | None) -> None:
            if wishes is not None:
                self._end_replay()
                self._open(wishes)

        self.app.push_screen(TargetPicker(session, self._matchup), opened)
