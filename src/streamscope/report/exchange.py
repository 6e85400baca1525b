"""Runs from files: our JSON and JSON Lines, and the summaries that other scripts write.

Files are read as a stream: memory stays the same however long they are. A line that is wrong
costs one sentence with its number, and the caller decides whether to go on.
"""

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any, BinaryIO

import msgspec

from streamscope.plan import Plan
from streamscope.report.imported import Summaries, looks_like_summary
from streamscope.report.records import COMPARISON_SCHEMA, RUN_SCHEMA
from streamscope.report.restore import RecordError, from_comparison, from_line, plan_of
from streamscope.trace import Run

LONGEST_LINE = 64 * 1024 * 1024
"""Bytes of the longest line, and of the longest document that spans lines, that is read."""

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_OPENINGS = (b"{", b"[")
"""First lines of documents that were laid out on many lines."""
_LISTS = ("runs", "results", "data", "records")
_OF_A_RUN = frozenset({"run_id", "chunks", "marks_ns"})
"""Members that only our runs have: such a line is one of them, even if it lost its schema."""


class ExchangeError(ValueError):
    """A file, or a line of it, can't be imported. Its text is one sentence that names both."""


def read_lines(file: BinaryIO) -> Iterator[bytes]:
    """Read a file line by line, and never more than ``LONGEST_LINE`` + 1 bytes at once.

    A longer line comes in pieces, which ``parse_lines`` takes for the one line that they are.
    """
    while line := file.readline(LONGEST_LINE + 1):
        yield line


def parse_lines(lines: Iterable[bytes], source: str) -> "Reading":
    """Read runs from the lines of a file.

    It takes JSON Lines of runs, the JSON document of a comparison, on one line or on many, and
    one object a line with a summary of a run, as described in ``docs/reports.md``.

    Args:
        lines: The lines, as bytes, with or without line ends; see ``read_lines``.
        source: The name of the file, for messages.

    Returns:
        The runs in the order of the file; summaries when all of them are read, as what they say
        together names their comparison. After an error ``next`` goes on with the next line, so
        whoever wants the rest can have it.

    Raises:
        ExchangeError: From ``next``, if a line can't be imported, or there is none.
    """
    return Reading(lines, source)


class Reading:
    """The iterator of ``parse_lines``: unlike a generator it survives what it raises.

    Attributes:
        plan: How the comparison of the last run was to be carried out; ``None`` where the file
            does not say.
    """

    def __init__(self, lines: Iterable[bytes], source: str) -> None:
        self.plan: Plan | None = None
        self._lines = iter(lines)
        self._source = source
        self._summaries = Summaries()
        self._ready: Iterator[Run] = iter(())
        self._number = 0
        self._empty = True
        self._cut = False
        self._over = False

    def __iter__(self) -> "Reading":
        return self

    def __next__(self) -> Run:
        try:
            while True:
                for run in self._ready:
                    return run
                self._ready = self._next_runs()
        except RecordError as error:
            raise self._error(f"can't be imported: {error}") from None

    def _next_runs(self) -> Iterator[Run]:
        """Return the runs of the next line; after the last one those of all summaries.

        Raises:
            StopIteration: There are no more.
        """
        line = self._next_line()
        if line is not None:
            return self._runs(line)
        if self._over:
            raise StopIteration
        self._over, self.plan = True, None
        return self._summaries.runs()

    def _next_line(self) -> bytes | None:
        for raw in self._lines:
            # What is left of a line that was too long is no line.
            rest, self._cut = self._cut, len(raw) > LONGEST_LINE and not raw.endswith(b"\n")
            if rest:
                continue
            self._number += 1
            line = raw.removeprefix(_BYTE_ORDER_MARK).strip() if self._empty else raw.strip()
            if not line:
                continue
            first, self._empty = self._empty, False
            if len(raw) > LONGEST_LINE:
                raise self._error(f"is longer than {LONGEST_LINE >> 20} MiB")
            return self._document(line) if first and line in _OPENINGS else line
        if self._empty:
            self._empty = False
            raise ExchangeError(f"{self._source} is empty: there is nothing to import.")
        return None

    def _document(self, first: bytes) -> bytes:
        """Return a document that spans lines as one; its first line is not JSON by itself."""
        parts, size = [first], len(first)
        for line in self._lines:
            parts.append(line)
            size += len(line)
            if size > LONGEST_LINE:
                raise self._error(f"begins a document longer than {LONGEST_LINE >> 20} MiB")
        return b"\n".join(parts)

    def _runs(self, line: bytes) -> Iterator[Run]:
        try:
            content = msgspec.json.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise self._error(_damage(line, error)) from None
        return self._read(content)

    def _read(self, content: object) -> Iterator[Run]:
        """Return the runs of a document, or begin to gather its summaries."""
        if isinstance(content, dict) and (schema := _schema(content)):
            return self._ours(schema, content)
        if isinstance(content, list) and any(map(_schema, content)):
            return chain.from_iterable(map(self._read, content))
        objects = _objects(content)
        if not any(looks_like_summary(each) for each in objects[:1]):
            raise self._error(
                "is neither a run nor a comparison of streamscope nor a summary with a time"
            )
        for each in objects:
            if not isinstance(each, dict):
                raise RecordError("one of its members is no object")
            self._summaries.add(each)
        return iter(())

    def _ours(self, schema: str, content: dict[str, Any]) -> Iterator[Run]:
        self.plan = plan_of(content)
        if schema == RUN_SCHEMA:
            return map(from_line, (content,))
        if schema == COMPARISON_SCHEMA:
            return from_comparison(content)
        newer = schema.startswith((RUN_SCHEMA[:-1], COMPARISON_SCHEMA[:-1]))
        what = "only a newer version knows: update streamscope" if newer else "is not ours"
        raise self._error(f"follows {schema[:60]!r}, which {what}")

    def _error(self, clause: str) -> ExchangeError:
        return ExchangeError(f"{self._source}, line {self._number} {clause}.")


def _schema(content: object) -> str:
    """Return the schema that a document names, or whose members it has; empty for summaries."""
    if not isinstance(content, dict):
        return ""
    named = content.get("schema")
    if isinstance(named, str):
        return named
    if content.keys() >= _OF_A_RUN:
        return RUN_SCHEMA
    runs = content.get("runs")
    ours = isinstance(runs, list) and any(
        isinstance(each, dict) and each.keys() >= _OF_A_RUN for each in runs
    )
    return COMPARISON_SCHEMA if ours else ""


def _objects(content: object) -> list[Any]:
    """Return the summaries in a document: itself, a list, or a list among its members."""
    if isinstance(content, list):
        return content
    if isinstance(content, dict) and not looks_like_summary(content):
        for name in _LISTS:
            if isinstance(content.get(name), list):
                return list(content[name])
    return [content]


def _damage(line: bytes, error: Exception) -> str:
    """Say what is wrong with bytes that are not JSON."""
    if isinstance(error, UnicodeDecodeError):
        return "is not UTF-8"
    try:
        line.decode()
    except UnicodeDecodeError:
        return "is not UTF-8"
    if b"NaN" in line or b"Infinity" in line:
        return "is not JSON: it has NaN or Infinity, which are no numbers there"
    if isinstance(error, RecursionError):
        return "is nested too deeply"
    if "truncated" in str(error):
        return "is not JSON: it ends in the middle"
    return f"is not JSON ({str(error).removeprefix('JSON is malformed: ')})"
