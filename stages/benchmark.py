"""Stage `benchmark`: score base model and tuned model on the Berkeley Function-Calling Leaderboard
(BFCL v4): single turns in Python and conversations, with the questions, answers and checkers of the
package bfcl-eval.

Command: python -m stages.benchmark
Reads:   params `benchmark`, `pack`, `seed`, `engine`, `evaluate`, `tools.format`; the package's
         data, models/base/{student,embedder}, models/adapter; PACK/catalogue.json and
         data/dataset/train.parquet, to say how near they come to BFCL
Writes:  metrics/benchmark.json and metrics/benchmark/answers.parquet (a row of BFCL and a model
         per row), both empty where `benchmark.categories` names none

Any other model: python -m stages.benchmark --model DIR | --adapter DIR | --server URL [--served
NAME] [--categories NAME ...] [--out DIR]
prints the tables and leaves the pipeline's outputs alone; --out has both files in a folder.

Each row is asked with its own functions, as training writes them; the answers are read as
`evaluate` reads them and are kept in data/.work/completions.sqlite. Models answer freely, whatever
`evaluate.decoding` says. Rows whose prompt and an answer of `benchmark.max_tokens` have more than
`engine.max_model_len` tokens are not asked and count as wrong; a server's are counted with the
tokenizer of models.student. A conversation (multi_turn_*) ends as wrong where it exceeds them; its
first prompts have 1,100 to 2,800 tokens of SmolLM2.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from stages.core import files
from stages.core import pack as packs
from stages.core.command import run
from stages.core.settings import Settings
from stages.core.settings import load as load_settings
from stages.core.tables import BenchmarkAnswers, Dialogues
from stages.engines import engine, models
from stages.evaluation import (
    bfcl,
    bfcl_contamination,
    bfcl_conversations,
    bfcl_scores,
    episodes,
)
from stages.evaluation.asking import asking, lengths
from stages.evaluation.bfcl import PACKAGE, SETTING, Row
from stages.evaluation.bfcl_checker import Judged, judged, not_asked
from stages.evaluation.episodes import Asking
from stages.evaluation.scored_models import (
    Scored,
    add_options,
    add_others,
    check_choice,
    scored_models,
    with_server,
)
from stages.evaluation.similarity import embedder
from stages.formats import FORMATS

METRICS, TRAIN = Path("metrics"), Path("data/dataset/train.parquet")
OFF = (
    f"nothing is scored, for {SETTING} names no categories. To switch it on: "
    f"dvc exp run -S '{SETTING}=[{','.join(bfcl.DEFAULT)}]'"
)


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line; without any option it is the pipeline's stage."""
    parser = argparse.ArgumentParser(
        prog="python -m stages.benchmark",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--categories", nargs="+", metavar="NAME",
        help=f"of {', '.join(bfcl.CATEGORIES)} (default: those of {SETTING}, else "
             f"{' '.join(bfcl.DEFAULT)})",
    )  # fmt: skip
    add_options(parser)
    add_others(parser)
    return parser.parse_args(argv)


def answered(
    rows: Sequence[Row], scored: Mapping[str, Scored], settings: Settings
) -> tuple[dict[str, list[Judged]], dict[str, float]]:
    """The models' answers, judged, in the order of the rows; and the seconds that a row took, by
    model.
    """
    form = FORMATS[settings.tools.format]
    # Conversations come after the single turns, as categories do.
    single = [row for row in rows if row.scenario is None]
    several = rows[len(single) :]
    conversations = [bfcl.conversation(row, form) for row in single]
    room = episodes.room_for_prompt(settings)
    # Models that are scored together are one base model, with an adapter and without.
    student = next(iter(scored.values())).student
    tokenizer = student.tokenizer if student else models.resolve("student")
    fits = [length <= room for length in lengths(tokenizer, conversations)]
    asked = [one for one, is_short in zip(conversations, fits, strict=True) if is_short]
    if len(asked) < len(single):
        print(f"{len(single) - len(asked)} of {len(single)} rows exceed the context: not asked, "
              "wrong")  # fmt: skip
    by_model, seconds = dict[str, list[Judged]](), dict[str, float]()
    for name, model in scored.items():
        print(f"{name}: answering {len(asked) + len(several)} rows", flush=True)
        with asking(settings, model.adapter, model.student) as asker:
            answers = asker.answers(asked)
            completions = iter(answers.completions)
            by_model[name] = [
                judged(row, next(completions), form) if is_short else not_asked(row)
                for row, is_short in zip(single, fits, strict=True)
            ]
            ask = Asking(asker, tokenizer)
            by_model[name] += bfcl_conversations.play(several, form, ask)
        total = answers.seconds + ask.seconds
        seconds[name] = total / max(len(asked) + len(several), 1)
    return by_model, seconds


def contamination(settings: Settings, rows: Sequence[Row]) -> dict[str, Any]:
    """How near the pack and its training set come to the rows."""
    table = files.read_table(TRAIN, Dialogues)
    said = [
        [str(one["content"]) for one in json.loads(messages) if one["role"] == "user"]
        for messages in table["messages"]
    ]
    catalogue = packs.load(settings.pack).catalogue
    print(f"comparing {len(catalogue)} functions and {len(said)} samples with BFCL", flush=True)
    return bfcl_contamination.report(
        catalogue, said, rows, lambda: embedder(models.resolve("embedder"))
    )


def write(value: dict[str, Any], by_model: Mapping[str, Sequence[Judged]], path: Path,
          folder: Path) -> None:  # fmt: skip
    """Write the metrics to `path`, the answers to `folder`."""
    files.write_table(folder / "answers.parquet", bfcl_scores.table(by_model), BenchmarkAnswers)
    files.write_json(path, value)


def settings_of(options: argparse.Namespace) -> Settings:
    """params.yaml with `benchmark.max_tokens` as the length of an answer, and the server that the
    options name.
    """
    settings = load_settings()
    if options.server is not None:
        settings = with_server(settings, options.server, options.served or "")
    update = {"max_tokens": settings.benchmark.max_tokens}
    return settings.model_copy(update={"evaluate": settings.evaluate.model_copy(update=update)})


def main(argv: Sequence[str] | None = None) -> None:
    options = arguments(argv)
    is_stage = all(value in (None, False) for value in vars(options).values())
    check_choice(options)
    if options.categories:
        bfcl.select(options.categories)
    settings = settings_of(options)
    names = bfcl.select(settings.benchmark.categories, SETTING)
    if is_stage and not names:
        write({"rows": {}}, {}, METRICS / "benchmark.json", METRICS / "benchmark")
        print(f"benchmark: {OFF}")
        return
    categories = bfcl.select(options.categories or names or bfcl.DEFAULT)
    engine.quiet()
    scored = scored_models(options, settings)
    questions = bfcl.read(categories)
    # Before the answers have cost minutes.
    near = {"contamination": contamination(settings, questions.rows)} if is_stage else {}
    by_model, seconds = answered(questions.rows, scored, settings)
    value = {
        "package": f"{PACKAGE} {questions.version}",
        "data_sha256": questions.sha256,
        "format": settings.tools.format,
        **bfcl_scores.result(by_model, settings.evaluate.bootstrap_samples, settings.seed),
        **near,
    }
    if is_stage:
        files.write_timings("benchmark", {"seconds_per_row": seconds})
        write(value, by_model, METRICS / "benchmark.json", METRICS / "benchmark")
    elif options.out is not None:
        write(value, by_model, options.out / "benchmark.json", options.out)
    tables = bfcl_scores.tables(value, list(by_model), seconds)
    tables += map(bfcl_contamination.table, near.values())
    console = Console(markup=False, width=None if sys.stdout.isatty() else 120)
    for table in tables:
        console.print(table)


if __name__ == "__main__":
    run(main)
