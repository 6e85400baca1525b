"""Serve one GGUF model with llama.cpp, for as long as the app lives.

Run as ``python -m streamscope.engines.llama_child``.
"""

import os
import sys
import threading
from pathlib import Path

import msgspec

from streamscope.engines.child import Announcement
from streamscope.engines.lifeline import Lifeline

_CONTEXT = 4096
_ERRORS_ONLY = 1


class Configuration(msgspec.Struct, frozen=True, kw_only=True):
    """What this child needs to know.

    Attributes:
        gguf: Path of the model.
        model: Name to serve it under.
        key: The key that requests must carry.
    """

    gguf: str
    model: str
    key: str


def threads(cores: int) -> int:
    """Return how many threads llama.cpp may use: with every core busy its barriers collapse."""
    return max(1, cores - 1)


def usable_cores() -> int:
    """Return how many cores this process may run on."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def import_advice(error: ImportError) -> str:
    """Say in one sentence why llama.cpp cannot be imported and what helps."""
    if "libgomp" in str(error):
        return "The local model needs the system library libgomp: install the package libgomp1."
    if isinstance(error, ModuleNotFoundError):
        return "The local model is not installed: pip install 'streamscope[local]'."
    return f"The local model's library could not be loaded: {error}."


def main() -> None:
    """Load the model, announce where it is served, and wait for the end."""
    line = Lifeline()
    configuration = line.configuration(Configuration)
    try:
        import xllamacpp
    except ImportError as error:
        line.fail(import_advice(error))

    params = xllamacpp.CommonParams()
    params.model.path = configuration.gguf
    params.model_alias = {configuration.model}
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    # The server lets pages of any origin call it, so only who knows the key may.
    params.api_keys = [configuration.key]
    params.ui = False
    params.n_parallel = 1
    params.n_ctx = _CONTEXT  # the server lowers it to what the model was trained for
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads(usable_cores())
    # Or else the second run of a pair has its prefill for nothing. Requests say so too, but not
    # all routes heed them; who wants the cache can still ask for it on the others.
    params.cache_prompt = False
    params.verbosity = _ERRORS_ONLY  # for the app to quote; none of it reaches a terminal
    try:
        server = xllamacpp.Server(params)
    except RuntimeError:
        name = Path(configuration.gguf).name
        line.fail(f"llama.cpp could not load {name}: it is damaged, or of a kind it cannot run.")
    url = server.listening_address
    line.announce(Announcement(url=url, pid=os.getpid(), model=configuration.model))
    threading.Event().wait()  # the lifeline ends the process; deleting the server could hang


if __name__ == "__main__":
    main()
