"""Stage `validate`: drop what repeats, select to the population, split, write the dataset.

Command: python -m stages.validate
Reads:   data/population, data/routed, data/generated, data/judged; the pack; its golden.jsonl,
         only to drop what coincides and to measure the overlap and how far labels agree with the
         rule; its verdicts.jsonl, if there is one
Writes:  data/dataset/{train,validation}.parquet, and the same rows as .jsonl, which `datasets` and
         TRL's SFTTrainer take as they are; data/rejected/{rejected,surplus}.parquet;
         metrics/validate.json, metrics/validate/*.csv (plots)

A candidate enters the dataset, or is kept in `rejected` with the check that refused it and why, or
in `surplus` if it is good but its stratum is full. It was checked when it was written, and
perhaps judged, by a model (stages/judge.py) or by people (stages/review.py).
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from stages.core import files, links, strata, verdicts
from stages.core import pack as packs
from stages.core.command import InputError, run
from stages.core.golden_rows import read as read_golden
from stages.core.pace import listed
from stages.core.pack import Pack
from stages.core.settings import load as load_settings
from stages.core.strata import FUNCTION, LOCALE, Stratum
from stages.core.tables import (
    ROUTES,
    Conversations,
    Dialogues,
    Judgments,
    Plans,
    Refused,
    ToolSets,
    empty,
)

JUDGMENTS = Path("data/judged/judgments.parquet")
DATASET, REJECTED, PLOTS = Path("data/dataset"), Path("data/rejected"), Path("metrics/validate")
# Strata that are printed as short.
STRATA = 10
MORE = (
    "fix the templates, phrases or the writer that fail most often, add values to vocabularies, "
    "raise route.reserve, or plan fewer route.rows"
)


def joined() -> pl.DataFrame:
    """All candidates with their plans; the scarcer route's first, then by rank."""
    plans = files.read_table("data/routed/plans.parquet", Plans).drop("template_id", "words")
    written = pl.concat(
        files.read_table(f"data/generated/{route}.parquet", Conversations).drop("completion")
        for route in reversed(ROUTES)
    )
    strangers = written.join(plans, "plan_id", "anti")["plan_id"]
    if len(strangers):
        raise InputError(
            f"data/generated: {len(strangers)} candidates belong to no plan in "
            f"data/routed/plans.parquet, first {strangers[0]!r}: run `dvc repro`"
        )
    order = pl.col("route").replace_strict(
        {route: index for index, route in enumerate(reversed(ROUTES))}, return_dtype=pl.Int64
    )
    aimed = plans.drop("place")
    return written.join(aimed, "plan_id").sort(order, "rank", "plan_id", "n")


def judgments() -> pl.DataFrame:
    """The judge's verdicts; none where the stage `judge` did not run."""
    return files.read_table(JUDGMENTS, Judgments) if JUDGMENTS.exists() else empty(Judgments)


def worded(frame: pl.DataFrame, pack: Pack) -> pl.Series:
    """Whether each row's class is one that users have words for."""
    names: dict[str, bool] = {}
    for name in frame["stratum"].unique():
        values = json.loads(name)
        frame_of, function = pack.frames.get(values[LOCALE]), values[FUNCTION]
        source = pack.of_kind(function, "class")
        own = (values.get(d) for d, slots in pack.dimensions.items()
               if source and slots.get(function) == source.slot)  # fmt: skip
        value = next(own, None)
        names[name] = bool(frame_of and value and frame_of.classes.get(value))
    return frame["stratum"].replace_strict(names, return_dtype=pl.Boolean)


def check_rows(rows: int, planned: int, minimum: float, frame: pl.DataFrame) -> None:
    """Raise InputError when too few of the planned rows came through for a dataset.

    rows: that came through; minimum: their share of the planned; frame: all candidates, with the
    `check` that refused them.
    """
    if rows and rows >= minimum * planned:
        return
    reasons = dict(frame.drop_nulls("check")["check"].value_counts().rows())
    many = "none" if not rows else f"only {rows}"
    raise InputError(
        f"{many} of {planned} wanted rows came through, fewer than the share of {minimum:g} that "
        f"validate.min_rows_share asks for. Of {frame.height} candidates were refused: "
        f"{listed(reasons, 5)} (each with its reason in data/generated/*.parquet). What to do: "
        + MORE
    )


def shortfalls(targets: Sequence[Stratum], taken: Sequence[str]) -> list[dict[str, object]]:
    """The strata that have fewer rows than their quota. taken: each row's stratum."""
    counts = Counter(taken)
    return [
        {**one.values, "quota": one.quota, "lacking": one.quota - counts[one.name]}
        for one in targets
        if counts[one.name] < one.quota
    ]


def main() -> None:
    # Here, so that --help need not wait for numpy.
    from stages.core.runs import Runs
    from stages.dataset import dialogues, figures, masking, splitting, standing, steering
    from stages.dataset.agreement import agreement

    settings = load_settings()
    block, seed = settings.validate_, settings.seed
    pack = packs.load(settings.pack)
    links.check(pack.golden, settings.pack)
    golden = read_golden(pack.golden, pack.catalogue) if pack.golden.exists() else []
    population = files.read_json("data/population/strata.json")
    routed = files.read_json("data/routed/strata.json")
    targets = strata.from_records(routed["strata"])
    planned = sum(one.quota for one in targets)
    measured = Runs(text for row in golden for text in row.said)
    links.check(pack.verdicts, settings.pack)
    frame, read = standing.reviewed(joined(), verdicts.read(pack.verdicts))
    frame = standing.judged(frame, judgments())
    frame = frame.with_columns(
        meant=pl.Series([dialogues.meant(*row) for row in frame.select("turns", "text").rows()],
                        dtype=pl.String),
    ).rename({"text": "request"})  # fmt: skip
    frame = dialogues.refused(frame, measured, block.near_duplicate_threshold, seed)
    passing = frame.filter(pl.col("check").is_null())
    bins = steering.bins_of(passing["place"], population["places"]) if pack.frames else None
    passing = passing[dialogues.preferred(passing, targets, bins)]
    keys = [stratum.name for stratum in targets]
    selected_rows = passing[dialogues.selected(passing["stratum"].to_list(), targets, keys)]
    check_rows(selected_rows.height, planned, block.min_rows_share, frame)
    sets = files.read_table("data/routed/tool_sets.parquet", ToolSets)
    samples = (
        selected_rows.join(sets, "tool_set", maintain_order="left")
        .with_columns(
            sample_id=pl.Series(
                map(verdicts.sample_id, selected_rows["plan_id"], selected_rows["n"])
            ),
            function=selected_rows["stratum"].str.json_path_match("$.function"),
            derived=pl.Series(map(dialogues.is_derived, selected_rows["turns"]), dtype=pl.Boolean),
            worded=worded(selected_rows, pack),
        )
        .sort("sample_id")
    )
    samples = masking.with_masks(samples, block.masked_share, seed)
    held_back = splitting.validation(splitting.groups(samples), block.validation_share, seed)
    selected = selected_rows.select("plan_id", "n", selected=pl.lit(True))
    flow, plots = figures.candidates(
        frame.join(selected, ["plan_id", "n"], "left").with_columns(
            pl.col("selected").fill_null(False)
        )
    )
    proof, more_plots = figures.dataset(
        samples,
        figures.Yardstick(
            golden=measured,
            strata=targets,
            dimensions=list(pack.dimensions),
            words=population["words"],
            places=population["places"],
            naming=population["naming"],
            frames=pack.frames,
            threshold=block.near_duplicate_threshold,
            seed=seed,
        ),
    )
    short = shortfalls(targets, samples["stratum"].to_list())
    labels = agreement(golden, pack)
    metrics = {
        "recipe": routed["recipe"],
        "wanted": planned,
        **flow,
        **proof,
        "label_agreement": labels._asdict() if labels else None,
        "train": samples.height - int(held_back.sum()),
        "validation": int(held_back.sum()),
        "shortfalls": short,
    }
    if read:
        metrics["reviewed"] = read
    for name, mask in (("train", ~held_back), ("validation", held_back)):
        part = samples.filter(mask).select(Dialogues.schema().names())
        files.write_table(DATASET / f"{name}.parquet", part, Dialogues)
        with (
            files.replacing(DATASET / f"{name}.jsonl") as temporary,
            temporary.open("w", encoding="utf-8") as stream,
        ):
            stream.writelines(map(_line, part.iter_rows(named=True)))
    rejects = frame.drop_nulls("check").select(Refused.schema().names())
    files.write_table(REJECTED / "rejected.parquet", rejects, Refused)
    surplus = passing.join(selected_rows, ["plan_id", "n"], "anti")
    surplus = surplus.with_columns(check=pl.lit("surplus"), reason=pl.lit("beyond the quota"))
    files.write_table(
        REJECTED / "surplus.parquet", surplus.select(Refused.schema().names()), Refused
    )
    shutil.rmtree(PLOTS, ignore_errors=True)
    for name, table in (plots | more_plots).items():
        with files.replacing(PLOTS / f"{name}.csv") as temporary:
            table.write_csv(temporary, float_precision=6)
    files.write_json("metrics/validate.json", metrics)
    if labels:
        print(f"labels: the rule derives {labels.share:.1%} of {labels.labels} golden texts")
    if read:
        print(f"{pack.verdicts}: {listed(read)}; unmatched: no candidate has the id with the text "
              "that was read")  # fmt: skip
    print_summary(metrics, short, samples.height, planned)


def print_summary(
    metrics: dict[str, object], short: list[dict[str, object]], rows: int, planned: int
) -> None:
    """Print what became of the candidates."""
    for one in sorted(short, key=lambda one: -int(str(one["lacking"])))[:STRATA]:
        where = " x ".join(str(v) for k, v in one.items() if k not in ("quota", "lacking") and v)
        print(f"short: {where} lacks {one['lacking']} of {one['quota']}")
    if len(short) > STRATA:
        print(f"short: {len(short) - STRATA} more strata, see shortfalls in metrics/validate.json")
    if metrics["near_duplicates_left"]:
        print(f"near-duplicates left: {metrics['near_duplicates_left']:.2%} of the rows; of more "
              "than 20,000 rows not all pairs are compared, and the sketches miss one in a hundred "
              "that are just as similar as validate.near_duplicate_threshold")  # fmt: skip
    rejected = metrics["rejected"]
    assert isinstance(rejected, dict)
    print(f"validate: {rows} of {planned} wanted rows from {metrics['candidates']} candidates, "
          f"JS {metrics['js_bits']} bit; {metrics['surplus']} more are good; rejected: "
          f"{listed(rejected)}")  # fmt: skip
    if rows < planned:
        print(f"short: the dataset lacks {planned - rows} of {planned} rows "
              f"({1 - rows / planned:.1%}): {MORE}")  # fmt: skip


def _line(row: dict[str, object]) -> str:
    """A sample as one line of JSON, messages and tools as objects."""
    parsed = {name: json.loads(str(row[name])) for name in ("messages", "tools")}
    return json.dumps(row | parsed, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    run(main, __doc__)
