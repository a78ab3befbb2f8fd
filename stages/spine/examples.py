"""Some queries of each function as they will be written, for who writes a pack to read."""

from __future__ import annotations

import datetime
from collections import Counter

from stages.checks import call as checks
from stages.core.pack import Pack
from stages.core.strata import FUNCTION
from stages.formats import pythonic
from stages.generation.patterns import Patterns
from stages.planning.plans import Settings, plans
from stages.planning.sources import Pools

# Rows planned for each example, as functions have different shares.
PLANNED = 40


def examples(
    pack: Pack, pools: Pools, count: int, seed: int, templated: frozenset[str] = frozenset()
) -> list[str]:
    """`count` queries of each function, each with the call that is right and, where a check would
    refuse it, with its reason; as many where the model must ask back. templated: functions that
    are left out, for templates write them, of what the stages ingest.
    """
    rows = count * PLANNED * len(pack.catalogue)
    planned = plans(pack, Settings(rows, reserve=1.0, heuristic_surplus=0.0), seed, pools=pools)
    bands = {one.key: one for one in planned.strata}
    days = {one.tool_set: one.today for one in planned.tool_sets}
    writer, have, numbered = Patterns(pack), Counter[tuple[str, str]](), list[tuple[int, str]]()
    order = {name: number for number, name in enumerate(pack.catalogue.names)}
    for plan in planned.plans:
        key = plan.stratum[FUNCTION], plan.turn.act
        if plan.turn.act not in ("call", "ask") or have[key] == count or key[0] in templated:
            continue
        have[key] += 1
        band = bands[tuple(plan.stratum.values())]
        one = writer.write(plan, band.min_words, band.max_words)
        day = days[plan.tool_set]
        today = datetime.date.fromisoformat(day) if day else None
        context = checks.Context(pack, plan.locale, today, surfaces=one.surfaces)
        refusal = checks.verdict(one.query, plan, context)
        answer = f"asks for {plan.turn.missing}"
        if plan.turn.act == "call":
            labeled = checks.labels(one.query, plan, context).plan
            answer = pythonic.render([call.call for call in labeled.turn.calls])
        said = f" (said on {today:%A, %Y-%m-%d})" if today else ""
        lines = [f"{one.query}{said}", f"    {answer}"]
        if refusal:
            lines.append(f"    refused, {refusal.check}: {refusal.reason}")
        numbered.append((order[key[0]], "\n".join(lines)))
    return [text for _, text in sorted(numbered, key=lambda one: one[0])]
