"""The prompt that a model saw for a plan, made again, and proof that it is that one.

A prompt is not kept: it comes from the plan, its template and the pack. Its hash, which the rows
keep, is that of the completion store, so a prompt that was made again is the one that was sent if
the hashes are equal.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from pydantic import ValidationError

from stages.core import plan as plans
from stages.core import yaml
from stages.core.command import InputError
from stages.core.pack import PROMPTS, Pack
from stages.core.plan import Plan
from stages.core.prompts import MOST_BYTES
from stages.core.settings import Settings
from stages.core.templates import Header, Template, lexicon, split
from stages.core.text import composed
from stages.engines import begins, store
from stages.engines.parameters import standard
from stages.generation.patterns import Patterns
from stages.generation.prompting import Prompter
from stages.generation.rewording import Rewording

# Which routes' prompts are made of words alone; another has a picture's description in it.
ROUTE = "text"
# A template's name in a table is a part of a path.
NAME = re.compile(r"(?:heuristic|text|vision)/[\w-]{1,100}")
Row = Mapping[str, Any]


class Prompt(NamedTuple):
    """messages: of the chat, [] where they cannot be made; note: why they may not be those that
    were sent, "" where their hash proves that they are.
    """

    messages: list[dict[str, Any]]
    note: str


def template_text(pack: Pack, template_id: str) -> str | None:
    """The body of a template file of the pack, None where there is none of that name."""
    if pack.templates is None or not NAME.fullmatch(template_id):
        return None
    path = pack.templates / f"{template_id}.j2"
    if not path.is_file():
        return None
    try:
        return split(composed(yaml.text_of(path, MOST_BYTES)))[1]
    except ValueError:
        return None


def plan_of(row: Row) -> Plan:
    """The plan of a row of Plans. Raises InputError for one that is none."""
    try:
        return plans.from_record(row)
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"data/routed/plans.parquet: plan {row.get('plan_id')!r:.80} cannot be read "
            f"({error!s:.100}): run `dvc repro route`"
        ) from None


def prompter(pack: Pack, settings: Settings, rows: Sequence[Row]) -> Callable[[Row, Row], Prompt]:
    """What makes the prompt of a plan and a candidate again, both rows of their tables, for the
    route text. rows: all plans of that route, in their order, of which a rewording shows some.
    """
    sampling = getattr(settings.generate, ROUTE).sampling.model_dump()
    plain = settings.generate.engine == "server" and not settings.generate.server.vllm
    if plain:
        sampling = standard(sampling)
    words = lexicon(pack.templates) if pack.templates is not None else {}
    prompters: dict[str, Prompter | None] = {}
    rewording: list[Rewording] = []

    def by_template(plan: Plan) -> list[dict[str, Any]] | None:
        name = plan.template_id
        if name not in prompters:
            body = template_text(pack, name)
            # The prompter looks at a template's name and text alone.
            header = Header(route="text", functions=["-"], words=(1, 1), weight=1, locales=["-"])
            prompters[name] = (
                Prompter([Template(name, header, body)], pack, words) if body else None
            )
        maker = prompters[name]
        if maker is None:
            return None
        messages = maker.messages(plan)
        return messages[:-1] if plain and begins(messages) else messages

    def again(plan: Plan) -> list[dict[str, Any]]:
        if not rewording:
            others = [plan_of(row) for row in rows if not row["template_id"]]
            rewording.append(Rewording(Patterns(pack), others))
        return rewording[0].ask(plan, *plan.band).messages

    def prompt(row: Row, candidate: Row) -> Prompt:
        plan = plan_of(row)
        try:
            messages = by_template(plan) if plan.template_id else again(plan)
        except (InputError, ValidationError, LookupError, ValueError) as error:
            return Prompt([], f"cannot be made again: {error!s:.200}")
        if messages is None:
            return Prompt([], f"{PROMPTS.name}/{pack.name}/{plan.template_id}.j2 is gone")
        key = store.key(candidate["model"], messages, sampling, plan.request_seed(settings.seed))
        if store.short(key) != candidate["prompt_hash"]:
            return Prompt(messages, "template or settings have changed since")
        return Prompt(messages, "")

    return prompt
