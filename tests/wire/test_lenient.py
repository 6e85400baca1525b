"""JSON that strict readers refuse and servers send all the same."""

from typing import Any

import msgspec
import pytest

from streamscope.wire.lenient import NotValidError, decode, encode, encode_text, is_json

ANY: msgspec.json.Decoder[Any] = msgspec.json.Decoder()


class Line(msgspec.Struct):
    text: str | None = None
    rate: float | None = None


LINE = msgspec.json.Decoder(Line)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (rb'{"text":"\ud83d"}', "\N{REPLACEMENT CHARACTER}"),
        (rb'{"text":"a\ud83dz"}', "a\N{REPLACEMENT CHARACTER}z"),
        (rb'{"text":"\udc00\ud83d"}', "\N{REPLACEMENT CHARACTER}" * 2),
        (rb'{"text":"\ud83d\ude00"}', "😀"),
        (rb'{"other":"\ud83d","text":"x"}', "x"),
        (b'{"text":"\xff"}', "\N{REPLACEMENT CHARACTER}"),
        (b'{"text":"a\x01\nb"}', "a\x01\nb"),
        (b'{"text":"x","rate":NaN}', "x"),
        (b'{"text":"x","count":1e999}', "x"),
        (b'{"text":"x","count":' + b"9" * 5000 + b"}", "x"),
        (b'{"text":"x","rate":-Infinity}', "x"),
    ],
)
def test_odd_strings_are_repaired(data: bytes, text: str) -> None:
    assert decode(data, LINE) == Line(text=text)
    assert is_json(data)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b'{"text":',
        b'{"text":"a"}{"text":"b"}',
        b'{"text":"a"} x',
        b"Nile",
        b"[" * 100_000,
        b'{"a":' * 100_000,
    ],
)
def test_what_is_no_json_is_refused(data: bytes) -> None:
    with pytest.raises(NotValidError):
        decode(data, ANY)
    assert not is_json(data)


@pytest.mark.parametrize(
    "data", [b'{"text":5}', b'{"rate":"fast"}', b"[]", b'{"text":["\\ud83d"]}']
)
def test_wrong_types_are_refused_with_their_place(data: bytes) -> None:
    with pytest.raises(NotValidError, match="Expected"):
        decode(data, LINE)


def test_requests_can_always_be_encoded() -> None:
    assert (
        encode({"prompt": "é\ud800", "n": 1})
        == '{"prompt":"é\N{REPLACEMENT CHARACTER}","n":1}'.encode()
    )
    assert encode_text("é\ud800\ud83d\ude00") == "é\N{REPLACEMENT CHARACTER}😀".encode()
