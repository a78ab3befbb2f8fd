"""Which sets of arguments a phrase can say."""

from __future__ import annotations

from itertools import chain, combinations

import pytest

from stages.core.command import InputError
from stages.core.pack import load
from stages.planning.saying import Way, sayable, slots, ways
from tests.builders import TRAVEL


def sets(phrase: str) -> set[str]:
    """All sets that a phrase can say, each as its names in order."""
    names = sorted(slots(phrase))
    every = chain.from_iterable(combinations(names, n) for n in range(len(names) + 1))
    return {"".join(one) for one in every if any(w.must <= set(one) <= w.may for w in ways(phrase))}


@pytest.mark.parametrize(
    ("phrase", "expected"),
    [
        ("go", {""}),
        ("go {a}", {"a"}),
        ("go [{a}] [{b}]", {"", "a", "b", "ab"}),
        ("go [{a} {b}]", {"", "ab"}),
        ("go [{a} [{b}]]", {"", "a", "ab"}),
        ("(go {a}|come {b})", {"a", "b"}),
        ("[({a}|{b})]", {"", "a", "b"}),
        ("(please|) go {a:noun}", {"a"}),
        (r"go \{a\} {b} \[x\]", {"b"}),
    ],
)
def test_sets(phrase: str, expected: set[str]) -> None:
    assert sets(phrase) == expected


def test_many_options_are_one_way() -> None:
    assert len(ways(" ".join(f"[{{a{n}}}]" for n in range(40)))) == 1
    assert ways("plain words") == (Way(frozenset(), frozenset()),)


@pytest.mark.parametrize("phrase", ["(go", "go)", "[go)", "{a", "go ]", "(" * 50 + ")" * 50])
def test_brackets_that_do_not_match(phrase: str) -> None:
    with pytest.raises(InputError, match="phrase"):
        ways(phrase)


def test_what_no_phrase_has_a_slot_for_is_left_to_the_adjunct() -> None:
    can_say = sayable(load(TRAVEL))
    required = frozenset({"city", "check_in", "nights"})
    assert can_say("book_hotel", "en", required)
    assert can_say("book_hotel", "en", required | {"other"})
    assert not can_say("book_hotel", "en", frozenset({"room"}))
    assert can_say("order_taxi", "de", frozenset({"from.street", "budget"}))
    assert can_say("order_taxi", "fr", frozenset({"anything"}))
