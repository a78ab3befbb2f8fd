"""What a locale must offer: how values are said and found, questions, refusals, polite frames.

of(locale)                              the locale's own names; see `locale.py`
surfaces(value, kind, locale, ...)      how a value is said
resolve(words, kind, locale, today)     the value that the words mean: the inverse
mentions(value, text, kind, ...)        where a text says a value
heard(text, locale, today)              all numbers, amounts, days, times, spans that it says

A locale is a folder with values.py, cues.py and people.py; every other language has what Babel and
num2words know (`plain.py`).
"""

from stages.language.locale import Locale
from stages.language.locales import LOCALES, lexicon, of
from stages.language.mentions import Text, heard, mentions
from stages.language.values import KINDS, options, resolve, surfaces

__all__ = [
    "KINDS", "LOCALES", "Locale", "Text", "heard", "lexicon", "mentions", "of", "options",
    "resolve", "surfaces",
]  # fmt: skip
