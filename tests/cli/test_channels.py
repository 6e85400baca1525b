"""What `--a` and `--b` mean, alone and beside what is said of both; or one sentence."""

import shlex
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from streamscope.cli import arguments, channels, start
from streamscope.cli.channels import Words
from streamscope.cli.parsing import UsageError
from streamscope.cli.run_arguments import parse_run
from streamscope.plan import Plan
from streamscope.report.command import command_line
from streamscope.report.comparison import Comparison
from streamscope.settings import Config, SettingsError
from streamscope.sides import Sides
from streamscope.trial.setup import Wish, Wishes

if TYPE_CHECKING:
    from tests.cli.conftest import Past

HERE = "http://127.0.0.1:8000"
THERE = "http://gpu:8000"


def wishes(*argv: str, **config: Any) -> Wishes:
    """Return what a command line wants, with a config file."""
    return start.wishes(parse_run(["x", *argv]), Config(**config))


# ----------------------------------------------------------------------------------------- words


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("qwen3:8b", Words(model="qwen3:8b")),
        (
            "hf.co/bartowski/Llama-3.2-1B-GGUF:Q4_K_M",
            Words(model="hf.co/bartowski/Llama-3.2-1B-GGUF:Q4_K_M"),
        ),
        ("Qwen/Qwen3-8B", Words(model="Qwen/Qwen3-8B")),
        ("deepseek-r1:671b", Words(model="deepseek-r1:671b")),
        ("gpt-5", Words(model="gpt-5")),
        ("auto", Words(model="auto")),
        ("[odd", Words(model="[odd")),
        ("'two words'", Words(model="two words")),
        ("stream", Words(mode="stream")),
        ("Streaming", Words(mode="stream")),
        ("blocking", Words(mode="blocking")),
        ("token-sse", Words(protocol="token-sse")),
        ("simulator", Words(engine="simulator")),
        ("http://gpu:8000/v1", Words(url="http://gpu:8000/v1")),
        ("gpu:8000", Words(url=THERE)),
        ("gpu:8000/v1/", Words(url=f"{THERE}/v1")),
        ("localhost", Words(url="http://localhost")),
        ("localhost:1234", Words(url="http://localhost:1234")),
        ("192.0.2.7", Words(url="http://192.0.2.7")),
        ("[::1]:8080", Words(url="http://[::1]:8080")),
        ("::1", Words(url="http://[::1]")),
        ("ws://gpu:9", Words(url="ws://gpu:9")),
        ("api.openai.com", Words(url="https://api.openai.com")),
        ("model=text", Words(model="text")),
        ("model=a=b", Words(model="a=b")),
        ("MODEL=Local", Words(model="Local")),
        ("url=gpu", Words(url="http://gpu")),
        ("engine=auto", Words(engine="auto")),
        ("mode=blocking protocol=text", Words(mode="blocking", protocol="text")),
        (
            "blocking gpu:8000 qwen3:8b anthropic",
            Words(mode="blocking", url=THERE, model="qwen3:8b", protocol="anthropic"),
        ),
        ("stream streaming", Words(mode="stream")),
    ],
)
def test_words_mean_what_they_look_like(said: str, words: Words) -> None:
    assert channels.parse([said], "--b") == words


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ("", "--b says nothing: name a model"),
        ("  ", "--b says nothing"),
        ("qwen3:8b ''", "--b says nothing"),
        ("stream blocking", "--b says two modes, stream and blocking: say one."),
        ("gpu:8000 gpu:9000", "--b says two URLs, http://gpu:8000 and http://gpu:9000: say one."),
        ("qwen3:8b blokcing", "--b says two models, qwen3:8b and blokcing: say one."),
        ("text token-sse", "--b says two protocols"),
        ("local simulator", "--b says two engines"),
        ("gpu:8000 local", "--b says http://gpu:8000 and local, of which only one can answer."),
        (
            "temperature=0",
            "--b: there is no temperature=, only model=, url=, protocol=, engine= and",
        ),
        ("model=", "--b: model= is followed by nothing."),
        ("protocol=telnet", "--b: there is no protocol 'telnet', only ollama-chat, "),
        ("mode=fast", "--b: there is no mode 'fast', only stream and blocking."),
        ("engine=steam", "--b: there is no engine 'steam', only auto, local and simulator."),
        ("ftp://gpu", "--b: The URL must begin with http://"),
        ("http://me:secret@gpu", "--b: The URL must not hold a user name or a password"),
        ("gpu:99999", "--b: The port in the URL"),
        ('"qwen3:8b', "--b: a quotation mark or a backslash stands alone."),
    ],
)
def test_what_cannot_be_understood_costs_one_sentence(said: str, sentence: str) -> None:
    with pytest.raises(UsageError) as refused:
        channels.parse([said], "--b")
    assert str(refused.value).startswith(sentence)
    assert "secret" not in str(refused.value)


# ---------------------------------------------------------------------------------------- wishes


@pytest.mark.parametrize(
    ("argv", "a", "b"),
    [
        ((), Wish(), None),
        (("--b", "qwen3:8b"), Wish(), Wish(model="qwen3:8b")),
        (("--a", "m", "--b", "n"), Wish(model="m"), Wish(model="n")),
        (("--a", "m", "--b", "model=m"), Wish(model="m"), None),
        (("--model", "m", "--b", "n"), Wish(model="m"), Wish(model="n")),
        (
            ("--url", HERE, "--model", "m", "--b", "gpu:8000"),
            Wish(url=HERE, model="m"),
            Wish(url=THERE),
        ),
        (
            ("--url", HERE, "--model", "m", "--protocol", "openai-chat", "--b", "anthropic"),
            Wish(url=HERE, model="m", protocol="openai-chat"),
            Wish(url=HERE, model="m", protocol="anthropic"),
        ),
        (
            ("--model", "m", "--a", HERE, "--b", THERE),
            Wish(url=HERE, model="m"),
            Wish(url=THERE, model="m"),
        ),
        (
            ("--model", "m", "--b", f"{THERE} n text"),
            Wish(model="m"),
            Wish(url=THERE, model="n", protocol="text"),
        ),
        (
            ("--url", HERE, "--model", "m", "--b", "simulator"),
            Wish(url=HERE, model="m"),
            Wish(engine="simulator"),
        ),
        (
            ("--engine", "simulator", "--a", "fast", "--b", "slow token-sse"),
            Wish(engine="simulator", model="fast"),
            Wish(engine="simulator", model="slow", protocol="token-sse"),
        ),
        (("--engine", "simulator", "--b", THERE), Wish(engine="simulator"), Wish(url=THERE)),
        (("--b", "qwen3:8b", "--b", "gpu:8000"), Wish(), Wish(url=THERE, model="qwen3:8b")),
    ],
)
def test_words_change_what_is_said_of_both(argv: tuple[str, ...], a: Wish, b: Wish | None) -> None:
    assert wishes(*argv) == Wishes(a=a, b=b)


def test_channels_of_one_server_may_deliver_as_is_said() -> None:
    assert wishes("--b", "stream") == Wishes(modes=(None, "stream"))
    assert wishes("--a", "blocking m", "--b", "m stream") == Wishes(
        a=Wish(model="m"), modes=("blocking", "stream")
    )


def test_the_app_is_told_the_same() -> None:
    options = arguments.parse([HERE, "--b", "qwen3:8b blocking"])
    wanted = Wishes(a=Wish(url=HERE), b=Wish(url=HERE, model="qwen3:8b"), modes=(None, "blocking"))
    assert start.wishes(options, Config()) == wanted


@pytest.mark.parametrize(
    ("argv", "sentence"),
    [
        (("--model", "m", "--a", "n", "--b", "o"), "--model m counts for neither channel"),
        (("--url", HERE, "--a", THERE, "--b", "local"), f"{HERE} counts for neither channel"),
        (
            ("--engine", "local", "--a", HERE, "--b", THERE),
            "--engine local counts for neither channel",
        ),
        (("--url", HERE, "--engine", "local"), f"{HERE} and --engine local are said, of which"),
        (("--b", "local qwen3:8b"), "The local engine serves one model of its own, not qwen3:8b"),
        (("--engine", "local", "--b", "n"), "The local engine serves one model of its own, not n"),
    ],
)
def test_what_would_be_dropped_in_silence_is_refused(argv: tuple[str, ...], sentence: str) -> None:
    with pytest.raises(UsageError) as refused:
        wishes(*argv)
    assert str(refused.value).startswith(sentence)


# ---------------------------------------------------------------------------------------- config


def test_the_config_file_may_say_it_with_the_same_words() -> None:
    found = wishes(url=HERE, model="m", a="blocking", b="n gpu:8000")
    assert found == Wishes(
        a=Wish(url=HERE, model="m"), b=Wish(url=THERE, model="n"), modes=("blocking", None)
    )


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (("--b", "o"), Wishes(a=Wish(model="m"), b=Wish(model="o"))),
        (("--model", "o"), Wishes(a=Wish(model="o"))),
        (("--url", HERE), Wishes(a=Wish(url=HERE))),
        (("--engine", "simulator"), Wishes(a=Wish(engine="simulator"))),
    ],
)
def test_the_command_line_counts_more_than_the_channels_of_the_config_file(
    argv: tuple[str, ...], expected: Wishes
) -> None:
    assert wishes(*argv, model="m", a="stream", b="n blocking") == expected


def test_channels_of_the_config_file_that_mean_nothing_are_refused() -> None:
    with pytest.raises(SettingsError, match="The config file is wrong: b says two modes"):
        wishes(b="stream blocking")


# ---------------------------------------------------------------------------------- there and back


def test_the_command_that_reports_tell_asks_both_channels_again(past: "Past") -> None:
    _, runs = past.comparison(model="it's small", against="text", modes=("stream", "stream"))
    said = shlex.split(command_line(Comparison(plan=Plan(repeat=6), runs=runs)))
    options = parse_run(said[2:])
    sides = Sides.of(runs)
    assert sides is not None
    wishes = start.wishes(options, Config())
    again = Wishes.again(sides)
    assert wishes.b is not None
    assert again.b is not None
    assert wishes.modes == again.modes
    for wish, meant in ((wishes.a, again.a), (wishes.b, again.b)):
        assert wish.named
        assert not meant.named
        assert msgspec.structs.replace(meant, named=True, named_once=False) == wish
