"""Stage `validate`: drop what repeats, select to the population, split, write the dataset.

Reads:   data/routed, data/generated; PACK/golden.jsonl
Writes:  data/dataset/{train,validation}.parquet, and the same rows as .jsonl, which `datasets` and
         TRL's SFTTrainer take as they are; data/rejected; metrics/validate.json
"""

from __future__ import annotations

import itertools
import json
from collections import Counter
from pathlib import Path

import polars as pl

from stages.core import files, pack, strata
from stages.core.command import InputError
from stages.core.divergence import js_bits
from stages.core.golden_rows import read as read_golden
from stages.core.pace import listed
from stages.core.settings import Settings
from stages.core.tables import ROUTES, Conversations, Dialogues, Plans, Refused, ToolSets
from stages.dataset import dialogues, splitting

DATASET, REJECTED, PLOTS = Path("data/dataset"), Path("data/rejected"), Path("metrics/validate")


def main(chosen: Settings) -> None:
    known = pack.load(chosen.pack)
    block = chosen.validate_
    targets = strata.from_records(files.read_json("data/routed/strata.json"))
    planned = sum(one.quota for one in targets)
    golden = read_golden(known.golden, known.catalogue) if known.golden.exists() else []
    frame = pl.concat(
        files.read_table(f"data/generated/{route}.parquet", Conversations) for route in ROUTES
    ).join(
        files.read_table("data/routed/plans.parquet", Plans).drop("template_id"),
        "plan_id",
        maintain_order="left",
    )
    plans = frame.select("turns", "text").iter_rows()
    frame = frame.with_columns(meant=pl.Series(itertools.starmap(dialogues.meant, plans)))
    frame = dialogues.refused(
        frame, [row.query for row in golden], block.near_duplicate_threshold, chosen.seed
    )
    passing = preferred(frame.filter(pl.col("check").is_null()), targets)
    keys = [stratum.name for stratum in targets]
    chosen_rows = passing[dialogues.selected(passing["stratum"].to_list(), targets, keys)]
    if chosen_rows.height < max(1, block.min_rows_share * planned):
        raise InputError(
            f"only {chosen_rows.height} of {planned} wanted rows came through, fewer than "
            f"validate.min_rows_share asks for. Refused: {listed(Counter(frame['check']))}. Add "
            "phrases and vocabulary values, raise route.reserve, or plan fewer route.rows"
        )
    sets = files.read_table("data/routed/tool_sets.parquet", ToolSets)
    samples = (
        chosen_rows.join(sets, "tool_set", maintain_order="left")
        .with_columns(
            sample_id=pl.Series(map(dialogues.sample_id, chosen_rows["plan_id"], chosen_rows["n"])),
            function=chosen_rows["stratum"].str.json_path_match("$.function"),
        )
        .sort("sample_id")
    )
    held_back = splitting.validation(samples["meant"], block.validation_share, chosen.seed)
    for name, mask in (("train", ~held_back), ("validation", held_back)):
        part = samples.filter(mask).select(Dialogues.schema().names())
        files.write_table(DATASET / f"{name}.parquet", part, Dialogues)
        with files.replacing(DATASET / f"{name}.jsonl") as temporary:
            temporary.write_text("".join(map(_line, part.to_dicts())), "utf-8")
    rejects = frame.drop_nulls("check").select(Refused.schema().names())
    files.write_table(REJECTED / "rejected.parquet", rejects, Refused)
    surplus = passing.join(chosen_rows, ["plan_id", "n"], "anti")
    surplus = surplus.with_columns(check=pl.lit("surplus"), reason=pl.lit("beyond the quota"))
    files.write_table(
        REJECTED / "surplus.parquet", surplus.select(Refused.schema().names()), Refused
    )
    have = Counter(chosen_rows["stratum"])
    rejected = dict(Counter(frame["check"].drop_nulls()).most_common())
    metrics = {
        "wanted": planned,
        "candidates": frame.height,
        "rejected": rejected,
        "surplus": surplus.height,
        "rows": samples.height,
        "train": samples.height - int(held_back.sum()),
        "validation": int(held_back.sum()),
        "js_bits": round(js_bits([s.share for s in targets], [have[key] for key in keys]), 6),
        "scenarios": dict(sorted(Counter(samples["scenario"]).items())),
        "routes": dict(sorted(Counter(samples["route"]).items())),
        "functions": len(set(samples["function"]) - {""}),
        "distinct_queries": len({*samples["query"]}),
    }
    PLOTS.mkdir(parents=True, exist_ok=True)
    shares = pl.DataFrame(
        {"stratum": keys, "target": [s.share for s in targets],
         "accepted": [have[key] / samples.height for key in keys]}
    )  # fmt: skip
    with files.replacing(PLOTS / "strata.csv") as temporary:
        shares.write_csv(temporary, float_precision=6)
    files.write_json("metrics/validate.json", metrics)
    print(f"validate: {samples.height} of {planned} wanted rows from {frame.height} candidates, "
          f"JS {metrics['js_bits']} bit; rejected: {listed(rejected)}")  # fmt: skip
    if samples.height < planned:
        print(f"short: the dataset lacks {planned - samples.height} of {planned} rows")


def preferred(passing: pl.DataFrame, targets: list[strata.Stratum]) -> pl.DataFrame:
    """The rows, of each stratum those first that are within their route's part of its quota, so
    that a route with a surplus fills only what another lacks.
    """
    parts = [
        (stratum.name, route, part) for stratum in targets for route, part in stratum.routes.items()
    ]
    wanted = pl.DataFrame(
        parts, {"stratum": pl.String, "route": pl.String, "part": pl.Int64}, orient="row"
    )
    placed = passing.join(wanted, ["stratum", "route"], "left", maintain_order="left")
    beyond = pl.int_range(pl.len()).over("stratum", "route") >= pl.col("part").fill_null(0)
    return placed.sort(beyond, maintain_order=True).drop("part")


def _line(row: dict[str, str]) -> str:
    """A sample as one line of JSON, messages and tools as objects."""
    record = {**row, "messages": json.loads(row["messages"]), "tools": json.loads(row["tools"])}
    return json.dumps(record, ensure_ascii=False) + "\n"
