"""Protects what is compared with what when nobody says how, and what two servers make together."""

import msgspec
import pytest

from streamscope.engines.engine import Engine
from streamscope.sides import Side, Sides
from streamscope.trace import Mode, Request, Target
from streamscope.trial.setup import Matchup, Setup, Wish, Wishes


class Gone:
    """Stands for the process of an engine."""

    alive = True

    def close(self) -> None:
        return


ONE = Target(protocol="openai-chat", url="http://127.0.0.1:8000/v1", model="small")
OTHER = msgspec.structs.replace(ONE, model="large")


@pytest.mark.parametrize(
    ("said", "b", "modes"),
    [
        ((None, None), ONE, ("stream", "blocking")),
        ((None, None), OTHER, ("stream", "stream")),
        ((None, "blocking"), OTHER, ("stream", "blocking")),
        (("blocking", None), ONE, ("blocking", "blocking")),
        (("blocking", "stream"), ONE, ("blocking", "stream")),
    ],
)
def test_one_server_is_asked_in_both_modes_and_two_stream(
    said: tuple[Mode | None, Mode | None], b: Target, modes: tuple[Mode, Mode]
) -> None:
    matchup = Wishes(modes=said).matchup(Setup(target=ONE), Setup(target=b))
    assert matchup.modes == modes


def test_what_was_compared_can_be_wished_for_again() -> None:
    usual = Sides(a=Side(target=ONE, mode="stream"), b=Side(target=ONE, mode="blocking"))
    wishes = Wishes.again(usual)
    assert wishes.one_server
    asked = Wish(url=ONE.url, protocol=ONE.protocol, model=ONE.model, named=False)
    assert wishes.a == msgspec.structs.replace(asked, named_once=True)
    assert wishes.modes == ("stream", "blocking")
    models = Sides(a=Side(target=ONE, mode="stream"), b=Side(target=OTHER, mode="stream"))
    again = Wishes.again(models)
    assert again.b is not None
    assert (again.b.model, again.modes) == ("large", ("stream", "stream"))


def test_an_engine_is_wished_for_by_its_name_and_what_it_spoke() -> None:
    side = Side(
        target=Target(protocol="anthropic", url="http://127.0.0.1:40001/v1", model="m"),
        mode="stream",
        engine="local",
    )
    assert Wish.again(side.target, side.engine) == Wish(engine="local", protocol="anthropic")


def test_each_channel_asks_its_own_server() -> None:
    a = Setup(target=ONE, key="one", version="1", proxy="http://p:1", engine="local")
    b = Setup(target=OTHER, key="two", headers={"x": "y"})
    channels = Matchup(a=a, b=b, modes=("blocking", "stream")).channels(Request(prompt="Why?"))
    got = {
        name: (
            channel.target.model,
            channel.mode,
            channel.key,
            dict(channel.headers),
            channel.proxy,
            channel.engine,
            channel.server_version,
        )
        for name, channel in channels.items()
    }
    assert got == {
        "A": ("small", "blocking", "one", {}, "http://p:1", "local", "1"),
        "B": ("large", "stream", "two", {"x": "y"}, None, "", ""),
    }


def test_both_answers_may_be_as_long_as_the_shorter_limit_allows() -> None:
    """Or else a whole answer would be compared with one that was cut."""
    engine = Engine(
        name="local",
        target=ONE,
        key=None,
        label="",
        caution="",
        defaults={"max_tokens": 512, "params": {"cache_prompt": False}},
        process=Gone(),
    )
    matchup = Matchup(a=Setup(target=ONE, process=engine), b=Setup(target=OTHER))
    asked = {name: each.request for name, each in matchup.channels(Request(prompt="?")).items()}
    assert {name: request.max_tokens for name, request in asked.items()} == {"A": 512, "B": 512}
    assert {name: request.params for name, request in asked.items()} == {
        "A": {"cache_prompt": False},
        "B": {},
    }
    free = Matchup.of(Setup(target=OTHER)).channels(Request(prompt="?"))
    assert free["A"].request.max_tokens is None


def test_two_servers_disturb_each_other_if_one_of_them_would() -> None:
    free, full = Setup(target=ONE, contended=False), Setup(target=OTHER)
    assert Matchup(a=free, b=free).layout == "race"
    assert Matchup(a=free, b=full).layout == "apart"


def test_the_usual_comparison_of_a_server_goes_by_its_name() -> None:
    """What was set for a server is still found, and no other comparison has it."""
    setup = Setup(target=ONE)
    usual = Matchup.of(setup)
    assert usual.identity == setup.identity
    others = [
        Matchup(a=setup, b=setup, modes=("stream", "stream")),
        Matchup(a=setup, b=Setup(target=OTHER), modes=("stream", "stream")),
        Matchup(a=Setup(target=OTHER), b=setup, modes=("stream", "stream")),
    ]
    assert len({usual.identity, *(each.identity for each in others)}) == 4


def test_what_is_said_of_two_servers_names_them() -> None:
    a, b = Setup(target=ONE, reason="Found."), Setup(target=OTHER, reason="Named.", caution="Slow.")
    matchup = Matchup(a=a, b=b)
    assert matchup.reason == "A: Found. B: Named."
    assert matchup.caution == "B: Slow."
    assert Matchup.of(a).reason == "Found."


@pytest.mark.parametrize(
    ("url", "engine", "here"),
    [
        ("http://127.0.0.1:11434", "", True),
        ("http://localhost:1234", "", True),
        ("http://[::1]:8000", "", True),
        ("https://api.example.com", "", False),
        ("http://192.168.1.7:11434", "", False),
        ("simulator://", "simulator", True),
    ],
)
def test_a_server_of_this_machine_is_known_as_one(url: str, engine: str, here: bool) -> None:
    far = Setup(target=Target(protocol="openai-chat", url="https://api.example.com", model="m"))
    setup = Setup(target=Target(protocol="ollama-chat", url=url, model="m"), engine=engine)
    assert setup.here is here
    assert Matchup(a=setup, b=far).here is Matchup(a=far, b=setup).here is here
