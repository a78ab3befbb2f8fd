"""Pairs of a right and a wrong answer to the same words: a dataset's row, and a near miss that the
checks refuse.
"""

from __future__ import annotations

import datetime
import json
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import cache, partial
from itertools import islice
from typing import Any, NamedTuple

import numpy as np

from stages.checks import call as checks
from stages.checks.call import Context
from stages.core import catalogue as catalogues
from stages.core import files, plan
from stages.core import pack as packs
from stages.core.catalogue import Function
from stages.core.command import InputError
from stages.core.conversation import Message
from stages.core.plan import Plan, PlannedCall
from stages.core.settings import Settings
from stages.core.tables import Dialogues, Plans, ToolSets
from stages.dataset import masking
from stages.exporting.facts import DATASET
from stages.exporting.preferences import Pair
from stages.exporting.sample import sample
from stages.planning.calls import Calls
from stages.planning.presence import Presence
from stages.planning.sources import TODAY, Pools, seed_of
from stages.planning.tool_sets import similarity
from stages.preferences import KINDS, Case
from stages.spine.said import messages

# Near misses of a kind that are tried for a row, and calls of a function that they draw from.
TRIES, CALLS = 20, 40
# Checks whose refusal says that the words do not carry the call; the others look at the words.
PROOFS = frozenset({"said", "ordered", "leaked", "function", "class", "grounding"})
# In place of a check: no call is right.
ACT = "act"
# Why a row gives no pair.
TURNS = "of several turns"
UNCHECKED = "that the checks take only with what the writer knew"
NO_MISS = "of which the checks refuse no near miss"


class Said(NamedTuple):
    """A query, the plan that it carries with its derived values, and what its checks need."""

    query: str
    plan: Plan
    context: Context


class Miss(NamedTuple):
    """A near miss with its derived values, its kind, and the check that refuses it."""

    plan: Plan
    kind: str
    check: str


class Pairs:
    """The pairs of the dataset in this folder. kinds: of each split that was read, how many pairs
    there are of each kind; left_out: why rows gave none -> how many.
    """

    def __init__(self, settings: Settings) -> None:
        """Raises InputError where a table is missing."""
        self.seed, self.share = settings.seed, settings.validate_.masked_share
        self.pack = packs.load_ingested(settings.pack)
        plans = files.read_table("data/routed/plans.parquet", Plans)
        self.plans = {row["plan_id"]: row for row in plans.iter_rows(named=True)}
        sets = files.read_table("data/routed/tool_sets.parquet", ToolSets)
        self.tools: dict[str, list[dict[str, Any]]] = {
            name: json.loads(tools) for name, tools in sets.select("tool_set", "tools").iter_rows()
        }
        self.kinds: dict[str, Counter[str]] = {}
        self.left_out: Counter[str] = Counter()
        self.pools = Pools(self.pack)
        self.calls = cache(self._calls)

    def of(self, split: str) -> Iterator[Pair]:
        """A split's pairs, one at most per row, in its order. Of the kinds that a row may have it
        gets the one that was rarest until then. Raises InputError for rows of other plans.
        """
        kinds = self.kinds[split] = Counter()
        path = DATASET / f"{split}.parquet"
        for row in files.read_table(path, Dialogues).iter_rows(named=True):
            if row["plan_id"] not in self.plans:
                raise _stale(f"{path}: data/routed has no plan {row['plan_id']!r:.60}")
            pair = self._pair(row, kinds)
            if isinstance(pair, Pair):
                kinds[pair.kind] += 1
                yield pair
            else:
                self.left_out[pair] += 1

    def _pair(self, row: dict[str, Any], kinds: Counter[str]) -> Pair | str:
        """A row's pair, or why it has none. kinds: how many there are of each."""
        said = json.loads(row["messages"])
        planned = plan.from_record(self.plans[row["plan_id"]])
        if not self._is_known(planned):
            raise _stale(f"data/routed: the plan {planned.plan_id} is not of this pack")
        if len(planned.turns) != 1 or len(said) != 2:
            return TURNS
        today = datetime.date.fromisoformat(row["today"]) if row["today"] else None
        context = Context(self.pack, planned.locale, today)
        query = said[0]["content"]
        if checks.verdict(query, planned, context):
            return UNCHECKED
        right = Said(query, checks.labels(query, planned, context).plan, context)
        if self._messages(right, right.plan) != said:
            raise _stale(f"{DATASET}: the row {row['sample_id']} is not what its plan gives now")
        miss = self._miss(right, row["sample_id"], kinds)
        if miss is None:
            return NO_MISS
        shown = sample(row["sample_id"], said, json.loads(row["tools"]), row["today"])
        return Pair(shown, self._messages(right, miss.plan)[-1], miss.kind, miss.check)

    def _is_known(self, planned: Plan) -> bool:
        """Whether the pack has the functions and the arguments of a plan, and its tool set is
        there.
        """
        return planned.tool_set in self.tools and all(
            call.function in self.pack.catalogue
            and all(f"{call.function}.{one.slot}" in self.pack.by_key for one in call.arguments)
            for call in planned.turn.calls
        )

    def _miss(self, right: Said, sample_id: str, kinds: Counter[str]) -> Miss | None:
        """A near miss of the kind that is rarest so far, of those that there are."""
        choices = random.Random(seed_of(self.seed, "near miss", sample_id))
        today, locale = right.context.today, right.context.locale
        shown = self._shown(right)
        case = Case(right.plan, self.pack, shown, partial(self.calls, locale, today), choices)
        made = KINDS[right.plan.turn.act]
        names = choices.sample(list(made), len(made))
        for kind in sorted(names, key=lambda name: kinds[name]):
            for changed in islice(made[kind](case), TRIES):
                labeled = checks.labels(right.query, changed, right.context).plan
                if check := self._check(right, changed, labeled):
                    return Miss(labeled, kind, check)
        return None

    def _check(self, right: Said, changed: Plan, labeled: Plan) -> str | None:
        """The check that refuses a near miss, None for one that is none: it may be right, or breaks
        a schema, which is not what it is to show. labeled: it with its derived values.
        """
        if any(catalogues.problems(one.call, self.pack.catalogue) for one in labeled.calls):
            return None
        act = right.plan.turn.act
        if act == "call" and _calls_of(labeled) == _calls_of(right.plan):
            return None
        refusal = checks.verdict(right.query, changed, right.context)
        if refusal and refusal.check in PROOFS:
            return refusal.check
        return ACT if act == "refuse" else None

    def _messages(self, right: Said, answered: Plan) -> list[Message]:
        """The conversation with the answer of a plan, its names masked as `validate` does."""
        said, name = messages([right.query], answered, self.pack.catalogue), right.plan.tool_set
        if not masking.is_masked(name, right.plan.turns, self.share, self.seed):
            return said
        return masking.masked_messages(said, masking.names(self.tools[name], name, self.seed))

    def _shown(self, right: Said) -> list[str]:
        """The functions of the tool set; for a refusal the nearest to what the user wants first."""
        names = [tool["function"]["name"] for tool in self.tools[right.plan.tool_set]]
        if right.plan.turn.act != "refuse":
            return names
        wanted = [self.pack.catalogue[call.function] for call in right.plan.calls]
        shown = [self.pack.catalogue[name] for name in names]
        near = similarity([*(wanted[:1] or [Function("", right.query, {})]), *shown])[0, 1:]
        return [names[n] for n in np.argsort(-near, kind="stable")]

    def _calls(
        self, locale: str, today: datetime.date | None, function: str
    ) -> Sequence[PlannedCall]:
        """Other calls of a function; the same whatever else is drawn."""
        made: list[PlannedCall] = []
        if function in self.pack.blocked:
            return made
        seed = seed_of(self.seed, "near misses", function, locale, today)
        calls = Calls(self.pools, Presence(self.pack, function, locale, seed, lambda *_: True))
        choices = random.Random(seed)
        with suppress(InputError):  # a function that no plan was made for
            for _ in range(CALLS):
                made.append(calls.draw(today or TODAY, choices))
        return made


def _calls_of(labeled: Plan) -> list[str]:
    """The calls of a plan in whatever order, as JSON: in another order they are the same."""
    calls = (one.call for one in labeled.calls)
    return sorted(json.dumps([one.name, one.arguments], sort_keys=True) for one in calls)


def _stale(message: str) -> InputError:
    return InputError(
        f"{message}: the dataset was made from other plans, another pack or other parameters; run "
        "`dvc repro`"
    )
