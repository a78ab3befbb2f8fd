"""A query without the words of its arguments, for checks of what the writer added."""

from __future__ import annotations

import re

from stages.checks.call.context import Context
from stages.checks.call.places import places
from stages.core.plan import Plan
from stages.language.mentions import Span

# A list that was typed with brackets, "[3, 5]".
IN_BRACKETS = re.compile(r"\[zq\wv(?:, zq\wv)*\]")
PAIRS = (("(", ")"), ("[", "]"), ("“", "”"), ("«", "»"), ('"', '"'))


def masked(query: str, plan: Plan, context: Context) -> str:
    """The query with a letter group of its own, never a word, in place of each argument's words: a
    telephone number that is an argument is not a leak, nor a band called "The The" a stutter.
    """
    unique = {span for mention in places(query, plan, context) for span in mention.spans}
    spans = sorted(_whole(query, span) for span in unique)
    parts, end = [], 0
    for number, span in enumerate(spans):
        parts += [query[end : span.start], f"zq{chr(97 + number % 26)}v"]
        end = span.end
    return IN_BRACKETS.sub("zqlv", "".join([*parts, query[end:]]))


def _whole(query: str, span: Span) -> Span:
    """A span widened by the bracket or quote beside it whose other half it holds: the span of
    "(415) 555-0134", which is found by its digits, gets the first bracket.
    """
    start, end = span
    for left, right in PAIRS:
        held = query[start:end]
        is_odd = held.count(left) % 2 if left == right else held.count(right) > held.count(left)
        if is_odd and query[:start].endswith(left):
            start -= 1
        elif held.count(left) > held.count(right) or (left == right and is_odd):
            end += query[end:].startswith(right)
    return Span(start, end)
