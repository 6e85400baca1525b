"""The documents agree with the code: a changed figure or member must change them."""

import re
from pathlib import Path

import msgspec
import pytest

from streamscope.measure.figures import FIGURES
from streamscope.measure.reader_figures import READER_FIGURES
from streamscope.report import reference
from streamscope.settings import Config

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("name", reference.DOCUMENTS)
def test_documents_are_up_to_date(name: str) -> None:
    written = (DOCS / name).read_text(encoding="utf-8")
    assert written == reference.with_parts(written, name), (
        "run: python -m streamscope.report.reference docs"
    )


def test_documents_are_written_again(tmp_path: Path) -> None:
    for name, parts in reference.DOCUMENTS.items():
        stale = "\nstale line\n"
        places = [f"before {part}\n{stale.join(reference.marks(part))}\n" for part in parts]
        (tmp_path / name).write_text("".join([*places, "tail\n"]), encoding="utf-8")
    reference.main(tmp_path)
    metrics = (tmp_path / "metrics.md").read_text(encoding="utf-8")
    assert metrics.startswith("before \n")
    assert metrics.endswith("\ntail\n")
    assert "stale line" not in metrics
    main, of_reader = metrics.split("before reader\n")
    for figure in FIGURES:
        assert f"`{figure.name}`" in main
    for each in READER_FIGURES:
        assert f"`{each.name}`" in of_reader


@pytest.mark.parametrize("part", ["", "reader"])
def test_a_document_without_marks_is_not_touched(part: str) -> None:
    other = reference.marks("another")
    for document in ("# Head", "\n".join(other), reference.marks(part)[0]):
        with pytest.raises(ValueError, match="needs the lines"):
            reference.with_reference(document, "table", part)


@pytest.mark.parametrize("section", ["verdict", "reader", "bands", "costs"])
def test_every_convention_has_its_source(section: str) -> None:
    """A default that is changed must say anew where it comes from."""
    conventions = (DOCS / "metrics.md").read_text(encoding="utf-8").split("## Conventions\n")[1]
    defaults = msgspec.structs.asdict(getattr(Config(), section))
    for name, default in defaults.items():
        shown = f"{default:g}" if isinstance(default, int | float) else default
        assert re.search(rf"^\| `{section}\.{name}` \| {shown} \| .{{10,}} \|$", conventions, re.M)


def test_every_member_of_every_record_has_a_meaning() -> None:
    for record in reference.RECORDS:
        meanings = reference.attributes(record.__doc__ or "") or reference.attributes(
            "\n".join(line[4:] for line in (record.__doc__ or "").splitlines())
        )
        assert meanings, record
        assert all(meaning.endswith(".") for meaning in meanings.values()), record


@pytest.mark.parametrize(
    ("hint", "expected"),
    [
        (str, "string"),
        (int | None, "integer or null"),
        (list[tuple[int, str]], "list of [integer, string]"),
        (dict[str, float | None], "object of number or null"),
        (tuple[str, ...], "list of string"),
    ],
)
def test_types_in_words(hint: object, expected: str) -> None:
    assert reference.type_words(hint) == expected
