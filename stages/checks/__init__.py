"""Checking: one check a file; each says accept (None) or a reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from stages.checks import (
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
from stages.checks.phrases import type_position
from stages.checks.subprompt import extract
from stages.core.domain import Domain
from stages.core.text import MAX_QUERY, normalized

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


class Verdict(NamedTuple):
    """What the checks say of a query: `check` and `reason` of the first objection, else None and
    the query's labels: `extracted_prompt`, and `position`, where it names its type
    (`type_position`).
    """

    check: str | None = None
    reason: str | None = None
    extracted_prompt: str | None = None
    position: float | None = None


def judged(
    query: str,
    request: Mapping[str, Any],
    domain: Domain,
    prompt: str = "",
    min_grounding: float = 1.0,
) -> Verdict:
    """The verdict on `query`.

    request: a row of Requests as a dict; for the check `ungrounded` with `seen`, what its picture
    shows. prompt: what the writer was told, if it was a model.
    """
    if len(query) > MAX_QUERY:  # before any pattern is searched in it
        return Verdict("length", length.check(query, request, domain))
    for name, check in CHECKS.items():
        reason = check(query, request, domain, prompt)
        if reason:
            return Verdict(name, reason)
    content_type = request["content_type"]
    extracted = extract(query, request["function"], content_type, domain)
    reason = grounding.check(query, extracted, min_grounding)
    if reason:
        return Verdict("grounding", reason)
    return Verdict(None, None, extracted, type_position(query, content_type, domain))


__all__ = ["CHECKS", "Check", "Verdict", "extract", "judged", "normalized"]
