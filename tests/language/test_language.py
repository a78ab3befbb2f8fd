"""How locales say values, and how people dress a request."""

from __future__ import annotations

import datetime
import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages import language
from stages.language import frames
from stages.language.locale import Locale

en = language.of("en")
TODAY = datetime.date(2026, 6, 3)  # a wednesday


def day(ahead: int) -> datetime.date:
    return TODAY + datetime.timedelta(days=ahead)


def test_english_says_days_by_their_distance() -> None:
    assert en.date(day(0), TODAY) == ["today"] and en.date(day(1), TODAY) == ["tomorrow"]
    assert {"on friday", "this friday", "on june 5th", "the day after tomorrow"} <= {
        *en.date(day(2), TODAY)}  # fmt: skip
    assert "on the 1st of july" in en.date(day(28), TODAY)
    assert "on june 3rd 2027" in en.date(day(365), TODAY)
    assert "next friday" in en.day_words(day(9), TODAY)
    assert en.bare("on friday") == "friday" and en.bare("tomorrow") == "tomorrow"


@given(st.integers(-5, 400), st.integers(-5, 400))
def test_words_of_a_date_mean_one_day(one: int, other: int) -> None:
    for words in (en, language.of("de-AT"), language.of("fr")):
        shared = {*words.date(day(one), TODAY)} & {*words.date(day(other), TODAY)}
        assert one == other or not shared


@given(st.integers(0, 95), st.integers(0, 95))
def test_words_of_a_time_mean_one_time(one: int, other: int) -> None:
    clocks = [datetime.time(n // 4, n % 4 * 15) for n in (one, other)]
    for words in (en, language.of("de"), language.of("fr")):
        shared = {*words.time(clocks[0])} & {*words.time(clocks[1])}
        assert one == other or not shared


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_words_of_a_number_mean_one_number(one: int, other: int) -> None:
    for words in (en, language.of("de"), language.of("fr")):
        assert one == other or not {*words.integer(one)} & {*words.integer(other)}
        assert one == other or not {*words.money(one, "EUR")} & {*words.money(other, "EUR")}


def test_numbers_times_and_money() -> None:
    assert "three" in en.integer(3) and en.integer(50) == ["50"]
    assert en.number(2.5) == ["2.5", "two and a half"]
    assert {"$20", "20 dollars", "20 bucks", "twenty dollars"} <= {*en.money(20, "USD")}
    assert "$12.50" in en.money(12.5, "USD") and "1 dollar" in en.money(1, "USD")
    assert {"7:30 pm", "19:30"} <= {*en.time(datetime.time(19, 30))}
    assert "half past seven" in en.time_words(datetime.time(19, 30))
    assert "noon" in en.time(datetime.time(12)) and "midnight" in en.time(datetime.time(0))
    assert en.joined(["a", "b", "c"]) == "a, b and c" and en.joined(["a"]) == "a"
    assert "halb acht" in language.of("de").time_words(datetime.time(19, 30))


@given(st.integers(0, 500))
def test_a_frame_keeps_the_phrase(seed: int) -> None:
    for phrase in ("play Jolene by Dolly Parton", "what is the time", "table for two"):
        text = frames.dressed(phrase, en, random.Random(seed))
        assert phrase.lower() in text.lower()
        if phrase.startswith("table"):
            assert not any(text.lower().startswith(r) for r in en.REQUESTS)


@given(st.text(max_size=60), st.integers(0, 99))
def test_a_slip_spares_what_the_arguments_are(text: str, seed: int) -> None:
    rng = random.Random(seed)
    made = frames.slipped(f"{text} The Crown please", ["The Crown"], rng)
    assert "The Crown" in made and abs(len(made) - len(text) - 17) <= 1


@pytest.mark.parametrize("locale", ["en", "de", "en-GB", "fr"])
def test_every_locale_has_the_same_names(locale: str) -> None:
    words = language.of(locale)
    wanted = {n for n in vars(Locale) if not n.startswith("_")} | {*Locale.__annotations__}
    assert all(hasattr(words, name) for name in wanted)
    assert words.question("city", {}) and words.refusal()


SCHEMAS: list[dict[str, object]] = [
    {}, {"type": "string"}, {"type": "integer"}, {"type": "boolean"}, {"enum": ["one", "return"]},
    {"type": "string", "format": "date"}, {"type": "string", "format": "time"}, {"enum": [1, 2]},
    {"type": "string", "format": "date-time"},
]  # fmt: skip


@pytest.mark.parametrize("locale", ["en", "de", "fr"])
@pytest.mark.parametrize("schema", SCHEMAS)
@pytest.mark.parametrize("words", ["date", "time", "check in", "nights", "from", "party size"])
def test_a_question_names_what_it_asks_for(
    locale: str, schema: dict[str, object], words: str
) -> None:
    asked = language.of(locale).question(words, schema)
    assert words in asked.lower() and asked.endswith("?") and asked.count("?") == 1


@pytest.mark.parametrize("locale", ["en", "de"])
def test_all_questions_begin_alike(locale: str) -> None:
    names = ("date", "time", "check in", "nights", "from", "party size")
    asked = [language.of(locale).question(words, schema) for words in names for schema in SCHEMAS]
    assert len({tuple(one.split()[:2]) for one in asked}) == 1
    assert asked[0].split()[0] != language.of(locale).refusal().split()[0]


@given(st.integers(0, 300))
def test_frames_fit_the_mood_and_repeat_nothing(seed: int) -> None:
    rng = random.Random(seed)
    moods = (("play Jolene", "command"), ("what is the time", "question"), ("a cab", "statement"))
    for phrase, mood in moods:
        assert frames.mood_of(phrase, en) == mood
        text = frames.dressed(phrase, en, rng)
        if mood == "question":
            assert not text.endswith(".") and not text.lower().startswith(tuple(en.REQUESTS))
        if mood == "statement":
            assert not text.endswith("?")
    for phrase in ("hey play Jolene please", "ok please call mom for me"):
        words = frames.dressed(phrase, en, rng).lower().strip(".?").split()
        assert all(one != other for one, other in pairwise(words))
        assert words.count("hey") <= 1 and words[-2:].count("please") <= 1


@pytest.mark.parametrize("words", ["from", "to", "until"])
def test_a_bound_is_asked_for_as_people_do(words: str) -> None:
    day = {"type": "string", "format": "date"}
    assert en.question(words, day) == f"Could you tell me {words} which date?"


@pytest.mark.parametrize(
    ("phrase", "ends"),
    [
        ("do you have a room? it's for Coco", {"", "."}),
        ("what would you charge? i have a ferret", {"", "."}),
        ("there is a leak! can you come", {"", "?"}),
        ("our hamster keeps coughing", {"", "."}),
        ("a spay for a dog please", {"", "."}),
        ("can you fit us in on friday?", {""}),
        ("price of a spay", {"", ".", " please", " thanks", " thank you", " pls"}),
    ],
)
def test_what_closes_a_phrase_fits_its_last_sentence(phrase: str, ends: set[str]) -> None:
    found = set()
    for seed in range(400):
        text = frames.dressed(phrase, en, random.Random(seed)).lower()
        found.add(text[text.index(phrase.lower()) + len(phrase) :])
    assert {end if end in ends else end.rstrip(".") for end in found} == ends


@pytest.mark.parametrize(
    ("text", "surface", "made"),
    [
        ("a 11 year old cat", "11", "an 11 year old cat"),
        ("a eight hour shift", "eight", "an eight hour shift"),
        ("a 8.5 kg dog", "8.5", "an 8.5 kg dog"),
        ("a 80 euro bill", "80", "an 80 euro bill"),
        ("i need a eye doctor", "eye doctor", "i need an eye doctor"),
        ("an university", "university", "a university"),
        ("a hour of jazz", "hour", "an hour of jazz"),
        ("an unicorn or a owl", "owl", "an unicorn or an owl"),
        ("a MRI scan", "MRI scan", "a MRI scan"),
        ("a Uber", "Uber", "an Uber"),
        ("play a Adele song", "Adele", "play an Adele song"),
        ("a\u00e9 \u00e9clair", "\u00e9clair", "a\u00e9 \u00e9clair"),
        ("an 5 day trip", "5", "a 5 day trip"),
        ("a 110 m race", "110", "a 110 m race"),
        ("a eighteen month plan", "eighteen", "an eighteen month plan"),
        ("plan a 1 hour call", "1", "plan a 1 hour call"),
        ("park for 1 hours", "1", "park for 1 hour"),
        ("one examples, please", "one", "one example, please"),
        ("1 glass, 1 thanks", "1", "1 glass, 1 thanks"),
        ("at 7:1 hours, 11 hours", "1", "at 7:1 hours, 11 hours"),
        ("2 hours", "2", "2 hours"),
    ],
)
def test_words_beside_a_surface(text: str, surface: str, made: str) -> None:
    assert en.fitted(text, surface) == made
    assert language.of("de").fitted(text, surface) == text


@pytest.mark.parametrize(
    ("words", "schema", "wanted"),
    [
        ("mass kg", {"type": "number"}, "the mass in kg"),
        ("outside c", {"type": "number", "description": "In degrees Celsius."}, "the outside in C"),
        ("group c", {"type": "number", "description": "Third group."}, "the group c"),
        ("modulus", {"type": "integer"}, "the modulus"),
        ("nights", {"type": "integer"}, "how many nights"),
    ],
)
def test_a_question_names_units(words: str, schema: dict[str, str], wanted: str) -> None:
    assert language.of("en").question(words, schema) == f"Could you tell me {wanted}?"


def test_please_is_said_once() -> None:
    english = language.of("en")
    for text in ("book a taxi please, for noon", "an adult ticket, please, with a guide"):
        for seed in range(300):
            said = frames.dressed(text, english, random.Random(seed)).lower()
            assert said.count("please") + said.split().count("pls") == 1
