"""Placeholders: a gap that the writer left open."""

from __future__ import annotations

import re

_GAP = re.compile(
    r"\[[^\[\]]*\]|\{[^{}]*\}|<(?!/?(?:[abiup]|em|strong|br|div|span|h\d|li|ul|img|html)\b)[^<>]*>"
    r"|\b[Xx]{3,}\b|_{2,}|\blorem\b|\bipsum\b|(?<!\w)\.\.\.\s*\w"
    r"|\binsert (?:your|the|a|name|date|text|title|here|[A-Z]+)\b|\byour (?:name|text|title) here\b"
    r"|\b(?:foo|bar)bar\b|\bTBD\b|\bTODO\b|\b(?:NAME|DATE|TITLE|COLOR|TOPIC|OBJECT)\b|%[sd]\b|\$\{",
)


def check(query: str) -> str | None:
    """Reason if the query holds [name], {x}, <...>, XXX, lorem ipsum, `insert ...` or the like."""
    gap = _GAP.search(query)
    shouted = query.isupper()  # then NAME and DATE are words like others
    if gap and not (shouted and gap.group().isalpha()):
        return f"placeholder {gap.group()!r:.40}"
    return None
