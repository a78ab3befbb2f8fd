"""Contradiction: the query commands another function or names another class."""

from __future__ import annotations

from stages.checks.phrases import commanded, mentioned_classes, naming
from stages.checks.words import lexicon, tokens
from stages.core.frame import Frame


def function(query: str, wanted: str, frame: Frame) -> str | None:
    """Reason if the query carries a verb of another function: `can you make me`, as a Search."""
    asked = commanded(query, frame)
    return f"asks for {asked}, not {wanted}" if asked and asked != wanted else None


def named(query: str, wanted: str, frame: Frame) -> str | None:
    """Reason if the query names or implies another class, or none where the label claims one.

    Where it names a class in what may be a detail, or none, the label may also be any class that it
    mentions, or the one without words.
    """
    name = naming(query, lexicon(frame))
    value = name.value if name else implied_class(query, frame)
    if value and value != wanted and (name is None or name.is_sure):
        return f"names {value}, not {wanted}"
    if frame.unnamed in (None, wanted) or value == wanted:
        return None
    if wanted in mentioned_classes(query, frame) or misspelt(query, wanted, frame):
        return None
    if value:
        return f"names {value}, not {wanted}"
    return f"names no {frame.argument}, so it is {frame.unnamed}, not {wanted}"


def implied_class(query: str, frame: Frame) -> str | None:
    """The class that one of its cues implies, such as `listen`; None without one.

    A cue counts among the first words, where the command stands: not in `a watch party`.
    """
    keys = {token.key for token in tokens(query)[:4]}
    return next((name for name, cues in frame.words.cues.items() if keys & set(cues)), None)


def misspelt(query: str, wanted: str, frame: Frame) -> bool:
    """Whether a word of the query is a typist's slip of a word for the class."""
    wrong = lexicon(frame).class_slips.get(wanted, ())
    return any(token.key in wrong for token in tokens(query))
