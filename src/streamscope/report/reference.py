"""The generated parts of the documents, so that they never disagree with the code.

``python -m streamscope.report.reference docs`` writes them again.
"""

import inspect
import re
import sys
import types
import typing
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import msgspec

from streamscope import calibration
from streamscope.measure.figures import FIGURES, Described
from streamscope.measure.findings import Finding
from streamscope.measure.inference import Estimate
from streamscope.measure.notes import Note
from streamscope.measure.reader_figures import READER_FIGURES
from streamscope.measure.spans import SPANS
from streamscope.plan import Plan
from streamscope.report import comparison_json as schema
from streamscope.report.records import VerdictRecord
from streamscope.report.summary import Counts, Ratio, SharedNote, Spread
from streamscope.sides import Side, Sides
from streamscope.trace import (
    Basis,
    ClockBasis,
    Fault,
    Observer,
    Request,
    ServerTimings,
    Shown,
    Target,
    Tokens,
)

RECORDS: tuple[type[msgspec.Struct], ...] = (
    schema.ComparisonRecord,
    schema.ChannelRecord,
    schema.RunRecord,
    schema.RunLine,
    schema.TargetRecord,
    Request,
    Plan,
    Sides,
    Side,
    Target,
    Tokens,
    ServerTimings,
    Observer,
    Shown,
    Basis,
    ClockBasis,
    Fault,
    Note,
    SharedNote,
    schema.SummaryRecord,
    Counts,
    Spread,
    Ratio,
    VerdictRecord,
    Finding,
    Estimate,
)


def metrics_reference() -> str:
    """Return the table of all figures in Markdown."""
    return _figures(FIGURES)


def reader_reference() -> str:
    """Return the table of all figures that depend on the reader in Markdown."""
    return _figures(READER_FIGURES)


def phases_reference() -> str:
    """Return the table of all spans of a run in Markdown."""
    rows = ((f"`{name}`", text.label, text.explanation) for name, text in SPANS.items())
    return _table(("name", "label", "what begins and ends it"), rows)


def _figures(figures: Sequence[Described]) -> str:
    rows = (
        (
            f"`{figure.name}`",
            figure.label + (" (stream only)" if figure.stream_only else ""),
            figure.unit,
            f"`{figure.formula}`",
            figure.explanation,
            figure.better or "–",
        )
        for figure in figures
    )
    return _table(("name", "label", "unit", "formula", "what it means", "better"), rows)


def json_reference() -> str:
    """Return the members of all records of the JSON schema in Markdown."""
    return "\n\n".join(_record(record) for record in RECORDS)


def calibration_reference() -> str:
    """Return the members of a calibration's records in Markdown."""
    records = (calibration.Calibration, calibration.Case, calibration.Spread)
    return "\n\n".join(_record(record) for record in records)


DOCUMENTS: dict[str, dict[str, Callable[[], str]]] = {
    "metrics.md": {
        "": metrics_reference,
        "reader": reader_reference,
        "phases": phases_reference,
    },
    "json.md": {"": json_reference},
    "calibration.md": {"": calibration_reference},
}
"""Which document has which generated parts. The empty name is that of a document's main part."""


def marks(part: str) -> tuple[str, str]:
    """Return the lines between which a generated part stands."""
    name = f"{part} " if part else ""
    return f"<!-- generated: {name}begin -->", f"<!-- generated: {name}end -->"


def with_parts(document: str, name: str) -> str:
    """Put all generated parts of the document of that name between their marks.

    Raises:
        ValueError: If it lacks a mark.
    """
    for part, write in DOCUMENTS[name].items():
        document = with_reference(document, write(), part)
    return document


def with_reference(document: str, reference: str, part: str = "") -> str:
    """Put one generated part between its marks.

    Raises:
        ValueError: If the document lacks one of them.
    """
    first, last = marks(part)
    head, begin, rest = document.partition(first)
    _, end, tail = rest.partition(last)
    if not begin or not end:
        raise ValueError(f"the document needs the lines {first} and {last}")
    return f"{head}{first}\n\n{reference}\n\n{last}{tail}"


def _record(record: type[msgspec.Struct]) -> str:
    documentation = inspect.getdoc(record) or ""
    summary = documentation.split("Attributes:")[0].split("Args:")[0].strip()
    meanings = attributes(documentation)
    inherited = set().union(*(inspect.get_annotations(base) for base in record.__mro__[1:]))
    hints = typing.get_type_hints(record)
    rows = (
        (f"`{field.encode_name}`", f"`{type_words(hints[field.name])}`", meanings[field.name])
        for field in msgspec.structs.fields(record)
        if field.name not in inherited
    )
    text = f"### {record.__name__}\n\n{summary}\n\n" + _table(("member", "type", "meaning"), rows)
    for python, json in (("None", "null"), ("True", "true"), ("False", "false")):
        text = text.replace(f"``{python}``", f"``{json}``")
    return text


def attributes(documentation: str) -> dict[str, str]:
    """Read the ``Attributes`` section of a docstring: names and their meanings."""
    section = documentation.partition("Attributes:\n")[2]
    entries = re.findall(r"^ {4}(\w+): ((?:.+\n?)(?: {8}.+\n?)*)", section, re.MULTILINE)
    return {name: " ".join(meaning.split()) for name, meaning in entries}


def type_words(hint: typing.Any) -> str:
    """Write a type as a reader of JSON would: ``list of Note``, ``integer or null``."""
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Literal:
        return " or ".join(f'"{part}"' for part in parts)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(type_words(part) for part in parts if part is not msgspec.UnsetType)
    if origin is list:
        return f"list of {type_words(parts[0])}"
    if origin is dict:
        return f"object of {type_words(parts[1])}"
    if origin is tuple and parts[-1] is Ellipsis:
        return f"list of {type_words(parts[0])}"
    if origin is tuple:
        return f"[{', '.join(type_words(part) for part in parts)}]"
    return _WORDS.get(hint) or hint.__name__


_WORDS: dict[object, str] = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    type(None): "null",
    typing.Any: "anything",
}


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = tuple(head)
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(
        "| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines
    )


def main(folder: Path) -> None:
    """Write the generated parts of all documents in a folder again."""
    for name in DOCUMENTS:
        path = folder / name
        text = with_parts(path.read_text(encoding="utf-8"), name)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
