"""The user's messages in conversations of several turns."""

from __future__ import annotations

from dataclasses import replace

import pytest

from stages.core import pack as packs
from stages.core.plan import Turn, user_turns
from stages.generation import dialogue
from stages.generation.patterns import Patterns
from stages.language.locales import of
from tests.builders import TRAVEL, make_call, make_plan
from tests.several_turns import SEVERAL_TURNS, conversations


@pytest.mark.parametrize("scenario", SEVERAL_TURNS)
def test_nearly_all_are_said_as_planned(scenario: str) -> None:
    refused = [one for one in conversations(scenario) if one.candidate.check]
    assert len(refused) <= 0.03 * len(conversations(scenario)), refused[:3]


@pytest.mark.parametrize("scenario", SEVERAL_TURNS)
def test_every_message_of_the_user_has_its_answer(scenario: str) -> None:
    for one in conversations(scenario):
        said = [m["content"] for m in one.messages if m["role"] == "user"]
        assert one.candidate.query == "\n".join(said)
        assert len(said) == len(user_turns(one.plan))
        calls = [
            (call["function"]["name"], call["function"]["arguments"])
            for message in one.messages
            for call in message.get("tool_calls", ())
        ]
        wanted = [(c.function, c.call.arguments)
                  for turn in one.plan.turns if turn.act == "call" for c in turn.calls]  # fmt: skip
        assert calls == wanted
        assert one.messages[0]["role"] == "user" and one.messages[-1]["role"] == "assistant"


def test_an_answer_says_its_value_alone() -> None:
    short = 0
    for one in conversations("clarified"):
        _, question, answer, _ = (message["content"] for message in one.messages)
        (argument, *_) = user_turns(one.plan)[1].plan.calls[0].said
        bare = of(one.plan.locale).bare(argument.surface or "")
        assert bare.lower() in answer.lower() and question
        assert not any(
            (other.surface or "").lower() == answer.lower()
            for other in one.plan.turns[0].calls[0].said
        )
        short += len(answer.split()) <= len(bare.split()) + 3
    assert short > 0.7 * len(conversations("clarified"))


@pytest.mark.parametrize("locale", ["en", "de"])
def test_patterns_fit_the_kind_of_the_value(locale: str) -> None:
    pack = packs.load(TRAVEL)
    surface = {"en": "on friday", "de": "am Freitag"}[locale]
    call = make_call(check_in=surface)
    plan = make_plan(call, locale=locale)
    answers = {dialogue.reply(replace(plan, seed=seed), pack).query for seed in range(200)}
    assert {"en": {"on friday", "make it friday"}, "de": {"am Freitag", "sagen wir Freitag"}}[
        locale
    ] <= answers
    assert not any(f"it {surface}" in one or f"wir {surface}" in one for one in answers)
    one_night = make_plan(make_call(nights=1), locale="en")
    counted = {dialogue.reply(replace(one_night, seed=seed), pack).query for seed in range(200)}
    assert "1 night" in counted and not any("1 nights" in one for one in counted)


def test_one_turn_is_written_as_before() -> None:
    patterns = Patterns(packs.load(TRAVEL))
    plan = make_plan(make_call(city="rome", check_in="2026-06-02", nights=3))
    assert dialogue.write(plan, patterns) == [patterns.write(plan)]


def test_the_view_of_an_answer_has_what_was_asked_for_alone() -> None:
    whole = make_call("order_taxi", from_={"street": "7 mill lane", "city": "rome"}, passengers=2)
    before = replace(whole, arguments=whole.arguments[2:])
    plan = replace(make_plan(whole), turns=(Turn("ask", (before,), "from"), Turn("call", (whole,))))
    first, second = user_turns(plan)
    assert first.asked is None and first.plan.turns == plan.turns[:1]
    assert second.asked == "from"
    assert [a.slot for a in second.plan.calls[0].arguments] == ["from.street", "from.city"]
    assert user_turns(make_plan()) == ((make_plan(), None),)
