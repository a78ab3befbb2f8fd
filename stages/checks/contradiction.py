"""Contradiction: the query commands another function or names another content type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stages.checks.phrases import commanded, named_type
from stages.checks.words import lexicon, tokens
from stages.core.domain import Domain


def function(
    query: str, request: Mapping[str, Any], domain: Domain, prompt: str = ""
) -> str | None:
    """Reason if the query carries a verb of another function: `can you make me`, as a Search."""
    found = commanded(query, domain)
    if found and found != request["function"]:
        return f"asks for {found}, not {request['function']}"
    return None


def content_type(
    query: str, request: Mapping[str, Any], domain: Domain, prompt: str = ""
) -> str | None:
    """Reason if the query names or implies another type, or none where the label claims one."""
    wanted = request["content_type"]
    found = named_type(query, domain) or implied_type(query, domain)
    if found and found != wanted:
        return f"names {found}, not {wanted}"
    if not found and domain.untyped not in (None, wanted) and not misspelt(query, wanted, domain):
        return f"names no content type, so it is {domain.untyped}, not {wanted}"
    return None


def implied_type(query: str, domain: Domain) -> str | None:
    """The content type that a cue of domain.yaml implies, such as `listen`; None without one.

    A cue counts among the first words, where the command stands: not in `a watch party`.
    """
    keys = {token.key for token in tokens(query)[:4]}
    return next((n for n, kind in domain.content_types.items() if keys & set(kind.cues)), None)


def misspelt(query: str, content_type: str, domain: Domain) -> bool:
    """Whether a word of the query is a typist's slip of a word for the type."""
    wrong = lexicon(domain).type_slips[content_type]
    return any(token.key in wrong for token in tokens(query))
