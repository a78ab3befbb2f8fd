"""How far apart two distributions over the same names are."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike


def js_bits(p: ArrayLike, q: ArrayLike) -> float:
    """Jensen-Shannon divergence in bits, 0..1 (Lin 1991); weights of any scale, not all zero.

    Not scipy's jensenshannon: it is NaN where rounding makes nearly equal ones a hair negative.
    """
    first, second = (np.asarray(side, dtype=float) for side in (p, q))
    first, second = first / first.sum(), second / second.sum()
    middle = (first + second) / 2
    bits = sum(
        (side[side > 0] * np.log2(side[side > 0] / middle[side > 0])).sum()
        for side in (first, second)
    )
    return max(0.0, float(bits) / 2)
