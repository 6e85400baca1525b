"""``streamscope run``: a comparison without a screen."""

import asyncio
import os
import signal
import sys
import time
from pathlib import Path

from rich.console import Console

from streamscope import settings
from streamscope.cli import start
from streamscope.cli.arguments import Options, UsageError
from streamscope.history import History, HistoryError
from streamscope.measure.figures import Figures
from streamscope.plan import Plan
from streamscope.report.comparison import Comparison
from streamscope.report.comparison_json import to_json, to_jsonl
from streamscope.report.table import as_text, comparison_table
from streamscope.report.words import plain, seconds
from streamscope.settings import SettingsError
from streamscope.trace import Chunk, Request, Run, Trace
from streamscope.trial.plan import Course, Step
from streamscope.trial.session import NoServerError, Session
from streamscope.trial.trial import Trial

EXIT_DONE, EXIT_FAILED, EXIT_NO_SERVER, EXIT_INTERRUPTED = 0, 1, 3, 130


class Progress:
    """Says on standard error what is being done: one line that is rewritten on a terminal."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False, markup=False)
        self._status = self._console.status("", spinner="dots")
        self._began = time.monotonic()
        self._runs = 0
        self._last = ""
        self.total = 0

    def __enter__(self) -> "Progress":
        if self._console.is_terminal:
            self._status.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._status.stop()

    def say(self, words: str) -> None:
        """Say something that stays."""
        self._console.print(plain(words), soft_wrap=True)

    def doing(self, words: str, share: float | None = None) -> None:
        """Say what is being done now."""
        del share
        if self._console.is_terminal:
            self._status.update(plain(words))
        else:
            phase = words.partition(":")[0]
            if phase != self._last:
                self._last = phase
                self.say(words)

    def run_started(self, step: Step, started_ns: int) -> None:
        """Name the run."""
        del started_ns
        elapsed = time.monotonic() - self._began
        left = ""
        if self._runs and self.total:
            left = f", about {seconds(elapsed / self._runs * (self.total - self._runs))} left"
        self._step = f"{_name(step)} ({self._runs + 1} of {self.total}{left})"
        if self._console.is_terminal:
            self._status.update(self._step)

    def run_moved(self, step: Step, trace: Trace, new: list[Chunk]) -> None:
        """Do nothing: a terminal must not be painted while somebody measures."""

    def run_ended(self, step: Step, run: Run, figures: Figures) -> None:
        """Say how it ended."""
        self._runs += 1
        if run.trace.fault is not None:
            self.say(f"{_name(step)}: {run.trace.fault.sentence}")
        elif run.trace.ended == "cancelled":
            self.say(f"{_name(step)}: stopped")
        else:
            first, total = seconds(figures["ttfv_s"]), seconds(figures["total_s"])
            self.say(f"{_name(step)}: first text {first}, total {total}")


def _name(step: Step) -> str:
    mode = "stream" if step.channel == "A" else "blocking"
    return f"warm-up, {mode}" if step.warmup else f"pair {step.pair}, {mode}"


def run(options: Options) -> int:
    """Carry out a comparison; print its result; return the exit code."""
    places = settings.places()
    config = settings.load(places.config_file)
    prompt = start.prompt(options) if options.prompt else ""
    if not prompt:
        raise UsageError("The prompt is empty: say something to ask, @FILE, or - for a pipe.")
    request = start.request(options, config, prompt)
    if options.output and not Path(options.output).absolute().parent.is_dir():
        raise UsageError(f"There is no folder for {options.output}: make it, or name another file.")
    start.check_url(options)
    history = None
    if options.save:
        try:
            history = History.open(places.history_file)
        except HistoryError as error:
            print(f"streamscope: {error} (--no-save measures without.)", file=sys.stderr)
            return EXIT_FAILED
    session = start.session(options, config, places, history)
    return asyncio.run(_compare(options, session, request))


async def _compare(options: Options, session: Session, request: Request) -> int:
    plan = Plan(
        repeat=options.repeat,
        warmup=options.warmup,
        order="abba" if options.order == "race" else options.order,
        layout="race" if options.order == "race" else "apart",
    )
    trial: Trial | None = None
    opening = asyncio.current_task()
    assert opening is not None

    def interrupt() -> None:
        if trial is not None:
            trial.stop()
        else:
            opening.cancel()

    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, interrupt)
    with Progress() as progress:
        try:
            if session.notice:
                progress.say(session.notice)
            try:
                setup = await session.open(progress.doing)
            except (NoServerError, SettingsError) as error:
                print(f"streamscope: {error}", file=sys.stderr)
                return EXIT_NO_SERVER
            except asyncio.CancelledError:
                return EXIT_INTERRUPTED
            progress.say(f"{setup.reason} {setup.caution}".rstrip())
            progress.total = 2 * (plan.repeat + plan.warmup)
            trial = session.trial(setup, setup.fill(request), Course(plan=plan), progress)
            runs = await trial.carry_out()
            await session.saved()
            for problem in session.problems():
                progress.say(problem)
        finally:
            await session.close()
    printed = _print(Comparison(plan=plan, runs=runs), options)
    if trial.stopped:
        return EXIT_INTERRUPTED
    return EXIT_DONE if printed and all(each.trace.ok for each in runs) else EXIT_FAILED


def _print(comparison: Comparison, options: Options) -> bool:
    """Print the result, or write it to the file that was named; tell whether it got there."""
    if options.format == "table":
        table = comparison_table(comparison)
        if not options.output and sys.stdout.isatty():
            Console(highlight=False).print(table)
            return True
        text = as_text(table)
    elif options.format == "json":
        text = to_json(comparison).decode() + "\n"
    else:
        text = "".join(to_jsonl(each).decode() for each in comparison.runs)
    if options.output:
        try:
            Path(options.output).write_text(text, encoding="utf-8")
        except OSError as error:
            print(
                f"streamscope: The result can't be written to {options.output}: "
                f"{error.strerror}; here it is.",
                file=sys.stderr,
            )
            _write(text)
            return False
        return True
    return _write(text)


def _write(text: str) -> bool:
    """Write to standard output; tell whether somebody took it."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read it has left. Python flushes once more at its end, which must not fail.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return False
    return True
