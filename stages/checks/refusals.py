"""Refusals: the writer declines or speaks as a machine."""

from __future__ import annotations

import re

_REFUSAL = re.compile(
    r"\bi(?:'m| am) (?:so |very )?(?:sorry|unable|afraid)\b"
    r"|\bas an? (?:ai|artificial|language model)\b"
    r"|\bi (?:cannot|can not|can't|won't|am not able|don't have|do not have)\b|\bi apologi[sz]e\b"
    r"|\b(?:ai|language) (?:assistant|model)\b|^\W*(?:sorry|unfortunately)\b[^a-z]*"
    r"(?:,|but|i\b|we\b|that\b)|\bhow can i (?:help|assist)\b|\bi(?:'d| would) be happy to\b"
    r"|\bi(?:'m| am) here to\b",
    re.IGNORECASE,
)


def check(query: str) -> str | None:
    """Reason if the query holds an excuse or a self-description of an assistant."""
    match = _REFUSAL.search(query.replace("’", "'"))
    return f"refusal {match.group().strip()!r}" if match else None
