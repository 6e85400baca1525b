"""The history on the screen: groups, their comparisons, their runs, and what can be done."""

from streamscope.tui.screens.history.chosen import Chosen, Replay, Rerun, UsePrompt
from streamscope.tui.screens.history.groups import HistoryScreen

__all__ = ["Chosen", "HistoryScreen", "Replay", "Rerun", "UsePrompt"]
