"""The command line that measures a comparison again."""

import shlex

import msgspec

from streamscope.report.comparison import Comparison, is_import
from streamscope.trace import Request, Run


def command_line(comparison: Comparison) -> str:
    """Return the shell command that repeats a comparison; empty where that can't be done.

    Runs that were imported as summaries don't tell enough.
    """
    runs = comparison.runs
    if not runs or not runs[0].target.url or is_import(comparison):
        return ""
    first, plan = runs[0], comparison.plan
    prompt = first.request.prompt
    from_pipe = prompt.startswith(("@", "-"))
    words = ["streamscope", "run", "-" if from_pipe else prompt, *_server(first)]
    if plan.until is not None:
        words += ["--until", f"{100 * plan.until:g}%", "--most", str(plan.repeat)]
    else:
        words += ["--repeat", str(plan.repeat)]
    words += ["--warmup", str(plan.warmup)]
    words += ["--order", "race" if plan.layout == "race" else plan.order]
    if plan.cooldown_s:
        words += ["--cooldown", f"{plan.cooldown_s:g}"]
    if plan.reuse:
        words.append("--reuse-connection")
    words += ["--regime", plan.regime, *_request(first.request)]
    command = shlex.join(words)
    return f"printf %s {shlex.quote(prompt)} | {command}" if from_pipe else command


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
