"""How far the rules that derive values agree with labels that people gave."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from stages.checks.derived import RULES
from stages.core.golden_rows import Expected, GoldenRow
from stages.core.pack import Pack
from stages.core.text import loosely


class Agreement(NamedTuple):
    """`share`: of `labels`, those that the rule derives from the query."""

    labels: int
    share: float


def agreement(rows: Sequence[GoldenRow], pack: Pack) -> Agreement | None:
    """The agreement on the labels of derived arguments, compared loosely, as an exact match is;
    None without any such label.

    A model that has learned the rules perfectly is right on that share.
    """
    right = [
        any(
            loosely(RULES[rule](row.query, call.name, value, frame)) in labels
            for frame in pack.frames.values()
        )
        for row in rows
        for call in row.expected
        for rule, labels, value in _labels(call, pack)
    ]
    return Agreement(len(right), sum(right) / len(right)) if right else None


def _labels(call: Expected, pack: Pack) -> list[tuple[str, set[str], str]]:
    """The rule, the accepted texts and the call's class, of each derived argument with texts."""
    kind = pack.of_kind(call.name, "class")
    values = call.arguments.get(kind.slot, []) if kind else []
    value = str(values[0]) if values else ""
    labels = []
    for source in pack.sources[call.name]:
        texts = {loosely(v) for v in call.arguments.get(source.slot, []) if isinstance(v, str)}
        if source.kind == "derived" and texts:
            labels.append((str(source.settings), texts, value))
    return labels
