"""A server that answered: what it is, what it can do, and whether it can be used."""

from typing import Literal

import msgspec

from streamscope.trace import Target

Kind = Literal[
    "ollama",
    "llama.cpp",
    "vllm",
    "lmstudio",
    "openai",
    "homemade",
    "simulator",
    "openai.com",
    "anthropic.com",
    "googleapis.com",
    "ollama.com",
]
"""What kind of server it is; ``openai`` is any other that speaks that protocol, those with a
vendor's domain are the vendor's own."""

State = Literal["ready", "locked", "loading", "silent"]
"""Whether it can be used: ``locked`` asks for a key, ``loading`` has no model yet, ``silent`` is a
vendor's that is there and can't be reached."""

LABELS: dict[Kind, str] = {
    "ollama": "Ollama",
    "llama.cpp": "llama.cpp",
    "vllm": "vLLM",
    "lmstudio": "LM Studio",
    "openai": "an OpenAI-compatible server",
    "homemade": "a home-made server",
    "simulator": "the streamscope simulator (simulated answers)",
    "openai.com": "OpenAI",
    "anthropic.com": "Anthropic",
    "googleapis.com": "Gemini",
    "ollama.com": "Ollama's cloud",
}
"""How each kind is called on screen."""

ANTHROPIC = "a server that speaks Anthropic's protocol"
"""How a server is called of which nothing else is known."""

HOSTED: tuple[Kind, ...] = ("openai.com", "anthropic.com", "googleapis.com", "ollama.com")
"""Kinds that a vendor runs for everybody: there is room for two requests, and each one costs."""


_LACKS: dict[State, str] = {
    "locked": "needs a key",
    "loading": "is still loading",
    "silent": "does not answer",
}


class Capabilities(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a model; ``None`` and empty mean that the server does not say.

    Attributes:
        thinking: Whether it can think before it answers.
        context: Tokens of prompt and answer together that it takes.
        loaded: Whether it is in memory, so that the first answer need not wait for that.
        size: How many parameters it has, such as ``4.3B``.
        quantization: How they are stored, such as ``Q4_K_M``.
    """

    thinking: bool | None = None
    context: int | None = None
    loaded: bool | None = None
    size: str = ""
    quantization: str = ""

    @property
    def words(self) -> str:
        """The same in a few words, such as ``4.3B Q4_K_M · thinks · 32k context · loaded``."""
        parts = [
            " ".join(filter(None, (self.size, self.quantization))),
            "thinks" if self.thinking else "",
            f"{_short(self.context)} context" if self.context else "",
            {True: "loaded", False: "not loaded", None: ""}[self.loaded],
        ]
        return " · ".join(filter(None, parts))


NOTHING = Capabilities()
"""What is known of a model that was only named."""


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """Where a server may be.

    Attributes:
        url: Its base URL.
        variable: Environment variable that names it; empty for a usual place.
        protocol: How it speaks, where the variable says; else it is found out.
    """

    url: str
    variable: str = ""
    protocol: str = ""


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A server that answered.

    Attributes:
        kind: What it is.
        label: The same, for people.
        url: Base URL as its protocol wants it: OpenAI-like ones end in ``/v1``.
        protocol: The protocol to speak.
        version: Its version; empty where it does not say.
        models: Names of models that can answer a prompt, the best one first.
        slots: How many requests it answers at once, where it says so.
        state: Whether it can be used.
        capabilities: What is known of its models, by their names.
        variable: Environment variable that names it; empty if none does.
    """

    kind: Kind
    label: str
    url: str
    protocol: str
    version: str
    models: list[str]
    slots: int | None
    state: State = "ready"
    capabilities: dict[str, Capabilities] = {}
    variable: str = ""

    @property
    def hosted(self) -> bool:
        """Whether a vendor runs it, for money."""
        return self.kind in HOSTED

    @property
    def target(self) -> Target | None:
        """The server with its best model; ``None`` if it cannot be used as it is.

        Which of a vendor's models is meant, nobody guesses: they are paid for.
        """
        if self.lacks:
            return None
        model = self.models[0] if self.models else ""
        return Target(protocol=self.protocol, url=self.url, model=model)

    @property
    def lacks(self) -> str:
        """Why it cannot be used as it is, in a few words; empty if it can."""
        if self.state != "ready":
            return _LACKS[self.state]
        if self.hosted and len(self.models) != 1:
            return "wants its model to be named"
        return "" if self.models or self.kind == "homemade" else "has no model"

    @property
    def contended(self) -> bool:
        """Whether two live requests would disturb each other.

        vLLM batches, vendors have room. Ollama and LM Studio queue or share one machine, and of a
        local server that says nothing the same must be assumed.
        """
        if self.kind in ("llama.cpp", "simulator"):
            return self.slots is None or self.slots < 2
        return self.kind != "vllm" and not self.hosted

    def lists(self, model: str) -> bool:
        """Whether it says that it has a model; for Ollama a bare name means its ``:latest``."""
        bare = self.kind in ("ollama", "ollama.com") and ":" not in model
        return model in self.models or (bare and f"{model}:latest" in self.models)

    def near(self, model: str) -> str:
        """Return a model that may have been meant by one that is not listed; or the empty text."""
        from difflib import get_close_matches  # only who errs needs it

        family = model.partition(":")[0]
        kin = [name for name in self.models if name.partition(":")[0] == family]
        return next(iter(kin or get_close_matches(model, self.models, 1, 0.75)), "")

    def about(self, model: str) -> Capabilities:
        """Return what is known of a model."""
        return self.capabilities.get(model, NOTHING)


def _short(tokens: int) -> str:
    """Return a number of tokens as people say it: ``512``, ``4k``, ``128k``, ``1M``."""
    if tokens < 1000:
        return str(tokens)
    if tokens < 1_000_000:
        base = 1024 if tokens % 1024 == 0 else 1000
        return f"{tokens / base:.0f}k"
    base = 1 << 20 if tokens % (1 << 20) == 0 else 1_000_000
    return f"{tokens / base:.1f}".removesuffix(".0") + "M"
