"""Stage `generate@ROUTE`: write conversations for the plans of one route, and check each at once.

Command: python -m stages.generate {heuristic,text,vision} [--preview N]
         python -m stages.generate --store-stats
         python -m stages.generate --store-prune [--older-than DAYS] [--model ID]
Reads:   data/routed/{plans,tool_sets}.parquet; the pack and its templates; data/ingested,
         pictures; models/base/writer (text, vision)
Writes:  data/generated/ROUTE.parquet, metrics/generate_ROUTE.json; completions go to
         data/.work/completions.sqlite

Plans are taken in rank order; a stratum whose quota is full takes no more. Every candidate goes
through the checks at once; a refused one keeps its reason, an accepted one has its labels.

--preview prints prompts, answers and verdicts of the first plans, and what all plans would cost on
a server. It writes completions alone, for which the stage need not ask again.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import polars as pl

from stages.core import files, pack
from stages.core.command import InputError, run
from stages.core.pace import duration, listed
from stages.core.settings import Settings
from stages.core.settings import load as load_settings
from stages.core.strata import FUNCTION, SCENARIO
from stages.core.tables import ROUTES, Conversations, Plans, ToolSets, empty
from stages.core.text import normalized
from stages.engines import Failed, store
from stages.generation import batches
from stages.generation.progress import Reporter
from stages.generation.quota import Quotas
from stages.spine import preview
from stages.spine.writing import DUPLICATE, ENGINE, Models, Reply, by_patterns

Write = Callable[[list[dict[str, Any]]], Callable[[], list[Reply]]]


def requested(route: str, settings: Settings) -> tuple[pl.DataFrame, tuple[str, str]]:
    """The plans of a route with the day of their tool sets, and the columns of their strata's
    values by which progress is reported.
    """
    table = files.read_table("data/routed/plans.parquet", Plans).filter(route=route)
    sets = files.read_table("data/routed/tool_sets.parquet", ToolSets).select("tool_set", "today")
    own = [*pack.load(settings.pack).dimensions]
    columns = (FUNCTION, own[0] if own else SCENARIO)
    values = [pl.col("stratum").str.json_path_match(f"$.{name}").fill_null("") for name in columns]
    names = [f"of_{name}" for name in columns]
    table = table.join(sets, "tool_set", "left", maintain_order="left")
    return table.with_columns(
        value.alias(name) for name, value in zip(names, values, strict=True)
    ), columns


def candidates(
    quotas: Quotas, write: Write, batch: int, report: Reporter, ahead: int, names: list[str]
) -> pl.DataFrame:
    """Write, check and count until the quotas are full or the plans are used up; the rows of
    Conversations. names: columns of the quotas' plans that belong to no plan.
    """
    seen: set[str] = set()
    frames = [empty(Conversations)]

    def begin(rows: list[dict[str, Any]]) -> Callable[[], list[Reply]]:
        return write([{k: v for k, v in row.items() if k not in names} for row in rows])

    for replies in batches.written(quotas, begin, batch, ahead):
        rows = []
        for row, reply in replies:
            failed = isinstance(reply.answer, Failed)
            text = reply.answer if isinstance(reply.answer, str) else ""
            (quotas.fail if failed else quotas.answered)(row)
            for n, candidate in enumerate(reply.candidates):
                if not failed:
                    quotas.judge(row)
                check, reason, key = candidate.check, candidate.reason, normalized(candidate.query)
                if check is None and key in seen:
                    check, reason = DUPLICATE, "stands in this route already"
                if check is None:
                    seen.add(key)
                    quotas.accept(row)
                rows.append((row["plan_id"], n, candidate.query, candidate.messages, text,
                             reply.model, reply.key, candidate.template_id, check, reason,
                             candidate.place if check is None else None))  # fmt: skip
        frames.append(pl.DataFrame(rows, schema=Conversations.schema(), orient="row"))
        report.update()
    return pl.concat(frames)


def short(route: str, quotas: Quotas, refused: dict[str, int]) -> str:
    """What a route lacks that ran out of plans, and why."""
    lacking = sum(quotas.short.values())
    worst = sorted(quotas.short.items(), key=lambda pair: -pair[1])
    strata = "; ".join(f"{cell[-1]} lacks {n} of {quotas.want[cell]}" for cell, n in worst[:3])
    more = f"; {len(worst) - 3} more strata" if len(worst) > 3 else ""
    return (
        f"short: {route} has {lacking} rows less than its quota of {sum(quotas.want.values())}, "
        f"all its plans being used up ({strata}{more}). Refused: {listed(refused, 3)}. Other "
        "routes fill what they can; for more of this one raise route.reserve, name a stronger "
        "models.writer, or fix its templates and phrases"
    )


def arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line: a route to write, or a look after the completion store."""
    parser = argparse.ArgumentParser(
        prog="python -m stages.generate",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("route", nargs="?", choices=ROUTES)
    parser.add_argument("--store-stats", action="store_true", help="entries, size, hit rate")
    parser.add_argument("--store-prune", action="store_true", help="delete completions")
    parser.add_argument("--older-than", type=float, metavar="DAYS", help="when pruning")
    parser.add_argument("--model", metavar="ID", help="when pruning: as --store-stats names it")
    parser.add_argument("--preview", type=int, metavar="N", help="look at N plans of the route")
    options = parser.parse_args(argv)
    if options.preview is not None and not (options.route and 0 < options.preview <= preview.MOST):
        parser.error(f"--preview takes a route and 1 to {preview.MOST:,} plans")
    if bool(options.route) == bool(options.store_stats or options.store_prune):
        parser.error(f"name one of {', '.join(ROUTES)}, or give --store-stats or --store-prune")
    return options


def main(argv: list[str] | None = None) -> None:
    options = arguments(argv)
    if options.route is None:
        completions = store.Store(files.work_dir() / store.NAME)
        if options.store_prune:
            if options.older_than is not None and not options.older_than >= 0:
                raise InputError(
                    f"--older-than {options.older_than}: give a number of days from 0 on"
                )
            print(f"{completions.prune(options.older_than, options.model)} completions deleted")
        print(store.summary(completions))
        return
    route = options.route
    settings = load_settings()
    table, columns = requested(route, settings)
    names = [name for name in table.columns if name.startswith("of_")]
    if options.preview is not None:
        preview.preview(route, settings, table.drop(names), options.preview)
        return
    started = time.monotonic()
    block = getattr(settings.generate, route)
    quotas = Quotas(table, (*names, "stratum"), block.min_acceptance, block.min_tried)
    models: Models | None = None
    frame = empty(Conversations)
    if table.height:
        if route == "heuristic":
            write: Write = by_patterns(settings)
        else:
            models = Models(settings, route, table.drop(names).to_dicts())
            write = models.start
        try:
            with Reporter(route, quotas, columns=columns) as report:
                ahead = batches.AHEAD if models else 1
                frame = candidates(quotas, write, block.batch, report, ahead, names)
            if models is not None:
                models.asker.check_failures()
        finally:
            if models is not None:
                models.asker.close()
    files.write_table(f"data/generated/{route}.parquet", frame, Conversations)
    refused = Counter(frame["check"].drop_nulls())
    failed = refused.pop(ENGINE, 0)  # not candidates; they are counted in `store`
    by_template = frame.filter(pl.col("check").ne_missing(ENGINE)).group_by("template_id").agg(
        tried=pl.len(), accepted=pl.col("check").null_count()
    )  # fmt: skip
    metrics = {
        "wanted": sum(quotas.want.values()),
        "candidates": frame.height - failed,
        "accepted": frame["check"].null_count(),
        "strata_short": len(quotas.short),
        "rejected": dict(refused.most_common()),
        "templates": {
            name: {"tried": tried, "accepted": accepted, "retired": name in quotas.retired}
            for name, tried, accepted in by_template.sort("template_id").iter_rows()
        },
        "failed": models.asker.counts["failed"] if models is not None else 0,
    }
    files.write_json(f"metrics/generate_{route}.json", metrics)
    seconds = round(time.monotonic() - started, 1)
    counts = dict(models.asker.counts) if models is not None else {}
    spending = models.asker.spending if models is not None else None
    tokens = {} if spending is None else {"tokens": spending.counts()}
    files.write_timings(f"generate_{route}", {"seconds": seconds, "store": counts} | tokens)
    origins = {"from the store": counts.get("hits", 0), "asked for": counts.get("misses", 0)}
    origin = f"completions: {listed(origins)}" if models is not None else "no model"
    origin += f"; {spending.in_words()}" if spending is not None else ""
    print(f"{route}: {metrics['accepted']} accepted of {metrics['candidates']} candidates "
          f"in {duration(seconds)}; {origin}")  # fmt: skip
    if quotas.short:
        print(short(route, quotas, dict(refused)))


if __name__ == "__main__":
    run(main)
