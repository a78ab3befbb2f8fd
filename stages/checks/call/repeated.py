"""Repeated words: typical of a small model that loops."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

from stages import language
from stages.checks.call.context import Context, Refusal
from stages.checks.call.masked import masked
from stages.core.plan import Plan
from stages.language.tokens import tokens

NAME = "repeated"
# Words that people double on purpose, and articles, which they double by mistake.
_DOUBLES = (
    "bora cha knock ha haha very so yo no bye night choo la chop pom walla ho tick tock ding boo "
    "pow wow yum go hear blah dum hip win big now there had that mama papa baa woof meow tut tsk "
    "really long far away wee sing bling chow aye duran york baden the a an"
)
DOUBLES = frozenset(_DOUBLES.split())
MAX_REPEATS = 2
# A word may occur once per LONG words of a text, and once per part of a list (concept art, line
# art, digital art), up to MAX_LISTED times.
LONG, MAX_LISTED = 10, 4


def check(query: str, plan: Plan, context: Context) -> Refusal | None:
    """Refuses a query in which a word follows itself, a word with a meaning occurs too
    often, or three words return; the words of arguments do not count. Who asks for several calls
    may say each in the same words, and who wrote a phrase meant what it repeats.
    """
    text = masked(query, plan, context)
    spelled = [token for token in tokens(text) if token.kind == "word"]
    keys = [token.key for token in spelled]
    if len(set(keys)) == len(keys):  # nearly always
        return None
    for left, right in pairwise(spelled):
        beside = not text[left.end : right.start].strip()  # "my booking, booking 7" is fine
        if beside and left.key == right.key and left.key not in DOUBLES:
            return Refusal(NAME, f"{left.key!r:.60} twice in a row")
    if not context.prompt and not plan.template_id:
        return None
    small = language.of(context.locale).CUES.small
    counts = Counter(word for word in keys if word not in small and len(word) > 1)
    longer, listed = len(keys) // LONG, text.count(",") + 1
    requests = max(1, len(plan.calls))
    maximum = requests * max(MAX_REPEATS, min(longer, MAX_LISTED), min(listed, MAX_LISTED))
    for word, times in counts.items():
        if times > maximum and word not in DOUBLES:
            return Refusal(NAME, f"{word!r:.60} {times} times")
    seen: Counter[tuple[str, ...]] = Counter()
    for position in range(len(keys) - 2):
        three = tuple(keys[position : position + 3])
        seen[three] += 1
        if seen[three] > requests and sum(word not in small for word in three) > 1:
            return Refusal(NAME, f"{' '.join(three)!r:.60} returns")
    return None
