"""Composes the asset metadata of the pack `creative` from hand-written vocabularies.

Command: `python data/domains/creative/compose_assets.py [--out FOLDER]`
Reads:   composing/*.yaml next to this script.
Writes:  templates.csv, photos.csv, audio.csv, videos.csv, backgrounds.csv, design_assets.csv and
         texts.csv into FOLDER (default: assets/ next to this script). Same input, same bytes.

Every asset, work and maker is invented. Lists inside a CSV cell are joined with "|"; the SQL file
next to each CSV maps its columns to those of the asset table.
"""

from __future__ import annotations

import argparse
import csv
import os
import random
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from ruamel.yaml import YAML

HERE = Path(__file__).resolve().parent
SEED = 20250
COUNTS = {
    "templates": 1500,
    "photos": 1500,
    "audio": 650,
    "videos": 650,
    "backgrounds": 600,
    "design_assets": 700,
    "texts": 500,
}
LOGO_DRAWINGS, QUOTE_DRAWINGS = 24, 24
DRAWING = ("headline", "subline", "palette", "shapes", "layout")

T = TypeVar("T")
Row = dict[str, str]
Vocabulary = Mapping[str, Any]


def word_set(text: str) -> set[str]:
    """The words of a text."""
    return set(text.split())


# Written lower case in the vocabularies because they may stand anywhere in a title.
PROPER = word_set(
    "African American Bauhaus Christmas Easter European French Halloween Moroccan "
    "Nordic Santa Scandinavian Siamese Shetland DJ 3D VHS Holi Japanese Belgian Turkish "
    "Indian Latin Celtic Spanish Highland"
)
PROPER_BY_LOWER = {word.lower(): word for word in PROPER}
STOPWORDS = word_set(
    "a an the and or of in on at by for from with to into over under its their his her our "
    "your as is it my you we near along among between behind beside before after against up "
    "down out off this that no one two each other half still set new style next front about "
    "ready seen above"
)


def split(text: str) -> list[str]:
    """The items of a vocabulary list, written "a; b; c"."""
    return [item.strip() for item in text.split(";") if item.strip()]


class Dice:
    """Seeded choices that stay the same over Python versions (they use only `random()`)."""

    def __init__(self, seed: str) -> None:
        self._random = random.Random(seed)

    def below(self, limit: int) -> int:
        """A whole number from 0 to `limit` - 1."""
        return int(self._random.random() * limit)

    def chance(self, share: float) -> bool:
        """True in `share` (0 to 1) of the calls."""
        return self._random.random() < share

    def pick(self, items: Sequence[T]) -> T:
        """One item."""
        return items[self.below(len(items))]

    def sample(self, items: Sequence[T], count: int) -> list[T]:
        """`count` different items (all, shuffled, if there are fewer)."""
        rest = list(items)
        return [rest.pop(self.below(len(rest))) for _ in range(min(count, len(rest)))]

    def click_through_rate(self) -> str:
        """A right-skewed rate in (0, 0.2), as text with four decimals."""
        return f"{0.002 + 0.19 * self._random.random() ** 4:.4f}"


class Titles:
    """Accepts a title once, if it is 2 to 12 words long and repeats none of its own words."""

    def __init__(self) -> None:
        self._seen: set[str] = set()

    def accept(self, title: str) -> bool:
        """True, once, for a good title; False for every other."""
        words = title.split()
        stems = [stem(word) for word in re.findall(r"[^\W_]{4,}", title.lower())]
        good = 2 <= len(words) <= 12 and len(set(stems)) == len(stems)
        if not good or title.casefold() in self._seen:
            return False
        self._seen.add(title.casefold())
        return True


def stem(word: str) -> str:
    """A word without its plural ending; enough to see "paint" in "paints"."""
    return re.sub(r"(ies|y|es|s)$", "", word)


def fill(form: str, **parts: str) -> str:
    """`form` with its {names} filled in; "a" becomes "an" where it must."""
    text = re.sub(r"\s+", " ", form.format(**parts)).strip()
    return re.sub(r"\b([Aa]) (?=[aeioAEIO8]|u(?!ni|ku|se))", r"\1n ", text)


def sentence(text: str) -> str:
    """Sentence case: a capital at the start and in proper names, all else as it stands."""
    text = re.sub(r"[\w]+", lambda m: PROPER_BY_LOWER.get(m[0], m[0]), text)
    text = text.replace("milky way", "Milky Way").replace("Milky way", "Milky Way")
    return text[:1].upper() + text[1:]


def article(noun: str) -> str:
    """`noun` with "a" in front, unless it is plural or a pair."""
    head = re.split(r" (?:with|in|on|of|and|over) ", noun)[0]
    heads = (head, head.split()[0])
    plural = any(word.endswith("s") and not word.endswith(("ss", "us", "is")) for word in heads)
    return noun if plural or " and " in head + noun.removeprefix(head)[:5] else f"a {noun}"


def mentions(title: str, part: str) -> bool:
    """Whether `part` stands in `title` as whole words."""
    return bool(part) and re.search(rf"\b{re.escape(part)}\b", title, re.IGNORECASE) is not None


def gist(phrase: str) -> str:
    """A phrase without the small words it starts with: "on a wet leaf" gives "wet leaf"."""
    words = phrase.lower().replace(",", "").split()
    while words and words[0] in STOPWORDS:
        words.pop(0)
    cut = next((i for i, word in enumerate(words) if word in STOPWORDS), len(words))
    return " ".join(words[:cut][:3])


def keywords(dice: Dice, must: Iterable[str], may: Iterable[str]) -> str:
    """3 to 8 different lower-case keywords: all of `must`, then some of `may`."""
    chosen = list(dict.fromkeys(word.lower().strip() for word in must if len(word) > 1))[:6]
    rest = [word.lower().strip() for word in may if len(word) > 1]
    rest = [word for word in dict.fromkeys(rest) if word not in chosen]
    extra = max(3 - len(chosen), 1 + dice.below(4))
    return "|".join((chosen + dice.sample(rest, extra))[:8])


def compose(
    prefix: str,
    count: int,
    titles: Titles,
    makers: Sequence[Callable[[], Row]],
) -> Iterator[Row]:
    """`count` rows with new titles, taking the makers in turn; each row gets its id.

    Raises RuntimeError when the vocabulary is too small for `count` titles.
    """
    made = 0
    for turn in range(count * 60):
        if made == count:
            return
        row = makers[turn % len(makers)]()
        if titles.accept(row["title"]):
            made += 1
            yield {"asset_id": f"{prefix}-{made:05d}", **row}
    if made < count:
        raise RuntimeError(f"{prefix}: only {made} of {count} titles; add words to the vocabulary")


def common(dice: Dice, topics: str, ai_share: float = 0.0) -> Row:
    """The columns that every source has."""
    return {
        "topics": "|".join(split(topics)),
        "locale": "en",
        "ai_generated": "true" if dice.chance(ai_share) else "false",
        "click_through_rate": dice.click_through_rate(),
    }


# ---------------------------------------------------------------- templates

TEMPLATE_FORMS = [
    "{style} {subject} {kind}",
    "{subject} {kind} with {things}",
    "{subject} {kind} with {thing}",
    "{c1} {subject} {kind}",
    "{c1} {subject} {kind} with {thing}",
    "{style} {kind} for {occasion}",
    "{subject} {kind} in {c1} and {c2}",
    "{c1} and {c2} {subject} {kind}",
    "{things} {subject} {kind}",
    "{style} {subject} {kind} with {things}",
    "{kind} for {occasion} with {thing}",
    "{style} {c1} {kind} for {occasion}",
    "{kind} for {occasion}",
]

COMPANY_KINDS = {"Business Card", "Invoice", "Letterhead", "Label"}  # of a trade, not an occasion
SEASONS = {"holidays", "spring", "summer", "autumn", "winter"}


def template(dice: Dice, words: Vocabulary, theme: Vocabulary) -> Row:
    """One template of a theme; some of the drawn kinds also get what a picture shows."""
    kind = dice.pick(split(theme["kinds"]))
    forms = [f for f in TEMPLATE_FORMS if kind not in COMPANY_KINDS or "{occasion}" not in f]
    form = dice.pick(forms)
    about_for = "{occasion}" in form
    subject = dice.pick(split(theme["for" if about_for else "subjects"]))
    objects, heads, lines = own_words(theme, subject)
    thing, other = dice.sample(objects, 2)
    if thing.startswith("a "):
        form = form.replace("{things} {subject} {kind}", "{subject} {kind} with {things}")
    c1, c2, c3 = dice.sample(split(theme["colours"]), 3)
    style = dice.pick(split(words["styles"][theme["mood"]]))
    title = fill(
        form,
        kind="Card" if kind == "Greeting Card" and dice.chance(0.5) else kind,
        subject=subject,
        occasion=subject,
        thing=thing,
        things=f"{thing} and {other}",
        style=style,
        c1=c1,
        c2=c2,
    )
    about = words["kinds"][kind]
    named = [word for word in (c1, c2, thing, other, style) if mentions(title, word)]
    matter = [subject.removeprefix("a ").removeprefix("an ").removeprefix("the ")]
    row = {
        "title": title.replace(" Podcast Podcast ", " Podcast "),
        "kind": kind.lower(),
        "keywords": keywords(
            dice, [*matter, about["words"][0], *named[:2]], [*split(theme["words"]), thing]
        ),
        "aspect_ratio": str(about["ratio"]),
        **common(dice, theme["topics"], 0.35),
        **dict.fromkeys(DRAWING, ""),
    }
    if about["drawn"] and dice.chance(0.26):
        drawing = template_drawing(dice, words, theme, [c1, c2, c3], about["ratio"])
        row |= {**drawing, "headline": dice.pick(heads)}
        row |= {"subline": dice.pick(lines)} if lines else {}
    return row


def own_words(theme: Vocabulary, subject: str) -> tuple[list[str], list[str], list[str]]:
    """The objects, headlines and second lines of a subject: its own, or else its theme's."""
    own = [split(part) for part in theme.get("own", {}).get(subject, "").split("|")]
    objects, heads, lines = [*own, [], []][:3]
    return objects or split(theme["objects"]), heads or split(theme["heads"]), lines


def template_drawing(
    dice: Dice, words: Vocabulary, theme: Vocabulary, colours: Sequence[str], ratio: float
) -> Row:
    """What the picture of a template shows under its headline."""
    layouts = ["left", "banner", "split", "centered"] + ["framed"] * (ratio < 1.9)
    return {
        "subline": subline(dice, words, theme),
        "palette": "|".join(words["colours"][colour] for colour in colours),
        "shapes": "|".join(dice.sample(split(theme["shapes"]), 2 + dice.below(2))),
        "layout": dice.pick(layouts),
    }


def subline(dice: Dice, words: Vocabulary, theme: Vocabulary) -> str:
    """The second line of a picture: date and place, an offer, a signer, or nothing."""
    if "lines" in theme:
        return dice.pick(split(theme["lines"]))
    if theme["says"] == "event":
        seasonal = SEASONS.intersection(split(theme["topics"]))
        date = dice.pick(split(words["hours" if seasonal else "dates"]))
        venue = dice.pick(split(words["venues"]))
        return dice.pick([f"{date}, {venue}", f"{date} - {venue}", date, venue])
    pools = {"offer": "offers", "personal": "signers"}
    pool = pools.get(theme["says"])
    return dice.pick(split(words[pool])) if pool and dice.chance(0.9) else ""


# ------------------------------------------------------------------- photos

SHOTS = {
    "landscape": [(6000, 4000), (4800, 3600), (5760, 3240)],
    "portrait": [(4000, 6000), (3600, 4800)],
    "square": [(4000, 4000)],
}


def photo(dice: Dice, words: Vocabulary, group: Vocabulary) -> Row:
    """One photo: a subject, what it does and where, in one of several sentence shapes."""
    subject, doing = dice.pick(split(group["subjects"])), dice.pick(split(group["doings"]))
    place, adjective = dice.pick(split(group["places"])), dice.pick(split(group["adj"]))
    forms = ["{s} {d}", "{s} {p}", "{s} {d} {p}", "{s} {d} {p}", *words["prefixes"][group["kind"]]]
    noun = article(subject) if group["kind"] == "actor" else subject
    title = fill(dice.pick(forms), s=subject, a=noun, d=doing, p=place, adj=adjective)
    orientation = dice.pick(["landscape", "landscape", "landscape", "portrait", "square"])
    width, height = dice.pick(SHOTS[orientation])
    seen = [gist(part) for part in (place, doing, adjective) if mentions(title, part)]
    return {
        "title": sentence(title),
        "keywords": keywords(dice, [subject, *seen], split(group["words"])),
        "orientation": orientation,
        "width": str(width),
        "height": str(height),
        **common(dice, group["topics"], 0.35),
    }


# ----------------------------------------------------------- audio and video

WORK_TOPICS = {
    "song": "music",
    "album": "music",
    "film": "film; entertainment",
    "show": "television; entertainment",
    "game": "games; entertainment",
    "book": "books",
    "painting": "art",
    "podcast": "podcasts; media",
}


PART_WORDS = word_set(
    "soundtrack theme credits trailer teaser interview bloopers acoustic live instrumental "
    "karaoke piano audiobook chapter remaster deluxe episode season gameplay walkthrough "
    "speedrun lyric restoration score pilot finale commentary session rehearsal promo clip"
)


def work_part(dice: Dice, words: Vocabulary, works: Mapping[str, list[list[str]]]) -> Row:
    """A part of an invented work: a song's live version, a film's trailer, a book's chapter."""
    kinds = [kind for kind, share in words["work_shares"].items() for _ in range(share)]
    kind = dice.pick(kinds)
    work, genre, maker = dice.pick(works[kind])
    stages = "Cobalt Hall; Lantern House; the Old Cannery; Studio Nine"
    form = dice.pick(words["work_forms"][kind])
    title = form.format(
        t=work,
        m=maker,
        n=2 + dice.below(8),
        venue=dice.pick(split(words.get("stages", stages))),
        composer=dice.pick(split(words.get("composers", maker))),
    )
    form_words = [word for word in re.findall(r"[a-z]+", form.lower()) if word in PART_WORDS]
    return {
        "title": title[:1].upper() + title[1:],
        "work_title": work,
        "creator": maker,
        "genre": genre,
        "keywords": keywords(
            dice, [genre, kind, *form_words[:2]], [maker, *split(WORK_TOPICS[kind])]
        ),
        **common(dice, WORK_TOPICS[kind]),
    }


def sound(dice: Dice, words: Vocabulary, group: Vocabulary) -> Row:
    """A recorded sound without a proper title."""
    item = dice.pick(split(group["items"]))
    title = fill(dice.pick(words["sound_endings"][group["sort"]]), x=item)
    return {
        "title": sentence(title),
        "work_title": "",
        "creator": "",
        "genre": "sound effect",
        "keywords": keywords(
            dice,
            [gist(item), *split(group["words"])],
            [group["genre"], "sound effect", "recording"],
        ),
        **common(dice, group["topics"]),
    }


MUSIC_FORMS = [
    "{mood} {genre} for {use}",
    "{mood} {genre} with {instrument}",
    "{genre} with {instrument} for {use}",
    "{mood} {genre}",
    "{mood} and {mood2} {genre}",
    "{genre} bed for {use}",
    "{mood} {genre} loop, {bpm} bpm",
]


def music(dice: Dice, group: Vocabulary) -> Row:
    """Library music without a proper title."""
    mood, mood2 = dice.sample(split(group["moods"]), 2)
    instrument, use = dice.pick(split(group["instruments"])), dice.pick(split(group["uses"]))
    parts = {"mood": mood, "mood2": mood2, "instrument": instrument, "use": use}
    bpm = str(70 + 2 * dice.below(40))
    title = fill(dice.pick(MUSIC_FORMS), genre=group["genre"], bpm=bpm, **parts)
    seen = [gist(part) for part in (mood, instrument, use) if mentions(title, part)]
    return {
        "title": sentence(title),
        "work_title": "",
        "creator": "",
        "genre": group["genre"],
        "keywords": keywords(
            dice, [group["genre"], *seen], ["instrumental", "royalty free", mood2]
        ),
        **common(dice, group["topics"]),
    }


def audio_makers(
    dice: Dice, words: Vocabulary, works: Mapping[str, list[list[str]]]
) -> list[Callable[[], Row]]:
    """Makers of audio rows: half of them parts of works, a quarter sounds, a quarter music."""

    def with_length(make: Callable[[], Row], low: int, high: int) -> Callable[[], Row]:
        return lambda: {**make(), "duration_seconds": str(low + dice.below(high - low))}

    named = with_length(lambda: work_part(dice, words, works), 45, 420)
    sounds = with_length(lambda: sound(dice, words, dice.pick(words["sounds"])), 2, 600)
    beds = with_length(lambda: music(dice, dice.pick(words["music"])), 20, 240)
    return [named, sounds, named, beds]


RESOLUTIONS = ["3840x2160", "1920x1080", "1920x1080", "1080x1920", "1080x1080"]


def footage(dice: Dice, words: Vocabulary, group: Vocabulary) -> Row:
    """A stock clip, a loop or a tutorial without a proper title."""
    subject = dice.pick(split(group["subjects"]))
    doing, place = dice.pick(split(group["doings"])), dice.pick(split(group["places"]))
    title = fill(dice.pick(words["forms"][group["form"]]), s=subject, d=doing, p=place)
    seen = [gist(part) for part in (subject, doing, place) if mentions(title, part)]
    return {
        "title": sentence(title),
        "work_title": "",
        "creator": "",
        "genre": "stock footage" if group["form"] != "lesson" else "tutorial",
        "keywords": keywords(dice, seen, split(group["words"])),
        **common(dice, group["topics"]),
    }


def video_makers(
    dice: Dice, words: Vocabulary, works: Mapping[str, list[list[str]]]
) -> list[Callable[[], Row]]:
    """Makers of video rows: half of them parts of works, half stock footage."""

    def with_size(make: Callable[[], Row], sizes: Sequence[str], high: int) -> Callable[[], Row]:
        return lambda: {
            **make(),
            "resolution": dice.pick(sizes),
            "duration_seconds": str(5 + dice.below(high)),
        }

    named = with_size(lambda: work_part(dice, words, works), RESOLUTIONS[:3], 600)
    stock = [
        with_size(lambda group=group: footage(dice, words, group), RESOLUTIONS, 60)  # type: ignore[misc]
        for group in words["groups"]
    ]
    return [maker for clip in stock for maker in (named, clip)]


# ------------------------------------ backgrounds, design assets and texts

BACKGROUND_RATIOS = {
    "pattern": ["1:1"],
    "texture": ["3:2", "1:1", "16:9"],
    "abstract": ["16:9", "1:1", "9:16", "3:2"],
    "scenery": ["16:9", "3:2", "9:16"],
    "room": ["16:9"],
}


def background(dice: Dice, words: Vocabulary, group: Vocabulary) -> Row:
    """A pattern, texture, abstract, scenery or room to put behind other things."""
    item, look = dice.pick(split(group["items"])), dice.pick(split(group["looks"]))
    c1, c2 = (dice.sample(split(group["colours"]), 2) * 2)[:2]
    form = dice.pick(words["forms"][group["form"]])
    starts = form.startswith("{l}")
    title = fill(form, x=item, c=c1, e=c2, l=look if starts else look[:1].lower() + look[1:])
    used = [word for word in (c1, c2, gist(look)) if mentions(title, word)]
    return {
        "title": sentence(title),
        "surface": group["form"],
        "keywords": keywords(dice, [item, *used[:2]], [*split(group["words"]), "background"]),
        "ratio": dice.pick(BACKGROUND_RATIOS[group["form"]]),
        **common(dice, group["topics"], 0.35),
    }


DESIGN_RATIOS = {"frame": "0.77", "mockup": "1.5", "shape": "1.33"}


def design_asset(dice: Dice, words: Vocabulary, group: Vocabulary) -> Row:
    """An icon set, sticker, logo, illustration, frame, shape pack or mockup."""
    kind = group["form"]
    item, style = dice.pick(split(group["items"])), dice.pick(split(group["styles"]))
    mark = dice.pick(split(group["marks"])) if kind == "logo" else ""
    number = dice.pick(["6", "12", "24", "40"])
    form = dice.pick(words["forms"][kind])
    title = fill(form, x=item, a=article(item), st=style, m=mark, n=number)
    used = [word for word in (style, mark) if mentions(title, word)]
    row = {
        "title": sentence(title.replace("with sun", "with a sun")),
        "format": kind,
        "keywords": keywords(dice, [item, *used, kind.rstrip("s")], split(group["words"])),
        "aspect_ratio": DESIGN_RATIOS.get(kind, "1.0"),
        **common(dice, group["topics"], 0.35),
        **dict.fromkeys(DRAWING, ""),
    }
    return row | ({"mark": mark} if mark else {})


MARK_SHAPES = {
    "coffee cup": "cup", "flame": "flame", "leaf": "leaf", "house": "house", "triangle": "triangle",
    "mountain": "triangle", "moon": "moon", "flower": "flower", "lotus": "flower", "ring": "ring",
    "star": "star", "wave": "wave", "paw": "paw", "sun": "sun", "tree": "tree", "heart": "heart",
    "balloon": "balloon", "cone": "triangle", "kite": "triangle", "wheat ear": "leaf",
}  # fmt: skip
LOGO_PALETTES = [
    "#FBF6E9|#1F5136|#C9A13B", "#FFFFFF|#2B6CD4|#141414", "#16264D|#FFCBA4|#FFFFFF",
    "#F6D5D1|#6D1A36|#C66B4A", "#141414|#FFD93B|#FFFFFF", "#EADFCB|#A4481F|#2E3138",
]  # fmt: skip


def add_logo_drawings(dice: Dice, words: Vocabulary, rows: Sequence[Row]) -> None:
    """Gives some logos a name and a mark to draw."""
    logos = [row for row in rows if row.get("mark", "") in MARK_SHAPES]
    marked = [row for row in logos if mentions(row["title"], row["mark"])]
    names = split(words["logo_names"])
    for row, name in zip(dice.sample(marked, LOGO_DRAWINGS), names, strict=False):
        row["headline"] = name
        row["subline"] = dice.pick(split(words["logo_lines"]))
        row["palette"] = dice.pick(LOGO_PALETTES)
        row["shapes"] = MARK_SHAPES[row["mark"]]
        row["layout"] = dice.pick(["centered", "split", "framed"])


TEXT_KINDS = {"quote": "quote", "effect": "text effect", "font": "font", "greeting": "greeting"}


def text_asset(dice: Dice, words: Vocabulary, kind: str, group: Vocabulary) -> Row:
    """A lettered phrase, a text effect, a font or a greeting."""
    item = dice.pick(split(group["items"]))
    style = dice.pick(split(group.get("styles", words["quote_styles"])))
    title = fill(
        dice.pick(words[f"{kind}_forms"]),
        q=item,
        x=item,
        st=style,
        f=dice.pick(split(words["quote_fonts"])),
        p=dice.pick(split(words["quote_products"])),
        u=dice.pick(split(group.get("uses", "posters"))),
    )
    phrase = item if kind in ("quote", "greeting") else ""
    used = [style] if mentions(title, style) else []
    return {
        "title": title if phrase and title.startswith(item) else sentence(title),
        "phrase": phrase,
        "keywords": keywords(dice, [TEXT_KINDS[kind], *used], [*split(group["words"]), item]),
        "aspect_ratio": dice.pick(["1.0", "1.0", "1.5", "2.0"]),
        **common(dice, group["topics"]),
        **dict.fromkeys(DRAWING, ""),
    }


def text_makers(dice: Dice, words: Vocabulary) -> list[Callable[[], Row]]:
    """Makers of text rows: three in seven are quotes, the others effects, fonts and greetings."""

    def maker(kind: str) -> Callable[[], Row]:
        return lambda: text_asset(dice, words, kind, dice.pick(words[f"{kind}s"]))

    order = ["quote", "effect", "quote", "font", "quote", "effect", "greeting"]
    return [maker(kind) for kind in order]


QUOTE_PALETTES = [
    "#FFF4D6|#C66B4A|#6F7A3A", "#D6C7F0|#5B2450|#FFD93B", "#101A3C|#FFCBA4|#3CC4C0",
    "#B9E8D3|#0E7C5A|#FF7F6B", "#F6D5D1|#9E1B32|#C9A13B", "#2E3138|#FFF07A|#BFDDF0",
]  # fmt: skip


def add_quote_drawings(dice: Dice, rows: Sequence[Row]) -> None:
    """Gives some quotes a picture with the phrase and two ornaments."""
    short = [row for row in rows if row["phrase"] and 2 <= len(row["phrase"].split()) <= 5]
    ornaments = ["flower", "leaf", "star", "heart", "sun", "wave", "moon", "circle"]
    for row in dice.sample(short, QUOTE_DRAWINGS):
        row["headline"] = row["phrase"]
        row["subline"] = dice.pick(
            ["", "Harlow Paper", "Print no. 7", "for Beatrix", "Studio Nine"]
        )
        row["palette"] = dice.pick(QUOTE_PALETTES)
        row["shapes"] = "|".join(dice.sample(ornaments, 2))
        row["layout"] = dice.pick(["centered", "framed", "banner"])


# --------------------------------------------------------------------- files

SHARED = ["keywords", "topics", "locale", "click_through_rate"]
NAMED = ["asset_id", "title", "work_title", "creator", "genre", "duration_seconds"]
COLUMNS = {
    "templates": ["asset_id", "title", "kind", "aspect_ratio", "ai_generated", *SHARED, *DRAWING],
    "photos": ["asset_id", "title", "orientation", "width", "height", "ai_generated", *SHARED],
    "audio": [*NAMED, *SHARED],
    "videos": [*NAMED, "resolution", *SHARED],
    "backgrounds": ["asset_id", "title", "surface", "ratio", "ai_generated", *SHARED],
    "design_assets": [
        *["asset_id", "title", "format", "aspect_ratio", "ai_generated"],
        *SHARED,
        *DRAWING,
    ],
    "texts": ["asset_id", "title", "phrase", "aspect_ratio", *SHARED, *DRAWING],
}


def read_vocabularies(folder: Path) -> dict[str, Vocabulary]:
    """The vocabularies by file name without ending."""
    yaml = YAML(typ="safe")
    return {path.stem: yaml.load(path) for path in sorted(folder.glob("*.yaml"))}


def read_works(words: Vocabulary) -> dict[str, list[list[str]]]:
    """Per kind of work a list of [title, genre, maker]."""
    return {
        kind: [[part.strip() for part in line.split("|")] for line in lines.strip().splitlines()]
        for kind, lines in words.items()
    }


def all_makers(words: Mapping[str, Vocabulary], dice: Dice) -> dict[str, list[Callable[[], Row]]]:
    """Per source the functions that each make one row; every group of words has its own."""
    works = read_works(words["works"])

    def over(name: str, make: Callable[..., Row], groups: str) -> list[Callable[[], Row]]:
        vocabulary = words[name]
        return [
            lambda group=group: make(dice, vocabulary, group)  # type: ignore[misc]
            for group in vocabulary[groups]
        ]

    return {
        "templates": over("templates", template, "themes"),
        "photos": over("photos", photo, "groups"),
        "audio": audio_makers(dice, words["audio"], works),
        "videos": video_makers(dice, words["videos"], works),
        "backgrounds": over("backgrounds", background, "groups"),
        "design_assets": over("design_assets", design_asset, "groups"),
        "texts": text_makers(dice, words["texts"]),
    }


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Row]) -> None:
    """Writes the rows to a temporary name, then renames."""
    partial = path.with_suffix(".partial")
    with partial.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    os.replace(partial, path)


def main() -> None:
    """Composes and writes all sources."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--out", type=Path, default=HERE / "assets", help="folder for the CSVs")
    out: Path = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    words = read_vocabularies(HERE / "composing")
    titles = Titles()
    for name, count in COUNTS.items():
        dice = Dice(f"{SEED} {name}")
        rows = list(compose(name[:3].upper(), count, titles, all_makers(words, dice)[name]))
        if name == "design_assets":
            add_logo_drawings(dice, words[name], rows)
        if name == "texts":
            add_quote_drawings(dice, rows)
        write_csv(out / f"{name}.csv", COLUMNS[name], rows)
        print(
            f"{name}: {len(rows)} rows, {sum(bool(row.get('headline')) for row in rows)} drawings"
        )


if __name__ == "__main__":
    main()
