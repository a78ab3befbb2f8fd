"""Stage `generate@ROUTE`: write a conversation for the plans of one route, and check it at once.

Reads:   data/routed/{plans.parquet,strata.json,tool_sets.parquet}; the pack; data/ingested
Writes:  data/generated/ROUTE.parquet, metrics/generate_ROUTE.json

Plans are taken in rank order; a stratum whose quota is full takes no more. The route heuristic
writes the pack's phrases; the route text lets a model say them anew, and its words must still carry
the plan. The route vision writes nothing for packs of this form.
"""

from __future__ import annotations

import datetime
import json
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import polars as pl

from stages.checks import call as checks
from stages.core import files, pack, plan, strata
from stages.core.pace import listed
from stages.core.parallel import over_rows
from stages.core.settings import Settings
from stages.core.tables import Conversations, Plans, ToolSets
from stages.core.text import normalized
from stages.generation.patterns import Patterns
from stages.spine.rewording import ENGINE, reworded
from stages.spine.said import messages

# Plans from which on it pays to start processes, and those that one gets at a time.
LEAST, PART = 4_096, 512
# A query, its template, and the check and reason that refuse it, None for one that passes.
Row = tuple[str, str, str | None, str | None]


@lru_cache(1)
def patterns(folder: str, typo_share: float) -> Patterns:
    """The pack's patterns, read once a process."""
    return Patterns(pack.load_ingested(folder), typo_share)


def written(rows: list[dict[str, Any]], folder: str, typo_share: float) -> list[Row]:
    """A query and its verdict for each row of Plans, with its stratum's band as min_words and
    max_words, and its tool set's `today`.
    """
    made = []
    writer = patterns(folder, typo_share)
    for row in rows:
        low, high, today = row.pop("min_words"), row.pop("max_words"), row.pop("today")
        planned = plan.from_record(row)
        one = writer.write(planned, low, high)
        day = datetime.date.fromisoformat(today) if today else None
        context = checks.Context(writer.pack, planned.locale, day, surfaces=one.surfaces)
        refusal = checks.verdict(one.query, planned, context)
        made.append((one.query, one.template_id, *(refusal or (None, None))))
    return made


def main(chosen: Settings, route: str) -> None:
    known = strata.from_records(files.read_json("data/routed/strata.json"))
    table = files.read_table("data/routed/plans.parquet", Plans).filter(route=route)
    write = {"heuristic": taken, "text": reworded}.get(route)
    rows = list(write(table, known, chosen, route)) if write and table.height else []
    frame = pl.DataFrame(rows, schema=Conversations.schema(), orient="row")
    files.write_table(f"data/generated/{route}.parquet", frame, Conversations)
    refused = Counter(frame["check"].drop_nulls())
    failed = refused.pop(ENGINE, 0)  # no candidates
    tried = Counter(frame["template_id"])
    accepted = frame.filter(pl.col("check").is_null())
    passed = Counter(accepted["template_id"])
    metrics = {
        "wanted": table.group_by("stratum").agg(pl.col("quota").first())["quota"].sum(),
        "candidates": frame.height - failed,
        "accepted": accepted.height,
        "rejected": dict(refused.most_common()),
        "templates": {name: [passed[name], n] for name, n in sorted(tried.items())},
        "failed": failed,
    }
    files.write_json(f"metrics/generate_{route}.json", metrics)
    print(f"{route}: {metrics['accepted']} accepted of {metrics['candidates']} candidates; "
          f"refused: {listed(dict(refused))}")  # fmt: skip


def taken(
    table: pl.DataFrame, known: list[strata.Stratum], chosen: Settings, route: str
) -> Iterator[tuple[Any, ...]]:
    """The rows of Conversations, in the order of the plans: of each stratum until as many passed as
    are wanted.
    """
    bands = {one.name: one for one in known}
    plans = table.to_dicts()
    sets = files.read_table("data/routed/tool_sets.parquet", ToolSets)
    today = dict(zip(sets["tool_set"], sets["today"], strict=True))
    catalogue = pack.load(chosen.pack).catalogue
    given = [
        row | {"min_words": bands[row["stratum"]].min_words,
               "max_words": bands[row["stratum"]].max_words,
               "today": today[row["tool_set"]]}
        for row in plans
    ]  # fmt: skip
    typo_share = chosen.generate.heuristic.typo_share
    made = over_rows(written, given, chosen.pack, typo_share, least=LEAST, part=PART)
    have: Counter[str] = Counter()
    seen: set[str] = set()
    for row, (query, template, check, reason) in zip(plans, made, strict=True):
        if have[row["stratum"]] >= row["quota"]:
            continue
        key = normalized(query)
        if check is None and key in seen:
            check, reason = "duplicate", "stands in this route already"
        if check is None:
            seen.add(key)
            have[row["stratum"]] += 1
        said = json.dumps(messages(query, plan.from_record(row), catalogue), ensure_ascii=False)
        yield row["plan_id"], 0, query, said, query, route, "", template, check, reason
