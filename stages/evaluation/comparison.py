"""Scored models side by side: intervals, and paired tests against a reference and the best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from stages.core.command import InputError
from stages.evaluation import metrics, significance

# As in params.yaml, so that the intervals are those of metrics/evaluate.json.
SAMPLES, SEED = 2000, 42
SCORES = ("f1", "cta", "ss")
WORDS = {"q1": "q1", "median": "median", "q3": "q3", "KS to target": "ks"}
REFERENCE, BEST = "reference", "best"
GOLDEN = ["golden_id", "query", "function", "content_type", "extracted_prompt"]
ANSWER = ["predicted_function", "predicted_content_type", "predicted_extracted_prompt"]


@dataclass(frozen=True)
class Model:
    """Answers to the golden queries (`tables.Predictions`, one model) and rows it was trained on.

    `rows` is None where it is unknown; an untuned model is never the best.
    """

    name: str
    predictions: pl.DataFrame
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
    """A model against another: differences (this minus the other) of f1, cta, ss; the tests."""

    opponent: str
    differences: dict[str, Estimate]
    tests: dict[str, Test]


@dataclass(frozen=True)
class Row:
    """A line of the table; `paired` has the roles that the model does not play itself."""

    name: str
    rows: int | None
    scores: dict[str, Estimate]
    exact_match: float
    parse_failures: float
    paired: dict[str, Paired]


@dataclass(frozen=True)
class Comparison:
    """The table: `tests` is the size of the family that Holm's correction covers."""

    golden: int
    reference: str
    best: str
    tests: int
    rows: list[Row]


def bases(found: Sequence[tuple[str, pl.DataFrame]]) -> list[Model]:
    """One untuned model for each set of answers that differs from those before it."""
    seen: list[pl.DataFrame] = []
    models = []
    for name, frame in found:
        answers = frame.sort("golden_id").select(ANSWER)
        if not any(answers.equals(other) for other in seen):
            label = f"base of {name} (untuned)" if seen else "base (untuned)"
            models.append(Model(label, frame, tuned=False))
            seen.append(answers)
    return models


def check_golden(models: Sequence[Model]) -> None:
    """Raise InputError for two models that answered different golden queries."""
    first = models[0]
    wanted = first.predictions.select(GOLDEN).sort("golden_id")
    for model in models[1:]:
        given = model.predictions.select(GOLDEN).sort("golden_id")
        if not given.equals(wanted):
            shared = len(wanted.join(given, on=GOLDEN, how="inner"))
            raise InputError(
                f"{first.name!r} and {model.name!r} were scored on different golden sets "
                f"({len(wanted)} and {len(given)} queries, {shared} of them alike): run "
                "`dvc exp run` with one golden.jsonl for both"
            )


def _tests(here: pl.DataFrame, there: pl.DataFrame) -> dict[str, Test]:
    """The three paired tests, not corrected."""
    tests = {}
    for name in ("function", "content_type"):
        found = significance.mcnemar(
            here[f"{name}_correct"].to_list(), there[f"{name}_correct"].to_list()
        )
        tests[name] = Test(found.p, found.p, found.first_only, found.second_only)
    p = significance.paired_t(here["similarity"].to_list(), there["similarity"].to_list())
    return tests | {"ss": Test(p, p)}


def compare(models: Sequence[Model], reference: str) -> Comparison:
    """Score every model and test it against `reference` and the best.

    The best has the highest F1 of the tuned models, ties by CTA, then by order. Exact McNemar tests
    of function and content type and a paired t-test of SS; all of them, the test of a pair counted
    once, are one family for Holm's correction. Raises InputError when the golden sets differ.
    """
    check_golden(models)
    frames = {model.name: model.predictions.sort("golden_id") for model in models}
    summaries = {name: metrics.summary(frame) for name, frame in frames.items()}
    draws = {name: significance.bootstrap(frame, SAMPLES, SEED) for name, frame in frames.items()}
    tuned = [model.name for model in models if model.tuned]
    best = max(tuned, key=lambda name: (summaries[name]["f1"], summaries[name]["cta"]))
    roles = {REFERENCE: reference} | ({BEST: best} if best != reference else {})

    pairs = {
        (name, role): _tests(frames[name], frames[other])
        for name in frames
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
                for key in SCORES
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
                key: Estimate(
                    summaries[model.name][key],
                    *significance.percentiles(draws[model.name][key]),
                )
                for key in SCORES
            },
            summaries[model.name]["exact_match"],
            summaries[model.name]["parse_failures"],
            {role: paired(model.name, role) for role in roles if (model.name, role) in pairs},
        )
        for model in models
    ]
    return Comparison(len(frames[best]), reference, best, len(family), rows)


def diversity(validate: dict[str, Any]) -> dict[str, float | None]:
    """How varied a dataset is: figures of metrics/validate.json by label, None where absent."""
    words, routes = validate.get("words", {}), validate.get("routes", {})
    places = validate.get("type_position", {})
    return {
        "rows": validate.get("accepted"),
        "js_bits": validate.get("js_bits"),
        **{
            f"words {function}, {label}": (figures or {}).get(key)  # none without rows
            for function, figures in words.items()
            for label, key in WORDS.items()
        },
        "type position, KS to uniform": places.get("ks_uniform"),
        "type position, KS to target": places.get("ks_target"),
        **{
            key: validate.get(key)
            for key in ("distinct_1", "distinct_2", "distinct_3", "self_bleu", "near_duplicates")
        },
        **{f"acceptance {name}": figures.get("acceptance") for name, figures in routes.items()},
    }
