"""Each message of the user is checked against the turn that answers it."""

from __future__ import annotations

import datetime

import pytest

from stages.checks.call import Context
from stages.core.plan import user_turns
from stages.generation.written import Written
from stages.spine.writing import judged
from tests.several_turns import Conversation, conversations, travel


def check(one: Conversation, *said: str) -> str | None:
    today = datetime.date.fromisoformat(one.today) if one.today else None
    context = Context(travel("clarified"), one.plan.locale, today)
    return judged([Written(text, "") for text in said], one.plan, context, "").check


@pytest.fixture(scope="module")
def nights() -> Conversation:
    """A conversation in which the number of nights was asked for."""
    return next(
        one
        for one in conversations("clarified")
        if one.plan.turns[0].missing == "nights"
        and one.plan.locale == "en"
        and one.plan.turns[1].calls[0].call.arguments["nights"] > 4
    )


def test_an_answer_without_the_value_is_refused(nights: Conversation) -> None:
    query = nights.messages[0]["content"]
    count = nights.plan.turns[1].calls[0].call.arguments["nights"]
    assert check(nights, query, f"{count} please") is None
    assert check(nights, query, "whatever you like") == "said"
    assert check(nights, query, f"{count - 1}") == "said"


def test_an_answer_with_another_value_is_refused(nights: Conversation) -> None:
    query = nights.messages[0]["content"]
    count = nights.plan.turns[1].calls[0].call.arguments["nights"]
    assert check(nights, query, f"{count}, with a pool and a gym") == "leaked"
    assert check(nights, query, f"{count} nights in athens and in oslo") == "leaked"


def test_a_query_that_says_what_is_to_be_asked_for_is_refused(nights: Conversation) -> None:
    query = nights.messages[0]["content"].rstrip(".?")
    count = nights.plan.turns[1].calls[0].call.arguments["nights"]
    assert check(nights, f"{query} for {count} nights", f"{count}") == "leaked"


def test_the_conversation_of_a_refused_one_is_still_told(nights: Conversation) -> None:
    context = Context(travel("clarified"), "en")
    said = [Written("hm", "a"), Written("no", "b")]
    candidate = judged(said, nights.plan, context, "a | b")
    assert candidate.check == "said" and candidate.query == "hm\nno"
    assert len(user_turns(nights.plan)) == 2
