"""The positions of a query's parts: the command, the names and titles, the word for the class."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from stages.checks.words import CLOSING, OPENING, Lexicon, Token, lexicon, tokens
from stages.core.frame import Frame

JOINERS = {"of", "the", "and", "in", "&"}
WIDE_JOINERS = JOINERS | {"a", "an", "for", "on", "to", "at", "from", "with", "by", "or", "as",
                          "is", "but", "than", "his", "her", "its", "into", "over", "under", "de",
                          "la", "du", "y"}  # fmt: skip
NAMING = {"called", "named", "titled", "entitled"}
CONNECTORS = {"to", "for", "at", "up", "out", "me", "us", "you", "it", "that", "if", "how"}
# Words that end the reach of a name in a description: a cafe called bean there with brown colors.
STOPS = {"with", "using", "featuring", "for", "in", "on", "at", "that", "which", "and", "by"}
# A set of stickers is stickers.
PARTITIVES = {"set", "sets", "pack", "collection", "bunch", "series", "pair", "lot", "lots", "kind",
              "sort", "type", "types", "piece", "pieces", "group", "selection", "range", "variety",
              "bundle", "couple", "batch", "line", "example", "examples", "sample",
              "samples"}  # fmt: skip
SAYING = {"says", "saying", "say", "reads", "reading", "read", "text", "words"}


def ends_clause(token: Token) -> bool:
    return any(c in ",.;!?:" for c in token.after)


def _capital(token: Token) -> bool:
    return token.text[0].isupper() and token.key not in ("i", "i'm", "i'd", "i've", "i'll")


def _title_case(words: Sequence[Token], lex: Lexicon, search: bool) -> bool:
    """Whether capitals mean nothing: all words have one, small ones too, or all shout."""
    letters = [t for t in words if t.text[0].isalpha()]
    if len(letters) > 1 and all(t.text.isupper() for t in letters):
        return True
    content = [t for t in letters if t.key not in lex.small]
    if len(content) < 2 or not all(_capital(t) for t in content):
        return False
    if any(t.key in ("me", "us") and not _capital(t) for t in letters[1:]):
        return False  # Show me Nights in Harbor Town
    if letters[1].key in ("for", "about", "with", "of") and _capital(letters[1]):
        return True  # Looking For, Anything With, Photo Of
    small = [t for t in letters[1:] if t.key in lex.small]
    if small and all(_capital(t) for t in small) and lex.classes.at([t.key for t in letters], 0):
        return True  # Text Effects For Whatsapp
    # A Search for a title has capital small words too (`Find A New Machine`).
    return any(
        _capital(t)
        and (t.key in lex.classes or t.key in ("me", "us") or (not search and t.key in lex.small))
        for t in letters[1:]
    )


def _quoted(words: Sequence[Token]) -> list[tuple[int, int]]:
    spans: list[tuple[int, int]] = []
    start = -1
    for i, token in enumerate(words):
        if start < 0 and any(c in OPENING for c in token.before):
            start = i
        if start >= 0 and any(c in CLOSING for c in token.after):
            spans.append((start, i + 1))
            start = -1
    return spans


def _named(words: Sequence[Token], lex: Lexicon, search: bool) -> list[tuple[int, int]]:
    """What follows called, named, titled: the whole rest of a Search, else up to a preposition."""
    spans: list[tuple[int, int]] = []
    for i, token in enumerate(words[:-1]):
        if token.key not in NAMING or (spans and i < spans[-1][1]):
            continue
        keys = [t.key for t in words]
        end = i + 1
        capital = _capital(words[end])
        while end < len(words):
            if end > i + 1 and not search:
                lower = not _capital(words[end])
                if (
                    lower
                    and (words[end].key in STOPS or capital)
                    and not (
                        words[end].key in JOINERS
                        and end + 1 < len(words)
                        and _capital(words[end + 1])
                    )
                ):
                    break
            if end > i + 1 and lex.trailers.at(keys, end) == len(words) - end:
                break
            end += 1
            if ends_clause(words[end - 1]) and ("," in words[end - 1].after or not search):
                break
        if end > i + 1:
            spans.append((i + 1, end))
    return spans


def _capital_runs(words: Sequence[Token], lex: Lexicon, search: bool) -> list[tuple[int, int]]:
    """Runs of Capitalized Words, joined by small words: names and titles."""
    capital = [_capital(t) for t in words]
    if not any(capital) or _title_case(words, lex, search):
        return []
    keys = [t.key for t in words]
    joiners = WIDE_JOINERS if search else JOINERS - {"in"}
    for i, token in enumerate(words[:-1]):
        length = lex.works.at(keys, i)
        if length > 1 and not capital[i + length - 1]:
            capital[i] = False  # TV show
        if token.text == "I" and i and capital[i - 1] and token.after:
            capital[i] = True  # Evocation I: The Arcane Dominion
        if token.key == "i" and i and capital[i + 1] and i - 1 >= 0 and keys[i - 1] in lex.small:
            capital[i] = True  # a copy of I Bury the Living
    spans: list[tuple[int, int]] = []
    i = 0
    while i < len(words):
        sentence_start = i == 0 or any(c in ".!?" for c in words[i - 1].after)
        upper_next = i + 1 < len(words) and capital[i + 1]
        starts = capital[i] or (
            words[i].text[0].isdigit() and not sentence_start and upper_next and search
        )
        if sentence_start and (
            lex.classes.at(keys, i) or lex.requests.at(keys, i) or lex.trailers.at(keys, i)
            or any(v.at(keys, i) for v in lex.verbs.values())
            or (keys[i] in lex.small and not upper_next)
            or (keys[i] in lex.articles and not search)
        ):  # fmt: skip
            starts = False
        if not starts:
            i += 1
            continue
        end = i + 1
        while end < len(words) and not ("," in words[end - 1].after and not search):
            here = end
            while here < len(words) and not capital[here] and keys[here] in joiners:
                here += 1
            if here >= len(words) or here - end > 3:
                break
            # Live at Leeds 1970, but not: Chicago from the 1920s.
            number = words[here].text[0].isdigit() and (here == end or keys[end] in JOINERS)
            following = capital[here] or number
            if here > end and "," in words[end - 1].after:
                break
            both = keys[end - 1] in lex.calendar and keys[here] in lex.calendar
            # Cat in Paris starts a sentence; Queen of Hearts may be a title.
            wide = sentence_start and end == i + 1 and here > end and keys[end] not in ("of", "and")
            if not following or (here > end and (both or wide)):
                break
            end = here + 1
        spans.append((i, end))
        i = end
    return spans


def _ending(keys: Sequence[str], start: int, end: int, lex: Lexicon) -> int:
    """Words of the longest phrase for a class that ends at `end`, 0 if there is none."""
    return next((end - i for i in range(start, end) if lex.classes.at(keys, i) == end - i), 0)


@lru_cache(4096)
def titles(query: str, lex: Lexicon, search: bool) -> Sequence[tuple[int, int]]:
    """Spans [start, end) of quotes, of what is called so, and of runs of capitals.

    In a run that stands beside no word for a work and has no small word inside, words for a class
    stay outside: `Christmas Card Template` is not a title.
    """
    words = tokens(query)
    spans = _quoted(words) + _named(words, lex, search)
    keys = [t.key for t in words]
    for start, end in _capital_runs(words, lex, search):
        if any(s < end and start < e for s, e in spans):
            continue
        after = end + int(end < len(words) and keys[end] in ("a", "an"))
        beside = (after < len(words) and lex.works.at(keys, after) > 0) or any(
            lex.works.at(keys, i) == start - i for i in range(max(0, start - 3), start)
        )
        joined = any(keys[i] in lex.small for i in range(start, end) if i or search)
        if not beside and not joined:
            while end > start and (length := _ending(keys, start, end, lex)):
                end -= length
        if end > start:
            spans.append((start, end))
    return sorted(spans)


def _verb(keys: Sequence[str], i: int, lex: Lexicon, name: str, asked: bool) -> int:
    """Words of the verb at i, misspelt ones too where what follows shows that it is a verb."""
    length = lex.verbs[name].at(keys, i)
    follows = keys[i + 1] if i + 1 < len(keys) else ""
    if not length and keys[i] in lex.slips[name]:
        if follows in ("me", "us", "a", "an", "the", "some", "my"):
            return 1
        return int(follows == "for" and len(keys[i]) > 4)
    after = keys[i + length] if i + length < len(keys) else ""
    if length == 1 and after == "of":
        return 0  # view of the sea: a noun
    if length == 1 and keys[i] in lex.soft and not asked:
        return int(after in lex.articles or after in ("me", "us", "my", "our"))
    if length and keys[i + length - 1] in lex.articles:
        return length  # any, got any
    return length


def command(
    words: Sequence[Token], start: int, lex: Lexicon, name: str, blocked: set[int]
) -> tuple[int, bool]:
    """Where the command that starts at `start` ends, and whether it has a verb or a request.

    name: the function whose verbs count. blocked: positions inside titles, where nothing counts.
    """
    keys = [t.key for t in words]
    i, commands, verb_allowed = start, False, True
    while i < len(words) and i not in blocked:
        if lex.fixed.at(keys, i) > 1 or lex.compounds.at(keys, i) > 1:
            break
        asked = lex.requests.at(keys, i) or (i == start and lex.trailers.at(keys, i))
        if not asked and keys[i] == "what" and i + 1 < len(words):
            asked = int(lex.classes.at(keys, i + 1) > 0)  # what flyers do you have
        verb = _verb(keys, i, lex, name, commands) if verb_allowed else 0
        if verb and verb >= asked:
            i, commands, verb_allowed = i + verb, True, False
        elif asked:
            i, commands, verb_allowed = i + asked, True, True
        elif commands and keys[i] in CONNECTORS:
            verb_allowed = verb_allowed or keys[i] in ("to", "you", "if", "how")
            i += 1
        elif commands and keys[i] == "and" and i + 1 < len(words) and lex.verbs[name].at(
            keys, i + 1
        ):  # fmt: skip
            i, verb_allowed = i + 1, True
        else:
            break
    if i < len(words) and i not in blocked and commands and keys[i] in lex.articles:
        i += 1
    return i, commands


def commanded(query: str, frame: Frame) -> str | None:
    """The function that the query's verb asks for; None without a verb of one function alone."""
    lex = lexicon(frame)
    words = tokens(query)
    if not words:
        return None
    blocked = {i for s, e in titles(query, lex, True) for i in range(s, e)}
    starts = [0] + [i + 1 for i, t in enumerate(words[:-1]) if ends_clause(t)]
    keys = [t.key for t in words]
    for start in starts:
        if start in blocked and start:
            continue
        seen: str | None = None
        reach: dict[str, int] = {}
        for name in frame.functions:
            end, any_command = command(words, start, lex, name, blocked - {start})
            reach[name] = end if any_command else start
        best = max(reach.values())
        leaders = [name for name, end in reach.items() if end == best]
        if best > start and len(leaders) == 1:
            seen = leaders[0]
        elif best > start:
            # A verb both may use, as in "i need": only words of one function alone decide.
            for name in leaders:
                if any(lex.foreign[name].at(keys, i) for i in range(start, best)):
                    others = [n for n in leaders if n != name]
                    seen = others[0] if len(others) == 1 else None
        if seen and (start == 0 or best - start > 1):
            return seen
    return None


def _class_hits(keys: Sequence[str], lex: Lexicon, ignored: set[int]) -> list[tuple[int, int, str]]:
    """(start, end, class) of each word for a class, longest match, compounds left out."""
    hits, i = [], 0
    while i < len(keys):
        length = lex.classes.at(keys, i)
        compound = max(lex.compounds.at(keys, i), 0)
        if compound > length or (compound and i in ignored):
            i += compound
        elif length and not any(j in ignored for j in range(i, i + length)):
            hits.append((i, i + length, lex.class_of[" ".join(keys[i : i + length])]))
            i += length
        else:
            i += 1
    return hits


class Naming(NamedTuple):
    """How a query names its class: `position` of the word, `is_sure` unless it may be a detail."""

    value: str
    position: int
    is_sure: bool


@lru_cache(4096)
def naming(query: str, lex: Lexicon) -> Naming | None:
    """How the query names its class; None if it names none.

    The head counts: the last word for a class before the first preposition or comma (`album cover`,
    `photo of a logo`); failing that, one that ends a phrase (`cat in a hat sticker`). That is a
    detail perhaps, and so is a head in a later clause (`a castle, dark background`) unless a
    command or an article opens it, and what an action is done to (`girl holding a sign`).
    """
    words = tokens(query)
    if not words:
        return None
    keys = [t.key[:-2] if t.key.endswith("'s") else t.key for t in words]
    ignored = {i for s, e in titles(query, lex, True) for i in range(s, e)}
    begin = max((command(words, 0, lex, name, ignored - {0})[0] for name in lex.verbs), default=0)
    if begin >= len(words):
        begin = 0
    ignored |= set(range(begin))
    hits = _class_hits(keys, lex, ignored)
    if not hits:
        return None
    whole = ignored | {i for s, e, _ in hits for i in range(s, e)}  # to do list
    for i in range(begin, len(words)):  # year of the horse card
        whole |= set(range(i, i + lex.fixed.at(keys, i)))
    stops = (lex.prepositions | {"that", "which", "whose", "without"}) - {"like"}
    clause_start = begin
    while clause_start < len(words):
        clause_end = clause_start
        while clause_end < len(words) and not ends_clause(words[clause_end]):
            clause_end += 1
        clause_end = min(clause_end + 1, len(words))
        head_end = clause_start
        while head_end < clause_end and (
            keys[head_end] not in stops
            or head_end in whole
            or (keys[head_end] == "of" and keys[head_end - 1] in PARTITIVES)
        ):
            head_end += 1
        inside = [h for h in hits if clause_start <= h[0] and h[1] <= head_end]
        if inside:
            start, end, value = inside[-1]
            opens = clause_start == begin or keys[clause_start] in lex.articles or any(
                command(words, clause_start, lex, name, ignored)[1] for name in lex.verbs
            )  # fmt: skip
            is_sure = opens and not _is_object(keys, clause_start, start, end, lex)
            return Naming(value, end - 1, is_sure)
        final = clause_end
        while final > clause_start and lex.trailers.at(keys, final - 1) == 1:
            final -= 1
        last = [h for h in hits if clause_start <= h[0] and h[1] == final]
        if last:
            return Naming(last[-1][2], last[-1][1] - 1, is_sure=False)
        clause_start = clause_end
    return None


def _is_object(keys: Sequence[str], first: int, start: int, end: int, lex: Lexicon) -> bool:
    """Whether an action is done to keys[start:end]: shuffling cards, holding a sign."""
    i = start - 1
    while i > first and keys[i] not in lex.articles and not keys[i].endswith("ing"):
        i -= 1
    if i <= first:
        return False
    if keys[i] in lex.articles:
        return keys[i - 1].endswith(("ing", "s"))
    return i == start - 1 and keys[end - 1].endswith("s")


def class_word(query: str, frame: Frame) -> tuple[str, int] | None:
    """The class that the query names and the position of its word, after `naming`."""
    named = naming(query, lexicon(frame))
    return None if named is None else (named.value, named.position)


def mentioned_classes(query: str, frame: Frame) -> set[str]:
    """The classes of which any word or hint stands in the query, titles apart."""
    lex = lexicon(frame)
    keys = [t.key for t in tokens(query)]
    ignored = {i for s, e in titles(query, lex, True) for i in range(s, e)}
    named = {hit[2] for hit in _class_hits(keys, lex, ignored)} if keys else set()
    hinted = {name for name, hints in lex.hints.items()
              if any(hints.at(keys, i) for i in range(len(keys)))}  # fmt: skip
    return named | hinted


def named_class(query: str, frame: Frame) -> str | None:
    """The class that the query names, after `class_word`."""
    named = class_word(query, frame)
    return named[0] if named else None


def class_place(query: str, wanted: str, frame: Frame) -> float | None:
    """Where a query names its class, (i + 1/2) / n for word i of n; None where it does not.

    The middle of the word: evenly placed class words then come out uniform on [0, 1] for queries of
    any length, which i / (n - 1) would not.
    """
    named = class_word(query, frame)
    if named is None or named[0] != wanted:
        return None
    return (named[1] + 0.5) / len(tokens(query))
