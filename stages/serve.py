"""Serve the tuned model behind OpenAI's API, with vLLM, on this machine alone.

Command: python -m stages.serve [--port PORT]
Reads:   models/base/student, models/adapter; params `tools.format`, `engine`, `seed`
Writes:  nothing; while it runs, a merged copy of the model in data/.work, but for an adapter that
         a GPU serves beside its base: one that was trained on weights that were not rounded

The model's name is `tuned`; beside such an adapter the base model is there, too, as `student`.
Requests that name no temperature get 0. A client:

    import json
    from openai import OpenAI

    tools = json.load(open("data/domains/creative/catalogue.json"))
    client = OpenAI(base_url="http://127.0.0.1:8000/v1", api_key="none")
    question = {"role": "user", "content": "photos of a calm sea at night"}
    answer = client.chat.completions.create(model="tuned", tools=tools, messages=[question])
    for call in answer.choices[0].message.tool_calls or []:
        print(call.function.name, call.function.arguments)

Not a stage of the pipeline.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from stages.core import files
from stages.core.command import InputError, grace, run
from stages.core.settings import load as load_settings
from stages.engines import models, openai_server
from stages.engines.adapter import check_adapter
from stages.formats import FORMATS, Format, chat_template

ADAPTER = Path("models/adapter")
TEMPLATE = ADAPTER / "chat_template.jinja"
# What a model's own template writes before calls -> vLLM's parser for it, for the format native.
NATIVE = {"<tool_call>": "hermes", "[TOOL_CALLS]": "mistral", '"parameters"': "llama3_json"}


def arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m stages.serve",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--port", type=int, default=8000, help="on 127.0.0.1 (default 8000)")
    options = parser.parse_args(argv)
    if not 0 < options.port < 2**16:
        parser.error(f"--port {options.port}: give 1 to {2**16 - 1}")
    return options


def template_of(form: Format) -> Path | None:
    """The chat template with which a server gives the adapter its prompts; None for the student's
    own. Raises InputError where the adapter was trained for another format.
    """
    if not form.plain:
        if TEMPLATE.is_file() and openai_server.format_of(TEMPLATE):
            raise InputError(wrong_format(openai_server.format_of(TEMPLATE), form))
        return None
    if not TEMPLATE.is_file():
        raise InputError(f"{TEMPLATE} is missing: run `dvc repro finetune`")
    if (trained := openai_server.format_of(TEMPLATE)) != form.name:
        raise InputError(wrong_format(trained, form))
    return TEMPLATE


def wrong_format(trained: str, form: Format) -> str:
    """That the adapter writes another format."""
    return (
        f"{ADAPTER} was trained for tools.format {trained or 'native'}, params.yaml has "
        f"{form.name}: run `dvc repro finetune`, or set it back"
    )


def parser_of(form: Format, template: str) -> str:
    """vLLM's name of what reads the calls. template: the student's own."""
    if form.plain:
        return form.name
    parser = next((name for mark, name in NATIVE.items() if mark in template), None)
    if parser is None:
        raise InputError(
            "the student's chat template writes calls in a way that is not known here: start "
            "`vllm serve` with the --tool-call-parser that vLLM's manual names for the model, or "
            "set tools.format to pythonic or hermes and train again"
        )
    return parser


def main(argv: list[str] | None = None) -> None:
    options = arguments(argv)
    settings = load_settings()
    student, form = models.resolve("student"), FORMATS[settings.tools.format]
    openai_server.check_port(options.port)
    check_adapter(ADAPTER, student)
    template = template_of(form)
    learned = chat_template.read(models.load_tokenizer(student), learn=False)
    parser = parser_of(form, str(learned.tokenizer.chat_template))
    grace(openai_server.GRACE + 10)  # a server ends more slowly than a stage
    with files.scratch("merged") as folder:
        command = openai_server.command(
            student, ADAPTER, folder, settings.engine, settings.seed, learned.end
        )
        command += ["--port", str(options.port), "--tool-call-parser", parser]
        command += ["--override-generation-config", json.dumps({"temperature": 0})]
        command += ["--chat-template", str(template)] if template else []
        address = f"http://127.0.0.1:{options.port}/v1"
        openai_server.serve(
            command, address,
            f"serving {ADAPTER} as `{openai_server.TUNED}` at {address}, calls read by `{parser}`; "
            "Ctrl-C ends it, `python -m stages.serve --help` has a client",
        )  # fmt: skip


if __name__ == "__main__":
    run(main)
