"""The sub-prompt label: a query reduced to what the API needs. The one rule set.

It follows the labeling guide: command words, politeness, articles, prepositions and conjunctions
go; in a Search also the generic word for the medium, and the class is named in the singular. Small
words stay in titles and fixed phrases, and where the sense needs them (see `small_words`). The word
lists are the frame's.
"""

from __future__ import annotations

from collections.abc import Sequence

from stages.checks.phrases import NAMING, SAYING, command, ends_clause, naming, titles
from stages.checks.small_words import date_span, keeps_date, stays
from stages.checks.words import CLOSING, OPENING, Lexicon, Token, lexicon, tokens
from stages.core.frame import Frame


def _lower_title(
    words: Sequence[Token], begin: int, lex: Lexicon, taken: set[int]
) -> tuple[int, int] | None:
    """A work's title in lower case: what follows `song`, `movie called`, `trailer for`, to the end.

    None where the rest describes instead: a preposition comes first (`movie about dragons`), or an
    article after one (`soundtrack for a horror game`).
    """
    keys = [t.key for t in words]
    for i in range(begin, len(words)):
        length = lex.titled.at(keys, i)
        if not length or i in taken:
            continue
        # Album cover, movie night: the longer phrase means something else.
        if max(lex.classes.at(keys, i), lex.compounds.at(keys, i)) > length:
            continue
        start = i + length
        if start >= len(words) or any(j in taken for j in range(start, len(words))):
            return None
        if ends_clause(words[start - 1]):
            return None
        if keys[start] in ("of", "for", "to", "from") and start + 1 < len(words):
            if keys[i] not in ("trailer", "soundtrack", "episode"):
                return None
            start += 1
            if keys[start] in ("a", "an", "my", "some"):
                return None
        elif keys[start] not in ("the", "a", "i", "my", "you") and keys[start] in lex.small:
            return None
        if any(lex.classes.at(keys, j) for j in range(start, len(words))):
            return None  # movie night poster
        if lex.trailers.at(keys, start) == len(words) - start:
            return None
        if i > begin and keys[i - 1] not in lex.small:
            return None  # christmas song lyrics: the word is not a head before a title
        end = len(words)
        for j in range(start + 1, end):
            if lex.trailers.at(keys, j) == end - j:
                end = j
                break
        return start, end
    return None


def _mirrored(keys: Sequence[str], i: int) -> bool:
    """Whether a phrase such as `head to head`, `day by day`, `inch after inch` starts at i."""
    if i + 2 >= len(keys) or keys[i] != keys[i + 2]:
        return False
    return keys[i + 1] in ("to", "by", "after", "for", "in", "on", "upon", "and")


def _adopted(
    words: Sequence[Token],
    named: Sequence[tuple[int, int]],
    lex: Lexicon,
    search: bool,
    begin: int,
) -> dict[int, int]:
    """Token position -> number of the phrase that is kept whole: `named`, fixed ones, dates."""
    keys = [t.key for t in words]
    spans = list(named)
    taken = {i for s, e in spans for i in range(s, e)}
    if search:
        lower = _lower_title(words, begin, lex, taken)
        if lower:
            spans.append(lower)
            taken |= set(range(*lower))
    i = begin
    while i < len(words):
        length = 0 if i in taken else lex.fixed.at(keys, i)
        if not length and i not in taken and _mirrored(keys, i):
            length = 3
        final = lex.trailers.at(keys, i) == len(words) - i and i > 0 and keys[i - 1] not in SAYING
        article = i + length < len(words) and keys[i + length] in ("a", "an", "the")
        if length > 1 and article and keys[i + length - 1] == "of":
            length += 1  # in the style of a poster
        if length > 1 and not (final and lex.trailers.at(keys, i) == length):
            # A phrase that a title follows joins it: best of + The Doors stay apart, in order.
            spans.append((i, i + length))
            taken |= set(range(i, i + length))
            i += length
        elif i not in taken and keeps_date(keys, i, lex):
            i += 1
            length = date_span(keys, i, lex)
            spans.append((i - 1, i + length))
            taken |= set(range(i - 1, i + length))
            i += length
        else:
            i += 1
    return {i: number for number, (s, e) in enumerate(spans) for i in range(s, e)}


def _clause_commands(
    words: Sequence[Token], lex: Lexicon, function: str, group: dict[int, int], begin: int
) -> set[int]:
    """Positions of commands that start a later clause: `..., can you make me`, `and make it`."""
    dropped: set[int] = set()
    for i in range(max(begin, 1), len(words)):
        opens = ends_clause(words[i - 1]) or words[i - 1].key in lex.conjunctions | {"that"}
        if not opens or i in group:
            continue
        end, any_command = command(words, i, lex, function, set(group))
        if any_command and end < len(words) and end > i:
            bare = end == i + 1 and words[i].key in lex.verbs[function]
            if not bare or ends_clause(words[i - 1]):
                dropped |= set(range(i, end))
    return dropped


def _beside(keys: Sequence[str], start: int, end: int, group: dict[int, int], lex: Lexicon) -> bool:
    """Whether a phrase that is kept whole (`group`) stands beside keys[start:end], not counting
    articles and `called`.
    """
    if end < len(keys) and keys[end] in NAMING:
        end += 1
    if start and keys[start - 1] in lex.articles:
        start -= 1
    return start - 1 in group or end in group or end - 1 in group


def _contains(keys: Sequence[str], i: int, begin: int, lex: Lexicon) -> bool:
    """Whether the word at i says no more than the type before it: logo ideas, card designs."""
    if keys[i] not in lex.containers or i <= begin:
        return False
    if i + 1 < len(keys) and keys[i + 1] not in lex.small and not lex.trailers.at(keys, i + 1):
        return False
    return any(lex.classes.at(keys, j) == i - j for j in range(max(begin, i - 4), i))


def _modifies(words: Sequence[Token], after: int, lex: Lexicon) -> bool:
    """Whether a plural follows the word before `after`, which is then not a head: whale song
    recordings.
    """
    keys = [t.key for t in words[: after + 1]]
    if not 1 < after < len(keys) or keys[after - 2] in lex.small or ends_clause(words[after - 1]):
        return False
    if lex.trailers.at(keys, after):
        return False
    word = keys[after]
    plural = len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "'s"))
    return plural and word not in lex.containers and not lex.classes.at(keys, after)


def _generics(
    words: Sequence[Token], lex: Lexicon, value: str, group: dict[int, int], begin: int
) -> set[int]:
    """Positions of the words for the medium that a Search drops."""
    keys = [t.key for t in words]
    generic, slips = lex.generic[value], lex.generic_slips[value]
    dropped: set[int] = set()
    seen_preposition = named = False
    i = begin
    while i < len(words):
        compound = lex.compounds.at(keys, i)
        length = generic.at(keys, i)
        work = lex.works_dropped.at(keys, i)
        if work > length and _beside(keys, i, i + work, group, lex):
            length = work  # whatever the type, a song or movie before its title says no more
        if not length and (keys[i] in slips or _contains(keys, i, begin, lex)):
            length = 1
        longer = lex.classes.at(keys, i)
        if i in group and not (length > 1 and i + length - 1 not in group):
            i += 1
        elif compound > length:
            i += compound
        elif longer > length:
            named |= lex.class_of[" ".join(keys[i : i + longer])] == value
            i += longer  # album cover, background music: a specific type stays
        elif length:
            has_medium = bool(dropped) or (named and work)  # trailers for new horror movies
            if not ((has_medium and seen_preposition) or _modifies(words, i + length, lex)):
                dropped |= set(range(i, i + length))
            i += length
        else:
            seen_preposition |= keys[i] in lex.prepositions and (bool(dropped) or named)
            i += 1
    return dropped


def _fallback(words: Sequence[Token], lex: Lexicon) -> list[int]:
    """The most specific words when the rules leave nothing: the type's word, else the last one."""
    keys = [t.key for t in words]
    for i in range(len(words) - 1, -1, -1):
        length = lex.classes.at(keys, i)
        if length:
            start = i
            while start and lex.classes.at(keys, start - 1) > length:
                start -= 1
                length = lex.classes.at(keys, start)
            return list(range(start, start + length))
    specific = [
        i for i, key in enumerate(keys) if key not in lex.small and not lex.trailers.at(keys, i)
    ]
    return [specific[-1] if specific else len(words) - 1]


def _singular(
    query: str, words: Sequence[Token], lex: Lexicon, value: str, group: dict[int, int]
) -> dict[int, str]:
    """Position -> singular of the word by which a Search names its class: `flyers`, a kind.

    Plurals that describe stay: `birthday balloons`, `data charts`.
    """
    named = naming(query, lex)
    if named is None or named.value != value or named.position in group:
        return {}
    word = words[named.position]
    text, one = word.text, lex.singular.get(word.key)
    if one is None or len(one) > len(text):
        return {}
    return {named.position: text[: len(one)] if text.lower().startswith(one) else one}


def _written(
    words: Sequence[Token],
    positions: Sequence[int],
    group: dict[int, int],
    commas: bool,
    spelt: dict[int, str],
) -> str:
    """The words at `positions` as they were spelled; commas between them where wanted, none
    dangling.

    Inside a title the user's punctuation stays, quotes apart, and brackets only in pairs.
    """
    for unwanted in (OPENING + CLOSING, OPENING + CLOSING + "()[]{}<>"):
        parts: list[str] = []
        added = ""
        for n, i in enumerate(positions):
            text = spelt.get(i, words[i].text)
            following = positions[n + 1] if n + 1 < len(positions) else None
            if i in group and n and positions[n - 1] == i - 1 and group.get(i - 1) == group[i]:
                before = "".join(c for c in words[i].before if c not in unwanted)
                text, added = before + text, added + before
            if i in group and following == i + 1 and group.get(i + 1) == group[i]:
                after = "".join(c for c in words[i].after if c not in unwanted)
                text, added = text + after, added + after
            elif following is not None and commas:
                between = "".join(words[j].after for j in range(i, following))
                if any(c in ",;.!?:" for c in between):
                    text += ","
            parts.append(text)
        if all(added.count(a) == added.count(b) for a, b in ("()", "[]", "{}", "<>")):
            break
    return " ".join(parts)


def extract(query: str, function: str, value: str, frame: Frame) -> str:
    """The sub-prompt of `query`: its own words in their order and spelling, never empty.

    Raises KeyError for a function or class that the frame does not know. A query without
    any word comes back as it is, white space trimmed.
    """
    lex = lexicon(frame)
    words = tokens(query)
    if not words:
        return query.strip()
    keys = [t.key for t in words]
    search = function in frame.words.searches
    title_spans = titles(query, lex, search)
    blocked = {i for s, e in title_spans for i in range(s, e) if s > 0}
    begin, _ = command(words, 0, lex, function, blocked)
    if begin >= len(words):
        begin = 0
    group = _adopted(words, title_spans, lex, search, begin)
    dropped = _clause_commands(words, lex, function, group, begin) | set(range(begin))
    if search:
        dropped |= _generics(words, lex, value, group, begin)
    end = len(words)
    for i in range(max(begin, 1), end):
        if i not in group and lex.trailers.at(keys, i) == end - i:
            end = i
            break
    positions: list[int] = []
    i = begin
    while i < end:
        if i in group:
            positions.append(i)
            i += 1
            continue
        places = lex.places.at(keys, i)  # next to, on top of
        filler = lex.fillers.at(keys, i) or places
        if i in dropped:
            i += 1
        elif places and positions and positions[-1] == i - 1 and not ends_clause(words[i - 1]):
            positions += range(i, i + places)
            i += places
        elif filler and not any(j in group for j in range(i, i + filler)):
            i += filler
        elif keys[i] in lex.small:
            if (i - 1 not in dropped or keys[i] != "the") and stays(
                words, keys, i, positions, lex, search
            ):
                positions.append(i)
            i += 1
        else:
            positions.append(i)
            i += 1
    if not positions:
        positions = _fallback(words, lex)
    spelt = _singular(query, words, lex, value, group) if search else {}
    return _written(words, positions, group, not search, spelt) or query.strip()
