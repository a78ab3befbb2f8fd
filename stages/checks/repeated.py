"""Repeated words: the mark of a small model that turns in circles."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from stages.checks.words import is_spelt, lexicon, tokens, words
from stages.core.domain import Domain

# Said twice on purpose; articles by a slip.
_DOUBLES = (
    "bora cha knock ha haha very so yo no bye night choo la chop pom walla ho tick tock ding boo "
    "pow wow yum go hear blah dum hip win big now there had that mama papa baa woof meow tut tsk "
    "really long far away wee sing bling chow aye duran york baden the a an"
)
DOUBLES = frozenset(_DOUBLES.split())
MOST = 2
# A longer text may say a word once for each so many words, a list once for each of its parts
# (concept art, line art, digital art), up to this.
LONG, MOST_LISTED = 10, 4


def _parts(query: str) -> int:
    """How many parts commas make of the query."""
    return query.count(",") + 1


def check(query: str, request: Mapping[str, Any], domain: Domain, prompt: str = "") -> str | None:
    """Reason if a word follows itself, a content word stands too often, or 3 words return."""
    found = words(query)
    if len(set(found)) == len(found):  # nearly always
        return None
    for left, right in pairwise(tokens(query)):
        word = left.key
        if word == right.key and not left.after and word not in DOUBLES and not word.isdigit():
            return f"{word!r} twice in a row"
    small = lexicon(domain).small
    counts = Counter(w for w in found if w not in small and is_spelt(w) and len(w) > 1)
    most = max(MOST, min(len(found) // LONG, MOST_LISTED), min(_parts(query), MOST_LISTED))
    for word, times in counts.items():
        if times > most and word not in DOUBLES:
            return f"{word!r} {times} times"
    seen: set[tuple[str, ...]] = set()
    for i in range(len(found) - 2):
        three = tuple(found[i : i + 3])
        if three in seen and sum(w not in small for w in three) > 1:
            return f"{' '.join(three)!r} returns"
        seen.add(three)
    return None
