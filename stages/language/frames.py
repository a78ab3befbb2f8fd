"""How people dress a request: a word before, a word after, capitals, a full stop, a slip."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

from stages.language.locale import Locale

# Shares of requests with a greeting, with a polite form, with something after it, with a capital
# letter, and with a mark at the end.
OPENED, REQUESTED, CLOSED, CAPITAL, MARKED = 0.08, 0.22, 0.1, 0.2, 0.2
# Words from which on a request is seldom dressed further.
LONG = 14


# Words at an end of a phrase that a frame must not repeat.
CLOSE = 3
# Where a sentence ends within a phrase.
SENTENCE = re.compile(r"[?!]\s+")


def mood_of(text: str, words: Locale) -> str:
    """The mood of a phrase by its first word: `command`, `question`, else `statement`."""
    first = text.split(" ", 1)[0].lower().strip(",")
    if first in words.QUESTIONS:
        return "question"
    return "command" if first in words.VERBS else "statement"


def _shares(frame: str, words: list[str]) -> bool:
    """Whether a frame has a word that is among `words` already."""
    return bool({*frame.lower().split()} & {word.lower().strip(",.!?") for word in words})


def _begs(text: str, words: Locale) -> bool:
    """Whether a phrase says please already, anywhere."""
    polite = {one for one in words.CLOSERS if one in words.REQUESTS}
    return bool({word.strip(",.!?;:") for word in text.lower().split()} & polite)


def closers(text: str, mood: str, words: Locale) -> Sequence[str]:
    """What may close a phrase: nothing for a question, for several sentences, for one that ends
    with a mark or a "please" already, and for one that only states something; thanks for a wish
    that is not a command.
    """
    last = text.lower().split(" ")[-1]
    if mood == "question" or not last[-1:].isalnum() or last in words.CLOSERS:
        return ()
    if SENTENCE.search(text):
        return ()
    if mood == "command":
        return words.CLOSERS
    first = text.split(" ", 1)[0].lower().strip(",.!?")
    return () if first in words.TELLING else words.THANKS


def lowered(text: str, names: Sequence[str], words: Locale) -> str:
    """A sentence as it goes on after other words: in lower case, unless it begins with one of
    `names` or with a word that has a capital anywhere.
    """
    first = text.split(" ", 1)[0]
    is_capitalized = first[:1].isupper() and first[1:] == first[1:].lower()
    if not is_capitalized or words.keeps_capital(first):
        return text
    begins = any(text.startswith(name) for name in names if name)
    return text if begins else text[0].lower() + text[1:]


def dressed(text: str, words: Locale, rng: random.Random, names: Sequence[str] = ()) -> str:
    """A phrase as one of many people may say it, in the mood that it has.

    Polite forms go before commands alone, and what closes after what asks for something
    (`closers`); neither where the phrase has its words already. The mark at the end is that of the
    last sentence. names: the words of its values, whose capitals stay.
    """
    mood = mood_of(text, words)
    short = len(text.split()) < LONG
    if short and mood == "command" and words.REQUESTS and rng.random() < REQUESTED:
        request = rng.choice(words.REQUESTS)
        if _begs(text, words) and _begs(request, words):
            request = next((one for one in words.REQUESTS if not _begs(one, words)), "")
        if request:
            text = f"{request} {lowered(text, names, words)}"
            mood = mood_of(request, words)
    elif short and (fitting := closers(text, mood, words)) and rng.random() < CLOSED:
        closer = rng.choice(fitting)
        begs_twice = _begs(text, words) and _begs(closer, words)
        if not begs_twice and not _shares(closer, text.split()[-CLOSE:]):
            text = f"{text} {closer}"
    if words.OPENERS and rng.random() < OPENED:
        opener = rng.choice(words.OPENERS)
        greets = text.lower().split(" ")[0].strip(",.!") in {*" ".join(words.OPENERS).split()}
        if not greets and not _shares(opener, text.split()[:CLOSE]):
            text = f"{opener} {lowered(text, names, words)}"
    if text and rng.random() < CAPITAL:
        text = text[0].upper() + text[1:]
    if text and text[-1].isalnum() and rng.random() < MARKED:
        *before, last = SENTENCE.split(text)
        mood = mood_of(last, words) if before else mood
        text += "?" if mood == "question" else "."
    return text


def slipped(text: str, protected: list[str], rng: random.Random) -> str:
    """`text` with one slip of a typist, a letter dropped, doubled or swapped with the next, in a
    word of four letters at least that belongs to none of `protected`, the words of the arguments.
    """
    spans = []
    lowered = text.lower() if len(text.lower()) == len(text) else text
    for words in protected:
        start = lowered.find(words.lower())
        if start >= 0:
            spans.append((start, start + len(words)))
    positions = [
        position
        for position in range(1, len(text) - 1)
        if text[position - 1 : position + 2].isalpha()
        and text[position - 1 : position + 2].isascii()
        and not any(start <= position + 1 and position - 1 < end for start, end in spans)
    ]
    if not positions:
        return text
    position = rng.choice(positions)
    kind = rng.randrange(3)
    if kind == 0:
        return text[:position] + text[position + 1 :]
    if kind == 1:
        return text[:position] + text[position] + text[position:]
    return text[: position - 1] + text[position] + text[position - 1] + text[position + 1 :]
