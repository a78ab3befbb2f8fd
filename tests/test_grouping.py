"""Which rows share a step where there are several tool sets."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from stages.training import grouping

GROUPS = st.lists(st.integers(0, 6), min_size=1, max_size=80)


@given(GROUPS, st.integers(1, 9), st.integers(0, 5))
def test_every_row_once_and_as_few_groups_as_can_be(
    groups: list[int], batch: int, seed: int
) -> None:
    order = grouping.order(groups, batch, np.random.default_rng(seed))
    assert sorted(order) == list(range(len(groups)))
    batches = [order[n : n + batch] for n in range(0, len(order), batch)]
    mixed = sum(len({groups[n] for n in rows}) > 1 for rows in batches)
    rests = sum(groups.count(group) % batch for group in set(groups))
    assert mixed <= -(-rests // batch)


@given(GROUPS, st.integers(1, 9), st.integers(0, 5), st.data())
def test_no_pass_has_more_groups_than_were_counted(
    groups: list[int], batch: int, seed: int, data: st.DataObject
) -> None:
    rows = data.draw(st.sampled_from([n for n in range(1, batch + 1) if batch % n == 0]))
    placed = [groups[n] for n in grouping.order(groups, batch, np.random.default_rng(seed))]
    most = grouping.most_groups(groups, batch, rows)
    assert max(len({*placed[n : n + rows]}) for n in range(0, len(placed), rows)) <= most


def test_the_order_is_the_epochs() -> None:
    sampler = grouping.Grouped([0, 1] * 20, 4, seed=3)
    first, again = list(sampler), list(sampler)
    sampler.set_epoch(1)
    assert first == again and len(sampler) == 40
    assert sorted(first) == sorted(sampler) and first != list(sampler)
