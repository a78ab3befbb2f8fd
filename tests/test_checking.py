"""The checks, one by one; what a query names and commands; duplicates; selection; the split."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from stages.checks import CHECKS, contradiction, extract, grounding, judged, normalized
from stages.checks.phrases import commanded, named_type, type_position, type_word
from stages.checks.words import count, plurals, tokens, words
from stages.core.domain import Domain
from stages.core.tables import cell_of
from stages.dataset import columns, duplicates, selection, splitting

PROMPT = (
    "Write one thing that a person would type to find a poster. Be short and crisp. "
    "It is about: a harvest fair with pumpkins and hay bales. Do not number the lines."
)


def request(**changes: Any) -> dict[str, Any]:
    slots = json.dumps({"theme": "harvest fair with pumpkins and hay"})
    row = {"function": "Search", "content_type": "Template", "locale": "en", "min_words": 1,
           "max_words": 10, "slots": slots}  # fmt: skip
    return row | changes


REFUSED = [
    ("length", "poster", {"min_words": 2}),
    ("length", "a b c d e f g h i j k", {"max_words": 40}),
    ("length", "harvest fair poster with hay", {"max_words": 4}),
    ("language", "плакат for the fair", {}),
    ("language", "póster para la feria de otoño", {}),
    ("language", "zeige mir ein Plakat für das Fest", {}),
    ("content_type", "harvest", {}),
    ("content_type", "i want to watch paper boats", {"content_type": "Any"}),
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
    ("content_type", "harvest fair logo", {}),
    ("content_type", "photo of a poster", {}),
    ("content_type", "harvest poster", {"content_type": "Any"}),
]


@pytest.mark.parametrize(("check", "query", "changes"), REFUSED)
def test_refused(creative: Domain, check: str, query: str, changes: dict[str, Any]) -> None:
    found = judged(query, request(**changes), creative, PROMPT)
    assert found.check == check, found
    assert found.reason and found.extracted_prompt is found.position is None


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
    ("harvest", {"content_type": "Any"}),
    ("harvest psoter", {}),
    ("party for a meteor shower watch", {"content_type": "Any"}),
    ("show me a poster of a design studio", {}),
    ("make a poster for our show", {"function": "Generate"}),
    ("i need a poster for the fair", {"function": "Generate"}),
    ("i need a poster for the fair", {}),
    ("open sign", {"content_type": "Template"}),
    ("listen to paper boats", {"content_type": "Audio"}),
    ("sleepy sloth in the rain", {"content_type": "Any"}),
]


@pytest.mark.parametrize(("query", "changes"), ACCEPTED)
def test_accepted(creative: Domain, query: str, changes: dict[str, Any]) -> None:
    found = judged(query, request(**changes), creative, PROMPT)
    assert found.check is found.reason is None, found
    asked = request(**changes)
    assert found.extracted_prompt == extract(
        query, asked["function"], asked["content_type"], creative
    )
    assert found.position == type_position(query, asked["content_type"], creative)


def test_without_a_prompt_its_words_are_no_leak(creative: Domain) -> None:
    assert judged("poster: be short and crisp it is", request(), creative).check is None


def test_an_unknown_locale_is_not_judged(creative: Domain) -> None:
    assert CHECKS["language"]("плакат", request(locale="ru"), creative, "") is None


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
def test_named_type(creative: Domain, query: str, expected: str | None) -> None:
    assert named_type(query, creative) == expected


def test_every_word_names_its_type(creative: Domain) -> None:
    for name, kind in creative.content_types.items():
        for word in kind.words:
            for form in plurals(word):
                assert named_type(f"zebra {form}", creative) == name, form
                assert named_type(f"find {form} with zebras", creative) == name, form


def test_type_word_position(creative: Domain) -> None:
    assert type_word("find me a birthday card with balloons", creative) == ("Template", 4)


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
def test_commanded(creative: Domain, query: str, expected: str | None) -> None:
    assert commanded(query, creative) == expected


def test_every_own_verb_agrees_with_its_function(creative: Domain) -> None:
    for function in creative.functions:
        for verb in function.verbs:
            assert commanded(f"{verb} a red fox", creative) in (function.name, None), verb


def test_words() -> None:
    assert words('Find  "red, fox"-cards!') == ["find", "red", 'fox"-cards']
    assert words("lemons,sage") == ["lemons", "sage"]
    assert [t.text for t in tokens("by H. R. Giger.")] == ["by", "H.", "R.", "Giger"]
    assert count("a - b & c 3") == 4
    assert normalized("Don’t  STOP, now!") == normalized("dont stop now") == "dont stop now"


def test_grounding() -> None:
    assert grounding.share("a red fox", "red fox") == 1
    assert grounding.share("a red fox", "blue fox") == 0.5
    assert grounding.share("a red fox", "") == 0
    assert grounding.check("a red fox", "blue fox", 0.5) is None
    assert "50%" in (grounding.check("a red fox", "blue fox") or "")


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=80), st.sampled_from(["Search", "Generate"]))
def test_checks_take_any_text(creative: Domain, query: str, function: str) -> None:
    found = judged(query, request(function=function, content_type="Any"), creative, PROMPT)
    assert (found.check in [*CHECKS, "grounding"] and found.reason) or found.extracted_prompt


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
    least = duplicates.least_equal(threshold, 60)
    lost = stats.binom.cdf([least - 1, least], 60, threshold)
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

FUNCTIONS, TYPES, BANDS, ROUTES = ["Search", "Generate"], ["Photo", "Any"], ["1-2", "3-4", "5-9"], \
    ["heuristic", "text", "vision"]  # fmt: skip


def cell(function: str, content_type: str, band: str, quota: int) -> dict[str, Any]:
    return {"function": function, "content_type": content_type, "band": band, "locale": "en",
            "share": 0.1, "quota": quota}  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_selection_invariants(data: st.DataObject) -> None:
    """Never above a quota of function x content type; nothing taken that is not there; and what is
    short is told."""
    cells = [
        cell(f, t, b, data.draw(st.integers(0, 12)))
        for f in FUNCTIONS for t in TYPES for b in BANDS
    ]  # fmt: skip
    counts = {(cell_of(c), route): data.draw(st.integers(0, 8)) for c in cells for route in ROUTES}
    weights = {"heuristic": 0.6, "text": 0.3, "vision": 0.1}
    taken, short = selection.plan(cells, weights, counts)
    assert all(0 < n <= counts[where] for where, n in taken.items())
    for f in FUNCTIONS:
        for t in TYPES:
            quota = sum(c["quota"] for c in cells if (c["function"], c["content_type"]) == (f, t))
            there = sum(n for (c, _), n in counts.items() if c[:2] == (f, t))
            got = sum(n for (c, _), n in taken.items() if c[:2] == (f, t))
            lost = sum(s["lost"] for s in short if (s["function"], s["content_type"]) == (f, t))
            assert got == min(quota, there)
            assert got + lost == quota


def test_selection_shares_routes_and_fills() -> None:
    one = cell("Search", "Photo", "1-2", 10)
    full = {(cell_of(one), route): 20 for route in ROUTES}
    weights = {"heuristic": 0.6, "text": 0.3, "vision": 0.1}
    taken, short = selection.plan([one], weights, full)
    assert taken == {(cell_of(one), r): n for r, n in zip(ROUTES, (6, 3, 1), strict=True)}
    assert short == []
    # Vision has none: text fills before the heuristic route does.
    few = full | {(cell_of(one), "vision"): 0}
    taken, short = selection.plan([one], weights, few)
    assert taken[cell_of(one), "text"] == 4 and short == []
    # The route's own plan goes before the weights.
    taken, _ = selection.plan([one | {"routes": {"text": 10}}], weights, full)
    assert taken == {(cell_of(one), "text"): 10}


def test_a_short_cell_takes_from_the_nearest_band_and_says_so() -> None:
    cells = [cell("Search", "Photo", band, 4) for band in BANDS]
    counts = {(cell_of(c), "heuristic"): n for c, n in zip(cells, (1, 5, 9), strict=True)}
    taken, short = selection.plan(cells, {"heuristic": 1.0}, counts)
    assert [taken[cell_of(c), "heuristic"] for c in cells] == [1, 5, 6]
    assert short == [{"function": "Search", "content_type": "Photo", "band": "1-2", "locale": "en",
                      "quota": 4, "lacking": 3, "moved": 3, "lost": 0}]  # fmt: skip


def test_select_takes_the_first_rows() -> None:
    frame = pl.DataFrame(
        {"function": ["Search"] * 4, "content_type": ["Photo"] * 4, "band": ["1-2"] * 4,
         "locale": ["en"] * 4, "route": ["text", "heuristic", "text", "text"],
         "max_words": [2] * 4, "position": [None] * 4},
        schema_overrides={"position": pl.Float64},
    )  # fmt: skip
    mask, short = selection.select(frame, [cell("Search", "Photo", "1-2", 2)], {"text": 1.0})
    assert mask.to_list() == [True, False, True, False] and short == []


def test_select_evens_out_where_the_type_word_stands() -> None:
    rng = np.random.default_rng(0)
    n = 4000
    short = rng.random(n) < 0.3
    long_places = np.where(rng.random(n) < 0.7, rng.beta(2, 6, n), rng.random(n))
    places = np.where(short, 0.75, long_places)
    frame = pl.DataFrame(
        {"function": "Search", "content_type": "Photo", "locale": "en", "route": "heuristic",
         "band": np.where(short, "1-2", "3-9"), "max_words": np.where(short, 2, 9),
         "position": places}
    )  # fmt: skip
    cells = [cell("Search", "Photo", "1-2", 100), cell("Search", "Photo", "3-9", 900)]
    mask, _ = selection.select(frame, cells, {"heuristic": 1.0})
    chosen = frame.filter(mask)
    assert chosen["band"].value_counts().sort("band")["count"].to_list() == [100, 900]
    before = stats.kstest(frame["position"].to_numpy(), "uniform").statistic
    found = chosen["position"].to_numpy()
    after = stats.kstest(found, "uniform").statistic
    assert before > 0.15
    # A tenth of the rows stands at 0.75 whatever is chosen.
    assert after < 0.08
    # The target is the population's: here one in ten names the type after the middle.
    aimed = {"0": 0.0, "0.9": 0.5, "1": 1.0}
    mask, _ = selection.select(frame, cells[1:], {"heuristic": 1.0}, aimed)
    assert (frame.filter(mask)["position"].to_numpy() < 0.5).mean() == pytest.approx(0.9, abs=0.02)


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
    taken = selection.steered(groups, np.array(bins))
    assert len(taken) == len(set(taken))
    for _, numbers, n in groups:
        assert len(set(taken) & set(numbers)) == n


# Split


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.none() | st.sampled_from("abcdefgh"),
                       st.lists(st.sampled_from("xyz"), max_size=2)), min_size=2, max_size=60),
    st.floats(0.05, 0.5),
    st.integers(0, 5),
)  # fmt: skip
def test_split_invariants(
    rows: list[tuple[str | None, list[str]]], share: float, seed: int
) -> None:
    frame = pl.DataFrame(
        {"asset_id": [a for a, _ in rows], "node_ids": [n for _, n in rows],
         "request_id": [str(i) for i in range(len(rows))]},
        schema={"asset_id": pl.String, "node_ids": pl.List(pl.String), "request_id": pl.String},
    )  # fmt: skip
    group = splitting.groups(frame)
    held = splitting.validation(group, share, seed)
    assert held.to_list() == splitting.validation(group, share, seed).to_list()
    assert not set(group.filter(held)) & set(group.filter(~held))
    assert not set(frame.filter(held)["asset_id"].drop_nulls()) & set(
        frame.filter(~held)["asset_id"].drop_nulls()
    )
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
    ("content_type", "query", "passes"),
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
def test_a_detail_is_no_contradiction(
    creative: Domain, content_type: str, query: str, passes: bool
) -> None:
    request = {"function": "Generate", "content_type": content_type}
    reason = contradiction.content_type(query, request, creative)
    assert (reason is None) == passes, reason


def test_what_people_type_is_not_refused(creative: Domain) -> None:
    request = {"function": "Generate", "content_type": "Photo"}
    for query in (
        "photo of a man shuffling cards, cards, fantasy",
        "photo for a film, Another Life...Another End",
        "a nice photo of latte art :)",
        "photo of the the lake",
        "photo of humanity, concept art, line art, digital art",
    ):
        assert judged(query, request, creative).check is None, query
    for query in ("photo of cards cards", "photo of ... in blue", "photo of latte art :) ("):
        assert judged(query, request, creative).check, query


def test_a_singular_is_grounded_in_its_plural() -> None:
    assert grounding.share("dinosaur stickers", "dinosaur sticker") == 1
    assert grounding.share("dinosaur sticker", "dinosaur stickers") == 0.5
    assert grounding.share("stickers", "sticker sticker") == 0.5
