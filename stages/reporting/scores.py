"""Figures of metrics files as the page shows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import polars as pl

from stages.core.scores import ENDS, with_interval
from stages.core.tables import ROUTES
from stages.reporting.material import Material

# Models' blocks in metrics/evaluate.json, in the order of the page.
MODELS = ("tuned", "base", "tuned_constrained", "base_constrained")
# Scores that are better the lower they are.
LOWER = ("hallucinated_function",)


class Score(NamedTuple):
    """A score of one model, 0 to 1, with its 95% interval."""

    model: str
    value: float
    low: float
    high: float


class Step(NamedTuple):
    """A stage of the pipeline: what it is called, what it does, and its figures in words."""

    name: str
    does: str
    figures: list[str]


def scores(evaluated: Mapping[str, Any]) -> list[tuple[str, list[Score]]]:
    """Of each score that has an interval, every model's."""
    blocks = {name: evaluated[name] for name in MODELS if isinstance(evaluated.get(name), dict)}
    rows: dict[str, list[Score]] = {}
    for model, block in blocks.items():
        for name in with_interval(block):
            score = Score(model, *(float(block[f"{name}{end}"]) for end in ENDS))
            rows.setdefault(name.replace("_", " "), []).append(score)
    return [*rows.items()]


def tests(evaluated: Mapping[str, Any]) -> list[tuple[str, float]]:
    """The paired tests' p values."""
    tests = evaluated.get("tests")
    pairs = tests.items() if isinstance(tests, dict) else ()
    return [(name.removesuffix("_p").replace("_", " "), float(p))
            for name, p in pairs if name.endswith("_p") and isinstance(p, int | float)]  # fmt: skip


def cards(material: Material) -> list[tuple[str, str, str]]:
    """The few figures that come first: name, value, and what it means."""
    validated, evaluated = (material.metrics.get(name, {}) for name in ("validate", "evaluate"))
    figures = []
    if "rows" in validated:
        parts = (
            f"{validated.get('train', 0):,} to train, {validated.get('validation', 0):,} held back"
        )
        figures.append(("rows", f"{validated['rows']:,}", parts))
    if candidates := validated.get("candidates"):
        passed = sum(counts.get("passed", 0) for counts in validated.get("routes", {}).values())
        figures.append(("accepted", f"{passed / candidates:.0%}", f"of {candidates:,} candidates"))
    if "js_bits" in validated:
        meaning = "Jensen-Shannon divergence from the population, 0 to 1 bit"
        figures.append(("distance", bits(validated["js_bits"]), meaning))
    by_name = dict(scores(evaluated))
    for name in ("function f1", "function accuracy", "argument f1", "exact call"):
        tuned = [score for score in by_name.get(name, []) if score.model == "tuned"]
        if tuned and not (name == "function accuracy" and "function f1" in by_name):
            (score,) = tuned
            meaning = f"95% interval {score.low:.3f} to {score.high:.3f}"
            figures.append((name, f"{score.value:.3f}", meaning))
    if "readable" in by_name:
        share = 1 - by_name["readable"][0].value
        figures.append(("unreadable", f"{share:.1%}", "answers that are no calls one can read"))
    return figures


def bits(value: float) -> str:
    """A divergence for people."""
    return f"{value:.3f} bits" if value >= 0.001 else "< 0.001 bits"


def pipeline(material: Material) -> list[Step]:
    """The stages that have run, each with what it made."""
    metrics = material.metrics

    def of(name: str, *fields: tuple[str, str]) -> list[str]:
        block = metrics.get(name, {})
        return [f"{block[key]:,} {words.removesuffix('s') if block[key] == 1 else words}"
                for key, words in fields if isinstance(block.get(key), int | float)]  # fmt: skip

    steps = [
        Step("ingest", "reads the pack's graph and content", [
            *of("ingest_graph", ("nodes", "concepts"), ("edges", "relations")),
            *of("ingest_assets", ("assets", "content items"), ("pictures", "pictures")),
        ]),
        Step("route", "plans every conversation", of(
            "route", ("plans", "plans"), ("strata", "strata"), ("tool_sets", "tool sets"))),
    ]  # fmt: skip
    written = {route: metrics.get(f"generate_{route}", {}) for route in ROUTES}
    steps += [
        Step("generate", "finds the words, checked at once", [
            f"{route}: {figures.get('accepted', 0):,} of {figures['candidates']:,} accepted"
            for route, figures in written.items() if figures.get("candidates")
        ]),
        Step("validate", "drops duplicates, selects to the target",
             of("validate", ("rows", "rows"), ("duplicates", "duplicates"),
                ("near_duplicates", "near-duplicates"))),
        Step("finetune", "trains the student",
             of("finetune", ("steps", "steps"), ("final_loss", "training loss"),
                ("validation_loss", "validation loss"))),
        Step("evaluate", "scores it on the golden set", of("evaluate", ("golden", "queries"))),
    ]  # fmt: skip
    return [step for step in steps if step.figures]


def models(material: Material) -> list[tuple[str, str]]:
    """Role and name of each model."""
    figures = material.metrics.get("models", {})
    return [(role, str(model["model"])) for role, model in figures.items()
            if isinstance(model, dict) and model.get("model")]  # fmt: skip


def checks(material: Material) -> list[tuple[str, int]]:
    """How many candidates each check refused, most first; from the table of what was refused."""
    frame = material.tables.get("rejected")
    if frame is None:
        return []
    counted = frame["check"].value_counts().sort(["count", "check"], descending=[True, False])
    return list(counted.iter_rows())


def routes(material: Material) -> list[tuple[str, int, int]]:
    """Of each route the candidates, and how many passed."""
    figures = material.metrics.get("validate", {}).get("routes", {})
    return [(name, int(counts.get("candidates", 0)), int(counts.get("passed", 0)))
            for name, counts in figures.items()]  # fmt: skip


def templates(material: Material) -> list[dict[str, Any]]:
    """Of each template the candidates, those refused, and the check that refuses most of them;
    the worst first. As validate counted them, but for that check.
    """
    frame, refused = material.curves.get("validate/templates"), material.tables.get("rejected")
    if frame is None or not {"route", "template_id", "candidates", "passed"} <= set(frame.columns):
        return []
    by = ["template_id", "route"]
    mostly = {
        (name, route): check
        for name, route, check in refused.group_by(*by, "check").len()
        .sort(["len", "check"], descending=[False, True])
        .select(*by, "check").iter_rows()
    } if refused is not None else {}  # fmt: skip
    table = frame.with_columns(accepted=(pl.col("passed") / pl.col("candidates")).round(3)).sort(
        ["accepted", "candidates", *by], descending=[False, True, False, False]
    )
    return [
        {
            "template": row["template_id"], "route": row["route"], "tried": row["candidates"],
            "refused": row["candidates"] - row["passed"], "accepted": row["accepted"],
            "mostly": mostly.get((row["template_id"], row["route"])),
        }
        for row in table.iter_rows(named=True)
    ]  # fmt: skip


def strata(material: Material) -> list[dict[str, Any]]:
    """Each stratum's share of the population and of the dataset, the largest first."""
    frame = material.curves.get("validate/strata")
    if frame is None or not {"target", "accepted"} <= set(frame.columns):
        return []
    frame = frame.sort("target", descending=True)
    return [dict(row) for row in frame.head(2_000).iter_rows(named=True)]


def recipes(material: Material) -> list[dict[str, Any]]:
    """The recipes that `make ablation` compared, as it last wrote them: of each model its scores
    and the dataset's figures.
    """
    frame = material.curves.get("ablation")
    if frame is None or "model" not in frame.columns:
        return []
    wanted = {"trained_on": "rows", "exact_match": "exact", "parse_failures": "unreadable",
              "self_bleu": "self-BLEU", "distinct_2": "distinct-2"}  # fmt: skip
    made = []
    for row in frame.head(50).iter_rows(named=True):
        recipe: dict[str, Any] = {"recipe": row["model"]}
        for name in frame.columns:
            low, high = row.get(f"{name}_low"), row.get(f"{name}_high")
            if low is not None and high is not None and "difference" not in name:
                recipe[name] = f"{row[name]:.3f} [{low:.3f}, {high:.3f}]"
        recipe |= {words: row[name] for name, words in wanted.items() if name in frame.columns}
        made.append(recipe)
    return made


def aligned(validated: Mapping[str, Any]) -> str:
    """How far the dataset is from the population, in words; "" where it is not known."""
    if not isinstance(validated.get("js_bits"), int | float):
        return ""
    return (
        f"Jensen-Shannon divergence {validated['js_bits']:.2g} bits (0: equal, 1: nothing shared)."
    )
