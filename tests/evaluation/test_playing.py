"""Held-out conversations played in their worlds."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from stages.core import journeys
from stages.core.command import InputError
from stages.core.conversation import Call
from stages.evaluation import playing
from stages.evaluation.asking import Conversation
from stages.evaluation.episodes import play
from stages.evaluation.playing import Played
from stages.formats import FORMATS
from stages.worlds.state import State
from tests.worlds.world_packs import TODAY, lending

FORM = FORMATS["pythonic"]
TOOLS = ["find_books", "list_copies", "borrow_copy", "pay_fines", "show_loans"]


def _line() -> dict[str, Any]:
    """Pay and borrow, look at the loans, and something that no function does."""
    state = State.open(lending().worlds["lending"], 1, TODAY, lending().world_words)
    card = state.rows("SELECT card FROM fines WHERE is_paid = 0 ORDER BY card")[0][0]
    author, book = state.rows(
        "SELECT author, book_id FROM books WHERE author IN (SELECT author FROM books GROUP BY "
        "author HAVING count(*) > 1) ORDER BY book_id"
    )[0]
    copy = state.rows(
        "SELECT copy_id FROM copies WHERE copy_id NOT IN (SELECT copy_id FROM loans)"
    )[0][0]
    borrow = {"name": "borrow_copy", "arguments": {"card": card, "copy_id": copy}}
    pay = {"name": "pay_fines", "arguments": {"card": card}}
    return {
        "world": "lending", "seed": 1, "today": TODAY.isoformat(), "tools": TOOLS,
        "requests": [
            {"query": "lend it", "steps": [[borrow], [pay], [borrow]], "answer": "Done."},
            {"query": "my loans", "steps": [[{"name": "show_loans", "arguments": {"card": card}}]],
             "answer": "Here."},
            {"query": "is it in", "steps": [[
                {"name": "find_books", "arguments": {"author": author}},
                {"name": "list_copies", "arguments": {"book_id": book}}]], "answer": "Here."},
            {"query": "sing", "steps": [], "answer": "I cannot."},
        ],
    }  # fmt: skip


def _journeys(path: Path, line: dict[str, Any] | None = None) -> list[journeys.Journey]:
    file = path / "journeys.jsonl"
    file.write_text(json.dumps(line or _line()) + "\n", "utf-8")
    return journeys.read(file, lending().catalogue, [*lending().worlds.values()])


def _played(path: Path, answers: Callable[[Played, int], str]) -> list[Played]:
    """The requests, answered by what `answers` says to a request and the number of its step."""
    pack = lending()
    made = playing.requests(_journeys(path), pack.catalogue, pack.worlds, pack.world_words, FORM)

    def ask(conversations: Sequence[Conversation]) -> list[str]:
        waiting = [one for one in made if one.episode.ended is None]
        return [answers(one, len(one.episode.steps[0])) for one in waiting]

    play([one.episode for one in made], ask)
    return made


def _right(one: Played, step: int) -> str:
    return FORM.render([*one.wanted[step]]) if step < len(one.wanted) else "Done."


def test_the_right_calls_are_right(tmp_path: Path) -> None:
    made = _played(tmp_path, _right)
    assert [one.is_right for one in made] == [True] * 4
    assert [one.is_exact for one in made] == [True] * 4
    value = playing.scores(made, 50, 0)
    assert value["state"] == value["single_step_exact"] == value["refraining"] == 1.0
    assert value["state_3"] == value["recovery"] == 1.0
    assert value["requests_by_steps"] == {"0": 1, "1": 2, "2": 0, "3": 1, "4": 0}


def test_who_never_calls_is_right_where_nothing_is_to_be_done(tmp_path: Path) -> None:
    made = _played(tmp_path, lambda one, step: "I cannot help with that.")
    assert [one.is_right for one in made] == [False, False, False, True]


def test_a_way_of_ones_own_to_the_same_end_is_right(tmp_path: Path) -> None:
    def answers(one: Played, step: int) -> str:
        if one.number == 0:  # pays first, where the right way learns of the fines by an error
            return _right(one, step + 1)
        if one.number == 2:  # one after the other
            calls = one.wanted[0]
            return FORM.render([calls[step]]) if step < len(calls) else "Done."
        return _right(one, step)

    made = _played(tmp_path, answers)
    assert [one.is_right for one in made] == [True] * 4
    assert [one.is_exact for one in made] == [False, True, True, True]


def test_a_wrong_end_is_wrong(tmp_path: Path) -> None:
    def answers(one: Played, step: int) -> str:
        if one.number == 0 and step == 2:
            return "Done."  # paid and borrowed nothing
        if one.number == 1 and step == 0:
            return FORM.render([Call("show_loans", {"card": "K999"})])
        if one.number == 3 and step == 0:
            return FORM.render([Call("find_books", {"author": "Tom Reed"})])
        return _right(one, step)

    assert [one.is_right for one in _played(tmp_path, answers)] == [False, False, True, False]


def test_later_requests_begin_after_the_right_course(tmp_path: Path) -> None:
    made = _played(tmp_path, lambda one, step: "No." if one.number == 0 else _right(one, step))
    assert [one.is_right for one in made] == [False, True, True, True]
    (loans,) = made[1].place.given
    assert len(loans.result["loans"]) > 0, "what was borrowed before is there"
    messages = made[1].episode.messages
    assert [m["role"] for m in messages[:9]] == [
        "user", *["assistant", "tool"] * 3, "assistant", "user",
    ]  # fmt: skip
    ids = [c["id"] for m in messages for c in m.get("tool_calls", ())]
    assert ids == [f"call_{n}" for n in range(4)]


def test_who_does_not_stop_is_stopped(tmp_path: Path) -> None:
    made = _played(tmp_path, lambda one, step: FORM.render([Call("show_loans", {"card": "K1"})]))
    most = [len(one.wanted) + playing.MORE_STEPS + 1 for one in made]
    assert [len(one.place.made) for one in made] == most


def test_what_cannot_be_read_ends_a_request(tmp_path: Path) -> None:
    made = _played(tmp_path, lambda one, step: "[show_loans(card=")
    assert all(one.error is not None and not one.is_right for one in made)
    assert playing.scores(made, 20, 0)["unreadable"] == 4


def test_a_conversation_without_room_is_wrong(tmp_path: Path) -> None:
    pack = lending()
    made = playing.requests(
        _journeys(tmp_path), pack.catalogue, pack.worlds, pack.world_words, FORM
    )
    play([one.episode for one in made], lambda said: [None] * len(said))
    assert [one.error for one in made] == ["too_long"] * 4
    assert not any(one.is_right for one in made)
    assert playing.scores(made, 20, 0)["too_long"] == 4


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"world": "moon"}, "no world 'moon'"),
        ({"tools": ["fly"]}, "'fly' is not in the catalogue"),
        ({"tools": ["find_books"]}, "is called, and is no function of the world"),
        ({"today": "2026-13-01"}, "is no date"),
        ({"seed": -1}, "seed"),
        ({"more": 1}, "more"),
    ],
)
def test_a_wrong_line_is_told(tmp_path: Path, change: dict[str, Any], why: str) -> None:
    with pytest.raises(InputError, match=why):
        _journeys(tmp_path, _line() | change)
