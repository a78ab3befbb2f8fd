"""Scored models side by side: intervals, and paired tests against a reference and the best."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from stages.core.command import InputError
from stages.evaluation import significance
from stages.evaluation.significance import Floats

# As in params.yaml, so that the intervals are those of metrics/evaluate.json.
SAMPLES, SEED = 2000, 42
F1, FUNCTION = "f1", "function"
WORDS = {"q1": "q1", "median": "median", "q3": "q3", "KS to target": "ks"}
REFERENCE, BEST = "reference", "best"
GOLDEN = ["golden_id", "query", "act", "expected"]
ANSWER = ["predicted"]


@dataclass(frozen=True)
class Model:
    """Answers to the golden queries (`tables.Answers`, one model) and rows it was trained on.

    `rows` is None where it is unknown; an untuned model is never the best.
    """

    name: str
    answers: pl.DataFrame
    rows: int | None = None
    tuned: bool = True


@dataclass(frozen=True)
class Estimate:
    """A score or a difference of two, with its 95% interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Test:
    """p, p after Holm's correction, and queries right in this model only and in the other only.

    A t-test has no such counts.
    """

    p: float
    holm: float
    only_here: int | None = None
    only_there: int | None = None


@dataclass(frozen=True)
class Paired:
    """A model against another: differences of the scores (this minus the other); the tests."""

    opponent: str
    differences: dict[str, Estimate]
    tests: dict[str, Test]


@dataclass(frozen=True)
class Row:
    """A line of the table; `paired` has the roles that the model does not play itself. exact: share
    of the exact calls; no_call: of the answers without a call, where one is right.
    """

    name: str
    rows: int | None
    scores: dict[str, Estimate]
    exact: float
    no_call: float
    paired: dict[str, Paired]


@dataclass(frozen=True)
class Comparison:
    """The table: `tests` is the size of the family that Holm's correction covers."""

    golden: int
    reference: str
    best: str
    tests: int
    rows: list[Row]


def bases(scored: Sequence[tuple[str, pl.DataFrame]]) -> list[Model]:
    """One untuned model for each set of answers that differs from those before it."""
    seen: list[pl.DataFrame] = []
    models = []
    for name, frame in scored:
        answers = frame.sort("golden_id").select(ANSWER)
        if not any(answers.equals(other) for other in seen):
            label = f"base of {name} (untuned)" if seen else "base (untuned)"
            models.append(Model(label, frame, tuned=False))
            seen.append(answers)
    return models


def check_golden(models: Sequence[Model]) -> None:
    """Raise InputError for two models that answered different golden queries."""
    first = models[0]
    wanted = first.answers.select(GOLDEN).sort("golden_id")
    for model in models[1:]:
        given = model.answers.select(GOLDEN).sort("golden_id")
        if not given.equals(wanted):
            shared = len(wanted.join(given, on=GOLDEN, how="inner"))
            raise InputError(
                f"{first.name!r} and {model.name!r} were scored on different golden sets "
                f"({len(wanted)} and {len(given)} queries, {shared} of them alike): run "
                "`dvc exp run` with one golden.jsonl for both"
            )


@dataclass(frozen=True)
class Values:
    """A model's answers, row by row, where a call is right. functions: the labels of F1; right:
    whether just the right functions are called; own: the pack's own scores of each row, by name,
    those that both have.
    """

    functions: significance.Labels
    right: list[bool]
    own: dict[str, Floats]
    exact: float
    no_call: float


def values(answers: pl.DataFrame) -> Values:
    """What is compared of a model's answers, in the order of the golden rows."""
    rows = answers.filter(act="call").sort("golden_id")
    wanted, called = (
        [[call["name"] for call in json.loads(text)] for text in rows[column]]
        for column in ("expected", "predicted")
    )
    held = [json.loads(text) for text in rows["metrics"]]
    names = dict.fromkeys(name for one in held for name in one)
    return Values(
        significance.labels(wanted, called),
        [sorted(a) == sorted(b) for a, b in zip(wanted, called, strict=True)],
        {name: np.array([one.get(name, np.nan) for one in held], dtype=float) for name in names},
        float(np.mean(rows["exact"].to_numpy())) if len(rows) else 0.0,
        float(np.mean([not names for names in called])) if len(rows) else 0.0,
    )


def _tests(here: Values, there: Values) -> dict[str, Test]:
    """The paired tests, not corrected: exact McNemar of what is right or wrong, else a t-test."""
    result = significance.mcnemar(here.right, there.right)
    tests = {FUNCTION: Test(result.p, result.p, result.first_only, result.second_only)}
    for name in here.own:
        both = [side.own[name] for side in (here, there)]
        finite = np.isfinite(both[0]) & np.isfinite(both[1])
        one, other = (side[finite] for side in both)
        if np.isin(np.concatenate([one, other]), (0.0, 1.0)).all():
            result = significance.mcnemar((one == 1).tolist(), (other == 1).tolist())
            tests[name] = Test(result.p, result.p, result.first_only, result.second_only)
        else:
            p = significance.paired_t(one.tolist(), other.tolist())
            tests[name] = Test(p, p)
    return tests


def scores(answers: Values) -> tuple[dict[str, float], dict[str, Floats]]:
    """Each score of a model, and its resamples, shape (SAMPLES,)."""
    rows = len(answers.right)
    ratios = {
        name: np.stack([np.nan_to_num(one), np.isfinite(one).astype(float)], axis=1)
        for name, one in answers.own.items()
    }
    drawn = significance.bootstrap(ratios, {F1: answers.functions}, rows, SAMPLES, SEED)
    once = {F1: float(significance.f1(np.ones((1, rows)), answers.functions)[0])}
    once |= {name: float(np.nanmean(one)) for name, one in answers.own.items()}
    return once, {name: drawn[name] for name in once}


def compare(models: Sequence[Model], reference: str) -> Comparison:
    """Score every model and test it against `reference` and the best.

    The best has the highest F1 of the tuned models, ties by the pack's first score, then by order.
    The paired tests of `_tests`; all of them, the test of a pair counted once, are one family for
    Holm's correction. Raises InputError when the golden sets or the packs' scores differ.
    """
    check_golden(models)
    by_model = {model.name: values(model.answers) for model in models}
    first = next(iter(by_model.values()))
    for name, one in by_model.items():
        if set(one.own) != set(first.own):
            raise InputError(
                f"{models[0].name!r} and {name!r} have other scores ({sorted(first.own)} and "
                f"{sorted(one.own)}): run `dvc repro evaluate` with one pack.yaml for both"
            )
    both = {name: scores(one) for name, one in by_model.items()}
    summaries = {name: once for name, (once, _) in both.items()}
    draws = {name: drawn for name, (_, drawn) in both.items()}
    tuned = [model.name for model in models if model.tuned]
    best = max(tuned, key=lambda name: list(summaries[name].values())[:2])
    roles = {REFERENCE: reference} | ({BEST: best} if best != reference else {})

    pairs = {
        (name, role): _tests(by_model[name], by_model[other])
        for name in by_model
        for role, other in roles.items()
        if other != name
    }
    family = {
        (frozenset((name, roles[role])), measure): test.p
        for (name, role), tests in pairs.items()
        for measure, test in tests.items()
    }
    adjusted = dict(zip(family, significance.holm(list(family.values())), strict=True))

    def paired(name: str, role: str) -> Paired:
        other = roles[role]
        return Paired(
            other,
            {
                # The same seed and rows drew the same resamples for both: the draws are paired.
                key: Estimate(
                    summaries[name][key] - summaries[other][key],
                    *significance.percentiles(draws[name][key] - draws[other][key]),
                )
                for key in summaries[name]
            },
            {
                measure: Test(
                    test.p,
                    adjusted[frozenset((name, other)), measure],
                    test.only_here,
                    test.only_there,
                )
                for measure, test in pairs[name, role].items()
            },
        )

    rows = [
        Row(
            model.name,
            model.rows,
            {
                key: Estimate(value, *significance.percentiles(draws[model.name][key]))
                for key, value in summaries[model.name].items()
            },
            by_model[model.name].exact,
            by_model[model.name].no_call,
            {role: paired(model.name, role) for role in roles if (model.name, role) in pairs},
        )
        for model in models
    ]
    return Comparison(len(models[0].answers), reference, best, len(family), rows)


def diversity(validate: dict[str, Any]) -> dict[str, float | None]:
    """How varied a dataset is: figures of metrics/validate.json by label, None where absent."""
    words, routes = validate.get("words", {}), validate.get("routes", {})
    places = validate.get("class_place", {})
    return {
        "rows": validate.get("rows"),
        "js_bits": validate.get("js_bits"),
        **{
            f"words {function}, {label}": (figures or {}).get(key)  # none without rows
            for function, figures in words.items()
            for label, key in WORDS.items()
        },
        "class place, KS to uniform": places.get("ks_uniform"),
        "class place, KS to target": places.get("ks_target"),
        **{
            key: validate.get(key)
            for key in ("distinct_1", "distinct_2", "distinct_3", "self_bleu", "near_duplicates")
        },
        **{f"acceptance {name}": figures.get("acceptance") for name, figures in routes.items()},
    }
