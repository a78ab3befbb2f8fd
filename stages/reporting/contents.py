"""What stands on the page: its tables of rows, and the values of its template."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from stages.reporting import charts, page, rows, scores, ways
from stages.reporting.material import Material
from stages.reporting.thumbnails import thumbnails

# Columns that are seen, with their classes of style; the others stand in a row's details.
SAMPLES = {"query": "", "calls": "call narrow-off", "route": "word", "template": "id narrow-off"}
REJECTS = {"query": "", "check": "word", "reason": "narrow-off", "template": "id narrow-off"}
ERRORS = {"query": "", "expected": "call narrow-off", "answered": "call narrow-off", "why": ""}


def tables(
    material: Material, prompted: rows.Prompted, named: rows.Named,
    why: Callable[[Mapping[str, Any]], list[str]], limit: int | None = None,
) -> dict[str, dict[str, Any]]:  # fmt: skip
    """The page's tables by name, those that have rows. why: the reasons that a row of Answers is
    not exact; limit: rows of a table at most, where not the usual. Raises InputError.
    """
    results: dict[str, dict[str, Any]] = {}
    parts = {
        "samples": (rows.samples(material, prompted, named, limit or rows.MOST_SAMPLES), SAMPLES),
        "rejects": (rows.rejects(material, prompted, named, limit or rows.MOST_REJECTS), REJECTS),
    }
    if "answers" in material.tables:
        wrong = rows.errors(material.tables["answers"], why, limit or rows.MOST_ERRORS)
        parts["errors"] = wrong, ERRORS
    for name, (part, columns) in parts.items():
        filters = dict.fromkeys(part.filters, "")
        if name == "errors" and part.rows:
            filters["model"] = part.rows[0]["model"]
        if part.rows:
            results[name] = page.table(part.rows, columns, filters, part.total)
    if "samples" in results:
        paths = [row["picture"] for row in parts["samples"][0].rows]
        results["samples"]["pictures"] = thumbnails(paths)
    for name, lines in (
        ("templates", scores.templates(material)),
        ("strata", scores.strata(material)),
    ):
        if lines:
            plain = dict.fromkeys(lines[0], "word")
            results[name] = page.table(lines, plain, {"route": ""}, len(lines))
    return results


def values(material: Material, tables: Mapping[str, Any]) -> dict[str, Any]:
    """What the page's template shows, but its lead. tables: those of `tables`."""
    evaluated, validated = (material.metrics.get(name, {}) for name in ("evaluate", "validate"))
    scored = scores.scores(evaluated)
    with_scores = {score.model for _, row in scored for score in row}
    checks = scores.checks(material)
    lower = [name.replace("_", " ") for name in scores.LOWER]
    dependencies = material.tables.get("dependencies")
    worlds = ways.drawings(dependencies) if dependencies is not None else []
    return {
        "missing": material.missing,
        "cards": scores.cards(material),
        "models": scores.models(material),
        "scores": scored,
        "score_models": [name for name in scores.MODELS if name in with_scores],
        "golden": evaluated.get("golden", 0),
        "lower": [name for name in lower if name in dict(scored)],
        "tests": scores.tests(evaluated),
        "loss": page.Markup(charts.loss(material)),
        "steps": scores.pipeline(material),
        "alignment": [page.Markup(svg) for svg in charts.alignment(material)],
        "aligned": scores.aligned(validated),
        "strata": "strata" in tables,
        "checks": checks,
        "most_refused": max((count for _, count in checks), default=1),
        "recipes": scores.recipes(material),
        "worlds": [(name, page.Markup(svg)) for name, svg in worlds],
        "traced": material.metrics.get("route", {}).get("worlds", {}),
    }
