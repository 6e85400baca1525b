"""Bands follow the settings, and nobody needs colour to tell them apart."""

import math
import unicodedata

import pytest

from streamscope.measure import bands
from streamscope.measure.bands import Band, broken_by, first_text_band, gap_band
from streamscope.measure.conventions import Bands

ALL = (bands.INSTANT, bands.OK, bands.SLUGGISH, bands.DENSE, bands.EVEN, bands.SPARSE)


@pytest.mark.parametrize(
    ("ttfv_s", "band"),
    [
        (0.0, bands.INSTANT),
        (0.499, bands.INSTANT),
        (0.5, bands.OK),
        (2.0, bands.OK),
        (2.001, bands.SLUGGISH),
        (None, None),
        (math.nan, None),
    ],
)
def test_first_text(ttfv_s: float | None, band: Band | None) -> None:
    assert first_text_band(ttfv_s, Bands()) == band


@pytest.mark.parametrize(
    ("gap_ms", "band"),
    [
        (19.9, bands.DENSE),
        (20.0, bands.EVEN),
        (50.0, bands.EVEN),
        (50.1, bands.SPARSE),
        (None, None),
        (math.nan, None),
    ],
)
def test_gaps(gap_ms: float | None, band: Band | None) -> None:
    assert gap_band(gap_ms, Bands()) == band


def test_the_limits_are_settings() -> None:
    patient = Bands(instant_s=3, sluggish_s=9, even_low_ms=1, even_high_ms=500)
    assert first_text_band(2.5, patient) == bands.INSTANT
    assert gap_band(400, patient) == bands.EVEN


def test_each_band_has_a_word_and_a_narrow_mark_of_its_own() -> None:
    assert len({band.mark for band in ALL}) == len({band.word for band in ALL}) == len(ALL)
    for band in ALL:
        assert len(band.mark) == 1
        assert unicodedata.east_asian_width(band.mark) in ("N", "Na"), band


@pytest.mark.parametrize(
    ("stalls", "said"),
    [(None, ""), (0.0, ""), (0.5, ""), (1.0, ", but for 1 stall"), (5.0, ", but for 5 stalls")],
)
def test_stalls_are_told_with_the_rhythm_that_they_break(stalls: float | None, said: str) -> None:
    """The median of the gaps does not know them."""
    assert broken_by(stalls) == said
