"""The split: whole groups go to one side, so that no asset is seen in training and validation."""

from __future__ import annotations

from hashlib import blake2b

import polars as pl


def groups(frame: pl.DataFrame) -> pl.Series:
    """A row's group: its asset; without one its concepts; without any itself.

    frame: columns asset_id, node_ids, request_id.
    """
    return frame.select(
        pl.when(pl.col("asset_id").is_not_null())
        .then(pl.format("asset {}", "asset_id"))
        .when(pl.col("node_ids").list.len() > 0)
        .then(pl.format("nodes {}", pl.col("node_ids").list.sort().list.join(" ")))
        .otherwise(pl.format("request {}", "request_id"))
        .alias("group")
    ).to_series()


def validation(group: pl.Series, share: float, seed: int) -> pl.Series:
    """Mask of the validation rows: groups in seeded hash order while they fit into share x rows.

    A group too large for what is left is passed over. If that leaves none of several, the smallest
    is taken.
    """
    counted = group.alias("group").to_frame().group_by("group").len().sort("group")
    salt = str(seed).encode()
    digests = [blake2b(g.encode(), digest_size=8, key=salt[:64]).digest() for g in counted["group"]]
    counted = counted.with_columns(order=pl.Series(digests)).sort("order", "group")
    budget = max(1, round(share * group.len())) if counted.height > 1 else 0
    chosen, used = [], 0
    for name, n in counted.select("group", "len").iter_rows():
        if used + n <= budget:
            chosen.append(name)
            used += n
        if used == budget:
            break
    if budget and not chosen:
        chosen = [counted.sort("len", maintain_order=True)["group"][0]]
    return group.is_in(chosen).alias("validation")
