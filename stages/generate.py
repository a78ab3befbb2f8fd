"""Stage `generate@ROUTE`: write queries for the planned requests of one route.

Command: python -m stages.generate {heuristic,text,vision}
         python -m stages.generate --store-stats
         python -m stages.generate --store-prune [--older-than DAYS] [--model ID]
Reads:   data/routed/requests.parquet, prompts/, models/base/writer (text, vision), pictures
Writes:  data/generated/ROUTE.parquet, metrics/generate_ROUTE.json; completions go to
         data/.work/completions.sqlite

Requests are taken in rank order; a cell whose quota is full takes no more. Every candidate goes
through the per-row checks at once; a rejected one keeps its reason.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter, deque
from collections.abc import Callable
from functools import partial
from typing import Any

import polars as pl

from stages.checking import first_reason, normalized
from stages.contracts import domain, files, prompts, settings, store
from stages.contracts.command import InputError, run
from stages.contracts.domain import Domain
from stages.contracts.settings import Settings
from stages.contracts.tables import ROUTES, Candidates, Requests
from stages.writing.engines import Failed
from stages.writing.heuristic import Grammar
from stages.writing.models import Writer, Written
from stages.writing.progress import Reporter
from stages.writing.quota import Quotas

# Batches that a model is asked for at a time: an engine that can work ahead need not idle at the
# end of each, while its longest answers are written.
AHEAD = 2
# Begins a batch, and gives what waits for it.
Write = Callable[[list[dict[str, Any]]], Callable[[], list[Written]]]


def heuristic(chosen: Settings, known: Domain) -> Write:
    """The writer of the heuristic route: no model, no prompt."""
    templates = prompts.load(known, route="heuristic")
    grammar = Grammar(
        templates,
        known,
        prompts.lexicon(),
        prompts.environment(),
        chosen.generate.heuristic.typo_share,
    )
    digests = {t.template_id: t.digest for t in templates}

    def write(batch: list[dict[str, Any]]) -> list[Written]:
        queries = [(grammar.write(request), request["template_id"]) for request in batch]
        return [([query], query, "heuristic", digests[name], "") for query, name in queries]

    return lambda batch: partial(write, batch)


def candidates(
    quotas: Quotas, write: Write, batch: int, known: Domain, report: Reporter, ahead: int = 1
) -> list[dict[str, Any]]:
    """Write, check and count until the quotas are full or the requests are used up.

    ahead: batches under way at a time, whether or not the engine can make use of it: the requests
    that are asked for must not depend on the engine.
    """
    seen: set[str] = set()
    rows = []
    under_way: deque[tuple[list[dict[str, Any]], Callable[[], list[Written]]]] = deque()
    while (taken := quotas.next_batch(batch)) or under_way:
        if taken:
            under_way.append((taken, write(taken)))
            if len(under_way) < ahead:
                continue
        requests, wait = under_way.popleft()
        for request, written in zip(requests, wait(), strict=True):
            quotas.answered(request)
            queries, completion, model, prompt_hash, prompt = written
            for n, query in enumerate(queries):
                if isinstance(completion, Failed):
                    refused: tuple[str, str] | None = ("engine", completion.reason)
                else:
                    refused = first_reason(query, request, known, prompt)
                if refused is None and normalized(query) in seen:
                    refused = ("duplicate", "stands in this route already")
                if refused is None:
                    seen.add(normalized(query))
                    quotas.accept(request)
                rows.append(
                    {
                        "request_id": request["request_id"],
                        "n": n,
                        "query": query,
                        "completion": "" if isinstance(completion, Failed) else completion,
                        "model": model,
                        "prompt_hash": prompt_hash,
                        "accepted": refused is None,
                        "reason": None if refused is None else ": ".join(refused),
                    }
                )
        report.update()
    return rows


def arguments(given: list[str] | None = None) -> argparse.Namespace:
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
    options = parser.parse_args(given)
    if bool(options.route) == bool(options.store_stats or options.store_prune):
        parser.error(f"name one of {', '.join(ROUTES)}, or give --store-stats or --store-prune")
    return options


def main(given: list[str] | None = None) -> None:
    options = arguments(given)
    if options.route is None:
        kept = store.Store(files.work_dir() / store.NAME)
        if options.store_prune:
            if options.older_than is not None and not options.older_than >= 0:
                raise InputError(
                    f"--older-than {options.older_than}: give a number of days from 0 on"
                )
            print(f"{kept.prune(options.older_than, options.model)} completions deleted")
        print(store.told(kept))
        return
    route = options.route
    chosen = settings.load()
    known = domain.load(chosen.pack)
    table = files.read_table("data/routed/requests.parquet", Requests)
    requests = table.filter(pl.col("route") == route).to_dicts()
    started = time.monotonic()
    block = getattr(chosen.generate, route)
    quotas = Quotas(requests, block.min_acceptance, block.min_tried)
    writer: Writer | None = None
    rows: list[dict[str, Any]] = []
    if requests:
        if route == "heuristic":
            write = heuristic(chosen, known)
        else:
            writer = Writer(prompts.load(known, route=route), known, prompts.lexicon(),
                            prompts.environment(), chosen, route)  # fmt: skip
            write = writer.start
        try:
            with Reporter(route, quotas) as report:
                ahead = AHEAD if writer else 1
                rows = candidates(quotas, write, block.batch, known, report, ahead)
        finally:
            if writer is not None:
                writer.close()
    frame = pl.DataFrame(rows, schema=Candidates.schema())
    files.write_table(f"data/generated/{route}.parquet", frame, Candidates)
    refused = Counter(row["reason"].split(":")[0] for row in rows if row["reason"])
    metrics = {
        "wanted": sum(quotas.want.values()),
        "candidates": len(rows),
        "accepted": frame["accepted"].sum(),
        "cells_short": len(quotas.short),
        "rejected": dict(refused.most_common()),
        "templates": quotas.templates,
        "store": dict(writer.counts) if writer is not None else {},
    }
    files.write_json(f"metrics/generate_{route}.json", metrics)
    print(f"{route}: {metrics['accepted']} accepted of {len(rows)} candidates "
          f"in {time.monotonic() - started:.0f} s, {metrics['store'] or 'no model'}")  # fmt: skip


if __name__ == "__main__":
    run(main)
