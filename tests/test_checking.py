"""The checks, one by one; what a query names and commands; duplicates; selection; the split."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from stages.checks import contradiction, language
from stages.checks.call import CHECKS, grounding, texts
from stages.checks.phrases import class_place, class_word, commanded, named_class
from stages.checks.subprompt import extract
from stages.checks.words import count, plurals, tokens, words
from stages.core.frame import Frame
from stages.core.pack import Pack
from stages.core.plan import Plan
from stages.core.strata import Stratum
from stages.core.text import normalized
from stages.dataset import columns, dialogues, duplicates, splitting, steering
from tests.builders import judged, make_search

PROMPT = (
    "Write one thing that a person would type to find a poster. Be short and crisp. "
    "It is about: a harvest fair with pumpkins and hay bales. Do not number the lines."
)


SLOTS = {"theme": "harvest fair with pumpkins and hay"}


def request(**changes: Any) -> Plan:
    return make_search(slots=SLOTS, **changes)


REFUSED = [
    ("length", "poster", {"band": (2, 10)}),
    ("length", "a b c d e f g h i j k", {}),
    ("length", "harvest fair poster with hay", {"band": (1, 4)}),
    ("language", "плакат for the fair", {}),
    ("language", "póster para la feria de otoño", {}),
    ("language", "zeige mir ein Plakat für das Fest", {}),
    ("class", "harvest", {}),
    ("class", "i want to watch paper boats", {"kind": "Any"}),
    ("leaked_prompt", "be short and crisp it is about fairs", {}),
    ("leaked_prompt", "Here is a harvest fair poster", {}),
    ("leaked_prompt", "poster the user would like", {}),
    ("leaked_prompt", "Query: harvest poster", {}),
    ("leaked_prompt", "poster for the request of pumpkins", {}),
    ("leaked_prompt", "keywords harvest poster", {}),
    ("placeholder", "poster for [name]", {}),
    ("placeholder", "birthday poster for {x}", {}),
    ("placeholder", "poster with <title> on top", {}),
    ("placeholder", "poster for XXX", {}),
    ("placeholder", "lorem ipsum poster", {}),
    ("placeholder", "poster, insert name here", {}),
    ("repeated", "harvest harvest poster", {}),
    ("repeated", "red poster red hay red barn", {}),
    ("repeated", "fair with hay and fair with hay", {}),
    ("refusal", "I'm sorry, I have no poster", {}),
    ("refusal", "As an AI I have no poster", {}),
    ("refusal", "I cannot find a poster", {}),
    ("refusal", "Sorry, but no posters", {}),
    ("contact", "poster www.example.org", {}),
    ("contact", "poster fair@example.org", {}),
    ("contact", "poster hayfair.com", {}),
    ("contact", "poster call 555-123-4567", {}),
    ("contact", "poster @hayfair", {}),
    ("characters", "harvest\nposter", {}),
    ("characters", "harvest\tposter", {}),
    ("characters", "harvest \u202eposter", {}),
    ("characters", "harvest\u200bposter", {}),
    ("characters", "<b>harvest</b> poster", {}),
    ("characters", "harvest &amp; hay poster", {}),
    ("characters", 'poster "harvest', {}),
    ("characters", "poster (harvest", {}),
    ("characters", "poster that says 'harvest fair", {}),
    ("characters", "🎃🌾", {}),
    ("characters", "12 34", {}),
    ("characters", "1. harvest poster", {}),
    ("characters", "- harvest poster", {}),
    ("characters", "find(poster='hay')", {}),
    ("characters", "cafÃ© poster", {}),
    ("characters", "", {}),
    ("characters", " poster", {}),
    ("function", "create a harvest poster", {}),
    ("function", "can you make me a harvest poster", {}),
    ("function", "i want to create a poster", {}),
    ("function", "our fair is near, please design a poster", {}),
    ("function", "find me a harvest poster", {"function": "Generate"}),
    ("function", "i want to see a harvest poster", {"function": "Generate"}),
    ("class", "harvest fair logo", {}),
    ("class", "photo of a poster", {}),
    ("class", "harvest poster", {"kind": "Any"}),
]


@pytest.mark.parametrize(("check", "query", "changes"), REFUSED)
def test_refused(creative: Pack, check: str, query: str, changes: dict[str, Any]) -> None:
    found = judged(query, request(**changes), creative, PROMPT)
    assert found.check == check, found
    assert found.reason and found.extracted is found.place is None


ACCEPTED = [
    ("harvest fair poster", {}),
    ("harvest fair with pumpkins and hay poster", {}),  # five words of the prompt, from its slot
    ("looking for a poster, black and white", {}),
    ("Find posters for Bora Bora", {}),
    ("poster for the class of 2024-2025", {}),
    ("poster for 12/05/2025", {}),
    ("poster in 1970", {}),
    ("the girls' night poster", {}),
    ("rock 'n roll poster", {}),
    ("poster that says 'hay now'", {}),
    ("user guide poster", {}),
    ("café poster", {}),
    ("poster for José Núñez", {}),
    ("birthday poster 🎂", {}),
    ("harvest", {"kind": "Any"}),
    ("harvest psoter", {}),
    ("party for a meteor shower watch", {"kind": "Any"}),
    ("show me a poster of a design studio", {}),
    ("make a poster for our show", {"function": "Generate"}),
    ("i need a poster for the fair", {"function": "Generate"}),
    ("i need a poster for the fair", {}),
    ("open sign", {"kind": "Template"}),
    ("listen to paper boats", {"kind": "Audio"}),
    ("sleepy sloth in the rain", {"kind": "Any"}),
]


@pytest.mark.parametrize(("query", "changes"), ACCEPTED)
def test_accepted(creative: Pack, frame: Frame, query: str, changes: dict[str, Any]) -> None:
    found = judged(query, request(**changes), creative, PROMPT)
    assert found.check is found.reason is None, found
    function, kind = changes.get("function", "Search"), changes.get("kind", "Template")
    assert found.extracted == extract(query, function, kind, frame)
    assert found.place == class_place(query, kind, frame)


def test_without_a_prompt_its_words_are_no_leak(creative: Pack) -> None:
    assert judged("poster: be short and crisp it is", request(), creative).check is None


def test_an_unknown_locale_is_not_judged() -> None:
    assert language.check("плакат", "ru") is None


NAMED = [
    ("find a birthday card", "Template"),
    ("birthday card background", "Background"),
    ("album cover with a fox", "Design Asset"),
    ("movie poster", "Template"),
    ("music video of a parade", "Video"),
    ("photo of a logo", "Photo"),
    ("logo photo", "Photo"),
    ("logos on a banner", "Design Asset"),
    ("background music for yoga", "Audio"),
    ("video background with bubbles", "Background"),
    ("text effects, golden", "Text"),
    ("close-ups of bees", "Photo"),
    ("cat in a hat sticker", "Design Asset"),
    ("neon city, wallpaper", "Background"),
    ("stories and melodies", "Audio"),
    ("a set of three stickers with bees", "Design Asset"),
    ("Generate Bee Channel Art", "Template"),
    ("Text Effects For Bakers", "Text"),
    ("draw a year of the snake greeting card with plums, professional", "Template"),
    ("photo booth", None),
    ("photo booth sign", "Template"),
    ("photo booth props", None),
    ("sound engineer at work", None),
    ("picture book for kids", None),
    ("running track in the woods", None),
    ("show me a red fox", None),
    ("Show the way home", None),
    ("can you show me some tulips", None),
    ("a book called Logo of the Year", None),
    ("find the movie Poster Girl", "Video"),
    ("the song Photo of Us", "Audio"),
    ('a banner with "my favourite song"', "Template"),
    ("girl's portrait in oil", "Photo"),
    ("", None),
    ("please", None),
]


@pytest.mark.parametrize(("query", "expected"), NAMED)
def test_named_class(frame: Frame, query: str, expected: str | None) -> None:
    assert named_class(query, frame) == expected


def test_every_word_names_its_class(frame: Frame) -> None:
    for name, named in frame.classes.items():
        for word in named:
            for form in plurals(word):
                assert named_class(f"zebra {form}", frame) == name, form
                assert named_class(f"find {form} with zebras", frame) == name, form


def test_the_place_of_the_class_word(frame: Frame) -> None:
    assert class_word("find me a birthday card with balloons", frame) == ("Template", 4)


COMMANDED = [
    ("find me a fox", "Search"),
    ("where can i find foxes", "Search"),
    ("can you show me foxes", "Search"),
    ("create a fox", "Generate"),
    ("Design a studio logo", "Generate"),
    ("design studio logo", None),
    ("can you make me a fox", "Generate"),
    ("i'd like to create a fox", "Generate"),
    ("help me make a fox", "Generate"),
    ("a fox, can you draw it", "Generate"),
    ("we love foxes. please generate one", "Generate"),
    ("i need a fox", None),
    ("i want a fox", None),
    ("red fox", None),
    ("dog show poster", None),
    ("view of the sea", None),
    ("design of a chair", None),
    ("thank you card", None),
    ("", None),
]


@pytest.mark.parametrize(("query", "expected"), COMMANDED)
def test_commanded(frame: Frame, query: str, expected: str | None) -> None:
    assert commanded(query, frame) == expected


def test_every_own_verb_agrees_with_its_function(frame: Frame) -> None:
    for function, verbs in frame.words.asks.items():
        for verb in verbs:
            assert commanded(f"{verb} a red fox", frame) in (function, None), verb


def test_words() -> None:
    assert words('Find  "red, fox"-cards!') == ["find", "red", 'fox"-cards']
    assert words("lemons,sage") == ["lemons", "sage"]
    assert [t.text for t in tokens("by H. R. Giger.")] == ["by", "H.", "R.", "Giger"]
    assert count("a - b & c 3") == 4
    assert normalized("Don’t  STOP, now!") == normalized("dont stop now") == "dont stop now"


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=80), st.sampled_from(["Search", "Generate"]))
def test_checks_take_any_text(creative: Pack, query: str, function: str) -> None:
    found = judged(query, request(function=function, kind="Any"), creative, PROMPT)
    names = {*CHECKS, *texts.CHECKS, "function", "class", "leaked_prompt"}
    assert (found.check in names and found.reason) or found.extracted
    # What is derived is the user's own words.
    assert not found.extracted or not {*words(found.extracted)} - {*words(query)}


# Duplicates


def test_exact_duplicates_keep_the_first() -> None:
    texts = columns.normalize(pl.Series(["Red fox!", "red  FOX", "red foxes", "red-fox"]))
    assert duplicates.exact(texts).tolist() == [False, True, False, True]


ANY_TEXT = st.lists(st.text() | st.text("aB5'`_- .,?\t\x1cß’é٣", max_size=12), max_size=8)
IN_COLUMNS = [(columns.normalize, normalized), (columns.counts, count), (columns.split, words)]


@pytest.mark.parametrize(("all_of", "one"), IN_COLUMNS)
@settings(max_examples=300, deadline=None)
@given(ANY_TEXT)
def test_a_column_says_what_each_query_says(all_of: Any, one: Any, texts: list[str]) -> None:
    found = all_of(pl.Series("query", texts, dtype=pl.String))
    assert found.to_list() == [one(text) for text in texts]


@pytest.mark.parametrize(("all_of", "one"), IN_COLUMNS)
def test_a_column_of_what_people_type(all_of: Any, one: Any) -> None:
    texts = ["Find me a red fox.", "photo by H. R. Giger", "st. mary vs. the dragon . ", "a,b , c",
             "logo #1 & co.", "5 % off!", "u.s. map", "what?!", "", " ", "no.", "co. .", "don't",
             "ABBA 2024 ?", "the girls' night", "a b.c", "café poster"]  # fmt: skip
    assert all_of(pl.Series(texts)).to_list() == [one(text) for text in texts]


@pytest.mark.parametrize("threshold", [0.3, 0.6, 0.8, 0.95, 1.0])
def test_sketches_must_share_what_few_pairs_lack(threshold: float) -> None:
    minimum = duplicates.min_equal(threshold, 60)
    lost = stats.binom.cdf([minimum - 1, minimum], 60, threshold)
    assert lost[0] <= duplicates.MISSED < lost[1]


def test_near_duplicates_keep_the_first() -> None:
    texts = pl.Series(
        [
            "find a birthday card with balloons and confetti",
            "a lighthouse at dawn over the bay",
            "find a birthday card with balloons and confettis",
            "find birthday cards with balloons and a confetti",
        ]
    )
    assert duplicates.near(texts, 0.8).tolist()[:3] == [-1, -1, 0]
    assert duplicates.near(texts, 1.0).tolist() == [-1, -1, -1, -1]
    assert duplicates.near(pl.Series([], dtype=pl.String), 0.8).tolist() == []
    assert duplicates.near(pl.Series(["one"]), 0.8).tolist() == [-1]


def reference_jaccard(left: str, right: str) -> float:
    a, b = ({t.ljust(3)[i : i + 3] for i in range(max(len(t), 3) - 2)} for t in (left, right))
    return len(a & b) / len(a | b)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text("abcé ", min_size=1, max_size=12), min_size=2, max_size=12, unique=True))
def test_near_pairs_are_near(texts: list[str]) -> None:
    """Against plain Python sets: no pair is invented, similarities are right."""
    table = duplicates.shingles(pl.Series(texts))
    left, right = np.triu_indices(len(texts), 1)
    expected = [reference_jaccard(texts[i], texts[j]) for i, j in zip(left, right, strict=True)]
    assert duplicates.jaccard(table, left, right) == pytest.approx(expected)
    for i, j in duplicates.near_pairs(pl.Series(texts), 0.7):
        assert i < j and reference_jaccard(texts[i], texts[j]) >= 0.7


def test_near_pairs_misses_almost_none() -> None:
    rng = np.random.default_rng(1)
    vocabulary = ["".join(rng.choice(list("abcdefghijklmno"), 6)) for _ in range(300)]
    texts = []
    for _ in range(250):
        base = list(rng.choice(vocabulary, 8))
        texts.append(" ".join(base))
        base[rng.integers(8)] += "s"
        texts.append(" ".join(base))
    left, right = np.triu_indices(len(texts), 1)
    table = duplicates.shingles(pl.Series(texts))
    true = int((duplicates.jaccard(table, left, right) >= 0.8).sum())
    assert true >= 200
    assert len(duplicates.near_pairs(pl.Series(texts), 0.8)) >= 0.98 * true


def test_bands_find_what_the_threshold_asks() -> None:
    for threshold in (0.5, 0.7, 0.8, 0.95):
        count_, rows = duplicates.bands(threshold)
        assert count_ * rows <= duplicates.HASHES
        assert 1 - (1 - threshold**rows) ** count_ >= duplicates.RECALL


# Selection

BANDS, ROUTES = ["1-2", "3-4", "5-9"], ["heuristic", "text", "vision"]


def stratum(function: str, kind: str, band: str, quota: int, **routes: int) -> Stratum:
    values = {"scenario": "single", "function": function, "locale": "en", "band": band,
              "content_type": kind}  # fmt: skip
    low, high = (int(n) for n in band.split("-"))
    return Stratum(values, 0.1, low, high, quota, routes)


def taken(rows: pl.DataFrame, strata: list[Stratum], places: Any = None) -> pl.DataFrame:
    """The rows that a dataset takes. rows: columns stratum, route, in the order of preference."""
    bins = None if places is None else steering.bins_of(rows["place"], places)
    ordered = rows[dialogues.preferred(rows, strata, bins)]
    names = [one.name for one in strata]
    return ordered[dialogues.selected(ordered["stratum"].to_list(), strata, names)]


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_selection_invariants(data: st.DataObject) -> None:
    """Never above the quotas of a function; nothing taken twice; short only where all is taken."""
    strata = []
    rows = []
    for function in ("Search", "Generate"):
        for kind in ("Photo", "Any"):
            for band in BANDS:
                parts = {route: data.draw(st.integers(0, 4)) for route in ROUTES}
                one = stratum(function, kind, band, sum(parts.values()), **parts)
                strata.append(one)
                rows += [(one.name, r, function) for r in ROUTES
                         for _ in range(data.draw(st.integers(0, 6)))]  # fmt: skip
    frame = pl.DataFrame(rows, ["stratum", "route", "function"], orient="row").with_row_index("row")
    found = taken(frame, strata)
    assert found["row"].n_unique() == found.height
    for function in ("Search", "Generate"):
        quota = sum(one.quota for one in strata if one["function"] == function)
        there = frame.filter(function=function).height if frame.height else 0
        got = found.filter(function=function).height if found.height else 0
        assert got == min(quota, there)


def test_selection_shares_routes_and_fills() -> None:
    one = stratum("Search", "Photo", "1-2", 10, heuristic=6, text=3, vision=1)
    full = pl.DataFrame(
        {"stratum": one.name, "route": [r for r in ROUTES[::-1] for _ in range(20)]}
    )
    counts = dict(taken(full, [one])["route"].value_counts().rows())
    assert counts == {"heuristic": 6, "text": 3, "vision": 1}
    # Vision has none: what comes first of the others fills before the heuristic route does.
    few = full.filter(pl.col("route") != "vision")
    assert dict(taken(few, [one])["route"].value_counts().rows()) == {"heuristic": 6, "text": 4}


def test_a_short_stratum_takes_from_the_nearest_band() -> None:
    strata = [stratum("Search", "Photo", band, 4, heuristic=4) for band in BANDS]
    rows = [(one.name, "heuristic") for one, n in zip(strata, (1, 5, 9), strict=True)
            for _ in range(n)]  # fmt: skip
    found = taken(pl.DataFrame(rows, ["stratum", "route"], orient="row"), strata)
    counted = dict(found["stratum"].value_counts().rows())
    assert [counted[one.name] for one in strata] == [1, 5, 6]


def test_what_is_taken_is_the_first() -> None:
    one = stratum("Search", "Photo", "1-2", 2, text=2)
    frame = pl.DataFrame({"stratum": one.name, "route": ["text", "heuristic", "text", "text"]})
    assert taken(frame.with_row_index("row"), [one])["row"].to_list() == [0, 2]


def test_selection_evens_out_where_the_class_word_stands() -> None:
    rng = np.random.default_rng(0)
    n = 4000
    short = rng.random(n) < 0.3
    long_places = np.where(rng.random(n) < 0.7, rng.beta(2, 6, n), rng.random(n))
    strata = [stratum("Search", "Photo", "1-2", 100, heuristic=100),
              stratum("Search", "Photo", "3-9", 900, heuristic=900)]  # fmt: skip
    frame = pl.DataFrame(
        {"route": "heuristic", "place": np.where(short, 0.75, long_places),
         "stratum": np.where(short, strata[0].name, strata[1].name)}
    )  # fmt: skip
    chosen = taken(frame, strata, {"0": 0.0, "1": 1.0})
    assert chosen["stratum"].value_counts().sort("count")["count"].to_list() == [100, 900]
    before = stats.kstest(frame["place"].to_numpy(), "uniform").statistic
    after = stats.kstest(chosen["place"].to_numpy(), "uniform").statistic
    assert before > 0.15
    # A tenth of the rows stands at 0.75 whatever is chosen.
    assert after < 0.08
    # The target is the population's: here one in ten names the class after the middle.
    aimed = {"0": 0.0, "0.9": 0.5, "1": 1.0}
    long = frame.filter(stratum=strata[1].name)
    found = taken(long, strata[1:], aimed)["place"].to_numpy()
    assert (found < 0.5).mean() == pytest.approx(0.9, abs=0.02)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from("fg"), st.lists(st.integers(0, 10), min_size=1,
             max_size=20), st.floats(0, 1)), min_size=1, max_size=6)
)  # fmt: skip
def test_steering_takes_as_many_as_asked_and_none_twice(
    made: list[tuple[str, list[int], float]],
) -> None:
    groups: list[tuple[str, list[int], int]] = []
    bins: list[int] = []
    for function, found, share in made:
        rows = range(len(bins), len(bins) + len(found))
        groups.append((function, list(rows), round(share * len(found))))
        bins += found
    steered = steering.steered(groups, np.array(bins))
    assert len(steered) == len(set(steered))
    for _, numbers, n in groups:
        assert len(set(steered) & set(numbers)) == n


# Split


ROWS = st.lists(
    st.tuples(st.lists(st.sampled_from("abcdefgh"), max_size=2),
              st.lists(st.sampled_from("xyz"), max_size=2), st.sampled_from("mn"), st.booleans()),
    min_size=2, max_size=60,
)  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(ROWS, st.floats(0.05, 0.5), st.integers(0, 5))
def test_split_invariants(
    rows: list[tuple[list[str], list[str], str, bool]], share: float, seed: int
) -> None:
    frame = pl.DataFrame(
        [(*row, str(number)) for number, row in enumerate(rows)],
        schema={"asset_ids": pl.List(pl.String), "node_ids": pl.List(pl.String),
                "meant": pl.String, "derived": pl.Boolean, "plan_id": pl.String},
        orient="row",
    )  # fmt: skip
    group = splitting.groups(frame)
    held = splitting.validation(group, share, seed)
    assert held.to_list() == splitting.validation(group, share, seed).to_list()
    assert not set(group.filter(held)) & set(group.filter(~held))
    sides = [frame.filter(held), frame.filter(~held)]
    items, meanings = (
        [
            {value for one in side.filter(keep)[name].to_list()
             for value in (one if isinstance(one, list) else [one])}
            for side in sides
        ]
        for name, keep in (
            ("asset_ids", pl.lit(True)),
            ("meant", ~pl.col("derived") & (pl.col("asset_ids").list.len() == 0)),
        )
    )  # fmt: skip
    assert not items[0] & items[1] and not meanings[0] & meanings[1]
    smallest = min(group.value_counts()["count"].to_list())
    assert int(held.sum()) <= max(smallest, round(share * len(rows)))
    assert bool(held.any()) == (group.n_unique() > 1) and not held.all()
    # Order of the rows does not matter.
    back = splitting.validation(group.reverse(), share, seed).reverse()
    assert back.to_list() == held.to_list()


def test_split_reaches_its_share() -> None:
    group = pl.Series([f"request {i}" for i in range(1000)])
    assert int(splitting.validation(group, 0.05, 42).sum()) == 50
    other = splitting.validation(group, 0.05, 43)
    assert other.to_list() != splitting.validation(group, 0.05, 42).to_list()


@pytest.mark.parametrize(
    ("kind", "query", "passes"),
    [
        # What may be a detail does not contradict the label, nor does it prove another one.
        ("Any", "a castle on a cliff, dark background", True),
        ("Background", "a castle on a cliff, dark background", True),
        ("Photo", "a castle on a cliff, dark background", False),
        ("Any", "girl holding a sign", True),
        ("Template", "girl holding a sign", True),
        ("Any", "dog walking flyer", False),
        ("Any", "my shop opens in may, make a flyer", False),
        ("Any", "a castle, a poster", False),
        # Nothing is named: a hint is enough.
        ("Audio", "play baby workout", True),
        ("Audio", "baby workout", False),
        ("Video", "find the tv series salt road", True),
        ("Photo", "film still of a robot", True),
    ],
)
def test_a_detail_is_no_contradiction(frame: Frame, kind: str, query: str, passes: bool) -> None:
    reason = contradiction.named(query, kind, frame)
    assert (reason is None) == passes, reason


def test_what_people_type_is_not_refused(creative: Pack) -> None:
    plan = make_search("Generate", "Photo", (1, 40))
    for query in (
        "photo of a man shuffling cards, cards, fantasy",
        "photo for a film, Another Life...Another End",
        "a nice photo of latte art :)",
        "photo of the the lake",
        "photo of humanity, concept art, line art, digital art",
    ):
        assert judged(query, plan, creative).check is None, query
    for query in ("photo of cards cards", "photo of ... in blue", "photo of latte art :) ("):
        assert judged(query, plan, creative).check, query


def test_a_singular_is_grounded_in_its_plural(creative: Pack) -> None:
    found = judged("find dinosaur stickers", make_search(kind="Design Asset"), creative)
    assert (found.check, found.extracted) == (None, "dinosaur sticker")


@given(
    st.lists(st.sampled_from(["dinosaur", "sticker", "stickers"]), min_size=1, max_size=4),
    st.lists(st.sampled_from(["dinosaur", "sticker", "stickers"]), min_size=1, max_size=4),
)
def test_what_is_unsaid(value: list[str], query: list[str]) -> None:
    """A word stands for one of the query's at most, a singular for a plural, not the other way."""
    said, wanted = Counter(query), Counter(value)
    held = wanted["dinosaur"] <= said["dinosaur"] and wanted["stickers"] <= said["stickers"]
    held &= wanted["sticker"] <= said["sticker"] + said["stickers"] - wanted["stickers"]
    assert grounding.unsaid(" ".join(value), " ".join(query)) != held
