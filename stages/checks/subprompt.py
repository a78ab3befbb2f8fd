"""The sub-prompt label: a query reduced to what the API needs. The one rule set.

It follows the labelling guide: command words, politeness, articles, prepositions and conjunctions
go; in a Search also the generic word for the medium. Small words stay in titles, fixed phrases and
dates, and before a name (`by Monet`, `in the style of Gaudi`). The word lists are the domain's.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from stages.checks.phrases import NAMING, SAYING, command, ends_clause, titles, type_word
from stages.checks.words import CLOSING, OPENING, Lexicon, Token, lexicon, tokens
from stages.core.domain import Domain

DATE_WORDS = {"on", "at", "by", "from", "to", "until", "in", "between"}
MAKERS = {"painted", "drawn", "created", "directed", "written", "sung", "designed", "composed",
          "performed", "illustrated", "photographed", "sculpted", "inspired", "filmed",
          "played", "recorded", "produced", "sculpture"}  # fmt: skip
SEASONS = {"week", "weekend", "month", "year", "spring", "summer", "autumn", "fall", "winter"}
# Prepositions that are adverbs where nothing follows: snow falling outside, lights on.
ADVERBS = {"in", "on", "over", "under", "around", "through", "inside", "outside", "above", "below",
           "behind", "near", "along", "across", "about", "by"}  # fmt: skip
ARTICLES = {"a", "an", "the"}
# Prepositions of place and way: without them the picture is another one.
SPATIAL = {"under", "over", "above", "below", "beneath", "behind", "between", "through", "into",
           "onto", "across", "inside", "outside", "against", "around", "beside", "among", "near",
           "toward", "towards", "along", "underneath", "atop"}  # fmt: skip
# Prepositions that may tie a noun to the word before it.
BINDING = SPATIAL | {"of", "in", "on", "at", "by", "to", "from", "as", "like", "upon", "for",
                     "with", "about", "during"}  # fmt: skip
VERBS = set(
    "made built drawn worn written seen shown lit hung woven lost hidden frozen taken carved grown "
    "shot held caught broken torn split cut told bent dyed cast tied laid full "
    "look looks sit sits sat stand stands stood lie lies lay sleep sleeps live lives float floats "
    "fly flies walk walks run runs jump jumps swim swims dance dances play plays ride rides climb "
    "climbs hang hangs rest rests lean leans stare stares gaze gazes rise rises fall falls melt "
    "melts turn turns smile smiles".split()
)
# Verbs whose -ing form takes for, about or with.
GOVERNING = set(
    "looking waiting searching asking hoping reaching wishing caring praying dreaming thinking "
    "talking singing playing dancing fighting chatting glowing overflowing bursting brimming "
    "dripping shining sparkling battling wrestling flirting posing competing sharing".split()
)
# What shows a thing: the sketch of a cat is a cat. And words for a type that may be none.
DEPICTING = set(
    "sketch drawing sculpture statue screenshot rendering doodle cartoon silhouette artwork scene "
    "depiction still miniature figurine mural mosaic movie".split()
)
QUANTITIES = {"shape", "deck", "sheet", "sign", "score"}
# After `in` they say how it looks, whatever stands before.
LOOKS = set(
    "black white red blue green yellow orange purple pink brown gray grey gold silver teal "
    "navy turquoise beige cream pastel neon bright bold soft dark light warm cool muted vivid "
    "earthy monochrome watercolor cartoon vintage retro minimalist modern rustic elegant".split()
)
NO_VERBS = {"painting", "drawing", "wedding", "building", "morning", "evening", "spring", "string",
            "clothing", "lettering", "ceiling", "thing", "something", "everything", "training",
            "marketing", "meeting", "gathering", "opening", "greeting", "pudding", "housing",
            "earring", "sibling", "viking", "duckling", "lightning", "landing", "engineering",
            "nothing", "anything", "king", "bring", "hundred", "sacred", "naked", "wicked",
            "rugged", "beloved", "bedding", "blessing", "dressing", "parking", "recording",
            "offering", "hiking", "camping", "fishing", "cooking", "baking", "coding", "gaming",
            "cycling", "racing", "boxing", "wrestling", "yachting", "skiing"}  # fmt: skip
_TIME = re.compile(r"\d{1,2}([:.]\d\d)?(am|pm)$|\d{1,2}:\d\d$|\d{1,2}(st|nd|rd|th)$"
                   r"|\d{1,2}[/.-]\d{1,2}([/.-]\d{2,4})?$")  # fmt: skip
_YEAR = re.compile(r"(1[0-9]|20)\d\d$")
_NUMBER = re.compile(r"\d{1,2}([:.]\d\d)?$")
_HALVES = {"am", "pm", "a.m", "p.m", "o'clock"}


def _is_date(keys: Sequence[str], i: int, lex: Lexicon) -> bool:
    """Whether a date or time starts at i: January 21, the 5th, 7 pm, Friday, 1970."""
    if i >= len(keys):
        return False
    key = keys[i]
    if key == "the" and i + 1 < len(keys):
        return bool(re.match(r"\d{1,2}(st|nd|rd|th)$", keys[i + 1]))
    if key == "may" or (len(key) < 4 and key in lex.calendar):  # also a verb; sun, mar, sat
        return i + 1 < len(keys) and keys[i + 1][0].isdigit()
    if key in lex.calendar or _TIME.match(key) or _YEAR.match(key):
        return True
    following = keys[i + 1] if i + 1 < len(keys) else ""
    return bool(_NUMBER.match(key)) and (following in _HALVES or following in lex.calendar)


def _keeps_date(keys: Sequence[str], i: int, lex: Lexicon) -> bool:
    """Whether the preposition (or `this`) at i belongs to a date and so stays."""
    key = keys[i]
    if i + 1 >= len(keys):
        return False
    after = keys[i + 1]
    if key == "this":
        return after in lex.calendar or after in SEASONS
    if key not in DATE_WORDS:
        return False
    if key == "to":
        before = keys[i - 1] if i else ""
        return (before[:1].isdigit() and after[0].isdigit()) or (
            before in lex.calendar and after in lex.calendar
        )
    if key == "in":
        month = after in lex.calendar and len(after) > 2 and _is_date(keys, i + 1, lex)
        return bool(month or _YEAR.match(after))
    if key in ("from", "between"):
        ranged = i + 2 < len(keys) and keys[i + 2] in ("to", "and", "-", "until", "till")
        return ranged and (after[0].isdigit() or _is_date(keys, i + 1, lex))
    if key == "at" and _NUMBER.match(after):
        return True
    return _is_date(keys, i + 1, lex)


def _date_span(keys: Sequence[str], i: int, lex: Lexicon) -> int:
    """Length of `the 5th of May` at i, kept whole after a date preposition; 0 if there is none."""
    j = i + 1 if keys[i] == "the" else i
    if j < len(keys) and re.match(r"\d{1,2}(st|nd|rd|th)$", keys[j]):
        if j + 2 < len(keys) and keys[j + 1] == "of" and keys[j + 2] in lex.calendar:
            return j + 3 - i
        return j + 1 - i
    return 0


def _keeps_by(found: Sequence[Token], i: int, lex: Lexicon) -> bool:
    """Whether `by` at i stands before a name, not before a thing or an action."""
    if found[i].key != "by" or i + 1 >= len(found):
        return False
    following, before = found[i + 1], found[i - 1].key if i else ""
    if following.text[0].isupper():
        return True
    if following.key in lex.small or following.key.endswith("ing"):
        return False
    return not (before.endswith("ed") and before not in MAKERS) and before not in ("lit", "made")


def _keeps_and(found: Sequence[Token], i: int, kept: Sequence[int], lex: Lexicon) -> bool:
    """Whether `and` at i joins names after a kept `by`: art by klimt and nixeu."""
    if found[i].key != "and" or i + 1 >= len(found) or found[i + 1].key in lex.small:
        return False
    j = i - 1
    while j >= 0 and not ends_clause(found[j]) and (
        found[j].key not in lex.small or found[j].key == "and"
    ):  # fmt: skip
        j -= 1
    return j >= 0 and found[j].key == "by" and j in kept and not ends_clause(found[j])


def _keeps_the(found: Sequence[Token], i: int, lex: Lexicon) -> bool:
    """Whether `the` at i belongs to a name of the kind of `kermit the frog`, `winnie the pooh`.

    Before it stands one word alone, which is no verb as far as its ending tells.
    """
    if found[i].key != "the" or not 0 < i < len(found) - 1 or ends_clause(found[i - 1]):
        return False
    before = found[i - 1].key
    if before in lex.small or before.endswith(("ing", "ed", "s", "ly")) or len(before) < 4:
        return False
    alone = i == 1 or ends_clause(found[i - 2]) or found[i - 2].key in lex.small
    return alone and not any(verbs.at([before], 0) for verbs in lex.verbs.values())


def _is_verb(word: str) -> bool:
    """Whether the word is a participle as far as its ending tells: made, covered, flying."""
    if word in VERBS:
        return True
    if len(word) < 5 or word in NO_VERBS:
        return False
    return word.endswith("ing") or (word.endswith("ed") and not word.endswith("eed"))


def _binds(
    found: Sequence[Token], i: int, kept: Sequence[int], lex: Lexicon
) -> bool:
    """Whether the preposition at i ties its noun to what stands before it, so that it must stay.

    So do those of place and way (`castle above clouds`), what follows a verb (`made of glass`,
    `looking at stars`), and `of` between nouns (`bowl of ramen`), but not after the word for a type:
    `photo of a lighthouse`, `poster for a fair`.
    """
    key = found[i].key
    if key not in BINDING or i + 1 >= len(found) or not kept or kept[-1] != i - 1:
        return False
    if ends_clause(found[i - 1]):
        return False
    if key in SPATIAL:
        return True
    keys = [t.key for t in found[max(0, i - 3) : i]]
    before = keys[-1]
    if key == "of" and before in DEPICTING:
        return False
    if before not in QUANTITIES and any(
        lex.types.at(keys, j) == len(keys) - j for j in range(len(keys))
    ):
        return False
    if key in ("to", "as", "like", "of"):
        return True
    if before in VERBS or (before.endswith("ed") and _is_verb(before)):
        return True
    if not _is_verb(before):
        return False
    # After -ing, which may be a noun: a flyer for dog walking, in blue, with paws, for all.
    if key in ("for", "about", "with"):
        return before in GOVERNING
    return not (key == "in" and found[i + 1].key in LOOKS)


def _is_adverb(found: Sequence[Token], i: int) -> bool:
    """Whether the preposition at i has nothing to govern: snow falling outside."""
    last = i + 1 == len(found) or ends_clause(found[i])
    return last and found[i].key in ADVERBS


def _lower_title(
    found: Sequence[Token], begin: int, lex: Lexicon, taken: set[int]
) -> tuple[int, int] | None:
    """A work's title in lower case: what follows `song`, `movie called`, `trailer for`, to the end.

    None where the rest describes instead: a preposition comes first (`movie about dragons`), or an
    article after one (`soundtrack for a horror game`).
    """
    keys = [t.key for t in found]
    for i in range(begin, len(found)):
        length = lex.titled.at(keys, i)
        if not length or i in taken:
            continue
        # Album cover, movie night: more words make another thing of it.
        if max(lex.types.at(keys, i), lex.compounds.at(keys, i)) > length:
            continue
        start = i + length
        if start >= len(found) or any(j in taken for j in range(start, len(found))):
            return None
        if ends_clause(found[start - 1]):
            return None
        if keys[start] in ("of", "for", "to", "from") and start + 1 < len(found):
            if keys[i] not in ("trailer", "soundtrack", "episode"):
                return None
            start += 1
            if keys[start] in ("a", "an", "my", "some"):
                return None
        elif keys[start] not in ("the", "a", "i", "my", "you") and keys[start] in lex.small:
            return None
        if any(lex.types.at(keys, j) for j in range(start, len(found))):
            return None  # movie night poster
        if lex.trailers.at(keys, start) == len(found) - start:
            return None
        if i > begin and keys[i - 1] not in lex.small:
            return None  # christmas song lyrics: the word is no head before a title
        end = len(found)
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
    found: Sequence[Token],
    named: Sequence[tuple[int, int]],
    lex: Lexicon,
    search: bool,
    begin: int,
) -> dict[int, int]:
    """Token position -> number of the phrase that is kept whole: `named`, fixed ones, dates."""
    keys = [t.key for t in found]
    spans = list(named)
    taken = {i for s, e in spans for i in range(s, e)}
    if search:
        lower = _lower_title(found, begin, lex, taken)
        if lower:
            spans.append(lower)
            taken |= set(range(*lower))
    i = begin
    while i < len(found):
        length = 0 if i in taken else lex.fixed.at(keys, i)
        if not length and i not in taken and _mirrored(keys, i):
            length = 3
        final = lex.trailers.at(keys, i) == len(found) - i and i > 0 and keys[i - 1] not in SAYING
        article = i + length < len(found) and keys[i + length] in ARTICLES
        if length > 1 and article and keys[i + length - 1] == "of":
            length += 1  # in the style of a poster
        if length > 1 and not (final and lex.trailers.at(keys, i) == length):
            # A phrase that a title follows joins it: best of + The Doors stay apart, in order.
            spans.append((i, i + length))
            taken |= set(range(i, i + length))
            i += length
        elif i not in taken and _keeps_date(keys, i, lex):
            i += 1
            length = _date_span(keys, i, lex)
            spans.append((i - 1, i + length))
            taken |= set(range(i - 1, i + length))
            i += length
        else:
            i += 1
    return {i: number for number, (s, e) in enumerate(spans) for i in range(s, e)}


def _clause_commands(
    found: Sequence[Token], lex: Lexicon, function: str, kept: dict[int, int], begin: int
) -> set[int]:
    """Positions of commands that start a later clause: `..., can you make me`, `and make it`."""
    dropped: set[int] = set()
    for i in range(max(begin, 1), len(found)):
        opens = ends_clause(found[i - 1]) or found[i - 1].key in lex.conjunctions | {"that"}
        if not opens or i in kept:
            continue
        end, any_command = command(found, i, lex, function, set(kept))
        if any_command and end < len(found) and end > i:
            bare = end == i + 1 and found[i].key in lex.verbs[function]
            if not bare or ends_clause(found[i - 1]):
                dropped |= set(range(i, end))
    return dropped


def _beside(keys: Sequence[str], start: int, end: int, kept: dict[int, int], lex: Lexicon) -> bool:
    """Whether a phrase kept whole stands beside keys[start:end], articles and `called` apart."""
    if end < len(keys) and keys[end] in NAMING:
        end += 1
    if start and keys[start - 1] in lex.articles:
        start -= 1
    return start - 1 in kept or end in kept or end - 1 in kept


def _contains(keys: Sequence[str], i: int, begin: int, lex: Lexicon) -> bool:
    """Whether the word at i says no more than the type before it: logo ideas, card designs."""
    if keys[i] not in lex.containers or i <= begin:
        return False
    if i + 1 < len(keys) and keys[i + 1] not in lex.small and not lex.trailers.at(keys, i + 1):
        return False
    return any(lex.types.at(keys, j) == i - j for j in range(max(begin, i - 4), i))


def _generics(
    found: Sequence[Token], lex: Lexicon, content_type: str, kept: dict[int, int], begin: int
) -> set[int]:
    """Positions of the words for the medium that a Search drops."""
    keys = [t.key for t in found]
    words, slips = lex.generic[content_type], lex.generic_slips[content_type]
    dropped: set[int] = set()
    seen_preposition = False
    i = begin
    while i < len(found):
        compound = lex.compounds.at(keys, i)
        length = words.at(keys, i)
        work = lex.works_dropped.at(keys, i)
        if work > length and _beside(keys, i, i + work, kept, lex):
            length = work  # whatever the type, a song or movie before its title says no more
        if not length and (keys[i] in slips or _contains(keys, i, begin, lex)):
            length = 1
        longer = lex.types.at(keys, i)
        if i in kept and not (length > 1 and i + length - 1 not in kept):
            i += 1
        elif compound > length:
            i += compound
        elif longer > length:
            i += longer  # album cover, background music: a specific type stays
        elif length:
            if not (dropped and seen_preposition):
                dropped |= set(range(i, i + length))
            i += length
        else:
            seen_preposition |= keys[i] in lex.prepositions and bool(dropped)
            i += 1
    return dropped


def _fallback(found: Sequence[Token], lex: Lexicon) -> list[int]:
    """The most specific words when the rules leave nothing: the type's word, else the last one."""
    keys = [t.key for t in found]
    for i in range(len(found) - 1, -1, -1):
        length = lex.types.at(keys, i)
        if length:
            start = i
            while start and lex.types.at(keys, start - 1) > length:
                start -= 1
                length = lex.types.at(keys, start)
            return list(range(start, start + length))
    telling = [
        i for i, key in enumerate(keys) if key not in lex.small and not lex.trailers.at(keys, i)
    ]
    return [telling[-1] if telling else len(found) - 1]


def _singular(
    query: str, found: Sequence[Token], lex: Lexicon, content_type: str, group: dict[int, int]
) -> dict[int, str]:
    """Position -> singular of the word by which a Search names its type: `flyers`, a kind of thing.

    Plurals that describe stay: `birthday balloons`, `data charts`.
    """
    named = type_word(query, lex)
    if named is None or named[0] != content_type or named[1] in group:
        return {}
    text, one = found[named[1]].text, lex.singular.get(found[named[1]].key)
    if one is None or len(one) > len(text):
        return {}
    return {named[1]: text[: len(one)] if text.lower().startswith(one) else one}


def _written(
    found: Sequence[Token],
    kept: Sequence[int],
    group: dict[int, int],
    commas: bool,
    spelt: dict[int, str],
) -> str:
    """The kept words with their own spelling; commas between them where wanted, none dangling.

    Inside a title the user's punctuation stays, quotes apart, and brackets only in pairs.
    """
    for unwanted in (OPENING + CLOSING, OPENING + CLOSING + "()[]{}<>"):
        parts: list[str] = []
        added = ""
        for place, i in enumerate(kept):
            text = spelt.get(i, found[i].text)
            following = kept[place + 1] if place + 1 < len(kept) else None
            if i in group and place and kept[place - 1] == i - 1 and group.get(i - 1) == group[i]:
                before = "".join(c for c in found[i].before if c not in unwanted)
                text, added = before + text, added + before
            if i in group and following == i + 1 and group.get(i + 1) == group[i]:
                after = "".join(c for c in found[i].after if c not in unwanted)
                text, added = text + after, added + after
            elif following is not None and commas:
                between = "".join(found[j].after for j in range(i, following))
                if any(c in ",;.!?:" for c in between):
                    text += ","
            parts.append(text)
        if all(added.count(a) == added.count(b) for a, b in ("()", "[]", "{}", "<>")):
            break
    return " ".join(parts)


def extract(query: str, function: str, content_type: str, domain: Domain) -> str:
    """The sub-prompt of `query`: its own words in their order and spelling, never empty.

    Raises KeyError for a function or content type that the domain does not know. A query without
    any word comes back as it is, white space trimmed.
    """
    lex = lexicon(domain)
    found = tokens(query)
    if not found:
        return query.strip()
    keys = [t.key for t in found]
    search = function in domain.labelling.searches
    early = titles(query, lex, search)
    blocked = {i for s, e in early for i in range(s, e) if s > 0}
    begin, _ = command(found, 0, lex, function, blocked)
    if begin >= len(found):
        begin = 0
    group = _adopted(found, early, lex, search, begin)
    gone = _clause_commands(found, lex, function, group, begin) | set(range(begin))
    if search:
        gone |= _generics(found, lex, content_type, group, begin)
    end = len(found)
    for i in range(max(begin, 1), end):
        if i not in group and lex.trailers.at(keys, i) == end - i:
            end = i
            break
    kept: list[int] = []
    i = begin
    while i < end:
        if i in group:
            kept.append(i)
            i += 1
            continue
        places = lex.places.at(keys, i)  # next to, on top of
        filler = lex.fillers.at(keys, i) or places
        if i in gone:
            i += 1
        elif places and kept and kept[-1] == i - 1 and not ends_clause(found[i - 1]):
            kept += range(i, i + places)
            i += places
        elif filler and not any(j in group for j in range(i, i + filler)):
            i += filler
        elif keys[i] in lex.small:
            # A Search by an artist alone is a Search for the artist.
            by = _keeps_by(found, i, lex) and (kept or not search)
            if by or (
                _keeps_date(keys, i, lex)
                or _keeps_and(found, i, kept, lex)
                or (i - 1 not in gone and _keeps_the(found, i, lex))
                or _is_adverb(found, i)
                or _binds(found, i, kept, lex)
            ):
                kept.append(i)
            i += 1
        else:
            kept.append(i)
            i += 1
    if not kept:
        kept = _fallback(found, lex)
    spelt = _singular(query, found, lex, content_type, group) if search else {}
    return _written(found, kept, group, not search, spelt) or query.strip()
