"""The state of a world: seeds, ways back, copies, digests."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.core.command import InputError
from stages.worlds.execution import call
from stages.worlds.state import State, split
from tests.worlds.world_packs import TODAY, lending, opened, words

CALLS = st.lists(
    st.one_of(
        st.tuples(st.just("pay_fines"), st.fixed_dictionaries({"card": st.sampled_from("ABCDE")})),
        st.tuples(
            st.just("borrow_copy"),
            st.fixed_dictionaries(
                {"card": st.sampled_from("ABCDE"), "copy_id": st.integers(518, 536)}
            ),
        ),
    ),
    max_size=8,
)


def _cards(state: State) -> dict[str, str]:
    rows = state.rows("SELECT card FROM members ORDER BY card")
    return dict(zip("ABCDE", (row[0] for row in rows), strict=True))


def _done(state: State, calls: list[tuple[str, dict[str, object]]]) -> list[object]:
    cards = _cards(state)
    return [
        call(state, name, {**arguments, "card": cards[str(arguments["card"])]}).result
        for name, arguments in calls
    ]


def test_a_seed_gives_the_same_state_and_others_give_others() -> None:
    assert opened(3).digest() == opened(3).digest()
    assert len({opened(seed).digest() for seed in range(8)}) == 8
    rows = opened(1).rows("SELECT (SELECT count(*) FROM members), (SELECT count(*) FROM books)")
    assert rows == [(5, 7)]


@given(CALLS)
def test_what_is_reset_is_as_it_began(calls: list[tuple[str, dict[str, object]]]) -> None:
    state = opened(2)
    before = state.digest()
    _done(state, calls)
    state.reset()
    assert state.digest() == before


@given(CALLS, CALLS)
def test_undo_takes_back_to_the_mark(
    first: list[tuple[str, dict[str, object]]], then: list[tuple[str, dict[str, object]]]
) -> None:
    state = opened(4)
    _done(state, first)
    before = state.digest()
    state.mark()
    _done(state, then)
    state.undo()
    assert state.digest() == before
    state.keep()
    assert state.digest() == before


@given(CALLS)
def test_a_copy_goes_on_as_the_original(calls: list[tuple[str, dict[str, object]]]) -> None:
    state = opened(5)
    copy = State.restored(state.world, state.snapshot(), TODAY)
    assert copy.digest() == state.digest()
    assert _done(copy, calls) == _done(state, calls)
    assert copy.digest() == state.digest()


def test_the_digest_does_not_tell_in_which_order_rows_were_written() -> None:
    one, other = opened(0), opened(0)
    for state, numbers in ((one, (1, 2)), (other, (2, 1))):
        for number in numbers:
            state.connection.execute(f"INSERT INTO members VALUES ('X{number}', 'someone')")
    assert one.digest() == other.digest()
    assert one.digest() != opened(0).digest()


def test_draws_belong_to_a_state_and_a_key() -> None:
    state = opened(0)
    query = "SELECT draw('a', 1, 1000000), draw('a', 1, 1000000), draw('b', 1, 1000000)"
    ((a, again, b),) = state.rows(query)
    assert a == again != b
    assert opened(1).rows(query)[0][0] != a
    ((first, second, none),) = state.rows("SELECT word('title', 0), word('title', 1), word('x', 0)")
    assert first != second and {first, second} <= set(words()["title"]) and none is None
    assert state.rows("SELECT day(-1), today()") == [("2026-05-31", "2026-06-01")]


def test_a_wrong_query_is_an_input_error() -> None:
    with pytest.raises(InputError, match=r"world lending.*no such table"):
        opened(0).rows("SELECT * FROM missing")


def test_a_condition_without_its_argument_is_not_met() -> None:
    state = opened(0)
    assert not state.holds("EXISTS (SELECT 1 FROM members WHERE card = :card)", {})
    card = state.rows("SELECT card FROM members")[0][0]
    assert state.holds("EXISTS (SELECT 1 FROM members WHERE card = :card)", {"card": card})


def test_statements_are_split_where_they_end() -> None:
    text = "INSERT INTO a VALUES (';'); -- one; two\nSELECT 1"
    assert [one.strip() for one in split(text)] == [
        "INSERT INTO a VALUES (';');", "-- one; two\nSELECT 1",
    ]  # fmt: skip
    assert split(" -- nothing\n") == []


def test_the_world_of_the_pack_is_read() -> None:
    world = lending().worlds["lending"]
    assert world.functions["borrow_copy"].effect == "write"
    assert world.functions["borrow_copy"].requires[1].mended_by == "pay_fines"
    assert world.functions["borrow_copy"].requires[1].arguments == {"card"}
    assert lending().stateful == {
        "find_books", "list_copies", "borrow_copy", "pay_fines", "show_loans",
    }  # fmt: skip
