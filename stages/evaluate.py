"""Stage `evaluate`: score the base model and the tuned model on the golden set.

Command: python -m stages.evaluate
Reads:   params `pack`, `seed`, `engine`, `evaluate`, `tools`; PACK/{catalogue.json,golden.jsonl},
         models/base/{student,embedder}, models/adapter; of a catalogue with more functions than are
         shown also data/dataset/train.parquet
Writes:  metrics/evaluate.json; in metrics/evaluate/: answers.parquet (a golden query and a model
         per row), confusion_function.csv, and confusion_ARGUMENT.csv of arguments whose accuracy
         the pack names (tuned model)

Of a pack with worlds and PACK/journeys.jsonl the models also play these conversations, and
metrics/evaluate/played.parquet has a request and a model per row.

Any other file: python -m stages.evaluate --golden FILE --adapter DIR [--out DIR]
prints the table and leaves the pipeline's outputs alone.

Answers are kept in data/.work/completions.sqlite: a run that was stopped goes on from there, and
the base model, which no experiment changes, is asked once.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
from rich.console import Console

from stages import formats
from stages.core import files, golden_rows, links
from stages.core import pack as packs
from stages.core.command import InputError, run
from stages.core.golden_rows import GoldenRow
from stages.core.pack import Pack
from stages.core.settings import Settings
from stages.core.settings import load as load_settings
from stages.core.tables import Answers, Dialogues
from stages.engines import engine, models
from stages.evaluation import report
from stages.evaluation.answered import answered
from stages.evaluation.asking import answer
from stages.evaluation.own import SIMILARITY
from stages.evaluation.scored_models import adapters_of, add_options
from stages.evaluation.shortlist import examples, recall, shortlist
from stages.evaluation.similarity import Encode, embedder
from stages.formats.grammar import grammar
from stages.planning.plans import dated
from stages.planning.sources import TODAY
from stages.spine import played, scoring
from stages.spine.scoring import CONSTRAINED, Scored

METRICS = Path("metrics")
TRAIN = Path("data/dataset/train.parquet")
# evaluate.decoding -> whether the models answer freely, and whether by a grammar.
DECODINGS = {"free": (True, False), "constrained": (False, True), "both": (True, True)}


def arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line; without any option it is the pipeline's stage."""
    parser = argparse.ArgumentParser(
        prog="python -m stages.evaluate",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--golden", type=Path, help=".jsonl, .csv or .parquet, in any form of a golden set"
    )
    add_options(parser)
    return parser.parse_args(argv)


@dataclass(frozen=True)
class Questions:
    """The golden rows, the functions shown for each, and the conversations that ask them."""

    rows: list[GoldenRow]
    shown: list[tuple[str, ...]]
    conversations: list[tuple[list[dict[str, Any]], list[dict[str, Any]] | None]]


def questions_of(
    pack: Pack, rows: list[GoldenRow], form: formats.Format, limit: int, encode: Any
) -> Questions:
    """The golden rows as they are asked. limit: functions shown; encode: loads the embedder."""
    nearest = shortlist(
        [" ".join(row.said) for row in rows], pack.catalogue, limit, encode, training_queries()
    )
    shown = [row.tools or names for row, names in zip(rows, nearest, strict=True)]
    # Functions name a day where users say "tomorrow"; a golden set is scored on one day.
    with_day, day = dated(pack), TODAY.isoformat()
    conversations = [
        formats.conversation(
            form,
            row.messages,
            pack.catalogue.subset(names).tools,
            None if with_day.isdisjoint(names) else day,
        )
        for row, names in zip(rows, shown, strict=True)
    ]
    return Questions(rows, shown, conversations)


def training_queries() -> dict[str, list[str]]:
    """Function -> queries of the training set that call it; {} where there is no dataset."""
    if not TRAIN.exists():
        return {}
    table = files.read_table(TRAIN, Dialogues).filter(scenario="single")
    queries = [json.loads(messages)[0]["content"] for messages in table["messages"]]
    return examples(table["function"].to_list(), queries)


def scored(
    pack: Pack,
    questions: Questions,
    adapters: Mapping[str, Path | None],
    settings: Settings,
    encode: Any,
) -> tuple[dict[str, Scored], dict[str, Scored], dict[str, float]]:
    """The models' answers, scored; their constrained ones, where both are asked for; and the
    seconds that a query took, by model.
    """
    form = formats.FORMATS[settings.tools.format]
    free, bound = DECODINGS[settings.evaluate.decoding]
    rows, times = questions.rows, free + bound
    grammars: list[str | None] = [None] * (len(rows) * free)
    if bound:
        subsets = [pack.catalogue.subset(names).functions for names in questions.shown]
        grammars += [grammar(form.name, functions) for functions in subsets]
    seconds = dict[str, float]()
    by_model, constrained = dict[str, Scored](), dict[str, Scored]()
    for name, adapter in adapters.items():
        print(f"{name}: answering {len(rows)} golden queries", flush=True)
        answers = answer(settings, adapter, questions.conversations * times, grammars)
        answered_rows = [
            answered(row, names, text, form, pack.catalogue)
            for row, names, text in zip(
                rows * times, questions.shown * times, answers.completions, strict=True
            )
        ]
        seconds[name] = answers.seconds / len(answered_rows)
        by_model[name] = scoring.scored(answered_rows[: len(rows)], pack.metrics, encode)
        if times == 2:
            constrained[f"{name}{CONSTRAINED}"] = scoring.scored(
                answered_rows[len(rows) :], pack.metrics, encode
            )
    return by_model, constrained, seconds


def write(
    by_model: Mapping[str, Scored], confusions: Mapping[str, pl.DataFrame], value: dict[str, Any],
    path: Path, folder: Path,
) -> None:  # fmt: skip
    """Write the metrics to `path`, the answers and the confusion tables to `folder`."""
    files.write_table(folder / "answers.parquet", scoring.table(by_model), Answers)
    for name, table in confusions.items():
        with files.replacing(folder / f"confusion_{name}.csv") as temporary:
            table.write_csv(temporary)
    files.write_json(path, value)


def golden_of(path: Path | None, pack: Pack) -> list[GoldenRow]:
    """The rows of a golden file, by default the pack's. Raises InputError if there are none."""
    path = path or links.check(pack.golden, pack.folder)
    rows = golden_rows.read(path, pack.catalogue)
    if not rows:
        raise InputError(f"{path} holds no golden queries: write some")
    return rows


def main(argv: Sequence[str] | None = None) -> None:
    options = arguments(None if argv is None else list(argv))
    is_stage = not any(vars(options).values())
    engine.quiet()
    settings = load_settings()
    pack = packs.load(settings.pack)
    rows = golden_of(options.golden, pack)
    if any(SIMILARITY in of for of in pack.metrics.values()):
        models.resolve("embedder")  # before the answers have cost minutes
    adapters = adapters_of(options, settings, models.resolve("student"))

    @cache
    def encode() -> Encode:
        return embedder(models.resolve("embedder"))

    form = formats.FORMATS[settings.tools.format]
    questions = questions_of(pack, rows, form, settings.tools.scored, encode)
    by_model, constrained, seconds = scored(pack, questions, adapters, settings, encode)
    value = scoring.result(by_model, pack.metrics, settings, constrained)
    expected = [[e.name for e in row.expected] if row.act == "call" else [] for row in rows]
    value["shortlist_recall"] = recall(questions.shown, expected)
    confusions = scoring.confusions(list(by_model.values())[-1].answers, pack.metrics)
    both = {**by_model, **constrained}
    requests = played.played(pack, adapters, settings) if options.golden is None and (
        played.has_journeys(pack)) else {}  # fmt: skip
    for name, one in played.result(requests, settings).items():
        value[name] = {**value[name], **one}
    if is_stage:
        files.write_timings("evaluate", {"seconds_per_query": seconds})
        write(both, confusions, value, METRICS / "evaluate.json", METRICS / "evaluate")
        if requests:
            played.write(requests, METRICS / "evaluate")
    elif options.out is not None:
        write(both, confusions, value, options.out / "evaluate.json", options.out)
        if requests:
            played.write(requests, options.out)
    # Rich assumes 80 columns where there is no terminal; a confusion table is wider.
    console = Console(markup=False, width=None if sys.stdout.isatty() else 120)
    for table in report.tables(value, list(pack.metrics), [*both], seconds, confusions):
        console.print(table)
    if requests:
        console.print(report.played(value, [*requests]))


if __name__ == "__main__":
    run(main)
