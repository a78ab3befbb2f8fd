"""A text or vision template and a plan's slots to chat messages, and an answer to a query."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from stages.core.command import InputError
from stages.core.pack import Pack
from stages.core.plan import Plan
from stages.core.prompts import failure
from stages.core.templates import Template, environment, turns
from stages.core.text import MAX_ANSWER, composed
from stages.generation.slots import variables

Filled = dict[str, Any]
LABEL = re.compile(
    r"^\W*(?:(?:search |user )?(?:query|request|prompt|answer|output)\s*:|\d+[.)]|[-*•])\s*",
    re.IGNORECASE,
)
QUOTES = {'"': '"', "'": "'", "“": "”", "‘": "’", "`": "`"}


class Prompter:
    """Renders the templates of a model route."""

    def __init__(
        self, templates: list[Template], pack: Pack, lexicon: dict[str, list[str]]
    ) -> None:
        self.pack, self.lexicon = pack, lexicon
        self.turns = {
            t.template_id: [(role, _filler(text)) for _, role, text in turns(t.text)]
            for t in templates
        }

    def messages(
        self, plan: Plan, template_id: str | None = None, **more: Any
    ) -> list[dict[str, str]]:
        """The chat messages for a plan; the last may be of role `begin`. template_id: where it is
        not the plan's own.

        Slot values are untrusted: each stays on one line.
        """
        rng = random.Random(plan.seed)
        clean = {name: _one_line(value) for name, value in plan.slots.items()}
        filled = variables(replace(plan, slots=clean), self.pack, self.lexicon, rng)
        filled |= {name: _one_line(value) for name, value in more.items()}
        name = template_id or plan.template_id
        if name not in self.turns:
            raise InputError(
                f"prompts/{self.pack.name}/{name}.j2 is gone since route planned: run "
                "`dvc repro route`"
            )
        try:
            return [
                {"role": role, "content": fill(filled).strip()} for role, fill in self.turns[name]
            ]
        except Exception as error:  # whatever a template's code may raise
            raise InputError(
                f"prompts/{self.pack.name}/{name}.j2 cannot be filled for plan {plan.plan_id}: "
                f"{failure(error)}"
            ) from None


def _filler(text: str) -> Callable[[Filled], str]:
    """From variables to a turn's text. Most turns are examples, which hold none: to compile and
    render these costs more than everything else that a stored answer needs.
    """
    return environment().from_string(text).render if "{" in text else lambda filled: text


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
