"""Builders of what the pipeline hands on: plans, candidates and samples, with small defaults."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from stages.checks import call
from stages.checks.call import Context
from stages.core.pack import Pack
from stages.core.plan import Act, Argument, Plan, PlannedCall, Turn

TRAVEL = Path(__file__).parent / "packs" / "travel"
# A pack whose values come from a table of content items and from a graph.
KITCHEN = Path(__file__).parent / "packs" / "kitchen"


def make_call(function: str = "book_hotel", /, **arguments: Any) -> PlannedCall:
    """A planned call whose arguments are all said as they are; a dict is a nested object."""
    found: list[Argument] = []

    def add(name: str, value: Any, path: tuple[str, ...]) -> None:
        if isinstance(value, dict):
            for key, held in value.items():
                add(name, held, (*path, key))
            return
        texts = value if isinstance(value, list) else [value]
        surface = " and ".join(str(text) for text in texts)
        found.append(Argument(name, value, "user", surface, path))

    for name, value in arguments.items():
        add(name.rstrip("_") if name in ("from_", "class_") else name, value, ())
    return PlannedCall(function, tuple(found))


def make_plan(
    *calls: PlannedCall, act: Act = "call", missing: str | None = None, **changes: Any
) -> Plan:
    """A plan of one turn, by default the booking of a hotel."""
    calls = calls or (make_call(city="paris", check_in="2026-06-02", nights=3),)
    function = calls[0].function if calls and changes.get("scenario") != "no_call" else ""
    turns = (Turn(act, () if changes.get("scenario") == "no_call" else calls, missing),)
    scenario = changes.pop("scenario", "single")
    locale = changes.pop("locale", "en")
    stratum = {"scenario": scenario, "function": function, "locale": locale, "band": ""}
    values: dict[str, Any] = {
        "plan_id": "heuristic-0000000000-000000", "stratum": stratum, "tool_set": "tools-0000",
        "turns": turns, "route": "heuristic", "template_id": "", "rank": 0, "quota": 1, "seed": 0,
    }  # fmt: skip
    return Plan(scenario=scenario, locale=locale, **{**values, **changes})


def make_search(
    function: str = "Search", kind: str = "Template", band: tuple[int, int] = (1, 10),
    **changes: Any,
) -> Plan:  # fmt: skip
    """A plan of the pack `creative`, as templates write it. band: fewest and most words."""
    arguments = (
        Argument("content_type", kind, "user"),
        Argument("extracted_prompt", None, "derived"),
    )
    locale = changes.pop("locale", "en")
    values = {"scenario": "single", "function": function, "locale": locale,
              "band": f"{band[0]}-{band[1]}", "content_type": kind}  # fmt: skip
    plan = make_plan(PlannedCall(function, arguments), locale=locale)
    return replace(plan, **{"stratum": values, **changes})


class Found(NamedTuple):
    """The verdict on a query, and its labels where it may be taken."""

    check: str | None
    reason: str | None
    extracted: str | None
    place: float | None


def judged(query: str, plan: Plan, pack: Pack, prompt: str = "", seen: str = "") -> Found:
    """What the checks say of a query of `make_search`."""
    context = Context(pack, plan.locale, prompt=prompt, seen=seen)
    if refusal := call.verdict(query, plan, context):
        return Found(refusal.check, refusal.reason, None, None)
    labels = call.labels(query, plan, context)
    return Found(None, None, labels.plan.calls[0].call.arguments["extracted_prompt"], labels.place)


def make_tools(pack: Path = TRAVEL, names: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """The OpenAI tools of a pack, all or those named."""
    tools: list[dict[str, Any]] = json.loads((pack / "catalogue.json").read_text("utf-8"))
    return [t for t in tools if names is None or t["function"]["name"] in names]


def make_messages(query: str, plan: Plan, answer: str = "") -> list[dict[str, Any]]:
    """A user's query and the assistant's turn: the plan's calls, or a text where it makes none."""
    message: dict[str, Any] = {"role": "assistant", "content": answer}
    if plan.turn.act == "call":
        message["tool_calls"] = [
            {
                "id": f"call_{number}",
                "type": "function",
                "function": {"name": call.function, "arguments": call.call.arguments},
            }
            for number, call in enumerate(plan.calls)
        ]
    return [{"role": "user", "content": query}, message]


def make_candidate(
    query: str = "book a hotel in paris from 2026-06-02 for 3 nights",
    plan: Plan | None = None,
    **changes: Any,
) -> dict[str, Any]:
    """A row of generated/ROUTE.parquet, accepted unless `check` and `reason` say otherwise."""
    plan = plan or make_plan()
    row: dict[str, Any] = {
        "plan_id": plan.plan_id, "n": 0,
        "messages": json.dumps(make_messages(query, plan), ensure_ascii=False),
        "completion": query, "model": "", "prompt_hash": "", "check": "", "reason": "",
    }  # fmt: skip
    return row | changes


def make_sample(
    query: str = "book a hotel in paris from 2026-06-02 for 3 nights",
    plan: Plan | None = None,
    tools: Sequence[Mapping[str, Any]] | None = None,
    **changes: Any,
) -> dict[str, Any]:
    """A sample as data/dataset/*.jsonl holds it: messages and tools as objects."""
    plan = plan or make_plan()
    row: dict[str, Any] = {
        "sample_id": f"sample-{plan.plan_id}", "messages": make_messages(query, plan),
        "tools": list(tools if tools is not None else make_tools()), "tool_set": plan.tool_set,
        "scenario": plan.scenario, "function": plan.stratum["function"], "locale": plan.locale,
        "route": plan.route, "template_id": plan.template_id, "plan_id": plan.plan_id,
        "asset_id": None, "node_ids": [], "model": "", "seed": plan.seed,
    }  # fmt: skip
    return row | changes
