"""The rows of the page: each with all that is known of where it comes from."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any, NamedTuple

import polars as pl

from stages.core.plan import turns_from_json
from stages.core.tables import ROUTES
from stages.core.text import cleaned
from stages.reporting import choosing, said
from stages.reporting.material import Material

# Rows of each kind that the page holds at most; what is more is a sample by stratum, or by check
# and template.
MOST_SAMPLES, MOST_REJECTS, MOST_ERRORS = 5_000, 6_000, 5_000
# A row of Plans and one of Conversations to the chat that a model saw, and what is said of it.
Prompted = Callable[[Mapping[str, Any], Mapping[str, Any]], tuple[list[dict[str, Any]], str]]
# A model as its rows name it, of a route, to its name for people.
Named = Callable[[str, str], str]
# Characters of a prompt's message and of a model's completion.
MOST_PROMPT, MOST_COMPLETION = 3_000, 600
MOST_IDS = 30
# What rows of the page have beside the dimensions of their strata, which may have the same names.
KEYS = frozenset((
    "query", "calls", "part", "template", "conversation", "arguments", "slots", "words_aimed_at",
    "model", "prompt_hash", "prompt", "prompt_note", "assets", "nodes", "picture", "tools_shown",
    "seed", "sample", "plan", "check", "reason", "completion",
))  # fmt: skip
# How a row names a model by its weights.
DIGEST = re.compile(r"[0-9a-f]{16,64}")


class Rows(NamedTuple):
    """rows: those shown, a dict each; total: how many there are; filters: columns to choose by."""

    rows: list[dict[str, Any]]
    total: int
    filters: list[str]


def namer(models: Mapping[str, Any], sees: bool = False) -> Named:
    """How the rows' models are called. models: metrics/models.json; sees: the route vision
    asks a model that sees pictures.
    """
    names = {role: figures["model"] for role, figures in models.items()
             if isinstance(figures, dict) and isinstance(figures.get("model"), str)}  # fmt: skip

    def named(model: str, route: str) -> str:
        if model == "heuristic":
            return "none: patterns"
        role = "viewer" if route == "vision" and sees else "writer"
        if DIGEST.fullmatch(model) and role in names:
            return f"{names[role]} (weights {model[:16]})"
        return model

    return named


def samples(material: Material, prompted: Prompted, named: Named, limit: int) -> Rows:
    """The dataset's rows, with plan and prompt."""
    parts = [
        material.tables[part].with_columns(part=pl.lit(part))
        for part in ("train", "validation")
        if part in material.tables
    ]
    if not parts:
        return Rows([], 0, [])
    frame, dimensions = choosing.with_values(pl.concat(parts), KEYS)
    sampled = choosing.sample(frame, ["stratum", "route"], limit, "sample_id")
    plans = by_plan(material.tables.get("plans"), sampled["plan_id"])
    shown = cache(_tools)  # many rows show the same
    made = []
    for row in sampled.iter_rows(named=True):
        plan = plans.get(row["plan_id"])
        query, answered, turns = said.conversation(row["messages"])
        made.append(
            {
                "query": said.bounded(cleaned(query)),
                "calls": answered,
                **{name: row[name] for name in ("route", "function", "scenario", "locale")},
                **{name: row[name] for name in dimensions},
                "part": row["part"],
                "template": row["template_id"],
                "conversation": turns if len(turns) > 2 else None,
                **provenance(plan),
                "model": named(row["model"], row["route"]),
                "prompt_hash": row["prompt_hash"],
                **_prompt(prompted, plan, row),
                "assets": _ids(row["asset_ids"]),
                "nodes": _ids(row["node_ids"]),
                "picture": row["image_path"],
                "tools_shown": shown(row["tools"]),
                "seed": row["seed"],
                "sample": row["sample_id"],
                "plan": row["plan_id"],
            }
        )
    filters = ["route", "function", "scenario", "locale", *dimensions, "part", "template"]
    return Rows(made, frame.height, filters)


def rejects(material: Material, prompted: Prompted, named: Named, limit: int) -> Rows:
    """What did not enter the dataset, with the check and its reason; what is only beyond the quota
    last.
    """
    parts = [material.tables[name] for name in ("rejected", "surplus") if name in material.tables]
    if not parts:
        return Rows([], 0, [])
    frame, dimensions = choosing.with_values(pl.concat(parts), KEYS)
    frame = frame.with_columns(at=pl.format("{}/{}", "plan_id", "n"))
    refused = frame.filter(pl.col("check") != "surplus")
    beyond = frame.filter(pl.col("check") == "surplus")
    sampled = choosing.sample(refused, ["check", "template_id"], limit, "at")
    if limit > sampled.height:
        rest = choosing.sample(beyond, ["stratum", "template_id"], limit - sampled.height, "at")
        sampled = pl.concat([sampled, rest])
    plans = by_plan(material.tables.get("plans"), sampled["plan_id"])
    candidates = by_candidate(material, sampled["plan_id"])
    made = []
    for row in sampled.iter_rows(named=True):
        plan = plans.get(row["plan_id"])
        candidate = candidates.get((row["plan_id"], row["n"]), {})
        origin = (
            _written(candidate | {"route": row["route"]}, plan, prompted, named)
            if candidate
            else {}
        )
        made.append(
            {
                "query": said.bounded(cleaned(row["query"])),
                "check": row["check"],
                "reason": said.bounded(cleaned(row["reason"]), 300),
                "route": row["route"],
                **{name: row[name] for name in dimensions},
                "template": row["template_id"],
                **provenance(plan),
                **origin,
                "plan": row["plan_id"],
            }
        )
    return Rows(made, frame.height, ["check", "route", *dimensions, "template"])


def _written(
    row: Mapping[str, Any], plan: Mapping[str, Any] | None, prompted: Prompted, named: Named
) -> dict[str, Any]:
    """What a candidate tells of who wrote it."""
    return {
        "completion": said.lines(row["completion"], MOST_COMPLETION),
        "model": named(row["model"], row["route"]),
        "prompt_hash": row["prompt_hash"],
        **_prompt(prompted, plan, row),
    }


def errors(
    answers: pl.DataFrame, why: Callable[[Mapping[str, Any]], list[str]], limit: int
) -> Rows:
    """The golden queries that a model did not answer exactly, the last model's first."""
    wrong = answers.filter(~pl.col("exact"))
    models = list(dict.fromkeys(answers["model"]))
    frame = pl.concat([wrong.filter(model=name) for name in reversed(models)] or [wrong])
    made = []
    for row in frame.head(limit).iter_rows(named=True):
        reasons = why(row)  # which raises InputError for calls that cannot be read
        made.append(
            {
                "golden": row["golden_id"],
                "query": said.bounded(cleaned(row["query"])),
                "expected": said.expected(row["expected"], row["act"]),
                "answered": said.calls(row["predicted"]),
                "why": reasons,
                "model": row["model"],
                "act": row["act"],
                "completion": said.lines(row["completion"], MOST_COMPLETION),
                "scores": json.loads(row["metrics"] or "{}"),
                "shown": row["shown"],
            }
        )
    return Rows(made, frame.height, ["model", "act"])


def by_plan(plans: pl.DataFrame | None, wanted: Iterable[str]) -> dict[str, dict[str, Any]]:
    """The rows of Plans with these ids."""
    if plans is None:
        return {}
    ids = pl.DataFrame({"plan_id": list(dict.fromkeys(wanted))}, schema={"plan_id": pl.String})
    rows = plans.join(ids, "plan_id", "semi")
    return {row["plan_id"]: row for row in rows.iter_rows(named=True)}


def by_candidate(
    material: Material, wanted: Iterable[str]
) -> dict[tuple[str, int], dict[str, Any]]:
    """The candidates of these plans, by plan and number."""
    ids = pl.DataFrame({"plan_id": list(dict.fromkeys(wanted))}, schema={"plan_id": pl.String})
    candidates: dict[tuple[str, int], dict[str, Any]] = {}
    for route in ROUTES:
        if route in material.tables:
            frame = material.tables[route].join(ids, "plan_id", "semi")
            candidates |= {(r["plan_id"], r["n"]): r for r in frame.iter_rows(named=True)}
    return candidates


def provenance(plan: Mapping[str, Any] | None) -> dict[str, Any]:
    """What a plan says of a row: its arguments, each with the source of its value, and slots."""
    if plan is None:
        return {"arguments": None, "slots": None, "words_aimed_at": None}
    try:
        turns, slots = turns_from_json(plan["turns"]), json.loads(plan["slots"])
    except (ValueError, KeyError, TypeError):
        return {"arguments": None, "slots": None, "words_aimed_at": None}
    arguments = []
    for turn in turns:
        for call in turn.calls:
            for a in call.arguments:
                surface = f", said as “{a.surface}”" if a.surface is not None else ""
                value = "made from the query" if a.value is None else said.value(a.value)
                arguments.append(
                    [f"{call.function}.{a.slot}", f"{value} ({a.provenance}{surface})"]
                )
        if turn.missing is not None:
            arguments.append(["(missing)", turn.missing])
    texts = {k: v if isinstance(v, str) else said.value(v) for k, v in slots.items()}
    return {
        "arguments": arguments or None,
        "slots": [*map(list, texts.items())] or None,
        "words_aimed_at": plan["words"] or None,
    }


def _prompt(
    prompted: Prompted, plan: Mapping[str, Any] | None, row: Mapping[str, Any]
) -> dict[str, Any]:
    if plan is None or row["route"] != "text":
        return {"prompt": None, "prompt_note": None}
    messages, note = prompted(plan, row)
    chat = [[m["role"], said.lines(str(m["content"]), MOST_PROMPT)] for m in messages]
    return {"prompt": chat or None, "prompt_note": note or None}


def _tools(text: str) -> str | None:
    """The names of the functions in a JSON list of tools."""
    try:
        return _ids([str(tool["function"]["name"]) for tool in json.loads(text)])
    except (ValueError, KeyError, TypeError):
        return None


def _ids(ids: list[str]) -> str | None:
    more = f" and {len(ids) - MOST_IDS} more" if len(ids) > MOST_IDS else ""
    return ", ".join(ids[:MOST_IDS]) + more or None
