"""Which rows share a step where rows begin with different prefixes, one per tool set.

A shared prefix saves its tokens only where rows with it stand in the same pass. So a batch has rows
of one prefix as far as there are enough; what is left of the prefixes shares batches, the largest
rests first.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterator, Sequence

import numpy as np
from torch.utils.data import Sampler

from stages.training.tokens import Row


def prefixes(rows: Sequence[Row]) -> list[int]:
    """The number of each row's prefix, from 0 in the order in which they appear."""
    numbers: dict[Hashable, int] = {}
    return [
        numbers.setdefault(tuple(row.input_ids[: row.prefix_length]), len(numbers)) for row in rows
    ]


def order(groups: Sequence[int], batch: int, rng: np.random.Generator | None) -> list[int]:
    """Positions of all rows, each once, such that every `batch` of them in turn has few groups.

    groups: the number of each row's prefix. Without `rng` nothing is shuffled. How many groups
    stand in a batch depends on the groups' sizes alone.
    """
    members: dict[int, list[int]] = defaultdict(list)
    for position, group in enumerate(groups):
        members[group].append(position)
    numbers = sorted(members)
    if rng is not None:
        numbers = list(rng.permutation(numbers))
    whole: list[list[int]] = []
    rests: list[list[int]] = []
    for number in numbers:
        rows = members[number]
        if rng is not None:
            rows = [rows[n] for n in rng.permutation(len(rows))]
        full = len(rows) - len(rows) % batch
        whole += [rows[start : start + batch] for start in range(0, full, batch)]
        rests.append(rows[full:])
    mixed = [row for rest in sorted(rests, key=len, reverse=True) for row in rest]
    whole += [mixed[start : start + batch] for start in range(0, len(mixed), batch)]
    short = whole.pop() if len(mixed) % batch else []
    if rng is not None:
        whole = [whole[n] for n in rng.permutation(len(whole))]
    return [row for rows in whole for row in rows] + short


def most_groups(groups: Sequence[int], batch: int, rows: int) -> int:
    """The most groups among any `rows` rows that follow one another in `order`, counted from a
    multiple of `rows`.
    """
    placed = [groups[n] for n in order(groups, batch, None)]
    return max(len({*placed[n : n + rows]}) for n in range(0, len(placed), rows))


class Grouped(Sampler[int]):
    """Draws the rows of an epoch in `order`; the same for the same seed and epoch."""

    def __init__(self, groups: Sequence[int], batch: int, seed: int) -> None:
        self.groups, self.batch, self.seed, self.epoch = groups, batch, seed, 0

    def set_epoch(self, epoch: int) -> None:
        """Called by the data loader before each epoch, also of a run that is resumed."""
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.groups)

    def __iter__(self) -> Iterator[int]:
        return iter(order(self.groups, self.batch, np.random.default_rng([self.seed, self.epoch])))
