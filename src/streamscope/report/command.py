"""The command line that measures a comparison again."""

import shlex

import msgspec

from streamscope.report.comparison import Comparison, is_import
from streamscope.sides import Side, Sides
from streamscope.trace import Request, Run


def command_line(comparison: Comparison) -> str:
    """Return the shell command that repeats a comparison; empty where that can't be done.

    Runs that were imported as summaries don't tell enough. What is not known of the plan is left
    out.
    """
    runs = comparison.runs
    if not runs or not runs[0].target.url or is_import(comparison):
        return ""
    first, plan = runs[0], comparison.plan
    prompt = first.request.prompt
    from_pipe = prompt.startswith(("@", "-"))
    sides = comparison.sides
    contest = sides is not None and sides.question != "delivery"
    asked = _channels(sides) if sides and contest else _server(first)
    words = ["streamscope", "run", "-" if from_pipe else prompt, *asked]
    if plan.until is not None:
        words += ["--until", f"{100 * plan.until:g}%", "--most", str(plan.repeat)]
    else:
        words += ["--repeat", str(plan.repeat)]
    if "warmup" not in comparison.unknown:
        words += ["--warmup", str(plan.warmup)]
    if plan.layout == "race" or "order" not in comparison.unknown:
        words += ["--order", "race" if plan.layout == "race" else plan.order]
    if plan.cooldown_s:
        words += ["--cooldown", f"{plan.cooldown_s:g}"]
    if plan.reuse:
        words.append("--reuse-connection")
    words += ["--regime", plan.regime, *_request(first.request)]
    command = shlex.join(words)
    return f"printf %s {shlex.quote(prompt)} | {command}" if from_pipe else command


def _channels(sides: Sides) -> list[str]:
    """Say all of each channel, so that neither depends on the other or on a setting."""
    return ["--a", _channel(sides.a), "--b", _channel(sides.b)]


def _channel(side: Side) -> str:
    """Say what a channel is, each word by its name, so that none is taken for something else."""
    target = side.target
    if side.engine:
        model = target.model if side.engine == "simulator" else ""
        named = {"engine": side.engine, "protocol": target.protocol, "model": model}
    else:
        named = {"url": target.url, "protocol": target.protocol, "model": target.model}
    named["mode"] = side.mode
    return shlex.join(f"{name}={value}" for name, value in named.items() if value)


def _server(run: Run) -> list[str]:
    target = run.target
    if run.engine:  # its address is another one each time
        profile = ["--model", target.model] if run.engine == "simulator" else []
        return ["--engine", run.engine, *profile]
    words = ["--url", target.url, "--protocol", target.protocol]
    return words + (["--model", target.model] if target.model else [])


def _request(request: Request) -> list[str]:
    think = request.think
    if isinstance(think, bool):
        think = "on" if think else "off"
    named = {
        "--system": request.system,
        "--temperature": request.temperature,
        "--top-p": request.top_p,
        "--seed": request.seed,
        "--max-tokens": request.max_tokens,
        "--think": think,
    }
    # With "=", so that a value that begins with a dash is none of our options.
    words = [f"{name}={value}" for name, value in named.items() if value is not None]
    words += [f"--stop={text}" for text in request.stop]
    for name, value in request.params.items():
        words.append(f"--param={name}={msgspec.json.encode(value, enc_hook=str).decode()}")
    return words
