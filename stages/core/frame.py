"""What frames a request in a locale: the words that ask, command, name a kind of thing and join.

A pack whose functions take a part of what the user says, such as a reduced search prompt, lists
them under `frame` in vocabularies/<locale>.yaml; `checks` takes them off and reads them.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from stages.core.fields import CONTROL


def _word(text: str) -> str:
    if CONTROL.search(text) or text != " ".join(text.split()):
        raise ValueError("has blanks at an end or twice, or a control character: remove them")
    # Letters, marks, digits and symbols such as emoji; `&` is how some write `and`.
    if all(unicodedata.category(c)[0] in "PZC" for c in text) and text != "&":
        raise ValueError("has no letter, digit or symbol: remove it")
    return text


# A word or phrase that people type.
Word = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_word)]
Words = Annotated[list[Word], Field(min_length=1, max_length=20_000)]
SomeWords = Annotated[list[Word], Field(max_length=20_000)]


class FrameWords(BaseModel):
    """`frame` as it is written.

    asks: function -> verbs that ask for it, likeliest first; commands: more such verbs; verbs:
    those of any function; soft_verbs: verbs only before an article or after a request, else nouns.
    cues: class -> words that imply it where none is named; hints: class -> words with which it may
    be meant though none names it; generic: class -> words for it that a search drops. containers:
    words that say no more after a class: logo ideas; places: prepositions of more words. searches:
    functions that look up what exists. works: words for a work with a title; works_dropped: those
    that a search drops. fixed: phrases that stay whole; compounds: words of a class that mean
    something else together; calendar: capitalized words that make no title.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    asks: dict[str, Words]
    commands: dict[str, SomeWords] = {}
    verbs: SomeWords = []
    soft_verbs: SomeWords = []
    cues: dict[str, SomeWords] = {}
    hints: dict[str, SomeWords] = {}
    generic: dict[str, SomeWords] = {}
    searches: list[str] = []
    requests: SomeWords = []
    trailers: SomeWords = []
    articles: SomeWords = []
    pronouns: SomeWords = []
    prepositions: SomeWords = []
    conjunctions: SomeWords = []
    fillers: SomeWords = []
    containers: SomeWords = []
    places: SomeWords = []
    works: SomeWords = []
    works_dropped: SomeWords = []
    fixed: SomeWords = []
    compounds: SomeWords = []
    calendar: SomeWords = []


@dataclass(frozen=True, eq=False)
class Frame:
    """The frame of a locale. functions: those that it knows; classes: the values of the argument of
    kind `class` -> the words that name them, likeliest first; argument: its name, "" without one.
    """

    words: FrameWords
    functions: tuple[str, ...]
    classes: Mapping[str, tuple[str, ...]]
    argument: str = ""

    @cached_property
    def class_words(self) -> dict[str, str]:
        """Lower-case word -> class; a word belongs to the first class that lists it."""
        by_word: dict[str, str] = {}
        for name, words in self.classes.items():
            for word in words:
                by_word.setdefault(word.lower(), name)
        return by_word

    @cached_property
    def unnamed(self) -> str | None:
        """The class of a query that names none: the one without words, if any."""
        return next((name for name, words in self.classes.items() if not words), None)

    def class_of(self, noun: str) -> str | None:
        """The class that a noun phrase names by its last words, or the unnamed one."""
        words = noun.lower().split()
        for start in range(len(words)):
            if (class_name := self.class_words.get(" ".join(words[start:]))) is not None:
                return class_name
        return self.unnamed
