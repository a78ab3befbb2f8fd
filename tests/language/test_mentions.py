"""Where a text says a value, and in what time that is found out."""

from __future__ import annotations

import datetime
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages import language
from stages.language.days import coming, same_week, yearless
from stages.language.mentions import Text, heard
from stages.language.tokens import MAX_TEXT, keys, tokens

TODAY = datetime.date(2026, 6, 3)  # a wednesday
SENTENCES = ("{}", "hey, {} please", "book it ({}) now!", "what about {}?", "“{}”, ok")
texts = st.text(st.sampled_from("abc dé'’ß-,.3:7$€日ŀ"), max_size=40)


@settings(deadline=None)
@given(
    st.sampled_from(("en", "de")), st.integers(-20, 300), st.integers(0, 95), st.integers(0, 2_000),
    st.sampled_from(SENTENCES),
)  # fmt: skip
def test_a_surface_is_mentioned_in_any_sentence_that_holds_it(
    locale: str, ahead: int, quarter: int, number: int, sentence: str
) -> None:
    day = (TODAY + datetime.timedelta(ahead)).isoformat()
    clock = f"{quarter // 4:02d}:{quarter % 4 * 15:02d}"
    given_values = ((day, "date"), (clock, "time"), (number, "integer"), (number / 4, "number"))
    for value, kind in given_values:
        for surface in language.surfaces(value, kind, locale, today=TODAY):
            text = sentence.format(surface)
            found = language.mentions(value, text, kind, locale=locale, today=TODAY)
            start = text.index(surface)
            assert any(start <= s.start < s.end <= start + len(surface) for s in found), text


@given(st.text(min_size=1, max_size=30), st.sampled_from(SENTENCES))
def test_any_words_are_found_where_they_stand(words: str, sentence: str) -> None:
    words = words.strip()
    if keys(words) and keys(sentence.format(words)) == keys(sentence.format(" ".join(keys(words)))):
        assert language.mentions(words, sentence.format(words))


@pytest.mark.parametrize(
    ("value", "forms", "text", "said"),
    [
        ("Jolene", (), "play jolene", "jolene"),
        ("noodles", (), "a Noodle place", "Noodle"),
        ("mom", (), "what is Mom's number", "Mom's"),
        ("Marco Rossi", (), "store Marco Rossi’s number", "Marco Rossi’s"),
        ("the beatles", (), "some Beatles", "Beatles"),
        ("AC/DC", (), "play ac/dc now", "ac/dc"),
        ("vegan", ("plant based",), "plant-based food", "plant-based"),
        ("C++", (), "a C++ book", "C++"),
    ],
)
def test_words_in_other_shape(value: str, forms: tuple[str, ...], text: str, said: str) -> None:
    found = language.mentions(value, text, forms=forms)
    assert [text[s.start : s.end] for s in found] == [said]


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        ("art", "string", "start the party"),
        ("new", "string", "the news"),
        (3, "integer", "13 or 30 people at 3:30"),
        (7, "integer", "twenty-seven people"),
        (5, "integer", "five hundred"),
        ("2026-06-05", "date", "on friday next week"),
        ("19:00", "time", "7 am"),
    ],
)
def test_what_is_not_said(value: object, kind: str, text: str) -> None:
    assert not language.mentions(value, text, kind, today=TODAY)


def test_what_else_is_said() -> None:
    text = "a table for three on may 3rd at 7:30 pm, $20 a head, for two hours, not one more"
    said = [(r.kind, r.values) for r in heard(text, "en", TODAY).said]
    assert said == [
        ("number", (3,)), ("date", ("2026-05-03",)), ("time", ("19:30",)), ("money", (20,)),
        ("duration", ("PT2H",)),
    ]  # fmt: skip
    assert [r.kind for r in heard("list my events of next week", "en", TODAY).said] == ["date"]
    assert [r.kind for r in heard("see you tomorrow", "en").said] == ["date"]
    # "wed" is short for a day, "we'd" is not.
    said = [r.values[0] for r in heard("we’d come thu or on Friday's bus", "en", TODAY).said]
    assert said == ["2026-06-04", "2026-06-05"]


@settings(deadline=None)
@given(texts, st.sampled_from(("en", "de", "fr")))
def test_places_lie_in_the_text(text: str, locale: str) -> None:
    one = Text(text, locale, TODAY)
    end = 0
    for token in one.tokens:
        assert end <= token.start < token.end <= len(text)
        end = token.end
    for reading in one.readings:
        assert text[reading.start : reading.end].strip() == text[reading.start : reading.end]
    for first, second in zip(one.said, one.said[1:], strict=False):
        assert first.end <= second.start


@given(st.integers(0, 3_000), st.integers(0, 6))
def test_the_calendar_that_surfaces_keep_to(ahead: int, weekday: int) -> None:
    day = TODAY + datetime.timedelta(ahead)
    found = coming(weekday, day)
    assert found.weekday() == weekday and 1 <= (found - day).days <= 7
    assert same_week(day, day) and not same_week(day, day + datetime.timedelta(8))
    again = yearless(day.month, day.day, day)
    assert again == day


@pytest.mark.parametrize(
    "part",
    ["and twenty five thousand ", "a ", "monday next week on ", "1,000.5 ", "a.b.c.", "half past ",
     "3 hours 4 minutes ", "2026-05-", "$ ", "''", "in two weeks ", "-", "the the "],
)  # fmt: skip
def test_time_is_linear_and_bounded(part: str) -> None:
    def seconds(count: int) -> float:
        best = float("inf")
        for _ in range(3):
            tokens.cache_clear()
            start = time.process_time()
            text = Text(part * count, "en", TODAY)
            assert isinstance(text.said, list)
            text.find(part)
            text.find("and the 7")
            best = min(best, time.process_time() - start)
        return best

    language.lexicon("en")
    length = MAX_TEXT // len(part)
    assert seconds(length) < 30 * max(seconds(length // 8), 1e-3)
    assert seconds(100 * length) < 5 * max(seconds(length), 5e-3)  # the rest is not looked at
