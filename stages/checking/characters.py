"""Characters: what no user types into a search box."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from stages.contracts.domain import Domain

_HIDDEN = re.compile(r"[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufffd\ue000-\uf8ff]")
_MARKUP = re.compile(
    r"</?[a-zA-Z][^>]*>|&(?:amp|lt|gt|quot|nbsp|#\d+);|```|\*\*|^#+ |\]\(|</|/>|<!--|\\[ntu\"]"
)
_CODE = re.compile(
    r"[{};]\s*$|\w+\([^)]*=[^)]*\)|\w\.\w+\(|==|=>|\bdef \w+\(|\bSELECT .* FROM\b|\$\(|\w=['\"]"
)
_BROKEN = re.compile(r"Ã[\u0080-\u00bf]|â€|Â[\u0080-\u00bf]")
_LISTED = re.compile(r"^\s*(?:[-*•>]|\d{1,2}[.)])\s")
_UNWANTED = {
    "hidden character": _HIDDEN,
    "broken encoding": _BROKEN,
    "markup": _MARKUP,
    "code": _CODE,
    "list mark": _LISTED,
}
# A control character; what may be too many symbols, marks on letters among them.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_SYMBOL = re.compile(r"[^\w\s,.'’\"\-!?&:()]|_")
# Nearly all queries: none of _UNWANTED can be found in these but SELECT ... FROM.
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ,'?!&-]*")
_PAIRS = (("(", ")"), ("[", "]"), ("“", "”"), ("«", "»"))


def check(query: str, request: Mapping[str, Any], domain: Domain, prompt: str = "") -> str | None:
    """Reason if there are control or hidden characters, markup, code, open quotes, no word."""
    if control := _CONTROL.search(query):
        return f"control character U+{ord(control.group()):04X}"
    if query != query.strip() or not query:
        return "empty" if not query.strip() else "space at an end"
    plain = _PLAIN.fullmatch(query) and "SELECT" not in query
    for what, pattern in () if plain else _UNWANTED.items():
        found = pattern.search(query)
        if found:
            return f"{what} {found.group()!r:.40}"
    if not any(c.isalpha() for c in query):
        return "no letter"
    if query.count('"') % 2:
        return 'a single "'
    for left, right in _PAIRS:
        if query.count(left) != query.count(right):
            return f"{left} without {right}"
    if "'" in query and len(re.findall(r"(?:^|\s)'\w", query)) > len(
        re.findall(r"\w[.,!?]?'(?:$|[\s,.!?])", query)
    ):
        rest = re.sub(r"(?:^|\s)'(?:n|til|cause|em|\d\ds?)\b", " ", query)
        if re.search(r"(?:^|\s)'\w", rest):
            return "a single '"
    symbols = sum(unicodedata.category(c)[0] != "M" for c in _SYMBOL.findall(query))
    if symbols > max(3, 0.15 * len(query)):
        return f"{symbols} symbols"
    return None
