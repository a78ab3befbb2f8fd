"""Contradiction: the query commands another function or names another content type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stages.checking.phrases import commanded, named_type
from stages.contracts.domain import Domain


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
    """Reason if the query names another type; a query that names none agrees with every type."""
    found = named_type(query, domain)
    if found and found != request["content_type"]:
        return f"names {found}, not {request['content_type']}"
    return None
