"""What is wrong with a world's SQL is told before anything is planned."""

from __future__ import annotations

from dataclasses import replace

import pytest

from stages.core.worlds import Condition, Entity, World
from stages.worlds.looking import problems
from tests.worlds.world_packs import TODAY, lending, with_function


def _told(world: World) -> list[str]:
    return problems({"lending": world}, lending().world_words, TODAY)


def test_nothing_is_wrong_with_a_good_world() -> None:
    assert _told(lending().worlds["lending"]) == []


@pytest.mark.parametrize(
    ("world", "why"),
    [
        (with_function("SELECT salary FROM members"), "more.sql: no such column: salary"),
        (with_function("SELECT 1 FROM membres"), "no such table: membres"),
        (with_function("SELECT date('now', CURRENT_TIMESTAMP)"), "not authorized"),
        (with_function("DELETE FROM fines", "SELECT 1"), "not authorized"),
        (with_function("SELECT 1", requires=(Condition(holds="cards = 1", error="No."),)),
         "more.sql: no such column: cards"),
    ],
)  # fmt: skip
def test_wrong_sql_is_told(world: World, why: str) -> None:
    (told,) = _told(world)
    assert why in told


def test_a_seed_that_decides_nothing_is_told() -> None:
    world = lending().worlds["lending"]
    still = "INSERT INTO members VALUES ('K1', 'Ana Ruiz'); INSERT INTO books VALUES \
        (1, 'Night Ferry', 'Tom Reed', 90);"
    (told,) = _told(replace(world, seed=still))
    assert "3 seeds give the same state" in told
    (told,) = _told(replace(world, seed="INSERT INTO nowhere VALUES (1)"))
    assert "seed.sql: no such table: nowhere" in told


def test_what_users_know_must_be_there() -> None:
    world = lending().worlds["lending"]
    for query in ("SELECT card, name FROM members", "SELECT card FROM members WHERE 0"):
        entities = {**world.entities, "card": Entity(known=query)}
        (told,) = _told(replace(world, entities=entities))
        assert "entities.card.known: must give one column" in told
