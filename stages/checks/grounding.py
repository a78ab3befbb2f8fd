"""Grounding: the words of the extracted prompt stand in the query."""

from __future__ import annotations

from collections import Counter

from stages.checks.words import plurals, words


def share(query: str, extracted: str) -> float:
    """Share of the extracted prompt's words that the query holds, as often; 0 if empty.

    A singular is held where its plural is: the type of a Search is named by it.
    """
    wanted = Counter(words(extracted))
    missing = wanted - Counter(words(query))
    if missing:  # rarely
        said = Counter(words(query)) - wanted
        for word in missing:
            missing[word] -= said[plurals(word)[1]]
    total = sum(wanted.values())
    return 1 - (+missing).total() / total if total else 0.0


def check(query: str, extracted: str, least: float = 1.0) -> str | None:
    """Reason if fewer than `least` of the extracted words are the user's own."""
    found = share(query, extracted)
    if found < least:
        return f"{found:.0%} of {extracted!r:.60} stands in the query"
    return None
