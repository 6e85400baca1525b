"""What the known server writes: the truth that everything is held against must be true itself."""

import json
from typing import Any

import pytest

from benchmarks.known import CHAT, OLLAMA_CHAT, Answer
from benchmarks.meaning_cases import CASES, TOKENS, Case, jittered
from benchmarks.meanings import truth
from benchmarks.scripts import MS, Piece, Plan, regular, whole, writes


def body(data: bytes) -> bytes:
    """Return what chunked framing holds."""
    _, _, rest = data.partition(b"\r\n\r\n")
    found = b""
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        found, rest = found + rest[: int(size, 16)], rest[int(size, 16) + 2 :]
    return found


def deltas(data: bytes) -> list[dict[str, Any]]:
    """Return the deltas of OpenAI's events."""
    events = [line.removeprefix("data: ") for line in body(data).decode().split("\n\n") if line]
    assert events[-1] == "[DONE]"
    chunks = [json.loads(event) for event in events[:-1]]
    return [choice["delta"] for chunk in chunks for choice in chunk["choices"]]


def test_a_regular_answer_is_a_write_a_word_at_equal_distances() -> None:
    script = writes(regular(3, 5, 100), CHAT)
    assert [write.at_ns // MS for write in script] == [0, 100, 105, 110, 115]
    assert [write.texts for write in script] == [0, 1, 1, 1, 0]


def test_pieces_of_one_moment_share_a_write() -> None:
    plan = Plan((Piece(5, "a "), Piece(5, "b "), Piece(9, "c ")), head_ns=5, tail_ns=20, tokens=3)
    script = writes(plan, CHAT)
    assert [(write.at_ns, write.texts) for write in script] == [(5, 2), (9, 1), (20, 0)]
    assert script[0].data.startswith(b"HTTP/1.1 200 OK\r\n")


def test_a_role_is_no_text() -> None:
    plan = Plan((Piece(1, "", "role"), Piece(5, "a ")), head_ns=0, tail_ns=20, tokens=1)
    assert [write.texts for write in writes(plan, CHAT)] == [0, 0, 1, 0]


@pytest.mark.parametrize("name", CASES)
def test_each_case_says_its_tokens_and_sends_as_many_words(name: str) -> None:
    data = b"".join(write.data for write in writes(CASES[name].plan, CHAT))
    found = deltas(data)
    answer = "".join(delta.get("content", "") for delta in found)
    reasoning = "".join(delta.get("reasoning_content", "") for delta in found)
    assert len(answer.split()) == TOKENS - CASES[name].reasoning
    assert len(reasoning.split()) == CASES[name].reasoning
    assert f'"completion_tokens": {TOKENS}'.encode() in data


@pytest.mark.parametrize("name", CASES)
def test_each_case_has_as_many_tokens_in_its_first_write_as_it_says(name: str) -> None:
    case = CASES[name]
    first = next(piece.at_ns for piece in case.plan.pieces if piece.kind != "role")
    texts = [piece.text for piece in case.plan.pieces if piece.at_ns == first]
    assert len("".join(texts).split()) == case.head_tokens


def test_ollamas_lines_end_with_what_the_server_claims() -> None:
    lines = body(b"".join(write.data for write in writes(regular(3, 5, 100), OLLAMA_CHAT)))
    *_, last = map(json.loads, lines.decode().splitlines())
    assert last["done"] is True
    assert (last["eval_count"], last["eval_duration"]) == (3, 10 * MS)


@pytest.mark.parametrize("path", [CHAT, OLLAMA_CHAT])
def test_a_blocking_answer_holds_the_same_text(path: str) -> None:
    (write,) = whole(CASES["reasoning"].plan, path)
    head, _, data = write.data.partition(b"\r\n\r\n")
    assert f"Content-Length: {len(data)}".encode() in head
    said = json.loads(data)
    message = said["message"] if path == OLLAMA_CHAT else said["choices"][0]["message"]
    assert len(message["content"].split()) == TOKENS - CASES["reasoning"].reasoning


def test_jitter_is_the_same_each_time_and_has_its_stall() -> None:
    assert jittered(20, 5) == jittered(20, 5)
    assert max(jittered(20, 5)) == 300.0


def punctual(case: Case) -> Answer:
    """Return the log of a server that was on time to the nanosecond."""
    script = writes(case.plan, CHAT)
    at = [write.at_ns for write in script]
    return Answer(1, CHAT, True, 0, at, at, at, [write.texts for write in script])


@pytest.mark.parametrize("name", ["plain", "chunks", "reasoning", "late-headers", "several"])
def test_the_truth_of_a_steady_case_is_its_pace(name: str) -> None:
    case = CASES[name]
    figures = truth(case, [punctual(case)])
    assert figures.ttft_ms == 500
    assert figures.token_ms == pytest.approx(5)
    assert figures.rate == pytest.approx(200)


def test_the_truth_tells_the_answer_from_the_reasoning_before_it() -> None:
    case = CASES["reasoning"]
    figures = truth(case, [punctual(case)])
    assert figures.ttft_ms == 500
    assert figures.answer_ms == 500 + 50 * 5
