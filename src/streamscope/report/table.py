"""A comparison as a table for a terminal, or for a plain text file: 80 columns suffice."""

import io
from collections.abc import Sequence

from rich import box
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from streamscope.measure.conventions import Conventions
from streamscope.measure.figures import BY_NAME, Figure, Unit, measure
from streamscope.measure.findings import Finding
from streamscope.measure.timing import TOKENS_A_CHUNK
from streamscope.measure.verdict import Judgement
from streamscope.report.channels import head
from streamscope.report.comparison import Comparison
from streamscope.report.conditions import settings_words, target_words
from streamscope.report.decision import remarks
from streamscope.report.failures import failures
from streamscope.report.finding_words import beside_tested, finding_cell
from streamscope.report.judging import judge_comparison
from streamscope.report.summary import (
    Counts,
    Ratio,
    SharedNote,
    Spread,
    Summary,
    shared_notes,
    summarise,
)
from streamscope.report.validity import cautions_of, how_words, left_out_words
from streamscope.report.verdict_words import tested, untested_mark, verdict_sentence
from streamscope.report.words import (
    NONE,
    figure_words,
    percent,
    plain,
    range_words,
)
from streamscope.sides import Question

_USUAL = Conventions()

_OF_TOKENS: frozenset[Unit] = frozenset({"tok/s", "tokens", "chunks/s", "chunks"})
"""Units that two models do not share."""

_LONGEST_HEAD = 40
"""Characters of a column's head, at most: of what takes up to three lines of a terminal."""


def comparison_table(comparison: Comparison, conventions: Conventions = _USUAL) -> RenderableType:
    """Return the comparison for people: verdict, cautions, conditions, medians, notes, failures.

    Nothing in it is interpreted as markup, and no control character of a server's reaches it.
    """
    measured = [measure(run.trace) for run in comparison.runs]
    summary = summarise(comparison, measured)
    judgement, verdict = None, ""
    parts: list[RenderableType] = []
    if len(comparison.channels()) == 2:
        judgement = judge_comparison(comparison, measured, conventions)
        verdict = verdict_sentence(judgement)
        parts.append(Text(verdict, "bold"))
    parts += [
        Text(f"! {said}", "yellow") for said in cautions_of(comparison, conventions, measured)
    ]
    parts += [Text()] if parts else []
    parts += [_conditions(comparison, summary), Text()]
    rows = _rows(summary, comparison.question)
    parts += [_figures(comparison, summary, judgement, rows), Text()]
    parts.append(_legend(summary, judgement, rows))
    if judgement and judgement.n:
        said_too = remarks(judgement, verdict, conventions.thresholds)
        parts += [Text(f"· {said}") for said in said_too]
    parts += _notes(shared_notes(comparison))
    parts += [Text(f"✗ {said}", "red") for said in failures(comparison)]
    return Group(*parts)


def as_text(renderable: RenderableType, width: int = 80) -> str:
    """Render without colour, for a file or a pipe."""
    console = Console(file=io.StringIO(), width=width, color_system=None, highlight=False)
    with console.capture() as capture:
        console.print(renderable)
    return "\n".join(line.rstrip() for line in capture.get().splitlines()) + "\n"


def _conditions(comparison: Comparison, summary: Summary) -> Text:
    lines = []
    targets = {name: target_words(comparison.of(name)[0].target) for name in comparison.channels()}
    if len(set(targets.values())) == 1:
        lines.append(next(iter(targets.values())))
    else:
        lines += [f"{name}: {words}" for name, words in targets.items()]
    if comparison.runs:
        lines.append(settings_words(comparison))
        lines.append(how_words(comparison))
    counted = [
        f"{name} n={counts.pooled}{_left_out(counts)}" for name, counts in summary.counts.items()
    ]
    lines.append(" · ".join(counted) or "nothing was run")
    return Text("\n".join(lines), "dim")


def _left_out(counts: Counts) -> str:
    words = left_out_words(counts)
    return f" ({words} left out)" if words else ""


def _figures(
    comparison: Comparison, summary: Summary, judgement: Judgement | None, rows: Sequence[Figure]
) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold")
    table.add_column("")
    channels, sides = comparison.channels(), comparison.sides
    for channel in channels:
        mode = comparison.of(channel)[0].trace.mode
        table.add_column(Text(head(sides, channel, mode, _LONGEST_HEAD)), justify="left")
    if len(channels) == 2:
        table.add_column("A vs B")
    for figure in rows:
        found = [summary.spread(channel, figure.name) for channel in channels]
        cells = [
            _cell(figure, spread, summary.counts[channel].pooled)
            for channel, spread in zip(channels, found, strict=True)
        ]
        if judgement is not None:
            n = min(counts.pooled for counts in summary.counts.values())
            cells.append(Text(_versus(figure, summary.ratios.get(figure.name), judgement, n)))
        # Figures have one name in all reports; only those of gaps are too long for a terminal.
        name = figure.short if figure.unit == "ms" else figure.label
        table.add_row(Text(name), *cells)
    return table


def _versus(figure: Figure, ratio: Ratio | None, judgement: Judgement, n: int) -> str:
    """Say how A stands to B: what was found where it was tested, else the ratio in words."""
    if judgement.question == "models" and figure.unit in _OF_TOKENS:
        return NONE  # the tokens of two models are no common unit
    if ratio is None:
        return NONE
    finding = _finding(figure, judgement)
    if finding is not None and (finding.kind != "unknown" or judgement.n > 1):
        return finding_cell(finding, judgement)
    return beside_tested(untested_mark(figure, ratio.estimate, 1.0, n), judgement)


def _finding(figure: Figure, judgement: Judgement) -> Finding | None:
    tested = {finding.name: finding for finding in (judgement.first, judgement.rate)}
    tested["total_s"] = judgement.total  # judged up to the end mark where both sides have one
    return tested.get(figure.name)


def _rows(summary: Summary, question: Question) -> list[Figure]:
    """Choose the rows that this comparison has something to say in."""

    def any_has(name: str) -> bool:
        return any(name in figures for figures in summary.figures.values())

    def all_have(name: str) -> bool:
        return all(name in figures for figures in summary.figures.values())

    def any_above_zero(name: str) -> bool:
        return any(name in each and each[name].median > 0 for each in summary.figures.values())

    names = ["ttfv_s"]
    if any(
        "t_any_s" in figures and figures["t_any_s"] != figures.get("ttfv_s")
        for figures in summary.figures.values()
    ):
        names.append("t_any_s")
    names.append("total_s")
    if question == "models" and any_has("e2e_char_per_s"):
        names.append("e2e_char_per_s")
    names += [name for name in ("server_tok_per_s", "visible_tok_per_s") if any_has(name)]
    if not all_have("server_tok_per_s") and any_has("e2e_tok_per_s"):
        names.append("e2e_tok_per_s")
    if not any_has("visible_tok_per_s") and any_has("chunks_per_s"):
        names.append("chunks_per_s")
    if any_has("output_tokens"):
        names.append("output_tokens")
    if _several_a_chunk(summary):
        names.append("chunks")
    if any_above_zero("hidden_tokens"):
        names.append("hidden_tokens")
    names += [name for name in ("gap_p50_ms", "gap_p95_ms", "gap_max_ms") if any_has(name)]
    if any_above_zero("stalls"):
        names += ["stalls", "stall_s"]
    return [BY_NAME[name] for name in names]


def _several_a_chunk(summary: Summary) -> bool:
    """Tell whether chunks of a stream are no tokens, so that their number matters."""
    for channel in summary.figures:
        chunks, tokens = (summary.spread(channel, name) for name in ("chunks", "visible_tokens"))
        if chunks and tokens and tokens.median >= TOKENS_A_CHUNK * chunks.median > 0:
            return True
    return False


def _cell(figure: Figure, spread: Spread | None, pooled: int) -> Text:
    if spread is None:
        return Text(NONE)
    cell = Text(figure_words(figure, spread.median, estimated=spread.estimated))
    if spread.low is not None and spread.high is not None:
        cell.append(f" ({range_words(figure, spread.low, spread.high)})", "dim")
    if spread.n != pooled:
        cell.append(f" n={spread.n}", "dim")
    return cell


def _findings(judgement: Judgement) -> tuple[Finding, Finding, Finding]:
    return judgement.first, judgement.total, judgement.rate


def _legend(summary: Summary, judgement: Judgement | None, rows: Sequence[Figure]) -> Text:
    """Say what the numbers in the cells are, and how much the brackets can be believed."""
    said = ["Medians"]
    for channel, figures in summary.figures.items():
        n = summary.counts[channel].pooled
        covered = {s.coverage for s in figures.values() if s.n == n and s.coverage is not None}
        if covered:
            said.append(f"{channel} n={n}: {percent(covered.pop())} interval in brackets")
        else:
            said.append(f"{channel} n={n}: no interval")
    legend = "; ".join(said) + "."
    if judgement is not None and any(map(tested, _findings(judgement))):
        legend += (
            " A vs B is the typical ratio within the pairs; what stands in brackets there was not"
            " tested."
        )
    elif judgement is not None:
        legend += " A vs B: too few pairs of good runs to test anything."
    shown = [
        spread
        for figure in rows
        for channel in summary.figures
        if (spread := summary.spread(channel, figure.name)) is not None
    ]
    if any(spread.estimated for spread in shown):
        legend += " ~ marks estimates."
    return Text(legend, "dim")


def _notes(notes: list[SharedNote]) -> list[Text]:
    """Say each sentence once, with the channels that it holds for."""
    where: dict[str, list[str]] = {}
    for note in notes:
        where.setdefault(note.sentence, []).append(holds_for(note))
    return [Text(f"· {plain(said)} ({', '.join(names)})") for said, names in where.items()]


def holds_for(note: SharedNote) -> str:
    """Name the runs or pairs that a remark is about."""
    if note.channel is None:
        return f"{note.count} of {note.of} pairs"
    some = "" if note.count == note.of else f" {note.count} of {note.of} runs"
    return f"{note.channel}{some}"
