"""Every theme can be read by everybody; a broken one is a sentence, never a crash."""

import math
from itertools import product
from pathlib import Path

import pytest
from textual.app import App
from textual.color import Color
from textual.theme import BUILTIN_THEMES, Theme

from streamscope.tui.themes import (
    DEFAULT_THEME,
    LARGEST_FILE,
    OWN_VARIABLES,
    default_variables,
    load_themes,
)

OURS = load_themes(None)[0]
TEXT = ("foreground", "verdict", "dim-lane", "text-muted", "reader", "stall", "good", "warn", "bad")
CHANNELS = ("channel-a", "channel-b")
BACKGROUNDS = ("background", "surface", "panel")

# Simulated dichromacy in linear RGB (Machado, Oliveira and Fernandes, 2009, severity 1).
SIGHT = {
    "usual": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
}


def each(theme: Theme) -> str:
    return theme.name


def colours(theme: Theme) -> dict[str, Color]:
    written = {**theme.to_color_system().generate(), **theme.variables}
    return {name: Color.parse(written[name]) for name in (*TEXT, *CHANNELS, *BACKGROUNDS)}


def linear(colour: Color) -> tuple[float, float, float]:
    def one(value: float) -> float:
        return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4

    red, green, blue = colour.normalized
    return one(red), one(green), one(blue)


def luminance(colour: Color) -> float:
    red, green, blue = linear(colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: Color, other: Color) -> float:
    """Return the contrast ratio of WCAG 2."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def lab(colour: Color, sight: str) -> tuple[float, float, float]:
    """Return CIE L*a*b* (D65) as somebody with this sight gets it."""
    rgb = linear(colour)
    seen = [
        min(1.0, max(0.0, sum(a * b for a, b in zip(row, rgb, strict=True))))
        for row in SIGHT[sight]
    ]
    to_xyz = (
        (0.4124564, 0.3575761, 0.1804375),
        (0.2126729, 0.7151522, 0.0721750),
        (0.0193339, 0.1191920, 0.9503041),
    )
    white = (0.95047, 1.0, 1.08883)
    x, y, z = (
        math.cbrt(t) if t > 0.008856 else 7.787 * t + 16 / 116
        for t in (
            sum(a * b for a, b in zip(row, seen, strict=True)) / full
            for row, full in zip(to_xyz, white, strict=True)
        )
    )
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return folder


def test_contrast_is_that_of_the_standard() -> None:
    assert contrast(Color.parse("#000"), Color.parse("#fff")) == pytest.approx(21)
    assert contrast(Color.parse("#777"), Color.parse("#fff")) == pytest.approx(4.48, abs=0.01)


def test_there_are_enough_themes_and_all_of_ours_are_sound() -> None:
    themes, problems = load_themes(None)
    assert problems == []
    assert len(themes) >= 4
    assert DEFAULT_THEME in {theme.name for theme in themes}
    assert {theme.dark for theme in themes} == {True, False}


@pytest.mark.parametrize("theme", OURS, ids=each)
def test_text_can_be_read(theme: Theme) -> None:
    palette = colours(theme)
    least = 7 if theme.name == "streamscope-contrast" else 4.5
    poor = {
        (text, ground): round(ratio, 2)
        for text, ground in product((*TEXT, *CHANNELS), BACKGROUNDS)
        if (ratio := contrast(palette[text], palette[ground])) < least
    }
    assert poor == {}


@pytest.mark.parametrize("sight", SIGHT)
@pytest.mark.parametrize("theme", OURS, ids=each)
def test_the_channels_are_told_apart(theme: Theme, sight: str) -> None:
    palette = colours(theme)
    a, b = (lab(palette[name], sight) for name in CHANNELS)
    assert math.dist(a, b) > 40
    assert abs(a[0] - b[0]) > 15, "lightness alone must tell them apart"


@pytest.mark.parametrize("theme", OURS, ids=each)
def test_ours_name_every_colour_themselves(theme: Theme) -> None:
    folder = Path(__file__).parents[2] / "themes"
    written = (folder / f"{theme.name}.toml").read_text(encoding="utf-8")
    assert {name for name in OWN_VARIABLES if f"\n{name} = " in written} == OWN_VARIABLES


@pytest.mark.parametrize("name", ["textual-dark", "textual-light", "nord", "solarized-light"])
def test_the_defaults_can_be_seen_on_textuals_own_themes(name: str) -> None:
    theme = BUILTIN_THEMES[name]
    ground = Color.parse(theme.to_color_system().generate()["background"])
    for colour in default_variables(dark=theme.dark).values():
        assert contrast(Color.parse(colour), ground) >= 3


async def test_every_theme_works_in_an_app() -> None:
    rules = "\n".join(f".{name} {{ color: ${name}; }}" for name in sorted(OWN_VARIABLES))

    class Themed(App[None]):
        CSS = rules

        def get_theme_variable_defaults(self) -> dict[str, str]:
            return default_variables()

    app = Themed()
    for theme in OURS:
        app.register_theme(theme)
    async with app.run_test() as pilot:
        for name in ("nord", *(theme.name for theme in OURS)):
            app.theme = name
            await pilot.pause()
            assert app.current_theme.name == name


def test_a_users_theme_needs_only_a_name_and_one_colour(tmp_path: Path) -> None:
    themes, problems = load_themes(
        write(tmp_path, "mine.toml", 'name = "mine"\nprimary = "teal"\ndark = false\n')
    )
    mine = next(theme for theme in themes if theme.name == "mine")
    assert problems == []
    assert mine.variables == default_variables(dark=False)


def test_a_users_theme_replaces_ours_of_the_same_name(tmp_path: Path) -> None:
    text = f'name = "{DEFAULT_THEME}"\nprimary = "#123456"\n[variables]\nchannel-a = "white"\n'
    themes, _ = load_themes(write(tmp_path, "mine.toml", text))
    (mine,) = (theme for theme in themes if theme.name == DEFAULT_THEME)
    assert mine.primary == "#123456"
    assert mine.variables["channel-a"] == "white"
    assert len(themes) == len(OURS)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("name = ", "Invalid value"),
        ('name = "mine"', "`primary`"),
        ('name = "mine"\nprimary = "no-colour"', "primary is 'no-colour', which is not a colour"),
        ('name = "mine"\nprimary = 1', "`$.primary`"),
        ('name = "mine"\nprimary = "red"\nprimry = "red"', "`primry`"),
        ('name = "Mine!"\nprimary = "red"', "its name must be"),
        ('name = "mine"\nprimary = "red"\ntext_alpha = 7', "text_alpha must be from 0 to 1"),
        ('name = "mine"\nprimary = "red"\ntext_alpha = nan', "text_alpha must be from 0 to 1"),
        ('name = "mine"\nprimary = "red"\n[variables]\nstall = "bold"', "stall is 'bold'"),
        ('name = "mine"\nprimary = "red"\n[variables]\nborder = "x; }"', "border is 'x; }'"),
        ('name = "mine"\nprimary = "red"\n[variables]\n"a b" = "red"', "'a b' can't be the name"),
        ("#" * (LARGEST_FILE + 1), "larger than 64 KB"),
    ],
)
def test_a_broken_theme_is_one_sentence(tmp_path: Path, text: str, reason: str) -> None:
    themes, problems = load_themes(write(tmp_path, "broken.toml", text))
    (problem,) = problems
    assert problem.startswith("The theme broken.toml is left out: ")
    assert reason in problem
    assert "\n" not in problem
    assert len(themes) == len(OURS)


def test_bytes_that_are_no_text_are_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "broken.toml").write_bytes(b'name = "\xff"')
    assert len(load_themes(tmp_path)[1]) == 1


def test_a_folder_in_place_of_a_file_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "broken.toml").mkdir()
    assert len(load_themes(tmp_path)[1]) == 1


def test_a_missing_folder_is_no_problem(tmp_path: Path) -> None:
    assert load_themes(tmp_path / "nowhere") == (OURS, [])


def test_textuals_variables_may_be_styled(tmp_path: Path) -> None:
    text = (
        'name = "mine"\nprimary = "red"\n[variables]\n'
        'block-cursor-text-style = "not bold"\ninput-selection-background = "#81a1c1 35%"\n'
    )
    assert load_themes(write(tmp_path, "mine.toml", text))[1] == []
