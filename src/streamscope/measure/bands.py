"""What practitioners call a fast answer and an even stream, in a word and a mark.

The limits are conventions and settings: no primary study was found for them.
"""

import math
from typing import Literal, TypeAlias

import msgspec

from streamscope.measure.conventions import Bands

BandName: TypeAlias = Literal["instant", "ok", "sluggish", "dense", "even", "sparse"]


class Band(msgspec.Struct, frozen=True):
    """Where a figure lies.

    Attributes:
        name: Short name, stable, for files and styles.
        word: The word for people.
        mark: One narrow glyph that differs from all others, so that colour never has to.
    """

    name: BandName
    word: str
    mark: str


INSTANT = Band("instant", "instant", "✓")
OK = Band("ok", "noticeable", "◦")
SLUGGISH = Band("sluggish", "sluggish", "!")
DENSE = Band("dense", "dense", "⣿")
EVEN = Band("even", "even", "⠭")
SPARSE = Band("sparse", "sparse", "⠂")


def first_text_band(ttfv_s: float | None, bands: Bands) -> Band | None:
    """Tell how long a wait for the first text (s) is; ``None`` where there is no wait."""
    if ttfv_s is None or math.isnan(ttfv_s):
        return None
    if ttfv_s < bands.instant_s:
        return INSTANT
    return SLUGGISH if ttfv_s > bands.sluggish_s else OK


def gap_band(gap_p50_ms: float | None, bands: Bands) -> Band | None:
    """Tell how close the pieces of a stream follow (median gap, ms); ``None`` without gaps."""
    if gap_p50_ms is None or math.isnan(gap_p50_ms):
        return None
    if gap_p50_ms < bands.even_low_ms:
        return DENSE
    return SPARSE if gap_p50_ms > bands.even_high_ms else EVEN


def broken_by(stalls: float | None) -> str:
    """Say that stalls break a rhythm, which its median does not show; empty if none do."""
    if stalls is None or not stalls >= 1:
        return ""
    return f", but for {stalls:.0f} stall{'s' if round(stalls) != 1 else ''}"
