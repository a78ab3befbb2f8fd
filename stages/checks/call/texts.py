"""The checks of any text, without the words of its arguments: placeholders, refusals, ..."""

from __future__ import annotations

from collections.abc import Callable

from stages.checks import characters, contacts, language, leaked, placeholders, refusals
from stages.checks.call.context import Context, Refusal
from stages.checks.call.masked import masked
from stages.core.plan import Plan

# Each gives the reason why a text of a locale cannot be taken. In this order; those of MODEL_CHECKS
# only for what a model wrote: who writes phrases knows what they say.
MODEL_CHECKS = ("refusal", "language")
CHECKS: dict[str, Callable[[str, str], str | None]] = {
    "placeholder": lambda text, locale: placeholders.check(text),
    "characters": lambda text, locale: characters.check(text),
    "refusal": lambda text, locale: refusals.check(text),
    "contact": lambda text, locale: contacts.check(text),
    "language": language.check,
}
LEAKED = "leaked_prompt"


def check(query: str, plan: Plan, context: Context) -> Refusal | None:
    """Refuses a query that holds what no user types. What the pattern's sentence has, the model
    that rewords it may have as well.
    """
    text = masked(query, plan, context)
    for name, one in CHECKS.items():
        if name in MODEL_CHECKS and not context.prompt:
            continue
        reason = one(text, context.locale)
        if reason and not (context.sentence and one(context.sentence, context.locale)):
            return Refusal(name, reason)
    if context.prompt:
        said = [argument.surface or "" for call in plan.calls for argument in call.arguments]
        given = [context.sentence, *said, *leaked.texts(plan.slots)]
        if reason := leaked.check(query, context.prompt, given):
            return Refusal(LEAKED, reason)
    return None
