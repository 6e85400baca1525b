"""Reports put the verdict first, say how far to believe it, and let no text act."""

import re
from collections.abc import Callable
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import msgspec
import pytest

from streamscope.measure.buffering import buffering
from streamscope.measure.conventions import Conventions, Costs, Thresholds
from streamscope.measure.figures import BY_NAME
from streamscope.plan import Plan
from streamscope.report.comparison import Comparison
from streamscope.report.html import to_html
from streamscope.report.markdown import escape, fenced, to_markdown
from streamscope.report.sections import sections
from streamscope.report.table import as_text, comparison_table
from streamscope.report.verbose import verbose
from streamscope.trace import Chunk, Fault, Request, Run, ServerTimings, Target, Trace

Build = Callable[..., Comparison]
BuildRun = Callable[..., Run]
BuildTrace = Callable[..., Trace]

HOSTILE = "</pre><script>alert(1)</script>\x1b[2J<img src=x onerror=alert(2)>"


class Page(HTMLParser):
    """Gathers the tags, the attributes and the text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.names: set[str] = set()
        self.links: list[str] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.names |= {name for name, _ in attrs}
        self.links += [value or "" for name, value in attrs if name in ("src", "href", "srcset")]
        if tag not in ("meta", "path", "line", "circle", "rect"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.names |= {name for name, _ in attrs}

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture
def hostile_comparison(
    build_run: BuildRun, build_stream: BuildTrace, build_blocking: BuildTrace
) -> Comparison:
    """Return six pairs in which every text that others write tries to break out."""
    target = Target(protocol="plain", url="http://x/?|a|`b`", model=HOSTILE)
    request = Request(prompt=f"{HOSTILE}\n```\n# Heading", system=HOSTILE)
    runs = []
    for pair in range(1, 7):
        for trace, channel in ((build_stream(1, 9), "A"), (build_blocking(9), "B")):
            trace.chunks = [
                Chunk(chunk.t_ns, "answer", HOSTILE, chunk.read) for chunk in trace.chunks
            ]
            fields = {"target": target, "request": request, "server_version": HOSTILE}
            runs.append(build_run(trace, channel, pair, **fields))
    failed = build_stream(1, 9, ended="error")
    failed.fault = Fault(code="server", sentence=HOSTILE)
    runs.append(build_run(failed, "A", 7, target=target, request=request))
    return Comparison(plan=Plan(), runs=runs)


def test_the_verdict_comes_before_everything_else(long_comparison: Comparison) -> None:
    lines = to_markdown([long_comparison]).splitlines()
    assert lines[2].startswith("**It must be streamed: first text")
    page = to_html([long_comparison])
    assert page.index("It must be streamed") < page.index("<table>")


def test_the_table_is_the_articles_with_our_names(long_comparison: Comparison) -> None:
    rows = [line for line in to_markdown([long_comparison]).splitlines() if line[:1] == "|"]
    assert rows[0] == "| scenario | mode | first text | total | server rate | tokens | n |"
    assert rows[2] == (
        "| Explain unified memory. | stream | 0.63 s (0.60–0.71) | 20.6 s (20.6–20.7) "
        "| 6.40 tok/s | 129 | 6 |"
    )
    assert rows[3].startswith("| Explain unified memory. | blocking | 20.1 s (20.1–20.2) |")


def test_reports_tell_where_the_time_went(long_comparison: Comparison) -> None:
    said = to_markdown([long_comparison])
    account = said[said.index("## Where the time went") : said.index("## Prompt")]
    assert account.count("```text\n") == 2
    assert "A stream · pair 3, whose total" in account
    assert "B blocking · pair 3, whose total" in account
    assert "\n- Arrival times are " in account
    page = to_html([long_comparison])
    assert page.count('<pre class="bars">') == 2
    assert "A stream · pair 3, whose total" in page


def test_what_stands_above_is_not_repeated(
    build_comparison: Build, build_stream: BuildTrace, build_blocking: BuildTrace
) -> None:
    bundled = build_stream(1.0, 9.0)
    bundled.chunks = [Chunk(10**9 * (1 + i // 5), "answer", "word ", i // 5) for i in range(40)]
    comparison = build_comparison([bundled], [build_blocking(9.0)])
    said = as_text(comparison_table(comparison)) + as_text(verbose(comparison))
    noted = buffering(bundled)
    assert noted is not None
    assert " ".join(said.split()).count(noted.sentence) == 1


def test_several_comparisons_make_one_table(
    long_comparison: Comparison, build_comparison: Build, build_stream: BuildTrace,
    build_blocking: BuildTrace,
) -> None:  # fmt: skip
    short = build_comparison([build_stream(1, 1.2)] * 6, [build_blocking(1.2)] * 6)
    said = to_markdown([short, long_comparison])
    assert sum(line.startswith("| Explain") for line in said.splitlines()) == 4
    assert said.count("| scenario |") == 1


def test_a_report_of_several_prompts_begins_with_a_line_for_each(
    long_comparison: Comparison, build_comparison: Build, build_stream: BuildTrace,
    build_blocking: BuildTrace,
) -> None:  # fmt: skip
    short = build_comparison([build_stream(1, 1.2)], [build_blocking(1.2)])
    lines = to_markdown([short, long_comparison]).split("\n\n")[1].splitlines()
    assert lines[0].startswith("- **Explain unified memory.**: Either mode will do")
    assert lines[0].endswith(
        "Streaming pays from about 641 tokens of answer on (1.00 s of streaming text), a guess"
        " from one run."
    )
    assert lines[1].startswith("- **Explain unified memory. (2)**: It must be streamed")
    assert lines[1].endswith("Streaming pays from about 8 tokens of answer on (1.00 s of"
                             " streaming text).")  # fmt: skip
    page = to_html([short, long_comparison])
    for words in ("a guess from one run.", "from about 8 tokens of answer on", "1 s and 20 %"):
        assert page.count(words) == 1


def test_a_report_says_a_decision_once(
    long_comparison: Comparison, build_comparison: Build, build_stream: BuildTrace,
    build_blocking: BuildTrace,
) -> None:  # fmt: skip
    short = build_comparison([build_stream(1, 1.2)] * 6, [build_blocking(1.2)] * 6)
    for write in (to_markdown, to_html):
        said = write([short, long_comparison])
        assert said.count("Either mode will do") == said.count("It must be streamed") == 1
        assert said.count("there is text to read") + said.count("The answer took") <= 1


def test_cautions_stand_right_below_the_verdict(
    build_comparison: Build, build_stream: BuildTrace, build_blocking: BuildTrace
) -> None:
    streams = [build_stream(1, 9 + pair) for pair in range(6)]
    comparison = build_comparison(streams, [build_blocking(9)] * 6)
    caution = "Caution: Drift on A: totals 54.8 % longer at the end than at first."
    alone = to_markdown([comparison])
    assert alone.split("\n\n")[2] == f"- {caution}"
    assert alone.count("Drift on A") == 2, "and once more among what speaks for and against"
    assert f"\n  - {caution}\n" in to_markdown([comparison, comparison])
    page = to_html([comparison])
    assert page.index(caution) < page.index("<table>")


def test_a_figure_has_one_name_in_all_reports(long_comparison: Comparison) -> None:
    for run in long_comparison.runs:
        run.trace.server = ServerTimings()
    label = BY_NAME["e2e_tok_per_s"].label
    texts = to_markdown([long_comparison]), to_html([long_comparison])
    for said in (*texts, as_text(comparison_table(long_comparison))):
        assert label in said
        assert BY_NAME["e2e_tok_per_s"].short not in said
        assert "decode rate" not in said.lower()


def test_the_heading_of_a_page_is_larger_than_those_of_its_sections(
    long_comparison: Comparison,
) -> None:
    sizes = dict(re.findall(r"(?m)^(h[123])\{font-size:([\d.]+)rem", to_html([long_comparison])))
    assert float(sizes["h1"]) > float(sizes["h2"]) > float(sizes["h3"])


def test_the_first_plot_says_which_pair_it_shows(
    build_comparison: Build, build_stream: BuildTrace, build_blocking: BuildTrace
) -> None:
    firsts = [1.0, 9.0, 1.2, 0.2]
    comparison = build_comparison(
        [build_stream(first, 9 + first) for first in firsts],
        [build_blocking(9 + first) for first in firsts],
    )
    page = to_html([comparison])
    assert ">What could be read, when: pair 1, the most typical of 4</text>" in page
    assert ">Gaps between chunks, over time (A of pair 1)</text>" in page
    half = to_html([build_comparison([build_stream(1, 9)], [])])
    assert ">What could be read, when: A of pair 1</text>" in half


@pytest.mark.parametrize(
    "words",
    [
        "Measured apart, order ABBA; warm (the prompt may be cached); kernel clock.",
        "A: n=6 pooled; left out: 1 warm-up.",
        "Same answer in 6 of 6 pairs.",
        "on A: totals",
        "At 238 words a minute a reader is through after",
        "A deadline of 30 s would have cut 0 of 6 streamed and 0 of 6 blocking answers",
        "Stopping the stream after 50 words would have saved",
        "On this server streaming pays from about 8 tokens of answer on (1.00 s of streaming",
        "by convention, that is where it gives at least 1 s and 20 % of the whole time",
        "96.9 % intervals",
        "streamscope run 'Explain unified memory.' --url http://127.0.0.1:11434 --protocol",
        "--model gemma4:e2b --repeat 6 --warmup 1 --order abba --regime warm --temperature=0.0",
    ],
)
def test_what_a_report_must_say(long_comparison: Comparison, words: str) -> None:
    assert words in to_markdown([long_comparison])


def test_conventions_reach_the_report(long_comparison: Comparison) -> None:
    conventions = Conventions(
        thresholds=Thresholds(long_s=60),
        costs=Costs(timeout_s=10, price_per_million=50.0, currency="EUR"),
    )
    said = to_markdown([long_comparison], conventions)
    assert "**Stream it: first text" in said
    assert "A deadline of 10 s would have cut 6 of 6 streamed and 6 of 6 blocking" in said
    assert re.search(r"At the deadline \d+ words of the stream could be read", said)
    assert re.search(r"would have saved .*EUR", said)


def test_failed_and_repeated_runs_are_told(
    build_run: BuildRun, build_stream: BuildTrace, build_blocking: BuildTrace
) -> None:
    failed = build_stream(1, 9, ended="error")
    failed.fault = Fault(code="cut", sentence="The connection broke.")
    runs = [build_run(failed, "A", 1), build_run(build_blocking(9), "B", 1)]
    runs.append(build_run(build_stream(1, 9), "A", 1))
    said = to_markdown([Comparison(plan=Plan(), runs=runs)])
    assert "A: n=1 pooled; left out: 1 made once more." in said
    assert "- A, pair 1: The connection broke." in said


def test_nothing_and_half_a_comparison_are_reports_too(
    build_comparison: Build, build_stream: BuildTrace
) -> None:
    empty = Comparison(plan=Plan(), runs=[])
    assert "Nothing was measured." in to_markdown([empty])
    assert "Nothing was measured." in to_html([])
    half = build_comparison([build_stream(1, 9, ended="error")] * 2, [])
    assert "Can't tell: only one of the two modes was measured." in to_markdown([half])
    assert "Can&#x27;t tell" in to_html([half])


def test_imported_summaries_make_a_report_without_a_reader(
    build_comparison: Build, build_stream: BuildTrace, build_blocking: BuildTrace
) -> None:
    comparison = build_comparison([build_stream(1, 9)] * 6, [build_blocking(9)] * 6)
    for run in comparison.runs:
        run.trace.flags = ["imported-summary"]
        run.trace.chunks = [msgspec.structs.replace(c, text="") for c in run.trace.chunks]
    (section,) = sections([comparison], Conventions())
    assert section.reader == section.costs == []
    assert "Imported summaries: order, regime and gaps are not known." in section.validity
    assert section.command == ""
    said = to_markdown([comparison])
    assert "Imported summaries are taken as they are" in said
    for invented in ("ABBA", "warm (", "the operating system", "Drift", "Gaps are"):
        assert invented not in said
    assert "what could be read" not in to_html([comparison]).lower()


def test_a_page_stands_alone(long_comparison: Comparison) -> None:
    text = to_html([long_comparison])
    page = Page(text)
    assert page.links == []
    assert not {"script", "link", "img", "iframe", "object"} & set(page.tags)
    assert page.tags.count("svg") == 4
    assert page.open == []
    assert "default-src 'none'" in text
    assert "@media print" in text
    assert "url(" not in text
    assert "@import" not in text


def test_no_text_acts_in_a_page(hostile_comparison: Comparison) -> None:
    text = to_html([hostile_comparison])
    page = Page(text)
    assert not {"script", "img"} & set(page.tags)
    assert not {name for name in page.names if name.startswith("on")}
    assert page.open == [], "every tag is closed by us, none by a text"
    assert "\x1b" not in text
    assert "&lt;script&gt;" in text


def test_no_text_acts_in_markdown(hostile_comparison: Comparison) -> None:
    said = to_markdown([hostile_comparison])
    outside = re.sub(r"(?ms)^(`{3,})text\n.*?^\1$", "", said)
    assert "\x1b" not in said
    assert not re.search(r"(?<!\\)<", outside)
    assert "\n# Heading" not in outside
    rows = [line for line in outside.splitlines() if line.startswith("|")]
    assert len({len(re.findall(r"(?<!\\)\|", row)) for row in rows}) == 1


def test_svg_is_well_formed_whatever_it_shows(hostile_comparison: Comparison) -> None:
    pictures = re.findall(r"<svg.*?</svg>", to_html([hostile_comparison]), re.DOTALL)
    assert len(pictures) == 4
    for picture in pictures:
        assert ET.fromstring(picture).find("{http://www.w3.org/2000/svg}title") is not None


def test_markdown_escapes_and_fences() -> None:
    assert escape("a|b *c* <d> [e](f) `g`\nh") == (
        r"a\|b \*c\* \<d\> \[e\](f) \`g\` h"
    )  # fmt: skip
    assert fenced("x\n````\ny").startswith("`````text\n")
