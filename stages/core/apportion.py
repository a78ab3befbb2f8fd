"""Exact apportionment of a whole number over real-valued shares."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def apportion(total: int, shares: ArrayLike) -> NDArray[np.int64]:
    """Split `total` over `shares` (any scale, >= 0): largest remainders (Hamilton's method).

    Each part is within one of its real-valued quota and the sum is exactly `total`. Ties go to the
    earlier part. Raises ValueError if a share is negative or all are zero.
    """
    weights = np.asarray(shares, dtype=float)
    if weights.size == 0 or not np.all(np.isfinite(weights)) or (weights < 0).any():
        raise ValueError(f"shares must be finite and not negative: {weights.tolist()}")
    if weights.sum() == 0:
        raise ValueError("all shares are zero")
    quotas = total * (weights / weights.sum())
    parts = np.floor(quotas + 1e-9).astype(np.int64)
    rest = total - int(parts.sum())
    order = np.argsort(-(quotas - parts), kind="stable")
    parts[order[:rest]] += 1
    return parts
