"""How people dress a request: a word before, a word after, capitals, a full stop, a slip."""

from __future__ import annotations

import random

from stages.language.locale import Locale

# Shares of requests with a greeting, with a polite form, with something after it, with a capital
# letter, and with a mark at the end.
OPENED, REQUESTED, CLOSED, CAPITAL, MARKED = 0.08, 0.22, 0.1, 0.2, 0.2
# Words from which on a request is seldom dressed further.
LONG = 14


def dressed(text: str, words: Locale, rng: random.Random) -> str:
    """A phrase as one of many people may say it.

    Polite forms go before commands alone, which begin with a verb of the locale's list.
    """
    first = text.split(" ", 1)[0].lower().strip(",")
    is_question = first in words.QUESTIONS
    short = len(text.split()) < LONG
    if short and first in words.VERBS and words.REQUESTS and rng.random() < REQUESTED:
        request = rng.choice(words.REQUESTS)
        text = f"{request} {text}"
        is_question = request.split(" ")[0] in words.QUESTIONS
    elif short and words.CLOSERS and rng.random() < CLOSED and not is_question:
        text = f"{text} {rng.choice(words.CLOSERS)}"
    if words.OPENERS and rng.random() < OPENED:
        text = f"{rng.choice(words.OPENERS)} {text}"
    if text and rng.random() < CAPITAL:
        text = text[0].upper() + text[1:]
    if text and text[-1].isalnum() and rng.random() < MARKED:
        text += "?" if is_question else "."
    return text


def slipped(text: str, kept: list[str], rng: random.Random) -> str:
    """`text` with one slip of a typist, a letter dropped, doubled or swapped with the next, in a
    word of four letters at least that belongs to none of `kept`, the words of the arguments.
    """
    spans = []
    for words in kept:
        start = text.find(words)
        if start >= 0:
            spans.append((start, start + len(words)))
    places = [
        at
        for at in range(1, len(text) - 1)
        if text[at - 1 : at + 2].isalpha() and text[at - 1 : at + 2].isascii()
        and not any(start <= at + 1 and at - 1 < end for start, end in spans)
    ]  # fmt: skip
    if not places:
        return text
    at = rng.choice(places)
    kind = rng.randrange(3)
    if kind == 0:
        return text[:at] + text[at + 1 :]
    if kind == 1:
        return text[:at] + text[at] + text[at:]
    return text[: at - 1] + text[at] + text[at - 1] + text[at + 1 :]
