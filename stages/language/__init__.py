"""What a locale must offer: how values are said, questions, refusals, polite frames. One locale a
file, each with the same names; another language has the plain one, by Babel's data.

VERBS, QUESTIONS, PREPOSITIONS, OPENERS, REQUESTS, CLOSERS   see `frames.py`
integer(value), number(value), money(value, currency) -> surfaces
date(day, today), day_words(day, today), time(clock), time_words(clock) -> surfaces, the likeliest
                                          first; a day's stand alone ("on friday"), a time's do not
joined(surfaces), bare(surface)           several in one; a day's words without their preposition
question(words, schema), refusal()        what the model asks for, and how it declines
"""

from __future__ import annotations

from types import ModuleType

from stages.language import de, en, plain

LOCALES: dict[str, ModuleType] = {"en": en, "de": de}


def of(locale: str) -> ModuleType:
    """The words of a locale such as `en` or `en-GB`; plain ones where it has none of its own."""
    return LOCALES.get(locale) or LOCALES.get(locale[:2]) or plain
