"""Contacts: web addresses, e-mail addresses, handles and telephone numbers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from stages.contracts.domain import Domain

_ADDRESS = re.compile(
    r"https?:|www\.|\b[\w.+-]+@[\w-]+\.\w+|(?<!\w)@\w{2,}"
    r"|\b[a-z0-9-]{2,}\.(?:com|org|net|io|co|uk|de|edu|gov|info|biz|tv|app|ai|me)(?:\b(?!\.\w))(?:/\S*)?",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"(?<![\w.])\+?\(?\d[\d ().-]{5,}\d(?!\w)")
_DATE = re.compile(r"\d{4}[-./ ]\d{1,2}[-./ ]\d{1,2}$|\d{1,2}[-./ ]\d{1,2}[-./ ]\d{2,4}$"
                   r"|\d{4} ?- ?\d{4}$|(?:\d{4} ?)+$")  # fmt: skip


def check(query: str, request: Mapping[str, Any], domain: Domain, prompt: str = "") -> str | None:
    """Reason if the query holds an address, a handle, or 7 to 15 digits that are no date."""
    found = _ADDRESS.search(query)
    if found:
        return f"address {found.group()!r}"
    for number in _NUMBER.findall(query):
        digits = sum(c.isdigit() for c in number)
        if 7 <= digits <= 15 and not _DATE.match(number.strip()):
            return f"telephone number {number!r}"
    return None
