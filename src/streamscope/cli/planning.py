"""From what was said and the config file to a plan, and to what reports take for granted."""

import os
import secrets
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import msgspec

from streamscope.cli.parsing import UsageError
from streamscope.cli.run_arguments import FORMATS, Format, RunOptions, Views
from streamscope.measure.conventions import Conventions, Trust
from streamscope.plan import LEAST, Plan
from streamscope.settings import ComparisonDefaults, Config

_SUFFIXES: dict[str, Format] = {
    ".txt": "table",
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".md": "markdown",
    ".markdown": "markdown",
    ".html": "html",
    ".htm": "html",
}

_SEEDS = 2**31
_Struct = TypeVar("_Struct", bound=msgspec.Struct)


def plan(options: RunOptions, config: Config) -> Plan:
    """Return how a new comparison is carried out: as was said, else as the config says.

    Where neither says how many pairs: six. A script that runs until something is known should say
    so itself, as nobody watches it.
    """
    wanted = config.comparison
    kept = wanted.plan
    order = options.order or kept.order
    counted = _counted(options, wanted)
    return msgspec.structs.replace(
        kept,
        repeat=counted.repeat,
        until=counted.until,
        least=counted.least,
        order="abba" if order == "race" else order,
        layout="race" if order == "race" else "apart",
        seed=new_seed() if order == "random" else 0,
        regime=options.regime or kept.regime,
        warmup=kept.warmup if options.warmup is None else options.warmup,
        cooldown_s=kept.cooldown_s if options.cooldown_s is None else options.cooldown_s,
        reuse=options.reuse_connection or kept.reuse,
    )


def _counted(options: RunOptions, wanted: ComparisonDefaults) -> Plan:
    """Return a plan of which only the number of pairs counts."""
    kept, usual = wanted.plan, ComparisonDefaults().plan
    if options.repeat is not None:
        return Plan(repeat=options.repeat)
    if options.until is not None:
        most = options.most or max(wanted.least, wanted.most)
        return Plan(repeat=most, until=options.until, least=min(wanted.least, most))
    numbers = [(each.repeat, each.until, each.least) for each in (kept, usual)]
    return Plan(repeat=LEAST) if numbers[0] == numbers[1] else kept


def recounted(past: Plan, options: RunOptions, config: Config) -> Plan:
    """Return the plan of a past comparison with as many pairs as was said, if that was.

    Raises:
        UsageError: A bound was said for what has none.
    """
    if options.repeat is not None:
        return msgspec.structs.replace(past, repeat=options.repeat, until=None)
    if options.until is not None:
        counted = _counted(options, config.comparison)
        return msgspec.structs.replace(
            past, repeat=counted.repeat, until=counted.until, least=counted.least
        )
    if options.most is None:
        return past
    if past.until is None:
        raise UsageError(
            f"--most bounds --until, but the comparison has exactly {past.repeat} pairs: add "
            "--until 5%, or say --repeat N alone."
        )
    return msgspec.structs.replace(past, repeat=options.most, least=min(past.least, options.most))


def new_seed() -> int:
    """Return what seeds the order of a comparison that is not to resemble any other."""
    return secrets.randbelow(_SEEDS)


def conventions(views: Views, config: Config) -> Conventions:
    """Return what reports take for granted: what was said, else what the config says."""
    base = config.conventions
    return msgspec.structs.replace(
        base,
        reader=_replaced(base.reader, words_per_minute=views.wpm, characters_per_minute=views.cpm),
        costs=_replaced(
            base.costs, timeout_s=views.client_timeout_s, price_per_million=views.price
        ),
        trust=trust(views, config),
    )


def trust(views: Views, config: Config) -> Trust:
    """Return when a machine is too busy, and whether such runs are pooled all the same."""
    include = config.trust.include_busy or views.include_busy
    return msgspec.structs.replace(config.trust, include_busy=include)


def output_format(
    said: str, output: str, allowed: Sequence[Format] = FORMATS, otherwise: Format = "table"
) -> Format:
    """Return how a result is written: as was said, or as its file's name ends.

    A name without an ending stands for what is usual.

    Raises:
        UsageError: The name ends as that of no file, or of one that this can't be written as.
    """
    for name in FORMATS:
        if said == name:
            return name
    suffix = Path(output).suffix.lower()
    form = _SUFFIXES.get(suffix) if suffix else otherwise
    if form is None or form not in allowed:
        ends = ", ".join(each for each, known in _SUFFIXES.items() if known in allowed)
        raise UsageError(
            f"This can't be written as {suffix}: end the file's name in one of {ends}, or say "
            f"--format {' or '.join(allowed)}."
        )
    return form


def check_output(output: str) -> None:
    """Make sure that a result can be written, before it is made.

    Raises:
        UsageError: There is no such folder, or nothing can be written there.
    """
    if not output:
        return
    path = Path(output).absolute()
    if not path.parent.is_dir():
        raise UsageError(f"There is no folder for {output}: make it, or name another file.")
    try:
        problem = _no_output(path)
    except OSError as error:
        problem = error.strerror or type(error).__name__
    if problem:
        raise UsageError(f"{output} can't be written: {problem}. Name another file.")


def _no_output(path: Path) -> str:
    """Say why a file can't be written; empty if it can.

    Raises:
        OSError: The system says why.
    """
    try:
        path.stat()
    except FileNotFoundError:
        with tempfile.TemporaryFile(dir=path.parent):  # no other question is sure to be answered
            return ""
    if path.is_dir():
        return "it is a folder"
    return "" if os.access(path, os.W_OK) else "it is read-only"


def _replaced(base: _Struct, **changes: float | None) -> _Struct:
    said = {name: value for name, value in changes.items() if value is not None}
    return msgspec.structs.replace(base, **said)
