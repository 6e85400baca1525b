"""The documents agree with the code: a changed figure or member must change them."""

from pathlib import Path

import pytest

from streamscope.measure.figures import FIGURES
from streamscope.report import reference

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("name", reference.DOCUMENTS)
def test_documents_are_up_to_date(name: str) -> None:
    written = (DOCS / name).read_text(encoding="utf-8")
    wanted = reference.with_reference(written, reference.DOCUMENTS[name]())
    assert written == wanted, "run: python -m streamscope.report.reference docs"


def test_documents_are_written_again(tmp_path: Path) -> None:
    for name in reference.DOCUMENTS:
        (tmp_path / name).write_text(
            f"# Head\n{reference.BEGIN}\nstale line\n{reference.END}\ntail\n", encoding="utf-8"
        )
    reference.main(tmp_path)
    metrics = (tmp_path / "metrics.md").read_text(encoding="utf-8")
    assert metrics.startswith("# Head\n")
    assert metrics.endswith("\ntail\n")
    assert "stale line" not in metrics
    for figure in FIGURES:
        assert f"`{figure.name}`" in metrics


def test_a_document_without_marks_is_not_touched() -> None:
    with pytest.raises(ValueError, match="needs the lines"):
        reference.with_reference("# Head", "table")


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
