"""A report as one HTML file: nothing to fetch, no scripts, plots inline, prints well."""

import html
from collections.abc import Sequence

from streamscope import __version__
from streamscope.measure.conventions import Conventions
from streamscope.report.comparison import Comparison
from streamscope.report.pictures import pictures
from streamscope.report.sections import COLUMNS, METHOD, Section, sections
from streamscope.report.svg import escape
from streamscope.report.words import plain_lines

_USUAL = Conventions()

_STYLE = """
:root{color-scheme:light dark;--ink:#1c1c1c;--soft:#59616b;--paper:#fff;--faint:#d9dce0;
--tint:#f3f5f7}
@media (prefers-color-scheme:dark){:root{--ink:#e4e4e4;--soft:#9aa4af;--paper:#15181c;
--faint:#3a4048;--tint:#1e2329}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:62rem;padding:2rem 1.5rem;background:var(--paper);color:var(--ink);
font:16px/1.55 system-ui,-apple-system,"Segoe UI",sans-serif}
h1{font-size:1.2rem;color:var(--soft);font-weight:600;margin:0 0 .5rem}
h2{font-size:1.35rem;margin:2.5rem 0 .5rem;border-top:1px solid var(--faint);padding-top:1.2rem}
h3{font-size:1.05rem;margin:1.5rem 0 .3rem}
.verdict{font-size:1.3rem;line-height:1.4;font-weight:600;margin:.4rem 0 1rem}
ul{padding-left:1.2rem;margin:.3rem 0}
.wide{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{text-align:left;padding:.4rem .7rem;border-bottom:1px solid var(--faint);vertical-align:top}
td:nth-child(n+2){white-space:nowrap}
th{font-weight:600;border-bottom:2px solid var(--soft)}
pre{background:var(--tint);padding:.8rem;border-radius:6px;white-space:pre-wrap;
overflow-wrap:anywhere;font-size:.88rem}
svg.plot{width:100%;max-width:760px;height:auto;display:block;margin:.8rem 0}
.soft,footer{color:var(--soft);font-size:.9rem}
summary{cursor:pointer;margin:.6rem 0}
@media print{:root{--ink:#000;--soft:#444;--paper:#fff;--faint:#bbb;--tint:#f4f4f4}
body{max-width:none;padding:0;font-size:11pt}h2,h3{break-after:avoid}
svg.plot,tr,li,pre{break-inside:avoid}}
"""


def to_html(comparisons: Sequence[Comparison], conventions: Conventions = _USUAL) -> str:
    """Write one report of all these comparisons as a page that stands alone."""
    made = sections(comparisons, conventions)
    body = ["<h1>Streaming or blocking?</h1>"]
    if made:
        body += [_verdicts(made), _table(made)]
        body += [_section(section, conventions) for section in made]
    else:
        body.append('<p class="verdict">Nothing was measured.</p>')
    body += ["<h2>Method</h2>", f"<p>{escape(METHOD)}</p>"]
    body.append(f"<footer>Made by streamscope {escape(__version__)}.</footer>")
    # The policy forbids everything but our own style, should an escape ever be forgotten.
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>Streaming or blocking?</title><style>{_STYLE}</style></head>\n<body>\n"
        + "\n".join(body)
        + "\n</body></html>\n"
    )


def _verdicts(made: Sequence[Section]) -> str:
    if len(made) == 1:
        return f'<p class="verdict">{escape(made[0].verdict)}</p>'
    items = (
        f"<li>{escape(each.title)}: <strong>{escape(each.verdict)}</strong></li>" for each in made
    )
    return f"<ul>{''.join(items)}</ul>"


def _table(made: Sequence[Section]) -> str:
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in COLUMNS)
    rows = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>"
        for section in made
        for row in section.rows
    )
    coverage = "; ".join(dict.fromkeys(each.coverage for each in made))
    return (
        f'<div class="wide"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
        f'<p class="soft">Medians, intervals in brackets ({escape(coverage)}).</p>'
    )


def _section(section: Section, conventions: Conventions) -> str:
    parts = [f"<section><h2>{escape(section.title)}</h2>", *pictures(section, conventions)]
    for heading, lines in section.lists:
        items = "".join(f"<li>{escape(line)}</li>" for line in lines)
        parts.append(f"<h3>{heading}</h3><ul>{items}</ul>")
    parts.append(f"<h3>Prompt</h3>{_pre(section.prompt)}")
    parts += [_answer(section)]
    if section.command:
        parts.append(f"<h3>How to repeat</h3>{_pre(section.command)}")
    return "".join([*parts, "</section>"])


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
