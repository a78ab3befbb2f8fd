"""Some queries of each function as they will be written, for who writes a pack to read."""

from __future__ import annotations

import datetime
from collections import Counter

from stages.checks import call as checks
from stages.core.conversation import Message, calls_of
from stages.core.pack import Pack
from stages.core.plan import user_turns
from stages.core.strata import FUNCTION
from stages.formats import pythonic
from stages.generation import dialogue
from stages.generation.patterns import Patterns
from stages.planning.plans import Settings, plans
from stages.planning.sources import Pools
from stages.spine.said import messages

# Rows planned for each example, as functions have different shares.
PLANNED = 40


def examples(
    pack: Pack, pools: Pools, count: int, seed: int, templated: frozenset[str] = frozenset()
) -> list[str]:
    """`count` queries of each function, each with the call that is right and, where a check would
    refuse it, with its reason; as many where the model must ask back, and of each scenario of
    several turns. templated: functions that are left out, for templates write them, of what the
    stages ingest.
    """
    rows = count * PLANNED * len(pack.catalogue)
    planned = plans(pack, Settings(rows, reserve=1.0, heuristic_surplus=0.0), seed, pools=pools)
    bands = {one.key: one for one in planned.strata}
    days = {one.tool_set: one.today for one in planned.tool_sets}
    writer, have, numbered = Patterns(pack), Counter[tuple[str, str]](), list[tuple[int, str]]()
    order = {name: number for number, name in enumerate(pack.catalogue.names)}
    for plan in planned.plans:
        is_one = len(plan.turns) == 1
        key = plan.stratum[FUNCTION], plan.turn.act if is_one else plan.scenario
        if key[1] == "refuse" or have[key] == count or key[0] in templated:
            continue
        have[key] += 1
        band = bands[tuple(plan.stratum.values())]
        said = dialogue.write(plan, writer, band.min_words, band.max_words)
        day = days[plan.tool_set]
        today = datetime.date.fromisoformat(day) if day else None
        on = f" (said on {today:%A, %Y-%m-%d})" if today else ""
        own = [(w.query, turn.plan, checks.Context(pack, plan.locale, today, surfaces=w.surfaces))
               for w, turn in zip(said, user_turns(plan), strict=True)]  # fmt: skip
        if is_one:
            answer = f"asks for {plan.turn.missing}"
            if plan.turn.act == "call":
                labeled = checks.labels(*own[0]).plan
                answer = pythonic.render([call.call for call in labeled.turn.calls])
            lines = [f"{said[0].query}{on}", f"    {answer}"]
        else:
            spoken = messages([w.query for w in said], plan, pack.catalogue)
            lines = [f"{spoken[0]['content']}{on}", *map(_line, spoken[1:])]
        for refusal in filter(None, (checks.verdict(*three) for three in own)):
            lines.append(f"    refused, {refusal.check}: {refusal.reason}")
        numbered.append((order[key[0]], "\n".join(lines)))
    return [text for _, text in sorted(numbered, key=lambda one: one[0])]


def _line(message: Message) -> str:
    """A later message of a conversation, the user's less indented."""
    calls = calls_of(message)
    text = pythonic.render(calls) if calls else message["content"]
    return f"  {text}" if message["role"] == "user" else f"    {text}"
