"""Stage `generate@ROUTE`: write queries for the planned requests of one route.

Command: python -m stages.generate {heuristic,text,vision}
Reads:   data/routed/requests.parquet, prompts/, models/base/writer (text, vision), pictures
Writes:  data/generated/ROUTE.parquet, metrics/generate_ROUTE.json; completions go to
         data/.work/completions.sqlite

Requests are taken in rank order; a cell whose quota is full takes no more. Every candidate goes
through the per-row checks at once; a rejected one keeps its reason.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import polars as pl

from stages.checking import first_reason, normalized
from stages.contracts import domain, files, prompts, settings
from stages.contracts.command import InputError, run
from stages.contracts.domain import Domain
from stages.contracts.settings import Settings
from stages.contracts.tables import ROUTES, Candidates, Requests, empty
from stages.writing.heuristic import Grammar
from stages.writing.models import Writer
from stages.writing.progress import Reporter
from stages.writing.quota import Quotas

# (query, completion, model, prompt hash, prompt text) of each request of a batch.
Write = Callable[[list[dict[str, Any]]], list[tuple[str, str, str, str, str]]]
HEURISTIC_BATCH = 4096


def heuristic(chosen: Settings, known: Domain) -> Write:
    """The writer of the heuristic route: no model, no prompt."""
    templates = [t for t in prompts.load(known) if t.header.route == "heuristic"]
    grammar = Grammar(
        templates,
        known,
        prompts.lexicon(),
        prompts.environment(),
        chosen.generate.heuristic.typo_share,
    )
    digests = {t.template_id: t.digest for t in templates}

    def write(batch: list[dict[str, Any]]) -> list[tuple[str, str, str, str, str]]:
        queries = [(grammar.write(request), request["template_id"]) for request in batch]
        return [(query, query, "heuristic", digests[name], "") for query, name in queries]

    return write


def candidates(
    requests: list[dict[str, Any]], write: Write, batch: int, known: Domain, report: Reporter
) -> tuple[list[dict[str, Any]], Quotas]:
    """Write, check and count until the quotas are full or the requests are used up."""
    quotas = Quotas(requests)
    seen: set[str] = set()
    rows = []
    while taken := quotas.next_batch(batch):
        for request, written in zip(taken, write(taken), strict=True):
            query, completion, model, prompt_hash, prompt = written
            refused = first_reason(query, request, known, prompt)
            if refused is None and normalized(query) in seen:
                refused = ("duplicate", "stands in this route already")
            if refused is None:
                seen.add(normalized(query))
                quotas.accept(request)
            rows.append(
                {
                    "request_id": request["request_id"],
                    "n": 0,
                    "query": query,
                    "completion": completion,
                    "model": model,
                    "prompt_hash": prompt_hash,
                    "accepted": refused is None,
                    "reason": None if refused is None else ": ".join(refused),
                }
            )
        report.update(sum(quotas.accepted.values()), len(rows))
    return rows, quotas


def main() -> None:
    if len(sys.argv) != 2 or sys.argv[1] not in ROUTES:
        raise InputError(f"usage: python -m stages.generate {{{','.join(ROUTES)}}}")
    route = sys.argv[1]
    chosen = settings.load()
    known = domain.load(chosen.pack)
    table = files.read_table("data/routed/requests.parquet", Requests)
    requests = table.filter(pl.col("route") == route).to_dicts()
    started = time.monotonic()
    writer: Writer | None = None
    rows: list[dict[str, Any]] = []
    quotas = Quotas(requests)
    if requests:
        if route == "heuristic":
            write, batch = heuristic(chosen, known), HEURISTIC_BATCH
        else:
            block = getattr(chosen.generate, route)
            templates = [t for t in prompts.load(known) if t.header.route == route]
            writer = Writer(templates, known, prompts.lexicon(), prompts.environment(), block,
                            chosen.engine, chosen.seed)  # fmt: skip
            write, batch = writer.write, block.batch
        try:
            with Reporter(route, sum(quotas.want.values())) as report:
                rows, quotas = candidates(requests, write, batch, known, report)
        finally:
            if writer is not None:
                writer.close()
    frame = pl.DataFrame(rows, schema=empty(Candidates).schema)
    files.write_table(f"data/generated/{route}.parquet", frame, Candidates)
    refused = Counter(row["reason"].split(":")[0] for row in rows if row["reason"])
    metrics = {
        "wanted": sum(quotas.want.values()),
        "candidates": len(rows),
        "accepted": frame["accepted"].sum(),
        "cells_short": len(quotas.short),
        "rejected": dict(refused.most_common()),
        "store": dict(writer.counts) if writer is not None else {},
    }
    files.write_json(f"metrics/generate_{route}.json", metrics)
    print(f"{route}: {metrics['accepted']} accepted of {len(rows)} candidates "
          f"in {time.monotonic() - started:.0f} s, {metrics['store'] or 'no model'}")  # fmt: skip


if __name__ == "__main__":
    run(main)
