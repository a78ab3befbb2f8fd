"""What the judge's verdicts mean for the choice of candidates."""

from __future__ import annotations

import polars as pl

from stages.core.tables import DOUBTFUL, REFUSED

CHECK = "judge"
SCORES = ("faithful", "satisfying", "compliant")


def judged(frame: pl.DataFrame, judgments: pl.DataFrame) -> pl.DataFrame:
    """The candidates with the judge's verdict: a refused one has `check` and `reason`, the others
    a `standing`, by which they are taken, and come in its order: 1 for the best of its plan, 2 for
    another good one of a plan, 3 for a doubtful one. The frame as it is where nobody judged.

    frame: columns plan_id, n, check, reason, in the order of preference; judgments: of Judgments.
    """
    if judgments.is_empty():
        return frame
    scored = judgments.select("plan_id", "n", "verdict", "mean", *SCORES)
    frame = frame.join(scored, ["plan_id", "n"], "left", maintain_order="left")
    is_open = pl.col("check").is_null()
    refused = is_open & pl.col("verdict").eq_missing(REFUSED)
    told = pl.format(", ".join(f"{name} {{}}" for name in SCORES), *SCORES)
    frame = frame.with_columns(
        check=pl.when(refused).then(pl.lit(CHECK)).otherwise("check"),
        reason=pl.when(refused).then(told).otherwise("reason"),
    )
    # Of equal scores the first of the plan.
    score = pl.when(is_open).then(pl.col("mean").fill_null(-1)).otherwise(-2)
    best = score.rank("ordinal", descending=True).over("plan_id") == 1
    standing = pl.when(pl.col("verdict").eq_missing(DOUBTFUL)).then(3).when(best).then(1)
    frame = frame.with_columns(standing=standing.otherwise(2))
    return frame.sort("standing", maintain_order=True).drop("verdict", "mean", *SCORES)


def tiers(rows: list[int], standing: list[int] | None) -> list[list[int]]:
    """The rows of each standing, the better first; all of them where there is none."""
    if standing is None:
        return [rows]
    parts: dict[int, list[int]] = {}
    for row in rows:
        parts.setdefault(standing[row], []).append(row)
    return [parts[key] for key in sorted(parts)]
