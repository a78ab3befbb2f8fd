"""Checking: one check a file; each says accept (None) or a reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from stages.checking import (
    characters,
    contacts,
    contradiction,
    grounding,
    language,
    leaked,
    length,
    placeholders,
    refusals,
    repeated,
    ungrounded,
)
from stages.checking.subprompt import extract
from stages.checking.words import normalized
from stages.contracts.domain import Domain

Check = Callable[[str, Mapping[str, Any], Domain, str], str | None]

# In this order; the first that objects is counted. Cheap ones first.
CHECKS: dict[str, Check] = {
    "placeholder": placeholders.check,
    "characters": characters.check,
    "refusal": refusals.check,
    "contact": contacts.check,
    "length": length.check,
    "leaked_prompt": leaked.check,
    "repeated": repeated.check,
    "language": language.check,
    "function": contradiction.function,
    "content_type": contradiction.content_type,
    "ungrounded": ungrounded.check,
}


def first_reason(
    query: str,
    request: Mapping[str, Any],
    domain: Domain,
    prompt: str = "",
    min_grounding: float = 1.0,
) -> tuple[str, str] | None:
    """The first objection to `query` as (check, reason), or None.

    request: a row of Requests as a dict; for the check `ungrounded` with `seen`, what its picture
    shows. prompt: what the writer was told, if it was a model.
    """
    for name, check in CHECKS.items():
        reason = check(query, request, domain, prompt)
        if reason:
            return name, reason
    extracted = extract(query, request["function"], request["content_type"], domain)
    reason = grounding.check(query, extracted, min_grounding)
    return ("grounding", reason) if reason else None


__all__ = ["CHECKS", "Check", "extract", "first_reason", "normalized"]
