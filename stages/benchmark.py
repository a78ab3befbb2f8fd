"""Score base model and tuned model on the Berkeley Function-Calling Leaderboard (BFCL v4): single
turns in Python, with the questions, answers and checker of the package bfcl-eval.

Command: python -m stages.benchmark [--categories NAME ...] [--base-only | --no-base]
                                    [--adapter DIR] [--out DIR]
Reads:   params `seed`, `engine`, `evaluate`, `tools.format`; the package's data,
         models/base/student, models/adapter
Writes:  metrics/benchmark.json and metrics/benchmark/answers.parquet (a row of BFCL and a model
         per row), or the same two files in the folder --out

Not a stage of the pipeline. Each row is asked with its own functions, as training writes them; the
answers are read as `evaluate` reads them and are kept in data/.work/completions.sqlite. Models
answer freely, whatever `evaluate.decoding` says. Rows whose prompt and an answer of
`evaluate.max_tokens` have more than `engine.max_model_len` tokens are not asked and count as wrong.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from stages.core import files
from stages.core.command import run
from stages.core.settings import Settings
from stages.core.settings import load as load_settings
from stages.core.tables import BenchmarkAnswers
from stages.engines import engine, models
from stages.evaluation import bfcl, bfcl_scores
from stages.evaluation.asking import answer, lengths
from stages.evaluation.bfcl import PACKAGE, Row
from stages.evaluation.bfcl_checker import Judged, judged, not_asked
from stages.evaluation.scored_models import adapters_of, add_options
from stages.formats import FORMATS

METRICS = Path("metrics")


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m stages.benchmark",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--categories", nargs="+", metavar="NAME", default=list(bfcl.DEFAULT),
        help=f"of {', '.join(bfcl.CATEGORIES)} (default {' '.join(bfcl.DEFAULT)})",
    )  # fmt: skip
    add_options(parser)
    return parser.parse_args(argv)


def answered(
    rows: Sequence[Row], adapters: Mapping[str, Path | None], settings: Settings
) -> tuple[dict[str, list[Judged]], dict[str, float]]:
    """The models' answers, judged, in the order of the rows; and the seconds that a row took, by
    model.
    """
    form = FORMATS[settings.tools.format]
    conversations = [bfcl.conversation(row, form) for row in rows]
    room = settings.engine.max_model_len - settings.evaluate.max_tokens
    fits = [length <= room for length in lengths(models.resolve("student"), conversations)]
    asked = [one for one, is_short in zip(conversations, fits, strict=True) if is_short]
    if len(asked) < len(rows):
        print(f"{len(rows) - len(asked)} of {len(rows)} rows exceed the context: not asked, wrong")
    by_model, seconds = dict[str, list[Judged]](), dict[str, float]()
    for name, adapter in adapters.items():
        print(f"{name}: answering {len(asked)} rows", flush=True)
        answers = answer(settings, adapter, asked)
        completions = iter(answers.completions)
        by_model[name] = [
            judged(row, next(completions), form) if is_short else not_asked(row)
            for row, is_short in zip(rows, fits, strict=True)
        ]
        seconds[name] = answers.seconds / max(len(asked), 1)
    return by_model, seconds


def write(
    value: dict[str, Any], by_model: Mapping[str, Sequence[Judged]], out: Path | None
) -> None:
    """Write metrics and answers, by default where the pipeline's are."""
    path = METRICS / "benchmark.json" if out is None else out / "benchmark.json"
    folder = METRICS / "benchmark" if out is None else out
    files.write_table(folder / "answers.parquet", bfcl_scores.table(by_model), BenchmarkAnswers)
    files.write_json(path, value)


def main(argv: Sequence[str] | None = None) -> None:
    options = arguments(argv)
    categories = bfcl.select(options.categories)
    engine.quiet()
    settings = load_settings()
    adapters = adapters_of(options, settings, models.resolve("student"))
    questions = bfcl.read(categories)
    by_model, seconds = answered(questions.rows, adapters, settings)
    value = {
        "package": f"{PACKAGE} {questions.version}",
        "data_sha256": questions.sha256,
        "format": settings.tools.format,
        **bfcl_scores.result(by_model, settings.evaluate.bootstrap_samples, settings.seed),
    }
    files.write_timings("benchmark", {"seconds_per_row": seconds})
    write(value, by_model, options.out)
    console = Console(markup=False, width=None if sys.stdout.isatty() else 120)
    for table in bfcl_scores.tables(value, list(by_model), seconds):
        console.print(table)


if __name__ == "__main__":
    run(main)
