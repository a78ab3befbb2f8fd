"""Contamination: a candidate that coincides with a golden query must not be trained on.

The golden set is for scoring. Here it only takes candidates away: nothing is made from it.
"""

from __future__ import annotations

import polars as pl

from stages.core.runs import RUN, Runs


def reasons(texts: pl.Series, golden: Runs) -> pl.Series:
    """Why each text must not be in the dataset, or null. texts: normalized."""
    copied = pl.Series(golden.longest_runs(texts) >= RUN)
    return pl.select(
        pl.when(texts.is_in(golden.texts.implode()))
        .then(pl.lit("is a golden query"))
        .when(copied)
        .then(pl.lit(f"shares {RUN} words in a row with a golden query"))
    ).to_series()
