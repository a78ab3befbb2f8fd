"""The checks of any text, of all words but those of arguments: placeholders, refusals, ..."""

from __future__ import annotations

from typing import Any, cast

from stages.checks import Check, characters, contacts, language, leaked, placeholders, refusals
from stages.checks.call.context import Context, Refusal
from stages.checks.call.masked import masked
from stages.core.plan import Plan

# In this order; those of WRITERS for what a model wrote: who writes phrases knows what they say.
WRITERS = ("refusal", "language")
CHECKS: dict[str, Check] = {
    "placeholder": placeholders.check,
    "characters": characters.check,
    "refusal": refusals.check,
    "contact": contacts.check,
    "language": language.check,
}
LEAKED = "leaked_prompt"


def check(query: str, plan: Plan, context: Context) -> Refusal | None:
    """Refuses a query that holds what no user types. What the pattern's sentence has, a model that
    says it anew may have as well.
    """
    text = masked(query, plan, context)
    request: dict[str, Any] = {"locale": context.locale}
    none = cast(Any, None)  # these checks ask nothing of a domain
    for name, one in CHECKS.items():
        if name in WRITERS and not context.prompt:
            continue
        reason = one(text, request, none, "")
        if reason and not (context.sentence and one(context.sentence, request, none, "")):
            return Refusal(name, reason)
    if context.prompt:
        said = [argument.surface or "" for call in plan.calls for argument in call.arguments]
        request["slots"] = {"said": [context.sentence, *said]}
        if reason := leaked.check(query, request, none, context.prompt):
            return Refusal(LEAKED, reason)
    return None
