"""Descriptions of others: without markup, on one line, their first sentences."""

from __future__ import annotations

import html
import re
from typing import Any

from stages.core.text import cleaned
from stages.ingest.tools.rows import Changes

# Characters that are left of the description of a function and of an argument.
OF_FUNCTION, OF_ARGUMENT = 400, 200
# Characters of a text that are looked at.
MOST = 5_000
TAG = re.compile(r"<!--.*?(?:-->|\Z)|</?[A-Za-z][^<>]{0,500}>", re.DOTALL)
LINK = re.compile(r"!?\[([^\[\]]{0,300})\]\([^()\s]{0,500}\)")
ESCAPED = re.compile(r"\\([`*_#\[\]])")
SENTENCE = re.compile(r"[.!?](?=\s)|[。！？]")


def described(texts: list[Any], limit: int, where: str, changes: Changes) -> str:
    """The texts that say something, one after another without what repeats; at most `limit`
    characters in whole sentences, or cut at a word where the first sentence alone is longer.
    """
    plain = [_plain(text, where, changes) for text in texts if isinstance(text, str)]
    said = ""
    for text in filter(None, plain):
        if text.rstrip(".") not in said:
            said = text if text.startswith(said.rstrip(".")) else f"{said.rstrip('.')}. {text}"
    short = _first(said, limit)
    if len(short) < len(said):
        changes.say(f"{where}: description cut from {len(said)} to {len(short)} characters")
    return short


def _plain(text: str, where: str, changes: Changes) -> str:
    text = text[:MOST]
    without = TAG.sub(" ", text)
    if without != text:
        changes.say(f"{where}: tags left out of the description")
    return " ".join(cleaned(html.unescape(ESCAPED.sub(r"\1", LINK.sub(r"\1", without)))).split())


def _first(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    ends = [match.end() for match in SENTENCE.finditer(text) if match.end() <= limit]
    if ends and ends[-1] >= limit // 8:
        return text[: ends[-1]]
    cut = text[: limit - 1]
    return f"{(cut.rpartition(' ')[0] or cut).rstrip(' ,;:')}…"
