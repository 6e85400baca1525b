"""Themes: colours as TOML files, ours and the user's own."""

import re
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

import msgspec
from textual.color import Color, ColorParseError
from textual.theme import Theme

DEFAULT_THEME: Final = "streamscope-dark"
"""Name of the theme of a new installation."""

LARGEST_FILE: Final = 64 * 1024
"""Bytes that a theme file may have."""

_DARK: Final = {
    "channel-a": "#ffc857",
    "channel-b": "#4f9ae8",
    "reader": "#b9a7f2",
    "stall": "#ff8577",
    "verdict": "#f4f7fa",
    "dim-lane": "#97a5b7",
    "good": "#6fd08c",
    "warn": "#ffa657",
    "bad": "#ff8577",
}
_LIGHT: Final = {
    "channel-a": "#985400",
    "channel-b": "#0a2a6b",
    "reader": "#5b3fa3",
    "stall": "#a3211a",
    "verdict": "#0d1116",
    "dim-lane": "#4f5761",
    "good": "#19602f",
    "warn": "#7d4a00",
    "bad": "#a3211a",
}

OWN_VARIABLES: Final = frozenset(_DARK)
"""Names of the colours that every theme has beside Textual's, for use as ``$name`` in TCSS."""

_NAME = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*").fullmatch
_PERCENT = re.compile(r" +[0-9]{1,3}(?:\.[0-9]+)?%$")
_TEXT_STYLES = frozenset({"none", "not", "bold", "dim", "italic", "underline", "reverse", "strike"})


class ThemeError(ValueError):
    """A theme file that can't be used; the message says why, as the end of a sentence."""


class ThemeFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A theme as it is written in a file. Colours are CSS colours.

    Attributes:
        name: Small letters, digits and hyphens; a user's theme replaces ours of the same name.
        primary: The one colour that must be named; Textual derives those left out.
        dark: Whether text is light on dark.
        variables: Our own colours and any of Textual's theme variables.
    """

    name: str
    primary: str
    secondary: str | None = None
    accent: str | None = None
    foreground: str | None = None
    background: str | None = None
    surface: str | None = None
    panel: str | None = None
    boost: str | None = None
    success: str | None = None
    warning: str | None = None
    error: str | None = None
    dark: bool = True
    luminosity_spread: float = 0.15
    text_alpha: float = 0.95
    variables: dict[str, str] = {}


def default_variables(*, dark: bool = True) -> dict[str, str]:
    """Return our own colours for themes that do not define them, such as Textual's."""
    return dict(_DARK if dark else _LIGHT)


def load_themes(user_dir: Path | None) -> tuple[list[Theme], list[str]]:
    """Read our themes and the user's.

    Args:
        user_dir: Folder with the user's ``*.toml`` files; it need not exist.

    Returns:
        The themes, sorted by name, each with all of ``OWN_VARIABLES``; and one sentence for
        each file that could not be used.
    """
    themes: dict[str, Theme] = {}
    problems: list[str] = []
    for folder in (_own_folder(), user_dir):
        try:
            files = _theme_files(folder) if folder is not None else []
        except OSError as error:
            problems.append(f"The themes in {folder} can't be read: {error.strerror or error}.")
            continue
        for file in files:
            try:
                theme = _read(file)
            except ThemeError as error:
                problems.append(f"The theme {file.name} is left out: {error}.")
            else:
                themes[theme.name] = theme
    return sorted(themes.values(), key=lambda theme: theme.name), problems


def is_own(theme: Theme) -> bool:
    """Whether a theme was made for this instrument: it has all of our colours."""
    return theme.variables.keys() >= OWN_VARIABLES


def _own_folder() -> Traversable:
    """Return where our themes are: in the package, or beside ``src`` in a checkout."""
    packaged = resources.files("streamscope") / "themes"
    return packaged if packaged.is_dir() else Path(__file__).parents[3] / "themes"


def _theme_files(folder: Traversable) -> list[Traversable]:
    if not folder.is_dir():
        return []
    files = [each for each in folder.iterdir() if each.name.endswith(".toml")]
    return sorted(files, key=lambda each: each.name)


def _read(file: Traversable) -> Theme:
    try:
        with file.open("rb") as stream:
            content = stream.read(LARGEST_FILE + 1)
    except OSError as error:
        raise ThemeError(f"it can't be read ({error.strerror or error})") from error
    if len(content) > LARGEST_FILE:
        raise ThemeError(f"it is larger than {LARGEST_FILE // 1024} KB")
    try:
        written = msgspec.toml.decode(content, type=ThemeFile)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ThemeError(f"{error}".rstrip(".")) from error
    return _build(written)


def _build(written: ThemeFile) -> Theme:
    if not _NAME(written.name):
        raise ThemeError("its name must be of small letters, digits and hyphens")
    colours = {
        field: value
        for field in ThemeFile.__struct_fields__
        if field not in ("name", "dark", "luminosity_spread", "text_alpha", "variables")
        and (value := getattr(written, field)) is not None
    }
    for field, value in colours.items():
        _check_colour(field, value)
    for field, share in (
        ("luminosity_spread", written.luminosity_spread),
        ("text_alpha", written.text_alpha),
    ):
        if not 0 <= share <= 1:
            raise ThemeError(f"{field} must be from 0 to 1")
    for variable, value in written.variables.items():
        if not _NAME(variable):
            raise ThemeError(f"{variable!r} can't be the name of a variable")
        if variable in OWN_VARIABLES or not _is_text_style(value):
            _check_colour(variable, value)
    return Theme(
        name=written.name,
        dark=written.dark,
        luminosity_spread=written.luminosity_spread,
        text_alpha=written.text_alpha,
        variables={**default_variables(dark=written.dark), **written.variables},
        **colours,
    )


def _check_colour(field: str, value: str) -> None:
    """Make sure that the style sheet will be able to read a colour."""
    try:
        Color.parse(_PERCENT.sub("", value))
    except ColorParseError:
        raise ThemeError(f"{field} is {value!r}, which is not a colour") from None


def _is_text_style(value: str) -> bool:
    return bool(value) and set(value.split()) <= _TEXT_STYLES
