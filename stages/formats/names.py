"""Names as Python's syntax can have them, for functions and arguments of any catalogue."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable

from stages.core.catalogue import Catalogue
from stages.core.command import InputError

IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


def written(name: str) -> str:
    """`name` as a model writes it: an identifier that begins with a letter, for which alone vLLM's
    parser looks. Dots and hyphens become `_`, other characters their numbers, Python's keywords get
    a `_`.
    """
    if IDENTIFIER.fullmatch(name) and not keyword.iskeyword(name):
        return name
    parts = (c if re.match("[A-Za-z0-9_]", c) else "_" if c.isascii() else f"u{ord(c):x}"
             for c in name)  # fmt: skip
    made = "".join(parts)
    if not made[:1].isalpha():
        made = f"x{made}"
    return f"{made}_" if keyword.iskeyword(made) else made


def meant(names: Iterable[str]) -> dict[str, str]:
    """The name that each written one stands for."""
    return {written(name): name for name in names}


def check(catalogue: Catalogue, where: str) -> None:
    """Raise InputError for names that would be written alike: nobody could tell them apart."""
    groups = [("functions", list(catalogue))]
    groups += [(f"arguments of {f.name}", list(f.properties)) for f in catalogue.functions]
    for what, names in groups:
        seen: dict[str, str] = {}
        for name in names:
            other = seen.setdefault(written(name), name)
            if other != name:
                raise InputError(
                    f"{where}: the {what} {other!r:.80} and {name!r:.80} are both written "
                    f"{written(name)}: rename one"
                )
