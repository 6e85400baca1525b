"""What streamscope says of a comparison, in the terms that others use, from its JSON."""

import json
from pathlib import Path
from typing import Any

from benchmarks.tool import Figures

COUNTS = {
    "ttft_ms": "t_any_s: first chunk with text, reasoning included (median)",
    "answer_ms": "ttfv_s: first chunk of the answer (median)",
    "token_ms": "tpot_ms: (last − first text) / (usage tokens − f of the first arrival) (median)",
    "gap_ms": "gap_mean_ms: between arrivals of answer text; chunks of one read are one (median)",
    "rate": "visible_tok_per_s: (answer tokens − f) / (last − first text of the answer) (median)",
    "tokens": "output_tokens: usage (median)",
    "server": "prefill_s and decode_s where they can be true (median), else its remark",
}

_REMARKS = ("impossible-figures", "unaccounted")
"""Codes of the remarks on a server's own times."""


def said(file: Path) -> Figures:
    """Return what a result in JSON says of the streamed runs."""
    document = json.loads(file.read_text())
    medians = document["summary"]["A"]

    def of(name: str, factor: float = 1.0) -> float | None:
        return medians[name]["median"] * factor if name in medians else None

    return Figures(
        ttft_ms=of("t_any_s", 1e3),
        answer_ms=of("ttfv_s", 1e3),
        token_ms=of("tpot_ms"),
        gap_ms=of("gap_mean_ms"),
        rate=of("visible_tok_per_s"),
        tokens=of("output_tokens"),
        server=_server(document, of("prefill_s", 1e3), of("decode_s", 1e3)),
    )


def _server(document: Any, prefill_ms: float | None, decode_ms: float | None) -> str:
    """Return what is said of the server's own times."""
    pairs = (("prefill", prefill_ms), ("decode", decode_ms))
    parts = [f"{name} {value:.1f} ms" for name, value in pairs if value is not None]
    parts += [
        note["sentence"]
        for note in document["notes"]
        if note["channel"] == "A" and note["code"] in _REMARKS
    ]
    return "; ".join(parts)
