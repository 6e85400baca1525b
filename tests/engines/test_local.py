"""The real model under the real llama.cpp: it answers, repeats itself, and keeps quiet."""

import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from subprocess import Popen
from typing import Any

import pytest

from streamscope.engines import local
from streamscope.engines.detect import Fetch, identify
from streamscope.engines.engine import Engine, EngineError
from streamscope.engines.llama_child import import_advice, threads
from streamscope.trace import Request

Post = Callable[..., Any]
Eventually = Callable[[Callable[[], bool]], Awaitable[bool]]
Gone = Callable[[int], bool]
Parent = Callable[[str], "Popen[str]"]


def nothing(_phase: str) -> None:
    """Ignore a phase."""


def question(engine: Engine, **more: Any) -> dict[str, Any]:
    """Return a body with what the engine wants in every request."""
    filled = engine.fill(Request(prompt="Name three rivers of Europe.", max_tokens=24, seed=7))
    messages = [{"role": "user", "content": filled.prompt}]
    return {
        "model": engine.target.model,
        "messages": messages,
        "seed": filled.seed,
        "max_tokens": filled.max_tokens,
        **filled.params,
        **more,
    }


def test_streaming_and_blocking_give_the_same_text_for_the_same_seed(
    local_engine: Engine, post: Post
) -> None:
    url, key = f"{local_engine.target.url}/chat/completions", local_engine.key
    whole = post(url, question(local_engine, temperature=0.8), key).json
    text = whole["choices"][0]["message"]["content"]
    events = post(url, question(local_engine, temperature=0.8, stream=True), key).events
    deltas = [event["choices"][0]["delta"].get("content") for event in events]
    assert len(text) > 20
    assert "".join(filter(None, deltas)) == text
    assert len(deltas) > 10


def test_the_defaults_keep_the_second_run_from_a_free_prefill(
    local_engine: Engine, post: Post
) -> None:
    url, key = f"{local_engine.target.url}/chat/completions", local_engine.key
    replies = [post(url, question(local_engine), key).json for _ in range(2)]
    assert [reply["timings"]["cache_n"] for reply in replies] == [0, 0]
    assert replies[0]["timings"]["prompt_n"] == replies[1]["timings"]["prompt_n"] > 0


ASKED = "Name three rivers of Europe."
TURNS = [{"role": "user", "content": ASKED}]


@pytest.mark.parametrize(
    ("route", "body", "cached"),
    [
        ("/v1/chat/completions", {"messages": TURNS}, "usage.prompt_tokens_details.cached_tokens"),
        ("/v1/completions", {"prompt": ASKED}, "timings.cache_n"),
        ("/v1/responses", {"input": ASKED}, "usage.input_tokens_details.cached_tokens"),
        ("/v1/messages", {"messages": TURNS}, "usage.cache_read_input_tokens"),
        ("/completion", {"prompt": ASKED, "n_predict": 2}, "timings.cache_n"),
    ],
)
def test_no_route_has_a_free_prefill_even_if_nothing_was_said_of_it(
    local_engine: Engine, post: Post, route: str, body: dict[str, Any], cached: str
) -> None:
    url = local_engine.target.url.removesuffix("/v1") + route
    asked = {"model": local_engine.target.model, "max_tokens": 2, "max_output_tokens": 2, **body}
    for _ in range(2):
        found = post(url, asked, local_engine.key).json
        for member in cached.split("."):
            found = found[member]
        assert found == 0


def test_without_the_key_nobody_gets_an_answer(local_engine: Engine, post: Post) -> None:
    url = f"{local_engine.target.url}/chat/completions"
    assert post(url, question(local_engine)).status == 401
    assert post(url, question(local_engine), "guess").status == 401


async def test_it_is_recognised_and_its_label_and_caution_are_honest(
    local_engine: Engine, fetch: Fetch
) -> None:
    found = await identify(fetch, local_engine.target.url, timeout_s=10)
    assert found is not None
    assert (found.kind, found.state) == ("llama.cpp", "locked")
    assert found.target is None
    assert local_engine.target.model == "smollm2-135m-instruct"
    assert local_engine.caution == (
        "135M demo model: the timings are real, the answers are not reliable."
    )
    assert local_engine.key is not None
    assert local_engine.key not in repr(local_engine)


@pytest.mark.parametrize("length", [4, 1000, 1_000_000])
async def test_a_broken_model_is_an_error_in_one_sentence(
    gguf: Path, tmp_path: Path, length: int
) -> None:
    broken = tmp_path / "broken.gguf"
    with gguf.open("rb") as file:
        broken.write_bytes(file.read(length))
    phases: list[str] = []
    with pytest.raises(EngineError, match=r"^llama\.cpp could not load broken\.gguf.* \(.+\)$"):
        await local.start(broken, report=phases.append)
    assert phases == ["loading model"]


async def test_the_terminal_stays_clean_and_a_killed_app_takes_the_model_with_it(
    gguf: Path, parent: Parent, eventually: Eventually, gone: Gone
) -> None:
    app = parent(
        f"""
        import asyncio, os, signal, urllib.request
        from pathlib import Path
        from streamscope.engines import local
        start = local.start(Path({str(gguf)!r}), report=lambda phase: None)
        engine = asyncio.run(start)
        urllib.request.urlopen(engine.target.url + "/health").read()
        print(engine.process.pid, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
        """
    )
    out, err = app.communicate()
    assert app.returncode == -signal.SIGKILL
    assert err == ""
    (line,) = out.splitlines()
    assert await eventually(lambda: gone(int(line)))


@pytest.mark.skipif(sys.platform != "linux", reason="sees in /proc that the load is under way")
async def test_an_app_killed_while_the_model_loads_takes_the_process_with_it(
    gguf: Path, parent: Parent, eventually: Eventually, gone: Gone
) -> None:
    app = parent(
        f"""
        import os, signal
        from pathlib import Path
        from streamscope.engines.child import Child
        config = {{"gguf": {str(gguf)!r}, "model": "m", "key": "k"}}
        child = Child("streamscope.engines.llama_child", config, name="The model")
        while {gguf.name!r} not in Path(f"/proc/{{child.pid}}/maps").read_text():
            pass
        print(child.pid, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
        """
    )
    out, _ = app.communicate()
    assert await eventually(lambda: gone(int(out)))


def test_one_core_is_left_to_everything_else() -> None:
    assert [threads(cores) for cores in (1, 2, 8)] == [1, 1, 7]


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (ModuleNotFoundError("No module named 'xllamacpp'"), "pip install 'streamscope[local]'"),
        (ImportError("libgomp.so.1: cannot open shared object file"), "libgomp1"),
        (ImportError("bad ELF header"), "bad ELF header"),
    ],
)
def test_a_library_that_does_not_load_comes_with_advice(error: ImportError, advice: str) -> None:
    assert advice in import_advice(error)


def test_a_missing_extra_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert local.missing() is None
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    assert local.missing() == "the local extra is not installed: pip install 'streamscope[local]'"


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("Qwen3-4B-Q4_K_M.gguf", "qwen3-4b-q4_k_m"),
        ("my model (2).gguf", "my-model-2"),
        ("模型.gguf", "model"),
    ],
)
def test_a_model_of_ones_own_is_named_after_its_file(file: str, name: str) -> None:
    assert local.model_name(Path(file)) == name


def test_defaults_fill_gaps_and_nothing_else(local_engine: Engine) -> None:
    filled = local_engine.fill(Request(prompt="x"))
    assert (filled.max_tokens, filled.params) == (512, {"cache_prompt": False})
    chosen = Request(prompt="x", max_tokens=9, params={"cache_prompt": True, "top_k": 1})
    assert local_engine.fill(chosen) == chosen
