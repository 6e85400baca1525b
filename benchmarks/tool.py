"""What a tool under comparison is: how it is run, and what it tells."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.readings import Reading
from benchmarks.scripts import SENTENCE

OUTPUT_TOKENS = 200


@dataclass(frozen=True)
class Figures:
    """What a tool says of a run; ``None`` where it says nothing of the kind.

    Attributes:
        ttft_ms: What it calls time to first token, or the nearest to that.
        answer_ms: Time to the first text of the answer, where it tells reasoning apart.
        token_ms: What it calls time per output token, or inter-token latency if that is per token.
        gap_ms: Mean gap between chunks.
        rate: What it calls tokens per second, for one request at a time.
        tokens: Output tokens of an answer.
        server: What it says of the server's own durations.
    """

    ttft_ms: float | None = None
    answer_ms: float | None = None
    token_ms: float | None = None
    gap_ms: float | None = None
    rate: float | None = None
    tokens: float | None = None
    server: str = ""


@dataclass(frozen=True)
class Tool:
    """A tool.

    Attributes:
        package: Its name on the package index.
        script: Its command.
        arguments: From URL, number of requests and folder for its files to its arguments.
        readings: What it noted of each request, in their order, from its files.
        figures: What it says, from its files.
        counts: For each of the figures, what it counts.
    """

    package: str
    script: str
    arguments: Callable[[str, int, Path], list[str]]
    readings: Callable[[Path], list[Reading]]
    figures: Callable[[Path], Figures]
    counts: Mapping[str, str]


def write_tokenizer(folder: Path) -> Path:
    """Write a tokenizer that counts words, for tools that want one even where the server counts."""
    made = folder / "tokenizer"
    made.mkdir()
    vocabulary = ["[UNK]", *sorted(set(SENTENCE.split()))]
    unknown = {"id": 0, "content": "[UNK]", "special": True, "normalized": False}
    sides = {"single_word": False, "lstrip": False, "rstrip": False}
    document = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [{**unknown, **sides}],
        "normalizer": None,
        "pre_tokenizer": {"type": "WhitespaceSplit"},
        "post_processor": None,
        "decoder": None,
        "model": {
            "type": "WordLevel",
            "vocab": {word: index for index, word in enumerate(vocabulary)},
            "unk_token": "[UNK]",
        },
    }
    config = {"tokenizer_class": "PreTrainedTokenizerFast", "unk_token": "[UNK]"}
    (made / "tokenizer.json").write_text(json.dumps(document))
    (made / "tokenizer_config.json").write_text(json.dumps(config))
    return made


def read_json(file: Path) -> Any:
    """Return what a file of JSON holds."""
    return json.loads(file.read_text())


def times(value: float | None, factor: float) -> float | None:
    """Return a value in another unit; ``None`` of nothing."""
    return None if value is None else value * factor
