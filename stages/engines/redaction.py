"""A server's key must never be written: finds it in a text, however it is spelled."""

from __future__ import annotations

import base64
import codecs
import html
import re
import unicodedata
from urllib.parse import unquote_plus

# Shorter keys are words, such as EMPTY: only they themselves count, and no half of one.
SHORT, HALVED = 8, 24
_HEX = "[0-9a-fA-F]"
ESCAPE = re.compile(rf"\\(?:u\{{({_HEX}{{1,6}})\}}|u({_HEX}{{4}})|U({_HEX}{{8}})|x({_HEX}{{2}}))")


def _squeezed(text: str) -> str:
    """Only letters and digits, without case: line breaks, blanks, quotes and marks are gone."""
    text = unicodedata.normalize("NFKC", text).casefold()
    return "".join(character for character in text if character.isalnum())


def _unescaped(text: str) -> str:
    """The text without JSON's, Python's and JavaScript's escapes."""

    def character(match: re.Match[str]) -> str:
        return chr(min(int(match[match.lastindex or 0], 16), 0x10FFFF))

    return ESCAPE.sub(character, text).replace("\\", "")


def _forms(key: str) -> set[str]:
    """The key itself and in the encodings that need no secret, squeezed."""
    raw = key.encode()
    forms = {key, key[::-1], codecs.encode(key, "rot13"), raw.hex(), " ".join(map(str, raw))}
    forms.add(base64.b32encode(raw).decode().rstrip("="))
    # Base64 of a text that holds the key: its bytes begin at the first, second or third of three.
    # What hangs on the neighbors before and after is left out.
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + raw).decode().rstrip("=")
        whole = (before + len(raw)) // 3 * 4
        forms.add(encoded[4 if before else 0 : whole])
    forms = {_squeezed(form) for form in forms}
    if len(key) >= HALVED:
        # A half of any form is as good as none.
        forms = {
            form[i : i + len(form) // 2]
            for form in forms
            for i in range(len(form) - len(form) // 2 + 1)
        }
    return {form for form in forms if len(form) >= SHORT}


class Key:
    """A key; `in_` says whether a text holds it. Its own text is never shown."""

    def __init__(self, text: str) -> None:
        self._text = text
        short = len(_squeezed(text)) < SHORT
        self._forms = set() if short else _forms(text)
        self._word = re.compile(rf"(?<![^\W_]){re.escape(text)}(?![^\W_])") if text else None

    def __repr__(self) -> str:
        return "Key(***)"

    def reveal(self) -> str:
        """The key, only for the header of a request."""
        return self._text

    def in_(self, text: str) -> bool:
        """Whether the text holds the key: as it is, split, in capitals, percent-encoded, with
        escapes of JSON or HTML, in base64, base32, hex, reversed and the like; of a long key a
        half will do.
        """
        if self._word is None:
            return False
        if self._word.search(text):
            return True
        if not self._forms:
            return False
        plain = text
        spellings = {_squeezed(text)}
        for undo in (unquote_plus, html.unescape, _unescaped, unquote_plus):
            plain = undo(plain)
            spellings.add(_squeezed(plain))
        return any(form in spelling for form in self._forms for spelling in spellings)

    def redacted(self, text: str) -> str:
        """The text; a message in place of one that holds the key."""
        return "[a text with the key, which is not shown]" if self.in_(text) else text
