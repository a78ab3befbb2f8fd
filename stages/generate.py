"""Stage `generate@ROUTE`: write queries for the planned requests of one route.

Command: python -m stages.generate {heuristic,text,vision}
         python -m stages.generate --store-stats
         python -m stages.generate --store-prune [--older-than DAYS] [--model ID]
Reads:   data/routed/requests.parquet, prompts/, models/base/writer (text, vision), pictures
Writes:  data/generated/ROUTE.parquet, metrics/generate_ROUTE.json; completions go to
         data/.work/completions.sqlite

Requests are taken in rank order; a cell whose quota is full takes no more. Every candidate goes
through the per-row checks at once; a rejected one keeps its reason, an accepted one its labels.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Callable
from functools import lru_cache, partial

import polars as pl

from stages.checks import Verdict, judged, normalized
from stages.checks.seals import ASKED, seals
from stages.core import domain, files, pack, prompts, settings
from stages.core.command import InputError, run
from stages.core.domain import Domain
from stages.core.pace import duration, listed
from stages.core.parallel import over_rows
from stages.core.settings import Settings
from stages.core.tables import ROUTES, Candidates, Requests, empty
from stages.engines import Failed, store
from stages.generation import batches
from stages.generation.batches import Begin
from stages.generation.heuristic import Grammar
from stages.generation.progress import Reporter
from stages.generation.quota import Quotas
from stages.generation.slots import Request
from stages.generation.writer import Writer, Written

# What stands in the place of a check where the engine had no answer.
ENGINE = "engine"
# What was written for a request, and the verdict on each of its queries.
Judged = tuple[Written, list[Verdict]]
Write = Begin[Judged]
# Requests of the heuristic route from which on it pays to start processes, and those that one gets
# at a time.
LEAST, PART = 2_048, 256


@lru_cache(1)
def grammar(typo_share: float, pack: str) -> tuple[Grammar, dict[str, str]]:
    """The patterns of the heuristic route, and the digest of each template; once a process."""
    known = domain.load(pack)
    templates = prompts.load(known, route="heuristic")
    patterns = Grammar(templates, known, prompts.lexicon(), prompts.environment(), typo_share)
    return patterns, {t.template_id: t.digest for t in templates}


def heuristic(chosen: Settings) -> Write:
    """The writer of the heuristic route: no model, no prompt."""
    given = chosen.generate.heuristic.typo_share, chosen.pack
    grammar(*given)  # before any process is started, for what is wrong with a template
    return lambda batch: partial(over_rows, _filled, batch, *given, least=LEAST, part=PART)


def _filled(batch: list[Request], typo_share: float, pack: str) -> list[Judged]:
    patterns, digests = grammar(typo_share, pack)
    made: list[Judged] = []
    for request in batch:
        query = patterns.write(request)
        written = [query], query, "heuristic", digests[request["template_id"]], ""
        made.append((written, [judged(query, request, patterns.domain)]))
    return made


def asked(writer: Writer, known: Domain) -> Write:
    """The writer of the other routes: a model answers prompts."""

    def begun(batch: list[Request]) -> Callable[[], list[Judged]]:
        wait = writer.start(batch)
        return lambda: [
            (written, _verdicts(written, request, known))
            for request, written in zip(batch, wait(), strict=True)
        ]

    return begun


def _verdicts(written: Written, request: Request, known: Domain) -> list[Verdict]:
    queries, completion, _, _, prompt = written
    if isinstance(completion, Failed):
        return [Verdict(ENGINE, completion.reason)] * len(queries)
    return [judged(query, request, known, prompt) for query in queries]


def candidates(
    quotas: Quotas, write: Write, batch: int, report: Reporter, ahead: int = 1
) -> pl.DataFrame:
    """Write, check and count until the quotas are full or the requests are used up; the rows of
    Candidates, without seals.
    """
    seen: set[str] = set()
    schema = {name: kind for name, kind in Candidates.schema().items() if name != "seal"}
    frames = [pl.DataFrame(schema=schema)]
    for judged_batch in batches.written(quotas, write, batch, ahead):
        rows = []
        for request, (written, verdicts) in judged_batch:
            queries, completion, model, prompt_hash, _ = written
            failed = isinstance(completion, Failed)
            told = completion if isinstance(completion, str) else ""
            (quotas.fail if failed else quotas.answered)(request)
            for n, (query, verdict) in enumerate(zip(queries, verdicts, strict=True)):
                if not failed:
                    quotas.judge(request)
                if verdict.check is None and normalized(query) in seen:
                    verdict = Verdict("duplicate", "stands in this route already")
                if verdict.check is None:
                    seen.add(normalized(query))
                    quotas.accept(request)
                check, reason, *labels = verdict
                said = None if check is None else f"{check}: {reason}"
                row = request["request_id"], n, query, told, model, prompt_hash
                rows.append((*row, check is None, said, *labels))
        frames.append(pl.DataFrame(rows, schema=schema, orient="row"))
        report.update()
    return pl.concat(frames)


def short(route: str, quotas: Quotas, refused: dict[str, int]) -> str:
    """What a route lacks that ran out of requests, and why."""
    lacking = sum(quotas.short.values())
    worst = sorted(quotas.short.items(), key=lambda pair: -pair[1])
    cells = "; ".join(f"{' x '.join(cell)} lacks {n} of {quotas.want[cell]}"
                      for cell, n in worst[:3])  # fmt: skip
    more = f"; {len(worst) - 3} more cells" if len(worst) > 3 else ""
    return (
        f"short: {route} has {lacking} rows less than its quota of {sum(quotas.want.values())}, "
        f"all its requests being used up ({cells}{more}). Refused: {listed(refused, 3)}. Other "
        "routes fill what they can; for more of this one raise route.reserve, or fix its templates"
    )


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
    if pack.is_pack(chosen.pack):
        from stages.spine import generate as spine

        return spine.main(chosen, route)
    known = domain.load(chosen.pack)
    planned = files.read_table("data/routed/requests.parquet", Requests)
    requests = planned.filter(pl.col("route") == route)
    del planned
    started = time.monotonic()
    block = getattr(chosen.generate, route)
    quotas = Quotas(requests, block.min_acceptance, block.min_tried)
    writer: Writer | None = None
    frame = empty(Candidates)
    if requests.height:
        if route == "heuristic":
            write = heuristic(chosen)
        else:
            writer = Writer(prompts.load(known, route=route), known, prompts.lexicon(),
                            prompts.environment(), chosen, route)  # fmt: skip
            write = asked(writer, known)
        try:
            with Reporter(route, quotas) as report:
                ahead = batches.AHEAD if writer else 1
                frame = candidates(quotas, write, block.batch, report, ahead)
            if writer is not None:
                writer.asker.check_failures()
        finally:
            if writer is not None:
                writer.asker.close()
        asked_for = requests.select("request_id", *ASKED)
        joined = frame.join(asked_for, "request_id", maintain_order="left")
        frame = frame.with_columns(seal=seals(joined, known))
    files.write_table(f"data/generated/{route}.parquet", frame, Candidates)
    refused = Counter(frame["reason"].drop_nulls().str.splitn(":", 2).struct[0])
    failed = refused.pop(ENGINE, 0)  # no candidates; they stand in `store`
    metrics = {
        "wanted": sum(quotas.want.values()),
        "candidates": frame.height - failed,
        "accepted": frame["accepted"].sum(),
        "cells_short": len(quotas.short),
        "rejected": dict(refused.most_common()),
        "templates": quotas.templates,
        "failed": writer.asker.counts["failed"] if writer is not None else 0,
    }
    files.write_json(f"metrics/generate_{route}.json", metrics)
    seconds = round(time.monotonic() - started, 1)
    counts = dict(writer.asker.counts) if writer is not None else {}
    files.write_timings(f"generate_{route}", {"seconds": seconds, "store": counts})
    said = {"from the store": counts.get("hits", 0), "asked for": counts.get("misses", 0)}
    came = f"completions: {listed(said)}" if writer is not None else "no model"
    print(f"{route}: {metrics['accepted']} accepted of {metrics['candidates']} candidates "
          f"in {duration(seconds)}; {came}")  # fmt: skip
    if quotas.short:
        print(short(route, quotas, dict(refused)))


if __name__ == "__main__":
    run(main)
