"""A line with a left and a right end, such as a phase and its clock."""

from textual.content import Content
from textual.widget import Widget


class Ends(Widget):
    """One line: the left text is cut short where both do not fit."""

    DEFAULT_CSS = """
    Ends {
        height: 1;
        width: 1fr;
    }
    """

    def __init__(
        self,
        *,
        id: str | None = None,  # noqa: A002 (Textual's own name for it)
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._left = Content()
        self._right = Content()

    def show(self, left: Content, right: Content | None = None) -> None:
        """Draw these two texts; nothing is done when they are drawn already."""
        right = Content() if right is None else right
        if not (left.is_same(self._left) and right.is_same(self._right)):
            self._left, self._right = left, right
            self.refresh()

    def render(self) -> Content:
        """Return the line."""
        width = self.size.width
        right = self._right.truncate(width, ellipsis=True)
        room = max(0, width - right.cell_length - (1 if right else 0))
        left = self._left.truncate(room, ellipsis=True)
        gap = " " * max(0, width - left.cell_length - right.cell_length)
        return Content.assemble(left, gap, right)
