"""What was named once is remembered: small, for its owner alone, and never in the way."""

import stat
from pathlib import Path

import msgspec
import pytest

from streamscope.engines.found import Capabilities, Found
from streamscope.trial import known_servers
from streamscope.trial.known_servers import Known, known, read, remember

URL = "http://box:8000"


def server(*models: str, version: str = "1") -> Found:
    return Found(
        kind="vllm",
        label="vLLM",
        url=f"{URL}/v1",
        protocol="openai-chat",
        version=version,
        models=list(models),
        slots=None,
        capabilities={name: Capabilities(context=4096) for name in models},
    )


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "servers.json"


def test_the_last_one_comes_first_and_a_new_look_replaces_the_old(file: Path) -> None:
    assert read(file) == []
    remember(file, URL, server("a"))
    remember(file, "http://other", server("b"))
    remember(file, URL, server("a", version="2"))
    assert read(file) == [
        Known(url=URL, found=server("a", version="2")),
        Known(url="http://other", found=server("b")),
    ]
    found = known(file, URL)
    assert found is not None
    assert found.about("a").context == 4096
    assert known(file, "http://nowhere") is None
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [each.name for each in file.parent.iterdir()] == ["servers.json"]


def test_it_stays_small(file: Path) -> None:
    many = server(*(f"m{number}" for number in range(known_servers.MOST_MODELS + 5)))
    for number in range(known_servers.MOST + 3):
        remember(file, f"http://h{number}", many)
    kept = read(file)
    assert len(kept) == known_servers.MOST
    assert kept[0].url == f"http://h{known_servers.MOST + 2}"
    assert len(kept[0].found.models) == len(kept[0].found.capabilities) == known_servers.MOST_MODELS


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"\xff", b'{"schema":"streamscope/servers/2","servers":[]}', b"[]"]
)
def test_what_is_no_such_file_is_as_good_as_none_and_replaced(file: Path, content: bytes) -> None:
    file.parent.mkdir()
    file.write_bytes(content)
    assert read(file) == []
    remember(file, URL, server("a"))
    assert [each.url for each in read(file)] == [URL]


def test_nothing_is_written_where_nothing_is_new(file: Path) -> None:
    remember(file, URL, server("a"))
    before = file.stat()
    remember(file, URL, server("a"))
    assert file.stat().st_ino == before.st_ino


def test_where_it_cannot_be_kept_nobody_is_disturbed(tmp_path: Path) -> None:
    in_the_way = tmp_path / "cache"
    in_the_way.write_text("a file where a folder should be")
    remember(in_the_way / "servers.json", URL, server("a"))
    assert read(in_the_way / "servers.json") == []


def test_the_format_names_itself(file: Path) -> None:
    remember(file, URL, server("a"))
    assert msgspec.json.decode(file.read_bytes())["schema"] == known_servers.SCHEMA
