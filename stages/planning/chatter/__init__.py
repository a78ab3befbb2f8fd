"""Requests that no function of a pack serves: the pack's own, or general ones of the locale."""

from __future__ import annotations

import re
from pathlib import Path

from stages.core.catalogue import Catalogue
from stages.core.pack import Pack
from stages.planning import wording

# Words in names of functions that say nothing of what they are about.
COMMON = frozenset(
    {"get", "set", "find", "search", "show", "list", "create", "make", "add", "update", "delete",
     "remove", "check", "give", "new", "my", "the", "a", "an", "to", "of", "for", "in", "on", "by",
     "and", "with", "from", "info", "information", "detail", "details", "data", "all", "is", "are",
     "do"}
)  # fmt: skip
# Fewer requests than this repeat too often.
ENOUGH = 20
WORD = re.compile(r"[^\W_]+")


def general(locale: str) -> tuple[str, ...]:
    """The built-in requests of a locale, `en` of `en-GB`; () where there are none."""
    for name in (locale, locale[:2]):
        file = Path(__file__).parent / f"{name}.txt"
        if re.fullmatch(r"[A-Za-z_-]+", name) and file.is_file():
            lines = file.read_text(encoding="utf-8").splitlines()
            return tuple(line for line in lines if line)
    return ()


def _stem(word: str) -> str:
    for end in ("ing", "es", "ed", "s", "e"):
        if word.endswith(end) and len(word) - len(end) >= 3:
            return word[: -len(end)]
    return word


def topics(catalogue: Catalogue) -> set[str]:
    """The stems of the words that the catalogue's functions are named with."""
    words = {w for f in catalogue.functions for w in wording.named(f.name).split()}
    return {_stem(word) for word in words - COMMON if len(word) > 2}


def requests(pack: Pack, locale: str) -> tuple[tuple[str, ...], list[str]]:
    """The requests for `no_call` plans, and warnings. Of the built-in ones those are left out that
    name a word of a function's name, since that function may serve them.
    """
    if own := pack.vocabulary(locale).chatter:
        return own, []
    named = topics(pack.catalogue)
    lines = tuple(
        line
        for line in general(locale)
        if not named & {_stem(word) for word in WORD.findall(line.lower())}
    )
    if len(lines) >= ENOUGH:
        return lines, []
    where = pack.folder / "vocabularies" / f"{locale}.yaml"
    return lines, [
        f"{where}: only {len(lines)} general requests are about nothing that the functions do: "
        "list some of your own under `chatter`"
    ]
