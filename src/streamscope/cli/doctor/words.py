"""Findings as lines of text, pleasant at 80 columns."""

import textwrap
from collections.abc import Iterable, Iterator

from streamscope.cli.doctor.examine import EXTRAS
from streamscope.cli.doctor.findings import Findings, KeyPlace, Server
from streamscope.report.words import plain

WIDTH = 80
"""Columns of a line, unless a path or a URL needs more."""

MOST_MODELS = 8
"""Models of a server that are listed."""

_LABEL = 21
_HARD = "\xa0"
_SHORT = 30
_CLOCKS = {
    "kernel": "the kernel's time stamps",
    "read": "the times of the reads (this system has no stamps of the kernel's)",
}


def lines(findings: Findings) -> list[str]:
    """Return findings as lines; those that begin a section begin at the margin."""
    machine = f"{findings.system} · {findings.cores} cores"
    return [
        f"streamscope {findings.streamscope} · Python {findings.python} · {machine}",
        *_section("servers", _servers(findings)),
        *_section("keys", _keys(findings)),
        *_section("times", _times(findings)),
        *_section("terminal", _terminal(findings)),
        *_section("files", _files(findings)),
        *_section("packages", _packages(findings)),
        *_problems(findings),
    ]


def _section(title: str, rows: Iterable[str]) -> Iterator[str]:
    yield ""
    yield title
    yield from rows


def _row(label: str, *parts: str, indent: int = 2) -> Iterator[str]:
    """Yield a label and what there is to say, wrapped under its own beginning."""
    margin = " " * indent
    head = f"{margin}{label:<{_LABEL - indent}}  "
    # Short parts stay in one piece, wherever the line is broken.
    whole = [part.replace(" ", _HARD) if len(part) < _SHORT else part for part in parts if part]
    text = " · ".join(whole)
    if len(head) > _LABEL + 2 and text:  # a label that is too long has a line of its own
        yield f"{margin}{label}"
        head = " " * (_LABEL + 2)
    wrapped = textwrap.wrap(text, WIDTH - len(head), break_long_words=False, break_on_hyphens=False)
    for number, line in enumerate(wrapped or [""]):
        begun = " " * len(head) if number else head
        yield (begun + line.replace(_HARD, " ")).rstrip()


def _servers(findings: Findings) -> Iterator[str]:
    for server in findings.servers:
        yield from _server(server)
    for place in findings.unasked:
        yield from _row(plain(place), "not asked: its key may not be sent there")
    if not findings.servers:
        other = "other " if findings.unasked else ""
        yield f"  No {other}server answers where one is named, or on the usual ports."
    if findings.choice:
        yield from _row("opens with", findings.choice)


def _server(server: Server) -> Iterator[str]:
    label = f"{server.label} {server.version}".strip()
    yield from _row(
        label,
        server.url,
        server.protocol,
        f"named by {server.variable}" if server.variable else "",
        server.lacks,
    )
    for name, about in list(server.models.items())[:MOST_MODELS]:
        yield from _row(name, about.words, indent=4)
    if len(server.models) > MOST_MODELS:
        yield f"    and {len(server.models) - MOST_MODELS} more"


def _keys(findings: Findings) -> Iterator[str]:
    for key in findings.keys:
        yield from _row(key.source, _belongs(key), key.about)
    if not findings.keys:
        yield "  None. docs/servers.md tells where they are looked for."
    if findings.proxy:
        yield from _row("proxy", f"{findings.proxy}, for servers elsewhere")


def _belongs(key: KeyPlace) -> str:
    return f"for {plain(key.place)}" if key.place else ""


def _times(findings: Findings) -> Iterator[str]:
    times = findings.times
    yield from _row("clock", _CLOCKS[times.clock])
    if times.ready_s is not None:
        yield from _row("measuring process", f"ready after {times.ready_s:.2f} s")
    if times.error_ns_p99 is None:
        yield from _row("calibration", "none: `streamscope calibrate` takes 25 to 45 s")
        return
    age = {None: "", 0: "today", 1: "yesterday"}.get(times.days, f"{times.days} days ago")
    yield from _row("calibration", f"±{times.error_ns_p99 / 1e6:.2f} ms", age)


def _terminal(findings: Findings) -> Iterator[str]:
    terminal = findings.terminal
    if not terminal.interactive:
        yield from _row("", "none here: the app needs one, `streamscope run` does not")
        return
    yield from _row("size", f"{terminal.columns} × {terminal.rows}")
    yield from _row("colours", terminal.colors, terminal.term)
    yield from _row("encoding", terminal.encoding)


def _files(findings: Findings) -> Iterator[str]:
    for file in findings.files:
        size = "" if file.bytes is None else f" ({_size(file.bytes)})"
        yield from _row(file.name, f"{file.path}{size if file.exists else ' (not there yet)'}")


def _packages(findings: Findings) -> Iterator[str]:
    needed = {name: is_ for name, is_ in findings.packages.items() if name not in EXTRAS}
    yield from _row(
        "needed", *(f"{name} {version or 'missing'}" for name, version in needed.items())
    )
    for name, extra in EXTRAS.items():
        version = findings.packages.get(name)
        absent = f"not installed: pip install 'streamscope[{extra}]'"
        yield from _row(f"extra {extra}", f"{name} {version}" if version else absent)


def _problems(findings: Findings) -> Iterator[str]:
    yield ""
    if not findings.problems:
        yield "Nothing is wrong."
        return
    count = len(findings.problems)
    yield "1 problem" if count == 1 else f"{count} problems"
    for problem in findings.problems:
        yield from _row(f"✗ {problem.area}", problem.sentence)


def _size(count: int) -> str:
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count} B"
