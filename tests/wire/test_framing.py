"""Framing loses nothing, invents nothing, and does not depend on where reads end."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamscope.wire.framing import LineSplitter, SseComment, SseEvent, SseItem, SseSplitter


def parse(
    reads: Sequence[bytes], limit: int = 1 << 20, *, raw: bool = False
) -> tuple[list[SseItem], bool, bool]:
    splitter = SseSplitter(limit, raw=raw)
    items = [item for read in reads for item in splitter.feed(read)]
    items += splitter.finish()
    return items, splitter.unterminated, splitter.overflow


def singles(data: bytes) -> list[bytes]:
    return [data[i : i + 1] for i in range(len(data))]


E = SseEvent
C = SseComment

# The table of the wire reference, row by row: the reads, then the items and whether the last
# event was unterminated.
VECTORS: list[tuple[list[bytes], list[SseItem], bool]] = [
    ([b'data: {"a":1}\n\n'], [E(b'{"a":1}')], False),
    ([b'data:{"a":1}\r\n\r\n'], [E(b'{"a":1}')], False),
    ([b"data: x\r", b"\n\r", b"\ndata: y\r\r"], [E(b"x"), E(b"y")], False),
    ([b"\xef", b"\xbb\xbfdata: 1\n\n"], [E(b"1")], False),
    ([b": ping\n\n"], [C(b" ping")], False),
    ([b":\n\n"], [C(b"")], False),
    ([b"id: 7\ndata: a\n\n: ping\n\ndata: b\n\n"], [E(b"a"), C(b" ping"), E(b"b")], False),
    ([b"data: a\ndata: b\n\n"], [E(b"a\nb")], False),
    ([b'event: ping\ndata: {"type":"ping"}\n\n'], [E(b'{"type":"ping"}', "ping")], False),
    (
        [b'data: {"t":"', b"\xe2\x82", b"\xac", b'"}\n\n'],
        [E('{"t":"€"}'.encode())],
        False,
    ),
    (
        [b'data: {"t":"a\xe2\x80\xa8b"}\n\n'],
        [E('{"t":"a\N{LINE SEPARATOR}b"}'.encode())],
        False,
    ),
    ([b"data: 1\n\ndata: 2\n\n"], [E(b"1"), E(b"2")], False),
    ([b"data: [DONE]"], [E(b"[DONE]")], True),
    ([b"data\n\n"], [E(b"")], False),
    ([b"event: done\n\ndata: z\n\n"], [E(b"", "done"), E(b"z")], False),
    ([b"retry: 3000\n\n"], [], False),
]

# What servers do beside the specification.
TOLERANCES: list[tuple[list[bytes], list[SseItem], bool]] = [
    # Only the first byte order mark is one.
    ([b"\xef\xbb\xbf\xef\xbb\xbfdata: 1\n\n"], [], False),
    ([b"\xef\xbb"], [], False),
    # The end of a stream in every state.
    ([b'data: {"a":1}\n'], [E(b'{"a":1}')], True),
    ([b"event: end\n"], [E(b"", "end")], True),
    ([b"event: ping\n\n"], [], False),
    ([b"data: a\n\n: bye"], [E(b"a"), C(b" bye")], False),
    # A keep-alive inside data (a proxy before Vertex).
    ([b"data: : keepalive\n\n"], [C(b" keepalive")], False),
    # A comment neither ends an event nor is a part of it.
    ([b"data: a\n: ping\ndata: b\n\n"], [C(b" ping"), E(b"a\nb")], False),
    # A single line feed between events.
    (
        [b'data: {"a":1}\ndata: {"b":2}\ndata: [DONE]\n'],
        [E(b'{"a":1}'), E(b'{"b":2}'), E(b"[DONE]")],
        True,
    ),
    ([b'data: "a"\ndata: "b"\n\n'], [E(b'"a"'), E(b'"b"')], False),
    ([b"data: Nile\ndata: [DONE]\n\n"], [E(b"Nile"), E(b"[DONE]")], False),
    # JSON laid out over several data lines is one event.
    ([b'data: {\ndata: "a": 1\ndata: }\n\n'], [E(b'{\n"a": 1\n}')], False),
    # JSON without a prefix: in one line, in several, before and after events.
    ([b'{"error":"x"}\n'], [E(b'{"error":"x"}')], False),
    ([b'data: {"a":1}\n\n{"error":"x"}'], [E(b'{"a":1}'), E(b'{"error":"x"}')], False),
    (
        [b'{\n  "error": "x"\n}\ndata: {"a":1}\n\n'],
        [E(b'{\n  "error": "x"\n}'), E(b'{"a":1}')],
        False,
    ),
    ([b"[DONE]\n"], [E(b"[DONE]")], False),
    ([b'{"a":\ndata: b\n\n'], [E(b'{"a":'), E(b"b")], False),
    # Older llama.cpp.
    ([b'error: {"message":"x"}\n\n'], [E(b'{"message":"x"}', "error")], False),
    # Names are given to what they stand before, and to nothing else.
    (
        [b"event: token\ndata: a\n\ndata: b\n\n"],
        [E(b"a", "token"), E(b"b")],
        False,
    ),
    ([b'event: done\ndata: {"n":1}\n\n'], [E(b'{"n":1}', "done")], False),
    # One space belongs to the framing, the second to the text.
    ([b"data:  two\n\n"], [E(b" two")], False),
    # Lines that mean nothing.
    ([b"<html>\n\ndatum: x\n\n"], [], False),
]


@pytest.mark.parametrize(("reads", "items", "unterminated"), VECTORS + TOLERANCES)
@pytest.mark.parametrize("cut", ["as given", "whole", "bytes"])
def test_vectors(reads: list[bytes], items: list[SseItem], unterminated: bool, cut: str) -> None:
    whole = b"".join(reads)
    fed = {"as given": reads, "whole": [whole], "bytes": singles(whole)}[cut]
    assert parse(fed) == (items, unterminated, False)


# Bare text as data: what would be a form of JSON streams may be what a model said.
BARE: list[tuple[bytes, list[SseItem]]] = [
    (b"data: :\n\ndata:  :)\n\n", [E(b":"), E(b" :)")]),
    (b": ping\n\ndata: a\n\n", [C(b" ping"), E(b"a")]),
    (b"data: 1\ndata: 2\n\n", [E(b"1\n2")]),
    (b"data:  \n\ndata: \ndata: \n\n", [E(b" "), E(b"\n")]),
    (b'data: {"a":1}\ndata: {"b":2}\n\n', [E(b'{"a":1}'), E(b'{"b":2}')]),
    (b'data: "a"\ndata: "b"\n\n', [E(b'"a"'), E(b'"b"')]),
    (b"data: Nile\ndata: [DONE]\n\n", [E(b"Nile"), E(b"[DONE]")]),
]


@pytest.mark.parametrize(("data", "items"), BARE)
def test_bare_text_is_left_as_it_is(data: bytes, items: list[SseItem]) -> None:
    for reads in ([data], singles(data)):
        assert parse(reads, raw=True) == (items, False, False)


def test_whole_objects_come_before_their_blank_line() -> None:
    # A stream with single line feeds would otherwise show each token one token late.
    splitter = SseSplitter()
    assert splitter.feed(b'data: {"a":1}\n') == [E(b'{"a":1}')]
    assert splitter.feed(b"\n") == []


def test_the_first_meaningless_line_is_kept() -> None:
    splitter = SseSplitter()
    splitter.feed(b"id: 1\nretry: 2\n<html>\n<body>\n")
    assert splitter.ignored == b"<html>"


PIECES = st.sampled_from(
    [b"data:", b"data: ", b"event: ", b"done", b"end", b"error: ", b"id: 1", b"retry: 1", b":",
     b"\n", b"\r", b"\r\n", b"\n\n", b"\r\r", b"\xef\xbb\xbf", b"\xe2\x80\xa8", b'{"a":1}', b"{",
     b"}", b"[", b"]", b"[DONE]", b"x", b" ", b'"s"', b"1", b"\x0b", b"\x85", b"\x00"]
)  # fmt: skip


@st.composite
def cut_bytes(draw: st.DrawFn) -> tuple[bytes, list[bytes]]:
    """Bytes that look like a stream, and the same bytes cut anywhere."""
    data = b"".join(draw(st.lists(PIECES | st.binary(max_size=4), max_size=40)))
    ends = sorted(draw(st.lists(st.integers(0, len(data)), max_size=12)))
    return data, [data[a:b] for a, b in zip([0, *ends], [*ends, len(data)], strict=True)]


@given(cut_bytes(), st.sampled_from([4, 16, 1 << 20]), st.booleans())
def test_events_do_not_depend_on_the_reads(
    cut: tuple[bytes, list[bytes]], limit: int, raw: bool
) -> None:
    data, reads = cut
    whole = parse([data], limit, raw=raw)
    assert parse(reads, limit, raw=raw) == whole
    assert parse(singles(data), limit, raw=raw) == whole


@given(cut_bytes(), st.booleans(), st.sampled_from([4, 1 << 20]))
def test_lines_do_not_depend_on_the_reads(
    cut: tuple[bytes, list[bytes]], cr_ends_line: bool, limit: int
) -> None:
    def lines(reads: list[bytes]) -> tuple[list[bytes], bytes, bool]:
        splitter = LineSplitter(cr_ends_line=cr_ends_line, limit=limit)
        found = [line for read in reads for line in splitter.feed(read)]
        return found, splitter.finish(), splitter.overflow

    data, reads = cut
    assert lines(reads) == lines([data]) == lines(singles(data))


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=8)))
def test_only_line_feeds_split_lines(texts: list[str]) -> None:
    # U+2028, form feed, U+0085 and their like are part of a line.
    encoded = [text.encode() for text in texts]
    assert LineSplitter().feed(b"".join(line + b"\n" for line in encoded)) == encoded


def test_ndjson_drops_one_cr_and_keeps_the_rest() -> None:
    splitter = LineSplitter()
    assert splitter.feed(b'{"a":1}\r\n\n{"b"\r:2}\r\r\n{"c":3}') == [
        b'{"a":1}', b"", b'{"b"\r:2}\r',
    ]  # fmt: skip
    assert splitter.finish() == b'{"c":3}'


class Counted(bytes):
    """Bytes that count how many of them were looked through."""

    searched = 0

    def split(self, sep: bytes | None = None, maxsplit: int = -1) -> list[bytes]:  # type: ignore[override]  # bytes takes any buffer
        type(self).searched += len(self)
        return super().split(sep, maxsplit)


def test_a_long_line_in_tiny_reads_is_searched_once() -> None:
    size = 20_000
    Counted.searched = 0
    splitter = LineSplitter()
    for _ in range(size):
        assert splitter.feed(Counted(b"xy")) == []
    assert splitter.feed(Counted(b"\n")) == [b"xy" * size]
    # Were the line searched again at each read, this would be in the order of size².
    assert Counted.searched == 2 * size + 1


@pytest.mark.parametrize("reads", [[b"data: " + b"x" * 30], singles(b"data: " + b"x" * 30)])
def test_a_line_beyond_the_limit_ends_it(reads: list[bytes]) -> None:
    splitter = SseSplitter(limit=32)
    before = splitter.feed(b"data: 1\n\n")
    after = [item for read in reads for item in splitter.feed(read)]
    assert before == [E(b"1")]
    assert after == []
    assert splitter.overflow
    assert splitter.feed(b"\n\ndata: 2\n\n") == []
    assert splitter.finish() == []


def test_an_event_of_many_lines_is_bounded_too() -> None:
    items, _, overflow = parse([b"data: a\n\n", b"data: xxxxxxxx\n" * 5, b"\ndata: b\n\n"], 32)
    assert items == [E(b"a")]
    assert overflow


def test_the_limit_itself_is_allowed() -> None:
    assert parse([b"data: " + b"x" * 26 + b"\n\n"], 32) == ([E(b"x" * 26)], False, False)
    assert parse([b"data: x\ndata: x\n\n"], 7) == ([E(b"x\nx")], False, False)
