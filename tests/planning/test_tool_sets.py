"""Tool sets: sizes, balance, what lies near, what is left out."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from stages.core.catalogue import Catalogue, from_tools
from stages.planning.tool_sets import ALIKE, FIRST_SHARE, TEMPTING_SHARE, similarity, tool_sets


def catalogue(n: int) -> Catalogue:
    return from_tools([{"name": f"do_{i}_{'ab'[i % 2]}x", "parameters": {}} for i in range(n)])


@pytest.mark.parametrize("n", [9, 40, 300])
def test_sets_of_a_large_catalogue(n: int) -> None:
    made = tool_sets(catalogue(n), 1, count=60, shown=(4, 8))
    assert len(made.sets) == max(60, n)
    counted: Counter[str] = Counter()
    for one in made.sets:
        assert len(set(one.functions)) == len(one.functions)
        assert 4 <= len(one.functions) <= 8 and one.today is None
        counted.update(one.functions)
    firsts = Counter(one.functions[0] for one in made.sets)
    assert len(firsts) == n and max(firsts.values()) - min(firsts.values()) <= 1
    for name in counted:
        assert all(name in made.sets[i].functions for i in made.for_plan(name, True))
        assert made.for_plan(name, False)
        assert all(name not in made.sets[i].functions for i in made.for_plan(name, False))
    assert made.for_plan("", False) == tuple(range(len(made.sets)))
    again = tool_sets(catalogue(n), 1, count=60, shown=(4, 8))
    assert again == made


def test_each_function_is_in_a_set_of_the_size_that_is_asked_for() -> None:
    made = tool_sets(catalogue(40), 1, count=40, shown=(1, 2), together=2)
    plain = tool_sets(catalogue(40), 1, count=40, shown=(1, 2))
    assert made.sets[: len(plain.sets)] == plain.sets
    assert min(len(one.functions) for one in plain.sets) == 1
    paired = {name for one in made.sets if len(one.functions) > 1 for name in one.functions}
    assert paired == set(catalogue(40).names)


@pytest.mark.parametrize("n", [1, 2, 5])
def test_a_small_catalogue_is_shown_whole(n: int) -> None:
    names = frozenset(catalogue(n).names)
    made = tool_sets(catalogue(n), 1, count=60, shown=(8, 24), dated=names)
    assert set(made.sets[0].functions) == names
    assert all(one.today and one.today[:2] == "20" for one in made.sets)
    assert len(made.sets) == (1 if n == 1 else n + 1)
    for name in names:
        assert all(name not in made.sets[i].functions for i in made.for_plan(name, False))


def test_a_plan_is_mostly_about_the_first_function_that_its_set_shows() -> None:
    made = tool_sets(catalogue(40), 1, count=160, shown=(4, 8))
    for name in catalogue(40).names:
        indexes = made.for_plan(name, True)
        share = sum(made.sets[i].functions[0] == name for i in indexes) / len(indexes)
        assert abs(share - FIRST_SHARE) < 0.12


def test_half_of_the_sets_that_lack_a_function_show_one_that_is_near() -> None:
    tools = [{"name": f"topic{i // 4}_{i}x_{i}y", "parameters": {}} for i in range(80)]
    made = tool_sets(from_tools(tools), 3, count=100, shown=(2, 5))
    for name in from_tools(tools).names:
        topic, indexes = name.split("_")[0], made.for_plan(name, False)
        assert all(name not in made.sets[i].functions for i in indexes)
        near = [any(f.split("_")[0] == topic for f in made.sets[i].functions) for i in indexes]
        assert TEMPTING_SHARE - 0.1 < sum(near) / len(near) < TEMPTING_SHARE + 0.15


def test_no_set_that_lacks_a_function_shows_its_like() -> None:
    made = tool_sets(catalogue(40), 1, count=60, shown=(4, 8))
    alike = similarity(catalogue(40).functions)
    names = catalogue(40).names
    for name, likeness in zip(names, alike, strict=True):
        shown = {f for i in made.for_plan(name, False) for f in made.sets[i].functions}
        assert not any(likeness[names.index(other)] >= ALIKE for other in shown)


PAIRS = [
    ("book_table", "Book a table at a restaurant."),
    ("reserve_restaurant_table", "Book a table at a restaurant."),
    ("play_music", "Play a song."),
    ("pause_music", "Pause the song that plays."),
    ("get_weather", "The weather forecast of a city."),
]


def test_near_functions_are_near() -> None:
    found = from_tools([{"name": n, "description": d, "parameters": {}} for n, d in PAIRS])
    near = similarity(found.functions)
    assert np.allclose(np.diag(near), 1)
    assert near[0, 1] > 0.5 > near[0, 4] and near[2, 3] > near[2, 4]


def test_sets_hold_near_functions_together() -> None:
    tools = [{"name": f"topic{i // 4}_{'abcd'[i % 4]}z", "parameters": {}} for i in range(80)]
    made = tool_sets(from_tools(tools), 3, count=100, shown=(6, 6))
    pairs = sum(
        len(one.functions) - len({name.split("_")[0] for name in one.functions})
        for one in made.sets
    )
    # Six random ones of 80 hold about 0.2 pairs of a topic.
    assert pairs / len(made.sets) > 0.8
