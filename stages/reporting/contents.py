"""What stands on the page: its tables of rows, and what its template tells beside them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from stages.reporting import charts, page, rows, scores
from stages.reporting.material import Material
from stages.reporting.thumbnails import thumbnails

# Columns that are seen, with their classes of style; the others stand in a row's details.
SAMPLES = {"query": "", "calls": "call narrow-off", "route": "word", "template": "id narrow-off"}
REJECTS = {"query": "", "check": "word", "reason": "narrow-off", "template": "id narrow-off"}
ERRORS = {"query": "", "expected": "call narrow-off", "answered": "call narrow-off", "why": ""}


def tables(
    found: Material, prompted: rows.Prompted, named: rows.Named,
    why: Callable[[Mapping[str, Any]], list[str]], most: int | None = None,
) -> dict[str, dict[str, Any]]:  # fmt: skip
    """The page's tables by name, those that have rows. why: the reasons that a row of Answers is
    not exact; most: rows of a table at most, where not the usual. Raises InputError.
    """
    made: dict[str, dict[str, Any]] = {}
    parts = {
        "samples": (rows.samples(found, prompted, named, most or rows.MOST_SAMPLES), SAMPLES),
        "rejects": (rows.rejects(found, prompted, named, most or rows.MOST_REJECTS), REJECTS),
    }
    if "answers" in found.tables:
        wrong = rows.errors(found.tables["answers"], why, most or rows.MOST_ERRORS)
        parts["errors"] = wrong, ERRORS
    for name, (held, shown) in parts.items():
        choose = dict.fromkeys(held.filters, "")
        if name == "errors" and held.rows:
            choose["model"] = held.rows[0]["model"]
        if held.rows:
            made[name] = page.table(held.rows, shown, choose, held.total)
    if "samples" in made:
        paths = [row["picture"] for row in parts["samples"][0].rows]
        made["samples"]["pictures"] = thumbnails(paths)
    for name, lines in (("templates", scores.templates(found)), ("strata", scores.strata(found))):
        if lines:
            columns = dict.fromkeys(lines[0], "word")
            made[name] = page.table(lines, columns, {"route": ""}, len(lines))
    return made


def told(found: Material, made: Mapping[str, Any]) -> dict[str, Any]:
    """What the page's template shows, but its lead. made: of `tables`."""
    evaluated, valid = (found.metrics.get(name, {}) for name in ("evaluate", "validate"))
    scored = scores.scores(evaluated)
    with_scores = {score.model for _, row in scored for score in row}
    checks = scores.checks(found)
    lower = [name.replace("_", " ") for name in scores.LOWER]
    return {
        "missing": found.missing,
        "cards": scores.cards(found),
        "models": scores.models(found),
        "scores": scored,
        "score_models": [name for name in scores.MODELS if name in with_scores],
        "golden": evaluated.get("golden", 0),
        "lower": [name for name in lower if name in dict(scored)],
        "tests": scores.tests(evaluated),
        "loss": page.Markup(charts.loss(found)),
        "steps": scores.pipeline(found),
        "alignment": [page.Markup(svg) for svg in charts.alignment(found)],
        "aligned": scores.aligned(valid),
        "strata": "strata" in made,
        "checks": checks,
        "most_refused": max((count for _, count in checks), default=1),
        "recipes": scores.recipes(found),
    }
