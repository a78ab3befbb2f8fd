"""What the verdicts of people and of the judge mean for the choice of candidates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import polars as pl

from stages.core.tables import DOUBTFUL, REFUSED
from stages.core.verdicts import Verdict, digest, sample_id

JUDGE, HUMAN = "judge", "human"
SCORES = ("faithful", "satisfying", "compliant")
WITHOUT_NOTE = "a person says that it is wrong"


def reviewed(
    frame: pl.DataFrame, verdicts: Mapping[str, Verdict]
) -> tuple[pl.DataFrame, dict[str, int]]:
    """The candidates with what people said of them in the column `human`; a wrong one that no check
    refused has `check` and `reason`, too. And how many verdicts there are of each kind, with those
    that are of no candidate. The frame as it is, and no counts, where nobody said anything.

    frame: columns plan_id, n, messages, check, reason.
    """
    if not verdicts:
        return frame, {}
    counts = Counter({"right": 0, "wrong": 0, "unsure": 0, "unmatched": len(verdicts)})
    human, check, reason = [], frame["check"].to_list(), frame["reason"].to_list()
    for row, (plan_id, n, messages) in enumerate(frame.select("plan_id", "n", "messages").rows()):
        verdict = verdicts.get(sample_id(plan_id, n))
        if verdict and verdict.digest not in (None, digest(messages)):
            verdict = None
        human.append(verdict and verdict.verdict)
        if verdict is None:
            continue
        counts.update({verdict.verdict: 1, "unmatched": -1})
        if verdict.verdict == "wrong" and check[row] is None:
            check[row], reason[row] = HUMAN, verdict.note or WITHOUT_NOTE
    return frame.with_columns(
        human=pl.Series(human, dtype=pl.String),
        check=pl.Series(check, dtype=pl.String),
        reason=pl.Series(reason, dtype=pl.String),
    ), dict(counts)


def judged(frame: pl.DataFrame, judgments: pl.DataFrame) -> pl.DataFrame:
    """The candidates with the judge's verdict: a refused one has `check` and `reason`, the others
    a `standing`, by which they are taken, and come in its order: 0 for what people found right,
    whatever the judge says, 1 for the best of its plan and for what was not judged, 2 for another
    good one of a plan, 3 for a doubtful one. The frame as it is where nobody judged and nobody
    reviewed.

    frame: columns plan_id, n, check, reason, in the order of preference, and human, as `reviewed`
    gives it; judgments: of Judgments.
    """
    is_reviewed = "human" in frame.columns
    if judgments.is_empty() and not is_reviewed:
        return frame
    scored = judgments.select("plan_id", "n", "verdict", "mean", *SCORES)
    frame = frame.join(scored, ["plan_id", "n"], "left", maintain_order="left")
    human = pl.col("human") if is_reviewed else pl.lit(None, dtype=pl.String)
    right, is_open = human.eq_missing("right"), pl.col("check").is_null()
    refused = is_open & ~right & pl.col("verdict").eq_missing(REFUSED)
    told = pl.format(", ".join(f"{name} {{}}" for name in SCORES), *SCORES)
    frame = frame.with_columns(
        check=pl.when(refused).then(pl.lit(JUDGE)).otherwise("check"),
        reason=pl.when(refused).then(told).otherwise("reason"),
    )
    # Of equal means the first of the plan.
    value = pl.when(right).then(2).otherwise(pl.col("mean").fill_null(-1))
    value = pl.when(is_open).then(value).otherwise(-2)
    best = value.rank("ordinal", descending=True).over("plan_id") == 1
    doubtful, alone = pl.col("verdict").eq_missing(DOUBTFUL), pl.col("mean").is_null()
    standing = pl.when(right).then(0).when(doubtful).then(3).when(best | alone).then(1).otherwise(2)
    frame = frame.with_columns(standing=standing)
    return frame.sort("standing", maintain_order=True).drop("verdict", "mean", *SCORES)


def tiers(rows: list[int], standing: list[int] | None) -> list[list[int]]:
    """The rows of each standing, the better first; all of them where there is none."""
    if standing is None:
        return [rows]
    parts: dict[int, list[int]] = {}
    for row in rows:
        parts.setdefault(standing[row], []).append(row)
    return [parts[key] for key in sorted(parts)]
