"""Phrases: what they can say, and how they say it."""

from __future__ import annotations

import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.core import phrases
from stages.core.command import InputError
from stages.core.phrases import Slot, parse


def words(slot: Slot) -> str:
    return f"<{slot.name}{':' if slot.form else ''}{slot.form}>"


def said(text: str, *slots: str, seed: int = 0) -> str | None:
    return parse(text).write(slots, words, random.Random(seed))


BOOK = "(i need|get me) a table for {n} [at {place}] {date} [(at|for) {time}]"


def test_a_phrase_says_what_it_is_told_and_no_more() -> None:
    text = "[please] (a|b) {x} [with {y:noun}]"
    assert {said(text, "x", seed=n) for n in range(40)} == {
        "please a <x>", "please b <x>", "a <x>", "b <x>"}  # fmt: skip
    assert all("with <y:noun>" in (said(text, "x", "y", seed=n) or "") for n in range(40))
    assert said(text) is None and said(text, "x", "z") is None
    assert said(BOOK, "n", "date") in ("i need a table for <n> <date>",
                                       "get me a table for <n> <date>")  # fmt: skip
    assert "at <place>" in (said(BOOK, "n", "date", "place") or "")
    assert parse(BOOK).slots == {"n", "place", "date", "time"}
    assert said(r"give me \{2\} (x\|y)") == "give me {2} x|y"
    assert said("(fly to {to}|fly from {from} to {to})", "to", "from") == "fly from <from> to <to>"
    assert said("({a} {b}|{b} before {a})", "a", "b", seed=1)
    assert said("{address.city:in}", "address.city") == "<address.city:in>"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("(a", "not closed"), ("a)", "closes nothing"), ("[a)", "closes nothing"),
        ("{a", "expected"), ("{}", "expected"), ("{a b}", "expected"), ("a}", "closes nothing"),
        ("[" * 30 + "a" + "]" * 30, "brackets"), ("x" * 3000, "longer"),
        ("".join(f"[{{a{n}}} {{b{n}}}]" for n in range(12)), "ways"),
    ],
)  # fmt: skip
def test_what_is_no_phrase_is_refused(text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        parse(text)


TEXTS = st.sampled_from(["go ", "now", " at ", "", "{a}", "{b}", "{c}", "{d:x}"])
PARTS = st.recursive(
    st.lists(TEXTS, min_size=1, max_size=3).map("".join),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda p: f"({'|'.join(p)})"),
        st.lists(inner, min_size=1, max_size=2).map(lambda p: f"[{'|'.join(p)}]"),
        st.lists(inner, min_size=1, max_size=3).map("".join),
    ),
    max_leaves=8,
)


@given(PARTS, st.sets(st.sampled_from("abcd")), st.integers(0, 9))
def test_what_can_be_said_is_said_once(text: str, slots: set[str], seed: int) -> None:
    phrase = phrases.parse(text)
    counts: dict[str, int] = {}

    def counted(slot: Slot) -> str:
        return f"<{slot.name}>"

    written = phrase.write(slots, counted, random.Random(seed))
    if written is not None:
        counts = {name: written.count(f"<{name}>") for name in "abcd"}
        assert counts == {name: int(name in slots) for name in "abcd"}
    assert (written is not None) == phrase.says(frozenset(slots))


@given(st.text(alphabet="ab([{|}])\\ :", max_size=60))
def test_any_text_is_a_phrase_or_refused(text: str) -> None:
    try:
        phrase = parse(text)
    except InputError:
        return
    began = time.process_time()
    phrase.write(phrase.slots, words, random.Random(0))
    assert time.process_time() - began < 2
