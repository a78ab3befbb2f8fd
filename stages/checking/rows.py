"""The checks over whole tables: every row leaves with the check that refused it, or with none."""

from __future__ import annotations

import polars as pl

from stages.checking import duplicates, first_reason
from stages.checking.contamination import Golden
from stages.checking.parallel import over_rows
from stages.checking.phrases import type_position
from stages.contracts.command import InputError
from stages.contracts.domain import Domain
from stages.contracts.tables import ROUTES

# Of two alike the scarcer route's is kept.
PRIORITY = {route: place for place, route in enumerate(reversed(ROUTES))}
TOLD = {"check": pl.String, "reason": pl.String, "position": pl.Float64}


def joined(requests: pl.DataFrame, candidates: pl.DataFrame) -> pl.DataFrame:
    """Candidates with their requests, in priority order; raises InputError for an unknown one."""
    strangers = candidates.join(requests, on="request_id", how="anti")
    if strangers.height:
        raise InputError(
            f"data/generated: {strangers.height} candidates belong to no request in "
            f"data/routed/requests.parquet, first {strangers['request_id'][0]!r}: run `dvc repro`"
        )
    order = pl.col("route").replace_strict(PRIORITY, return_dtype=pl.Int64)
    return candidates.join(requests, on="request_id").sort(order, "rank", "request_id", "n")


def checked(
    frame: pl.DataFrame, domain: Domain, min_grounding: float, golden: Golden
) -> pl.DataFrame:
    """`frame` with `row` (its number), `check` and `reason`, both null where a row passes, and
    `position`, where a row that passes names its type (`type_position`).

    What the generate stage refused stays refused: it alone saw the prompt.
    """
    found = over_rows(_objections, frame, domain, min_grounding, golden)
    told = pl.DataFrame(found, schema=TOLD, orient="row")
    return frame.drop("reason").hstack(told).with_row_index("row")


def _objections(
    part: pl.DataFrame, domain: Domain, min_grounding: float, golden: Golden
) -> list[tuple[str | None, str | None, float | None]]:
    """(check, reason, position) of each row."""
    found: list[tuple[str | None, str | None, float | None]] = []
    for row in part.iter_rows(named=True):
        query = row["query"]
        if row["accepted"]:
            refused = first_reason(query, row, domain, min_grounding=min_grounding)
            if refused is None and (copied := golden.reason(query)):
                refused = ("golden", copied)
        else:
            check, _, reason = (row["reason"] or "refused").partition(": ")
            refused = (check, reason or check)
        if refused is None:
            found.append((None, None, type_position(query, row["content_type"], domain)))
        else:
            found.append((*refused, None))
    return found


def mark(frame: pl.DataFrame, numbers: pl.Series, check: str, reasons: list[str]) -> pl.DataFrame:
    """Set `check` and `reason` of the rows with these numbers (column `row`)."""
    marks = pl.DataFrame(
        {"row": numbers, "c": [check] * len(numbers), "r": reasons},
        schema={"row": pl.UInt32, "c": pl.String, "r": pl.String},
    )
    return (
        frame.join(marks, on="row", how="left", maintain_order="left")
        .with_columns(check=pl.coalesce("check", "c"), reason=pl.coalesce("reason", "r"))
        .drop("c", "r")
    )


def deduplicated(frame: pl.DataFrame, threshold: float, seed: int) -> pl.DataFrame:
    """Refuse what repeats an earlier passing row, exactly or nearly; frame in priority order."""
    passing = frame.filter(pl.col("check").is_null()).select("row", "query")
    passing = passing.with_columns(text=duplicates.normalize_all(passing["query"]))
    again = pl.Series(duplicates.exact(passing["text"]))
    twice = passing.filter(again)["row"]
    frame = mark(frame, twice, "duplicate", ["stands in the dataset already"] * len(twice))
    passing = passing.filter(~again)
    of = pl.Series(duplicates.near(passing["text"], threshold, seed))
    near = passing.filter(of >= 0)["row"]
    originals = passing["query"].gather(of.filter(of >= 0))
    return mark(frame, near, "near_duplicate", [f"nearly repeats {q!r}" for q in originals])
