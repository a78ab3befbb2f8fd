"""Arguments that are the two ends of one period or range, by their names: `from` and `to`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from stages.core.sources import Source
from stages.planning import wording

# A word of the name of one end -> what it is in the name of the other. Of numbers, `from` and `to`
# need not be a range: money goes from account 7 to account 3.
ENDS = {"from": ("to", "until"), "since": ("until",), "start": ("end",), "begin": ("end",),
        "starts": ("ends",), "check in": ("check out",)}  # fmt: skip
BOUNDS = {"min": ("max",), "minimum": ("maximum",)}
BY_KIND: Mapping[str, Mapping[str, Sequence[str]]] = {
    "date": ENDS,
    "time": ENDS,
    "integer": BOUNDS,
    "number": BOUNDS,
    "money": BOUNDS,
}


def pairs(leaves: Sequence[Source]) -> Iterator[tuple[Source, Source]]:
    """Each argument that begins something with the one that ends it, of one kind and one object."""
    by_name = {(leaf.path[:-1], wording.named(leaf.path[-1])): leaf for leaf in leaves}
    for (parent, name), start in by_name.items():
        for word, others in BY_KIND.get(start.kind, {}).items():
            if f" {word} " not in f" {name} ":
                continue
            for other in others:
                ending = f" {name} ".replace(f" {word} ", f" {other} ").strip()
                end = by_name.get((parent, ending))
                if end is not None and end.kind == start.kind:
                    yield start, end
