"""The route text of the stage `generate`: a model says the patterns' sentences anew."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Iterator
from typing import Any

import polars as pl

from stages.checks import call as checks
from stages.checks.call import Context, Refusal
from stages.core import files, pack, plan, strata
from stages.core.plan import Plan
from stages.core.settings import Settings
from stages.core.tables import ToolSets
from stages.core.text import normalized
from stages.engines import Answer, Ask, Failed
from stages.generation import batches
from stages.generation.asking import Asker
from stages.generation.patterns import Patterns
from stages.generation.progress import Reporter
from stages.generation.prompting import query_of
from stages.generation.quota import Quotas
from stages.generation.rewording import Asked, Rewording
from stages.spine.said import messages

# What stands in the place of a check where the engine had no answer.
ENGINE = "engine"
# What was asked, the answer's key and the answer.
Written = tuple[Asked, str, Answer]


def reworded(
    table: pl.DataFrame, known: list[strata.Stratum], chosen: Settings, route: str
) -> Iterator[tuple[Any, ...]]:
    """The rows of Conversations for `table`, rows of Plans: in batches, until of each stratum as
    many passed as are wanted, or its plans are used up.
    """
    block, given = chosen.generate.text, pack.load_ingested(chosen.pack)
    bands = {one.name: one for one in known}
    sets = files.read_table("data/routed/tool_sets.parquet", ToolSets)
    days = dict(zip(sets["tool_set"], sets["today"], strict=True))
    plans = {row["plan_id"]: plan.from_record(row) for row in table.to_dicts()}
    rewording = Rewording(Patterns(given), list(plans.values()))
    asker = Asker(chosen, "writer", route)
    sampling = asker.accepted(block.sampling.model_dump())
    with_function = table.with_columns(function=pl.col("stratum").str.json_path_match("$.function"))
    # A pattern that is hard to say anew is one function's only one more often than not: none rests.
    quotas = Quotas(with_function, by=("function", "scenario", "stratum"))

    def begin(batch: list[batches.Request]) -> Callable[[], list[Written]]:
        asked = [
            rewording.ask(plans[row["plan_id"]], band.min_words, band.max_words)
            for row in batch
            for band in [bands[row["stratum"]]]
        ]
        seeds = [(chosen.seed + row["seed"]) % 2**31 for row in batch]
        wait = asker.start(
            [Ask(one.messages, sampling, seed) for one, seed in zip(asked, seeds, strict=True)]
        )
        return lambda: [(one, *came) for one, came in zip(asked, wait(), strict=True)]

    seen: set[str] = set()
    try:
        with Reporter(route, quotas, columns=("function", "scenario")) as report:
            for pairs in batches.written(quotas, begin, block.batch, batches.AHEAD):
                for row, (asked, key, answer) in pairs:
                    planned, day = plans[row["plan_id"]], days[row["tool_set"]]
                    query = "" if isinstance(answer, Failed) else query_of(answer)
                    if isinstance(answer, Failed):
                        quotas.fail(row)
                        refusal: Refusal | None = Refusal(ENGINE, answer.reason)
                    else:
                        quotas.answered(row)
                        quotas.judge(row)
                        today = datetime.date.fromisoformat(day) if day else None
                        refusal = judged(query, planned, asked, given, today, seen)
                    if refusal is None:
                        seen.add(normalized(query))
                        quotas.accept(row)
                    said = messages(query, planned, given.catalogue)
                    yield (
                        row["plan_id"], 0, query, json.dumps(said, ensure_ascii=False),
                        answer if isinstance(answer, str) else "", asker.model, key[:16],
                        asked.sentence.template_id, *(refusal or (None, None)),
                    )  # fmt: skip
                report.update()
        asker.check_failures()
    finally:
        asker.close()
    if quotas.short:
        lacking, wanted = sum(quotas.short.values()), sum(quotas.want.values())
        print(
            f"short: {route} lacks {lacking} of {wanted} conversations, all its plans being used "
            "up. The route heuristic fills what it can; for more of this one name a stronger "
            "models.writer, or raise route.reserve"
        )


def judged(
    query: str, planned: Plan, asked: Asked, given: pack.Pack, today: datetime.date | None,
    seen: set[str],
) -> Refusal | None:  # fmt: skip
    """The first objection to a model's words for a plan, None if they may be taken. seen: the
    queries of the route so far, normalized.
    """
    # Of the prompt nothing may leak but the sentence that is to be said anew.
    told = "\n".join(message["content"] for message in asked.messages[:-1])
    context = Context(
        given, planned.locale, today, prompt=told, sentence=asked.sentence.query,
        surfaces=asked.sentence.surfaces,
    )  # fmt: skip
    if refusal := checks.verdict(query, planned, context):
        return refusal
    if normalized(query) == normalized(asked.sentence.query):
        return Refusal("duplicate", "the pattern's own words")
    if normalized(query) in seen:
        return Refusal("duplicate", "stands in this route already")
    return None
