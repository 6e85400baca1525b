"""What a report says of each comparison, before it is Markdown or HTML."""

from collections import Counter
from collections.abc import Callable, Sequence

import msgspec

from streamscope.measure.conventions import Conventions
from streamscope.measure.figures import measure
from streamscope.report.accounts import Account, accounts
from streamscope.report.channels import pair_name
from streamscope.report.command import command_line
from streamscope.report.comparison import Comparison, is_import
from streamscope.report.conditions import settings_words, target_words
from streamscope.report.decision import (
    break_even_words,
    convention_words,
    decision_words,
    reason_words,
)
from streamscope.report.failures import failures
from streamscope.report.judging import judge_comparison
from streamscope.report.reader_words import cost_words, reader_words
from streamscope.report.summary import Summary, left_out, shared_notes, summarise
from streamscope.report.table import holds_for
from streamscope.report.validity import assess
from streamscope.report.verdict_words import findings_words, verdict_sentence
from streamscope.report.words import plain
from streamscope.sides import MODE_WORDS, Sides
from streamscope.trace import Run

LONGEST_TITLE = 60

_TIMES = (
    "Times count from the moment at which the last byte of the request was handed to the operating"
    " system, on the monotonic clock. First text is the first visible piece of the answer, thinking"
    " excluded; in blocking mode it is the whole body."
)
_IMPORTED = (
    "Imported summaries are taken as they are: when their times began, and what they call the first"
    " token, only the script knows that wrote them."
)
_CELLS = (
    "Cells are medians; brackets hold their distribution-free intervals, of which the true coverage"
    " is named. Ratios are Hodges-Lehmann estimates of the ratio within pairs, with the interval of"
    " the signed-rank test."
)
_KINDS = (
    "“Different” means that the 95 % interval of the ratio excludes 1; “equivalent” that its 90 %"
    " interval lies within the margin (two one-sided tests); else it is inconclusive, which is no"
    " statement of equality."
)
_GAPS = "Gaps are between chunks as they arrived; a chunk may hold several tokens."


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """One comparison in words. Model text is in none of it; texts of users and servers are plain.

    Attributes:
        title: A name, made of the prompt.
        prompt: The whole prompt, as it was.
        comparison: What was done.
        summary: Its medians.
        pooled: The runs that the medians are made of.
        verdict: One sentence.
        cautions: What speaks against believing it, to be said right below it.
        findings: What the verdict rests on.
        decision: What the verdict leaves unsaid about what to do.
        reason: Of that, why; empty where the verdict says so.
        break_even: From what length on streaming pays: a clause; empty where that is not known.
        convention: What that length rests on: a clause.
        reader: What it means to one who reads.
        costs: What time-outs would have done, and what stopping early would have saved.
        conditions: How it was measured.
        validity: What speaks for and against believing it, the cautions among it.
        failures: Runs that failed.
        accounts: Where the time of a typical run of each channel went.
        command: How to measure it again; empty where that can't be said.
        who: The channels, where more than their delivery differs and the report's title does not
            name them; else empty.
    """

    title: str
    prompt: str
    comparison: Comparison
    summary: Summary
    pooled: list[Run]
    verdict: str
    cautions: list[str]
    findings: list[str]
    decision: list[str]
    reason: str
    break_even: str
    convention: str
    reader: list[str]
    costs: list[str]
    conditions: list[str]
    validity: list[str]
    failures: list[str]
    accounts: list[Account]
    command: str
    who: str = ""

    def lists(self, *, alone: bool) -> list[tuple[str, list[str]]]:
        """Return all that is said in lists, each under its heading, without empty ones.

        Args:
            alone: Whether the report has no other section; else the lengths from which on
                streaming pays stand side by side at its beginning, and not here.
        """
        reason = [self.reason] if self.reason else []
        named = [
            ("Findings", self.findings),
            ("Decision", self.decision if alone else reason),
            ("For the reader", self.reader),
            (self._costs_of, self.costs),
            ("How far to believe it", self.validity),
            ("Failures", self.failures),
            ("Conditions", self.conditions),
        ]
        return [(heading, lines) for heading, lines in named if lines]

    @property
    def sides(self) -> Sides | None:
        """Both channels; ``None`` where only one is known."""
        return self.comparison.sides

    @property
    def _costs_of(self) -> str:
        """What stands above the costs, which are not those of blocking where nothing blocks."""
        sides = self.sides
        if sides is not None and "blocking" not in (sides.a.mode, sides.b.mode):
            return "Time-outs"
        return "What blocking costs beside the wait"

    @property
    def line(self) -> str:
        """What this comparison shows, and from what length on streaming pays: one line of many."""
        who = f"{self.who}: " if self.who else ""
        pays = f" {self.break_even[:1].upper()}{self.break_even[1:]}." if self.break_even else ""
        return f"{who}{self.verdict}{pays}"


def conventions_words(made: Sequence[Section]) -> str:
    """Say what the lengths in the lines of several comparisons rest on; nothing without any."""
    clause = next((each.convention for each in made if each.break_even), "")
    return clause and f"By convention, streaming pays {clause}."


def method_words(made: Sequence[Section]) -> list[str]:
    """Say how all numbers of a report were made, a paragraph each."""
    summaries = {is_import(section.comparison) for section in made}
    said = [] if summaries == {True} else [_TIMES]
    said += [_IMPORTED] if True in summaries else []
    return [*said, _CELLS, _KINDS, *([] if summaries == {True} else [_GAPS])]


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
    return _named(made)


def _named(made: Sequence[Section]) -> list[Section]:
    """Name the channels of each comparison where one report is about several pairs of them."""
    names = [
        pair_name(each.sides) if each.sides and each.sides.question != "delivery" else ""
        for each in made
    ]
    if len(set(names)) == 1:
        return list(made)
    return [msgspec.structs.replace(each, who=who) for each, who in zip(made, names, strict=True)]


def _section(comparison: Comparison, title: str, conventions: Conventions) -> Section:
    measured = [measure(run.trace) for run in comparison.runs]
    summary = summarise(comparison, measured)
    judgement = judge_comparison(comparison, measured, conventions)
    both = len(comparison.channels()) == 2
    verdict = verdict_sentence(judgement) if both else _one_alone(comparison)
    advice = judgement.advice if both else None
    thresholds = conventions.thresholds
    validity = assess(comparison, summary, measured, judgement, conventions)
    reasons = left_out(comparison)
    pooled = [run for run, why in zip(comparison.runs, reasons, strict=True) if why is None]
    return Section(
        title=title,
        prompt=comparison.runs[0].request.prompt,
        comparison=comparison,
        summary=summary,
        pooled=pooled,
        verdict=verdict,
        cautions=validity.cautions,
        findings=findings_words(judgement) if both else [],
        decision=decision_words(advice, verdict, thresholds),
        reason=reason_words(advice, verdict) if advice else "",
        break_even=break_even_words(advice) if advice else "",
        convention=convention_words(thresholds),
        reader=reader_words(pooled, conventions, comparison.sides),
        costs=cost_words(pooled, conventions.costs, comparison.sides),
        conditions=_conditions(comparison),
        validity=validity.words + _notes(comparison),
        failures=failures(comparison),
        accounts=[] if is_import(comparison) else accounts(comparison),
        command=command_line(comparison),
    )


def _one_alone(comparison: Comparison) -> str:
    what = "modes" if comparison.question == "delivery" else "channels"
    return f"Can't tell: only one of the two {what} was measured."


def _title(prompt: str) -> str:
    words = plain(prompt) or "(no prompt)"
    return words if len(words) <= LONGEST_TITLE else words[: LONGEST_TITLE - 1].rstrip() + "…"


def _conditions(comparison: Comparison) -> list[str]:
    firsts = {name: comparison.of(name)[0] for name in comparison.channels()}
    targets = {name: target_words(run.target) for name, run in firsts.items()}
    if comparison.question != "delivery":
        said = [
            f"{name}: {words} · {MODE_WORDS[firsts[name].trace.mode]}."
            for name, words in targets.items()
        ]
    elif len(set(targets.values())) == 1:
        said = [f"Server: {next(iter(targets.values()))}."]
    else:
        said = [f"{name}: {words}." for name, words in targets.items()]
    said += _shared(comparison, "Server version {}.", lambda run: plain(run.server_version))
    said += _shared(comparison, "Answered by streamscope's own {} engine.", lambda run: run.engine)
    started = [run.trace.started_utc for run in comparison.runs if run.trace.started_utc]
    if started:
        said.append(f"Measured {plain(min(started))} to {plain(max(started))}.")
    return [*said, f"Request: {settings_words(comparison)}."]


def _shared(comparison: Comparison, words: str, value: Callable[[Run], str]) -> list[str]:
    """Say a property of runs; of which channel it is, where it is not that of both."""
    found = {
        name: {value(run) for run in comparison.of(name)} - {""} for name in comparison.channels()
    }
    alike = comparison.question == "delivery" or len(set(map(frozenset, found.values()))) == 1
    if alike:
        return [words.format(each) for each in sorted(set().union(*found.values()))]
    return [
        f"{name}: {words.format(each)[:1].lower()}{words.format(each)[1:]}"
        for name, values in found.items()
        for each in sorted(values)
    ]


def _notes(comparison: Comparison) -> list[str]:
    where: dict[str, list[str]] = {}
    for note in shared_notes(comparison):
        where.setdefault(plain(note.sentence), []).append(holds_for(note))
    return [f"{sentence} ({', '.join(names)})" for sentence, names in where.items()]
