"""Conversations in a world: each call is done while it is planned, and can be done again."""

from __future__ import annotations

import datetime
from dataclasses import replace
from functools import cache

import pytest

from stages.core import pack as packs
from stages.core.pack import Pack
from stages.core.plan import CALLING, UNASKED, Plan, from_json, to_json, user_turns
from stages.generation import dialogue
from stages.generation.patterns import Patterns
from stages.planning.plans import Planned, Settings, plans
from stages.planning.references import meant, references
from stages.planning.states import state_seed
from stages.worlds.execution import call
from stages.worlds.state import State
from tests.worlds.world_packs import LENDING, TODAY, lending

SETTINGS = Settings(300, sets=12, shown=(3, 5), reserve=1.0, surplus=0.0, heuristic_surplus=0.0)


@cache
def planned(seed: int = 1) -> Planned:
    return plans(lending(), SETTINGS, seed)


def _today(plan: Plan) -> datetime.date:
    sets = {one.tool_set: one.today for one in planned().tool_sets}
    return datetime.date.fromisoformat(sets[plan.tool_set] or "")


def test_a_fresh_world_gives_the_same_results_and_ends_in_the_same_state() -> None:
    world = lending().worlds["lending"]
    for plan in planned().plans[:120]:
        state = State.open(world, state_seed(plan.tool_set), _today(plan), lending().world_words)
        for turn in plan.turns:
            for one, result in zip(turn.calls, turn.results, strict=True):
                assert call(state, one.function, one.call.arguments).result == result
            if turn.act == "answer":
                assert state.digest() == turn.state
        state.close()


def test_each_request_ends_with_what_it_aims_at_and_no_error() -> None:
    for plan in planned().plans:
        requests: list[list[tuple[str, bool]]] = []
        for turn in plan.turns:
            if turn.act not in UNASKED:
                requests.append([])
            pairs = zip(turn.calls, turn.results, strict=True)
            requests[-1] += [(one.function, "error" in result) for one, result in pairs]
        assert requests[0][-1][0] == plan.stratum["function"]
        for request in requests:
            assert not request[-1][1], "the last call of a request succeeds"
            failed = [n for n, (_, is_error) in enumerate(request) if is_error]
            # An error is on purpose: what mends it and the same call again follow.
            assert all(request[n][0] == request[n + 2][0] for n in failed), request


def test_messages_hide_the_steps_that_find_things() -> None:
    patterns = Patterns(lending())
    hidden = 0
    for plan in planned().plans[:100]:
        said = dialogue.write(plan, patterns)
        for written, turn in zip(said, user_turns(plan), strict=True):
            for one in turn.plan.calls:
                for argument in one.said:
                    if argument.provenance == "result" and not argument.surface.startswith("that"):  # type: ignore[union-attr]
                        hidden += str(argument.value) not in written.query
                        words = written.surfaces[turn.plan.calls.index(one)][argument.slot]
                        assert words.lower() in written.query.lower()
    assert hidden > 30


def test_same_seed_same_plans_through_json_too() -> None:
    again = plans(lending(), SETTINGS, 1)
    assert again.plans == planned().plans
    assert plans(lending(), SETTINGS, 2).plans != planned().plans
    for plan in planned().plans[:50]:
        assert from_json(to_json(plan)) == plan


def test_conversations_are_of_all_kinds() -> None:
    made = planned().plans
    assert len(made) == 300 and not planned().warnings
    steps = [sum(t.act == "step" for t in plan.turns) for plan in made]
    requests = [len(user_turns(plan)) for plan in made]
    assert {0, 1, 2} <= {*steps} and {*requests} == {1, 2, 3}
    assert any("error" in result for plan in made for t in plan.turns for result in t.results)
    surfaces = {a.surface for p in made for t in p.turns for c in t.spoken for a in c.said}
    assert any(one.startswith("that ") for one in surfaces if one), "an earlier thing"
    picked = {"the longest one", "the longest of them", "the shortest one", "the shortest"}
    assert picked & surfaces, "what the words before find"
    edges = {
        (earlier.function, later.function)
        for plan in made
        for turn, after in zip(plan.turns, plan.turns[1:], strict=False)
        if turn.act in CALLING and after.act == "step"
        for earlier in turn.calls
        for later in after.calls
    }
    assert {("find_books", "list_copies"), ("list_copies", "borrow_copy"),
            ("pay_fines", "borrow_copy")} <= edges  # fmt: skip


def test_only_functions_that_are_shown_are_called() -> None:
    sets = {one.tool_set: one.functions for one in planned().tool_sets}
    for plan in planned().plans:
        called = {one.function for turn in plan.turns for one in turn.calls}
        assert called <= set(sets[plan.tool_set])


def test_what_is_held_out_is_neither_called_nor_shown() -> None:
    pack = replace(lending(), held_out=frozenset({"show_loans"}))
    made = plans(pack, replace(SETTINGS, rows=60), 3)
    assert all("show_loans" not in one.functions for one in made.tool_sets)
    assert "show_loans" not in {c.function for p in made.plans for t in p.turns for c in t.calls}


def test_a_function_that_the_world_cannot_do_is_given_up() -> None:
    world = lending().worlds["lending"]
    never = replace(
        world.functions["show_loans"],
        requires=(world.functions["pay_fines"].requires[0].model_copy(update={"holds": "0"}),),
    )
    functions = {**world.functions, "show_loans": never}
    pack = replace(lending(), worlds={"lending": replace(world, functions=functions)})
    made = plans(pack, replace(SETTINGS, rows=40), 3)
    assert {one.stratum["function"] for one in made.plans} == {*functions} - {"show_loans"}
    (warning,) = made.warnings
    assert "show_loans: 0 conversations could be done" in warning


def test_other_scenarios_leave_functions_of_worlds_alone() -> None:
    population = lending().population.model_copy(update={"scenarios": {"single": 1.0}})
    with pytest.raises(packs.InputError, match="none of"):
        plans(replace(lending(), population=population), SETTINGS, 1)


def test_references_mean_one_row() -> None:
    import random

    pack: Pack = lending()
    options = references(pack, "find_books", "book_id", "en")
    assert {(one.has_pick, tuple(sorted(one.columns))) for one in options} == {
        (True, ()), (False, ("title",)),
    }  # fmt: skip
    rows = [
        {"book_id": 1, "title": "A", "pages": 90}, {"book_id": 2, "title": "B", "pages": 200},
        {"book_id": 3, "title": "B", "pages": 200},
    ]  # fmt: skip
    by_pick = next(one for one in options if one.has_pick)
    by_title = next(one for one in options if not one.has_pick)
    picks = {"pages": {"largest": ("longest",), "smallest": ("shortest",)}}
    rng = random.Random(0)
    found = meant(by_pick, rows, picks, "en", TODAY, rng)
    assert [(one.row["book_id"], one.words) for one in found] == [(1, {"pick": "shortest"})]
    found = meant(by_title, rows, picks, "en", TODAY, rng)
    assert [(one.row["book_id"], one.words) for one in found] == [(1, {"title": "A"})]
    assert meant(by_pick, rows[:1], picks, "en", TODAY, rng) == []


def test_a_whole_world_can_be_held_out(tmp_path: object) -> None:
    from stages.core.pack_files import PackFile
    from stages.core.pack_keys import held_out

    file = PackFile(name="x", held_out=["lending"])
    with pytest.raises(packs.InputError, match="all functions"):
        held_out(file, lending().catalogue, lending().worlds, LENDING)
    with pytest.raises(packs.InputError, match="no world"):
        held_out(PackFile(name="x", held_out=["nowhere"]), lending().catalogue, {}, LENDING)
