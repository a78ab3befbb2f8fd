"""Stage `evaluate`: score the base model and the tuned model on a pack's golden set.

Reads:   PACK/{catalogue.json,golden.jsonl}; models/base/{student,embedder}, models/adapter; of a
         catalogue with more functions than are shown also data/dataset/train.parquet
Writes:  metrics/evaluate.json; metrics/evaluate/{answers.parquet,confusion_function.csv}
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
from rich.console import Console
from rich.table import Table as Shown

from stages import formats
from stages.core import files, golden_rows, pack
from stages.core.command import InputError
from stages.core.conversation import user
from stages.core.golden_rows import GoldenRow
from stages.core.settings import Settings
from stages.core.tables import Answers, Dialogues
from stages.engines import models
from stages.evaluation import scores, significance
from stages.evaluation.answered import Answered, answered
from stages.evaluation.asking import answer_all
from stages.evaluation.shortlist import examples, recall, shortlist
from stages.evaluation.similarity import embedder
from stages.formats.grammar import grammar
from stages.planning.plans import TODAY, has_dates

OUT = Path("metrics/evaluate")
TRAIN = Path("data/dataset/train.parquet")
NOTHING = "(none)"
CONSTRAINED = "_constrained"
# evaluate.decoding -> whether the models answer freely, and whether by a grammar.
DECODINGS = {"free": (True, False), "constrained": (False, True), "both": (True, True)}


def main(
    chosen: Settings, adapters: Mapping[str, Path | None], golden: Path | None, out: Path | None
) -> None:
    """adapters: name of a model -> its adapter, None for the base model. out: a folder for the
    results; None: the pipeline's own.
    """
    known = pack.load(chosen.pack)
    form = formats.FORMATS[chosen.tools.format]
    rows = golden_rows.read(golden or known.golden, known.catalogue)
    if not rows:
        raise InputError(f"{golden or known.golden} holds no golden queries: write some")
    near = shortlist(
        [row.query for row in rows],
        known.catalogue,
        chosen.tools.scored,
        lambda: embedder(models.resolve("embedder")),
        known_queries(),
    )
    shown = [row.tools or names for row, names in zip(rows, near, strict=True)]
    # A tool set names a day where users say "tomorrow"; a golden set is scored on one day.
    today = TODAY.isoformat() if has_dates(known) else None
    conversations = [
        formats.conversation(
            form, [user(row.query)], known.catalogue.subset(names).tools,
            today,
        )
        for row, names in zip(rows, shown, strict=True)
    ]  # fmt: skip
    free, bound = DECODINGS[chosen.evaluate.decoding]
    grammars: list[str | None] = []
    if free:
        grammars += [None] * len(rows)
    if bound:
        grammars += [grammar(form.name, known.catalogue.subset(names).functions) for names in shown]
    found: dict[str, list[Answered]] = {}
    beside: dict[str, list[Answered]] = {}  # where both decodings are asked for
    for name, adapter in adapters.items():
        print(f"{name}: answering {len(rows)} golden queries", flush=True)
        texts = answer_all(chosen, adapter, conversations * (free + bound), grammars).completions
        both = [
            answered(row, names, text, form, known.catalogue)
            for row, names, text in zip(rows * (free + bound), shown * (free + bound), texts,
                                        strict=True)
        ]  # fmt: skip
        found[name] = both[: len(rows)]
        if free and bound:
            beside[f"{name}{CONSTRAINED}"] = both[len(rows) :]
    value = result(found, chosen, beside)
    value["shortlist_recall"] = recall(shown, [[e.name for e in row.expected] if row.act == "call"
                                               else [] for row in rows])  # fmt: skip
    folder = out or OUT
    files.write_table(folder / "answers.parquet", table(found | beside), Answers)
    with files.replacing(folder / "confusion_function.csv") as temporary:
        confusion(list(found.values())[-1]).write_csv(temporary)
    files.write_json(out / "evaluate.json" if out else Path("metrics/evaluate.json"), value)
    Console(markup=False).print(printed(value, [*found, *beside]))


def known_queries() -> dict[str, list[str]]:
    """Function -> queries of the training set that want it; {} where there is no dataset."""
    if not TRAIN.exists():
        return {}
    table = files.read_table(TRAIN, Dialogues).filter(scenario="single")
    queries = [json.loads(messages)[0]["content"] for messages in table["messages"]]
    return examples(table["function"].to_list(), queries)


def result(
    found: Mapping[str, Sequence[Answered]],
    chosen: Settings,
    beside: Mapping[str, Sequence[Answered]] | None = None,
) -> dict[str, Any]:
    """metrics/evaluate.json: each model's scores with their intervals, and paired tests of the two
    models' exact calls. beside: the same models' constrained answers, by `MODEL_constrained`, each
    tested against its free ones.
    """
    beside = beside or {}
    rows = next(iter(found.values()))
    value: dict[str, Any] = {
        "golden": len(rows),
        "acts": dict(Counter(row.golden.act for row in rows)),
    }
    if chosen.evaluate.decoding != "free":
        value["decoding"] = chosen.evaluate.decoding
    for name, answers in [*found.items(), *beside.items()]:
        block: dict[str, Any] = {}
        samples = chosen.evaluate.bootstrap_samples
        for score, one in scores.estimates(answers, samples, chosen.seed).items():
            if one is not None:
                block[score] = one.value
                block[f"{score}_low"], block[f"{score}_high"] = one.low, one.high
        block["errors"] = dict(Counter(a.error for a in answers if a.error).most_common())
        value[name] = block
    for name, answers in beside.items():
        test = _paired(found[name.removesuffix(CONSTRAINED)], answers)
        value[name] |= {
            "mcnemar_exact_p": test.p,
            "exact_free_only": test.first_only,
            "exact_constrained_only": test.second_only,
        }
    if len(found) == 2:
        test = _paired(*found.values())
        value["tests"] = {
            "mcnemar_exact_p": test.p,
            "exact_first_only": test.first_only,
            "exact_second_only": test.second_only,
        }
    return value


def _paired(first: Sequence[Answered], second: Sequence[Answered]) -> significance.McNemar:
    """McNemar's test of the exact calls of two models' answers to the same rows."""
    return significance.mcnemar([a.is_exact for a in first], [a.is_exact for a in second])


def table(found: Mapping[str, Sequence[Answered]]) -> pl.DataFrame:
    """The rows of Answers."""

    def line(model: str, one: Answered) -> dict[str, Any]:
        row: GoldenRow = one.golden
        expected = [{"name": e.name, "arguments": e.arguments} for e in row.expected]
        predicted = [{"name": c.name, "arguments": c.arguments} for c in one.parsed.calls]
        return {
            "golden_id": row.golden_id, "model": model, "query": row.query, "act": row.act,
            "shown": len(one.shown), "completion": one.completion,
            "expected": json.dumps(expected, ensure_ascii=False),
            "predicted": json.dumps(predicted, ensure_ascii=False),
            "error": one.error, "exact": one.is_exact,
        }  # fmt: skip

    lines = [line(model, one) for model, answers in found.items() for one in answers]
    return pl.DataFrame(lines, schema=Answers.schema())


def confusion(answers: Sequence[Answered]) -> pl.DataFrame:
    """Expected and predicted function of every row; several are joined by +."""

    def named(names: list[str]) -> str:
        return "+".join(sorted(names)) or NOTHING

    return pl.DataFrame(
        [
            {
                "expected": named([e.name for e in a.golden.expected] * (a.golden.act == "call")),
                "predicted": named([call.name for call in a.parsed.calls]),
            }
            for a in answers
        ]
    )


def printed(value: Mapping[str, Any], names: Sequence[str]) -> Shown:
    """The scores as a table."""
    shown = Shown("", *names, title=f"{value['golden']} golden queries, 95% intervals")
    for score in scores.SCORES:
        if all(score in value[name] for name in names):
            cells = [
                "{:.3f} [{:.3f}, {:.3f}]".format(
                    *(value[name][f"{score}{end}"] for end in ("", "_low", "_high"))
                )
                for name in names
            ]
            shown.add_row(score, *cells)
    return shown
