"""Protects what a comparison of any two channels is taken for, and how its channels are named."""

import msgspec
import pytest

from streamscope.sides import Aspect, Question, Side, Sides
from streamscope.trace import ChannelName, Mode, Request, Run, Target, Trace

HERE = Target(protocol="openai-chat", url="http://127.0.0.1:8000/v1", model="small")


def _side(
    mode: Mode = "stream",
    *,
    protocol: str = HERE.protocol,
    url: str = HERE.url,
    model: str = HERE.model,
    engine: str = "",
) -> Side:
    return Side(target=Target(protocol=protocol, url=url, model=model), mode=mode, engine=engine)


@pytest.mark.parametrize(
    ("a", "b", "differ", "question", "names"),
    [
        (_side(), _side("blocking"), ("mode",), "delivery", ("streaming", "blocking")),
        (_side("blocking"), _side(), ("mode",), "same-model", ("blocking", "streaming")),
        (_side(), _side(), (), "same-model", ("streaming", "streaming")),
        (_side(), _side(model="large"), ("model",), "models", ("small", "large")),
        (
            _side(),
            _side("blocking", model="large"),
            ("model", "mode"),
            "models",
            ("small streaming", "large blocking"),
        ),
        (
            _side(),
            _side(url="http://127.0.0.1:8001/v1"),
            ("server",),
            "same-model",
            ("127.0.0.1:8000", "127.0.0.1:8001"),
        ),
        (
            _side(),
            _side(url="http://127.0.0.1:8000/other/v1"),
            ("server",),
            "same-model",
            ("http://127.0.0.1:8000/v1", "http://127.0.0.1:8000/other/v1"),
        ),
        (
            _side(),
            _side(protocol="ollama-chat", url="http://127.0.0.1:8000"),
            ("protocol",),
            "same-model",
            ("openai-chat", "ollama-chat"),
        ),
        (
            _side(model=""),
            _side(model="named"),
            ("model",),
            "models",
            ("its only model", "named"),
        ),
    ],
)
def test_what_two_channels_differ_in(
    a: Side, b: Side, differ: tuple[Aspect, ...], question: Question, names: tuple[str, str]
) -> None:
    sides = Sides(a=a, b=b)
    assert sides.differ == differ
    assert sides.question == question
    assert (sides.name("A"), sides.name("B")) == names


def test_an_engine_of_ours_is_one_server_at_any_port() -> None:
    """Each start of it has a port of its own, and history is compared across starts."""
    a = _side(url="http://127.0.0.1:40001/v1", engine="local")
    b = _side("blocking", url="http://127.0.0.1:40002/v1", engine="local")
    assert Sides(a=a, b=b).question == "delivery"


def test_credentials_in_a_url_are_in_no_name() -> None:
    a = _side(url="http://me:secret@one:8000/v1")
    b = _side(url="http://me:secret@two:8000/v1")
    assert Sides(a=a, b=b).name("A") == "one:8000"


def _run(channel: ChannelName, *, model: str, warmup: bool = False) -> Run:
    return Run(
        run_id=model,
        comparison_id="c",
        channel=channel,
        target=msgspec.structs.replace(HERE, model=model),
        request=Request(prompt="Why?"),
        trace=Trace(mode="stream"),
        warmup=warmup,
    )


def test_measured_runs_tell_what_channels_are() -> None:
    runs = [
        _run("A", model="warm-up", warmup=True),
        _run("A", model="first"),
        _run("B", model="other", warmup=True),
        _run("A", model="last"),
        _run("A", model="warm-up", warmup=True),
    ]
    sides = Sides.of(runs)
    assert sides is not None
    assert (sides.name("A"), sides.name("B")) == ("last", "other")


def test_one_channel_alone_is_compared_with_nothing() -> None:
    assert Sides.of([_run("A", model="alone")]) is None
