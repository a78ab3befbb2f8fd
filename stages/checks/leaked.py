"""Leaked prompt: the query repeats the writer's instructions or talks about the task."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from stages.checks.words import words

RUN = 5
_META = re.compile(
    r"\b(?:quer(?:y|ies)|prompts?|keywords?|(?:the|this|a|your) requests?"
    r"|users?(?! (?:interface|icons?|guide|manual|profile|experience|avatar|flow|persona|journey)))"
    r"\b"
    r"|^\W*(?:here(?:'s| is| are)\b|sure\b|certainly\b|of course\b|okay, here|note\s*:)"
    r"|\b(?:content[ _]type|extracted[ _]prompt|function call|search term|search phrase"
    r"|example output|json|assistant)\b"
    r"|^\W*(?:output|answer|example|search|request|response|input|text|result|user|title"
    r"|description|template|step)\s*(?:\d+\s*)?:",
    re.IGNORECASE,
)


@lru_cache(256)
def _runs(prompt: str) -> frozenset[tuple[str, ...]]:
    prompt_words = words(prompt)
    return frozenset(tuple(prompt_words[i : i + RUN]) for i in range(len(prompt_words) - RUN + 1))


def check(query: str, prompt: str, given: Sequence[str] = ()) -> str | None:
    """Reason if the query holds words about the task, or 5 words in a row of `prompt`.

    given: texts that the prompt asks for; they may be repeated.
    """
    meta = _META.search(query)
    if meta and not any(meta.group().strip().lower() in value.lower() for value in given):
        return f"speaks of the task: {meta.group().strip()!r}"
    if not prompt:
        return None
    query_words = words(query)
    runs = _runs(prompt)
    given_texts: list[str] | None = None
    for i in range(len(query_words) - RUN + 1):
        run = tuple(query_words[i : i + RUN])
        if run in runs:
            given_texts = given_texts or [" ".join(words(value)) for value in given]
            if not any(" ".join(run) in value for value in given_texts):
                return f"repeats the prompt: {' '.join(run)!r}"
    return None


def texts(value: Any) -> list[str]:
    """All texts in a value of slots, however deep."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple):
        return [text for item in value for text in texts(item)]
    return []
