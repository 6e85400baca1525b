"""Where things are and what the person wants: the one place that reads environment and config.

The config file belongs to the person who wrote it: what the app remembers is written back into it
with every comment kept.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import platformdirs

from streamscope import files
from streamscope.measure.conventions import (
    Bands,
    Conventions,
    Costs,
    Reader,
    Share,
    Thresholds,
    Trust,
)
from streamscope.plan import LEAST, MOST, Order, Plan
from streamscope.trace import Layout, Regime

APP = "streamscope"

EngineName = Literal["auto", "local", "simulator"]
"""What answers when no server is named."""


Seconds = Annotated[float, msgspec.Meta(gt=0, le=86_400)]
"""A limit of time: more than nothing, at most a day."""

MAX_REPEAT = 1000
"""Most pairs of one comparison."""


class SettingsError(Exception):
    """Something in config or environment can't be used; the text is a sentence for a person."""


class RequestDefaults(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is asked for when nothing else is said; ``None`` leaves it to the server.

    The same temperature and seed on both channels let a server give the same text twice, so that
    a difference between the two is one of delivery.
    """

    temperature: Annotated[float, msgspec.Meta(ge=0, le=1000)] | None = 0.2
    seed: int | None = 42
    max_tokens: Annotated[int, msgspec.Meta(ge=1)] | None = None
    top_p: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None
    system: str | None = None
    think: bool | str | None = None


class Timeouts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Bounds of one run, in seconds."""

    connect_s: Seconds = 5.0
    stall_s: Seconds = 120.0
    total_s: Seconds = 600.0


class ComparisonDefaults(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a comparison is made when nothing else is said.

    Attributes:
        repeat: Exactly so many pairs; 0 for as many as it takes.
        until: Half-width of the medians' intervals at which it ends, as a share of the median.
        least: Fewest pairs then.
        most: Most pairs then.
        warmup: Runs on each channel before, which are dropped.
        cooldown_s: Pause before each pair but the first, s.
        order: Who goes first in a pair.
        regime: Whether the prompt may be in the server's cache.
        reuse_connection: Whether a run takes the connection that the one before has left open.
    """

    repeat: Annotated[int, msgspec.Meta(ge=0, le=MAX_REPEAT)] = 0
    until: Share = 0.05
    least: Annotated[int, msgspec.Meta(ge=LEAST, le=MAX_REPEAT)] = LEAST
    most: Annotated[int, msgspec.Meta(ge=LEAST, le=MAX_REPEAT)] = MOST
    warmup: Annotated[int, msgspec.Meta(ge=0, le=MAX_REPEAT)] = 1
    cooldown_s: Annotated[float, msgspec.Meta(ge=0, le=3600)] = 0.0
    order: Order = "abba"
    regime: Regime = "warm"
    reuse_connection: bool = False

    @property
    def plan(self) -> Plan:
        """The plan that this makes."""
        return Plan(
            order=self.order,
            regime=self.regime,
            warmup=self.warmup,
            repeat=self.repeat or max(self.least, self.most),
            until=None if self.repeat else self.until,
            least=self.least,
            cooldown_s=self.cooldown_s,
            reuse=self.reuse_connection,
        )


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The config file.

    Attributes:
        theme: Name of the colour theme.
        engine: What answers when no server is named.
        url: Base URL of the server to open with.
        protocol: How it speaks; found out when empty.
        model: Its model; the server's first when empty.
        a: What tells channel A from that, in the words of ``--a``.
        b: The same of channel B.
        model_file: A GGUF file for the local model instead of the one that is fetched.
        profile: Name of the simulator's profile.
        allow_plain_http_key: Send a key over unencrypted HTTP to another machine.
        request: What is asked for by default.
        timeouts: Bounds of one run.
        comparison: How comparisons are made.
        verdict: When a difference counts, and when streaming is worth it.
        reader: How fast the person reads.
        bands: What counts as instant, sluggish and even.
        costs: What blocking costs beside the wait.
        trust: When a machine was too busy for a run to be trusted.
        keys: Key for a command, by the command's name.
        layouts: Whether a run is a race or apart, by target.
        key_command: Command that says the key for a server, by its host, or host and port.
    """

    theme: str = ""
    engine: EngineName = "auto"
    url: str = ""
    protocol: str = ""
    model: str = ""
    a: str = ""
    b: str = ""
    model_file: str = ""
    profile: str = "default"
    allow_plain_http_key: bool = False
    request: RequestDefaults = RequestDefaults()
    timeouts: Timeouts = Timeouts()
    comparison: ComparisonDefaults = ComparisonDefaults()
    verdict: Thresholds = Thresholds()
    reader: Reader = Reader()
    bands: Bands = Bands()
    costs: Costs = Costs()
    trust: Trust = Trust()
    keys: dict[str, str] = {}
    layouts: dict[str, Layout] = {}
    key_command: dict[str, str | list[str]] = {}

    @property
    def conventions(self) -> Conventions:
        """What turns figures into advice."""
        return Conventions(
            thresholds=self.verdict,
            reader=self.reader,
            bands=self.bands,
            costs=self.costs,
            trust=self.trust,
        )


class Places(msgspec.Struct, frozen=True):
    """Where files are kept.

    Attributes:
        config: Folder of ``config.toml`` and ``themes/``.
        data: Folder of the history.
        cache: Folder of what can be fetched again.
    """

    config: Path
    data: Path
    cache: Path

    @property
    def config_file(self) -> Path:
        """The config file; it need not exist."""
        return self.config / "config.toml"

    @property
    def themes(self) -> Path:
        """Themes of the person's own."""
        return self.config / "themes"

    @property
    def history_file(self) -> Path:
        """The history database."""
        return self.data / "history.db"

    @property
    def calibration_file(self) -> Path:
        """What is known about the error of this machine's times."""
        return self.data / "calibration.json"


def places() -> Places:
    """Return where files are kept: the platform's folders, or all under ``STREAMSCOPE_HOME``."""
    if home := os.environ.get("STREAMSCOPE_HOME"):
        base = Path(home).expanduser()
        return Places(base / "config", base / "data", base / "cache")
    return Places(
        Path(platformdirs.user_config_dir(APP)),
        Path(platformdirs.user_data_dir(APP)),
        Path(platformdirs.user_cache_dir(APP)),
    )


def load(file: Path) -> Config:
    """Read the config file; defaults where there is none.

    Raises:
        SettingsError: It can't be read, or says something that means nothing here.
    """
    try:
        text = file.read_bytes()
    except FileNotFoundError:
        return Config()
    except OSError as error:
        raise SettingsError(f"The config file {file} can't be read: {error.strerror}.") from error
    try:
        return msgspec.toml.decode(text, type=Config)
    except UnicodeDecodeError as error:
        raise SettingsError(f"The config file {file} is not UTF-8 text: save it so.") from error
    except msgspec.DecodeError as error:
        raise SettingsError(f"The config file {file} is wrong: {error}.") from error


def remember(file: Path, keys: tuple[str, ...], value: str) -> None:
    """Write one value into the config file; keep everything else in it, comments too.

    Args:
        file: The config file; made when it is not there.
        keys: The path to the value: tables, then the key.
        value: The value.

    Raises:
        SettingsError: It can't be written, or what is there is no TOML.
    """
    import tomlkit
    import tomlkit.exceptions

    try:
        file = file.resolve()  # who keeps the file elsewhere, and a link here, keeps both
        # As bytes: the line ends are the person's own, too.
        document = tomlkit.parse(file.read_bytes() if file.exists() else b"")
        table: Any = document
        for key in keys[:-1]:
            table = table.setdefault(key, tomlkit.table())
        table[keys[-1]] = value
        file.parent.mkdir(parents=True, exist_ok=True)
        files.replace(file, tomlkit.dumps(document).encode(), keep_mode=True)
    except OSError as error:
        raise SettingsError(f"The choice can't be kept in {file}: {error.strerror}.") from error
    except (tomlkit.exceptions.TOMLKitError, UnicodeDecodeError, TypeError) as error:
        raise SettingsError(
            f"The choice can't be kept, {file} is no such TOML: {error}."
        ) from error


def environment() -> Mapping[str, str]:
    """Return the environment, for those who know what its variables mean."""
    return os.environ


def proxy_for(url: str) -> str | None:
    """Return the HTTP proxy that the environment names for a URL; never one for this machine.

    Raises:
        SettingsError: It names one that is no HTTP proxy; going around it might tell somebody
            what the person means to hide.
    """
    from streamscope.engines.addresses import is_loopback  # the first picture asks nobody

    if is_loopback(url):
        return None
    import urllib.request  # here, because it brings half an HTTP client with it

    parts = urllib.parse.urlsplit(url)
    if urllib.request.proxy_bypass(parts.hostname or ""):
        return None
    proxies = urllib.request.getproxies()
    begins_as = {"ws": "http", "wss": "https"}.get(parts.scheme, parts.scheme)
    proxy = proxies.get(begins_as) or proxies.get("all")
    if not proxy:
        return None
    scheme, _, rest = proxy.rpartition("://")
    if scheme.lower() not in ("", "http", "https"):
        raise SettingsError(
            f"The {scheme} proxy that the environment names for {url} can't be used, "
            "only HTTP proxies can: name one in HTTPS_PROXY, or the server in NO_PROXY."
        )
    return f"{scheme.lower() or 'http'}://{rest}"
