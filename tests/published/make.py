"""Write a published table as the bytes that Ollama would have sent, and as files to replay.

``python tests/published/make.py`` writes the files beside it and those in ``docs/examples``. See
the README here for what is published and what is made up.
"""

import datetime
import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from streamscope.report.comparison_json import to_jsonl
from streamscope.trace import Chunk, Mode, Request, Run, Target, Trace
from streamscope.wire.base import Decoder
from streamscope.wire.events import End, Finish, Model, Text, Timings, Usage
from streamscope.wire.registry import protocol
from streamscope.wire.stamps import epoch_ns

HERE = Path(__file__).parent
EXAMPLES = HERE.parents[1] / "docs" / "examples"
MODEL = "gemma4:e2b"
TARGET = Target(protocol="ollama-generate", url="http://127.0.0.1:11434", model=MODEL)
BEGAN = datetime.datetime(2026, 6, 1, 8, 0, tzinfo=datetime.UTC)
NS = 1_000_000_000

SHORT = "繁體中文是保留傳統字形、主要通行於臺灣、香港與澳門的中文書寫系統。"
LONG = """\
統一記憶體（unified memory）是 Apple Silicon 的核心設計：\
CPU、GPU 與神經網路引擎共用同一塊實體記憶體，不必各自保留一份資料。對本地大型語言模型而言，\
這代表模型權重只需載入一次，圖形處理器就能直接讀取，\
省去經由匯流排搬移的時間，也省下一份副本所佔的空間。一般獨立顯示卡的記憶體往往只有八到十六 GB，\
而統一記憶體的機器可以把大部分容量交給模型使用，因此能執行較大的模型。

推論時真正的瓶頸通常是記憶體頻寬，而不是運算能力。每產生一個詞元，就必須把所有啟用的權重讀過一遍，\
所以速度大致等於頻寬除以模型大小。以每秒兩百 GB 的頻寬與三 GB 的量化模型來說，\
理論上限約為每秒六十多個詞元；實測會再低一些，因為注意力的快取、取樣與排程也要時間。量化把權重縮小，等於直接提高產生的速度，\
這也是本地推論幾乎都採用四位元格式的原因。

不過共用也有代價。系統、瀏覽器與其他程式會和模型爭奪同一塊記憶體，容量不足時便開始交換到磁碟，速度會驟降。\
頻寬同樣由所有單元分享，同時執行其他繪圖工作會拖慢產生。此外，記憶體焊死在晶片旁，購買之後無法擴充。\
總結來說，統一記憶體讓一般筆電也能流暢執行中型模型，但使用者應先估算權重、上下文快取與系統所需的總量，\
再選擇合適的量化等級與模型大小。"""


class Line(NamedTuple):
    """A row of the published table, and what was assumed to make bytes of it.

    Attributes:
        mode: How the answer was delivered.
        first_s: Published time to the first text, s; in blocking mode the total.
        total_s: Published total, s.
        decode_s: The published tokens by the published rate, s.
        prefill_s: Assumed, s: with the load it stays within what decoding leaves of the total.
    """

    mode: Mode
    first_s: float
    total_s: float
    decode_s: float
    prefill_s: float


class Case(NamedTuple):
    """A prompt of the table.

    Attributes:
        name: Part of the names of its files.
        prompt: What was asked.
        answer: Made up.
        tokens: Published count of generated tokens.
        chunks: Pieces of the answer: as many as tokens fit between first and last text.
        lines: The stream and the blocking response.
    """

    name: str
    prompt: str
    answer: str
    tokens: int
    chunks: int
    lines: Sequence[Line]


LOAD_S = 0.09
CASES = (
    Case(
        name="short",
        prompt="請用一句話回答：什麼是繁體中文？",
        answer=SHORT,
        tokens=349,
        chunks=20,
        lines=(
            Line("stream", 7.69, 8.15, 349 / 44.5, 0.19),
            Line("blocking", 7.65, 7.65, 7.152, 0.38),
        ),
    ),
    Case(
        name="long",
        prompt="請用約 400-500 字介紹 Apple Silicon 的 unified memory 架構對本地 LLM 推論的影響，"
        "至少分三段。",
        answer=LONG,
        tokens=997,
        chunks=529,
        lines=(
            Line("stream", 9.71, 20.13, 997 / 50.8, 0.40),
            Line("blocking", 19.48, 19.48, 19.018, 0.35),
        ),
    ),
)


def body(case: Case, line: Line) -> bytes:
    """Return what the server sends, a JSON text a line; ``created_at`` is when it sends it."""
    if line.mode == "blocking":
        return _json(line.total_s, response=case.answer, done=True, **_end(case, line))
    step = (line.total_s - line.first_s) / (case.chunks - 1)
    said = b"".join(
        _json(line.first_s + index * step, response=piece, done=False)
        for index, piece in enumerate(_pieces(case.answer, case.chunks))
    )
    return said + _json(line.total_s, response="", done=True, **_end(case, line))


def trace_of(data: bytes, mode: Mode) -> Trace:
    """Decode a body as the probe does, each line as it came: with the first came the headers."""
    decoder: Decoder = protocol(TARGET.protocol).decoder(mode)
    trace = Trace(
        mode=mode,
        started_utc=BEGAN.isoformat(timespec="milliseconds"),
        marks={"sent": 0},
        status=200,
        flags=["reconstructed"],
    )
    zero = int(BEGAN.timestamp()) * NS
    at = 0
    for read, line in enumerate(data.splitlines(keepends=True)):
        at = (epoch_ns(json.loads(line)["created_at"]) or 0) - zero
        trace.marks.setdefault("headers", at)
        trace.marks.setdefault("first_byte", at)
        trace.reads, trace.body_bytes = read + 1, trace.body_bytes + len(line)
        _take(trace, decoder, line, at, read)
    for event in decoder.finish():
        _note(trace, event, at, trace.reads - 1)
    trace.marks["closed"] = at
    return trace


def runs_of(case: Case, bodies: Sequence[bytes]) -> Iterator[Run]:
    """Return the pair of runs of a case from the bytes of both."""
    seed = hashlib.sha256(f"published {case.name}".encode()).hexdigest()
    for number, (line, data) in enumerate(zip(case.lines, bodies, strict=True)):
        yield Run(
            run_id=seed[number : number + 32],
            comparison_id=seed[-32:],
            channel="A" if line.mode == "stream" else "B",
            target=TARGET,
            request=Request(prompt=case.prompt, temperature=0.2),
            trace=trace_of(data, line.mode),
            position=number + 1,
            server_version="0.30.6",
        )


def place(case: Case, line: Line) -> Path:
    """Return where the bytes of a line are."""
    return HERE / f"{case.name}_{line.mode}.ndjson"


def main() -> None:
    """Write all files again."""
    EXAMPLES.mkdir(exist_ok=True)
    for case in CASES:
        bodies = [body(case, line) for line in case.lines]
        for line, data in zip(case.lines, bodies, strict=True):
            place(case, line).write_bytes(data)
        written = b"".join(map(to_jsonl, runs_of(case, bodies)))
        (EXAMPLES / f"hidden-thinking-{case.name}.jsonl").write_bytes(written)


def _end(case: Case, line: Line) -> dict[str, object]:
    return {
        "done_reason": "stop",
        "total_duration": round(line.total_s * NS) - 2_000_000,
        "load_duration": round(LOAD_S * NS),
        "prompt_eval_count": 40,
        "prompt_eval_duration": round(line.prefill_s * NS),
        "eval_count": case.tokens,
        "eval_duration": round(line.decode_s * NS),
    }


def _json(at_s: float, **members: object) -> bytes:
    at = BEGAN + datetime.timedelta(microseconds=round(at_s * 1_000_000))
    stamp = at.isoformat(timespec="microseconds").replace("+00:00", "Z")
    line = {"model": MODEL, "created_at": stamp, **members}
    return json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _pieces(text: str, count: int) -> Iterator[str]:
    """Cut a text into so many pieces of nearly the same length."""
    for index in range(count):
        yield text[len(text) * index // count : len(text) * (index + 1) // count]


def _take(trace: Trace, decoder: Decoder, data: bytes, at: int, read: int) -> None:
    for event in decoder.feed(data):
        _note(trace, event, at, read)


def _note(trace: Trace, event: object, at: int, read: int) -> None:
    """Keep an event as the probe keeps it."""
    match event:
        case Text():
            trace.chunks.append(Chunk(at, event.kind, event.text, read, event.server_ns))
        case Usage():
            trace.tokens = trace.tokens.merged(event.tokens)
            trace.marks.setdefault("usage", at)
        case Timings():
            trace.server = event.server
        case Model():
            trace.model = event.name
        case Finish():
            trace.ended = event.reason
            trace.marks.setdefault("finish", at)
        case End():
            trace.marks.setdefault("done", at)
        case _:
            raise ValueError(f"the table has nothing that makes {event}")


if __name__ == "__main__":
    main()
