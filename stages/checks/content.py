"""The words of a query that carry its content, and how like two words are."""

from __future__ import annotations

from stages.checks.phrases import SAYING
from stages.checks.words import lexicon, tokens
from stages.core.frame import Frame


def content_words(query: str, frame: Frame) -> list[str]:
    """What is left without commands, words for the class, small words and fillers; lower case."""
    lex = lexicon(frame)
    keys = [token.key for token in tokens(query)]
    empty = [*lex.verbs.values(), lex.requests, lex.fillers, lex.trailers, lex.classes]
    content, i = [], 0
    while i < len(keys):
        size = max(phrases.at(keys, i) for phrases in empty)
        if not size and keys[i] not in lex.small and keys[i] not in SAYING:
            content.append(keys[i])
        i += max(size, 1)
    return content


def likeness(one: str, other: str) -> float:
    """Dice coefficient of the letter triples of two words, ends marked: 1 for equal words.

    Above 0.6 lie plurals, slips of a typist and of text recognition.
    """
    a, b = _triples(one), _triples(other)
    return 2 * len(a & b) / (len(a) + len(b)) if one != other else 1.0


def _triples(word: str) -> set[str]:
    marked = f"^{word}$"
    return {marked[i : i + 3] for i in range(max(len(marked) - 2, 1))}
