"""A text or vision template and a request's slots to chat messages, and an answer to a query."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from typing import Any

from jinja2.sandbox import ImmutableSandboxedEnvironment

from stages.core.command import InputError
from stages.core.domain import Domain
from stages.core.prompts import Template, failure, turns
from stages.core.text import MAX_ANSWER, composed
from stages.generation.slots import Request, variables

Filled = dict[str, Any]
LABEL = re.compile(
    r"^\W*(?:(?:search |user )?(?:query|request|prompt|answer|output)\s*:|\d+[.)]|[-*•])\s*",
    re.IGNORECASE,
)
QUOTES = {'"': '"', "'": "'", "“": "”", "‘": "’", "`": "`"}


class Prompter:
    """Renders the templates of a model route."""

    def __init__(
        self, templates: list[Template], domain: Domain, lexicon: dict[str, list[str]],
        environment: ImmutableSandboxedEnvironment,
    ) -> None:  # fmt: skip
        self.domain, self.lexicon = domain, lexicon
        self.turns = {
            t.template_id: [(role, _filler(text, environment)) for _, role, text in turns(t.text)]
            for t in templates
        }

    def messages(self, request: Request, **more: Any) -> list[dict[str, str]]:
        """The chat messages for a request; the last may be of role `begin`.

        Slot values are untrusted: each stays on one line.
        """
        rng = random.Random(request["seed"])
        slots = json.loads(request["slots"])
        clean = {name: _one_line(value) for name, value in slots.items()}
        filled = variables(request | {"slots": json.dumps(clean)}, self.domain, self.lexicon, rng)
        filled |= {name: _one_line(value) for name, value in more.items()}
        name = request["template_id"]
        if name not in self.turns:
            raise InputError(
                f"prompts/{name}.j2 is gone since route planned: run `dvc repro route`"
            )
        try:
            return [
                {"role": role, "content": fill(filled).strip()} for role, fill in self.turns[name]
            ]
        except Exception as error:  # whatever a template's code may raise
            raise InputError(
                f"prompts/{name}.j2 cannot be filled for request {request['request_id']}: "
                f"{failure(error)}"
            ) from None


def _filler(text: str, environment: ImmutableSandboxedEnvironment) -> Callable[[Filled], str]:
    """From variables to a turn's text. Most turns are examples, which hold none: to compile and
    render these costs more than all that a stored answer needs else.
    """
    return environment.from_string(text).render if "{" in text else lambda filled: text


def _one_line(value: Any) -> Any:
    if isinstance(value, list):
        return [_one_line(item) for item in value]
    return " ".join(str(value).split())[:300] if value is not None else None


def query_of(completion: str) -> str:
    """The query in an answer: its first line, without label, number, quotes and dangling marks;
    in the form NFC. Past MAX_ANSWER characters nothing is read.
    """
    start = composed(completion.lstrip()[:MAX_ANSWER])
    lines = [line.strip() for line in start.splitlines() if line.strip()]
    if not lines:
        return ""
    text = LABEL.sub("", lines[0]).strip()
    while len(text) > 1 and QUOTES.get(text[0]) == text[-1] and text.count(text[-1]) <= 2:
        text = text[1:-1].strip()
    return " ".join(text.split())
