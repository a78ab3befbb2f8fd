"""Which arguments of a call come from one content item, and in which order arguments are drawn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from stages.core.sources import Source


def governor(leaf: Source) -> str | None:
    """The slot of the argument that a leaf agrees with."""
    if leaf.agrees_with is None:
        return None
    return ".".join((*leaf.path[:-1], leaf.agrees_with))


def rows_of(leaves: Iterable[Source]) -> dict[str, int]:
    """Slot -> number of the content item that gives its value: columns of one SQL file are of one
    item, so that they agree with each other.

    A column that is drawn twice, such as the city from which and that to which one travels, needs a
    second item; another column then goes with the one that it `agrees_with`, else with that of its
    own object, else with the first.
    """
    leaf_of = {leaf.slot: leaf for leaf in leaves if leaf.kind == "asset"}
    rows: list[list[Source]] = []
    numbers: dict[str, int] = {}

    def add(leaf: Source, depth: int = 0) -> None:
        if leaf.slot in numbers or depth > len(leaf_of):
            return
        file, column = leaf.column
        partner = leaf_of.get(governor(leaf) or "")
        if partner is not None and partner.column[0] == file:
            add(partner, depth + 1)
            if partner.slot in numbers:
                numbers[leaf.slot] = numbers[partner.slot]
                rows[numbers[partner.slot]].append(leaf)
                return
        free = [
            number
            for number, row in enumerate(rows)
            if row[0].column[0] == file and all(other.column[1] != column for other in row)
        ]
        beside = [n for n in free if any(one.path[:-1] == leaf.path[:-1] for one in rows[n])]
        number = next(iter([*beside, *free]), len(rows))
        if number == len(rows):
            rows.append([])
        rows[number].append(leaf)
        numbers[leaf.slot] = number

    for leaf in leaf_of.values():
        add(leaf)
    return numbers


def together(leaves: Sequence[Source], rows: Mapping[str, int]) -> list[tuple[Source, ...]]:
    """The leaves as they are drawn: those of one item at once, each after what it agrees with."""
    units: dict[str | int, list[Source]] = {}
    unit_of: dict[str, str | int] = {}
    for leaf in leaves:
        key = rows.get(leaf.slot, leaf.slot)
        units.setdefault(key, []).append(leaf)
        unit_of[leaf.slot] = key
    ordered: dict[str | int, tuple[Source, ...]] = {}

    def add(key: str | int, depth: int = 0) -> None:
        for leaf in units[key]:
            other = unit_of.get(governor(leaf) or "")
            if other not in (None, key) and other not in ordered and depth < len(units):
                add(other, depth + 1)  # type: ignore[arg-type]
        ordered.setdefault(key, tuple(units[key]))

    for leaf in leaves:
        add(unit_of[leaf.slot])
    return list(ordered.values())
