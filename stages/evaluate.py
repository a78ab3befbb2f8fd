"""Stage `evaluate`: score the base model and the tuned model on the golden set.

Command: python -m stages.evaluate
Reads:   params `pack`, `seed`, `engine`, `evaluate`; PACK/domain.yaml, PACK/golden.jsonl,
         models/base/{student,embedder}, models/adapter
Writes:  metrics/evaluate.json; in metrics/evaluate/: predictions.parquet (a golden query and a
         model per row), confusion_function.csv, confusion_content_type.csv (tuned model)

Any other file: python -m stages.evaluate --golden FILE --adapter DIR [--out DIR]
prints the table and leaves the pipeline's outputs alone.

Answers are kept in data/.work/completions.sqlite: a run that was stopped goes on from there, and
the base model, which no experiment changes, is asked once.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import polars as pl
from rich.console import Console

from stages.core import domain, files, golden, links, settings, tables
from stages.core.command import InputError, run
from stages.core.pack import is_pack
from stages.engines import engine, models
from stages.engines.adapter import check_adapter
from stages.evaluation import metrics, report, significance
from stages.evaluation.asking import answer, served_name
from stages.evaluation.similarity import AS_TEXT, embedder
from stages.formats import chat

METRICS = Path("metrics")
ADAPTER = Path("models/adapter")


def arguments(given: list[str] | None = None) -> argparse.Namespace:
    """The command line; without any option it is the pipeline's stage."""
    parser = argparse.ArgumentParser(
        prog="python -m stages.evaluate",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--golden", type=Path, help=".jsonl, .csv or .parquet with the 4 columns")
    parser.add_argument("--adapter", type=Path, help=f"LoRA adapter (default {ADAPTER})")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--base-only", action="store_true", help="score the base model alone")
    which.add_argument("--no-base", action="store_true", help="score the adapter alone")
    parser.add_argument("--out", type=Path, help="folder for predictions, metrics and confusion")
    return parser.parse_args(given)


def scores(frame: pl.DataFrame, chosen: settings.Settings) -> dict[str, Any]:
    """One model's block of metrics/evaluate.json."""
    bounds = significance.intervals(frame, chosen.evaluate.bootstrap_samples, chosen.seed)
    return {
        **metrics.summary(frame),
        **{f"{name}_ci": bounds[name] for name in report.INTERVALS},
    }


def tests(base: pl.DataFrame, tuned: pl.DataFrame) -> dict[str, Any]:
    """Paired tests of the tuned model against the base model, with the discordant counts."""
    block: dict[str, Any] = {}
    for name in ("function", "content_type"):
        right = [frame[f"{name}_correct"].to_list() for frame in (base, tuned)]
        found = significance.mcnemar(*right)
        block[f"mcnemar_{name}_p"] = found.p
        block[f"{name}_base_only"] = found.first_only
        block[f"{name}_tuned_only"] = found.second_only
    block["ttest_ss_p"] = significance.paired_t(
        base["similarity"].to_list(), tuned["similarity"].to_list()
    )
    return block


def result(frames: dict[str, pl.DataFrame], chosen: settings.Settings) -> dict[str, Any]:
    """metrics/evaluate.json: the models' scores and, where both were scored, the tests."""
    value: dict[str, Any] = {"golden": len(next(iter(frames.values())))}
    value |= {name: scores(frame, chosen) for name, frame in frames.items()}
    if len(frames) == 2:
        value["tests"] = tests(frames["base"], frames["tuned"])
    return value


def write(frames: dict[str, pl.DataFrame], value: dict[str, Any], json: Path, folder: Path) -> None:
    """Write the metrics to `json`, the predictions and the confusion tables to `folder`."""
    predictions = pl.concat(list(frames.values()))
    files.write_table(folder / "predictions.parquet", predictions, tables.Predictions)
    last = list(frames.values())[-1]
    for column in ("function", "content_type"):
        with files.replacing(folder / f"confusion_{column}.csv") as temporary:
            metrics.confusion(last, column).write_csv(temporary)
    files.write_json(json, value)


def adapters_of(
    options: argparse.Namespace, chosen: settings.Settings, student: str
) -> dict[str, Path | None]:
    """Name of each model to score -> its adapter, None for the base model alone. Adapters, and
    whether a server has them, are checked here, before the base model has cost a minute.
    """
    adapters: dict[str, Path | None] = {"base": None, "tuned": options.adapter or ADAPTER}
    if options.base_only:
        del adapters["tuned"]
    elif options.no_base:
        del adapters["base"]
    for adapter in adapters.values():
        if adapter is not None:
            check_adapter(adapter, student)
        served_name(chosen, adapter)
    if options.out is not None and options.out.exists() and not options.out.is_dir():
        raise InputError(f"--out {options.out} is no folder")
    return adapters


def main_of_catalogue(options: argparse.Namespace, chosen: settings.Settings) -> None:
    """The same for a pack with a catalogue."""
    from stages.spine import evaluate as spine

    adapters = adapters_of(options, chosen, models.resolve("student"))
    is_stage = not any(vars(options).values())
    out = None if is_stage else options.out or files.work_dir() / "evaluated"
    spine.main(chosen, adapters, options.golden, out)


def main(given: list[str] | None = None) -> None:
    options = arguments(given)
    is_stage = not any(vars(options).values())
    engine.quiet()
    chosen = settings.load()
    if is_pack(chosen.pack):
        return main_of_catalogue(options, chosen)
    settings.check_decoding(chosen)
    pack = domain.load(chosen.pack)
    own = links.check(Path(chosen.pack) / "golden.jsonl", chosen.pack)
    queries = golden.read(options.golden or own, pack)
    student, folder = models.resolve("student"), models.resolve("embedder")
    adapters = adapters_of(options, chosen, student)
    encode = embedder(folder)
    system = chat.system_prompt(pack.tools)
    frames, seconds = dict[str, pl.DataFrame](), dict[str, float]()
    counts = {name: Counter[str]() for name in adapters}
    for name, adapter in adapters.items():
        print(f"{name}: answering {len(queries)} golden queries", flush=True)
        answers = answer(chosen, adapter, system, queries["query"].to_list())
        frames[name] = metrics.predictions(
            queries, answers.completions, name, pack, encode, counts[name]
        )
        if as_text := counts[name][AS_TEXT]:
            print(f"{name}: ss of {as_text} queries compares texts, same or not: the embedder "
                  "knows no part of one of them")  # fmt: skip
        seconds[name] = answers.seconds / len(queries)
    value = result(frames, chosen)
    for name, counted in counts.items():
        value[name] |= +counted
    if is_stage:
        files.write_timings("evaluate", {"seconds_per_query": seconds})
        write(frames, value, METRICS / "evaluate.json", METRICS / "evaluate")
    elif options.out is not None:
        write(frames, value, options.out / "evaluate.json", options.out)
    # Rich assumes 80 columns where there is no terminal; the confusion of content types is wider.
    console = Console(markup=False, width=None if sys.stdout.isatty() else 120)
    for table in report.tables(value, frames, seconds):
        console.print(table)


if __name__ == "__main__":
    run(main)
