"""A report as one HTML file: nothing to fetch, no scripts, plots inline, prints well."""

import html
from collections.abc import Sequence

from streamscope import __version__
from streamscope.measure.conventions import Conventions
from streamscope.report.accounts import WHERE, Account
from streamscope.report.channels import report_title
from streamscope.report.comparison import Comparison
from streamscope.report.medians import coverage_words, medians_table
from streamscope.report.pictures import pictures
from streamscope.report.sections import Section, conventions_words, method_words, sections
from streamscope.report.svg import escape
from streamscope.report.words import plain_lines

_USUAL = Conventions()

_STYLE = """
:root{color-scheme:light dark;--ink:#1c1c1c;--soft:#59616b;--paper:#fff;--faint:#d9dce0;
--tint:#f3f5f7;--warn:#a65f00}
@media (prefers-color-scheme:dark){:root{--ink:#e4e4e4;--soft:#9aa4af;--paper:#15181c;
--faint:#3a4048;--tint:#1e2329;--warn:#ffa657}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:62rem;padding:2rem 1.5rem;background:var(--paper);color:var(--ink);
font:16px/1.55 system-ui,-apple-system,"Segoe UI",sans-serif}
h1{font-size:1.9rem;line-height:1.25;margin:0 0 .8rem}
h2{font-size:1.45rem;margin:2.5rem 0 .5rem;border-top:1px solid var(--faint);padding-top:1.2rem}
h3{font-size:1.05rem;margin:1.5rem 0 .3rem}
.verdict{font-size:1.3rem;line-height:1.4;font-weight:600;margin:.4rem 0 1rem}
.verdicts>li{margin:.5rem 0}
.cautions{list-style:none;padding:0;margin:.5rem 0 1rem}
.cautions li{border-left:4px solid var(--warn);background:var(--tint);padding:.3rem .8rem;
margin:.3rem 0}
ul{padding-left:1.2rem;margin:.3rem 0}
.wide{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:.9rem;font-variant-numeric:tabular-nums}
th,td{text-align:left;padding:.4rem .45rem;border-bottom:1px solid var(--faint);vertical-align:top}
td:nth-child(n+2){white-space:nowrap}
th{font-weight:600;border-bottom:2px solid var(--soft)}
pre{background:var(--tint);padding:.8rem;border-radius:6px;white-space:pre-wrap;
overflow-wrap:anywhere;font-size:.88rem}
svg.plot{width:100%;height:auto;display:block;margin:.8rem 0}
pre.bars{white-space:pre;overflow-x:auto;line-height:1.35}
.soft,footer{color:var(--soft);font-size:.9rem}
summary{cursor:pointer;margin:.6rem 0}
@media print{:root{--ink:#000;--soft:#444;--paper:#fff;--faint:#bbb;--tint:#f4f4f4;--warn:#a65f00}
body{max-width:none;padding:0;font-size:11pt}h2,h3{break-after:avoid}
svg.plot,tr,li,pre{break-inside:avoid}}
"""


def to_html(comparisons: Sequence[Comparison], conventions: Conventions = _USUAL) -> str:
    """Write one report of all these comparisons as a page that stands alone."""
    made = sections(comparisons, conventions)
    title = escape(report_title([section.sides for section in made]))
    body = [f"<h1>{title}</h1>"]
    if made:
        body += [_verdicts(made), _table(made)]
        body += [_section(section, conventions, alone=len(made) == 1) for section in made]
    else:
        body.append('<p class="verdict">Nothing was measured.</p>')
    body += ["<h2>Method</h2>", *(f"<p>{escape(said)}</p>" for said in method_words(made))]
    body.append(f"<footer>Made by streamscope {escape(__version__)}.</footer>")
    # The policy forbids everything but our own style, should an escape ever be forgotten.
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>{title}</title><style>{_STYLE}</style></head>\n<body>\n"
        + "\n".join(body)
        + "\n</body></html>\n"
    )


def _verdicts(made: Sequence[Section]) -> str:
    """Write the verdict with its cautions below; of several comparisons, an item each."""
    if len(made) == 1:
        return f'<p class="verdict">{escape(made[0].verdict)}</p>{_cautions(made[0])}'
    items = "".join(
        f"<li><strong>{escape(each.title)}</strong>: {escape(each.line)}{_cautions(each)}</li>"
        for each in made
    )
    rests = escape(conventions_words(made))
    return f'<ul class="verdicts">{items}</ul>' + (f'<p class="soft">{rests}</p>' if rests else "")


def _cautions(section: Section) -> str:
    items = "".join(f"<li>Caution: {escape(said)}</li>" for said in section.cautions)
    return f'<ul class="cautions">{items}</ul>' if items else ""


def _table(made: Sequence[Section]) -> str:
    names, cells = medians_table(made)
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in names)
    rows = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in cells
    )
    return (
        f'<div class="wide"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
        f'<p class="soft">{escape(coverage_words(made))}</p>'
    )


def _section(section: Section, conventions: Conventions, *, alone: bool) -> str:
    parts = [f"<section><h2>{escape(section.title)}</h2>", *pictures(section, conventions)]
    for heading, lines in section.lists(alone=alone):
        items = "".join(f"<li>{escape(line)}</li>" for line in lines)
        parts.append(f"<h3>{heading}</h3><ul>{items}</ul>")
    if section.accounts:
        parts.append(f"<h3>{WHERE}</h3>")
        parts += [_account(each) for each in section.accounts]
    parts.append(f"<h3>Prompt</h3>{_pre(section.prompt)}")
    parts += [_answer(section)]
    if section.command:
        parts.append(f"<h3>How to repeat</h3>{_pre(section.command)}")
    return "".join([*parts, "</section>"])


def _account(account: Account) -> str:
    bars = html.escape("\n".join(account.bars()))
    items = "".join(f"<li>{escape(said)}</li>" for said in account.said)
    drawn = f'<pre class="bars">{bars}</pre>' if bars else ""
    return f"<p>{escape(account.heading)}</p>{drawn}" + (f"<ul>{items}</ul>" if items else "")


def _answer(section: Section) -> str:
    """Show each different answer once; they are long, so they are folded."""
    texts: dict[str, list[str]] = {}
    for run in section.pooled:
        if text := run.trace.text():
            texts.setdefault(text, []).append(f"{run.channel}{run.pair}")
    folded = [
        f"<details><summary>Answer of {', '.join(names[:6])}"
        f"{f' and {len(names) - 6} more' if len(names) > 6 else ''}</summary>{_pre(text)}</details>"
        for text, names in list(texts.items())[:4]
    ]
    return "".join(folded)


def _pre(text: str) -> str:
    return f"<pre>{html.escape(plain_lines(text))}</pre>"
