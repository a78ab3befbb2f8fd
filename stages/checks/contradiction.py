"""Contradiction: the query commands another function or names another content type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stages.checks.phrases import commanded, mentioned_types, naming
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
    """Reason if the query names or implies another type, or none where the label claims one.

    Where it names a type in what may be a detail, or none, the label may also be any type that it
    mentions, or the one without words.
    """
    wanted = request["content_type"]
    named = naming(query, lexicon(domain))
    found = named.content_type if named else implied_type(query, domain)
    if found and found != wanted and (named is None or named.is_sure):
        return f"names {found}, not {wanted}"
    if domain.untyped in (None, wanted) or found == wanted:
        return None
    if wanted in mentioned_types(query, domain) or misspelt(query, wanted, domain):
        return None
    if found:
        return f"names {found}, not {wanted}"
    return f"names no content type, so it is {domain.untyped}, not {wanted}"


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
