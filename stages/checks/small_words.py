"""Small words that stay in a sub-prompt, since dropping them would break the sense.

Dates (`on January 21`), makers (`by Monet`), names (`kermit the frog`), adverbs, and prepositions
that bind (`made of glass`). The word lists are of general English; the pack's own are its frame's.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from stages.checks.phrases import ends_clause
from stages.checks.words import Lexicon, Token, plurals

# Words before a date.
DATE_WORDS = {"on", "at", "by", "from", "to", "until", "in", "between"}
SEASONS = {"week", "weekend", "month", "year", "spring", "summer", "autumn", "fall", "winter"}
_TIME = re.compile(r"\d{1,2}([:.]\d\d)?(am|pm)$|\d{1,2}:\d\d$|\d{1,2}(st|nd|rd|th)$"
                   r"|\d{1,2}[/.-]\d{1,2}([/.-]\d{2,4})?$")  # fmt: skip
_YEAR = re.compile(r"(1[0-9]|20)\d\d$")
_NUMBER = re.compile(r"\d{1,2}([:.]\d\d)?$")
_HALVES = {"am", "pm", "a.m", "p.m", "o'clock"}

# Participles that a maker follows: painted by.
MAKERS = {"painted", "drawn", "created", "directed", "written", "sung", "designed", "composed",
          "performed", "illustrated", "photographed", "sculpted", "inspired", "filmed",
          "played", "recorded", "produced", "sculpture"}  # fmt: skip

# Words over which `by` reaches to join makers.
REACH = 20

# Prepositions that are adverbs where nothing follows: snow falling outside, lights on.
ADVERBS = {"in", "on", "over", "under", "around", "through", "inside", "outside", "above", "below",
           "behind", "near", "along", "across", "about", "by"}  # fmt: skip
# Prepositions of place and direction: without them the picture would be a different one.
SPATIAL = {"under", "over", "above", "below", "beneath", "behind", "between", "through", "into",
           "onto", "across", "inside", "outside", "against", "around", "beside", "among", "near",
           "toward", "towards", "along", "underneath", "atop"}  # fmt: skip
# Prepositions that may tie a noun to the word before it.
BINDING = SPATIAL | {"of", "in", "on", "at", "by", "to", "from", "as", "like", "upon", "for",
                     "with", "about", "during"}  # fmt: skip
_VERBS = (
    "made built drawn worn written seen shown lit hung woven lost hidden frozen taken carved grown "
    "shot held caught broken torn split cut told bent dyed cast tied laid full "
    "look looks sit sits sat stand stands stood lie lies lay sleep sleeps live lives float floats "
    "fly flies walk walks run runs jump jumps swim swims dance dances play plays ride rides climb "
    "climbs hang hangs rest rests lean leans stare stares gaze gazes rise rises fall falls melt "
    "melts turn turns smile smiles"
)
VERBS = frozenset(_VERBS.split())
# Words in -ing or -ed that are not verbs.
_NOUNS = (
    "painting drawing wedding building morning evening spring string clothing lettering ceiling "
    "thing something everything nothing anything training marketing meeting gathering opening "
    "greeting pudding housing earring sibling viking duckling lightning landing engineering bring "
    "bedding blessing dressing parking recording offering hiking camping fishing cooking baking "
    "coding gaming cycling racing boxing wrestling yachting skiing hundred sacred naked wicked "
    "rugged beloved"
)
NOUNS = frozenset(_NOUNS.split())
# Verbs whose -ing form takes for, about or with.
_GOVERNING = (
    "looking waiting searching asking hoping reaching wishing caring praying dreaming thinking "
    "talking singing playing dancing fighting chatting glowing overflowing bursting brimming "
    "dripping shining sparkling battling wrestling flirting posing competing sharing"
)
GOVERNING = frozenset(_GOVERNING.split())
# After `in` they say how it looks, whatever stands before.
_LOOKS = (
    "black white red blue green yellow orange purple pink brown gray grey gold silver teal navy "
    "turquoise beige cream pastel neon bright bold soft dark light warm cool muted vivid earthy "
    "monochrome watercolor cartoon vintage retro minimalist modern rustic elegant"
)
LOOKS = frozenset(_LOOKS.split())
# What shows a thing: the sketch of a cat is a cat.
_DEPICTING = (
    "sketch drawing sculpture statue screenshot rendering doodle cartoon silhouette artwork scene "
    "depiction still miniature figurine mural mosaic movie"
)
DEPICTING = frozenset(form for word in _DEPICTING.split() for form in plurals(word))
# Words for a type that may not be meant as one: a deck of cards, the shape of a heart.
QUANTITIES = {"shape", "deck", "sheet", "sign", "score"}


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


def keeps_date(keys: Sequence[str], i: int, lex: Lexicon) -> bool:
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


def date_span(keys: Sequence[str], i: int, lex: Lexicon) -> int:
    """Length of `the 5th of May` at i, kept whole after a date preposition; 0 if there is none."""
    j = i + 1 if keys[i] == "the" else i
    if j < len(keys) and re.match(r"\d{1,2}(st|nd|rd|th)$", keys[j]):
        if j + 2 < len(keys) and keys[j + 1] == "of" and keys[j + 2] in lex.calendar:
            return j + 3 - i
        return j + 1 - i
    return 0


def _names_maker(words: Sequence[Token], i: int, lex: Lexicon) -> bool:
    """Whether `by` at i stands before a name, not before a thing or an action."""
    if words[i].key != "by" or i + 1 >= len(words):
        return False
    following, before = words[i + 1], words[i - 1].key if i else ""
    if following.text[0].isupper():
        return True
    if following.key in lex.small or following.key.endswith("ing"):
        return False
    return not (before.endswith("ed") and before not in MAKERS) and before not in ("lit", "made")


def _joins_makers(words: Sequence[Token], i: int, positions: Sequence[int], lex: Lexicon) -> bool:
    """Whether `and` at i joins names after a `by` that stays: art by klimt and nixeu."""
    if words[i].key != "and" or i + 1 >= len(words) or words[i + 1].key in lex.small:
        return False
    j = i - 1
    while j >= max(0, i - REACH) and not ends_clause(words[j]) and (
        words[j].key not in lex.small or words[j].key == "and"
    ):  # fmt: skip
        j -= 1
    return j >= 0 and words[j].key == "by" and j in positions[-REACH:] and not ends_clause(words[j])


def _is_epithet(words: Sequence[Token], i: int, lex: Lexicon) -> bool:
    """Whether `the` at i belongs to a name of the kind of `kermit the frog`, `winnie the pooh`.

    Before it stands one word alone, which is not a verb by its ending.
    """
    if words[i].key != "the" or not 0 < i < len(words) - 1 or ends_clause(words[i - 1]):
        return False
    before = words[i - 1].key
    if before in lex.small or before.endswith(("ing", "ed", "s", "ly")) or len(before) < 4:
        return False
    alone = i == 1 or ends_clause(words[i - 2]) or words[i - 2].key in lex.small
    return alone and not any(verbs.at([before], 0) for verbs in lex.verbs.values())


def _is_verb(word: str) -> bool:
    """Whether the word is a participle by its ending: made, covered, flying."""
    if word in VERBS:
        return True
    if len(word) < 5 or word in NOUNS:
        return False
    return word.endswith("ing") or (word.endswith("ed") and not word.endswith("eed"))


def _binds(words: Sequence[Token], i: int, positions: Sequence[int], lex: Lexicon) -> bool:
    """Whether the preposition at i ties its noun to what stands before it, so that it must stay.

    So do those of place and way (`castle above clouds`), what follows a verb (`made of glass`,
    `looking at stars`), and `of` between nouns (`bowl of ramen`); but not what follows a word for a
    type: `photo of a lighthouse`, `poster for a fair`.
    """
    key = words[i].key
    if key not in BINDING or i + 1 >= len(words) or not positions:
        return False
    if key == "as" and words[i - 1].key in lex.pronouns:
        return True  # a picture of me as an astronaut
    if positions[-1] != i - 1:
        return False
    if ends_clause(words[i - 1]):
        return False
    if key in SPATIAL:
        return True
    keys = [t.key for t in words[max(0, i - 3) : i]]
    before = keys[-1]
    if key == "of" and (before in DEPICTING or any(before in s for s in lex.class_slips.values())):
        return False
    if before not in QUANTITIES and any(
        lex.classes.at(keys, j) == len(keys) - j for j in range(len(keys))
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
    return not (key == "in" and words[i + 1].key in LOOKS)


def _is_adverb(words: Sequence[Token], i: int) -> bool:
    """Whether the preposition at i has nothing to govern: snow falling outside."""
    last = i + 1 == len(words) or ends_clause(words[i])
    return last and words[i].key in ADVERBS


def stays(
    words: Sequence[Token],
    keys: Sequence[str],
    i: int,
    positions: Sequence[int],
    lex: Lexicon,
    search: bool,
) -> bool:
    """Whether the small word at i stays. positions: those before it that stay, ascending."""
    if words[i].key == "by" and not positions and search:
        return False  # a Search by an artist alone is a Search for the artist
    return (
        _names_maker(words, i, lex)
        or keeps_date(keys, i, lex)
        or _joins_makers(words, i, positions, lex)
        or _is_epithet(words, i, lex)
        or _is_adverb(words, i)
        or _binds(words, i, positions, lex)
    )
