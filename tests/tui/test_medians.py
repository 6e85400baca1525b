"""Medians stand beside each other, with their number, and claim no more than they can."""

import msgspec

from streamscope.history import GroupValues
from streamscope.sides import Side, Sides
from streamscope.trace import Mode, Target
from streamscope.trial.past import Memory
from streamscope.tui import medians


def pooled(count: int = 1, **values: float) -> GroupValues:
    """Return as many runs with these figures."""
    return GroupValues(
        values={name: [value] * count for name, value in values.items()}, n=count, excluded={}
    )


def rows(
    a: GroupValues, b: GroupValues, sides: Sides | None = None, width: int = 0
) -> dict[str, str]:
    """Return the table of medians, a row a name."""
    memory = Memory(values={"A": a, "B": b})
    lines = medians.medians(memory, None, sides, width).plain.splitlines()
    return {line.split(None, 1)[0]: line.split(None, 1)[1].rstrip() for line in lines}


def test_without_runs_the_history_says_how_to_begin() -> None:
    memory = Memory(values={})
    assert medians.medians(memory).plain.startswith("Nothing measured yet.")
    assert medians.medians(memory, under_way=True).plain == medians.COMING
    assert "medians" not in medians.history_title(memory, "apart")


def test_the_title_of_the_history_says_whose_it_is() -> None:
    memory = Memory(values={"A": pooled(1), "B": pooled(1)})
    assert medians.history_title(memory, "apart · cold") == (
        "history · this prompt, this target, apart · cold · medians"
    )
    other = medians.history_title(memory, "race", prompt="Why\x1b[31m do\nbirds sing so early?")
    assert other == "history · “Why␛[31m do birds sing…”, this target, race · medians"


def test_medians_stand_beside_each_other_with_their_number() -> None:
    table = rows(
        pooled(6, ttfv_s=0.63, total_s=20.1, output_tokens=240),
        pooled(6, ttfv_s=19.5, total_s=19.6, output_tokens=240),
    )
    assert table["n=6"].startswith("A stream")
    assert table["first"].split() == ["0.63", "s", "19.5", "s", "31×", "sooner"]
    assert table["total"].split() == ["20.1", "s", "19.6", "s", "within", "5", "%"]
    assert table["tokens"].split() == ["240", "240", "same"]


def test_few_repeats_call_fewer_things_different() -> None:
    few = rows(pooled(2, total_s=5.5), pooled(2, total_s=5.0))
    many = rows(pooled(6, total_s=5.5), pooled(6, total_s=5.0))
    assert few["total"].endswith("within 20 %")
    assert many["total"].endswith("10 % longer")


def test_sides_with_different_numbers_say_so() -> None:
    assert "n=3,2" in rows(pooled(3, total_s=5.0), pooled(2, total_s=5.0))


def test_a_figure_that_does_not_exist_is_no_zero() -> None:
    assert rows(pooled(1), pooled(1, total_s=5.0))["total"].split() == ["–", "5.00", "s", "–"]


def test_what_was_left_out_is_said() -> None:
    failed = msgspec.structs.replace(pooled(1, total_s=5.0), excluded={"error": 2, "warmup": 1})
    stopped = msgspec.structs.replace(pooled(1, total_s=5.0), excluded={"cancelled": 1})
    assert rows(failed, stopped)["left"] == "out: 2 failed, 1 stopped"


def test_where_all_runs_were_left_out_it_is_not_said_that_there_were_none() -> None:
    failed = msgspec.structs.replace(pooled(0), excluded={"error": 2})
    told = medians.medians(Memory(values={"A": failed, "B": pooled(0)})).plain
    assert told.startswith("No run that counts yet.")
    assert told.endswith("left out: 2 failed")


def contest(a: str, b: str, modes: tuple[Mode, Mode] = ("stream", "stream")) -> Sides:
    """Return two models of one server."""
    url = "http://127.0.0.1:11434"
    models = (Target(protocol="ollama-chat", url=url, model=model) for model in (a, b))
    one, other = (Side(target=t, mode=mode) for t, mode in zip(models, modes, strict=True))
    return Sides(a=one, b=other)


def test_two_models_stand_in_the_heads_and_share_the_rate_of_characters() -> None:
    values = pooled(6, total_s=5.0, server_tok_per_s=50.0, e2e_tok_per_s=40.0, e2e_char_per_s=200.0)
    table = rows(values, values, contest("small", "large"))
    assert table["n=6"].split("  ")[0] == "A small"
    assert "B large" in table["n=6"]
    assert "200" in table["chars/s"]
    assert not {"server", "e2e"} & table.keys()


def test_a_model_against_itself_delivered_another_way_round_shares_tokens() -> None:
    values = pooled(6, total_s=5.0, server_tok_per_s=50.0, e2e_char_per_s=200.0)
    table = rows(values, values, contest("small", "small", ("blocking", "stream")))
    assert table["n=6"].startswith("A blocking  B stream ")
    assert "server" in table
    assert "chars/s" not in table


def test_long_names_take_what_room_there_is_and_keep_what_tells_them_apart() -> None:
    sides = contest("llama3.2-instruct:1b", "llama3.2-instruct:3b")
    values = pooled(2, total_s=5.0)
    assert (
        "A llama3.2-instruct:1b  B llama3.2-instruct:3b" in rows(values, values, sides, 100)["n=2"]
    )
    narrow = rows(values, values, sides, 40)["n=2"]
    assert narrow.startswith("A …")
    assert ":1b " in narrow
    assert ":3b " in narrow


def test_runs_of_a_channel_against_itself_are_left_out_once() -> None:
    failed = msgspec.structs.replace(pooled(1, total_s=5.0), excluded={"error": 2})
    assert rows(failed, failed, contest("small", "small"))["left"] == "out: 2 failed"
