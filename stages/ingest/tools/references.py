"""`$ref`: JSON pointers within one document. Nothing is ever fetched."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

# References that lead to references.
MAX_CHAIN = 20


class Dangling(Exception):
    """A reference that leads nowhere within its document; its text says why."""


def target(root: Any, reference: str) -> Any:
    """What a reference such as `#/components/schemas/Pet` leads to in `root`. Raises Dangling."""
    if not reference.startswith("#"):
        raise Dangling(f"{reference:.100} is in another file, which is not fetched")
    held = root
    for key in unquote(reference[1:]).strip("/").split("/"):
        key = key.replace("~1", "/").replace("~0", "~")
        if isinstance(held, dict) and key in held:
            held = held[key]
        elif isinstance(held, list) and key.isascii() and key.isdigit() and int(key) < len(held):
            held = held[int(key)]
        elif key:
            raise Dangling(f"{reference:.100} leads nowhere")
    return held


def followed(root: Any, held: Any) -> Any:
    """`held`, or what its references lead to, with what stands beside them. Raises Dangling."""
    for _ in range(MAX_CHAIN):
        reference = held.get("$ref") if isinstance(held, dict) else None
        if not isinstance(reference, str):
            return held
        beside = {key: one for key, one in held.items() if key != "$ref"}
        found = target(root, reference)
        held = {**found, **beside} if isinstance(found, dict) else found
    raise Dangling(f"{reference:.100} leads to itself")
