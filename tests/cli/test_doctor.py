"""``streamscope doctor`` tells what is there and what is wrong, changes nothing, shows no key."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
import pytest_asyncio

from streamscope.cli.doctor import examine
from streamscope.cli.doctor.findings import Findings
from streamscope.cli.doctor.words import WIDTH, lines
from streamscope.history import History
from streamscope.probe.client import Probe, ProbeError
from streamscope.trial import servers as servers_module

if TYPE_CHECKING:
    from tests.cli.conftest import Cli, Shell

PAGES: dict[str, Any] = {
    "/api/version": {"version": "0.33.0\x1b[31m"},
    "/api/tags": {
        "models": [
            {
                "name": f"m{number}",
                "capabilities": ["completion", "thinking"],
                "details": {"parameter_size": "4B"},
            }
            for number in range(10)
        ]
    },
    "/api/ps": {"models": [{"name": "m3", "context_length": 4096}]},
}
CANARY = "sk-canary-0123456789"


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer as Ollama does, once."""
    head = await reader.readuntil(b"\r\n\r\n")
    page = PAGES.get(head.split()[1].decode())
    body = msgspec.json.encode(page or {})
    status = b"200 OK" if page else b"404 Not Found"
    writer.write(b"HTTP/1.1 %b\r\nContent-Length: %d\r\n\r\n%b" % (status, len(body), body))
    await writer.drain()
    writer.close()


@pytest_asyncio.fixture(loop_scope="session")
async def ollama() -> AsyncIterator[str]:
    """The URL of a server that says that it is Ollama."""
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the usual ports of the machine alone: whatever listens there is not of the test."""
    monkeypatch.setattr(servers_module, "USUAL", ())


async def examined(url: str = "") -> Findings:
    return await examine.Examination(url).carry_out()


def made_in(folder: Path) -> list[str]:
    return [each.name for each in folder.iterdir()]


def sentences(findings: Findings) -> dict[str, str]:
    return {problem.area: problem.sentence for problem in findings.problems}


@pytest.mark.asyncio(loop_scope="session")
async def test_a_server_is_described_with_its_models(
    ollama: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OLLAMA_HOST", ollama)
    findings = await examined()
    (server,) = findings.servers
    assert (server.kind, server.url, server.variable) == ("ollama", ollama, "OLLAMA_HOST")
    assert next(iter(server.models)) == "m3"
    assert server.models["m3"].words == "4B · thinks · 4k context · loaded"
    assert findings.choice.endswith("with m3.")
    assert findings.problems == []
    told = "\n".join(lines(findings))
    assert "named by OLLAMA_HOST" in told
    assert "and 2 more" in told
    assert told.endswith("Nothing is wrong.")
    assert "\x1b" not in told
    assert max(map(len, told.splitlines())) <= max(
        WIDTH, *(len(file.path) + 40 for file in findings.files)
    )


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (
            "b = 'qwen3:8b blocking'",
            "A: Ollama answers at {place} with m3. B: qwen3:8b · blocking.",
        ),
        (
            "b = 'gpu.example:9000 m text'",
            "A: Ollama answers at {place} with m3. B: gpu.example:9000 · text · m.",
        ),
        ("a = 'blocking'", "A, blocking: Ollama answers at {place} with m3. B: the same."),
    ],
)
@pytest.mark.asyncio(loop_scope="session")
async def test_channels_of_the_config_file_are_told_of_both(
    ollama: str, monkeypatch: pytest.MonkeyPatch, home: Path, said: str, told: str
) -> None:
    monkeypatch.setenv("OLLAMA_HOST", ollama)
    (home / "config").mkdir()
    (home / "config" / "config.toml").write_text(said)
    findings = await examined()
    place = ollama.removeprefix("http://")
    said_of_a = findings.choice.replace(", which OLLAMA_HOST names,", "")
    assert said_of_a == told.format(place=place)
    assert findings.problems == []


@pytest.mark.asyncio(loop_scope="session")
async def test_the_key_of_the_person_is_that_of_the_first_server_named(
    ollama: str, monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    monkeypatch.setenv("OLLAMA_HOST", ollama)
    monkeypatch.setenv("STREAMSCOPE_API_KEY", CANARY)
    (home / "config").mkdir()
    (home / "config" / "config.toml").write_text("b = 'https://gpu.example m'")
    assert [key.place for key in (await examined()).keys] == ["gpu.example:443"]
    (home / "config" / "config.toml").write_text(f"url = '{ollama}'\nb = 'https://gpu.example m'")
    assert [key.place for key in (await examined()).keys] == [ollama.removeprefix("http://")]


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        (
            "b = 'stream blocking'",
            "The config file is wrong: b says two modes, stream and blocking: say one.",
        ),
        ("b = 'local n'", "The local engine serves one model of its own, not n: "),
    ],
)
@pytest.mark.asyncio(loop_scope="session")
async def test_channels_that_mean_nothing_are_a_problem_and_the_rest_is_told(
    ollama: str, monkeypatch: pytest.MonkeyPatch, home: Path, said: str, sentence: str
) -> None:
    monkeypatch.setenv("OLLAMA_HOST", ollama)
    (home / "config").mkdir()
    (home / "config" / "config.toml").write_text(said)
    findings = await examined()
    (problem,) = findings.problems
    assert problem.area == "config"
    assert problem.sentence.startswith(sentence)
    assert findings.choice.endswith("with m3.")


@pytest.mark.asyncio(loop_scope="session")
async def test_from_a_shell_as_text_and_as_json(shell: "Shell", home: Path, ollama: str) -> None:
    text = await shell("doctor", ollama)
    assert text.code == 0
    assert text.out.startswith("streamscope ")
    assert "Ollama 0.33.0" in text.out
    whole = await shell("doctor", ollama, "--format", "json")
    findings = msgspec.json.decode(whole.out, type=Findings)
    assert (whole.code, findings.schema, findings.problems) == (0, "streamscope/doctor/1", [])
    assert ollama in [server.url for server in findings.servers]
    assert made_in(home) == ["config"], "nothing but what was there"
    assert made_in(home / "config") == ["config.toml"]


@pytest.mark.asyncio(loop_scope="session")
async def test_a_server_that_was_named_and_does_not_answer_is_a_problem(free_port: int) -> None:
    findings = await examined(f"http://127.0.0.1:{free_port}")
    assert f"127.0.0.1:{free_port}" in sentences(findings)["server"]


@pytest.mark.asyncio(loop_scope="session")
async def test_a_dead_server_that_the_environment_names_is_a_problem(
    free_port: int, monkeypatch: pytest.MonkeyPatch, ollama: str
) -> None:
    monkeypatch.setenv("OLLAMA_HOST", f"127.0.0.1:{free_port}")
    monkeypatch.setenv("OPENAI_BASE_URL", f"{ollama}/v1")
    findings = await examined(ollama)
    (problem,) = findings.problems
    assert problem.area == "server"
    assert problem.sentence == (
        f"OLLAMA_HOST names 127.0.0.1:{free_port}, where no server that we know answers: start "
        "it, or set OLLAMA_HOST anew or not at all."
    )
    assert f"OLLAMA_HOST names 127.0.0.1:{free_port}" in (await examined()).choice


@pytest.mark.asyncio(loop_scope="session")
async def test_keys_are_told_by_their_names_and_places_and_never_shown(
    monkeypatch: pytest.MonkeyPatch, home: Path, ollama: str
) -> None:
    monkeypatch.setenv("STREAMSCOPE_API_KEY", CANARY)
    monkeypatch.setenv("OPENAI_API_KEY", CANARY)
    monkeypatch.setenv("OPENAI_BASE_URL", f"{ollama}/v1")
    monkeypatch.setenv("ANTHROPIC_API_KEY", f"{CANARY} and more")
    monkeypatch.setenv("ANTHROPIC_BASE_URL", f"{ollama}/x")
    monkeypatch.setenv("VLLM_API_KEY", CANARY)
    (home / "config").mkdir()
    (home / "config" / "config.toml").write_text(
        "[key_command]\n'model.example' = '/no/such/program show-it'\n"
        "'b:1' = ['sh', '-c', 'exit 1']\n"
    )
    findings = await examined(ollama)
    place = ollama.removeprefix("http://")
    assert [(key.source, key.place) for key in findings.keys] == [
        ("STREAMSCOPE_API_KEY", place),
        ("OPENAI_API_KEY", place),
        ("ANTHROPIC_API_KEY", place),
        ("VLLM_API_KEY", "127.0.0.1:8000"),
        ("key_command", "model.example"),
        ("key_command", "b:1"),
    ]
    said = [problem.sentence for problem in findings.problems if problem.area == "key"]
    held, missing = said
    assert held == "ANTHROPIC_API_KEY holds characters that no key has: set it anew."
    assert missing.startswith("The program of the key_command for model.example was not found")
    for told in (
        "\n".join(lines(findings)),
        msgspec.json.encode(findings).decode(),
        repr(findings),
    ):
        assert "canary" not in told
        assert "show-it" not in told


@pytest.mark.asyncio(loop_scope="session")
async def test_a_key_that_would_travel_in_the_open_is_a_problem(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", CANARY)
    monkeypatch.setenv("OPENAI_BASE_URL", "http://10.255.255.1:8000/v1")
    findings = await examined()
    assert "unencrypted HTTP" in sentences(findings)["key"]
    assert "unencrypted HTTP" in findings.choice, "it is the reason why another one is chosen"
    assert [problem.area for problem in findings.problems] == ["key"], "told once, as what it is"
    assert "10.255.255.1:8000    not asked" in "\n".join(lines(findings))


@pytest.mark.asyncio(loop_scope="session")
async def test_a_server_that_was_named_and_may_not_get_its_key_is_not_called_dead(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("STREAMSCOPE_API_KEY", CANARY)
    findings = await examined("http://10.255.255.1:8000/v1")
    assert [problem.area for problem in findings.problems] == ["key"]
    assert findings.unasked == ["10.255.255.1:8000"]
    told = "\n".join(lines(findings))
    assert told.count("unencrypted HTTP") == 1
    assert "  No other server answers where one is named" in told


@pytest.mark.asyncio(loop_scope="session")
async def test_everything_that_is_wrong_is_told_at_once(
    monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    (home / "config").mkdir()
    (home / "config" / "config.toml").write_text("modell = 1\n")
    (home / "data").mkdir()
    (home / "data" / "history.db").write_bytes(b"no database, and long enough to be one " * 99)
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "ftp://me:secret@x")

    async def fail(_probe: Probe) -> None:
        raise ProbeError("It did not start.")

    monkeypatch.setattr(Probe, "start", fail)
    before = (home / "data" / "history.db").read_bytes()
    findings = await examined()
    assert {"config", "history", "probe", "environment"} == set(sentences(findings))
    assert (findings.servers, findings.times.ready_s) == ([], None)
    told = "\n".join(lines(findings))
    assert "4 problems" in told
    assert "secret" not in told
    assert all(problem.sentence.endswith(".") for problem in findings.problems)
    assert (home / "data" / "history.db").read_bytes() == before
    assert [file.name for file in (home / "data").iterdir()] == ["history.db"]


def test_a_history_that_is_well_is_only_looked_at(home: Path, cli: "Cli") -> None:
    History.open(home / "data" / "history.db").close()
    before = (home / "data" / "history.db").stat().st_mtime_ns
    done = cli("doctor", "--format", "json")
    files = {file.name: file for file in msgspec.json.decode(done.out, type=Findings).files}
    assert files["history"].exists
    assert files["history"].bytes
    assert not files["config"].exists
    assert (home / "data" / "history.db").stat().st_mtime_ns == before


def test_what_means_nothing_is_refused(cli: "Cli") -> None:
    assert cli("doctor", "nowhere").code == 2
    assert cli("doctor", "--format", "xml").code == 2
