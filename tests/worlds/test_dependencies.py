"""Which function of a world feeds which."""

from __future__ import annotations

from dataclasses import replace

from stages.core.worlds import Entity, WorldFunction
from stages.worlds import dependencies
from tests.worlds.world_packs import lending


def test_edges_of_things_and_of_conditions() -> None:
    rows = dependencies.rows(dependencies.graph(lending().worlds))
    assert {(r["source"], r["target"], r["kind"], r["entity"]) for r in rows} == {
        ("find_books", "list_copies", "data", "book"),
        ("list_copies", "borrow_copy", "data", "copy"),
        ("show_loans", "borrow_copy", "data", "copy"),
        ("pay_fines", "borrow_copy", "state", ""),
    }
    assert dependencies.findings(lending().worlds) == []


def test_what_nobody_can_use_is_told() -> None:
    world = lending().worlds["lending"]
    egg = WorldFunction("egg", "read", {"hen": "hen"}, {"egg": "egg"}, "row", (), (), ("hen",))
    hen = WorldFunction("hen", "read", {"egg": "egg"}, {"hen": "hen"}, "row", (), (), ("egg",))
    lost = WorldFunction("lost", "read", {"key": "key"}, {}, "row", (), (), ("key",))
    entities = {
        **world.entities, "hen": Entity(), "egg": Entity(), "key": Entity(), "idle": Entity(),
    }  # fmt: skip
    functions = {**world.functions, "egg": egg, "hen": hen, "lost": lost}
    told = dependencies.findings({"w": replace(world, entities=entities, functions=functions)})
    assert any("no function gives key" in one for one in told)
    assert any("idle is neither taken nor given" in one for one in told)
    assert any("nothing leads to hen" in one for one in told)
    assert any("nothing leads to egg" in one for one in told)
    assert not any("lost" in one for one in told)
