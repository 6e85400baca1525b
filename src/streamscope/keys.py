"""Keys: where they come from, to whom they belong, and how they stay unseen.

A key belongs to one server: its host and its port. It is taken from the first of these that has
one for that server:

1. ``STREAMSCOPE_API_KEY``, for the server that the person named, and for no other: of two that are
   compared, for the first.
2. The variable of the vendor, or of the server program, for the host that is theirs.
3. ``[key_command]`` in the config file, by host or by host and port.
4. The system keyring, under the service ``streamscope``, by host or by host and port.

Nothing here is ever written to a file, and no key has a ``repr``.
"""

import contextlib
import importlib.util
import math
import os
import shlex
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import msgspec

from streamscope.engines.addresses import is_loopback
from streamscope.engines.found import Candidate
from streamscope.engines.variables import BASES
from streamscope.key_owners import Owner, authority, owners

OURS = "STREAMSCOPE_API_KEY"
"""Variable for the key of the server that the person named."""

SERVICE = "streamscope"
"""Name of the service in the system keyring."""

COMMAND_S = 30.0
"""How long a command may take to say a key, in seconds: it may have to ask the person."""

RETRY_S = 5.0
"""A command that failed is asked again after so many seconds: a server is asked several pages."""

KEY_CHARS = 8192
"""Longest key."""


class KeyRefusedError(Exception):
    """A key can't be had, or is not sent there; the text is a sentence for a person."""


class Secret(str):
    """Text that a traceback or a log shows as dots, however it comes there."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'…'"

    def __getitem__(self, at: Any) -> "Secret":
        return Secret(str.__getitem__(self, at))


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """What opens one server.

    Attributes:
        value: The key; ``None`` where ``headers`` say it all.
        source: Where it comes from, such as ``OPENAI_API_KEY``.
        headers: What is sent beside it, or in place of it.
        protocol: The protocol of those whose key it is; empty if that says nothing.
    """

    value: str | None
    source: str
    headers: Mapping[str, str] = {}
    protocol: str = ""

    def __repr__(self) -> str:
        return f"Key({self.source!r})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        """Show where it comes from, and never the key."""
        return [("source", self.source)]


class Keys:
    """Finds keys. Commands and the keyring are asked once for each server; safe in threads."""

    def __init__(
        self,
        variables: Mapping[str, str],
        *,
        commands: Mapping[str, str | Sequence[str]] | None = None,
        allow_plain: bool = False,
    ) -> None:
        """Prepare; nothing is asked yet.

        Args:
            variables: The environment.
            commands: Command for a key, by host or by host and port.
            allow_plain: Send keys over unencrypted HTTP to other machines.
        """
        self._variables = variables
        self._commands = {name.lower(): command for name, command in (commands or {}).items()}
        self._allow_plain = allow_plain
        self._asked: dict[str, Key | None] = {}
        self._failed: dict[str, tuple[float, str]] = {}
        self._lock = threading.Lock()

    def find(self, url: str, *named: str) -> Key | None:
        """Return the key for a server; may wait for a command or a keyring.

        Args:
            url: Where it would go.
            named: URLs of the servers that the person named. The person's own key is the first's.

        Raises:
            KeyRefusedError: There is one that can't be had or used, or it would go over
                unencrypted HTTP to another machine.
        """
        key = (
            self._of_person(url, *named[:1])
            or self._of_variable(url)
            or self._asked_for(url, *named)
        )
        if key is None:
            return None
        secure = urlsplit(url).scheme in ("https", "wss")
        if not secure and not is_loopback(url) and not self._allow_plain:
            raise KeyRefusedError(
                f"The key ({key.source}) is not sent to {urlsplit(url).netloc} over unencrypted "
                "HTTP: use https, or set allow_plain_http_key = true in the config file."
            )
        return key

    def from_environment(self) -> list[tuple[Owner, str]]:
        """Return the variables that hold keys, with whose they are."""
        found = []
        for owner in owners(self._variables):
            names = [name for name in owner.variables if self._variables.get(name, "").strip()]
            found += [(owner, name) for name in names[:1]]
        return found

    def vendors(self) -> list[Candidate]:
        """Return the vendors whose keys are in the environment."""
        bases = (owner.base for owner, _ in self.from_environment() if not owner.local)
        return [Candidate(url=base) for base in dict.fromkeys(bases) if base]

    def _of_person(self, url: str, named: str = "") -> Key | None:
        if authority(url) != authority(named):
            return None
        value = self._variable(OURS)
        return Key(value=value, source=OURS) if value else None

    def _of_variable(self, url: str) -> Key | None:
        for owner, name in self.from_environment():
            if not owner.owns(url):
                continue
            value = self._variable(name)
            headers: dict[str, str] = {
                header: text for header, other in owner.extra if (text := self._variable(other))
            }
            if name == "ANTHROPIC_AUTH_TOKEN":  # a token goes into another header than a key
                headers["Authorization"] = Secret(f"Bearer {value}")
                return Key(value=None, source=name, headers=headers, protocol=owner.protocol)
            return Key(value=value, source=name, headers=headers, protocol=owner.protocol)
        return None

    def _variable(self, name: str) -> Secret:
        """Return a variable without the line end that files leave on it."""
        return clean(self._variables.get(name, ""), name)

    def _asked_for(self, url: str, *named: str) -> Key | None:
        """Return what a command or the keyring says.

        The keyring may ask the person for a password, so it is not opened for servers that are
        merely looked for.
        """
        place = authority(url)
        with self._lock:
            if place in self._asked:
                return self._asked[place]
            key = self._from_command(place)
            if key is None:
                if place not in map(authority, named) and not self._is_owned(url):
                    return None
                key = from_keyring(place)
            self._asked[place] = key
            return key

    def _is_owned(self, url: str) -> bool:
        """Whether it is a vendor's server, or one that the environment names."""
        bases = {authority(self._variables.get(name, "")) for name, _ in BASES}
        owned = any(owner.owns(url) for owner in owners(self._variables) if not owner.local)
        return owned or authority(url) in bases - {""}

    def _from_command(self, place: str) -> Key | None:
        """Ask the command for a server's key; one that has just failed is not asked again."""
        command = next((name for name in names(place) if name in self._commands), None)
        if command is None:
            return None
        failed_s, why = self._failed.get(place, (-math.inf, ""))
        if time.monotonic() - failed_s < RETRY_S:
            raise KeyRefusedError(why)
        try:
            return Key(value=run_command(self._commands[command], command), source="key_command")
        except KeyRefusedError as error:
            self._failed[place] = (time.monotonic(), str(error))
            raise


def names(place: str) -> tuple[str, ...]:
    """Return how a server is called in config file and keyring, the more exact name first.

    The host alone means its usual ports, so that no other program on it is meant too; on this
    machine and others without TLS a port has to be named.
    """
    host, _, port = place.rpartition(":")
    return (place, host) if port == "443" else (place,)


def clean(value: str, source: str) -> Secret:
    """Return a key without white space around it; empty if there is none.

    Raises:
        KeyRefusedError: It holds what no header can hold.
    """
    key = value.strip()
    if len(key) > KEY_CHARS or not (key.isascii() and (key.isprintable()) and " " not in key):
        raise KeyRefusedError(f"{source} holds characters that no key has: set it anew.")
    return Secret(key)


def run_command(command: str | Sequence[str], name: str) -> Secret:
    """Return what a command says; without a shell, a terminal or a way to show anything.

    Args:
        command: Program and arguments, or both as one text.
        name: Whose key it says.

    Raises:
        KeyRefusedError: It failed, took too long or said no key. What it said is not repeated.
    """
    what = f"The key_command for {name}"
    argv = arguments(command)
    try:
        done = subprocess.run(  # noqa: S603 (the person wrote it into their own config file)
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=COMMAND_S,
            start_new_session=True,
            check=False,
        )
    except (OSError, ValueError, IndexError) as error:
        reason = getattr(error, "strerror", None) or "it is empty"
        raise KeyRefusedError(f"{what} can't be run ({reason}): see the config file.") from None
    except subprocess.TimeoutExpired:
        # Not from the error: that one holds what was said until then.
        raise KeyRefusedError(f"{what} did not end within {COMMAND_S:g} s: try it.") from None
    if done.returncode != 0:
        raise KeyRefusedError(f"{what} failed with code {done.returncode}: try it in a shell.")
    key = clean(done.stdout.decode("utf-8", "replace"), what)
    if not key:
        raise KeyRefusedError(f"{what} said nothing: try it in a shell.")
    return key


def arguments(command: str | Sequence[str]) -> list[str]:
    """Return a command as program and arguments."""
    if not isinstance(command, str):
        return list(command)
    with contextlib.suppress(ValueError):  # an open quotation mark
        return shlex.split(command, posix=os.name != "nt")
    return []


def has_keyring() -> bool:
    """Whether the ``keyring`` package is installed."""
    return importlib.util.find_spec("keyring") is not None


def from_keyring(place: str) -> Key | None:
    """Return what the system keyring has for a server; ``None`` for nothing, or for no keyring.

    Args:
        place: Host and port.

    Raises:
        KeyRefusedError: What it has is no key.
    """
    if not has_keyring():
        return None
    import keyring
    import keyring.errors

    for name in names(place):
        try:
            value = keyring.get_password(SERVICE, name)
        except (keyring.errors.KeyringError, OSError, RuntimeError):
            return None  # a keyring that is locked, or not there, has nothing for us
        if value:
            return Key(value=clean(value, f"The keyring's entry for {name}"), source="keyring")
    return None
