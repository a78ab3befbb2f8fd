"""Stage `validate`: check, label, deduplicate, select to the target distribution, split.

Command: python -m stages.validate
Reads:   data/routed/requests.parquet, data/routed/targets.json, data/generated/ROUTE.parquet,
         data/population/target.json and the pack's domain.yaml; its golden.jsonl, only to
         drop what coincides and to measure the overlap and how far the labels agree with the rule
Writes:  data/dataset/train.parquet, data/dataset/validation.parquet,
         data/rejected/rejected.parquet, data/rejected/surplus.parquet, metrics/validate.json,
         metrics/validate/*.csv (plots)

A candidate enters the dataset, or is kept in `rejected` with the check that refused it and why, or
in `surplus` if it is good but its cell is full. It was checked and labelled when it was written;
that is done again where its seal is broken (stages/checks/seals.py).
"""

from __future__ import annotations

import json
import shutil
from hashlib import blake2b
from pathlib import Path

import polars as pl

from stages.core import domain, files, golden, links, pack, settings
from stages.core.command import InputError, run
from stages.core.domain import Domain
from stages.core.pace import listed
from stages.core.tables import (
    CELL,
    ROUTES,
    Candidates,
    Rejected,
    Requests,
    Samples,
    Surplus,
)
from stages.formats import chat

DATASET, REJECTED = Path("data/dataset"), Path("data/rejected")
# Columns of Requests that only the writer needs.
AIMS = ("words", "type_position", "quota")
PLOTS = Path("metrics/validate")
GOLDEN = "golden.jsonl"
# Cells that are told to be short.
CELLS = 10
MORE = (
    "fix the templates in prompts/ or the writer that fail most often, raise route.reserve, or "
    "plan fewer route.rows"
)
# A query and a text that nothing else holds: characters for private use.
QUERY, TEXT = "\ue000", "\ue001"
ESCAPED = r'["\\\x00-\x1f]'  # what JSON does not hold as it is


def labelled(frame: pl.DataFrame, known: Domain) -> pl.DataFrame:
    """The selected rows as samples, in the order of their hashed ids; and `position`, `text`."""
    pair, texts = ["function", "content_type"], ["query", "extracted_prompt"]
    # JSON takes most texts as they are: they go into the labels of stand-ins for them.
    kinds = []
    for function, content_type in frame.select(pair).unique().iter_rows():
        arguments, messages = _labels(known, function, content_type, QUERY, TEXT)
        before, after = arguments.split(TEXT)
        start, rest = messages.split(QUERY)
        kinds.append((function, content_type, before, after, start, *rest.split(TEXT)))
    parts = ["before", "after", "start", "middle", "end"]
    schema = dict.fromkeys([*pair, *parts], pl.String)
    kind = pl.DataFrame(kinds, schema=schema, orient="row")
    made = frame.join(kind, pair, maintain_order="left").select(
        arguments=pl.concat_str("before", "extracted_prompt", "after"),
        messages=pl.concat_str("start", "query", "middle", "extracted_prompt", "end"),
    )
    escaped = frame.select(pl.any_horizontal(pl.col(texts).str.contains(ESCAPED))).to_series()
    rows = frame.filter(escaped).select(*pair, *texts).iter_rows()
    told = pl.DataFrame([_labels(known, *row) for row in rows], schema=made.schema, orient="row")
    at = escaped.arg_true()
    samples = frame.with_columns(
        *(made[name].scatter(at, told[name]) for name in made.columns),
        sample_id=pl.Series(map(_sample_id, frame["request_id"], frame["n"]), dtype=pl.String),
        tools=pl.lit(known.tools_json),
    )
    return samples.select(*Samples.schema(), "position", "text").sort("sample_id")


def _labels(
    known: Domain, function: str, content_type: str, query: str, text: str
) -> tuple[str, str]:
    """`arguments` and `messages` of a sample, as JSON."""
    arguments = {known.label_argument: content_type, known.text_argument: text}
    messages = chat.messages(query, chat.Call(function, arguments))
    return json.dumps(arguments, ensure_ascii=False), json.dumps(messages, ensure_ascii=False)


def _sample_id(request_id: str, n: int) -> str:
    return blake2b(f"{request_id}/{n}".encode(), digest_size=8).hexdigest()


def check_rows(found: int, planned: int, least: float, frame: pl.DataFrame) -> None:
    """Raise InputError when too few of the planned rows were found for a dataset.

    frame: all candidates, with the `check` that refused them.
    """
    if found and found >= least * planned:
        return
    reasons = dict(frame.drop_nulls("check")["check"].value_counts().rows())
    many = "none" if not found else f"only {found}"
    raise InputError(
        f"{many} of {planned} wanted rows came through, fewer than the share of {least:g} that "
        f"validate.min_rows_share asks for. Of {frame.height} candidates were refused: "
        f"{listed(reasons, 5)} (each with its reason in data/generated/*.parquet). What to do: "
        + MORE
    )


def main() -> None:
    # Here, so that --help need not wait for numpy.
    from concurrent.futures import ThreadPoolExecutor

    from stages.checks import vision_evidence
    from stages.dataset import agreement, diversity, figures, rows, selection, splitting, statistics
    from stages.dataset.contamination import Golden
    from stages.spine import validate as spine

    chosen = settings.load()
    if pack.is_pack(chosen.pack):
        return spine.main(chosen)
    threshold, seed = chosen.validate_.near_duplicate_threshold, chosen.seed
    known = domain.load(chosen.pack)
    links.check(Path(chosen.pack) / GOLDEN, chosen.pack)
    targets = files.read_json("data/routed/targets.json")
    population = files.read_json("data/population/target.json")
    labels = golden.read(Path(chosen.pack) / GOLDEN, known)
    measured = Golden(labels["query"])
    # Only what is joined is kept in memory, so these have no names.
    frame = rows.joined(
        files.read_table("data/routed/requests.parquet", Requests).drop(AIMS),
        pl.concat(
            files.read_table(f"data/generated/{route}.parquet", Candidates).drop("completion")
            for route in ROUTES
        ),
    )
    frame = rows.checked(frame, known, chosen.validate_.min_grounding, measured)
    frame = rows.deduplicated(frame, threshold, seed)
    passing = frame.filter(pl.col("check").is_null())
    aimed = population.get("type_words", {}).get("positions", statistics.UNIFORM)
    wanted, short = selection.select(passing, targets["cells"], targets["weights"], aimed)
    chosen_rows, surplus = passing.filter(wanted), passing.filter(~wanted)
    frame = frame.with_columns(selected=pl.col("row").is_in(chosen_rows["row"].implode()))
    planned = sum(cell["quota"] for cell in targets["cells"])
    check_rows(chosen_rows.height, planned, chosen.validate_.min_rows_share, frame)
    left = ThreadPoolExecutor(1).submit(diversity.near_left, chosen_rows["text"], threshold, seed)
    samples = labelled(chosen_rows, known)
    held_back = splitting.validation(
        splitting.groups(samples), chosen.validate_.validation_share, seed
    )
    yardstick = figures.Yardstick(
        known=known,
        golden=measured,
        cells=targets["cells"],
        words=population["words"],
        positions=aimed,
        naming=population.get("type_words", {}).get("share"),
        seed=seed,
    )
    flow, plots = figures.candidates(frame)
    proof, more_plots = figures.dataset(samples, yardstick, left)
    metrics = {
        "recipe": targets.get("recipe", "router_heuristic"),
        "wanted": planned,
        **flow,
        **proof,
        "label_agreement": agreement.agreement(labels, known)._asdict(),
        "vision_evidence": vision_evidence.figures(chosen_rows, known),
        "train": samples.height - int(held_back.sum()),
        "validation": int(held_back.sum()),
        "shortfalls": short,
    }
    samples = samples.select(Samples.schema().names())
    files.write_table(DATASET / "train.parquet", samples.filter(~held_back), Samples)
    files.write_table(DATASET / "validation.parquet", samples.filter(held_back), Samples)
    rejects = frame.drop_nulls("check").select(Rejected.schema().names())
    files.write_table(REJECTED / "rejected.parquet", rejects, Rejected)
    surplus = surplus.select(Surplus.schema().names())
    files.write_table(REJECTED / "surplus.parquet", surplus, Surplus)
    shutil.rmtree(PLOTS, ignore_errors=True)
    for name, table in (plots | more_plots).items():
        with files.replacing(PLOTS / f"{name}.csv") as temporary:
            table.write_csv(temporary, float_precision=6)
    files.write_json("metrics/validate.json", metrics)
    for cell in sorted(short, key=lambda cell: -cell["lacking"])[:CELLS]:
        where = " x ".join(cell[name] for name in CELL)
        print(f"short: {where} lacks {cell['lacking']} of {cell['quota']}; "
              f"{cell['moved']} taken from other lengths, {cell['lost']} lost")  # fmt: skip
    if len(short) > CELLS:
        print(f"short: {len(short) - CELLS} more cells, see shortfalls in metrics/validate.json")
    if metrics["near_duplicates_left"]:
        print(f"near-duplicates left: {metrics['near_duplicates_left']:.2%} of the rows; of more "
              "than 20,000 rows not all pairs are compared, and the sketches miss one in a hundred "
              "that are just as similar as validate.near_duplicate_threshold")  # fmt: skip
    told = metrics["label_agreement"]
    print(f"labels: the rule derives {told['share']:.1%} of {told['rows']} golden texts")
    print(f"validate: {samples.height} of {planned} wanted rows from {metrics['candidates']} "
          f"candidates, JS {metrics['js_bits']} bit; {metrics['surplus']} more are good; rejected: "
          f"{listed(metrics['rejected'])}")  # fmt: skip
    if samples.height < planned:
        print(f"short: the dataset lacks {planned - samples.height} of {planned} rows "
              f"({1 - samples.height / planned:.1%}): {MORE}")  # fmt: skip


if __name__ == "__main__":
    run(main, __doc__)
