"""Fitting of joint shares, and quotas."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.core.command import InputError
from stages.core.strata import Stratum, from_record, neighbours
from stages.planning.dimensions import Dimension, Marginal, fit
from stages.planning.strata import quotas

SHARES = st.lists(st.floats(0.05, 1), min_size=2, max_size=4)


def dimensions(*sizes: int) -> list[Dimension]:
    return [
        Dimension(f"d{axis}", tuple(f"v{i}" for i in range(size)))
        for axis, size in enumerate(sizes)
    ]


@given(SHARES, SHARES, SHARES, st.integers(0, 2**32 - 1))
def test_all_marginals_are_met(a: list[float], b: list[float], c: list[float], seed: int) -> None:
    given_ = [np.array(values) / sum(values) for values in (a, b, c)]
    sizes = [len(values) for values in given_]
    affinity = np.random.default_rng(seed).uniform(0.1, 10, sizes)
    marginals = [Marginal((axis,), shares) for axis, shares in enumerate(given_)]
    table = fit(affinity, marginals, dimensions(*sizes))
    for axis, shares in enumerate(given_):
        others = tuple(other for other in range(3) if other != axis)
        assert np.allclose(table.sum(axis=others), shares, atol=1e-6)
    # Nearest in relative entropy: what the affinity says of pairs of pairs is kept.
    odds = table[0, 0] * table[1, 1] / (table[0, 1] * table[1, 0])
    wanted = affinity[0, 0] * affinity[1, 1] / (affinity[0, 1] * affinity[1, 0])
    assert np.allclose(odds, wanted, rtol=1e-4)


def test_joint_marginals_and_zeros() -> None:
    joint = np.array([[0.5, 0.1], [0.0, 0.4]])
    affinity = np.ones((2, 2, 2)) * (joint > 0)[:, :, None]
    affinity[0, 0, 1] = 0
    marginals = [Marginal((0, 1), joint), Marginal((2,), np.array([0.7, 0.3]))]
    table = fit(affinity, marginals, dimensions(2, 2, 2))
    assert np.allclose(table.sum(axis=2), joint)
    assert table[0, 0, 1] == 0 and table[1, 0].sum() == 0


def test_a_clash_is_named() -> None:
    affinity = np.array([[1.0, 0.0], [0.0, 1.0]])
    marginals = [Marginal((0,), np.array([0.5, 0.5])), Marginal((1,), np.array([0.9, 0.1]))]
    with pytest.raises(InputError, match=r"d\d 'v\d' has the share"):
        fit(affinity, marginals, dimensions(2, 2))
    with pytest.raises(InputError, match="combinations, at most"):
        fit(np.ones((3000, 2000)), [], dimensions(3000, 2000))


def stratum(share: float = 0.1, **values: Any) -> Stratum:
    base = {"scenario": "single", "function": "f", "locale": "en", "band": "1-4"}
    high = int(str(values.get("band", "1-4")).split("-")[1])
    return Stratum({**base, **values}, share, high - 3, high)


@given(st.lists(st.floats(0.001, 1), min_size=1, max_size=30), st.integers(30, 500))
def test_quotas_are_exact(shares: list[float], rows: int) -> None:
    found = quotas(
        [stratum(share) for share in shares], rows, 1, lambda _: {"heuristic": 3, "text": 1}
    )[0]
    assert sum(one.quota for one in found) == rows and min(one.quota for one in found) >= 1
    assert all(sum(one.routes.values()) == one.quota for one in found)
    free = quotas(
        [stratum(share) for share in shares], rows, 0, lambda _: {"heuristic": 1, "text": 0}
    )[0]
    assert sum(one.quota for one in free) == rows
    assert {route for one in free for route in one.routes} == {"heuristic"}


def test_quotas_refuse_what_cannot_be() -> None:
    with pytest.raises(InputError, match="cannot give 2"):
        quotas([stratum(), stratum()], 3, 2, lambda _: {"text": 1})
    with pytest.raises(InputError, match="no stratum can be written"):
        quotas([stratum()], 3, 0, lambda _: {"text": 0})


def test_neighbours_are_of_the_same_function_and_nearest_first() -> None:
    found = [
        stratum(room=""),
        stratum(room="", band="9-12"),
        stratum(room="", band="5-8"),
        stratum(room="big"),
        stratum(room="", locale="de"),
        stratum(room="", function="g"),
        stratum(room="", scenario="no_call"),
    ]
    assert neighbours(found)[0] == [2, 1, 3, 4]
    assert neighbours(found)[5] == [] == neighbours(found)[6]
    assert [from_record(one.to_record()) for one in found] == found
