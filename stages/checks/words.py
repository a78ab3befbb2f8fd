"""A query as tokens, and a frame's word lists in a shape that is fast to look up."""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from unicodedata import category

from stages.core.frame import Frame
from stages.core.text import APOSTROPHES, folded, is_outer, normalized

OPENING = "\"“«„‘'`"
CLOSING = "\"”»“’'`"
# The outer punctuation of ASCII; any other character is tested with is_outer.
_OUTER = "".join(c for c in string.punctuation if is_outer(c))
_GLUED = re.compile(r",(?=[^\W\d_])")
_INITIALS = re.compile(r"(?:[^\W\d]\.)*[^\W\d]$")
_ABBREVIATED = {"mr", "mrs", "ms", "dr", "st", "jr", "sr", "vs", "vol", "no", "ft", "feat", "co"}
# What does not change the word: the kind of apostrophe, joiners, how an emoji is drawn.
_KEY = str.maketrans(dict.fromkeys(APOSTROPHES, "'") | dict.fromkeys("\u200c\u200d\ufe0e\ufe0f"))


@dataclass(frozen=True, slots=True)
class Token:
    """A word: as written, folded with straight apostrophes, and what surrounds it."""

    text: str
    key: str
    before: str
    after: str


@lru_cache(512)
def tokens(query: str) -> Sequence[Token]:
    """Split at white space (and after a comma that glues two words); outer punctuation apart.

    A chunk of punctuation alone counts as following the word before it.
    """
    result: list[Token] = []
    punctuation: list[str] = []  # such chunks since the last word
    chunks = _GLUED.sub(", ", query).split()
    for index, chunk in enumerate(chunks):
        before, text, after = _bare(chunk)
        if after[:1] in ("'", "’") and text[-1:] in "sS" and not any(q in before for q in OPENING):
            text, after = text + after[0], after[1:]  # the girls' night
        key = folded(text).translate(_KEY)
        if after[:1] == "." and index < len(chunks) - 1 and (
            key in _ABBREVIATED or (("." in text or len(text) == 1) and _INITIALS.match(text)
                                    and not (result and result[-1].text[-1].isdigit()))
        ):  # fmt: skip
            text, after = text + ".", after[1:]  # H. R. Giger
        if text:
            if punctuation and result:
                _follow(result, punctuation)
            elif punctuation:  # a quotation mark that stands alone
                before = " ".join([*punctuation, before])
                punctuation.clear()
            result.append(Token(text, key, before, after))
        else:
            punctuation.append(chunk)
    _follow(result, punctuation)
    return result


def _follow(previous: list[Token], punctuation: list[str]) -> None:
    """Attach the chunks of punctuation to the last word, if there is one."""
    if previous and punctuation:
        last = previous[-1]
        previous[-1] = Token(last.text, last.key, last.before, " ".join([last.after, *punctuation]))
    punctuation.clear()


def _bare(chunk: str) -> tuple[str, str, str]:
    """The chunk in three: punctuation before, the word, punctuation after."""
    if chunk.isascii():
        start = chunk.lstrip(_OUTER)
        text = start.rstrip(_OUTER)
        return chunk[: len(chunk) - len(start)], text, start[len(text) :]
    first, last = 0, len(chunk)
    while first < last and is_outer(chunk[first]):
        first += 1
    while last > first and is_outer(chunk[last - 1]):
        last -= 1
    return chunk[:first], chunk[first:last], chunk[last:]


def words(query: str) -> list[str]:
    """The words of a query without case, outer punctuation off."""
    return [token.key for token in tokens(query)]


def count(query: str) -> int:
    """Words as people count them: chunks between white space that are not punctuation alone."""
    return sum(
        any(c.isalnum() for c in chunk) or bool(normalized(chunk)) for chunk in query.split()
    )


def is_spelt(word: str) -> bool:
    """Whether it consists of letters, with the marks on them."""
    if word.isascii():
        return word.isalpha()
    return all(category(c)[0] in "LM" for c in word) and any(c.isalpha() for c in word)


def plurals(word: str) -> list[str]:
    """The word and its regular plural."""
    if re.search(r"[^aeiou]y$", word):
        return [word, word[:-1] + "ies"]
    return [word, word + ("es" if re.search(r"(s|x|z|ch|sh)$", word) else "s")]


class Phrases:
    """Phrases of one or more words; `at` finds the longest that starts at a position."""

    def __init__(self, phrases: Iterable[str]) -> None:
        self.first: dict[str, list[tuple[str, ...]]] = {}
        for phrase in sorted({folded(p) for p in phrases}):
            parts = tuple(phrase.split())
            self.first.setdefault(parts[0], []).append(parts)
        for rows in self.first.values():
            rows.sort(key=len, reverse=True)

    def at(self, keys: Sequence[str], i: int) -> int:
        """Number of words of the longest phrase at keys[i:], 0 if there is none."""
        candidates = self.first.get(keys[i])
        if candidates is None:  # nearly always
            return 0
        for parts in candidates:
            if len(parts) == 1 or tuple(keys[i : i + len(parts)]) == parts:
                return len(parts)
        return 0

    def __contains__(self, word: str) -> bool:
        return (word,) in self.first.get(word, ())


_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_BESIDE = {a: row[max(i - 1, 0) : i] + row[i + 1 : i + 2] for row in _ROWS
           for i, a in enumerate(row)}  # fmt: skip


def _slips(word: str) -> set[str]:
    """`word` with one letter dropped, doubled, swapped with the next or struck beside its key."""
    dropped = {word[:i] + word[i + 1 :] for i in range(1, len(word))}
    doubled = {word[: i + 1] + word[i:] for i in range(len(word))}
    swapped = {word[:i] + word[i + 1] + word[i] + word[i + 2 :] for i in range(len(word) - 1)}
    struck = {
        word[:i] + key + word[i + 1 :]
        for i in range(1, len(word))
        for key in _BESIDE.get(word[i], "")
    }
    return (dropped | doubled | swapped | struck) - {word}


# Slips of words for a class that are words themselves.
_REAL_WORDS = {"tack", "move", "moves", "vide", "crate", "cant", "shoot", "shoots", "fil", "sow",
               "pica", "photos", "son", "sons", "sog", "musics", "chip", "cip", "imager",
               "views"}  # fmt: skip


@dataclass(eq=False)
class Lexicon:
    """The word lists of a frame, ready for look-up; hashed by identity. See `lexicon`."""

    requests: Phrases
    verbs: dict[str, Phrases]  # per function: what commands it
    foreign: dict[str, Phrases]  # per function: what commands another one alone
    slips: dict[str, set[str]]  # per function: misspelt one-word verbs
    trailers: Phrases
    articles: set[str]
    pronouns: set[str]
    prepositions: set[str]
    conjunctions: set[str]
    small: set[str]
    soft: Phrases
    fillers: Phrases
    places: Phrases
    fixed: Phrases
    compounds: Phrases
    calendar: set[str]
    works: Phrases
    titled: Phrases  # works whose title may follow in lower case
    works_dropped: Phrases
    containers: set[str]
    classes: Phrases
    class_of: dict[str, str]
    singular: dict[str, str]  # last word of a class's plural -> of its singular
    hints: dict[str, Phrases]
    generic: dict[str, Phrases]
    generic_slips: dict[str, set[str]] = field(default_factory=dict)
    class_slips: dict[str, set[str]] = field(default_factory=dict)


def _build(frame: Frame) -> Lexicon:
    lists = frame.words
    owned = {name: {*lists.asks.get(name, []), *lists.commands.get(name, [])}
             for name in frame.functions}  # fmt: skip
    verbs, foreign, slips = {}, {}, {}
    for name, own in owned.items():
        others = set().union(*(v for n, v in owned.items() if n != name)) - own
        commands = (set(lists.verbs) - others) | own
        verbs[name], foreign[name] = Phrases(commands), Phrases(others)
        all_verbs = set(lists.verbs).union(*owned.values())
        slips[name] = {
            s for v in commands if " " not in v and len(v) > 3 for s in _slips(v)
        } - all_verbs
    class_of = {folded(p): name for name, named in frame.classes.items()
                for word in named for p in plurals(word)}  # fmt: skip
    singular = {plural: one for named in frame.classes.values() for word in named
                for one, plural in [plurals(folded(word).split()[-1])]}  # fmt: skip
    generic = {name: {folded(p) for word in lists.generic.get(name, []) for p in plurals(word)}
               for name in ("", *frame.classes)}  # fmt: skip
    dropped = {p for word in lists.works_dropped for p in plurals(word)}
    media = set().union(*generic.values()) - dropped
    works = {*lists.works, *lists.works_dropped}
    return Lexicon(
        requests=Phrases(lists.requests),
        verbs=verbs,
        foreign=foreign,
        slips=slips,
        trailers=Phrases(lists.trailers),
        articles=set(map(folded, lists.articles)),
        pronouns=set(map(folded, lists.pronouns)),
        prepositions=set(map(folded, lists.prepositions)),
        conjunctions=set(map(folded, lists.conjunctions)),
        small={folded(word) for word in
               [*lists.articles, *lists.pronouns, *lists.prepositions, *lists.conjunctions]},
        soft=Phrases(lists.soft_verbs),
        fillers=Phrases(lists.fillers),
        places=Phrases(lists.places),
        fixed=Phrases(lists.fixed),
        compounds=Phrases(p for word in lists.compounds for p in plurals(word)),
        calendar=set(map(folded, lists.calendar)),
        works=Phrases(works),
        titled=Phrases(works - media),
        works_dropped=Phrases(dropped),
        containers={folded(p) for word in lists.containers for p in plurals(word)},
        classes=Phrases(class_of),
        class_of=class_of,
        singular=singular,
        hints={name: Phrases(lists.hints.get(name, [])) for name in frame.classes},
        generic={name: Phrases(phrases) for name, phrases in generic.items()},
        generic_slips={
            name: {s for w in phrases if " " not in w and len(w) > 4 for s in _slips(w)}
            - set(class_of) - _REAL_WORDS
            for name, phrases in generic.items()
        },
        class_slips={
            name: {s for word in named for p in plurals(folded(word)) for w in p.split()
                   if len(w) > 4 for s in _slips(w)} - set(class_of)
            for name, named in frame.classes.items()
        },
    )  # fmt: skip


_CACHE: dict[int, tuple[Frame, Lexicon]] = {}


def lexicon(frame: Frame) -> Lexicon:
    """The frame's lexicon, built once; the cache holds the frame, so its id stays its own."""
    if id(frame) not in _CACHE:
        _CACHE[id(frame)] = (frame, _build(frame))
    return _CACHE[id(frame)][1]
