"""Whether the checks of what is generated would accept the golden rows as they are labeled.

A right label that is refused shows that the pack lacks words: a synonym, a form, a source. Only the
verdicts are reported; nothing of a golden row enters what is generated.
"""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

from stages.checks import call as checks
from stages.checks.call.context import Context, Refusal
from stages.checks.call.places import places
from stages.core.golden_rows import ABSENT, Expected, GoldenRow
from stages.core.pack import Pack
from stages.core.plan import Act, Argument, Plan, PlannedCall, Turn
from stages.core.strata import BAND, FUNCTION, LOCALE, SCENARIO

# Rows that a warning names.
NAMED = 5


class Doubt(NamedTuple):
    """A golden row that a check would refuse."""

    row: GoldenRow
    refusal: Refusal


def doubts(pack: Pack, rows: Sequence[GoldenRow], today: datetime.date | None) -> list[Doubt]:
    """The rows that the checks of every locale of the pack would refuse, each with what the first
    says. Of a row with several accepted values one that is said counts. today: the day on which
    the queries are said.
    """
    doubted = []
    for row in rows:
        refusals = [_refusal(pack, row, locale, today) for locale in pack.locales]
        if all(refusals) and refusals[0]:
            doubted.append(Doubt(row, refusals[0]))
    return doubted


def warning(pack: Pack, rows: Sequence[GoldenRow], today: datetime.date | None) -> list[str]:
    """One text that counts the rows and names the first, none where all would be taken."""
    doubted = doubts(pack, rows, today)
    if not doubted:
        return []
    codes = Counter(doubt.refusal.check for doubt in doubted)
    counted = ", ".join(f"{n} {code}" for code, n in codes.most_common())
    lines = [
        f"  row {row.golden_id}, {refusal.check}: {refusal.reason} in {row.query!r:.80}"
        for row, refusal in doubted[:NAMED]
    ]
    if len(doubted) > NAMED:
        lines.append(f"  and {len(doubted) - NAMED} more")
    head = (
        f"{pack.golden}: {len(doubted)} of {len(rows)} golden rows would be refused if they were "
        f"generated ({counted}). Correct labels that are wrong or named otherwise than the values "
        "of the pack; where it is words that the vocabularies lack, add what your users say, not "
        "these queries, which only score"
    )
    return ["\n".join([head, *lines])]


def _refusal(
    pack: Pack, row: GoldenRow, locale: str, today: datetime.date | None
) -> Refusal | None:
    if row.history:
        return None  # an argument may have been said before
    context = Context(pack, locale, today)
    if row.act == "refuse":
        return checks.verdict(row.query, _plan(row, "refuse", (), locale), context)
    calls = tuple(_call(pack, one, row.query, context) for one in row.expected)
    if row.act == "ask":
        # What else such a query says need not be labeled.
        return checks.CHECKS["said"](row.query, _plan(row, "ask", calls, locale), context)
    return checks.verdict(row.query, _plan(row, "call", calls, locale), context)


def _plan(row: GoldenRow, act: Act, calls: tuple[PlannedCall, ...], locale: str) -> Plan:
    function = calls[0].function if calls else ""
    stratum = {SCENARIO: row.act, FUNCTION: function, LOCALE: locale, BAND: ""}
    turns = (Turn(act, calls, row.missing),)
    return Plan("golden", row.act, stratum, "", turns, "golden", "", 0, 1, locale, 0)


def _call(pack: Pack, expected: Expected, query: str, context: Context) -> PlannedCall:
    """The call with, of each argument's accepted values, one that the query says, if there is one;
    an argument that may be left out and is not said is left out. What a rule derives is left to it.
    """
    arguments: list[Argument] = []
    for name, values in expected.arguments.items():
        source = pack.by_key.get(f"{expected.name}.{name}")
        if source is not None and source.kind == "derived":
            arguments.append(Argument(name, None, "derived"))
            continue
        real = [value for value in values if value != ABSENT]
        options = [_leaves(pack, expected.name, (name,), value) for value in real]
        said = [one for one in options if _is_said(expected.name, one, query, context)]
        if said:
            arguments += said[0]
        elif options and len(real) == len(values):
            arguments += options[0]
    return PlannedCall(expected.name, tuple(arguments))


def _leaves(pack: Pack, function: str, path: tuple[str, ...], value: Any) -> list[Argument]:
    """A value as the arguments of a plan: one, or those of an object's properties."""
    source = pack.by_key.get(".".join((function, *path)))
    if source is not None and source.kind == "object" and isinstance(value, dict):
        return [one for name, inner in value.items()
                for one in _leaves(pack, function, (*path, name), inner)]  # fmt: skip
    is_said = source is None or source.is_said or source.kind == "class"
    return [Argument(path[0], value, "user" if is_said else "default", None, path[1:])]


def _is_said(function: str, arguments: list[Argument], query: str, context: Context) -> bool:
    turns = (Turn("call", (PlannedCall(function, tuple(arguments)),)),)
    plan = Plan("golden", "single", {}, "", turns, "golden", "", 0, 1, context.locale, 0)
    return all(one.spans for one in places(query, plan, context))
