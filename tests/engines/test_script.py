"""What the simulator says, and when it plans to: repeatable, in bounds, and plainly simulated."""

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamscope.engines.profiles import PROFILES, Profile
from streamscope.engines.prose import PREFIX
from streamscope.engines.script import Ask, Script, write

profiles = st.builds(
    Profile,
    prefill_s=st.floats(0, 10),
    tokens_per_s=st.floats(0.5, 5000),
    tokens=st.integers(1, 300),
    thinking_share=st.floats(0, 0.95),
    silent=st.booleans(),
    jitter=st.floats(0, 0.99),
    stall_share=st.floats(0, 1),
    stall_s=st.floats(0, 5),
    tokens_per_chunk=st.integers(1, 9),
    batch_s=st.floats(0, 0.1),
)
asks = st.builds(
    Ask,
    prompt=st.text(max_size=200),
    topic=st.text(max_size=200),
    seed=st.none() | st.integers(),
    max_tokens=st.none() | st.integers(1, 400),
    stop=st.lists(st.text(max_size=4), max_size=3).map(tuple),
    think=st.none() | st.booleans(),
)


def clockwork() -> random.Random:
    return random.Random(1)


def text(script: Script, kind: str = "answer") -> str:
    return "".join(token.text for token in script.tokens if token.kind == kind)


@given(ask=asks, profile=profiles)
def test_the_text_depends_on_the_request_alone(ask: Ask, profile: Profile) -> None:
    one, other = write(ask, profile, random.Random(1)), write(ask, profile, random.Random(2))
    assert [token.text for token in one.tokens] == [token.text for token in other.tokens]


@given(ask=asks, profile=profiles)
def test_limits_are_kept(ask: Ask, profile: Profile) -> None:
    script = write(ask, profile, clockwork())
    limit = profile.tokens if ask.max_tokens is None else min(profile.tokens, ask.max_tokens)
    assert len(script.tokens) <= limit
    if script.ended == "length":
        assert len(script.tokens) == ask.max_tokens
    if ask.think is False:
        assert text(script, "reasoning") == ""


@given(ask=asks, profile=profiles)
def test_pieces_are_the_tokens_in_order_and_on_time(ask: Ask, profile: Profile) -> None:
    script = write(ask, profile, clockwork())
    pieces = list(script.pieces())
    assert sum(piece.tokens for piece in pieces) == len(script.tokens)
    if not profile.batch_s:
        assert all(piece.tokens <= profile.tokens_per_chunk for piece in pieces)
    said = "".join(piece.text for piece in pieces if piece.kind == "answer")
    assert said == text(script)
    hidden = "".join(piece.text for piece in pieces if piece.kind == "reasoning")
    assert hidden == ("" if script.silent else text(script, "reasoning"))
    times = [profile.prefill_s, *(piece.at_s for piece in pieces)]
    assert all(earlier <= later for earlier, later in pairwise(times))


@given(ask=asks, profile=profiles)
def test_every_answer_says_that_it_is_simulated(ask: Ask, profile: Profile) -> None:
    said = text(write(ask, profile, clockwork()))
    unstopped = not any(ask.stop)
    assert said.startswith(PREFIX) if said and unstopped else PREFIX.startswith(said[: len(PREFIX)])


@pytest.mark.parametrize("stop", [" model", "mod", "tion “x”", "]", "[simulated] "])
def test_a_stop_text_ends_the_answer_before_it(stop: str) -> None:
    plain = text(write(Ask(prompt="x", topic="x"), PROFILES["steady"], clockwork()))
    assert stop in plain
    script = write(Ask(prompt="x", topic="x", stop=(stop,)), PROFILES["steady"], clockwork())
    before = plain[: plain.index(stop)]
    assert text(script).startswith(before)
    assert stop not in text(script)
    assert script.ended == "stop"


def test_other_seeds_give_other_texts() -> None:
    asked = [Ask(prompt="x", topic="x", seed=seed) for seed in (None, 0, 1, 2)]
    assert len({text(write(ask, PROFILES["steady"], clockwork())) for ask in asked}) == len(asked)


def test_braces_and_lines_of_a_prompt_are_quoted_as_they_are() -> None:
    topic = "{topic} {0}\n%s"
    assert "“{topic} {0} %s”" in text(
        write(Ask(prompt=topic, topic=topic), PROFILES["steady"], clockwork())
    )


def test_without_jitter_every_token_has_its_exact_time() -> None:
    profile = Profile(prefill_s=0.2, tokens_per_s=50, tokens=100)
    script = write(Ask(prompt="x", topic="x"), profile, clockwork())
    planned = [0.2 + index / 50 for index in range(100)]
    assert [token.at_s for token in script.tokens] == pytest.approx(planned, abs=1e-9)


def test_stalls_and_jitter_change_times_and_repeats_differ() -> None:
    profile = PROFILES["stalls"]
    clock = clockwork()
    ask = Ask(prompt="x", topic="x")
    one, other = ([token.at_s for token in write(ask, profile, clock).tokens] for _ in range(2))
    assert one != other
    gaps = [later - earlier for earlier, later in pairwise(one)]
    assert max(gaps) >= profile.stall_s
    assert min(gaps) >= (1 - profile.jitter) / profile.tokens_per_s - 1e-9


@pytest.mark.parametrize(
    ("name", "first_answer_s", "total_s", "thinking", "tokens"),
    [("m1-short", 7.69, 8.15, 328, 349), ("m1-long", 9.71, 20.13, 468, 997)],
)
def test_the_published_experiment_is_played_again(
    name: str, first_answer_s: float, total_s: float, thinking: int, tokens: int
) -> None:
    script = write(Ask(prompt="x", topic="x"), PROFILES[name], clockwork())
    shown = [piece for piece in script.pieces() if piece.text]
    assert shown[0].at_s == pytest.approx(first_answer_s, abs=0.05)
    assert shown[-1].at_s == pytest.approx(total_s, abs=0.05)
    assert sum(token.kind == "reasoning" for token in script.tokens) == thinking
    assert len(script.tokens) == tokens
    assert all(piece.kind == "answer" for piece in shown)


def test_thinking_that_was_asked_for_is_never_secret() -> None:
    script = write(Ask(prompt="x", topic="x", think=True), PROFILES["m1-short"], clockwork())
    assert next(script.pieces()).text


@pytest.mark.parametrize(
    "values",
    [
        {"tokens_per_s": 0.0},
        {"tokens": 0},
        {"thinking_share": 1.0},
        {"jitter": 1.0},
        {"stall_share": 1.1},
        {"prefill_s": -1.0},
        {"load_s": float("nan")},
        {"tokens_per_chunk": 0},
        {"batch_s": -1.0},
        {"fail_at": -1},
    ],
)
def test_a_profile_that_cannot_be_played_is_refused(values: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=f"^{next(iter(values))} of a profile is out of range"):
        Profile(**values)  # type: ignore[arg-type] # the wrong values are the point


def test_a_batch_is_sent_when_its_time_is_over() -> None:
    profile = Profile(prefill_s=1.0, tokens_per_s=100, tokens=20, batch_s=0.055)
    pieces = list(write(Ask(prompt="x", topic="x"), profile, clockwork()).pieces())
    assert [piece.tokens for piece in pieces] == [6, 6, 6, 2]
    # Each but the last waits for the whole of its time; the last only for its tokens.
    assert [piece.at_s for piece in pieces] == pytest.approx([1.055, 1.115, 1.175, 1.19])


def test_whoever_asks_decides_how_tokens_are_gathered() -> None:
    profile = Profile(tokens_per_s=100, tokens=20, batch_s=0.055)

    def pieces(**how: float) -> int:
        ask = Ask(prompt="x", topic="x", **how)  # type: ignore[arg-type] # members by name
        return len(list(write(ask, profile, clockwork()).pieces()))

    assert pieces() == 4
    assert pieces(batch_s=0.105) == 2
    assert pieces(tokens_per_chunk=5) == 4
    assert pieces(tokens_per_chunk=1) == pieces(batch_s=0.0) == 20


def test_a_profile_knows_about_how_long_it_takes() -> None:
    assert Profile(prefill_s=2.0, tokens_per_s=10, tokens=11).usual_s == pytest.approx(3.0)
