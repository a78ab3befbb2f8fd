"""The split: whole groups go to one side, so that no content item, and nothing that is meant, is
seen in training and validation.
"""

from __future__ import annotations

from hashlib import blake2b

import polars as pl


def groups(frame: pl.DataFrame) -> pl.Series:
    """A row's group: its content item, and with it every row that shares one of its items; without
    any what it means; where rows of different words mean the same, its concepts, or itself.

    frame: columns asset_ids, node_ids, plan_id, meant and derived, whether it has a value that is
    taken from the words.
    """
    together: dict[str, str] = {}

    def root(item: str) -> str:
        while together.setdefault(item, item) != item:
            item = together[item]
        return item

    for items in frame["asset_ids"]:
        for other in items[1:]:
            together[root(other)] = root(items[0])
    named = [f"item {root(one[0])}" if len(one) else None for one in frame["asset_ids"]]
    nodes = pl.col("node_ids").list
    return frame.select(
        pl.coalesce(
            pl.Series(named, dtype=pl.String),
            pl.when(~pl.col("derived")).then(pl.format("meaning {}", "meant")),
            pl.when(nodes.len() > 0).then(pl.format("nodes {}", nodes.sort().list.join(" "))),
            pl.format("plan {}", "plan_id"),
        ).alias("group")
    ).to_series()


def validation(group: pl.Series, share: float, seed: int) -> pl.Series:
    """Mask of the validation rows: groups in seeded hash order while they fit into share x rows.

    A group too large for the rest of the budget is skipped. If no group fits, the smallest of
    several is taken.
    """
    counted = group.alias("group").to_frame().group_by("group").len().sort("group")
    salt = str(seed).encode()
    digests = [blake2b(g.encode(), digest_size=8, key=salt[:64]).digest() for g in counted["group"]]
    counted = counted.with_columns(order=pl.Series(digests)).sort("order", "group")
    budget = max(1, round(share * group.len())) if counted.height > 1 else 0
    selected, used = [], 0
    for name, n in counted.select("group", "len").iter_rows():
        if used + n <= budget:
            selected.append(name)
            used += n
        if used == budget:
            break
    if budget and not selected:
        selected = [counted.sort("len", maintain_order=True)["group"][0]]
    return group.is_in(selected).alias("validation")
