"""What writers of patterns make, and the rough words for what no phrase says."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from stages.core.plan import Argument
from stages.language.identifiers import named


class Written(NamedTuple):
    """A query; which phrases it was made of, FUNCTION/NUMBER or a general one's name; and for each
    call the words of each slot that it says.
    """

    query: str
    template_id: str
    surfaces: tuple[Mapping[str, str], ...] = ()


def adjuncts(
    arguments: Sequence[Argument], join: Callable[[Sequence[str]], str] = ", ".join
) -> str:
    """Arguments by their names and words, which a boolean's may hold: "party size 4"."""
    return join(
        [
            a.surface or ""
            if isinstance(a.value, bool)
            and f" {named(a.path[-1] if a.path else a.name)} " in f" {(a.surface or '').lower()} "
            else f"{named(a.slot)} {a.surface}"
            for a in arguments
        ]
    )
