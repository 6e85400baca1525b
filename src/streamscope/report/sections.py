"""What a report says of each comparison, before it is Markdown or HTML."""

from collections import Counter
from collections.abc import Sequence

import msgspec

from streamscope.measure.conventions import Conventions
from streamscope.measure.figures import BY_NAME, measure
from streamscope.measure.verdict import Judgement
from streamscope.report.command import command_line
from streamscope.report.comparison import Comparison
from streamscope.report.judging import judge_comparison
from streamscope.report.reader_words import cost_words, reader_words
from streamscope.report.summary import Spread, Summary, left_out, shared_notes, summarise
from streamscope.report.table import failure_words, holds_for, request_words, target_words
from streamscope.report.validity import validity_words
from streamscope.report.verdict_words import advice_words, findings_words, verdict_sentence
from streamscope.report.words import NONE, figure_words, percent, plain, range_words
from streamscope.trace import Run

LONGEST_TITLE = 60

COLUMNS = ("scenario", "mode", "first text", "total", "tok/s", "output tokens", "n")
"""Columns of the table that all comparisons share."""

METHOD = """\
Times count from the moment at which the last byte of the request was handed to the operating
system, on the monotonic clock. First text is the first visible piece of the answer, thinking
excluded; in blocking mode it is the whole body.
Cells are medians; brackets hold their distribution-free intervals, of which the true coverage is
named. Ratios are Hodges-Lehmann estimates of the ratio within pairs, with the interval of the
signed-rank test.
“Different” means that the 95 % interval of the ratio excludes 1; “equivalent” that its 90 %
interval lies within the margin (two one-sided tests); else it is inconclusive, which is no
statement of equality.
Gaps are between chunks as they arrived; a chunk may hold several tokens."""
"""How all numbers of a report were made."""

_RATES = ("server_tok_per_s", "e2e_tok_per_s")


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """One comparison in words. Model text is in none of it; texts of users and servers are plain.

    Attributes:
        title: A name, made of the prompt.
        prompt: The whole prompt, as it was.
        comparison: What was done.
        summary: Its medians.
        pooled: The runs that the medians are made of.
        verdict: One sentence.
        findings: What the verdict rests on.
        decision: What to do, and from what length on.
        rows: Its rows of the table, one a channel.
        coverage: How much the intervals in these rows can be believed.
        reader: What it means to one who reads.
        costs: What blocking costs beside the wait.
        conditions: How it was measured.
        validity: What speaks for and against believing it.
        failures: Runs that failed.
        command: How to measure it again; empty where that can't be said.
    """

    title: str
    prompt: str
    comparison: Comparison
    summary: Summary
    pooled: list[Run]
    verdict: str
    findings: list[str]
    decision: str
    rows: list[list[str]]
    coverage: str
    reader: list[str]
    costs: list[str]
    conditions: list[str]
    validity: list[str]
    failures: list[str]
    command: str

    @property
    def lists(self) -> list[tuple[str, list[str]]]:
        """All that is said in lists, each under its heading, without empty ones."""
        named = [
            ("Findings", self.findings),
            ("Decision", [self.decision] if self.decision else []),
            ("For the reader", self.reader),
            ("What blocking costs beside the wait", self.costs),
            ("How far to believe it", self.validity),
            ("Failures", self.failures),
            ("Conditions", self.conditions),
        ]
        return [(heading, lines) for heading, lines in named if lines]


def sections(comparisons: Sequence[Comparison], conventions: Conventions) -> list[Section]:
    """Put comparisons into words, those without any run left out."""
    titles: Counter[str] = Counter()
    made = []
    for comparison in comparisons:
        if not comparison.runs:
            continue
        title = _title(comparison.runs[0].request.prompt)
        titles[title] += 1
        if titles[title] > 1:
            title += f" ({titles[title]})"
        made.append(_section(comparison, title, conventions))
    return made


def _section(comparison: Comparison, title: str, conventions: Conventions) -> Section:
    measured = [measure(run.trace) for run in comparison.runs]
    summary = summarise(comparison, measured)
    judgement = judge_comparison(comparison, measured, conventions)
    both = len(comparison.channels()) == 2
    reasons = left_out(comparison)
    pooled = [run for run, why in zip(comparison.runs, reasons, strict=True) if why is None]
    return Section(
        title=title,
        prompt=comparison.runs[0].request.prompt,
        comparison=comparison,
        summary=summary,
        pooled=pooled,
        verdict=_verdict(judgement, both),
        findings=findings_words(judgement) if both else [],
        decision=advice_words(judgement.advice) if both else "",
        rows=_rows(comparison, summary, title),
        coverage=_coverage(summary),
        reader=reader_words(pooled, conventions),
        costs=cost_words(pooled, conventions.costs),
        conditions=_conditions(comparison),
        validity=validity_words(comparison, summary, measured, judgement, conventions.thresholds)
        + _notes(comparison),
        failures=[failure_words(run) for run in comparison.runs if not run.trace.ok],
        command=command_line(comparison),
    )


def _verdict(judgement: Judgement, both: bool) -> str:
    if both:
        return verdict_sentence(judgement)
    return "Can't tell: only one of the two modes was measured."


def _title(prompt: str) -> str:
    words = plain(prompt) or "(no prompt)"
    return words if len(words) <= LONGEST_TITLE else words[: LONGEST_TITLE - 1].rstrip() + "…"


def _rows(comparison: Comparison, summary: Summary, title: str) -> list[list[str]]:
    rate = next((name for name in _RATES if any(name in f for f in summary.figures.values())), "")
    names = ("ttfv_s", "total_s", rate or _RATES[0], "output_tokens")
    rows = []
    for channel in comparison.channels():
        mode = comparison.of(channel)[0].trace.mode
        found = [summary.spread(channel, name) for name in names]
        cells = [_cell(name, spread) for name, spread in zip(names, found, strict=True)]
        rows.append([title, mode, *cells, str(summary.counts[channel].pooled)])
    return rows


def _cell(name: str, spread: Spread | None) -> str:
    if spread is None:
        return NONE
    figure = BY_NAME[name]
    words = figure_words(figure, spread.median, estimated=spread.estimated)
    words = words.removesuffix(" tok/s")
    if spread.low is None or spread.high is None or spread.low == spread.high:
        return words
    return f"{words} ({range_words(figure, spread.low, spread.high).removesuffix(' tok/s')})"


def _coverage(summary: Summary) -> str:
    said = []
    for channel, figures in summary.figures.items():
        known = {spread.coverage for spread in figures.values() if spread.coverage is not None}
        words = f"{percent(max(known))} intervals" if known else "no intervals"
        said.append(f"{channel}: n={summary.counts[channel].pooled}, {words}")
    return "; ".join(said)


def _conditions(comparison: Comparison) -> list[str]:
    targets = {name: target_words(comparison.of(name)[0].target) for name in comparison.channels()}
    if len(set(targets.values())) == 1:
        said = [f"Server: {next(iter(targets.values()))}."]
    else:
        said = [f"{name}: {words}." for name, words in targets.items()]
    versions = {run.server_version for run in comparison.runs if run.server_version}
    said += [f"Server version {plain(version)}." for version in sorted(versions)]
    engines = {run.engine for run in comparison.runs if run.engine}
    said += [f"Answered by streamscope's own {engine} engine." for engine in sorted(engines)]
    started = [run.trace.started_utc for run in comparison.runs if run.trace.started_utc]
    if started:
        said.append(f"Measured {plain(min(started))} to {plain(max(started))}.")
    return [*said, f"Request: {request_words(comparison.runs[0])}."]


def _notes(comparison: Comparison) -> list[str]:
    where: dict[str, list[str]] = {}
    for note in shared_notes(comparison):
        where.setdefault(plain(note.sentence), []).append(holds_for(note))
    return [f"{sentence} ({', '.join(names)})" for sentence, names in where.items()]
