"""How the same went each time that it was measured, and nothing else beside it."""

from typing import TYPE_CHECKING

import msgspec
import pytest

from streamscope.cli.history.trends import Point

if TYPE_CHECKING:
    from tests.cli.conftest import Cli, Past


@pytest.fixture
def three(past: "Past") -> list[str]:
    """Keep three comparisons of one group, ever slower, and one of another."""
    names = [past.comparison(first_s=0.2 * factor, total_s=2.0 * factor)[0] for factor in (1, 2, 3)]
    past.comparison(prompt="What else?")
    return names


def test_each_comparison_of_the_group_with_its_intervals(cli: "Cli", three: list[str]) -> None:
    done = cli("history", "trend", three[1], "--format", "json")
    points = msgspec.json.decode(done.out, type=list[Point])
    assert [point.id for point in points] == three
    assert [point.n for point in points] == [6, 6, 6]
    totals = [point.figures["B"]["total_s"] for point in points]
    assert [round(each.estimate) for each in totals] == [2, 4, 6]
    assert totals[0].low == pytest.approx(2.002)
    assert totals[0].high == pytest.approx(2.012)


def test_a_table_for_people_within_eighty_columns(cli: "Cli", three: list[str]) -> None:
    done = cli("history", "trend", three[0])
    assert done.code == 0
    lines = done.out.splitlines()
    assert lines[0] == "Why?"
    assert max(map(len, lines)) <= 80
    rows = [line.split() for line in lines if line.startswith("2026-")]
    assert [row[1] for row in rows] == [name[:8] for name in three]
    assert [row[2] for row in rows] == ["6", "6", "6"]
    assert "A stream" in done.out
    assert "B blocking" in done.out


def test_the_newest_are_shown_where_there_are_many(cli: "Cli", three: list[str]) -> None:
    assert "--limit" not in cli("history", "trend", three[0], "--limit", "3").out
    done = cli("history", "trend", three[0], "--limit", "2")
    assert three[0][:8] not in done.out
    assert "These are the newest 2: --limit N shows more." in done.out


def test_few_pairs_have_no_interval(cli: "Cli", past: "Past") -> None:
    past.comparison(pairs=2)
    (point,) = msgspec.json.decode(
        cli("history", "trend", "last", "--format", "json").out, type=list[Point]
    )
    assert (point.n, point.figures["A"]["total_s"].low) == (2, None)
    assert "(" not in cli("history", "trend", "last").out


def test_models_against_each_other_are_named(cli: "Cli", past: "Past") -> None:
    name, _ = past.comparison(model="small", against="large", modes=("stream", "stream"))
    past.comparison(model="small")
    done = cli("history", "trend", name)
    assert "A small" in done.out
    assert "B large" in done.out
    assert len([line for line in done.out.splitlines() if line.startswith("2026-")]) == 1
