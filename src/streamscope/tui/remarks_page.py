"""What must be known of a pair before its figures are believed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from textual.content import Content

from streamscope.measure.bands import Band, broken_by, first_text_band, gap_band
from streamscope.measure.notes import pair_notes, run_notes
from streamscope.report import words
from streamscope.tui.evidence import SIDES, headings
from streamscope.tui.faces import bad, muted, plain

if TYPE_CHECKING:
    from streamscope.measure.conventions import Bands
    from streamscope.trace import ChannelName
    from streamscope.tui.ended import EndedRun
    from streamscope.tui.evidence import Pair

_COLOURS: Final[Mapping[ChannelName, str]] = {"A": "$channel-a", "B": "$channel-b"}


def remarks_page(pair: Pair, bands: Bands, validity: Sequence[str] = ()) -> Content:
    """Say all that must be known before the figures are believed.

    Args:
        pair: The pair.
        bands: What is called instant, sluggish and even.
        validity: What speaks for and against the comparison that it comes from.
    """
    names = headings(pair)
    blocks = [_about_run(pair[side], names[side], bands) for side in SIDES if side in pair]
    if {"A", "B"} <= pair.keys():
        notes = pair_notes(pair["A"].run, pair["B"].run)
        if notes:
            heading = Content.styled("the pair", "bold")
            blocks.append(_list(heading, [plain(note.sentence) for note in notes]))
    if validity:
        heading = Content.styled("the comparison, without older pairs", "bold")
        blocks.append(_list(heading, [plain(sentence) for sentence in validity]))
    blocks.append(
        muted(
            f"First text is called instant below {bands.instant_s:g} s and sluggish above"
            f" {bands.sluggish_s:g} s, gaps even from {bands.even_low_ms:g} to"
            f" {bands.even_high_ms:g} ms. Those are conventions and settings, no law."
        )
    )
    return Content("\n\n").join(blocks)


def _about_run(ended: EndedRun, called: str, bands: Bands) -> Content:
    run, figures = ended.run, ended.figures
    lines = []
    if run.trace.fault is not None:
        lines.append(bad(run.trace.fault.sentence))
    first = first_text_band(figures["ttfv_s"], bands)
    if first is not None:
        lines.append(_band("first text", words.seconds(figures["ttfv_s"]), first))
    gaps = gap_band(figures["gap_p50_ms"], bands)
    if gaps is not None:
        said = _band("gaps", words.milliseconds(figures["gap_p50_ms"]), gaps)
        lines.append(Content.assemble(said, broken_by(figures["stalls"])))
    lines += [plain(note.sentence) for note in run_notes(run)]
    return _list(
        Content.styled(called, f"bold {_COLOURS[run.channel]}"),
        lines or [muted("nothing to remark")],
    )


def _band(what: str, value: str, band: Band) -> Content:
    return Content.assemble(f"{what} {value}: {band.mark} ", (band.word, "bold"))


def _list(heading: Content, lines: Sequence[Content]) -> Content:
    return Content("\n").join([heading, *(Content.assemble("• ", line) for line in lines)])
