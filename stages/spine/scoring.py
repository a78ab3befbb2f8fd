"""What the stage `evaluate` writes of answered golden queries: metrics, answers, confusion."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from stages.core.settings import Settings
from stages.core.tables import Answers
from stages.evaluation import own, scores, significance
from stages.evaluation.answered import Answered
from stages.evaluation.own import ACCURACY, Floats, Named
from stages.evaluation.similarity import AS_TEXT, Encode

NOTHING = "(none)"
CONSTRAINED = "_constrained"
# Up to so many values of an argument, or functions, have a metric each.
MOST_VALUES = 20


@dataclass(frozen=True)
class Scored:
    """One model's answers and the pack's own scores of them; counts: texts compared as texts."""

    answers: Sequence[Answered]
    own: Mapping[str, Floats]
    counts: Counter[str]


def scored(answers: Sequence[Answered], named: Named, encode: Callable[[], Encode]) -> Scored:
    """The pack's own scores of a model's answers."""
    counts: Counter[str] = Counter()
    return Scored(answers, own.scores(answers, named, encode, counts), +counts)


def result(
    by_model: Mapping[str, Scored], named: Named, settings: Settings,
    constrained: Mapping[str, Scored] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """metrics/evaluate.json: each model's scores with their intervals, and paired tests of the two
    models. constrained: the same models' constrained answers, by `MODEL_constrained`, each tested
    against its free ones.
    """
    constrained = constrained or {}
    rows = next(iter(by_model.values())).answers
    value: dict[str, Any] = {
        "golden": len(rows),
        "acts": dict(Counter(row.golden.act for row in rows)),
    }
    if settings.evaluate.decoding != "free":
        value["decoding"] = settings.evaluate.decoding
    for name, one in [*by_model.items(), *constrained.items()]:
        block: dict[str, Any] = {}
        samples = settings.evaluate.bootstrap_samples
        estimated = scores.estimates(one.answers, samples, settings.seed, one.own)
        for score, estimate in estimated.items():
            if estimate is not None:
                block[score] = estimate.value
                block[f"{score}_low"], block[f"{score}_high"] = estimate.low, estimate.high
        block["errors"] = dict(Counter(a.error for a in one.answers if a.error).most_common())
        value[name] = block | parts(one, named)
    for name, one in constrained.items():
        test = _exact(by_model[name.removesuffix(CONSTRAINED)], one)
        value[name] |= {
            "mcnemar_exact_p": test.p,
            "exact_free_only": test.first_only,
            "exact_constrained_only": test.second_only,
        }
    if len(by_model) == 2:
        value["tests"] = tests(by_model, named)
    return value


def parts(one: Scored, named: Named) -> dict[str, Any]:
    """F1 by function, and of each accuracy the share of right values by expected value, where these
    are few; how many texts were compared as texts.
    """
    block: dict[str, Any] = {}
    counted = scores.functions(one.answers)
    functions = sorted(
        {e.name for a in one.answers for e in a.golden.expected if a.golden.act == "call"}
        | {call.name for a in one.answers for call in a.parsed.calls if a.golden.act == "call"}
    )
    if 0 < len(functions) <= MOST_VALUES:
        total = (counted.expected + counted.predicted).sum(axis=0)
        hits = counted.hits.sum(axis=0)
        block["f1_by_function"] = {
            name: float(2 * hits[n] / total[n]) for n, name in enumerate(functions) if total[n]
        }
    for name, of in named.items():
        if ACCURACY not in of:
            continue
        by_value: dict[str, list[float]] = {}
        for row in one.answers:
            for accepted, predicted in own.pairs(row, of[ACCURACY]):
                right = predicted is not None and own.is_accepted(predicted, accepted)
                by_value.setdefault(str(accepted[0]), []).append(float(right))
        if 0 < len(by_value) <= MOST_VALUES:
            block[f"{name}_by_value"] = {k: float(np.mean(by_value[k])) for k in sorted(by_value)}
    return block | ({AS_TEXT: one.counts[AS_TEXT]} if one.counts[AS_TEXT] else {})


def tests(by_model: Mapping[str, Scored], named: Named) -> dict[str, Any]:
    """Paired tests of two models, with the discordant rows: exact McNemar of right functions, exact
    calls and each accuracy; a paired t-test of each similarity.
    """
    (first, one), (second, other) = by_model.items()
    block: dict[str, Any] = {}

    def add(name: str, test: significance.McNemar) -> None:
        block[f"mcnemar_{name}_p"] = test.p
        block[f"{name}_{first}_only"] = test.first_only
        block[f"{name}_{second}_only"] = test.second_only

    right = [_right_function(model.answers) for model in (one, other)]
    add("function", significance.mcnemar(*right))
    add("exact", _exact(one, other))
    for name, of in named.items():
        concerns = np.isfinite(one.own[name])
        values = [model.own[name][concerns] for model in (one, other)]
        if ACCURACY in of:
            add(name, significance.mcnemar(*([v == 1 for v in side.tolist()] for side in values)))
        else:
            block[f"ttest_{name}_p"] = significance.paired_t(*(side.tolist() for side in values))
    return block


def _right_function(answers: Sequence[Answered]) -> list[bool]:
    """Whether just the right functions are called, for the rows where a call is right."""
    return [
        bool(scores.SCORES["function_accuracy"](row)[0])
        for row in answers
        if row.golden.act == "call"
    ]


def _exact(first: Scored, second: Scored) -> significance.McNemar:
    """McNemar's test of the exact calls of two models' answers to the same rows."""
    return significance.mcnemar(*([a.is_exact for a in one.answers] for one in (first, second)))


def table(by_model: Mapping[str, Scored]) -> pl.DataFrame:
    """The rows of Answers."""

    def line(model: str, one: Answered, metrics: dict[str, float]) -> dict[str, Any]:
        row = one.golden
        expected = [{"name": e.name, "arguments": e.arguments} for e in row.expected]
        predicted = [{"name": c.name, "arguments": c.arguments} for c in one.parsed.calls]
        return {
            "golden_id": row.golden_id, "model": model, "query": row.query, "act": row.act,
            "shown": len(one.shown), "completion": one.completion,
            "expected": json.dumps(expected, ensure_ascii=False),
            "predicted": json.dumps(predicted, ensure_ascii=False),
            "error": one.error, "exact": one.is_exact, "metrics": json.dumps(metrics),
        }  # fmt: skip

    lines = [
        line(model, row, {
            name: round(float(values[n]), 6)
            for name, values in one.own.items()
            if np.isfinite(values[n])
        })
        for model, one in by_model.items()
        for n, row in enumerate(one.answers)
    ]  # fmt: skip
    return pl.DataFrame(lines, schema=Answers.schema())


def confusions(answers: Sequence[Answered], named: Named) -> dict[str, pl.DataFrame]:
    """The confusion of the functions, and of each argument whose accuracy the pack names."""
    return {"function": confusion(answers)} | {
        of[ACCURACY]: confusion_of(answers, of[ACCURACY]) for of in named.values() if ACCURACY in of
    }


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


def confusion_of(answers: Sequence[Answered], argument: str) -> pl.DataFrame:
    """Expected and predicted value of an argument, of every expected call that has it."""
    return pl.DataFrame(
        [
            {
                "expected": str(accepted[0]),
                "predicted": NOTHING if predicted is None else str(predicted),
            }
            for row in answers
            for accepted, predicted in own.pairs(row, argument)
        ],
        schema={"expected": pl.String, "predicted": pl.String},
    )
