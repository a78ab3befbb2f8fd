"""What a model's answer turned out to be."""

from __future__ import annotations

from typing import NamedTuple

from stages.core.conversation import Call

# Values one inside another.
MAX_DEPTH = 32


class Parsed(NamedTuple):
    """An answer. Without calls and error the model said something in words: it asked, refused or
    told. `error`: the answer began a call that cannot be read: unreadable, positional_argument,
    too_long or too_deep.
    """

    calls: tuple[Call, ...]
    error: str | None
    text: str


class Unreadable(ValueError):
    """An answer that began a call and is none; `code` as in `Parsed.error`."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code
