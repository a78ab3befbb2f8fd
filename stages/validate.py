"""Stage `validate`: check, label, deduplicate, select to the target distribution, split.

Command: python -m stages.validate
Reads:   data/routed/requests.parquet, data/routed/targets.json, data/generated/ROUTE.parquet,
         the pack's domain.yaml; the queries of its golden.jsonl, only to drop what coincides
Writes:  data/dataset/train.parquet, data/dataset/validation.parquet,
         data/rejected/rejected.parquet, metrics/validate.json, metrics/validate/*.csv (plots)

A candidate enters the dataset or is kept in `rejected` with the check that refused it and why.
"""

from __future__ import annotations

import json
import shutil
from hashlib import blake2b
from pathlib import Path
from typing import Any

import polars as pl

from stages.checking import rows, selection, splitting, statistics
from stages.checking.contamination import Golden
from stages.checking.subprompt import extract
from stages.contracts import chat, domain, files, settings
from stages.contracts.command import InputError, run
from stages.contracts.domain import Domain
from stages.contracts.tables import ROUTES, Candidates, Rejected, Requests, Samples

DATASET, REJECTED = Path("data/dataset"), Path("data/rejected/rejected.parquet")
PLOTS = Path("metrics/validate")
GOLDEN = "golden.jsonl"


def labelled(frame: pl.DataFrame, known: Domain) -> pl.DataFrame:
    """The selected rows as samples, in the order of their hashed ids."""
    made = []
    for request_id, n, query, function, content_type in frame.select(
        "request_id", "n", "query", "function", "content_type"
    ).iter_rows():
        text = extract(query, function, content_type, known)
        arguments = {known.label_argument: content_type, known.text_argument: text}
        call = chat.Call(function, arguments)
        made.append(
            {
                "sample_id": blake2b(f"{request_id}/{n}".encode(), digest_size=8).hexdigest(),
                "extracted_prompt": text,
                "arguments": json.dumps(arguments, ensure_ascii=False),
                "messages": json.dumps(chat.messages(query, call), ensure_ascii=False),
            }
        )
    names = ("sample_id", "extracted_prompt", "arguments", "messages")
    columns = pl.DataFrame(made, schema={name: pl.String for name in names})
    samples = frame.hstack(columns).with_columns(tools=pl.lit(known.tools_json))
    return samples.select(Samples.to_schema().columns.keys()).sort("sample_id")


def figures(
    frame: pl.DataFrame, samples: pl.DataFrame, targets: dict[str, Any], known: Domain
) -> tuple[dict[str, Any], dict[str, pl.DataFrame]]:
    """metrics/validate.json (without what main adds) and the tables of the plots."""
    types = statistics.shares(samples, targets["cells"])
    histogram = statistics.lengths(samples)
    js, p = statistics.divergence(types)
    refused = frame.drop_nulls("check")["check"].value_counts(sort=True).rows()
    passed = pl.col("check").is_null() | (pl.col("check") == "quota")
    counts = [pl.len().alias("candidates"), passed.sum().alias("passed"),
              passed.mean().round(4).alias("acceptance"),
              pl.col("check").is_null().sum().alias("selected")]  # fmt: skip
    by_route = frame.group_by("route").agg(counts).sort("route")
    by_template = frame.group_by("route", "template_id").agg(counts).sort("route", "template_id")
    metrics = {
        "candidates": frame.height,
        "accepted": samples.height,
        "wanted": sum(cell["quota"] for cell in targets["cells"]),
        "rejected": dict(refused),
        "routes": {r["route"]: {k: r[k] for k in ("candidates", "passed", "acceptance")} |
                   {"share": round(r["selected"] / max(samples.height, 1), 4)}
                   for r in by_route.iter_rows(named=True)},
        "duplicates": dict(refused).get("duplicate", 0),
        "near_duplicates": dict(refused).get("near_duplicate", 0),
        "js_bits": js if js is None else round(js, 6),
        "chi2_p": p if p is None else round(p, 6),
        "words": statistics.length_figures(histogram),
        **statistics.distinct(samples["query"]),
        "type_position": statistics.position_figures(
            statistics.positions(samples, known), known
        ),
    }  # fmt: skip
    plots = {"content_types": types, "words": histogram, "routes": by_route,
             "templates": by_template}  # fmt: skip
    return metrics, plots


def main() -> None:
    chosen = settings.load()
    known = domain.load(chosen.pack)
    targets = files.read_json("data/routed/targets.json")
    requests = files.read_table("data/routed/requests.parquet", Requests)
    candidates = pl.concat(
        files.read_table(f"data/generated/{route}.parquet", Candidates) for route in ROUTES
    )
    queries = [str(row.get("query", "")) for row in files.read_jsonl(Path(chosen.pack) / GOLDEN)]
    frame = rows.checked(
        rows.joined(requests, candidates), known, chosen.validate_.min_grounding, Golden(queries)
    )
    frame = rows.deduplicated(frame, chosen.validate_.near_duplicate_threshold, chosen.seed)
    passing = frame.filter(pl.col("check").is_null())
    wanted, short = selection.select(passing, targets["cells"], targets["weights"])
    surplus = passing.filter(~wanted)["row"]
    frame = rows.mark(frame, surplus, "quota", ["its cell is full"] * len(surplus))
    chosen_rows = passing.filter(wanted)
    if not chosen_rows.height:
        raise InputError(f"none of {frame.height} candidates passed: see the reasons in "
                         "data/generated/*.parquet and mend prompts/ or the writer")  # fmt: skip
    samples = labelled(chosen_rows, known)
    held_back = splitting.validation(
        splitting.groups(samples), chosen.validate_.validation_share, chosen.seed
    )
    metrics, plots = figures(frame, samples, targets, known)
    metrics |= {
        "train": samples.height - int(held_back.sum()),
        "validation": int(held_back.sum()),
        "shortfalls": short,
    }
    files.write_table(DATASET / "train.parquet", samples.filter(~held_back), Samples)
    files.write_table(DATASET / "validation.parquet", samples.filter(held_back), Samples)
    rejects = frame.drop_nulls("check").select(Rejected.to_schema().columns.keys())
    files.write_table(REJECTED, rejects, Rejected)
    shutil.rmtree(PLOTS, ignore_errors=True)
    for name, table in plots.items():
        with files.replacing(PLOTS / f"{name}.csv") as temporary:
            table.write_csv(temporary)
    files.write_json("metrics/validate.json", metrics)
    for cell in short:
        where = " x ".join(cell[name] for name in selection.CELL)
        print(f"short: {where} lacks {cell['lacking']} of {cell['quota']}; "
              f"{cell['moved']} taken from other lengths, {cell['lost']} lost")  # fmt: skip
    print(f"validate: {samples.height} of {metrics['wanted']} wanted rows from {frame.height} "
          f"candidates, JS {metrics['js_bits']} bit, rejected {metrics['rejected']}")  # fmt: skip


if __name__ == "__main__":
    run(main)
