"""Calls in a world, also hostile ones: a result in any case, and no trace of what failed."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.core.worlds import Condition
from stages.worlds.execution import NOTHING, call, unmet
from stages.worlds.state import Limits, State
from tests.worlds.world_packs import opened, with_function

SMALL = Limits(steps=200_000, seconds=20, rows=50, bytes=20_000, value=100_000)
ENDLESS = "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n)"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)
# What SQL of a pack may try, in a function that only reads.
WRITES = (
    "INSERT INTO members VALUES ('X', 'x') RETURNING card",
    "UPDATE members SET name = 'x' RETURNING name",
    "DELETE FROM fines RETURNING card",
    "REPLACE INTO members VALUES ('X', 'x') RETURNING card",
)
# And in any.
FORBIDDEN = (
    "ATTACH ':memory:' AS other",
    "PRAGMA query_only = 0",
    "CREATE TABLE more (n)",
    "CREATE TRIGGER t AFTER INSERT ON loans BEGIN DELETE FROM members; END",
    "CREATE TEMP TABLE more (n)",
    "DROP TABLE loans",
    "ALTER TABLE loans ADD COLUMN x",
    "COMMIT",
    "ROLLBACK",
    "SAVEPOINT other",
    "VACUUM",
    "INSERT INTO sqlite_schema VALUES (1, 2, 3, 4, 5)",
    "UPDATE sqlite_master SET sql = 'x'",
    "DELETE FROM sqlite_master",
    "DELETE FROM numbers",
    "SELECT load_extension('x')",
    "SELECT random()",
    "SELECT hex(randomblob(8))",
    "SELECT CURRENT_TIMESTAMP",
)
TOO_MUCH = (
    f"{ENDLESS} SELECT max(n) AS n FROM n",
    f"{ENDLESS} SELECT count(*) AS n FROM n AS a, n AS b",
    f"{ENDLESS} SELECT n FROM n",
    f"{ENDLESS} SELECT group_concat(n || 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa') AS n FROM n",
    f"{ENDLESS} SELECT n, printf('%.90000c', 'x') AS x FROM n LIMIT 200",
    "WITH RECURSIVE n(n, x) AS (SELECT 1, printf('%.90000c', 'x') UNION ALL "
    "SELECT n + 1, x || n FROM n) SELECT count(*) AS n FROM n",
    "SELECT " + "(" * 200 + "1" + ")" * 200 + " + " + "1 + " * 300 + "1 AS n",
)


def test_a_call_does_what_it_says() -> None:
    state = opened(1)
    free = state.rows(
        "SELECT card FROM members WHERE card NOT IN (SELECT card FROM fines WHERE is_paid = 0)"
    )[0][0]
    copy = state.rows("SELECT copy_id FROM copies EXCEPT SELECT copy_id FROM loans")[0][0]
    before = state.digest()
    outcome = call(state, "borrow_copy", {"card": free, "copy_id": copy, "weeks": 1})
    assert outcome == ({"loan_id": 2, "due_on": "2026-06-08"}, False)
    assert state.digest() != before
    again = call(state, "borrow_copy", {"card": free, "copy_id": copy})
    assert again == ({"error": "The copy is on loan."}, True)
    loans = call(state, "show_loans", {"card": free}).result["loans"]
    assert {"loan_id": 2, "copy_id": copy, "due_on": "2026-06-08"} in loans


def test_a_condition_is_mended_by_the_function_it_names() -> None:
    state = opened(1)
    card = state.rows("SELECT card FROM fines WHERE is_paid = 0")[0][0]
    copy = state.rows("SELECT copy_id FROM copies EXCEPT SELECT copy_id FROM loans")[0][0]
    failed = unmet(state, "borrow_copy", {"card": card, "copy_id": copy})
    assert failed is not None and failed.mended_by == "pay_fines"
    assert call(state, "pay_fines", {"card": card}).result["has_fines"] is False
    assert unmet(state, "borrow_copy", {"card": card, "copy_id": copy}) is None


@pytest.mark.parametrize("effect", ["read", "write"])
def test_a_list_is_read_as_json(effect: str) -> None:
    world = with_function("SELECT sum(value) AS total FROM json_each(:card)", effect=effect)
    assert call(opened(1, world), "more", {"card": [1, 2, 4]}).result == {"total": 7}


@given(
    st.sampled_from(["borrow_copy", "find_books", "pay_fines", "nothing", ""]),
    st.dictionaries(st.sampled_from(["card", "copy_id", "author", "weeks", "x"]), JSON),
)
def test_whatever_a_model_calls_gives_a_result(name: str, arguments: dict[str, object]) -> None:
    state = _shared()
    state.reset()
    outcome = call(state, name, arguments)
    assert isinstance(outcome.result, dict)
    assert outcome.is_error == ("error" in outcome.result)


@cache
def _shared() -> State:
    return opened(1)


@pytest.mark.parametrize("sql", WRITES)
def test_who_reads_cannot_write(sql: str) -> None:
    state = opened(0, with_function(sql))
    before = state.digest()
    outcome = call(state, "more", {})
    assert outcome.is_error and "not authorized" in outcome.result["error"], outcome
    assert state.digest() == before
    writer = opened(0, with_function(sql, effect="write"))
    assert not call(writer, "more", {}).is_error


@pytest.mark.parametrize("effect", ["read", "write"])
@pytest.mark.parametrize("sql", FORBIDDEN)
def test_what_nobody_may_do(sql: str, effect: str) -> None:
    for statements in ((sql, "SELECT 1 AS n"), (sql,)):
        state = opened(0, with_function(*statements, effect=effect))
        before = state.digest()
        assert call(state, "more", {}).is_error
        assert state.digest() == before
        state.reset()
        assert call(state, "find_books", {"author": "Tom Reed"}).result.keys() == {"books"}


@pytest.mark.parametrize("sql", TOO_MUCH)
def test_what_takes_too_much_is_stopped(sql: str) -> None:
    state = opened(0, with_function(sql, returns="rows"), SMALL)
    before = state.digest()
    start = time.monotonic()
    outcome = call(state, "more", {})
    assert outcome.is_error, str(outcome)[:300]
    assert time.monotonic() - start < 10
    assert state.digest() == before
    assert not call(state, "find_books", {"author": "Tom Reed"}).is_error


def test_a_text_of_a_gigabyte_is_not_made() -> None:
    state = opened(0, with_function("SELECT printf('%.*c', 1000000000, 'x') AS x"), SMALL)
    assert call(state, "more", {}).result == {"x": None}


def test_who_reads_cannot_write_by_the_words_of_who_writes() -> None:
    world = with_function(WRITES[1])
    twin = replace(world.functions["more"], name="twin", effect="write")
    state = opened(0, replace(world, functions={**world.functions, "twin": twin}))
    assert not call(state, "twin", {}).is_error
    assert call(state, "more", {}).is_error


def test_an_endless_condition_is_stopped() -> None:
    endless = Condition(holds=f"EXISTS ({ENDLESS} SELECT 1 FROM n WHERE n < 0)", error="no")
    state = opened(0, with_function("SELECT 1 AS n", requires=(endless,)), SMALL)
    assert call(state, "more", {}).result == {"error": "The request took too long."}


def test_a_write_that_fails_late_leaves_no_trace() -> None:
    world = with_function(
        "INSERT INTO members VALUES ('X', 'x')", "INSERT INTO fines VALUES ('X', -1, 0)",
        "SELECT 1 AS n", effect="write",
    )  # fmt: skip
    state = opened(0, world)
    before = state.digest()
    outcome = call(state, "more", {})
    assert outcome.is_error and "breaks a rule" in outcome.result["error"]
    assert state.digest() == before


def test_a_row_that_is_not_there_is_an_error() -> None:
    state = opened(0, with_function("SELECT card FROM members WHERE card = :card"))
    assert call(state, "more", {"card": "none"}).result == {"error": NOTHING}
