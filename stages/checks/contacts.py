"""Contacts: web addresses, e-mail addresses, handles and telephone numbers."""

from __future__ import annotations

import re
import string
from collections.abc import Iterator

# What an address begins with, or what stands inside one: the search for the rest starts there, so
# that no text takes more than one pass.
_BEGINS = re.compile(r"https?:|www\.|(?<!\w)@\w{2,}", re.IGNORECASE)
_AT = re.compile(r"(?<=[\w.+-])@[\w-]+\.\w+")
_DOMAIN = re.compile(
    r"(?<=[a-z0-9-][a-z0-9-])\.(?:com|org|net|io|co|uk|de|edu|gov|info|biz|tv|app|ai|me)"
    r"(?:\b(?!\.\w))",
    re.IGNORECASE,
)
_PATH = re.compile(r"/\S*")
_NAME = f"{string.ascii_letters}{string.digits}-"
_NUMBER = re.compile(r"(?<![\w.])\+?\(?\d[\d ().-]{5,}\d(?!\w)")
_DATE = re.compile(r"\d{4}[-./ ]\d{1,2}[-./ ]\d{1,2}$|\d{1,2}[-./ ]\d{1,2}[-./ ]\d{2,4}$"
                   r"|\d{4} ?- ?\d{4}$|(?:\d{4} ?)+$")  # fmt: skip


def check(query: str) -> str | None:
    """Reason if the query holds an address, a handle, or 7 to 15 digits that are not a date."""
    if "@" in query or "." in query or ":" in query:
        addresses = [*_addresses(query)]
        if addresses:
            start, end = min(addresses, key=lambda span: span[0])
            return f"address {query[start:end]!r}"
    for number in _NUMBER.findall(query):
        digits = sum(c.isdigit() for c in number)
        if 7 <= digits <= 15 and not _DATE.match(number.strip()):
            return f"telephone number {number!r}"
    return None


def _addresses(query: str) -> Iterator[tuple[int, int]]:
    """Where the first address of each kind starts and ends."""
    if begun := _BEGINS.search(query):
        yield begun.span()
    for match in _AT.finditer(query):
        start = end = match.start()
        while start and (_is_word(query[start - 1]) or query[start - 1] in ".+-"):
            start -= 1
        while start < end and not _is_word(query[start]):
            start += 1
        if start < end:
            yield start, match.end()
            break
    for match in _DOMAIN.finditer(query):
        start = end = match.start()
        while start and query[start - 1] in _NAME:
            start -= 1
        while start < end and _is_word(query[start]) == _is_word(query[start - 1 : start]):
            start += 1  # to where a word begins
        if end - start >= 2:
            path = _PATH.match(query, match.end())
            yield start, path.end() if path else match.end()
            break


def _is_word(character: str) -> bool:
    return character.isalnum() or character == "_"
