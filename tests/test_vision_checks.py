"""The check `ungrounded`, and the figures about what the vision route adds."""

from __future__ import annotations

import json

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.checks import ungrounded
from stages.checks.content import content_words, likeness
from stages.core.frame import Frame
from stages.core.pack import Pack
from stages.dataset import evidence
from tests.builders import judged, make_search

SEEN = 'tall, navy, peach; drawing; text at the top; words in it: "Frost Fair", "Linden Hall"'
SLOTS = {"title": "Winter Market Flyer", "work_title": None, "keywords": ["snow", "stalls"],
         "topics": ["holidays"]}  # fmt: skip


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("please find me a navy flyer that says Frost Fair", ["navy", "frost", "fair"]),
        ("make a poster", []),
        ("tall flyers with peach letters at the top", ["tall", "peach", "letters", "top"]),
    ],
)
def test_content_words(query: str, words: list[str], frame: Frame) -> None:
    assert content_words(query, frame) == words


@given(st.text("abcdef", min_size=1, max_size=8), st.text("abcdef", min_size=1, max_size=8))
def test_likeness_is_symmetric_and_one_for_equal_words(one: str, other: str) -> None:
    assert likeness(one, other) == likeness(other, one)
    assert 0 <= likeness(one, other) <= 1
    assert (one == other) <= (likeness(one, other) == 1)


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("navy flyer", "its colour"),
        ("poster that says frost fair", "its text"),
        ("flyer with text at the top", "its layout"),
        ("snow flyer", "the metadata"),
        ("stall poster", "the metadata in the singular"),
        ("lindn hall flyer", "its text with a slip"),
    ],
)
def test_what_mentions_the_picture_passes(query: str, why: str, frame: Frame) -> None:
    assert ungrounded.check(query, SEEN, SLOTS, frame) is None, why


@pytest.mark.parametrize("query", ["green dragon flyer", "poster for a jazz concert", "flyer"])
def test_what_mentions_nothing_is_rejected_with_its_score(query: str, creative: Pack) -> None:
    found = judged(query, make_search(slots=SLOTS), creative, seen=SEEN)
    assert found.check == "ungrounded" and found.reason
    score = float(found.reason.split("best match ")[1].split(":")[0])
    assert 0 <= score < ungrounded.MIN_LIKENESS


def test_without_a_picture_nothing_is_asked(creative: Pack, frame: Frame) -> None:
    assert ungrounded.check("green dragon flyer", "", SLOTS, frame) is None
    assert judged("green dragon flyer", make_search(slots=SLOTS), creative).check is None


def test_unseen_share(frame: Frame) -> None:
    slots = json.dumps(SLOTS)
    assert evidence.unseen_share("navy winter flyer", slots, frame) == 0.5
    assert evidence.unseen_share("winter market flyer", slots, frame) == 0.0
    assert evidence.unseen_share("a flyer", slots, frame) is None


def table(*rows: tuple[str, str]) -> pl.DataFrame:
    made = [{"route": route, "query": query, "locale": "en",
             "slots": json.dumps(SLOTS)} for route, query in rows]  # fmt: skip
    return pl.DataFrame(made)


def test_the_figures_compare_the_routes(creative: Pack) -> None:
    rows = table(
        ("vision", "tall navy flyer with a circle"),
        ("vision", "peach winter flyer"),
        ("text", "winter market flyer"),
        ("heuristic", "snow flyer"),
    )
    told = evidence.figures(rows, creative.frames)
    vision, text = told["vision"], told["text"]
    assert (vision["rows"], text["rows"]) == (2, 1)
    assert (vision["half_unseen"], text["half_unseen"]) == (1.0, 0.0)
    assert (vision["vocabulary"], vision["new_vocabulary"]) == (5, 4)
    assert (text["vocabulary"], text["new_vocabulary"]) == (2, 0)
    assert (vision["with_colour"], vision["with_layout"], vision["with_shape"]) == (1.0, 0.5, 0.5)
    assert text["with_any"] == 0.0
    json.dumps(told)


def test_a_route_without_rows_has_no_shares(creative: Pack) -> None:
    told = evidence.figures(table(("text", "snow flyer")), creative.frames)
    assert told["vision"]["rows"] == 0
    assert told["vision"]["half_unseen"] is None
