"""``streamscope history delete``, ``undo``, ``tag`` and ``note``."""

import sys
from collections.abc import Sequence

from streamscope.cli import results, start
from streamscope.cli.history.place import SHORT, Desk
from streamscope.cli.parsing import UsageError
from streamscope.cli.words import shortened
from streamscope.history import ComparisonRow, HistoryError
from streamscope.report.words import plain


def delete(desk: Desk) -> int:
    """Delete what the ids name, if the person means it."""
    found = [desk.history.find(named) for named in desk.options.ids]
    runs = [each for kind, each in found if kind == "run"]
    comparisons = [each for kind, each in found if kind == "comparison"]
    if not desk.options.yes and not _meant(desk, runs, comparisons):
        return 1
    deletion = desk.history.delete(runs=runs, comparisons=comparisons).result()
    if not deletion.runs:
        raise HistoryError("Nothing was deleted: it is gone already.")
    back = "it" if deletion.runs == 1 else "them"
    return _say(
        f"{_runs(deletion.runs)} deleted: `streamscope history undo` brings {back} back, "
        "for a day at least."
    )


def undo(desk: Desk) -> int:
    """Bring back what was deleted last."""
    back = desk.history.undo().result()
    if not back:
        raise HistoryError("There is no deletion to undo.")
    return _say(f"{_runs(back)} brought back.")


def tag(desk: Desk) -> int:
    """Add and remove tags, or tell which there are."""
    row = _row(desk)
    words = desk.options.words
    if not words:
        return _say(_tags(row.tags))
    added = [word for word in words if not word.startswith("-")]
    removed = {word.removeprefix("-").removeprefix("#").lower() for word in words} - set(added)
    tags = [each for each in [*row.tags, *added] if each not in removed]
    desk.history.annotate(row.comparison_id, tags=tags).result()
    return _say(_tags(_row(desk).tags))


def note(desk: Desk) -> int:
    """Write a note, or tell what it says."""
    row = _row(desk)
    if not desk.options.words:
        return _say(plain(row.note) or "There is no note.")
    written = " ".join(desk.options.words)
    desk.history.annotate(row.comparison_id, note=written).result()
    done = "Noted." if written.strip() else "The note is removed."
    return _say(f"{row.comparison_id[:SHORT]}: {done}")


def _row(desk: Desk) -> ComparisonRow:
    return desk.comparison(desk.options.ids[0])[0]


def _meant(desk: Desk, runs: Sequence[str], comparisons: Sequence[str]) -> bool:
    """Ask, and tell whether the answer was yes.

    Raises:
        UsageError: There is nobody to ask.
    """
    if not start.at_terminal():
        raise UsageError("Nobody can be asked here: add --yes to delete.")
    held = [desk.history.comparison(each)[0] for each in comparisons]
    for row in held:
        prompt = shortened(plain(row.group.prompt), 40)
        print(f"{row.comparison_id[:SHORT]}: {_runs(row.runs)} · {prompt}", file=sys.stderr)
    count = len(runs) + sum(row.runs for row in held)
    print(f"Delete {_runs(count)}? [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() in ("y", "yes"):
        return True
    print("Nothing was deleted.", file=sys.stderr)
    return False


def _runs(count: int) -> str:
    return f"{count:,} run" if count == 1 else f"{count:,} runs"


def _tags(tags: Sequence[str]) -> str:
    return " ".join(f"#{plain(each)}" for each in tags) or "There are no tags."


def _say(words: str) -> int:
    return 0 if results.deliver_text(f"{words}\n") else 1
