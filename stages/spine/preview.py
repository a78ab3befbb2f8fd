"""Stage `generate`, `--preview`: what the first plans of a route give, and what all would cost."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Sequence
from math import ceil
from typing import NamedTuple

import polars as pl

from stages.core.pace import listed
from stages.core.settings import Settings
from stages.core.text import cleaned, normalized
from stages.engines import Messages
from stages.engines.spending import Spending, guess
from stages.spine.writing import DUPLICATE, ENGINE, Models, Reply, Row, by_patterns, planned

# Most plans that a preview takes.
MOST = 1_000


class Seen(NamedTuple):
    """A preview's figures. candidates, accepted: queries; asked: requests, failed ones included;
    failed: those without an answer; refused: check -> queries; tokens: of the answers, reckoned
    from their length.
    """

    asked: int
    failed: int
    candidates: int
    accepted: int
    refused: dict[str, int]
    tokens: int


def spread(strata: Sequence[str], count: int) -> list[int]:
    """Positions of `count` plans: the first of each stratum, then the second of each, and so on; of
    a round that is not whole, strata drawn at random, always the same. strata: of each plan, in
    rank order.
    """
    queues: dict[str, list[int]] = {}
    for position, name in enumerate(strata):
        queues.setdefault(name, []).append(position)
    positions: list[int] = []
    depth = 0
    while len(positions) < min(count, len(strata)):
        layer = [queue[depth] for queue in queues.values() if depth < len(queue)]
        size = min(count - len(positions), len(layer))
        # Strata evenly apart would often be those of one value alone.
        positions += sorted(random.Random(size).sample(layer, size))
        depth += 1
    return positions


def expected(plans: pl.DataFrame, seen: Seen) -> int:
    """Requests of the whole route, at the preview's acceptance: what each stratum's quota takes, at
    most its plans. plans: with the columns stratum and quota.
    """
    rate = seen.accepted / seen.asked if seen.asked else 0.0
    strata = plans.group_by("stratum").agg(pl.len().alias("plans"), pl.col("quota").first()).rows()
    return sum(min(n, ceil(quota / rate)) if rate else n for _, n, quota in strata)


def preview(route: str, settings: Settings, plans: pl.DataFrame, count: int) -> None:
    """Print what `count` plans of the route give. plans: as `Models` takes them.

    The completions go to the store, where the stage finds them; nothing else is written. Raises
    InputError as the stage does.
    """
    rows = plans.to_dicts()
    previewed = [rows[n] for n in spread(plans["stratum"].to_list(), count)]
    if not previewed:
        print(f"{route}: no plans, for the recipe or the weights leave it out (params.yaml, route)")
        return
    if route == "heuristic":
        seen = show(previewed, by_patterns(settings)(previewed)(), None)
        spending = None
    else:
        models = Models(settings, route, rows)
        try:
            seen = show(previewed, models.start(previewed)(), models)
            models.asker.check_failures()
        finally:
            models.asker.close()
        spending = models.asker.spending
        counts = models.asker.counts
        print(f"completions: {counts['hits']} from the store, {counts['misses']} asked for; all "
              "are in the store now")  # fmt: skip
    share = f" ({seen.accepted / seen.candidates:.0%})" if seen.candidates else ""
    failed = f"; {seen.failed} requests had no answer" if seen.failed else ""
    print(f"preview of {route}: {seen.accepted} of {seen.candidates} candidates accepted{share}; "
          f"refused: {listed(seen.refused)}{failed}")  # fmt: skip
    if spending is not None:
        print(f"tokens: {spending.in_words()}")
        print(estimate(expected(plans, seen), seen, spending))
    print("No table and no metrics were written.")


def estimate(requests: int, seen: Seen, spending: Spending) -> str:
    """What the whole route would cost, in a sentence."""
    if spending.answers:
        mean, by = spending.total / max(spending.answers, 1), "as here"
    else:
        mean, by = seen.tokens / max(seen.asked, 1), "reckoned from the length of the texts"
    upper = "" if seen.accepted else "at most, for no query was accepted here, "
    limit = spending.limit
    limit_note = f"; generate.server.max_tokens_total is {limit:,}" if limit else ""
    return (
        f"estimate for the route: {upper}about {requests:,} requests of {mean:,.0f} tokens ({by}), "
        f"{requests * mean:,.0f} tokens in all, less what the store has{limit_note}"
    )


def show(rows: Sequence[Row], replies: Sequence[Reply], models: Models | None) -> Seen:
    """Print each plan with its prompt, the answer, and the verdict on each query in it."""
    first_seen: dict[tuple[str, str], int] = {}
    queries: set[str] = set()
    refused: Counter[str] = Counter()
    failed = candidates = accepted = tokens = 0
    for number, (row, reply) in enumerate(zip(rows, replies, strict=True), 1):
        stratum = ", ".join(value for value in json.loads(row["stratum"]).values() if value)
        print(f"{number} of {len(rows)}: {row['plan_id']} ({stratum})")
        for name, text in (("template", row["template_id"]), ("picture", row["image_path"])):
            if text:
                print_field(name, text)
        print_field("calls", planned_calls(row))
        if models is not None:
            messages = models.prompt(row)
            for role, text in prompt(messages, first_seen, number):
                print_field(role, text)
            if isinstance(reply.answer, str):
                tokens += guess([*messages, {"content": reply.answer}])
                print_field("answer", reply.answer)
        for candidate in reply.candidates:
            check, reason = candidate.check, candidate.reason
            if check == ENGINE:
                failed += 1
                print_field("no answer", reason or "")
                continue
            if check is None and normalized(candidate.query) in queries:
                check, reason = DUPLICATE, "stands in this preview already"
            queries.add(normalized(candidate.query))
            candidates += 1
            accepted += check is None
            if check is not None:
                refused[check] += 1
            print_field("query", candidate.query)
            print_field("verdict", "accepted" if check is None else f"refused by {check}: {reason}")
        print()
    return Seen(len(rows), failed, candidates, accepted, dict(refused), tokens)


def planned_calls(row: Row) -> str:
    """The calls of a row's plan, with what is not known before the query as `...`."""
    plan, _ = planned(row)
    calls = [
        f"{call.function}({', '.join(f'{a.slot}={_value(a.value)}' for a in call.arguments)})"
        for call in plan.calls
    ]
    return f"{plan.turn.act} {'; '.join(calls)}".strip()


def _value(value: object) -> str:
    return "..." if value is None else json.dumps(value, ensure_ascii=False)


def prompt(
    messages: Messages, first_seen: dict[tuple[str, str], int], number: int
) -> list[tuple[str, str]]:
    """Role and text of each message; what an earlier plan's prompt had stands in one line.

    first_seen: the first plan that has it, added to.
    """
    shown: list[tuple[str, str]] = []
    for message in messages:
        role, text = str(message["role"]), str(message["content"])
        first = first_seen.setdefault((role, text), number)
        if first == number:
            shown.append((role, text))
        elif not shown or shown[-1] != ("", f"(as in {first})"):
            shown.append(("", f"(as in {first})"))
    return shown


def print_field(name: str, text: str) -> None:
    """Print a text under its name, without what a terminal would obey."""
    lines = [cleaned(line) for line in text.splitlines()] or [""]
    for n, line in enumerate(lines):
        print(f"  {name if not n else '':<10}{line}")
