"""Strata: combinations of the values of a population's dimensions, each with its quota.

Planning makes them, selection fills them; which lie near each other is computed here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

# Dimensions that every pack has, in the order in which a stratum names them.
SCENARIO, FUNCTION, LOCALE, BAND = "scenario", "function", "locale", "band"
DIMENSIONS = (SCENARIO, FUNCTION, LOCALE, BAND)
# The value of a dimension where it does not apply, such as the function of chit-chat.
NONE = ""


@dataclass(frozen=True)
class Stratum:
    """values: dimension -> value, all dimensions in one order. share: of the population, 0 to 1.
    min_words, max_words: what its length band allows, both 0 where the population has no bands.
    quota: rows wanted; routes: route -> its part of them.
    """

    values: Mapping[str, str]
    share: float
    min_words: int = 0
    max_words: int = 0
    quota: int = 0
    routes: Mapping[str, int] = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, ...]:
        """Its values without their names; what tells it from the others."""
        return tuple(self.values.values())

    @property
    def name(self) -> str:
        """How tables name it: its values as JSON."""
        return json.dumps(dict(self.values), ensure_ascii=False, separators=(",", ":"))

    def __getitem__(self, dimension: str) -> str:
        return self.values[dimension]

    def to_record(self) -> dict[str, Any]:
        """As JSON holds it, for routed/strata.json."""
        return {
            "values": dict(self.values),
            "share": round(self.share, 12),
            "min_words": self.min_words,
            "max_words": self.max_words,
            "quota": self.quota,
            "routes": dict(self.routes),
        }


def from_record(record: Mapping[str, Any]) -> Stratum:
    """The stratum that `to_record` wrote."""
    return Stratum(**record)


def band(low: int, high: int) -> str:
    """The name of a length band."""
    return f"{low}-{high}"


# How far two strata are from each other that differ in a dimension. A row of another function or
# scenario teaches something else, so these are never crossed.
DISTANCES = {LOCALE: 100.0}
OTHER_DISTANCE = 10.0


def distance(a: Stratum, b: Stratum, bands: Sequence[str] = ()) -> float | None:
    """How far apart two strata lie, 0 for the same; None if one cannot stand in for the other.

    bands: the function's bands in their order; a step of one band is a distance of 1.
    """
    if a[SCENARIO] != b[SCENARIO] or a[FUNCTION] != b[FUNCTION]:
        return None
    total = 0.0
    for name, value in a.values.items():
        if value == b[name]:
            continue
        if name == BAND:
            total += abs(a.max_words - b.max_words) if not bands else abs(
                bands.index(value) - bands.index(b[name])
            )  # fmt: skip
        else:
            total += DISTANCES.get(name, OTHER_DISTANCE)
    return total


def neighbours(strata: Sequence[Stratum]) -> list[list[int]]:
    """For each stratum the positions of those that may fill what it lacks, the nearest first.

    Of the same scenario and function; another band first, then another value of the pack's own
    dimensions, another locale last. Ties go to the earlier one.
    """
    groups: dict[tuple[str, str], list[int]] = {}
    for index, stratum in enumerate(strata):
        groups.setdefault((stratum[SCENARIO], stratum[FUNCTION]), []).append(index)
    nearest: list[list[int]] = [[] for _ in strata]
    for members in groups.values():
        ordered = sorted({(strata[i].max_words, strata[i][BAND]) for i in members})
        bands = [name for _, name in ordered]
        for i in members:
            far = {j: distance(strata[i], strata[j], bands) for j in members if j != i}
            nearest[i] = sorted(far, key=lambda j: (far[j], j))
    return nearest


def from_records(records: Any) -> list[Stratum]:
    """The strata that `to_record` wrote, in their order."""
    return [from_record(record) for record in records]
