"""Plots are standalone, say in words what they show, and stand any numbers."""

import re
import tomllib
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from streamscope.measure.reader import Curves
from streamscope.report.svg import Canvas, Scale
from streamscope.report.svg_plots import (
    SpreadRow,
    gap_histogram,
    gaps_plot,
    readable_plot,
    spread_plot,
)

ROOT = Path(__file__).parents[2]
SVG = "{http://www.w3.org/2000/svg}"
CURVES = Curves(
    times_s=[0.0, 1.0, 2.0, 3.0],
    a=[0, 10, 20, 30],
    b=[0, 0, 0, 30],
    reader=[0.0, 4.0, 8.0, 12.0],
    unit="word",
    end_s=3.0,
)
ROW = SpreadRow(label="first <text>", side="a", values=[0.5, 0.6, 0.7], low=0.5, high=0.7)
MS = 1_000_000


def parsed(picture: str) -> ET.Element:
    root = ET.fromstring(picture)
    assert root.tag == f"{SVG}svg"
    return root


def description(picture: str) -> str:
    return parsed(picture).findtext(f"{SVG}desc") or ""


def test_the_ramp_the_step_and_the_reader_are_three_lines() -> None:
    picture = readable_plot(CURVES)
    classes = [path.get("class") for path in parsed(picture).iter(f"{SVG}path")]
    assert classes == ["line a", "line b", "line r"]
    assert "Half of it could be read after 2.00 s streamed, 3.00 s blocking" in description(picture)


def test_the_blocking_line_is_a_step() -> None:
    paths = [path.get("d") or "" for path in parsed(readable_plot(CURVES)).iter(f"{SVG}path")]
    points = [part.split() for part in paths[1].replace("M", "L").split("L")[1:]]
    (before, corner, top) = points[-3:]
    assert before[1] == corner[1], "it stays down until the end"
    assert corner[0] == top[0], "and then goes straight up"


def test_each_run_is_a_dot_and_the_median_one_more() -> None:
    picture = spread_plot([ROW, SpreadRow(label="none", side="b", values=[])])
    assert len(list(parsed(picture).iter(f"{SVG}circle"))) == 4
    assert "first <text>: median 0.60 s" in description(picture)


def test_gaps_are_bars_and_say_their_statistics() -> None:
    arrivals = [500 * MS, 550 * MS, 600 * MS, 1100 * MS]
    words = "median 50.0 ms, 95th percentile 455 ms, longest 500 ms"
    assert description(gaps_plot(arrivals)) == words
    assert description(gap_histogram(arrivals)) == f"{words}; last bar: 1 longer than 491 ms"
    bars = list(parsed(gap_histogram(arrivals)).iter(f"{SVG}rect"))
    assert sum(float(bar.get("height") or 0) > 0 for bar in bars[1:]) == 2


@pytest.mark.parametrize("arrivals", [[], [5 * MS], [5 * MS, 5 * MS]])
def test_too_few_gaps_still_make_a_picture(arrivals: list[int]) -> None:
    assert parsed(gaps_plot(arrivals)) is not None
    assert parsed(gap_histogram(arrivals)) is not None


def test_nothing_to_draw_is_a_picture_too() -> None:
    nothing = Curves(times_s=[0.0, 0.0], a=[], b=[], reader=[], unit="word", end_s=0.0)
    assert parsed(readable_plot(nothing)) is not None
    assert "No runs." in description(spread_plot([]))


def test_a_picture_is_safe_and_follows_light_and_dark() -> None:
    canvas = Canvas(10, 'a "title" </title><script>', "b\x00\ud800\u202e", 10)
    canvas.text(0, 0, "</text><script>alert(1)</script>")
    picture = canvas.render()
    root = parsed(picture)
    assert not list(root.iter(f"{SVG}script"))
    assert root.get("role") == "img"
    assert root.get("aria-label") == 'a "title" </title><script>. b\ufffd\ufffd\ufffd'
    assert "prefers-color-scheme:dark" in picture


@pytest.mark.parametrize("shade", ["light", "dark"])
def test_a_and_b_have_the_colours_of_the_app(shade: str) -> None:
    theme = tomllib.loads((ROOT / "themes" / f"streamscope-{shade}.toml").read_text("utf-8"))
    picture = readable_plot(CURVES)
    light, dark = picture.split("prefers-color-scheme:dark")[:2]
    rules = light if shade == "light" else dark
    for variable, channel in (("a", "channel-a"), ("b", "channel-b"), ("r", "reader")):
        colour = theme["variables"][channel]
        assert re.search(rf"--{variable}:(#\w+)", rules)[1] == colour  # type: ignore[index] # a miss fails
        paper = re.search(r"--paper:(#\w+)", rules)[1]  # type: ignore[index] # a miss fails
        assert contrast(colour, paper) >= 4.5


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours as WCAG 2 has it, 1 to 21."""

    def luminance(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    dark, light = sorted(map(luminance, (one, other)))
    return (light + 0.05) / (dark + 0.05)


@given(st.floats(0, 1e9), st.floats(0, 1e9))
@example(0.0, 5e-324)
def test_ticks_are_few_and_within_the_scale(one: float, other: float) -> None:
    scale = Scale(min(one, other), max(one, other), 0, 100)
    ticks = scale.ticks()
    assert len(ticks) <= 12
    slack = 1e-6 * max(1.0, abs(scale.most))
    assert all(scale.least - slack <= tick <= scale.most + slack for tick in ticks)
    assert all(0 <= scale(tick) <= 100 for tick in ticks)
