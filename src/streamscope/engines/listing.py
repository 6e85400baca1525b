"""Read lists of models: which can answer a prompt, and what is known of each.

Every function takes decoded JSON that may hold anything, and returns models by their names, the
best one first.
"""

import re
from collections.abc import Mapping
from typing import Any

from streamscope.engines.found import Capabilities

Models = dict[str, Capabilities]
"""What is known of models, by their names, in their order."""

Row = Mapping[str, Any]

_NO_CHAT = re.compile(
    r"embed|whisper|tts|dall-e|moderation|realtime|audio|transcribe|image|sora|davinci|babbage"
    r"|rerank|veo-|imagen|-search-|computer-use|aqa$"
)
"""In names of vendors' models that answer no prompt, or not with text."""


def rows(answer: Mapping[str, Any], member: str) -> list[dict[str, Any]]:
    """Return a member that is a list of objects; empty if it is not."""
    found = answer.get(member)
    return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []


def ollama(tags: Row, running: Row) -> Models:
    """Return Ollama's models, loaded ones first: the others would have to be loaded."""
    loaded = {_name(row): row for row in rows(running, "models")}
    models = {
        name: Capabilities(
            thinking=_has(row.get("capabilities"), "thinking"),
            context=_count(loaded.get(name, {}).get("context_length")),
            loaded=name in loaded,
            size=_size(_inner(row, "details").get("parameter_size")),
            quantization=_text(_inner(row, "details").get("quantization_level")),
        )
        for row in rows(tags, "models")
        if (name := _name(row)) and _completes(row)
    }
    first = [name for name in loaded if name in models]
    return {name: models[name] for name in dict.fromkeys([*first, *models])}


def lmstudio(answer: Row) -> Models:
    """Return LM Studio's models as its own API lists them, loaded ones first."""
    found = [row for row in rows(answer, "models") if row.get("type", "llm") != "embedding"]
    found.sort(key=lambda row: not row.get("loaded_instances"))
    return {
        name: Capabilities(
            thinking=_reasons(row),
            context=_lmstudio_context(row),
            loaded=bool(row.get("loaded_instances")),
            size=_text(row.get("params_string")),
            quantization=_text(_inner(row, "quantization").get("name")),
        )
        for row in found
        if (name := _text(row.get("key")))
    }


def llama_cpp(listed: Row, props: Row) -> Models:
    """Return llama.cpp's models, loaded ones first; only a router has others."""
    thinks = _template_thinks(props)
    running = _count(_inner(props, "default_generation_settings").get("n_ctx"))
    models: Models = {}
    for row in rows(listed, "data"):
        meta = _inner(row, "meta")
        status = _text(_inner(row, "status").get("value"))
        context = _count(meta.get("n_ctx")) or running or _count(meta.get("n_ctx_train"))
        if name := _text(row.get("id")):
            models[name] = Capabilities(
                thinking=thinks,
                context=context,
                loaded=status == "loaded" if status else True,
                size=_billions(_count(meta.get("n_params"))),
                quantization=_text(meta.get("ftype")),
            )
    return dict(sorted(models.items(), key=lambda item: not item[1].loaded))


def openai(listed: Row, *, vendor: bool = False) -> Models:
    """Return models of ``/v1/models``; vLLM adds how much context they take.

    Args:
        listed: The answer.
        vendor: Whether it is a vendor's list, which names all kinds of models.
    """
    return {
        name: Capabilities(context=_count(row.get("max_model_len")))
        for row in rows(listed, "data")
        if (name := _text(row.get("id"))) and not (vendor and _NO_CHAT.search(name))
    }


def anthropic(listed: Row) -> Models:
    """Return Anthropic's models, newest first, as it lists them."""
    return {
        name: Capabilities(
            thinking=_supported(_inner(row, "capabilities").get("thinking")),
            context=_count(row.get("max_input_tokens")),
        )
        for row in rows(listed, "data")
        if (name := _text(row.get("id")))
    }


def is_anthropic(listed: Row) -> bool:
    """Whether ``/v1/models`` is written as Anthropic writes it, where OpenAI says ``object``."""
    models = rows(listed, "data")
    return bool(models) and all(
        row.get("type") == "model" and "object" not in row for row in models
    )


def gemini(listed: Row) -> Models:
    """Return Gemini's models that generate text, without ``models/`` before their names."""
    return {
        name: Capabilities(
            thinking=_flag(row.get("thinking")), context=_count(row.get("inputTokenLimit"))
        )
        for row in rows(listed, "models")
        if (name := _text(row.get("name")).removeprefix("models/"))
        and _has(row.get("supportedGenerationMethods"), "generateContent")
        and not _NO_CHAT.search(name)
    }


def _completes(row: Row) -> bool:
    """Whether a model of Ollama answers prompts; older versions only have the name to go by."""
    capabilities = row.get("capabilities")
    if isinstance(capabilities, list) and capabilities:
        return "completion" in capabilities
    return "embed" not in _name(row)


def _name(row: Row) -> str:
    return str(row.get("name") or row.get("model") or "")


def _reasons(row: Row) -> bool | None:
    """Whether a model of LM Studio can think; ``None`` where it does not tell what models can."""
    if not isinstance(row.get("capabilities"), dict):
        return None
    options = _inner(_inner(row, "capabilities"), "reasoning").get("allowed_options")
    return isinstance(options, list) and any(option != "off" for option in options)


def _lmstudio_context(row: Row) -> int | None:
    """Return the context that it is loaded with, or else the largest that it could be."""
    for instance in rows(row, "loaded_instances"):
        if length := _count(_inner(instance, "config").get("context_length")):
            return length
    return _count(row.get("max_context_length"))


def _template_thinks(props: Row) -> bool | None:
    """Whether the chat template knows thinking; ``None`` where it is not shown."""
    template = _text(props.get("chat_template"))
    return any(mark in template for mark in ("<think>", "enable_thinking")) if template else None


def _supported(value: Any) -> bool | None:
    return _flag(value.get("supported") if isinstance(value, dict) else value)


def _has(values: Any, wanted: str) -> bool | None:
    return wanted in values if isinstance(values, list) and values else None


def _billions(params: int | None) -> str:
    if not params:
        return ""
    return f"{params / 1e6:.0f}M" if params < 1e9 else f"{params / 1e9:.1f}B"


def _size(value: Any) -> str:
    """Return a size as it is told; none where there is nothing to be told of, as in a simulator."""
    return "" if value == "0" else _text(value)


def _inner(row: Row, member: str) -> Row:
    value = row.get(member)
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def _flag(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None
