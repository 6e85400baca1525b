"""Look at everything that measuring here depends on, and change none of it."""

import importlib.metadata
import os
import platform
import shutil
import socket
import sqlite3
import sys
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from streamscope import __version__, settings
from streamscope.cli import start
from streamscope.cli.arguments import Options
from streamscope.cli.doctor.findings import (
    File,
    Findings,
    KeyPlace,
    Problem,
    Server,
    Terminal,
    Times,
)
from streamscope.cli.doctor.opening import opens_with
from streamscope.cli.doctor.silent import silent
from streamscope.cli.parsing import UsageError
from streamscope.engines.detect import Found
from streamscope.engines.reasons import place
from streamscope.engines.variables import candidates, unusable
from streamscope.history import HistoryError, calibrations
from streamscope.history.database import inspect
from streamscope.history.schema import STEPS
from streamscope.key_owners import authority
from streamscope.keys import OURS, KeyRefusedError, Keys, arguments, clean, has_keyring
from streamscope.probe import clock
from streamscope.probe.client import ProbeError
from streamscope.report.words import plain
from streamscope.settings import Config, Places, SettingsError
from streamscope.trace import Clock
from streamscope.trial.setup import NoServerError

PACKAGES = ("textual", "httpx", "httpcore", "msgspec", "starlette", "uvicorn")
"""What it needs."""

EXTRAS = {"xllamacpp": "local", "keyring": "keyring"}
"""What it can use, and the extra that brings it."""

_COLORS = {None: "none", "standard": "16", "256": "256", "truecolor": "16.7 million"}
_ELSEWHERE = ("https://api.openai.com", "http://example.com")


class Examination:
    """One look at everything. What is wrong is noted where it is found."""

    def __init__(self, url: str) -> None:
        """Prepare.

        Args:
            url: A server to look at before all others; empty for none.
        """
        self._url = url
        self._problems: list[Problem] = []
        self._unasked: list[str] = []
        self._places = settings.places()
        self._config = self._load(self._places)

    async def carry_out(self) -> Findings:
        """Look; takes about as long as a start."""
        variables = settings.environment()
        for sentence in unusable(variables):
            self._wrong("environment", sentence)
        found, choice, ready_s = await self._servers()
        keys = self._keys()
        if ready_s is not None:
            for sentence in silent(candidates(variables), found, self._unasked):
                self._wrong("server", sentence)
        return Findings(
            streamscope=__version__,
            python=platform.python_version(),
            system=f"{platform.system()} {platform.release()} {platform.machine()}",
            cores=os.cpu_count() or 1,
            servers=[_server(each) for each in found],
            unasked=self._unasked,
            choice=choice,
            keys=keys,
            proxy=self._proxy(),
            terminal=self._terminal(),
            files=self._files(),
            times=self._times(ready_s),
            packages={name: _version(name) for name in (*PACKAGES, *EXTRAS)},
            problems=self._problems,
        )

    def _wrong(self, area: str, sentence: str) -> None:
        problem = Problem(area=area, sentence=plain(sentence))  # type: ignore[arg-type] # literals
        if problem.sentence not in [each.sentence for each in self._problems]:
            self._problems.append(problem)

    def _load(self, places: Places) -> Config:
        config = Config()
        try:
            config = settings.load(places.config_file)
            start.wishes(Options(), config)
        except (SettingsError, UsageError) as error:
            self._wrong("config", str(error))
            return msgspec.structs.replace(config, a="", b="")
        return config

    # ----------------------------------------------------------------------------------- servers

    async def _servers(self) -> tuple[list[Found], str, float | None]:
        """Return the servers, what would be chosen, and how long the probe took to be ready."""
        options = Options(url=self._url, save=False)
        session = start.session(options, self._config, self._places, None)
        wishes = start.wishes(options, self._config)
        choice = ""
        began = time.monotonic()
        try:
            await session.get_ready()
            ready_s = time.monotonic() - began
            try:
                choice = plain(opens_with(wishes, (await session.preview()).reason))
            except NoServerError as error:
                withheld = isinstance(error.__cause__, KeyRefusedError)
                self._wrong("key" if withheld else "server", str(error))
            found = await session.discover()
        except ProbeError as error:
            self._wrong("probe", str(error))
            return [], "", None
        except SettingsError as error:
            self._wrong("environment", str(error))
            return [], "", None
        finally:
            await session.close()
        return found, choice, ready_s

    # -------------------------------------------------------------------------------------- keys

    def _keys(self) -> list[KeyPlace]:
        """Return where keys come from; here no command is run, and the keyring stays closed."""
        variables, config = settings.environment(), self._config
        wishes = start.wishes(Options(url=self._url), config)
        named = wishes.a.url or (wishes.b.url if wishes.b else "")  # the first one's key is ours
        keys = Keys(variables, allow_plain=config.allow_plain_http_key)
        found = []
        if variables.get(OURS, "").strip():
            about = "" if named else "no server is named: it is sent to none"
            found.append(KeyPlace(source=OURS, place=authority(named), about=about))
            self._check(keys, OURS, variables.get(OURS, ""), named, named)
        for owner, name in keys.from_environment():
            found.append(KeyPlace(source=name, place=authority(owner.base)))
            self._check(keys, name, variables.get(name, ""), owner.base, "")
        for host, command in config.key_command.items():
            argv = arguments(command)
            missing = not argv or shutil.which(argv[0]) is None
            about = "its program was not found" if missing else ""
            found.append(KeyPlace(source="key_command", place=host.lower(), about=about))
            if missing:
                self._wrong(
                    "key",
                    f"The program of the key_command for {host} was not found: name it by its "
                    "whole path in the config file.",
                )
        if has_keyring():
            about = "asked for servers that are named, and for vendors"
            found.append(KeyPlace(source="keyring", place="", about=about))
        return found

    def _check(self, keys: Keys, name: str, value: str, url: str, named: str) -> None:
        """Note what speaks against a key, or against sending it where it belongs."""
        try:
            clean(value, name)
            if url:
                keys.find(url, named)
        except KeyRefusedError as error:
            self._wrong("key", str(error))
            if (where := place(url)) and where not in self._unasked:
                self._unasked.append(where)

    def _proxy(self) -> str:
        try:
            proxies = [settings.proxy_for(url) or "" for url in _ELSEWHERE]
        except SettingsError as error:
            self._wrong("environment", str(error))
            return ""
        shown = [urlsplit(proxy).netloc.rpartition("@")[2] for proxy in proxies if proxy]
        return " and ".join(dict.fromkeys(shown))

    # ------------------------------------------------------------------------------ this machine

    def _terminal(self) -> Terminal:
        from rich.console import Console

        size = shutil.get_terminal_size()
        interactive = start.at_terminal()
        encoding = (sys.stdout.encoding or "unknown").upper()
        if interactive and "UTF" not in encoding:
            self._wrong(
                "terminal",
                f"Text is written as {encoding}, which has no blocks and curves to draw with: "
                "set LANG to a UTF-8 locale, such as C.UTF-8.",
            )
        if interactive and (size.columns < 80 or size.lines < 24):
            self._wrong(
                "terminal",
                f"The terminal has {size.columns} columns and {size.lines} rows: make it at "
                "least 80 × 24.",
            )
        return Terminal(
            interactive=interactive,
            columns=size.columns,
            rows=size.lines,
            term=plain(settings.environment().get("TERM", "")),
            colors=_COLORS.get(Console().color_system, "some"),
            encoding=encoding,
        )

    def _files(self) -> list[File]:
        places = self._places
        history = places.history_file
        if history.exists():
            try:
                inspect(history, STEPS)
            except (HistoryError, sqlite3.Error, OSError) as error:
                sentence = str(error)
                if not isinstance(error, HistoryError):
                    sentence = f"The history {history} can't be read ({error}): move it away."
                self._wrong("history", sentence)
        return [
            _file("config", places.config_file),
            _file("themes", places.themes),
            _file("history", history),
            _file("calibration", places.calibration_file),
            _file("cache", places.cache),
        ]

    def _times(self, ready_s: float | None) -> Times:
        used = probe_clock()
        kept = calibrations.read(self._places.calibration_file)
        error_ns = calibrations.error_ns(kept, used)
        if kept is None or error_ns is None:
            return Times(clock=used, ready_s=ready_s)
        return Times(
            clock=used,
            ready_s=ready_s,
            error_ns_p99=error_ns,
            measured_utc=kept.measured_utc,
            days=_days_since(kept.measured_utc),
        )


def probe_clock() -> Clock:
    """Return where arrival times come from on this machine."""
    with closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as sock:
        return "kernel" if clock.enable(sock) else "read"


def _server(found: Found) -> Server:
    return Server(
        label=found.label,
        kind=found.kind,
        url=found.url,
        protocol=found.protocol,
        version=plain(found.version),
        lacks=found.lacks,
        variable=found.variable,
        models={plain(name): found.about(name) for name in found.models},
    )


def _file(name: str, path: Path) -> File:
    try:
        size = path.stat().st_size if path.is_file() else None
        return File(name=name, path=str(path), bytes=size, exists=path.exists())
    except OSError:  # a folder that may not be looked into
        return File(name=name, path=str(path), bytes=None, exists=False)


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _days_since(utc: str) -> int | None:
    try:
        at = datetime.fromisoformat(utc)
    except ValueError:
        return None
    return (datetime.now(UTC) - (at if at.tzinfo else at.replace(tzinfo=UTC))).days
