"""Stage `summary`: the figures that people compare, and the tables that plots are drawn from.

Command: python -m stages.summary
Reads:   metrics/{validate,finetune,evaluate}.json, metrics/finetune/loss.csv; of metrics/validate:
         dimensions/, words/, templates.csv; the names of the pack's own scores
Writes:  metrics/summary.json; in metrics/plots/: shares.csv (panel, value, accepted, target),
         words.csv (function, words, accepted, target), templates.csv (template, acceptance),
         loss.csv (step, training, validation)

The summary is all that DVC shows as metrics, so that `dvc metrics show`, `dvc metrics diff` and
`dvc exp show` fit a screen; everything else stands in the files beside it. Scores are in capitals,
for DVC sorts columns by name, capitals first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from stages.core import files
from stages.core import pack as packs
from stages.core.command import InputError, run
from stages.core.settings import load as load_settings

METRICS = Path("metrics")
VALIDATE, PLOTS = METRICS / "validate", METRICS / "plots"
# Scores of every pack -> their names here; the pack's own are named as in its pack.yaml.
FIRST, SCORES = {"function_f1": "F1"}, {"argument_f1": "ARGUMENT_F1", "exact_call": "EXACT"}
# Of a share: intervals are some hundredths wide, and a table of 120 columns has room for no more.
DIGITS = 3
# Templates with the lowest acceptance that are drawn, and candidates that one needs to be judged.
WORST, MIN_CANDIDATES = 20, 10
# Columns of the tables that a pack may have no rows for.
_ENDS = {"accepted": pl.Float64, "target": pl.Float64}
SHARES = {"panel": pl.String, "value": pl.String, **_ENDS}
WORDS = {"function": pl.String, "words": pl.Int64, **_ENDS}


def summary(
    evaluated: Mapping[str, Any], validated: Mapping[str, Any], tuned: Mapping[str, Any],
    own: Sequence[str],
) -> dict[str, float | int]:  # fmt: skip
    """The flat figures, of the files of metrics named so; what is not known is left out.

    unreadable: answers of the tuned model with calls that cannot be read; acceptance: share of the
    candidates that passed; loss: the validation loss, nats a token. own: the pack's scores.
    """
    block = evaluated.get("tuned", {})
    names = FIRST | {name: name.upper() for name in own} | SCORES
    routes = validated.get("routes", {}).values()
    candidates = sum(route["candidates"] for route in routes)
    figures: dict[str, float | int | None] = {
        **{title: block.get(name) for name, title in names.items()},
        "unreadable": sum(block["errors"].values()) if "errors" in block else None,
        "rows": validated.get("rows"),
        "acceptance": sum(route["passed"] for route in routes) / max(candidates, 1),
        "js_bits": validated.get("js_bits"),
        "loss": tuned.get("validation_loss"),
    }
    digits = {"js_bits": 6, "loss": 4}
    return {
        name: round(value, digits.get(name, DIGITS)) if isinstance(value, float) else value
        for name, value in figures.items()
        if value is not None
    }


def shares(tables: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """panel, value, accepted, target: shares of the dataset; a panel is a function, and a dimension
    where there are several. tables: of metrics/validate/dimensions, by dimension.
    """
    if not tables:
        return pl.DataFrame(schema=SHARES)
    several = len(tables) > 1
    parts = [
        table.select(
            panel=pl.format("{}, {}", "function", pl.lit(name)) if several else pl.col("function"),
            value=pl.col("value").cast(pl.String),
            accepted="accepted",
            target="target",
        )
        for name, table in tables.items()
    ]
    return pl.concat(parts).filter((pl.col("accepted") > 0) | (pl.col("target") > 0))


def words(tables: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """function, words, accepted, target: shares of the function's queries. tables: of
    metrics/validate/words, by function.
    """
    if not tables:
        return pl.DataFrame(schema=WORDS)
    parts = [
        table.select(pl.lit(name).alias("function"), "words", "accepted", "target")
        for name, table in tables.items()
    ]
    return pl.concat(parts)


def worst(templates: pl.DataFrame) -> pl.DataFrame:
    """template, acceptance, candidates, the lowest acceptance first. templates: the columns
    route, template_id, candidates and acceptance; a template of several routes is named with each.
    """
    several = pl.col("template_id").is_duplicated()
    named = pl.format("{} ({})", "template_id", "route")
    templates = templates.with_columns(
        template_id=pl.when(several).then(named).otherwise("template_id")
    )
    judged = templates.filter(pl.col("candidates") >= MIN_CANDIDATES)
    return (
        (judged if judged.height else templates)
        .sort("acceptance", "template_id")
        .head(WORST)
        .select(template="template_id", acceptance="acceptance", candidates="candidates")
    )


def losses(curve: pl.DataFrame, steps: int, validation: float | None) -> pl.DataFrame:
    """step, training, validation: nats an answer token; the validation loss is that of the end."""
    last = pl.DataFrame(
        {"step": [steps], "validation": [validation]},
        schema={"step": pl.Int64, "validation": pl.Float64},
    )
    points = curve.select("step", training="loss").join(last, "step", "full", coalesce=True)
    return points.sort("step").select("step", "training", "validation")


def tables_in(folder: Path) -> dict[str, pl.DataFrame]:
    """The tables of a folder, by name; none where the pack has no dimensions, or its population
    no lengths.
    """
    return {path.stem: table_of(path) for path in sorted(folder.glob("*.csv"))}


def table_of(path: Path) -> pl.DataFrame:
    """A table of metrics. Raises InputError where it cannot be read."""
    try:
        return pl.read_csv(path, infer_schema_length=None)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise InputError(f"{path} cannot be read ({error!s:.200}): run `dvc repro`") from None


def main() -> None:
    settings = load_settings()
    own = list(packs.load(settings.pack).metrics)
    evaluated, validated, tuned = (
        files.read_json(METRICS / f"{name}.json") for name in ("evaluate", "validate", "finetune")
    )
    value = summary(evaluated, validated, tuned, own)
    curve = table_of(METRICS / "finetune" / "loss.csv")
    plots = {
        "shares": shares(tables_in(VALIDATE / "dimensions")),
        "words": words(tables_in(VALIDATE / "words")),
        "templates": worst(table_of(VALIDATE / "templates.csv")),
        "loss": losses(curve, tuned["steps"], tuned["validation_loss"]),
    }
    for name, table in plots.items():
        with files.replacing(PLOTS / f"{name}.csv") as temporary:
            table.write_csv(temporary, float_precision=6)
    files.write_json(METRICS / "summary.json", value)
    print("summary: " + ", ".join(f"{name} {one}" for name, one in value.items()))


if __name__ == "__main__":
    run(main, __doc__)
