"""Which sets of arguments a pack's phrases can say."""

from __future__ import annotations

from stages.core.pack import load
from stages.planning.saying import sayable
from tests.builders import TRAVEL


def test_what_no_phrase_has_a_slot_for_is_left_to_the_adjunct() -> None:
    can_say = sayable(load(TRAVEL))
    required = frozenset({"city", "check_in", "nights"})
    assert can_say("book_hotel", "en", required)
    assert can_say("book_hotel", "en", required | {"other"})
    assert not can_say("book_hotel", "en", frozenset({"room"}))
    assert can_say("order_taxi", "de", frozenset({"from.street", "budget"}))
    assert can_say("order_taxi", "fr", frozenset({"anything"}))
