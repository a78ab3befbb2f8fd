"""Language: letters of the locale's script, and no other language's small words.

A cheap rule on purpose: queries are too short for statistical language detection.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from stages.checks.words import words

SMALL_WORDS = {
    "en": "a an the of for with on in at by to from and or my me i you your it is are that this "
    "find show make create design some can please",
    "de": "der das den dem ein eine einen einem und mit für ist nicht auf zu von im zum zur ich "
    "mir suche zeige finde erstelle bitte",
    "es": "el la los las de en una unos con para por del y que es mi me quiero busca crea imagen",
    "fr": "le les des une du et avec pour dans sur est au aux mon ma moi je cherche trouve crée",
    "it": "il lo gli una di e con per nel della del che è mio mi cerca trova crea",
    "pt": "o os as uma um com para por do da dos das e que é meu minha quero procure crie",
    "nl": "de het een en met voor van op niet ik mij zoek maak",
}
_SMALL = {language: set(text.split()) for language, text in SMALL_WORDS.items()}
_OTHERS = {language: set().union(*_SMALL.values()) - own for language, own in _SMALL.items()}


@lru_cache(4096)
def _latin(letter: str) -> bool:
    return unicodedata.name(letter, "").startswith("LATIN")


def check(query: str, locale: str) -> str | None:
    """Reason if more than a tenth of the letters is not Latin, or words of another language
    outnumber those of the locale's.

    A locale outside SMALL_WORDS is not judged.
    """
    language = locale.split("-")[0].split("_")[0].lower()
    if language not in _SMALL:
        return None
    if not query.isascii():
        letters = [c for c in query if c.isalpha()]
        other = sum(not (c.isascii() or _latin(c)) for c in letters)
        if other > 0.1 * len(letters):
            return f"{other} of {len(letters)} letters are not Latin"
    unique = set(words(query))
    if len(unique & _OTHERS[language]) < 2:
        return None
    own = len(unique & _SMALL[language])
    for name, small in _SMALL.items():
        if name != language:
            foreign = len(unique & small - _SMALL[language])
            if foreign >= 2 and foreign > own and foreign >= 0.25 * len(unique):
                return f"{foreign} words of `{name}`, {own} of `{language}`"
    return None
