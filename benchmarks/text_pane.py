"""How the text pane copes with a fast stream, and what its simpler relatives cost.

A real Textual app runs headless at 100x30 and gets one token each millisecond. Meanwhile a
probe task asks for a turn of the event loop every 5 ms: how late it gets it is how long a key
press would have waited. *Behind* is the age of the oldest text that is not on the screen yet.
Both are in ms. The naive views are fed less, because their cost grows with the text there is.

    python benchmarks/text_pane.py [--tokens 20000] [--rate 1000] [--naive 3000] [--long 200000]
        [--freeze]

``--long`` feeds a text of that many tokens at once, resizes the terminal, and reports the lag.
What stands out in the lag is Python's collector walking every object of the program: ``gc`` is
its longest pause, and ``--freeze`` spares it the objects that were there at the start, as an app
may do with ``gc.freeze`` once its first screen is up.
"""

import argparse
import asyncio
import gc
import random
import resource
import time
from collections import deque
from collections.abc import Callable, Iterator
from itertools import islice

from textual.app import App, ComposeResult
from textual.widget import Widget
from textual.widgets import Log, Static

from streamscope.tui.themes import default_variables
from streamscope.tui.widgets.text_pane import TextPane

SIZE = (100, 30)
PROBE_S = 0.005

TEXT = (
    "the memory of a machine is shared by every part that computes , so nothing is copied and "
    "what one writes another reads ; 统一 内存 由 处理器 共享 。 naïve café – 😀"
)


def prose(newlines: bool) -> Iterator[str]:
    """Yield tokens of running text, with or without paragraphs."""
    chance = random.Random(1)
    words = TEXT.split()
    count = 0
    while True:
        count += 1
        yield "\n\n" if newlines and count % 60 == 0 else " " + chance.choice(words)


def code() -> Iterator[str]:
    """Yield tokens of one long code fence."""
    chance = random.Random(1)
    yield "```python\n"
    while True:
        indent = "    " * chance.randrange(4)
        yield from (indent, "value", " =", " call", "(", "argument", ")\n")


SHAPES: dict[str, Callable[[], Iterator[str]]] = {
    "paragraphs": lambda: prose(newlines=True),
    "no newline": lambda: prose(newlines=False),
    "code fence": code,
}


class Collector:
    """Watches Python's collector."""

    def __init__(self) -> None:
        self.longest = 0.0
        self._begun = 0.0

    def __call__(self, phase: str, _info: dict[str, int]) -> None:
        """Take note of a collection that begins or ends."""
        now = time.perf_counter()
        if phase == "start":
            self._begun = now
        else:
            self.longest = max(self.longest, now - self._begun)


class View:
    """Something that shows growing text: how to add to it, and how much is still to be drawn."""

    def __init__(self, widget: Widget, add: Callable[[str], object]) -> None:
        self.widget = widget
        self.add = add

    def waiting(self) -> int:
        """Return the characters that are not drawn yet."""
        return self.widget.backlog if isinstance(self.widget, TextPane) else 0


def pane() -> View:
    """Return our pane."""
    widget = TextPane()
    return View(widget, lambda text: widget.append("answer", text))


def log() -> View:
    """Return Textual's log, which never wraps."""
    widget = Log()
    return View(widget, widget.write)


def static() -> View:
    """Return a static text that is drawn whole for each token."""
    widget = Static(markup=False)
    parts: list[str] = []

    def add(text: str) -> None:
        parts.append(text)
        widget.update("".join(parts))

    return View(widget, add)


class Bench(App[None]):
    """Shows one view."""

    def __init__(self, view: View) -> None:
        super().__init__()
        self.view = view

    def compose(self) -> ComposeResult:
        """Show it."""
        yield self.view.widget

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Return the colours that the pane asks for."""
        return default_variables()


async def measure_lag(late: list[float]) -> None:
    """Note how late each turn of the event loop came, in seconds, until cancelled."""
    while True:
        due = time.perf_counter() + PROBE_S
        await asyncio.sleep(PROBE_S)
        late.append(time.perf_counter() - due)


def lag_text(late: list[float]) -> str:
    """Return the worst and the 99th percentile in ms."""
    ordered = sorted(late)
    return f"{ordered[-1] * 1e3:9.1f} {ordered[int(len(ordered) * 0.99)] * 1e3:9.1f}"


async def stream(view: View, tokens: list[str], rate: float) -> str:
    """Feed tokens at a rate; return a row of the table."""
    collector = Collector()
    gc.callbacks.append(collector)
    async with Bench(view).run_test(size=SIZE) as pilot:
        await pilot.pause()
        late: list[float] = []
        probe = asyncio.create_task(measure_lag(late))
        fed_at: deque[tuple[int, float]] = deque()  # characters so far, and when
        fed = done = 0
        behind = 0.0
        cpu, begin = time.process_time(), time.perf_counter()
        while done < len(tokens) or view.waiting():
            now = time.perf_counter()
            due = min(len(tokens), int((now - begin) * rate))
            for token in tokens[done:due]:
                view.add(token)
                fed += len(token)
                fed_at.append((fed, now))
            done = due
            while fed_at and fed_at[0][0] <= fed - view.waiting():
                fed_at.popleft()
            if fed_at:
                behind = max(behind, now - fed_at[0][1])
            await asyncio.sleep(0.001)
        wall = time.perf_counter() - begin
        used = time.process_time() - cpu
        probe.cancel()
        gc.callbacks.remove(collector)
        pause = collector.longest * 1e3
        return f"{lag_text(late)} {pause:9.1f} {behind * 1e3:9.1f} {used:9.2f} {wall:9.2f}"


async def long_text(tokens: list[str]) -> None:
    """Give the pane a whole text at once, resize it, and report how long keys would wait."""
    view = pane()
    text = "".join(tokens)
    async with Bench(view).run_test(size=SIZE) as pilot:
        late: list[float] = []
        probe = asyncio.create_task(measure_lag(late))
        begin = time.perf_counter()
        view.add(text)
        while view.waiting():  # noqa: ASYNC110 - the views have no event to wait for
            await asyncio.sleep(0.001)
        print(f"{len(tokens)} tokens, {len(text)} characters, at once:")
        print(f"  shown after {time.perf_counter() - begin:.2f} s; lag max, p99 {lag_text(late)}")
        late.clear()
        await pilot.resize_terminal(73, 30)
        await asyncio.sleep(3)
        print(f"  resized: lag max, p99 {lag_text(late)}; {view.widget.virtual_size.height} rows")
        probe.cancel()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"  peak memory of this process {peak:.0f} MB")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--tokens", type=int, default=20_000)
    parser.add_argument("--rate", type=float, default=1_000)
    parser.add_argument("--naive", type=int, default=3_000, help="tokens for the naive views")
    parser.add_argument("--long", type=int, default=200_000, help="tokens that come at once")
    parser.add_argument("--freeze", action="store_true", help="spare the collector what is old")
    args = parser.parse_args()
    if args.freeze:
        gc.collect()
        gc.freeze()
    print("view                tokens  lag max   lag p99        gc    behind     CPU s    wall s")
    for shape, tokens in SHAPES.items():
        for name, make, count in (
            ("TextPane", pane, args.tokens),
            ("Log", log, args.naive),
            ("Static", static, args.naive),
        ):
            if count:
                row = asyncio.run(stream(make(), list(islice(tokens(), count)), args.rate))
                print(f"{name:8} {shape:10} {count:6} {row}", flush=True)
    if args.long:
        for shape in ("paragraphs", "no newline"):
            asyncio.run(long_text(list(islice(SHAPES[shape](), args.long))))


if __name__ == "__main__":
    main()
