"""From a command line and the config file to a session and a request."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import msgspec

from streamscope import settings
from streamscope.cli.arguments import AppOptions, Options, parameters, prompt_text, thinking
from streamscope.cli.channels import Words
from streamscope.cli.channels import parse as parse_channel
from streamscope.cli.parsing import UsageError
from streamscope.settings import Config, Places, SettingsError
from streamscope.trace import Request

if TYPE_CHECKING:
    from streamscope.history import History
    from streamscope.measure.conventions import Trust
    from streamscope.trial.session import Session
    from streamscope.trial.setup import Wish, Wishes

T = TypeVar("T")


def _said(value: T | None, otherwise: T | None) -> T | None:
    return otherwise if value is None else value


def request(options: Options, config: Config, prompt: str) -> Request:
    """Return what is to be asked: what was said, else what the config says."""
    base = config.request
    return Request(
        prompt=prompt,
        system=_said(options.system, base.system),
        temperature=_said(options.temperature, base.temperature),
        top_p=_said(options.top_p, base.top_p),
        seed=_said(options.seed, base.seed),
        max_tokens=_said(options.max_tokens, base.max_tokens),
        stop=options.stop,
        think=base.think if options.think is None else thinking(options.think),
        params=parameters(options.params),
    )


def prompt(options: AppOptions) -> str:
    """Return the prompt that was named; empty if none was."""
    return prompt_text(options.prompt) if options.prompt else ""


def at_terminal() -> bool:
    """Whether there is somebody who can be shown something and asked."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def check_url(url: str, *, flag: bool) -> None:
    """Make sure that the URL that was named, if one was, can be called.

    Args:
        url: The URL; empty if none was named.
        flag: Whether it was named with ``--url``; else it stands where a command may stand.

    Raises:
        UsageError: It can't.
    """
    if not url:
        return
    from streamscope.wire.urls import validate_url

    if not any(mark in url for mark in ".:/") and url != "localhost":
        example = "http://127.0.0.1:8000"
        if flag:
            raise UsageError(f"--url {url} names no server: a URL looks like {example}.")
        raise UsageError(
            f"{url!r} is neither a command nor a URL: commands are run, history, replay, "
            f"calibrate, serve and doctor, a URL looks like {example}."
        )
    try:
        validate_url(url)
    except ValueError as error:
        raise UsageError(str(error)) from error


def history(options: Options, places: Places, *, include_busy: bool = False) -> "History | None":
    """Open the history; ``None`` if the person wants none.

    Args:
        options: Whether there is to be one.
        places: Where it is.
        include_busy: Whether runs on a busy machine are pooled.

    Raises:
        HistoryError: It can't be used; nothing is measured that could not be kept.
    """
    from streamscope.history import History

    if not options.save:
        return None
    return History.open(places.history_file, include_busy=include_busy)


def wishes(options: Options, config: Config) -> "Wishes":
    """Return what is to be compared: what was said for both, as each channel's words change it.

    What the config file says of channels counts only where the command line says nothing of
    servers.

    Raises:
        UsageError: Something that was said of a channel, or for both, means nothing.
        SettingsError: What the config file says of a channel means nothing.
    """
    from streamscope.trial.setup import Wish, Wishes

    said = _channels(options, config)
    # A URL of the config file names the target only as long as nobody names another one.
    named = bool(options.url or options.engine)
    base = Wish(
        engine=options.engine or ("auto" if options.url else config.engine),
        url=options.url or ("" if named else config.url),
        protocol=options.protocol or ("" if named else config.protocol),
        model=options.model or ("" if named else config.model),
    )
    # A model that was said without a server is one that several are to be asked for.
    open_ = Wish() if named else Wish(protocol=options.protocol, model=options.model)
    a, b = (_changed(open_ if words.url else base, words) for words in said)
    _check_counts(options, (a, b))
    modes = (said[0].mode or None, said[1].mode or None)
    return Wishes(a=a, b=None if a == b else b, modes=modes)


def _channels(options: Options, config: Config) -> tuple[Words, Words]:
    """Return what was said of either channel."""
    if options.a or options.b:
        return _words(options.a, "--a"), _words(options.b, "--b")
    if options.url or options.engine or options.protocol or options.model:
        return Words(), Words()
    try:
        a, b = ((each,) if each else () for each in (config.a, config.b))
        return _words(a, "a"), _words(b, "b")
    except UsageError as error:
        raise SettingsError(f"The config file is wrong: {error}") from error


def _words(said: Sequence[str], where: str) -> Words:
    return parse_channel(said, where) if said else Words()


def _changed(wish: "Wish", words: Words) -> "Wish":
    """Return a wish as the words of a channel change it; another engine has no model of it yet.

    Raises:
        UsageError: There is no such model.
    """
    changes = {"protocol": words.protocol, "model": words.model, "url": words.url}
    said = {name: value for name, value in changes.items() if value}
    base = type(wish)(engine=words.engine) if words.engine else wish
    changed = msgspec.structs.replace(base, **said)
    if words.model and changed.engine == "local":
        raise UsageError(
            f"The local engine serves one model of its own, not {words.model}: name the server "
            "that has it as well."
        )
    return changed


def _check_counts(options: Options, wishes: tuple["Wish", "Wish"]) -> None:
    """Make sure that what was said for both channels counts for one of them.

    Raises:
        UsageError: Something does not.
    """
    if options.url and options.engine not in ("", "auto"):
        raise UsageError(
            f"{options.url} and --engine {options.engine} are said, of which only one can answer."
        )
    for name in ("url", "engine", "protocol", "model"):
        value = getattr(options, name)
        if value and not any(getattr(wish, name) == value for wish in wishes):
            shown = value if name == "url" else f"--{name} {value}"
            raise UsageError(
                f"{shown} counts for neither channel, as --a and --b say otherwise: leave it out."
            )


def session(
    options: Options,
    config: Config,
    places: Places,
    history: "History | None",
    trust: "Trust | None" = None,
) -> "Session":
    """Return a session for what was said on the command line.

    When a machine is too busy for a run to be trusted, the config file says unless ``trust`` does.

    What it needs is imported here and not before: the app shows its first picture without it.
    """
    from streamscope.engines.variables import candidates
    from streamscope.history import calibrations
    from streamscope.keys import Keys
    from streamscope.probe.messages import Limits
    from streamscope.trial.session import Session

    variables = settings.environment()
    keys = Keys(variables, commands=config.key_command, allow_plain=config.allow_plain_http_key)
    return Session(
        wishes=wishes(options, config),
        history=history,
        cache_dir=places.cache,
        limits=Limits(
            connect_s=config.timeouts.connect_s,
            stall_s=options.stall_s or config.timeouts.stall_s,
            total_s=options.timeout_s or config.timeouts.total_s,
        ),
        key_for=keys.find,
        proxy_for=settings.proxy_for,
        candidates=candidates(variables),
        offered=keys.vendors(),
        gguf=Path(config.model_file).expanduser() if config.model_file else None,
        profile=config.profile,
        calibration=calibrations.read(places.calibration_file),
        trust=trust or config.trust,
    )
