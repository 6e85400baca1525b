"""The table is readable at 80 columns, says its conditions, and claims nothing it can't."""

from collections.abc import Callable

import msgspec
import pytest
from rich.cells import cell_len

from streamscope.plan import Plan
from streamscope.report.comparison import Comparison
from streamscope.report.table import as_text, comparison_table
from streamscope.trace import Chunk, Fault, Request, Run, Target, Tokens, Trace

Build = Callable[..., Comparison]
BuildTrace = Callable[..., Trace]
BuildRun = Callable[..., Run]


def text(comparison: Comparison, width: int = 80) -> str:
    return as_text(comparison_table(comparison), width)


def row(comparison: Comparison, name: str) -> list[str]:
    (line,) = [line for line in text(comparison).splitlines() if line.startswith(name)]
    return [cell.strip() for cell in line.split("  ") if cell.strip()]


def test_rows_of_a_long_answer(long_comparison: Comparison) -> None:
    assert row(long_comparison, "first text") == [
        "first text",
        "0.63 s (0.60–0.71)",
        "20.1 s (20.1–20.2)",
        "32× sooner",
    ]
    assert row(long_comparison, "total")[-1] == "≈ ±5 %"
    assert row(long_comparison, "gap max")[2:] == ["–", "–"]
    assert row(long_comparison, "visible rate")[2:] == ["–", "–"]


def test_conditions_and_claims_are_said(long_comparison: Comparison) -> None:
    said = text(long_comparison)
    for words in (
        "ollama-chat · gemma4:e2b · http://127.0.0.1:11434",
        "temperature 0.0 · seed 1",
        "Measured apart, order ABBA; warm (the prompt may be cached); kernel clock.",
        "A n=6 (1 warm-up left out) · B n=6 (1 warm-up left out)",
        "It must be streamed: first text 32× sooner",
        "what stands in brackets there was not tested",
        "Same answer in 6 of 6 pairs.",
        "streaming pays from about 8 tokens of answer on (1.00 s of streaming text)",
        "by convention, that is where it gives at least 1 s and 20 % of the whole time",
        "A n=6: 96.9 % interval in brackets",
    ):
        assert words in " ".join(said.split())
    assert said.count("It must be streamed") == 1
    assert "! " not in said
    assert "simulated" not in said
    assert "~" not in said


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (([], []), "temperature 0.0 · seed 1"),
        ((["unsent:seed"], []), "temperature 0.0 · seed 1 (not sent to A)"),
        ((["unsent:seed"], ["unsent:seed"]), "temperature 0.0 · seed 1 (not sent)"),
    ],
)
def test_settings_that_could_not_be_sent_are_not_claimed(
    build_comparison: Build,
    build_stream: BuildTrace,
    build_blocking: BuildTrace,
    flags: tuple[list[str], list[str]],
    said: str,
) -> None:
    a, b = build_stream(1, 9), build_blocking(9)
    a.flags, b.flags = flags
    assert said in text(build_comparison([a], [b])).splitlines()


def test_any_text_has_a_row_only_where_it_differs(
    long_comparison: Comparison, build_comparison: Build, build_stream: BuildTrace
) -> None:
    assert "any text" not in text(long_comparison)
    thought = build_stream(1, 9)
    thought.chunks.insert(0, Chunk(200_000_000, "reasoning", "hm", 0))
    assert row(build_comparison([thought], []), "any text") == ["any text", "0.20 s"]


def test_few_runs_get_no_interval(
    build_comparison: Build, build_stream: BuildTrace, build_blocking: BuildTrace
) -> None:
    said = text(build_comparison([build_stream(1, 9)] * 3, [build_blocking(9)] * 3))
    assert "A n=3: no interval; B n=3: no interval" in " ".join(said.split())
    said = text(build_comparison([build_stream(1, 9)] * 5, [build_blocking(9)] * 5))
    assert "B n=5: 93.8 % interval in brackets" in " ".join(said.split())


def test_without_counts_there_are_chunks_and_no_tokens(
    build_comparison: Build, build_stream: BuildTrace
) -> None:
    uncounted = build_stream(1, 9)
    uncounted.tokens = Tokens()
    said = text(build_comparison([uncounted], []))
    assert "16.0 chunks/s" in said
    assert "tok/s" not in said


def test_estimates_are_marked_and_the_mark_is_explained(
    build_comparison: Build, build_stream: BuildTrace
) -> None:
    guessed = build_stream(1, 9)
    guessed.server = msgspec.structs.replace(guessed.server, source="somewhere")
    comparison = build_comparison([guessed], [])
    assert row(comparison, "server rate")[1].startswith("~16.1 tok/s")
    assert "~ marks estimates" in " ".join(text(comparison).split())


def test_failures_are_listed_with_their_sentence(
    build_comparison: Build, build_stream: BuildTrace, build_blocking: BuildTrace
) -> None:
    failed, stopped = build_stream(1, 9, ended="error"), build_blocking(9, ended="cancelled")
    failed.fault = Fault(code="cut", sentence="The connection broke; try again.")
    said = text(build_comparison([build_stream(1, 9), failed], [build_blocking(9), stopped]))
    assert "✗ A, pair 2: The connection broke; try again." in said
    assert "✗ B, pair 2: stopped" in said
    assert "1 warm-up, 1 failed or stopped left out" in " ".join(said.split())


def test_all_runs_failed(build_comparison: Build, build_stream: BuildTrace) -> None:
    failed = build_stream(1, 9, ended="error")
    comparison = build_comparison([failed], [])
    assert row(comparison, "first text") == ["first text", "–"]
    assert "A n=0 (1 warm-up, 1 failed or stopped left out)" in text(comparison)


def test_nothing_was_run() -> None:
    assert "nothing was run" in text(Comparison(plan=Plan(), runs=[]))


def test_stalls_have_rows_only_where_there_were_some(
    long_comparison: Comparison, build_comparison: Build, build_stream: BuildTrace
) -> None:
    assert "stalls" not in text(long_comparison)
    stalled = build_stream(1, 9)
    stalled.chunks.append(Chunk(12_000_000_000, "answer", "end", 999))
    assert row(build_comparison([stalled], []), "stalls") == ["stalls", "1"]


def test_hidden_tokens_have_a_row_only_where_there_were_some(
    long_comparison: Comparison, build_comparison: Build, build_stream: BuildTrace
) -> None:
    assert "hidden" not in text(long_comparison)
    silent = build_stream(1, 9)
    silent.tokens = Tokens(prompt=20, output=349, reasoning=220)
    assert row(build_comparison([silent], []), "hidden") == ["hidden tokens", "220"]


def test_remarks_say_what_they_hold_for_and_are_made_once(
    build_comparison: Build, build_stream: BuildTrace, build_blocking: BuildTrace
) -> None:
    cut = build_stream(1, 9, ended="incomplete")
    thought = [build_stream(1, 9), build_stream(1, 9), cut]
    late = build_blocking(9)
    late.server = msgspec.structs.replace(late.server, load_s=2.0, decode_s=6.0)
    said = " ".join(text(build_comparison(thought, [late] * 3)).split())
    assert "may lack its end. (A 1 of 3 runs)" in said
    assert "not the model's own. (B)" in said
    for trace in thought:
        trace.server = msgspec.structs.replace(trace.server, load_s=2.0, decode_s=6.0)
    said = " ".join(text(build_comparison(thought, [late] * 3)).split())
    assert said.count("not the model's own. (A, B)") == 1


def test_simulated_answers_are_called_so(build_run: BuildRun, build_stream: BuildTrace) -> None:
    run = build_run(build_stream(1, 9), engine="simulator")
    said = text(Comparison(plan=Plan(), runs=[run]))
    assert "; simulated." in " ".join(said.split())
    assert "made up by the simulator" in said


def test_two_targets_are_both_named(
    build_run: BuildRun, build_stream: BuildTrace, build_blocking: BuildTrace
) -> None:
    other = Target(protocol="openai-chat", url="https://example.org/v1", model="big")
    runs = [
        build_run(build_stream(1, 9), "A"),
        build_run(build_blocking(9), "B", target=other),
    ]
    said = text(Comparison(plan=Plan(layout="race"), runs=runs))
    assert "A: ollama-chat" in said
    assert "B: openai-chat · big · https://example.org/v1" in said
    assert "order" not in said


def test_servers_can_neither_style_nor_steer_the_table(
    build_run: BuildRun, build_stream: BuildTrace
) -> None:
    trace = build_stream(1, 9, ended="error")
    trace.fault = Fault(code="server", sentence="[bold]no\x1b[2J[/bold]")
    hostile = Target(protocol="plain", url="http://x", model="[red]m\x07")
    said = text(Comparison(plan=Plan(), runs=[build_run(trace, target=hostile)]))
    assert "[bold]no\ufffd[2J[/bold]" in said
    assert "[red]m\ufffd" in said
    assert "\x1b" not in said


@pytest.mark.parametrize("scale", [0.001, 1, 60, 700])
def test_eighty_columns_suffice(
    build_comparison: Build, build_stream: BuildTrace, build_blocking: BuildTrace, scale: float
) -> None:
    firsts = [scale * (1 + i / 10) for i in range(6)]
    guessed = [build_stream(first, 3 * first) for first in firsts]
    for trace in guessed:
        trace.tokens = Tokens(prompt=20, output=129)
        trace.chunks.insert(0, Chunk(0, "reasoning", "hm", 0))
    comparison = build_comparison(guessed, [build_blocking(3 * first) for first in firsts])
    lines = text(comparison).splitlines()
    assert max(cell_len(line) for line in lines) <= 80
    start = next(i for i, line in enumerate(lines) if line.startswith("first text"))
    assert "(" in lines[start]
    assert not lines[start + 1].startswith(" "), "a cell was wrapped"


def test_what_speaks_against_the_verdict_stands_right_below_it(
    build_comparison: Build, build_stream: BuildTrace, build_blocking: BuildTrace
) -> None:
    slower = [1 + i / 10 for i in range(6)]
    comparison = build_comparison(
        [build_stream(1, 9 * factor) for factor in slower], [build_blocking(9)] * 6
    )
    lines = text(comparison).split("\n\n")[0].splitlines()
    assert lines[-1] == "! Drift on A: totals 49.5 % longer at the end than at first."
    assert lines[0].startswith("It must be streamed")


def test_an_import_has_no_conditions_but_those_of_its_file(
    build_comparison: Build, build_stream: BuildTrace, build_blocking: BuildTrace
) -> None:
    comparison = build_comparison([build_stream(1, 9)] * 6, [build_blocking(9)] * 6)
    runs = []
    for run in comparison.runs:
        run.trace.flags = ["imported-summary"]
        runs.append(msgspec.structs.replace(run, request=Request(prompt="short")))
    said = text(msgspec.structs.replace(comparison, runs=runs))
    assert "Imported summaries: order, regime and gaps are not known." in said
    for invented in ("ABBA", "warm (", "clock", "left to the server", "gap"):
        assert invented not in said.replace("gaps are not known", "")


def test_one_pair_makes_every_length_a_guess(
    build_comparison: Build, build_stream: BuildTrace, build_blocking: BuildTrace
) -> None:
    said = " ".join(text(build_comparison([build_stream(1, 9)], [build_blocking(9)])).split())
    assert "a guess from one run; by convention" in said
    assert "can't tell, fewer than two pairs" not in said


def test_chunks_that_hold_several_tokens_are_counted(
    build_comparison: Build, build_stream: BuildTrace, build_blocking: BuildTrace
) -> None:
    four = [build_stream(1, 9, 17) for _ in range(2)]
    for trace in four:
        trace.tokens = Tokens(output=68, reasoning=0)
    told = build_comparison(four, [build_blocking(9)] * 2)
    assert row(told, "chunks")[1:3] == ["17", "–"]
    alone = build_comparison([build_stream(1, 9)] * 2, [build_blocking(9)] * 2)
    assert not [line for line in text(alone).splitlines() if line.startswith("chunks")]


def test_what_was_not_tested_stands_in_brackets_beside_what_was(
    build_comparison: Callable[..., Comparison],
    build_stream: Callable[..., Trace],
    build_blocking: Callable[..., Trace],
) -> None:
    """Answers of different length: their totals are no finding, and the tokens were not tested."""
    streams = [build_stream(0.5 + pair / 100, 9) for pair in range(7)]
    blocking = [build_blocking(9.5 + pair / 100) for pair in range(7)]
    for number, trace in enumerate((*streams, *blocking)):
        trace.tokens = Tokens(output=129 + number)
        trace.chunks = [
            msgspec.structs.replace(chunk, text=f"{chunk.text}{number}") for chunk in trace.chunks
        ]
    made = build_comparison(streams, blocking)
    assert row(made, "total")[-1] == "can't tell"
    assert row(made, "tokens")[-1] == "(5 % fewer)"
    assert row(made, "first text")[-1].endswith("sooner")


def test_a_row_in_which_one_channel_has_nothing_claims_nothing(
    build_comparison: Callable[..., Comparison], build_blocking: Callable[..., Trace]
) -> None:
    """Empty answers: a stream has no last text, while a whole body came at some time."""
    empty = Trace(mode="stream", ended="stop", marks={"sent": 0, "done": 9_000_000_000})
    whole = Trace(mode="blocking", ended="stop", marks={"sent": 0, "done": 9_000_000_000})
    said = text(build_comparison([empty] * 6, [whole] * 6))
    assert "≈" not in said
    assert "Same answer" not in said
