"""A command line means something, or costs one sentence and exit code 2."""

import io
from pathlib import Path

import pytest

from streamscope import __version__
from streamscope.cli import arguments, channels, main, run_arguments, start
from streamscope.cli.parsing import UsageError
from streamscope.cli.run_arguments import parse_run
from streamscope.settings import Config, RequestDefaults
from streamscope.wire.registry import PROTOCOLS

CODE_USAGE = 2


def refuse(capsys: pytest.CaptureFixture[str], *argv: str) -> str:
    """Return the sentence with which a command line is refused."""
    try:
        code: object = main(argv)
    except SystemExit as left:
        code = left.code
    assert code == CODE_USAGE
    out, err = capsys.readouterr()
    assert out == ""
    assert "Traceback" not in err
    return err.rstrip("\n").rpartition("\n")[2]


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--temperature", "nan"),
        ("--temperature", "-0.1"),
        ("--temperature", "inf"),
        ("--temperature", "warm"),
        ("--top-p", "nan"),
        ("--seed", "1.5"),
        ("--seed", "9" * 30),
        ("--max-tokens", "0"),
        ("--max-tokens", "9" * 30),
        ("--repeat", "0"),
        ("--repeat", "1001"),
        ("--repeat", "-3"),
        ("--warmup", "-1"),
        ("--timeout", "0"),
        ("--timeout", "nan"),
        ("--stall-timeout", "-1"),
        ("--order", "chess"),
        ("--format", "xml"),
        ("--engine", "steam"),
        ("--protocol", "telnet"),
        ("--think", "hard"),
    ],
)
def test_a_value_that_means_nothing(
    capsys: pytest.CaptureFixture[str], option: str, value: str
) -> None:
    sentence = refuse(capsys, "run", "Why?", f"{option}={value}")
    assert option in sentence
    assert value in sentence


@pytest.mark.parametrize("prompt", ["", "   ", "\n"])
def test_an_empty_prompt(capsys: pytest.CaptureFixture[str], prompt: str) -> None:
    assert "The prompt is empty" in refuse(capsys, "run", prompt)


def test_no_prompt_at_all(capsys: pytest.CaptureFixture[str]) -> None:
    assert "PROMPT" in refuse(capsys, "run")


def test_a_file_that_is_not_there(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    sentence = refuse(capsys, "run", f"@{tmp_path}/none.txt")
    assert f"can't be read from {tmp_path}/none.txt: No such file" in sentence


def test_a_file_that_is_no_text(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "picture.png"
    file.write_bytes(b"\x89PNG\xff")
    assert "not UTF-8" in refuse(capsys, "run", f"@{file}")


@pytest.mark.parametrize("argv", [("run", "\udcff"), ("run", "x", "--system", "\udcff")])
def test_bytes_that_are_no_text(capsys: pytest.CaptureFixture[str], argv: tuple[str, ...]) -> None:
    assert "not UTF-8" in refuse(capsys, *argv)


@pytest.mark.parametrize("said", ["num_ctx", "=5", f"n={'9' * 30}"])
def test_a_parameter_that_is_none(
    capsys: pytest.CaptureFixture[str], home: Path, said: str
) -> None:
    assert "--param" in refuse(capsys, "run", "x", "--engine=simulator", "--param", said)
    assert not home.joinpath("data").exists(), "nothing was begun"


def test_a_config_file_that_is_wrong(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    (home / "config").mkdir()
    (home / "config" / "config.toml").write_text("them = 'x'\n")
    for argv in (("run", "x"), ()):
        assert "unknown field `them`" in refuse(capsys, *argv)


def test_an_unknown_option(capsys: pytest.CaptureFixture[str]) -> None:
    assert "--loud" in refuse(capsys, "--loud")


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["--version"])
    assert left.value.code == 0
    assert capsys.readouterr().out == f"streamscope {__version__}\n"


def test_interrupting_it_early_is_no_traceback(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_: list[str]) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(run_arguments, "parse_run", interrupt)
    assert main(["run", "x"]) == 130
    assert capsys.readouterr().err == ""


# ----------------------------------------------------------------------------- what it comes to


def test_a_prompt_as_it_is_said_from_a_file_and_from_a_pipe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "prompt.txt"
    file.write_text("from a file\n\n", encoding="utf-8")
    monkeypatch.setattr("sys.stdin", io.StringIO("from a pipe\n"))
    assert arguments.prompt_text(" as it is\n") == " as it is\n"
    assert arguments.prompt_text(f"@{file}") == "from a file"
    assert arguments.prompt_text("-") == "from a pipe"


def test_a_pipe_that_is_no_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("\udcff"))
    with pytest.raises(UsageError, match="not UTF-8"):
        arguments.prompt_text("-")


def test_what_is_said_counts_more_than_the_config_and_that_more_than_nothing() -> None:
    config = Config(request=RequestDefaults(temperature=0.5, top_p=0.9, think="low", system="S"))
    options = parse_run(["x", "--temperature", "0", "--think", "off", "--stop", "a", "--stop", "b"])
    request = start.request(options, config, "Why?")
    assert (request.prompt, request.temperature, request.top_p) == ("Why?", 0.0, 0.9)
    assert (request.think, request.system, request.seed) == (False, "S", 42)
    assert request.stop == ("a", "b")


@pytest.mark.parametrize(
    ("said", "expected"), [(None, None), ("on", True), ("off", False), ("high", "high")]
)
def test_thinking(said: str | None, expected: bool | str | None) -> None:
    assert arguments.thinking(said) is expected or arguments.thinking(said) == expected


def test_parameters_are_json_or_else_text() -> None:
    said = ("n=5", "options.num_ctx=4096", "flag=true", 'o={"a": [1]}', "s=plain", "e=", "q=a=b")
    assert arguments.parameters(said) == {
        "n": 5,
        "options.num_ctx": 4096,
        "flag": True,
        "o": {"a": [1]},
        "s": "plain",
        "e": "",
        "q": "a=b",
    }


def test_without_a_command_it_is_the_app() -> None:
    options = arguments.parse(["http://127.0.0.1:8080", "--prompt", "run"])
    assert (options.url, options.prompt) == ("http://127.0.0.1:8080", "run")


def test_every_protocol_can_be_named() -> None:
    assert sorted(channels.PROTOCOLS) == sorted(PROTOCOLS)
