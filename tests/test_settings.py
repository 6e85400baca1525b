"""Config and environment: wrong ones cost one sentence, and no key goes where it should not."""

import stat
import threading
from pathlib import Path

import pytest

from streamscope import settings
from streamscope.settings import Config, SettingsError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "config" / "config.toml"


def write(file: Path, text: str | bytes) -> None:
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(text.encode() if isinstance(text, str) else text)


def names(file: Path) -> list[str]:
    """Return what lies in the folder of the file."""
    return [each.name for each in file.parent.iterdir()]


# ------------------------------------------------------------------------------------- places


def test_all_files_are_in_the_home_that_is_named(home: Path) -> None:
    places = settings.places()
    assert places.config_file == home / "config" / "config.toml"
    assert places.themes == home / "config" / "themes"
    assert places.history_file == home / "data" / "history.db"
    assert places.cache == home / "cache"


def test_without_one_they_are_where_the_system_keeps_such_files(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("STREAMSCOPE_HOME")
    places = settings.places()
    assert places.config_file.is_absolute()
    assert "streamscope" in str(places.history_file)


# --------------------------------------------------------------------------------------- load


def test_without_a_file_there_are_defaults(file: Path) -> None:
    config = settings.load(file)
    assert config == Config()
    assert (config.request.temperature, config.request.seed) == (0.2, 42)
    assert config.timeouts.stall_s == 120.0


def test_what_a_file_says_counts(file: Path) -> None:
    write(file, 'url = "http://127.0.0.1:1"\n[timeouts]\ntotal_s = 5\n[layouts]\n"x" = "race"\n')
    config = settings.load(file)
    assert (config.url, config.timeouts.total_s, config.timeouts.connect_s) == (
        "http://127.0.0.1:1",
        5.0,
        5.0,
    )
    assert config.layouts == {"x": "race"}


def test_a_file_may_say_what_each_channel_asks(file: Path) -> None:
    write(file, 'a = "qwen3:8b"\nb = "http://127.0.0.1:1 blocking"\n')
    config = settings.load(file)
    assert (config.a, config.b) == ("qwen3:8b", "http://127.0.0.1:1 blocking")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (b"a = ['qwen3:8b']", "$.a"),
        (b"modell = 'x'", "modell"),
        (b"[request]\nprompt = 'x'", "prompt"),
        (b"[comparison]\nrepeat = 'often'", "repeat"),
        (b"[comparison]\nleast = 5", "least"),
        (b"[comparison]\nuntil = 0", "until"),
        (b"[reader]\nwords_per_minute = 0", "words_per_minute"),
        (b"[verdict]\nmargin = nan", "margin"),
        (b"engine = 'steam'", "steam"),
        (b"[timeouts]\nstall_s = 0", "stall_s"),
        (b"[timeouts]\nstall_s = nan", "stall_s"),
        (b"[timeouts]\ntotal_s = inf", "total_s"),
        (b"[timeouts]\nconnect_s = -1", "connect_s"),
        (b"[request]\ntemperature = nan", "temperature"),
        (b"[request]\nmax_tokens = 0", "max_tokens"),
        (b"url = \n", "line 1"),
        (b"url = '\xff'", "UTF-8"),
    ],
)
def test_what_a_file_says_wrong_is_told_in_one_sentence(
    file: Path, text: bytes, named: str
) -> None:
    write(file, text)
    with pytest.raises(SettingsError) as raised:
        settings.load(file)
    sentence = str(raised.value)
    assert str(file) in sentence
    assert named in sentence
    assert sentence.endswith(".")
    assert "\n" not in sentence


def test_a_file_that_cannot_be_read_is_told(file: Path) -> None:
    file.mkdir(parents=True)
    with pytest.raises(SettingsError, match=r"can't be read: .*\.$"):
        settings.load(file)


# ----------------------------------------------------------------------------------- remember


def test_a_choice_is_kept_and_so_is_everything_else(file: Path) -> None:
    before = '# my own\ntheme = "old"  # why not\n\n[request]\nseed = 7 # lucky\n'
    write(file, before)
    settings.remember(file, ("theme",), "new")
    settings.remember(file, ("layouts", "ollama 127.0.0.1:11434"), "race")
    text = file.read_text()
    assert text.startswith(before.replace("old", "new"))
    config = settings.load(file)
    assert (config.theme, config.request.seed) == ("new", 7)
    assert config.layouts == {"ollama 127.0.0.1:11434": "race"}


def test_a_choice_makes_the_file(file: Path) -> None:
    settings.remember(file, ("theme",), "new")
    assert settings.load(file).theme == "new"
    assert names(file) == ["config.toml"]


def test_line_ends_stay_as_they_are(file: Path) -> None:
    write(file, b'# a\r\ntheme = "old"\r\n')
    settings.remember(file, ("theme",), "new")
    assert file.read_bytes() == b'# a\r\ntheme = "new"\r\n'


def test_a_link_stays_a_link_and_its_mode_stays(file: Path, tmp_path: Path) -> None:
    kept = tmp_path / "dotfiles.toml"
    kept.write_text("")
    kept.chmod(0o640)
    file.parent.mkdir()
    file.symlink_to(kept)
    settings.remember(file, ("theme",), "new")
    assert file.is_symlink()
    assert settings.load(kept).theme == "new"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o640


@pytest.mark.parametrize("text", [b"theme = ", b"\xff", b"layouts = 3"])
def test_a_file_that_is_no_config_is_left_alone(file: Path, text: bytes) -> None:
    write(file, text)
    with pytest.raises(SettingsError, match=r"can't be kept") as raised:
        settings.remember(file, ("layouts", "x"), "race")
    assert "\n" not in str(raised.value)
    assert file.read_bytes() == text
    assert names(file) == ["config.toml"]


def test_a_write_that_fails_leaves_the_old_file(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(file, 'theme = "old"\n')

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(SettingsError, match="No space left on device"):
        settings.remember(file, ("theme",), "new")
    assert file.read_text() == 'theme = "old"\n'
    assert names(file) == ["config.toml"]


def test_whoever_reads_meanwhile_finds_a_whole_file(file: Path) -> None:
    write(file, "theme = 'name-0'\n" + "# padding\n" * 2000)
    found: set[str] = set()
    over = threading.Event()

    def read() -> None:
        while not over.is_set():
            found.add(settings.load(file).theme)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for number in range(5):
            settings.remember(file, ("theme",), f"name-{number}")
    finally:
        over.set()
        reader.join()
    assert found <= {f"name-{number}" for number in range(5)}


# --------------------------------------------------------------------------------------- proxy


def test_a_proxy_is_for_others_never_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://proxy:3128")
    monkeypatch.setenv("https_proxy", "http://secure-proxy:3128")
    assert settings.proxy_for("http://example.com") == "http://proxy:3128"
    assert settings.proxy_for("https://example.com") == "http://secure-proxy:3128"
    assert settings.proxy_for("ws://example.com") == "http://proxy:3128"
    assert settings.proxy_for("wss://example.com") == "http://secure-proxy:3128"
    for url in (
        "http://127.0.0.1:11434",
        "http://localhost",
        "http://[::1]:1",
        "https://127.0.0.1",
    ):
        assert settings.proxy_for(url) is None


def test_servers_that_the_environment_exempts_need_no_proxy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ALL_PROXY", "proxy:3128")
    monkeypatch.setenv("NO_PROXY", "example.com,10.0.0.2")
    assert settings.proxy_for("https://example.com") is None
    assert settings.proxy_for("http://10.0.0.2:8000") is None
    assert settings.proxy_for("https://example.org") == "http://proxy:3128"


def test_a_proxy_that_cannot_be_used_is_not_gone_around(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://me:secret@127.0.0.1:9050")
    with pytest.raises(SettingsError, match="socks5 proxy") as raised:
        settings.proxy_for("https://example.com")
    assert "secret" not in str(raised.value)
    assert settings.proxy_for("http://127.0.0.1:8000") is None
