"""The sub-prompt rules on hand-made cases. All queries are our own, written for this table."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.checks.subprompt import extract
from stages.checks.words import plurals, tokens, words
from stages.core import golden_rows
from stages.core.frame import Frame
from stages.core.pack import Pack
from stages.dataset.agreement import agreement

SAMPLE = Path(__file__).parent / "data/labels_dev.jsonl"
S, G = "Search", "Generate"
T, P, A, V = "Template", "Photo", "Audio", "Video"
B, D, X, ANY = "Background", "Design Asset", "Text", "Any"

# The labelling guide's examples. The last is as close as the user's own words allow: the guide has
# `invitation for nephew's birthday on January 21`.
GUIDE = [
    (S, P, "Find me an image of an elephant", "elephant"),
    (S, T, "Find me a birthday template with balloons and confetti", "birthday balloons confetti"),
    (S, B, "Show me tropical beach backgrounds", "tropical beach background"),
    (S, T, "Find business presentation templates with data charts",
     "business presentation data charts"),
    (G, T, "Create an elegant wedding invitation with gold floral borders for a December ceremony",
     "elegant wedding invitation gold floral borders December ceremony"),
    (G, D, "Generate a podcast cover with neon colors and retro style",
     "podcast cover neon colors retro style"),
    (G, T, "Create a birthday invitation for my nephew whose birthday is on January 21",
     "birthday invitation nephew birthday on January 21"),
]  # fmt: skip

CASES = [
    # Bare noun phrases, as typed into a search box.
    (S, P, "golden retriever puppy photos", "golden retriever puppy"),
    (S, T, "garage sale flyer template", "garage sale flyer"),
    (S, B, "marble texture", "marble texture"),
    (S, D, "fox logo", "fox logo"),
    (S, X, "handwriting font", "handwriting font"),
    (S, ANY, "sleepy sloth", "sleepy sloth"),
    (S, A, "rain sounds", "rain sound"),
    (S, V, "drone footage of a harbor", "drone harbor"),
    (S, P, "stock photos of tired nurses", "tired nurses"),
    (S, P, "photo booth pictures", "photo booth"),
    (S, T, "bright flyers for monster movie marathon", "bright flyer monster movie marathon"),
    (S, P, "pics of northern lights over iceland", "northern lights over iceland"),
    # Commands, questions, politeness at every place.
    (S, P, "could you please find me some pictures of a red barn", "red barn"),
    (S, P, "photos of kittens please", "kittens"),
    (S, A, "do you have any calm piano music?", "calm piano"),
    (S, V, "where can i see videos of humpback whales", "humpback whales"),
    (S, T, "I'm looking for a soccer poster template, thanks!", "soccer poster"),
    (S, D, "looking for cactus stickers", "cactus sticker"),
    (S, T, "show us some menu templates if you can", "menu"),
    (S, ANY, "what about otters", "otters"),
    (S, P, "hey can you pull up an image of the eiffel tower for me", "eiffel tower"),
    (S, B, "need a zoom background with bookshelves asap", "zoom background bookshelves"),
    (S, A, "i would love to hear a song about trains", "trains"),
    (S, T, "is there a resume for nurses", "resume nurses"),
    (S, X, "any quotes about patience", "quote patience"),
    (S, P, "got any photos from yellowstone", "yellowstone"),
    (S, P, "i want to see photos of saturn's rings", "saturn's rings"),
    (G, T, "would you kindly make a bake sale poster", "bake sale poster"),
    (G, D, "can you draw me a tiny dragon sticker please", "tiny dragon sticker"),
    (G, P, "Help me create a photo of a lighthouse, thanks", "photo lighthouse"),
    (G, T, "i need you to design a menu for my taco truck", "menu taco truck"),
    (G, A, "let's compose a lullaby with soft harp", "lullaby soft harp"),
    (G, T, "make me a card, please, with two penguins", "card, two penguins"),
    (G, ANY, "I'd like you to draw a wizard frog", "wizard frog"),
    # No verb at all, or a description.
    (G, P, "a knight with a paper umbrella", "knight paper umbrella"),
    (G, D, "logo for a bike shop, mint green, round", "logo bike shop, mint green, round"),
    (G, T, "Flyer for Yoga in the park", "Flyer Yoga park"),
    (G, ANY, "old man made of clockwork", "old man made of clockwork"),
    # The word for the medium stays where it says more, or is another's.
    (S, D, "album cover with moody forest", "album cover moody forest"),
    (S, V, "music video of a street parade", "music video street parade"),
    (S, A, "background music for yoga class", "background music yoga class"),
    (S, P, "oil painting of sunflowers", "oil painting sunflowers"),
    (S, T, "music festival poster templates", "music festival poster"),
    (S, P, "image of a music box", "music box"),
    (S, P, "photos of a photo album", "photo album"),
    (S, V, "birthday video clips", "birthday"),
    (G, T, "create a movie poster with a giant squid", "movie poster giant squid"),
    (G, V, "make a video of a paper boat", "video paper boat"),
    # Nothing but a command and a medium: the most specific words left.
    (S, T, "find me a template", "template"),
    (S, A, "play some music", "music"),
    (S, P, "show me pictures please", "picture"),
    (S, V, "tv show", "tv show"),
    (G, D, "make me a logo", "logo"),
    (S, ANY, "please", "please"),
    # Works by their title: song, movie, show, album go; trailer, soundtrack, painting stay.
    (S, A, "play the song paper boats", "paper boats"),
    (S, A, "play the song walking in the rain", "walking in the rain"),
    (S, V, "find the movie called the last lighthouse keeper", "the last lighthouse keeper"),
    (S, V, "watch the movie last train to dover", "last train to dover"),
    (S, V, "the show Harbor Lane", "Harbor Lane"),
    (S, V, "Show me the TV show Two of a Kind", "Two of a Kind"),
    (S, V, "find a television show called Salt and Tin", "Salt and Tin"),
    (S, A, "Find the album Letters to the Moon", "Letters to the Moon"),
    (S, A, "find the Burning Orchard album", "Burning Orchard"),
    (S, V, "trailer for The Glass Orchard", "trailer The Glass Orchard"),
    (S, V, "find the trailer of lord of the rings", "trailer lord of the rings"),
    (S, A, "Look for the soundtrack of Night and Day", "soundtrack Night and Day"),
    (S, P, "the painting Girl with a Kite", "painting Girl with a Kite"),
    (S, ANY, "Look up the book A Field of Owls.", "book A Field of Owls"),
    (S, ANY, "find a game called Under the Iron Sea", "game Under the Iron Sea"),
    (S, A, 'play "Dancing on My Own Street"', "Dancing on My Own Street"),
    (S, V, "find The Silver Gate, a movie", "The Silver Gate"),
    (S, V, "movies about dragons", "dragons"),
    (S, A, "songs by the river band", "river band"),
    (S, ANY, "show me It Rains on Tuesdays", "It Rains on Tuesdays"),
    (S, A, "soundtrack for a horror game", "soundtrack horror game"),
    # Names: by NAME, in the style of NAME.
    (S, A, "songs by Anna Holm", "Anna Holm"),
    (S, P, "painting by john howe", "painting by john howe"),
    (G, P, "a portrait of an owl in the style of Klimt", "portrait owl in the style of Klimt"),
    (G, P, "a cottage surrounded by tall pines", "cottage surrounded by tall pines"),
    (G, P, "harbor at dawn, painted by monet", "harbor dawn, painted by monet"),
    (G, P, "a lamp lit by candles, by H. R. Giger", "lamp lit by candles, by H. R. Giger"),
    (G, D, "logo for Anna and Tom's bakery", "logo Anna and Tom's bakery"),
    # Dates and times keep their preposition.
    (G, T, "invite for a picnic on June 3 at 2 pm by the lake",
     "invite picnic on June 3 at 2 pm lake"),
    (G, T, "flyer for our open day on Saturday from 10 to 4",
     "flyer open day on Saturday from 10 to 4"),
    (G, T, "poster: submit your art by Friday", "poster, submit art by Friday"),
    (G, T, "a ticket for the show in October", "ticket show in October"),
    (G, T, "banner for a gala on the 5th of May in Rome", "banner gala on the 5th of May Rome"),
    (G, P, "a street in Lisbon in 1950", "street Lisbon in 1950"),
    (G, P, "forest in autumn at night", "forest autumn night"),
    (S, T, "calendar for March", "calendar March"),
    # Fixed phrases stay whole.
    (S, P, "black and white photos of jazz singers", "black and white jazz singers"),
    (S, T, "back to school flyers", "back to school flyer"),
    (S, T, "day of the dead invitation templates", "day of the dead invitation"),
    (S, T, "to do list for students", "to do list students"),
    (S, T, "thank you card for a nurse", "thank you card nurse"),
    (S, T, "before and after collage of a kitchen", "before and after collage kitchen"),
    (S, D, "play button icons", "play button icon"),
    (G, X, "write happy new year in gold glitter", "happy new year gold glitter"),
    (G, A, "rock and roll jingle for a diner", "rock and roll jingle diner"),
    (G, T, "save the date with pressed flowers", "save the date pressed flowers"),
    # What is to be written on it.
    (G, T, 'make a banner that says "Hello and Welcome"', "banner says Hello and Welcome"),
    (G, T, "a sign saying thank you", "sign saying thank you"),
    (G, X, 'create "be kind" in bubble letters', "be kind bubble letters"),
    # People and possessives.
    (G, T, "make a card for my daughter's 5th birthday", "card daughter's 5th birthday"),
    (G, T, "poster for the girls' night, pink", "poster girls' night, pink"),
    (S, T, "mother’s day cards", "mother’s day card"),
    # Lists of details: a Generate prompt keeps its commas, a Search drops them.
    (G, P, "a red fox, watercolor, soft light, and a snowy forest",
     "red fox, watercolor, soft light, snowy forest"),
    (G, B, "seamless pattern, tiny lemons,sage green,",
     "seamless pattern, tiny lemons, sage green"),
    (S, P, "sunset, beach, palm trees", "sunset beach palm trees"),
    (G, P, "city street. rainy. neon signs.", "city street, rainy, neon signs"),
    # A second command later on.
    (G, T, "it's my mum's 60th, can you make a card with roses", "mum's 60th, card roses"),
    (G, D, "draw a robot mascot and make it purple", "robot mascot purple"),
    (G, T, "I have a dentist office, please design a brochure for it, mint and white",
     "dentist office, brochure, mint white"),
    # Slips of the typist.
    (S, P, "serach for a pciture of a tulip", "tulip"),
    (S, P, "fidn me a photo of a moose", "moose"),
    (G, D, "creae a logo for a barber", "logo barber"),
    (G, P, "genrate a protrait of a queen", "protrait queen"),
    (S, ANY, "Fimd me a gnome", "gnome"),
    # Prepositions of place and way stay, and those that a verb or a noun needs.
    (G, ANY, "a castle above the clouds at dawn", "castle above clouds dawn"),
    (G, ANY, "owl dressed as a judge, with a wig", "owl dressed as judge, wig"),
    (G, P, "photo of a bowl of plums next to a vase", "photo bowl of plums next to vase"),
    (G, T, "poster for dog walking in blue with paws", "poster dog walking blue paws"),
    (G, T, "caption for our trip to Oslo", "caption trip to Oslo"),
    (S, V, "snow falling outside", "snow falling outside"),
    (S, P, "pencil sketches of a heron", "pencil sketches heron"),
    # Names that hold an article or a conjunction.
    (G, ANY, "kermit the frog as a chef", "kermit the frog as chef"),
    (G, ANY, "an elf by ada moss and tim hull", "elf by ada moss and tim hull"),
    (G, T, "a fox in the style of a travel poster", "fox in the style of a travel poster"),
    (S, ANY, "Find the creative work Nine Lamps", "Nine Lamps"),
    (S, V, "the tv series called Salt Road", "Salt Road"),
    # Words that say no more than the type before them.
    (S, D, "minimalist bakery logo ideas", "minimalist bakery logo"),
    (S, T, "what flyers do you have for a bake sale", "flyer bake sale"),
    (S, T, "some examples of menus for cafes", "menu cafes"),
    (S, V, "trailers for new horror movies", "trailer new horror movies"),
    (S, A, "whale song recordings", "whale song recordings"),
    (S, P, "old photos of Chicago from the 1920s", "old Chicago 1920s"),
    (G, T, "poster for a rally this saturday", "poster rally this saturday"),
    (G, ANY, "two cars head to head", "two cars head to head"),
    # Capitals that mean nothing.
    (S, P, "FIND ME A PHOTO OF A TRAIN", "TRAIN"),
    (S, P, "Find Me A Photo Of A Train", "Train"),
    (G, T, "Create A Poster With A Rocket And A Moon", "Poster Rocket Moon"),
    # Verbs that are nouns here.
    (S, P, "view of a valley", "view of valley"),
    (S, ANY, "open sign", "open sign"),
    (G, P, "a model who wears linen", "model wears linen"),
]  # fmt: skip


@pytest.mark.parametrize(("function", "kind", "query", "expected"), GUIDE + CASES)
def test_cases(frame: Frame, function: str, kind: str, query: str, expected: str) -> None:
    assert extract(query, function, kind, frame) == expected


def test_the_table_is_large_enough() -> None:
    assert len(CASES) >= 80
    assert len({case[2] for case in CASES}) == len(CASES)


def subsequence(part: list[str], whole: list[str]) -> bool:
    """Whether the words of `part` stand in `whole` in their order, maybe as plurals."""
    rest = iter(whole)
    return all(any(said in plurals(word) for said in rest) for word in part)


TEXT = (
    "find me a an the photo of song movie cat Dog Paris in the style by Monet , . and with at 7 pm "
    'on January 21 please make create logo card "Hello World" called Lord of the Rings my '
    "daughter's for to black white is that says thank you TV show ( ) & can you it image, "
    "template. The A I "
    "trailer soundtrack back school video music it's need"
)
PIECES = st.sampled_from(TEXT.split(" "))


@settings(max_examples=400, deadline=None)
@given(
    query=st.one_of(st.lists(PIECES, min_size=1, max_size=14).map(" ".join), st.text(max_size=60)),
    function=st.sampled_from([S, G]),
    kind=st.sampled_from([T, P, A, V, B, D, X, ANY]),
)
def test_invariants(frame: Frame, query: str, function: str, kind: str) -> None:
    """The user's own words in their order; never empty; no dangling comma; stable on itself."""
    result = extract(query, function, kind, frame)
    assert subsequence(words(result), words(query)), (query, result)
    assert result == result.strip()
    if tokens(query):
        assert words(result)
        assert not result.endswith((",", ";")) and not result.startswith(",")
        assert ",," not in result
    elif query.strip():
        assert result == query.strip()


@pytest.mark.parametrize(("function", "kind", "query", "expected"), GUIDE + CASES)
def test_mostly_idempotent(
    frame: Frame, function: str, kind: str, query: str, expected: str
) -> None:
    """A second pass changes nothing, but for a title's first or inner small word."""
    again = extract(expected, function, kind, frame)
    assert len(words(again)) >= len(words(expected)) - 2
    assert subsequence(words(again), words(expected))


AGREEMENT = 0.95


def test_agrees_with_the_sample(creative: Pack) -> None:
    """Queries of many voices, labelled after the guide before the rule was run on them.

    On prepositions the guide leaves a choice; when it was made, the labels were revised.
    """
    rows = golden_rows.read(SAMPLE, creative.catalogue)
    found = agreement(rows, creative)
    assert found is not None
    assert found.labels == len(rows) >= 500
    assert found.share >= AGREEMENT


def test_unknown_type_is_an_error(frame: Frame) -> None:
    with pytest.raises(KeyError):
        extract("find a cat", S, "Hologram", frame)
