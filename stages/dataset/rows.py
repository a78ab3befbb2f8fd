"""The checks over whole tables: every row leaves with the check that refused it, or with none."""

from __future__ import annotations

import polars as pl

from stages.checks import Verdict, judged
from stages.checks.seals import seals
from stages.core.command import InputError
from stages.core.domain import Domain
from stages.core.parallel import over_rows
from stages.core.tables import ROUTES
from stages.dataset import columns, duplicates
from stages.dataset.contamination import Golden

# Of two alike the scarcer route's is kept.
PRIORITY = {route: place for place, route in enumerate(reversed(ROUTES))}
SAID = dict.fromkeys(Verdict._fields, pl.String) | {"position": pl.Float64}


def joined(requests: pl.DataFrame, candidates: pl.DataFrame) -> pl.DataFrame:
    """Candidates with their requests, in priority order; raises InputError for an unknown one."""
    # The order is found in few columns, so that the wide rows are copied once.
    keys = candidates.select("request_id", "n").with_row_index("candidate")
    told = requests.select("request_id", "route", "rank").with_row_index("request")
    keys = keys.join(told, on="request_id", how="left")
    strangers = keys.filter(pl.col("request").is_null())["request_id"]
    if len(strangers):
        raise InputError(
            f"data/generated: {len(strangers)} candidates belong to no request in "
            f"data/routed/requests.parquet, first {strangers[0]!r}: run `dvc repro`"
        )
    order = pl.col("route").replace_strict(PRIORITY, return_dtype=pl.Int64)
    keys = keys.sort(order, "rank", "request_id", "n").select("candidate", "request")
    asked = requests.drop("request_id")[keys["request"]]
    return candidates[keys["candidate"]].hstack(asked)


def checked(
    frame: pl.DataFrame, domain: Domain, min_grounding: float, golden: Golden
) -> pl.DataFrame:
    """`frame` with `row` (its number), `text` (the normalized query), `check` and `reason`, both
    null where a row passes, the labels of those that do, and `again`, whether it was judged here.

    What the generate stage refused stays refused: it alone saw the prompt. What it accepted is
    judged again where its seal is broken.
    """
    refusal = pl.when(pl.col("reason") != "").then("reason").otherwise(pl.lit("refused"))
    parts = refusal.str.splitn(": ", 2).struct
    check, reason = parts.field("field_0"), parts.field("field_1").replace("", None)
    frame = frame.with_row_index("row").with_columns(
        text=columns.normalize(frame["query"]),
        check=pl.when(~pl.col("accepted")).then(check),
        reason=pl.when(~pl.col("accepted")).then(pl.coalesce(reason, check)),
        again=pl.col("accepted") & (pl.col("seal") != seals(frame, domain)),
    )
    again = frame.filter("again").drop(Verdict._fields)
    if again.height:
        verdicts = over_rows(_judged, again, domain, min_grounding)
        told = again.hstack(pl.DataFrame(verdicts, schema=SAID, orient="row"))
        frame = pl.concat([frame.filter(~pl.col("again")), told.select(frame.columns)]).sort("row")
    passing = frame.filter(pl.col("check").is_null())
    copied = golden.reasons(passing["text"])
    rows = passing.filter(copied.is_not_null())["row"]
    return mark(frame, rows, "golden", copied.drop_nulls().to_list())


def _judged(part: pl.DataFrame, domain: Domain, min_grounding: float) -> list[Verdict]:
    return [
        judged(row["query"], row, domain, min_grounding=min_grounding)
        for row in part.iter_rows(named=True)
    ]


def mark(frame: pl.DataFrame, numbers: pl.Series, check: str, reasons: list[str]) -> pl.DataFrame:
    """Set `check` and `reason` of the rows with these numbers. frame: of `checked`, all rows."""
    return frame.with_columns(
        check=frame["check"].scatter(numbers, check),
        reason=frame["reason"].scatter(numbers, reasons),
    )


def deduplicated(frame: pl.DataFrame, threshold: float, seed: int) -> pl.DataFrame:
    """Refuse what repeats an earlier passing row, exactly or nearly; frame in priority order."""
    passing = frame.filter(pl.col("check").is_null()).select("row", "query", "text")
    again = pl.Series(duplicates.exact(passing["text"]))
    twice = passing.filter(again)["row"]
    frame = mark(frame, twice, "duplicate", ["stands in the dataset already"] * len(twice))
    passing = passing.filter(~again)
    of = pl.Series(duplicates.near(passing["text"], threshold, seed))
    near = passing.filter(of >= 0)["row"]
    originals = passing["query"].gather(of.filter(of >= 0))
    return mark(frame, near, "near_duplicate", [f"nearly repeats {q!r}" for q in originals])
