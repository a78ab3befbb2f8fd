"""How calls are text for a model, and back: one format a file, chosen by the parameter `format`.

`render` and `parse` of a format are inverse for every call that its catalogue takes. Training,
scoring and serving share all of this, so that they cannot drift apart.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from stages.core.catalogue import Catalogue
from stages.core.conversation import Call, Message, calls_of
from stages.formats import hermes, names, native, pythonic
from stages.formats.parsed import Parsed

SYSTEM = Path(__file__).parents[2] / "prompts" / "system" / "calls.j2"


@dataclass(frozen=True)
class Format:
    """A way to write calls. `plain`: what the model reads and writes is plain text of ours, for
    any chat template; else the template is given tools and calls.
    """

    name: str
    render: Callable[[Sequence[Call]], str]
    parse: Callable[[str, Catalogue], Parsed]
    plain: bool = True


FORMATS = {
    "pythonic": Format("pythonic", pythonic.render, pythonic.parse),
    "hermes": Format("hermes", hermes.render, hermes.parse),
    "native": Format("native", native.render, native.parse, plain=False),
}


def check(form: Format, catalogue: Catalogue, where: str) -> None:
    """Raise InputError for a catalogue whose calls the format cannot tell apart."""
    if form.name == "pythonic":
        names.check(catalogue, where)


def system(form: Format, tools: Sequence[dict[str, Any]], today: str | None = None) -> str:
    """The system prompt for these OpenAI tools. today: an ISO date, for users who say "tomorrow";
    it comes last, so that the prompts of all days begin alike.
    """
    shown = [_written(tool) for tool in tools] if form.name == "pythonic" else list(tools)
    day = f"{date.fromisoformat(today):%A, %Y-%m-%d}" if today else ""
    return _template().render(tools=shown, format=form.name, today=day).strip()


@cache
def _template() -> Any:
    environment = ImmutableSandboxedEnvironment(
        undefined=Undefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["tojson"] = lambda value: json.dumps(value, ensure_ascii=False)
    return environment.from_string(SYSTEM.read_text("utf-8"))


def _written(tool: dict[str, Any]) -> dict[str, Any]:
    """The tool with the names that the format `pythonic` writes; nested ones stay, being text."""
    function = tool["function"]
    schema = function["parameters"]
    properties = {names.written(n): one for n, one in schema.get("properties", {}).items()}
    required = [names.written(n) for n in schema.get("required", [])]
    parameters = {**schema, "properties": properties, "required": required}
    shown = {"name": names.written(function["name"]), "parameters": parameters}
    return {"function": {**function, **shown}}


def conversation(
    form: Format, messages: Sequence[Message], tools: Sequence[dict[str, Any]],
    today: str | None = None,
) -> tuple[list[Message], list[dict[str, Any]] | None]:  # fmt: skip
    """What a chat template is given: messages, and tools where it writes them itself.

    A plain format's messages hold text alone, with the system prompt first.
    """
    if not form.plain:
        day = [{"role": "system", "content": f"Today is {today}."}] if today else []
        return [*day, *messages], list(tools)
    spoken = [{"role": m["role"], "content": answer(form, m)} for m in messages]
    return [{"role": "system", "content": system(form, tools, today)}, *spoken], None


def answer(form: Format, message: Message) -> str:
    """The text that stands for a message: its calls, or else its content."""
    calls = calls_of(message)
    return form.render(calls) if calls else str(message["content"])
