"""The same at the shell: tables of rich, their texts without markup and control characters."""

from __future__ import annotations

import json
from bisect import bisect
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import polars as pl
from rich import box
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from stages.core.command import InputError
from stages.core.tables import ROUTES
from stages.core.text import cleaned
from stages.reporting import choosing, rows, said
from stages.reporting.material import Material

# Rejects of a check that are shown, and candidates of a plan.
MOST_REJECTS, MOST_CANDIDATES = 50, 40
NEAR = 5


def text(value: Any) -> Text:
    """Untrusted text for the screen: on one line, and not read as markup."""
    return Text(cleaned(said.bounded("" if value is None else str(value), 1_000)))


def grid(title: str, columns: Sequence[str], lines: Iterable[Sequence[Any]]) -> Table:
    """A table of texts and numbers; the first column never folds away."""
    table = Table(title=Text(title), box=box.SIMPLE_HEAD, title_justify="left", pad_edge=False)
    for name in columns:
        table.add_column(Text(name), overflow="fold", min_width=min(len(name), 8))
    for line in lines:
        table.add_row(*map(text, line))
    return table


def samples(material: Material, limit: int, route: str | None, function: str | None) -> Table:
    """So many of the dataset's rows, by stratum. Raises InputError for what no row has."""
    frame = pl.concat([material.tables[part] for part in ("train", "validation")])
    frame = choosing.narrowed(frame, route=route, function=function)
    sampled = choosing.sample(frame, ["stratum", "route"], limit, "sample_id")
    lines = []
    for row in sampled.iter_rows(named=True):
        query, answered, _ = said.conversation(row["messages"])
        lines.append((query, answered, row["template_id"] or row["route"], row["plan_id"]))
    title = f"{sampled.height} of {frame.height:,} rows"
    return grid(title, ("query", "answer", "template", "plan"), lines)


def checks(material: Material) -> Table:
    """Each check with how many candidates it refused."""
    frame = _refused(material)
    by_template = frame.group_by("check", "template_id").len()
    counted = (
        by_template.sort(["len", "template_id"], descending=[True, False])
        .group_by("check", maintain_order=True)
        .agg(rows=pl.col("len").sum(), most=pl.col("len").first(), of=pl.col("template_id").first())
        .sort(["rows", "check"], descending=[True, False])
    )
    lines = [(row["check"], row["rows"], f"{row['of']} ({row['most']})")
             for row in counted.iter_rows(named=True)]  # fmt: skip
    return grid(f"{frame.height:,} refused", ("check", "candidates", "most of template"), lines)


def rejects(material: Material, check: str, route: str | None) -> RenderableType:
    """What a check refused: counts by template, and examples. Raises InputError for a check that
    refused nothing, naming those that did.
    """
    frame = choosing.narrowed(_refused(material), check=check, route=route)
    by_template = (
        frame["template_id"].value_counts().sort(["count", "template_id"], descending=[True, False])
    )
    frame = frame.with_columns(at=pl.format("{}/{}", "plan_id", "n"))
    sampled = choosing.sample(frame, ["template_id"], MOST_REJECTS, "at")
    lines = sampled.select("query", "reason", "template_id", "plan_id").iter_rows()
    title = f"{sampled.height} of {frame.height:,} refused by {check}"
    return Group(
        grid("by template", ("template", "refused"), by_template.head(20).iter_rows()),
        grid(title, ("query", "reason", "template", "plan"), lines),
    )


def _refused(material: Material) -> pl.DataFrame:
    return pl.concat([material.tables[name] for name in ("rejected", "surplus")])


def errors(material: Material, why: Callable[[Mapping[str, Any]], list[str]]) -> Table:
    """The golden queries that the last model did not answer exactly."""
    answers = material.tables["answers"]
    model = answers["model"][-1] if answers.height else ""
    asked = answers.filter(model=model)
    wrong = rows.errors(asked, why, asked.height)
    lines = [(r["golden"], r["query"], r["expected"], r["answered"], "; ".join(r["why"]))
             for r in wrong.rows]  # fmt: skip
    title = f"{len(lines)} of {asked.height:,} golden queries not answered exactly by {model}"
    return grid(title, ("golden", "query", "expected", "answered", "why"), lines)


def plan(
    row: Mapping[str, Any], material: Material, prompted: rows.Prompted, named: rows.Named,
    template: Callable[[str], str | None],
) -> RenderableType:  # fmt: skip
    """Everything about one plan, a row of Plans. template: a template's text by its name."""
    plan_id = row["plan_id"]
    origin = rows.provenance(row)
    plain = ("scenario", "route", "template_id", "tool_set", "locale", "rank", "quota", "seed",
             "image_path", "text", "words", "place")  # fmt: skip
    pairs = [(name.replace("_", " "), row[name]) for name in plain if row[name] not in (None, "")]
    pairs += [(f"stratum: {name}", value) for name, value in json.loads(row["stratum"]).items()]
    pairs += [(f"argument {name}", value) for name, value in origin["arguments"] or ()]
    pairs += [(f"slot {name}", value) for name, value in origin["slots"] or ()]
    pairs += [(name, ", ".join(row[name])) for name in ("asset_ids", "node_ids") if row[name]]
    parts: list[RenderableType] = [grid(f"plan {plan_id}", ("what", "value"), pairs)]
    candidates = _candidates(material, row)
    verdicts = _verdicts(material, plan_id)
    lines = []
    for candidate in candidates[:MOST_CANDIDATES]:
        _, answered, _ = said.conversation(candidate["messages"])
        check, reason = verdicts.get(candidate["n"], (candidate["check"], candidate["reason"]))
        verdict = f"{check}: {reason}" if check else "accepted"
        model = named(candidate["model"], row["route"])
        lines.append(
            (candidate["n"], candidate["query"], answered, verdict, model, candidate["prompt_hash"])
        )
    columns = ("n", "query", "answer", "verdict", "model", "prompt hash")
    title = "what was written for it" if candidates else "not written: its stratum was full"
    parts.append(grid(title, columns, lines))
    parts += _samples(material, plan_id)
    body = template(row["template_id"])
    if row["route"] == "text" and candidates:
        messages, note = prompted(row, candidates[0])
        prompt = Text()
        for message in messages:
            prompt.append(f"{message['role']}: ", style="bold")
            prompt.append(said.lines(str(message["content"])) + "\n")
        title = "the prompt that the writer saw" if not note else f"the prompt ({note})"
        parts.append(Panel(prompt, title=Text(title), title_align="left"))
    elif body is not None:
        title = f"template {row['template_id']}"
        parts.append(Panel(Text(said.lines(body)), title=Text(title), title_align="left"))
    return Group(*parts)


def planned(plans: pl.DataFrame, plan_id: str) -> dict[str, Any]:
    """The row of Plans with this id. Raises InputError where there is none, with its neighbors."""
    matches = plans.filter(plan_id=plan_id)
    if matches.height:
        return matches.row(0, named=True)
    ids = sorted(plans["plan_id"])
    start = max(0, min(bisect(ids, plan_id), len(ids)) - NEAR // 2)
    names = ", ".join(ids[start : start + NEAR] or ids[-NEAR:]) or "none"
    raise InputError(
        f"there is no plan {plan_id!r:.80} among the {len(ids):,} of data/routed/plans.parquet, "
        f"such as {cleaned(names)}: the tables of --samples and --rejects name some"
    )


def _candidates(material: Material, plan: Mapping[str, Any]) -> list[dict[str, Any]]:
    route = plan["route"]
    if route not in ROUTES or route not in material.tables:
        return []
    return list(material.tables[route].filter(plan_id=plan["plan_id"]).iter_rows(named=True))


def _verdicts(material: Material, plan_id: str) -> dict[int, tuple[str, str]]:
    """What was decided of each candidate that did not enter the dataset."""
    verdicts = {}
    for name in ("surplus", "rejected"):
        if name in material.tables:
            for row in material.tables[name].filter(plan_id=plan_id).iter_rows(named=True):
                verdicts[row["n"]] = (row["check"], row["reason"])
    return verdicts


def _samples(material: Material, plan_id: str) -> list[RenderableType]:
    parts: list[RenderableType] = []
    for name in ("train", "validation"):
        if name in material.tables:
            for row in material.tables[name].filter(plan_id=plan_id).iter_rows(named=True):
                parts.append(Text(f"in the dataset: {name}, sample {cleaned(row['sample_id'])}"))
    return parts
