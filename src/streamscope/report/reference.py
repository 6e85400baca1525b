"""The generated parts of the documents, so that they never disagree with the code.

``python -m streamscope.report.reference docs`` writes them again.
"""

import inspect
import re
import sys
import types
import typing
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec

from streamscope.measure.figures import FIGURES
from streamscope.measure.notes import Note
from streamscope.plan import Plan
from streamscope.report import comparison_json as schema
from streamscope.report.summary import SharedNote, Spread
from streamscope.trace import Fault, Request, ServerTimings, Tokens

BEGIN = "<!-- generated: begin -->"
END = "<!-- generated: end -->"

RECORDS: tuple[type[msgspec.Struct], ...] = (
    schema.ComparisonRecord,
    schema.RunRecord,
    schema.RunLine,
    schema.TargetRecord,
    Request,
    Plan,
    Tokens,
    ServerTimings,
    Fault,
    Note,
    SharedNote,
    schema.SummaryRecord,
    Spread,
    schema.RatioRecord,
)


def metrics_reference() -> str:
    """Return the table of all figures in Markdown."""
    rows = (
        (
            f"`{figure.name}`",
            figure.label + (" (stream only)" if figure.stream_only else ""),
            figure.unit,
            f"`{figure.formula}`",
            figure.explanation,
            figure.better or "–",
        )
        for figure in FIGURES
    )
    return _table(("name", "label", "unit", "formula", "what it means", "better"), rows)


def json_reference() -> str:
    """Return the members of all records of the JSON schema in Markdown."""
    return "\n\n".join(_record(record) for record in RECORDS)


DOCUMENTS: dict[str, Callable[[], str]] = {
    "metrics.md": metrics_reference,
    "json.md": json_reference,
}
"""Which document has which generated part."""


def with_reference(document: str, reference: str) -> str:
    """Put a generated part between the marks of a document.

    Raises:
        ValueError: If the document lacks the marks.
    """
    head, begin, rest = document.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the document needs the lines {BEGIN} and {END}")
    return f"{head}{BEGIN}\n\n{reference}\n\n{END}{tail}"


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
    for name, reference in DOCUMENTS.items():
        path = folder / name
        text = with_reference(path.read_text(encoding="utf-8"), reference())
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
