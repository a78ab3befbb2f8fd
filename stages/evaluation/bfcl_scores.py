"""The figures of judged answers to BFCL: scores with intervals, paired tests, what went wrong."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
from rich.table import Table

from stages.core.tables import BenchmarkAnswers
from stages.evaluation import significance
from stages.evaluation.bfcl import (
    CATEGORIES,
    IRRELEVANCE,
    LIVE,
    LIVE_IRRELEVANCE,
    LIVE_RELEVANCE,
    MULTI_TURN,
    NO_CALL,
    NON_LIVE,
)
from stages.evaluation.bfcl_checker import EXCEEDS, Judged
from stages.evaluation.scores import Estimate
from stages.formats.parsed import Parsed

# Scores of several categories, and what they are called when printed.
NON_LIVE_PYTHON, ALL_LIVE = "non_live_python", "live"
MUST_CALL, LIVE_MUST_CALL = "must_call", "live_must_call"
# Scores of a category of conversations, and what they are called when printed.
TURNS, REFRAINING, STEPS = "turns", "refraining", "steps"
CONVERSATION = {
    TURNS: "turns before a miss",
    REFRAINING: "refraining",
    STEPS: "steps a turn",
}
TITLES = {
    NON_LIVE_PYTHON: "non-live, Python only (mean of 4 categories)",
    ALL_LIVE: "live (mean of the rows of 4 categories)",
    MUST_CALL: "must call",
    **{f"{name}_{score}": title for name in MULTI_TURN for score, title in CONVERSATION.items()},
    LIVE_MUST_CALL: "live must call",
}
# Irrelevance stands beside the share of readable calls where one is wanted.
BESIDE = {IRRELEVANCE: MUST_CALL, LIVE_IRRELEVANCE: LIVE_MUST_CALL}
Ratios = dict[str, significance.Floats]


def ratios(rows: Sequence[Judged]) -> Ratios:
    """Score -> the rows' (top, bottom), shape (rows, 2), of each score that can be computed: a
    score is the sum of the tops by that of the bottoms.

    The accuracy of each category; the share of readable calls among the rows that want one, of the
    non-live and of the live categories; the accuracy of all rows of LIVE; of conversations see
    `_of_conversations`.
    """
    categories = [one.row.category for one in rows]
    right = np.array([one.is_right for one in rows])
    called = np.array([one.has_calls for one in rows])

    def ratio(top: Any, names: Sequence[str]) -> significance.Floats:
        concerns = np.array([name in names for name in categories])
        return np.stack([top & concerns, concerns], axis=1).astype(float)

    made = {name: ratio(right, [name]) for name in CATEGORIES if name in categories}
    groups = {MUST_CALL: NON_LIVE, LIVE_MUST_CALL: (*LIVE, LIVE_RELEVANCE)}
    made |= {name: ratio(called, of) for name, of in groups.items() if set(of) & set(categories)}
    if set(LIVE) <= set(categories):
        made[ALL_LIVE] = ratio(right, LIVE)
    return made | _of_conversations(rows)


def _of_conversations(rows: Sequence[Judged]) -> Ratios:
    """Of each category of conversations, as `ratios`: of the turns that want calls, the share that
    is right before the first that is not; of the turns that were asked and want no call, the share
    in which none was made; answers a turn.
    """
    made: Ratios = {}
    for category in MULTI_TURN:
        for score in CONVERSATION:
            pairs = [_pair(one, score) if one.row.category == category else (0, 0) for one in rows]
            part = np.array(pairs, dtype=float).reshape(len(rows), 2)
            if part[:, 1].any():
                made[f"{category}_{score}"] = part
    return made


def _pair(one: Judged, score: str) -> tuple[int, int]:
    """(top, bottom) of a conversation's score."""
    assert one.played is not None and one.row.scenario is not None
    if score == TURNS:
        return one.played.right, sum(map(bool, one.row.scenario.gold))
    if score == REFRAINING:
        refrained = one.played.refrained(one.row)
        return sum(refrained), len(refrained)
    return sum(map(len, one.played.steps)), len(one.played.steps)


def estimates(rows: Sequence[Judged], samples: int, seed: int) -> dict[str, Estimate]:
    """Each score with its percentile bootstrap interval over the rows (Efron & Tibshirani 1993,
    chapter 13), each category beside it what it is to be read with. The mean of the four non-live
    categories counts them alike, whatever their rows.
    """
    parts = ratios(rows)
    drawn = significance.bootstrap(parts, {}, len(rows), samples, seed)
    values = {}
    for name, part in parts.items():
        top, bottom = part.sum(axis=0)
        values[name] = float(top / bottom)
    if set(NON_LIVE) <= set(parts):
        values[NON_LIVE_PYTHON] = float(np.mean([values[name] for name in NON_LIVE]))
        drawn[NON_LIVE_PYTHON] = np.mean([drawn[name] for name in NON_LIVE], axis=0)
    found = {
        name: Estimate(value, *significance.percentiles(drawn[name]))
        for name, value in values.items()
    }
    return {name: found[name] for name in _order(found)}


def _order(names: Mapping[str, Any]) -> list[str]:
    """The scores as they are printed: irrelevance with the share of calls after it, a category of
    conversations with its own scores.
    """
    order: list[str] = []
    for name in CATEGORIES:
        order += [name, BESIDE[name]] if name in BESIDE else [name]
        order += [f"{name}_{score}" for score in CONVERSATION]
    order += [NON_LIVE_PYTHON, ALL_LIVE, *BESIDE.values()]
    return [name for name in dict.fromkeys(order) if name in names]


def result(by_model: Mapping[str, Sequence[Judged]], samples: int, seed: int) -> dict[str, Any]:
    """What metrics/benchmark.json says of the answers: rows by category, those that exceed the
    context, each model's scores, unreadable answers and codes of errors by category; of two models
    exact McNemar tests by category, with the discordant rows.
    """
    rows = next(iter(by_model.values()))
    value: dict[str, Any] = {
        "rows": _count(one.row.category for one in rows),
        "exceed_context": _count(one.row.category for one in rows if one.error == EXCEEDS),
    }
    for model, answers in by_model.items():
        block: dict[str, Any] = {}
        for name, estimate in estimates(answers, samples, seed).items():
            block[name] = estimate.value
            block[f"{name}_low"], block[f"{name}_high"] = estimate.low, estimate.high
        # BFCL counts them as no call, which is right in some categories.
        block["unreadable"] = _count(one.row.category for one in answers if one.parsed.error)
        block["errors"] = {
            category: dict(Counter(
                one.error for one in answers if one.error and one.row.category == category
            ).most_common())
            for category in value["rows"]
        }  # fmt: skip
        value[model] = block
    if len(by_model) == 2:
        value["tests"] = tests(by_model)
    return value


def _count(categories: Any) -> dict[str, int]:
    counted = Counter(categories)
    return {name: counted[name] for name in CATEGORIES if name in counted}


def tests(by_model: Mapping[str, Sequence[Judged]]) -> dict[str, Any]:
    """Exact McNemar test of the right answers of two models, by category."""
    (first, one), (second, other) = by_model.items()
    block: dict[str, Any] = {}
    for category in _count(answer.row.category for answer in one):
        right = ([a.is_right for a in side if a.row.category == category] for side in (one, other))
        test = significance.mcnemar(*right)
        block[f"mcnemar_{category}_p"] = test.p
        block[f"{category}_{first}_only"] = test.first_only
        block[f"{category}_{second}_only"] = test.second_only
    return block


def table(by_model: Mapping[str, Sequence[Judged]]) -> pl.DataFrame:
    """The rows of BenchmarkAnswers."""
    lines = [
        {
            "row_id": one.row.row_id, "category": one.row.category, "model": model,
            "messages": _json(one.row.messages), "shown": len(one.row.functions),
            "completion": one.completion, "expected": _json(one.row.expected),
            "predicted": _json(_predicted(one)),
            "right": one.is_right, "error": one.error, "reason": one.reason,
        }
        for model, answers in by_model.items()
        for one in answers
    ]  # fmt: skip
    return pl.DataFrame(lines, schema=BenchmarkAnswers.schema())


def _predicted(one: Judged) -> list[Any]:
    """The calls; of a conversation a list of turns, which are lists of steps, which are these."""
    if one.played is not None:
        return [[_calls(step.parsed) for step in turn] for turn in one.played.steps]
    return _calls(one.parsed)


def _calls(parsed: Parsed) -> list[dict[str, Any]]:
    return [{"name": call.name, "arguments": call.arguments} for call in parsed.calls]


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def tables(
    value: dict[str, Any], names: Sequence[str], seconds: Mapping[str, float]
) -> list[Table]:
    """The scores of metrics/benchmark.json with their tests, and the errors by category. seconds:
    for a row, by model.
    """
    paired = value.get("tests", {})
    heads = ["", "rows", *names]
    if paired:
        heads += ["McNemar p", *(f"right in\n{name} only" for name in names)]
    scores = Table(*heads, title="BFCL v4, 95% intervals", caption=_caption(value, names))
    for name in _order(value[names[0]]):
        cells = [TITLES.get(name, name), str(value["rows"].get(name, ""))]
        for model in names:
            low, high = (value[model][f"{name}_{end}"] for end in ("low", "high"))
            cells.append(f"{value[model][name]:.3f} [{low:.3f}, {high:.3f}]")
        if f"mcnemar_{name}_p" in paired:
            cells.append(f"{paired[f'mcnemar_{name}_p']:.2g}")
            cells += (str(paired[f"{name}_{model}_only"]) for model in names)
        scores.add_row(*cells)
    scores.add_row("seconds per row", "", *(f"{seconds[name]:.3f}" for name in names))
    errors = Table("category", "error", *names, title="wrong rows")
    for category in value["rows"]:
        by_model = [value[name]["errors"].get(category, {}) for name in names]
        codes = [code for code, _ in sum(map(Counter, by_model), Counter[str]()).most_common()]
        for n, code in enumerate(codes):
            counts = (str(counted.get(code, 0)) for counted in by_model)
            errors.add_row(category if n == 0 else "", code, *counts)
    return [scores, errors]


def _caption(value: dict[str, Any], names: Sequence[str]) -> str:
    """What a reader of the scores must know besides."""
    said = []
    if set(BESIDE.values()) & set(value[names[0]]):
        said.append("must call: share of readable calls among the rows that want one.")
    if any(name in value["rows"] for name in MULTI_TURN):
        said.append("refraining: share of the turns that want no call in which none is made; a "
                    "model that never calls has all of it.")  # fmt: skip
    if exceed := sum(value["exceed_context"].values()):
        said.append(f"{exceed} rows exceed the context and count as wrong.")
    said += [
        f"{category}, {name}: {count} unreadable calls count as none, as BFCL has it."
        for category in NO_CALL
        for name in names
        if (count := value[name]["unreadable"].get(category))
    ]
    return " ".join(said)
