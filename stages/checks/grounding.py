"""Grounding: the words of the extracted prompt stand in the query."""

from __future__ import annotations

from collections import Counter

from stages.checks.words import words


def share(query: str, extracted: str) -> float:
    """Share of the extracted prompt's words that the query holds, as often; 0 if empty."""
    told = words(extracted)
    if told and len(set(told)) == len(told):  # nearly always
        return len(set(told).intersection(words(query))) / len(told)
    wanted = Counter(told)
    total = sum(wanted.values())
    return sum((wanted & Counter(words(query))).values()) / total if total else 0.0


def check(query: str, extracted: str, least: float = 1.0) -> str | None:
    """Reason if fewer than `least` of the extracted words are the user's own."""
    found = share(query, extracted)
    if found < least:
        return f"{found:.0%} of {extracted!r:.60} stands in the query"
    return None
