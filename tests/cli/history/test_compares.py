"""Two comparisons against each other: what is said was tested."""

from typing import TYPE_CHECKING

import msgspec
import pytest

from streamscope.cli.history.compares import Compared

if TYPE_CHECKING:
    from tests.cli.conftest import Cli, Past


def compared(cli: "Cli", *argv: str) -> Compared:
    done = cli("history", "compare", *argv, "--format", "json")
    assert done.code == 0
    return msgspec.json.decode(done.out, type=Compared)


def test_model_against_model(cli: "Cli", past: "Past") -> None:
    slow, _ = past.comparison(model="slow", first_s=0.4, total_s=4.0)
    fast, _ = past.comparison(model="fast", first_s=0.2, total_s=2.0)
    found = compared(cli, fast, slow)
    first = found.tested[0]
    assert (first.mode, first.finding.name, first.finding.kind) == ("stream", "ttfv_s", "different")
    ratio = first.finding.ratio
    assert ratio is not None
    assert ratio.estimate == pytest.approx(0.5)
    assert first.finding.p == pytest.approx(2 / 924), "6 against 6, and none of them overlaps"
    assert "They differ in server or model." in found.cautions

    table = cli("history", "compare", fast, slow).out
    assert "2.0× sooner" in table
    assert "0.0022" in table
    assert max(map(len, table.splitlines())) <= 80


def test_the_same_once_more_is_equivalent_not_equal(cli: "Cli", past: "Past") -> None:
    one, _ = past.comparison()
    two, _ = past.comparison()
    found = compared(cli, one, two)
    assert {each.finding.kind for each in found.tested} == {"equivalent"}
    assert not any("differ" in words for words in found.cautions)


def test_too_few_runs_claim_nothing_and_say_why(cli: "Cli", past: "Past") -> None:
    one, _ = past.comparison(pairs=2, first_s=0.2)
    two, _ = past.comparison(pairs=2, first_s=1.5)
    found = compared(cli, one, two)
    assert {each.finding.kind for each in found.tested} == {"inconclusive"}
    assert all("too few" in each.finding.reason for each in found.tested)
    assert "()" not in cli("history", "compare", one, two).out


def test_pooled_takes_all_runs_of_the_group(cli: "Cli", past: "Past") -> None:
    past.comparison(model="one", pairs=3)
    one, _ = past.comparison(model="one", pairs=3)
    two, _ = past.comparison(model="two", pairs=6)
    assert compared(cli, one, two).tested[0].finding.n == 3
    assert compared(cli, one, two, "--pooled").tested[0].finding.n == 6


def test_answers_of_different_length_are_told(cli: "Cli", past: "Past") -> None:
    one, _ = past.comparison(tokens=100)
    two, _ = past.comparison(tokens=50)
    assert any("differ in length" in words for words in compared(cli, one, two).cautions)


def test_a_comparison_against_itself_is_refused(cli: "Cli", past: "Past") -> None:
    one, _ = past.comparison()
    done = cli("history", "compare", one, "last")
    assert (done.code, done.out) == (2, "")
    assert "name the same" in done.err


def test_two_of_one_group_cannot_be_pooled_apart(cli: "Cli", past: "Past") -> None:
    one, _ = past.comparison()
    two, _ = past.comparison()
    assert "name the same" in cli("history", "compare", one, two, "--pooled").err


def test_two_contests_are_compared_channel_by_channel(cli: "Cli", past: "Past") -> None:
    """Both channels of each stream, so that their mode tells them not apart."""
    one, _ = past.comparison(model="small", against="large", modes=("stream", "stream"))
    two, _ = past.comparison(
        model="small", against="huge", modes=("stream", "stream"), first_s=0.4, total_s=4.0
    )
    found = compared(cli, one, two)
    assert [(each.channel, each.mode, each.finding.name) for each in found.tested] == [
        ("A", "stream", "ttfv_s"),
        ("A", "stream", "total_s"),
        ("A", "stream", "server_tok_per_s"),
        ("B", "stream", "ttfv_s"),
        ("B", "stream", "total_s"),
        ("B", "stream", "e2e_char_per_s"),
    ], "tokens of two models are no common unit"
    assert {len(found.first.of(channel, "ttfv_s")) for channel in found.first.parts} == {6}
    assert "They differ in server or model." in found.cautions
    table = cli("history", "compare", one, two).out
    assert "small vs large · Why?" in table
    assert "A stream first text" in table
    assert "· B streaming: " in table
    assert max(map(len, table.splitlines())) <= 80


def test_channels_that_deliver_in_other_ways_are_not_compared(cli: "Cli", past: "Past") -> None:
    usual, _ = past.comparison()
    alike, _ = past.comparison(modes=("stream", "stream"))
    assert {each.channel for each in compared(cli, usual, alike).tested} == {"A"}


def test_runs_are_not_pooled_on_both_sides(cli: "Cli", past: "Past") -> None:
    """Of two contests with one channel in common, the other one is compared."""
    one, _ = past.comparison(model="small", against="large", modes=("stream", "stream"))
    two, _ = past.comparison(model="small", against="huge", modes=("stream", "stream"))
    assert {each.channel for each in compared(cli, one, two, "--pooled").tested} == {"B"}
