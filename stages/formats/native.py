"""Calls as the model's own chat template writes them, which is given the tools and the calls.

Read are the shapes that such templates write: tags as in `hermes` (Qwen), and bare JSON with the
name and `arguments` or `parameters` (Llama 3, also after its `<|python_tag|>`, Mistral's list after
`[TOOL_CALLS]`).
"""

from __future__ import annotations

from stages.core.catalogue import Catalogue
from stages.core.text import MAX_ANSWER
from stages.formats import hermes
from stages.formats.parsed import Parsed, Unreadable

TAGS = ("<|python_tag|>", "[TOOL_CALLS]")
render = hermes.render


def parse(text: str, catalogue: Catalogue) -> Parsed:
    """Read an answer. Text comes in the form NFC."""
    if hermes.BEGIN in text[:MAX_ANSWER]:
        return hermes.parse(text, catalogue)
    bare = text = text.strip()
    for tag in TAGS:
        bare = bare.removeprefix(tag).lstrip()
    if not bare.startswith(("{", "[{")):
        return Parsed((), None, text[:MAX_ANSWER])
    if len(text) > MAX_ANSWER:
        return Parsed((), "too_long", text[:MAX_ANSWER])
    try:
        # Llama separates several by a semicolon, each on a line or not.
        parts = _split(bare)
        return Parsed(tuple(call for part in parts for call in hermes.read(part)), None, text)
    except Unreadable as error:
        return Parsed((), error.code, text)


def _split(text: str) -> list[str]:
    """The JSON texts that follow one another, separated by blanks or semicolons."""
    import json

    decoder, parts, start = json.JSONDecoder(), [], 0
    while start < len(text):
        try:
            _, end = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            raise Unreadable("unreadable") from None
        parts.append(text[start:end])
        rest = text[end:].lstrip("; \n\t")
        start = len(text) - len(rest)
    return parts
