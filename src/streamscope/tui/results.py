"""What came of runs, in words: exact figures, what a pair shows, medians over repeats."""

from collections.abc import Iterator, Mapping, Sequence

from textual.content import Content

from streamscope.measure.bands import first_text_band
from streamscope.measure.conventions import Bands
from streamscope.measure.figures import BY_NAME, Figures
from streamscope.measure.notes import pair_notes, run_notes
from streamscope.measure.verdict import Judgement
from streamscope.report import words
from streamscope.report.verdict_words import (
    FEW_NEAR,
    verdict_sentence,
)
from streamscope.sides import Question, Side, Sides
from streamscope.trace import ChannelName, Mode
from streamscope.tui.ended import EndedRun
from streamscope.tui.faces import bad, figure_line, muted, plain
from streamscope.tui.instrument_page import shown_shortly, shown_words


def final_figures(figures: Figures, mode: Mode) -> Content:
    """Return the exact figures of a run: the rate is that of the tokens that stand beside it."""
    rate_name, counted_name = next(
        (names for names in _PANE_RATES if figures[names[0]] is not None),
        ("chunks_per_s", "output_tokens"),
    )
    rate = _value(figures, rate_name)
    if rate == words.NONE:
        rate = f"{words.NONE} tok/s"
    tokens = _value(figures, counted_name)
    chunks = _value(figures, "chunks")
    counted = f"{chunks} ch" if tokens == words.NONE != chunks else f"{tokens} tok"
    whole = " e2e" if rate_name.startswith("e2e") and rate != words.NONE else ""
    return figure_line(_value(figures, "ttfv_s"), rate + whole, counted, mode=mode)


_PANE_RATES = (("visible_tok_per_s", "visible_tokens"), ("e2e_tok_per_s", "output_tokens"))
"""Rates of a run, the most telling first, each with the tokens that it counts."""


def band_words(figures: Figures, bands: Bands, room: int) -> Content:
    """Return what practitioners call this wait for the first text, in at most ``room`` cells."""
    band = first_text_band(figures["ttfv_s"], bands)
    if band is None:
        return Content()
    text = f"{band.mark} {band.word}"  # the mark alone would say nothing
    return muted(text) if len(text) <= room else Content()


def end_remarks(ended: EndedRun, room: int, *, pooled: bool = False) -> Content:
    """Return what must be known of a run at a glance, the gravest first, as far as it fits.

    Args:
        ended: The run.
        room: Cells that there are for it.
        pooled: Whether runs on a busy machine count like others.
    """
    remarks = list(_at_a_glance(ended, pooled=pooled))
    chosen: dict[int, str] = {}
    # As many as fit in their fewest words; what room is left goes to the gravest first.
    for shortest in (True, False):
        for at, (wordings, _) in enumerate(remarks):
            left = room - sum(len(_JOINT) + len(each) for each in chosen.values())
            left += len(_JOINT) + len(chosen[at]) if at in chosen else 0
            for words_ in wordings[-1:] if shortest else wordings:
                if len(_JOINT) + len(words_) <= left:
                    chosen[at] = words_
                    break
    told = Content()
    for at, (_, style) in enumerate(remarks):
        if at in chosen:
            told = Content.assemble(told, muted(_JOINT), (chosen[at], style))
    return told


_JOINT = " · "


def _at_a_glance(ended: EndedRun, *, pooled: bool) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield what is to be said, each in words that become fewer, and how it looks."""
    figures, trace = ended.figures, ended.run.trace
    if trace.busy and trace.ok:  # what was cut short is in no median anyway
        out = "" if pooled else ": not in the medians"
        yield (f"! busy machine{out}", "! busy machine", "! busy"), "$warn"
    hidden, output = figures["hidden_tokens"], figures["output_tokens"]
    if trace.mode == "stream" and hidden and output:
        mark = "≈ " if "hidden_tokens" in figures.estimated else ""
        of = f"{mark}{hidden:.0f} of {output:.0f} tokens"
        yield (
            (
                f"{of} were thinking you never saw",
                f"{of} thought unseen",
                f"{mark}{hidden:.0f} tok unseen",
            ),
            "$warn",
        )
    tax, first = figures["thinking_tax_s"], figures["t_any_s"]
    if tax:
        thought = words.seconds(tax)
        yield (
            (f"any text at {words.seconds(first)}, thought {thought}", f"thought {thought} first"),
            "$text-muted",
        )
    if trace.shown is not None:
        yield (
            (shown_words(trace.shown), shown_shortly(trace.shown)),
            "$text-muted",
        )


def _value(figures: Figures, name: str) -> str:
    return words.figure_words(BY_NAME[name], figures[name], estimated=name in figures.estimated)


# ---------------------------------------------------------------------------- what came of it

_QUEUED = "A race, in which one may have waited for the other: "


def verdict(
    last: Mapping[ChannelName, EndedRun],
    judgement: Judgement | None,
    *,
    contended: bool,
    cautions: Sequence[str] = (),
) -> Content:
    """Return what all pairs support, or what the last one shows, and remarks on that one.

    Args:
        last: The runs, by side.
        judgement: What all pairs of this request support, if there are any.
        contended: Whether two live requests disturb each other on this server.
        cautions: What speaks against believing the comparison that was just made.
    """
    lines: list[Content] = []
    race = any(ended.run.layout == "race" for ended in last.values())
    sentence = ""
    if judgement is not None and judgement.n:
        sentence = verdict_sentence(judgement)
    elif {"A", "B"} <= last.keys():
        sentence = _of_one_pair(last["A"], last["B"])
    if sentence:
        if contended and race:
            sentence = f"{_QUEUED}{sentence}"
        lines.append(Content.styled(sentence, "bold $verdict"))
    remarks = [note for ended in last.values() for note in run_notes(ended.run)]
    if {"A", "B"} <= last.keys():
        remarks += pair_notes(last["A"].run, last["B"].run)
    for ended in last.values():
        fault = ended.run.trace.fault
        if fault is not None:
            lines.append(bad(f"{ended.run.channel}: {fault.sentence}"))
    known = dict.fromkeys(
        note.sentence for note in remarks if note.code not in ("simulated", "demo-model")
    )
    lines += [plain(f"! {sentence}", "$warn") for sentence in cautions]
    lines += [plain(f"· {sentence}", "$text-muted") for sentence in known]
    return Content("\n").join(lines)


def so_far(judgement: Judgement, *, queued: bool) -> Content:
    """Return what the pairs that are measured show while more of them come.

    Args:
        judgement: What they show.
        queued: Whether one of two live requests may have waited for the other.
    """
    sentence = verdict_sentence(judgement)
    return Content.styled(f"So far: {_QUEUED if queued else ''}{sentence}", "$verdict")


def _of_one_pair(a: EndedRun, b: EndedRun) -> str:
    """Say what one pair shows: both numbers, and no claim, as it can't tell much from noise."""
    first = (a.figures["ttfv_s"], b.figures["ttfv_s"])
    total = (a.figures["total_s"], b.figures["total_s"])
    if not first[0] or not first[1] or a.run.trace.fault or b.run.trace.fault:
        return ""
    whose = "First text" if _question(a, b) == "delivery" else "A's first text"
    line = f"{whose} {words.sooner(first[0], first[1], near=FEW_NEAR)}"
    if total[0] and total[1]:
        line += f"; total {words.seconds(total[0])} and {words.seconds(total[1])}"
    return f"{line}."


def _question(a: EndedRun, b: EndedRun) -> Question:
    return Sides(a=Side.of(a.run), b=Side.of(b.run)).question
