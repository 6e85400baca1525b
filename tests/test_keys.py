"""A key goes to the one server that it belongs to, and shows itself nowhere."""

import shlex
import sys
import traceback
import types
from collections.abc import Mapping
from pathlib import Path

import pytest
from rich.console import Console
from rich.pretty import pretty_repr
from rich.traceback import Traceback

from streamscope import keys as module
from streamscope.engines.variables import BASES
from streamscope.key_owners import authority, owners
from streamscope.keys import Key, KeyRefusedError, Keys, Secret, clean, run_command
from streamscope.probe import messages
from streamscope.probe.messages import Fetch, Start
from streamscope.trace import Request, Target

OTHER = "http://10.0.0.2"


def value(variables: Mapping[str, str], url: str, named: str = "") -> str | None:
    """Return what is sent as the key."""
    found = Keys(variables).find(url, named)
    return found.value if found else None


# ----------------------------------------------------------------------------- the environment

VENDORS = {
    "OPENAI_API_KEY": "sk-openai",
    "ANTHROPIC_API_KEY": "sk-ant",
    "GEMINI_API_KEY": "gemini",
    "OLLAMA_API_KEY": "ollama",
}


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://api.openai.com/v1", "sk-openai"),
        ("https://API.OpenAI.com", "sk-openai"),
        ("https://api.anthropic.com/v1/models", "sk-ant"),
        ("https://generativelanguage.googleapis.com/v1beta", "gemini"),
        ("https://ollama.com", "ollama"),
        ("https://ollama.com:443/api/tags", "ollama"),
        ("https://ollama.com:8443", None),
        ("https://api.openai.com.example.com/v1", None),
        ("https://example.com/api.openai.com", None),
        ("https://api.openai.com@example.com", None),
        ("https://notollama.com", None),
        ("http://127.0.0.1:11434", None),
        ("http://localhost:8080/v1", None),
    ],
)
def test_a_vendors_key_goes_to_the_vendor_alone(url: str, expected: str | None) -> None:
    assert value(VENDORS, url) == expected


def test_a_vendors_key_follows_the_vendors_own_variable() -> None:
    variables = {**VENDORS, "OPENAI_BASE_URL": "https://gateway.example/v1"}
    assert value(variables, "https://gateway.example/v1") == "sk-openai"
    assert value(variables, "https://api.openai.com/v1") is None
    variables = {**VENDORS, "ANTHROPIC_BASE_URL": "http://127.0.0.1:4000"}
    assert value(variables, "http://127.0.0.1:4000/v1/models") == "sk-ant"
    assert value(variables, "http://127.0.0.1:8000") is None, "another port is another server"
    broken = {**VENDORS, "OPENAI_BASE_URL": "ftp://x"}
    assert value(broken, "https://api.openai.com/v1") is None


def test_vendors_are_those_whose_keys_are_in_the_environment() -> None:
    variables = {**VENDORS, "OPENAI_API_KEY": "", "VLLM_API_KEY": "k"}
    keys = Keys(variables, commands={"api.openai.com": "false"})
    assert [vendor.url for vendor in keys.vendors()] == [
        "https://api.anthropic.com",
        "https://generativelanguage.googleapis.com",
        "https://ollama.com",
    ]


def test_googles_own_variable_wins_over_geminis_and_empty_means_unset() -> None:
    url = "https://generativelanguage.googleapis.com"
    assert value({"GOOGLE_API_KEY": "a", "GEMINI_API_KEY": "b"}, url) == "a"
    assert value({"GOOGLE_API_KEY": " ", "GEMINI_API_KEY": "b"}, url) == "b"


def test_what_goes_with_a_key_goes_where_the_key_goes() -> None:
    variables = {
        "OPENAI_API_KEY": "k",
        "OPENAI_ORG_ID": "org-1",
        "OPENAI_PROJECT_ID": "proj-1",
    }
    found = Keys(variables).find("https://api.openai.com/v1")
    assert found is not None
    assert found.headers == {"OpenAI-Organization": "org-1", "OpenAI-Project": "proj-1"}
    assert Keys(variables).find("https://example.com") is None


def test_a_token_of_anthropic_is_a_bearer_and_a_key_comes_first() -> None:
    url = "https://api.anthropic.com"
    token = Keys({"ANTHROPIC_AUTH_TOKEN": "tok"}).find(url)
    assert token is not None
    assert (token.value, token.headers) == (None, {"Authorization": "Bearer tok"})
    both = Keys({"ANTHROPIC_AUTH_TOKEN": "tok", "ANTHROPIC_API_KEY": "k"}).find(url)
    assert both is not None
    assert (both.value, both.headers, both.source) == ("k", {}, "ANTHROPIC_API_KEY")


@pytest.mark.parametrize(
    ("name", "port"), [("LM_API_TOKEN", 1234), ("LLAMA_API_KEY", 8080), ("VLLM_API_KEY", 8000)]
)
def test_the_key_of_a_local_server_goes_to_its_place_on_this_machine(name: str, port: int) -> None:
    variables = {name: "k"}
    for host in ("127.0.0.1", "localhost", "[::1]"):
        assert value(variables, f"http://{host}:{port}/v1") == "k"
    for url in (f"http://127.0.0.1:{port + 1}", f"https://example.com:{port}", f"{OTHER}:{port}"):
        assert value(variables, url) is None


def test_the_key_of_llama_cpp_follows_its_port() -> None:
    variables = {"LLAMA_API_KEY": "k", "LLAMA_ARG_PORT": "9090"}
    assert value(variables, "http://127.0.0.1:9090") == "k"
    assert value(variables, "http://127.0.0.1:8080") is None


def test_the_key_of_our_own_goes_to_the_server_that_was_named() -> None:
    variables = {"STREAMSCOPE_API_KEY": "mine", "OPENAI_API_KEY": "sk-openai"}
    for url in ("https://example.com", "https://api.openai.com/v1", "http://127.0.0.1:8000"):
        assert value(variables, url, url) == "mine"
    named = "http://127.0.0.1:8000"
    assert value(variables, "http://127.0.0.1:8000/v1/models", named) == "mine"
    for url in ("http://127.0.0.1:11434", "https://example.com", "http://localhost:8000"):
        assert value(variables, url, named) is None
        assert value(variables, url) is None
    assert value(variables, "https://api.openai.com/v1", named) == "sk-openai"


def test_no_key_goes_to_another_machine_in_the_open() -> None:
    variables = {"STREAMSCOPE_API_KEY": "mine"}
    with pytest.raises(KeyRefusedError, match=r"10\.0\.0\.2 .*https.*\.$") as raised:
        Keys(variables).find(OTHER, OTHER)
    assert "mine" not in str(raised.value)
    allowed = Keys(variables, allow_plain=True).find(OTHER, OTHER)
    assert allowed is not None
    assert value(variables, "https://10.0.0.2", "https://10.0.0.2") == "mine"
    assert value(variables, "http://127.0.0.1:1", "http://127.0.0.1:1") == "mine"
    assert value(variables, OTHER) is None
    with pytest.raises(KeyRefusedError):
        Keys(variables).find("ws://10.0.0.2", "ws://10.0.0.2")
    assert value(variables, "wss://10.0.0.2", "wss://10.0.0.2") == "mine"


def test_a_key_may_end_in_a_line_end() -> None:
    assert value({"OPENAI_API_KEY": " mine\n"}, "https://api.openai.com") == "mine"
    assert value({"STREAMSCOPE_API_KEY": " "}, OTHER, OTHER) is None
    assert value({}, "https://api.openai.com/v1") is None


@pytest.mark.parametrize("key", ["two words", "line\nbreak", "sk-…", "\x1b[2J", "k" * 9000])
def test_what_no_header_can_hold_is_no_key(key: str) -> None:
    with pytest.raises(KeyRefusedError, match="OPENAI_API_KEY") as raised:
        value({"OPENAI_API_KEY": key}, "https://api.openai.com")
    assert key not in str(raised.value)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://a.example", "a.example:443"),
        ("http://A.example/v1", "a.example:80"),
        ("http://[::1]:8080", "[::1]:8080"),
        ("https://u:p@a.example:1", "a.example:1"),
        ("http://a:99999", ""),
        ("", ""),
    ],
)
def test_a_server_is_host_and_port(url: str, expected: str) -> None:
    assert authority(url) == expected


# ------------------------------------------------------------------------------------ commands


def says(code: str) -> list[str]:
    """Return a command that runs some Python."""
    return [sys.executable, "-c", code]


def test_a_command_says_the_key_for_its_host_alone_and_is_run_once(tmp_path: Path) -> None:
    count = tmp_path / "count"
    code = f"open({str(count)!r}, 'a').write('x'); print('  from-command  ')"
    keys = Keys({}, commands={"Model.Example": says(code)})
    for _ in range(3):
        found = keys.find("https://model.example/v1")
        assert found is not None
        assert (found.value, found.source) == ("from-command", "key_command")
    assert count.read_text() == "x"
    for url in ("https://model.example:8443", "https://example", "https://sub.model.example"):
        assert keys.find(url) is None
    assert count.read_text() == "x"


def test_a_port_has_to_be_named_where_it_is_not_the_usual_one() -> None:
    keys = Keys({}, commands={"127.0.0.1:8000": shlex.join(says("print('k')"))})
    assert keys.find("http://127.0.0.1:8000/v1") is not None
    assert keys.find("http://127.0.0.1:8001/v1") is None


def test_the_environment_comes_before_a_command() -> None:
    keys = Keys(
        {"OPENAI_API_KEY": "from-env"}, commands={"api.openai.com": says("raise SystemExit(1)")}
    )
    found = keys.find("https://api.openai.com")
    assert found is not None
    assert found.value == "from-env"


@pytest.mark.parametrize(
    ("command", "why"),
    [
        (["/no/such/program"], r"can't be run \(No such file"),
        ("", "can't be run"),
        ("'open", "can't be run"),
        ([], "can't be run"),
        (says("import sys; print('s3cret'); sys.exit('s3cret')"), "failed with code 1"),
        (says(""), "said nothing"),
        (says("print('s3cret\\nand more')"), "characters that no key has"),
    ],
)
def test_a_command_that_fails_is_told_in_one_sentence_without_what_it_said(
    command: str | list[str], why: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(KeyRefusedError, match=why) as raised:
        run_command(command, "model.example")
    sentence = str(raised.value)
    assert "model.example" in sentence
    assert sentence.endswith(".")
    told = "".join(traceback.format_exception(raised.value)) + "".join(capfd.readouterr())
    assert "s3cret" not in told


def test_a_command_has_no_shell_and_no_input() -> None:
    code = "import sys; print(sys.argv[1] + sys.stdin.read())"
    assert run_command([*says(code), "$HOME;ls"], "h") == "$HOME;ls"


def test_a_command_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "COMMAND_S", 0.2)
    code = "import time; print('s3cret', flush=True); time.sleep(60)"
    with pytest.raises(KeyRefusedError, match=r"did not end within 0\.2 s") as raised:
        run_command(says(code), "h")
    assert raised.value.__suppress_context__, "the context holds what was said"


def test_a_command_that_failed_is_not_asked_again_at_once(tmp_path: Path) -> None:
    count = tmp_path / "count"
    code = f"open({str(count)!r}, 'a').write('x'); raise SystemExit(1)"
    keys = Keys({}, commands={"model.example": says(code)})
    for _ in range(3):
        with pytest.raises(KeyRefusedError, match="code 1"):
            keys.find("https://model.example")
    assert count.read_text() == "x"


# ------------------------------------------------------------------------------------- keyring


class Ring:
    """Stands in for the ``keyring`` package."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.kept: dict[tuple[str, str], str] = {}
        self.asked: list[str] = []
        self.locked = False
        errors = types.ModuleType("keyring.errors")
        self.error: type[Exception] = type("KeyringError", (Exception,), {})
        errors.KeyringError = self.error  # type: ignore[attr-defined] # a module made up here
        package = types.ModuleType("keyring")
        package.errors = errors  # type: ignore[attr-defined] # the same
        package.get_password = self.get  # type: ignore[attr-defined] # the same
        monkeypatch.setitem(sys.modules, "keyring", package)
        monkeypatch.setitem(sys.modules, "keyring.errors", errors)
        monkeypatch.setattr(module, "has_keyring", lambda: True)

    def get(self, service: str, name: str) -> str | None:
        self.asked.append(name)
        if self.locked:
            raise self.error("locked")
        return self.kept.get((service, name))


@pytest.fixture
def ring(monkeypatch: pytest.MonkeyPatch) -> Ring:
    return Ring(monkeypatch)


def test_the_keyring_comes_last_and_only_for_servers_that_were_named(ring: Ring) -> None:
    ring.kept["streamscope", "model.example"] = "from-ring"
    keys = Keys({})
    url = "https://model.example/v1"
    assert keys.find(url) is None
    assert keys.find("http://127.0.0.1:11434") is None
    assert ring.asked == [], "it may want a password"
    found = keys.find(url, url)
    assert found is not None
    assert (found.value, found.source) == ("from-ring", "keyring")
    keys.find(url, url)
    assert ring.asked == ["model.example:443", "model.example"], "it was asked once"


def test_the_keyring_is_asked_for_vendors_and_for_what_the_environment_names(ring: Ring) -> None:
    ring.kept["streamscope", "api.anthropic.com"] = "a"
    ring.kept["streamscope", "127.0.0.1:8000"] = "b"
    keys = Keys({"OPENAI_BASE_URL": "http://127.0.0.1:8000/v1"})
    for url, expected in (
        ("https://api.anthropic.com", "a"),
        ("http://127.0.0.1:8000/v1/models", "b"),
    ):
        found = keys.find(url)
        assert found is not None
        assert found.value == expected


def test_a_keyring_that_is_locked_or_missing_has_nothing(
    ring: Ring, monkeypatch: pytest.MonkeyPatch
) -> None:
    ring.locked = True
    url = "https://model.example"
    assert Keys({}).find(url, url) is None
    monkeypatch.setattr(module, "has_keyring", lambda: False)
    assert Keys({}).find(url, url) is None


# --------------------------------------------------------------------------------- never shown


def test_nothing_that_holds_a_key_shows_it() -> None:
    secret = clean("sk-canary-" + "x" * 200, "TEST")
    target = Target(protocol="openai-chat", url="https://model.example")
    holders = [
        secret,
        {"x-api-key": secret},
        Key(value=secret, source="here", headers={"Authorization": secret}),
        Start(run_id="1", target=target, key=secret, request=Request(prompt="p"), mode="stream"),
        Fetch(fetch_id=1, url="https://model.example", headers={"Authorization": f"B {secret}"}),
    ]
    for holder in holders:
        for shown in (repr(holder), pretty_repr(holder), pretty_repr(holder, max_string=80)):
            assert "canary" not in shown


def test_a_traceback_with_locals_shows_no_key() -> None:
    """As Textual prints one when the app dies."""
    console = Console(width=200, record=True, file=open("/dev/null", "w"))  # noqa: SIM115, PTH123
    keys = Keys({"OPENAI_API_KEY": "sk-canary-1234567890", "OPENAI_ORG_ID": "org-canary"})
    found = keys.find("https://api.openai.com")
    try:
        assert found is not None
        value, headers = found.value, found.headers
        raise RuntimeError(f"with {len(value or '')} characters and {len(headers)} header")
    except RuntimeError:
        console.print(Traceback(show_locals=True, locals_max_length=5))
    text = console.export_text()
    console.file.close()
    assert "RuntimeError" in text
    assert "found" in text
    assert "canary" not in text


def test_a_hidden_key_reaches_the_probe_as_it_is() -> None:
    fetch = Fetch(fetch_id=1, url="u", headers={"Authorization": Secret("Bearer k")})
    sent = messages.command(messages.frame(fetch)[messages.HEADER_BYTES :])
    assert sent == Fetch(fetch_id=1, url="u", headers={"Authorization": "Bearer k"})


# --------------------------------------------------------------------------------------- docs


def test_every_variable_is_in_the_docs() -> None:
    text = (Path(__file__).parent.parent / "docs" / "servers.md").read_text()
    known = [name for owner in owners({}) for name in owner.variables]
    known += [other for owner in owners({}) for _, other in owner.extra]
    known += [module.OURS, "OLLAMA_HOST", *(name for name, _ in BASES)]
    assert [name for name in known if f"`{name}`" not in text] == []
    assert len(known) == len(set(known)) >= 15


def test_of_two_servers_that_were_named_the_first_has_the_key_of_the_person() -> None:
    """It is one server's key: the other one must not learn it."""
    keys = Keys({"STREAMSCOPE_API_KEY": "mine"})
    one, other = "https://one.example/v1", "https://other.example/v1"
    found = keys.find(one, one, other)
    assert found is not None
    assert found.value == "mine"
    assert keys.find(other, one, other) is None
