"""Which locales there are."""

from __future__ import annotations

from functools import lru_cache
from typing import cast

from stages.language import de, en
from stages.language.lexicon import Lexicon
from stages.language.locale import Locale
from stages.language.plain import Plain

LOCALES: dict[str, Locale] = {"en": cast(Locale, en), "de": cast(Locale, de)}


@lru_cache(256)
def of(locale: str) -> Locale:
    """The words of a locale such as `en` or `en-GB`; plain ones where it has none of its own."""
    language = locale.replace("_", "-").split("-")[0].lower()
    return LOCALES.get(locale) or LOCALES.get(language) or cast(Locale, Plain(locale))


@lru_cache(16)
def lexicon(locale: str) -> Lexicon:
    """A locale's phrases for look-up, made once per process in about 0.2 seconds."""
    return Lexicon(of(locale))
