"""``-v``: below a table stands where the time went, and nowhere else."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cli.conftest import Cli, Past, Shell

QUICK = ("--engine", "simulator", "--repeat", "1", "--warmup", "0", "--max-tokens", "6")


@pytest.mark.asyncio(loop_scope="session")
async def test_a_run_tells_where_its_time_went(
    shell: "Shell", configure: Callable[[str], None]
) -> None:
    configure('profile = "fast"\n')
    done = await shell("run", "Why?", *QUICK, "--no-save", "-v")
    assert done.code == 0
    table, _, more = done.out.partition("\nA stream · pair 1")
    assert "first text" in table
    assert "B blocking · pair 1" in more
    for label in ("connecting", "sending", "waiting for headers", "answering", "receiving"):
        assert f"\n{label:<24} " in more, label
    assert "in all" not in done.err
    assert max(map(len, done.out.splitlines())) <= 80


def test_more_is_said_of_a_comparison_and_of_a_run(cli: "Cli", past: "Past") -> None:
    name, runs = past.comparison(pairs=3)
    assert "in all" not in cli("history", "show", name).out
    shown = cli("history", "show", name, "--verbose").out
    assert "A stream · pair 2, whose total of 2.00 s is nearest the median of 3 runs" in shown
    assert shown.count("in all") == 2
    alone = cli("history", "show", runs[0].run_id, "-v").out
    assert alone.count("in all") == 1
    assert "first text" in alone


@pytest.mark.parametrize("form", ["json", "jsonl", "csv"])
def test_formats_that_hold_everything_have_no_more_to_say(
    cli: "Cli", past: "Past", form: str
) -> None:
    name, _ = past.comparison(pairs=1)
    for command in (("history", "show", name), ("run", "Why?")):
        done = cli(*command, "-v", "--format", form)
        assert (done.code, done.out) == (2, "")
        assert done.err == (
            f"streamscope: -v says more below a table, and {form} has everything already:"
            " leave one of them out.\n"
        )


@pytest.mark.parametrize("form", ["markdown", "html"])
def test_reports_tell_it_anyway(cli: "Cli", past: "Past", form: str) -> None:
    name, _ = past.comparison(pairs=1)
    done = cli("history", "show", name, "-v", "--format", form)
    assert done.code == 0
    assert "Where the time went" in done.out
    assert "in all" in done.out
    assert done.out == cli("history", "show", name, "--format", form).out
