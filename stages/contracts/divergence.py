"""How far apart two distributions over the same names are."""

from __future__ import annotations

from math import log

import numpy as np
from numpy.typing import ArrayLike


def js_bits(p: ArrayLike, q: ArrayLike) -> float:
    """Jensen-Shannon divergence in bits, 0..1 (Lin 1991); weights of any scale, not all zero.

    Not scipy's jensenshannon: it is NaN where rounding makes nearly equal ones a hair negative.
    """
    from scipy.special import rel_entr

    first, second = (np.asarray(side, dtype=float) for side in (p, q))
    first, second = first / first.sum(), second / second.sum()
    middle = (first + second) / 2
    return max(0.0, float((rel_entr(first, middle) + rel_entr(second, middle)).sum() / log(4)))
