"""Names of functions and arguments, as a catalogue takes them and a model can write them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container, Iterable

from stages.core.catalogue import NAME
from stages.core.text import composed, is_valid
from stages.formats.names import written

LONGEST = 64
# A name that is too long is cut between words, unless little is left then.
SHORTEST_CUT = 40


def of_function(name: str) -> str:
    """`name`, or the nearest that a catalogue takes: 1 to 64 letters, digits, `_`, `-` and dots;
    empty where nothing is left of it.
    """
    if NAME.fullmatch(name):
        return name
    plain = unicodedata.normalize("NFKD", name[:1000]).encode("ascii", "ignore").decode()
    return _cut(re.sub(r"[^A-Za-z0-9_.-]+", "_", plain).strip("_.-"))


def of_operation(method: str, path: str) -> str:
    """The name of an operation that has none: `get_pets_petId_toys` of GET /pets/{petId}/toys."""
    return of_function(re.sub(r"[^A-Za-z0-9]+", "_", f"{method.lower()} {path}").strip("_"))


def _cut(name: str) -> str:
    if len(name) <= LONGEST:
        return name
    cut = re.match(rf"(.{{{SHORTEST_CUT},{LONGEST}}})[_.-]", name)
    return (cut[1] if cut else name[:LONGEST]).rstrip("_.-")


def is_argument(name: str) -> bool:
    """Whether an argument can keep its name: 1 to 64 characters that can be seen."""
    return 0 < len(name) <= LONGEST and name.isprintable() and name.strip() == name \
        and is_valid(name)  # fmt: skip


def of_argument(name: str) -> str:
    """`name`, or the nearest that an argument can have; empty where nothing is left of it."""
    name = composed(name)
    return name if is_argument(name) else of_function(name)


def free(candidates: Iterable[str], taken: Container[str]) -> str:
    """The first of the names that no other is written like, else the last of them, numbered.

    taken: names as a model writes them.
    """
    name = ""
    for name in candidates:
        if name and written(name) not in taken:
            return name
    number = 2
    while written(numbered := f"{name[: LONGEST - 6]}_{number}") in taken:
        number += 1
    return numbered
