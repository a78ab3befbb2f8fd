"""The candidates that the checks accepted, with what their conversations show."""

from __future__ import annotations

import polars as pl

from stages.core import files
from stages.core.tables import ROUTES, Conversations, Plans, ToolSets


def accepted() -> pl.DataFrame:
    """Columns plan_id, n, query, messages of the candidates that no check refused; scenario, route
    and tool_set of their plans; tools and today of their tool sets. In the order of tool_set,
    plan_id and n, so that those with the same functions stand together.

    Raises InputError for a table that is missing or broken.
    """
    written = pl.concat(
        files.read_table(f"data/generated/{route}.parquet", Conversations)
        .filter(pl.col("check").is_null())
        .select("plan_id", "n", "query", "messages")
        for route in ROUTES
    )
    plans = files.read_table("data/routed/plans.parquet", Plans)
    plans = plans.select("plan_id", "scenario", "route", "tool_set")
    sets = files.read_table("data/routed/tool_sets.parquet", ToolSets)
    return written.join(plans, "plan_id").join(sets, "tool_set").sort("tool_set", "plan_id", "n")
