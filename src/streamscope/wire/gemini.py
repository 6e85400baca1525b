"""Gemini: ``generateContent``, and ``streamGenerateContent`` as an event stream."""

from typing import Any, ClassVar
from urllib.parse import quote

import msgspec

from streamscope.trace import Ended, Fault, Mode, Request, Target, Tokens
from streamscope.wire import faults, known, lenient, urls
from streamscope.wire.base import Decoder, HttpCall, Protocol
from streamscope.wire.bodies import Reader, SseBody, WholeBody
from streamscope.wire.events import End, Event
from streamscope.wire.ledger import Ledger
from streamscope.wire.numbers import count, impossible
from streamscope.wire.openai_shapes import Function, Number, called
from streamscope.wire.request import effort, given, headers, merge
from streamscope.wire.transcript import Transcript

_FINISH: dict[str, Ended] = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    "SAFETY": "filter",
    "RECITATION": "filter",
    "LANGUAGE": "filter",
    "BLOCKLIST": "filter",
    "PROHIBITED_CONTENT": "filter",
    "SPII": "filter",
    "OTHER": "incomplete",
    "MALFORMED_FUNCTION_CALL": "incomplete",
    "UNEXPECTED_TOOL_CALL": "incomplete",
    "TOO_MANY_TOOL_CALLS": "incomplete",
}
"""Finish reasons; those that begin with ``IMAGE_`` withhold an image, and unknown ones just end."""

_BUDGETS = {"low": 1024, "medium": 8192, "high": 24576}
"""Levels as token budgets, for models that know no levels: what Google's OpenAI route makes of
them."""

_UNSPECIFIED = "FINISH_REASON_UNSPECIFIED"


class _Call(msgspec.Struct):
    name: str | None = None
    args: Any = None


class _Code(msgspec.Struct):
    code: str | None = None


class _Part(msgspec.Struct, rename="camel"):
    text: str | None = None
    thought: bool | None = None
    function_call: _Call | None = None
    executable_code: _Code | None = None


class _Content(msgspec.Struct):
    parts: list[_Part] | None = None


class _Candidate(msgspec.Struct, rename="camel"):
    content: _Content | None = None
    finish_reason: str | None = None
    index: int | None = None


class _Feedback(msgspec.Struct, rename="camel"):
    block_reason: str | None = None


class _Usage(msgspec.Struct, rename="camel"):
    """Token counts so far; those of the answer leave the thoughts out."""

    prompt_token_count: Number = None
    tool_use_prompt_token_count: Number = None
    candidates_token_count: Number = None
    thoughts_token_count: Number = None
    cached_content_token_count: Number = None

    def impossible(self) -> bool:
        """Tell whether one of the counts can't be."""
        return impossible(msgspec.structs.astuple(self))

    def tokens(self) -> Tokens:
        """Return the counts as a trace keeps them."""
        thoughts = count(self.thoughts_token_count)
        return Tokens(
            prompt=_sum(count(self.prompt_token_count), count(self.tool_use_prompt_token_count)),
            output=_sum(count(self.candidates_token_count), thoughts),
            reasoning=thoughts,
            cached=count(self.cached_content_token_count),
        )


class _Chunk(msgspec.Struct, rename="camel"):
    """A chunk of a stream, or the whole of a blocking answer."""

    candidates: list[_Candidate] | None = None
    prompt_feedback: _Feedback | None = None
    usage_metadata: _Usage | None = None
    model_version: str | None = None
    response_id: str | None = None
    error: Any = None

    def says_anything(self) -> bool:
        """Tell whether any member was there."""
        return any(member is not None for member in msgspec.structs.astuple(self))


_CHUNKS = msgspec.json.Decoder(_Chunk | list[_Chunk])
_ANY = msgspec.json.Decoder()


class GeminiReader(Reader):
    """Reads chunks; a blocking answer is one chunk with everything in it."""

    def __init__(self, mode: Mode) -> None:
        """Read what a channel of this mode receives."""
        self._mode = mode
        self._transcript = Transcript()
        self._ledger = Ledger()
        self._finished = False

    def read(self, payload: bytes, name: str = "message") -> list[Event]:
        """Return the events of one chunk, or of several in a list."""
        chunks = lenient.decode(payload, _CHUNKS)
        if isinstance(chunks, _Chunk):
            chunks = [chunks]
        if name == "error" or any(chunk.error for chunk in chunks):
            return [faults.reported(lenient.decode(payload, _ANY))]
        found: list[Event] = []
        for chunk in chunks:
            found += self._chunk(chunk, payload)
        return found

    def close(self) -> list[Event]:
        """Return text that was held back because it might have been a tag."""
        return self._transcript.close()

    def over(self, *, marked: bool) -> list[Event]:
        """End: the reason to finish is the only mark, and counts may follow it."""
        return [*self.close(), *([End()] if marked or self._finished else [])]

    def _chunk(self, chunk: _Chunk, payload: bytes) -> list[Event]:
        blocked = chunk.prompt_feedback and chunk.prompt_feedback.block_reason
        if not chunk.says_anything():
            raise lenient.NotValidError("neither candidates nor counts in it")
        if self._mode == "blocking" and not chunk.candidates and not blocked:
            raise lenient.NotValidError("the answer has no candidates")
        found = self._transcript.model(chunk.model_version)
        for candidate in chunk.candidates or ():
            if not candidate.index:  # others are further answers to the same prompt
                found += self._candidate(candidate)
        if blocked:
            found += self._finish("filter")
        return found + self._ledger.told(payload, chunk.usage_metadata)

    def _candidate(self, candidate: _Candidate) -> list[Event]:
        found: list[Event] = []
        parts = (candidate.content and candidate.content.parts) or ()
        for part in parts:
            found += self._part(part)
        reason = candidate.finish_reason
        if reason and reason != _UNSPECIFIED:
            withheld = reason.startswith(("IMAGE_", "NO_IMAGE"))
            found += self._finish("filter" if withheld else _FINISH.get(reason, "stop"))
        return found

    def _part(self, part: _Part) -> list[Event]:
        transcript = self._transcript
        if part.text:
            return (transcript.reasoning if part.thought else transcript.answer)(part.text)
        if call := part.function_call:
            return transcript.tool(called(Function(call.name, call.args)))
        return transcript.tool(part.executable_code.code) if part.executable_code else []

    def _finish(self, ended: Ended) -> list[Event]:
        self._finished = True
        return self._transcript.finish(ended)


class Gemini(Protocol):
    """Google's own protocol, in its form for API keys."""

    name: ClassVar[str] = "gemini"
    label: ClassVar[str] = "Google Gemini, generateContent"

    def call(self, target: Target, request: Request, mode: Mode, key: str | None) -> HttpCall:
        """Build the request; what switches streaming is the path alone."""
        body: dict[str, Any] = {"contents": [{"role": "user", "parts": [{"text": request.prompt}]}]}
        if request.system is not None:
            body["systemInstruction"] = {"parts": [{"text": request.system}]}
        sampling = {
            "temperature": request.temperature,
            "topP": request.top_p,
            "seed": request.seed,
            "maxOutputTokens": request.max_tokens,
            "stopSequences": list(request.stop),
            "thinkingConfig": _thinking(target, request.think),
        }
        if config := given(sampling):
            body["generationConfig"] = config
        merge(body, request.params)
        accept = "text/event-stream" if mode == "stream" else "application/json"
        # Never in the URL, where it would stand in the logs of whoever is between.
        authorized = {"x-goog-api-key": key} if key else {}
        return HttpCall(
            method="POST",
            url=_called(target, mode) + ("?alt=sse" if mode == "stream" else ""),
            headers=headers(accept, None) | authorized,
            body=lenient.encode(body),
        )

    def unsent(self, target: Target, request: Request) -> tuple[str, ...]:
        """Return that not to think was asked of a model that cannot but think."""
        return () if _thinking(target, request.think) else known.unthought(request)

    def decoder(self, mode: Mode) -> Decoder:
        """Return a decoder for server-sent events, or for one whole answer."""
        reader = GeminiReader(mode)
        return SseBody(reader) if mode == "stream" else WholeBody(reader)

    def models_url(self, target: Target) -> str:
        """Return the URL that lists the models, all on one page."""
        return urls.gemini_url(target.url, "models?pageSize=1000")

    def parse_models(self, body: bytes) -> list[str]:
        """Return the names of the models that generate text, without ``models/``."""
        try:
            models = lenient.decode(body, _LIST).models or []
        except lenient.NotValidError:
            return []
        return [
            model.name.removeprefix("models/")
            for model in models
            if model.name and model.generates()
        ]

    def fault(self, target: Target, status: int, body: bytes) -> Fault:
        """Say what an HTTP error means."""
        return faults.refused(target, status, body, _called(target, "stream"))


class _Model(msgspec.Struct, rename="camel"):
    name: str | None = None
    supported_generation_methods: list[str] | None = None

    def generates(self) -> bool:
        """Tell whether it answers prompts, as far as the list says."""
        methods = self.supported_generation_methods
        return methods is None or "generateContent" in methods


class _Models(msgspec.Struct):
    models: list[_Model] | None = None


_LIST = msgspec.json.Decoder(_Models)


def _called(target: Target, mode: Mode) -> str:
    model = quote(target.model, safe="/")
    place = model if "/" in model else f"models/{model}"
    method = "streamGenerateContent" if mode == "stream" else "generateContent"
    return urls.gemini_url(target.url, f"{place}:{method}")


def _thinking(target: Target, think: bool | str | None) -> dict[str, Any] | None:
    """Return ``thinkingConfig``: a budget, or for models after the second generation a level.

    A budget of nothing is taken by one family alone; 2.5 Pro and all newer models refuse it.
    """
    if think is None:
        return None
    if effort(think) == "none":
        if "gemini-2.5-flash" not in target.model:
            return None
        return {"includeThoughts": False, "thinkingBudget": 0}
    if isinstance(think, str) and "gemini-2" not in target.model:
        return {"includeThoughts": True, "thinkingLevel": think.upper()}
    budget = _BUDGETS.get(think, -1) if isinstance(think, str) else -1
    return {"includeThoughts": True, "thinkingBudget": budget}


def _sum(first: int | None, second: int | None) -> int | None:
    return None if first is None and second is None else (first or 0) + (second or 0)
