"""Characters: what no user types into a search box."""

from __future__ import annotations

import re
import unicodedata

from stages.core.text import cleaned, composed

_MARKUP = re.compile(
    r"</?[a-zA-Z][^<>]*>|&(?:amp|lt|gt|quot|nbsp|#\d+);|```|\*\*|^#+ |\]\(|</|/>|<!--|\\[ntu\"]"
)
_CODE = re.compile(r"[{};]\s*$|\w\.\w+\(|==|=>|\bdef \w+\(|\$\(|\w=['\"]")
_CALLED = re.compile(r"\w\(")
_BROKEN = re.compile(r"Ã[\u0080-\u00bf]|â€|Â[\u0080-\u00bf]")
_LISTED = re.compile(r"^\s*(?:[-*•>]|\d{1,2}[.)])\s")
_UNWANTED = {
    "broken encoding": _BROKEN,
    "markup": _MARKUP,
    "code": _CODE,
    "list mark": _LISTED,
}
# Code points for private use, and the replacement character.
_UNKNOWN = re.compile("[\ufffd\ue000-\uf8ff\U000f0000-\U0010ffff]")
# Control characters; symbols, of which there may be too many, with the marks on letters.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_SYMBOL = re.compile(r"[^\w\s,.'’\"\-!?&:()]|_")
# Nearly all queries match this; of _UNWANTED and code they can only hold SELECT ... FROM.
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ,'?!&-]*")
_SMILEY = re.compile(r"(?:^|\s)[:;=]-?[()](?=[\s.,!?]|$)")
_PAIRS = (("(", ")"), ("[", "]"), ("“", "”"), ("«", "»"))


def check(query: str) -> str | None:
    """Reason if there are control or hidden characters, markup, code, open quotes, no word."""
    if control := _CONTROL.search(query):
        return f"control character U+{ord(control.group()):04X}"
    if query != query.strip() or not query:
        return "empty" if not query.strip() else "space at an end"
    plain = _PLAIN.fullmatch(query) and "SELECT" not in query
    if not plain and (reason := _unwanted(query)):
        return reason
    if not any(c.isalpha() for c in query):
        return "no letter"
    if query.count('"') % 2:
        return 'a single "'
    paired = query if plain else _SMILEY.sub(" ", query)
    for left, right in _PAIRS:
        if paired.count(left) != paired.count(right):
            return f"{left} without {right}"
    if "'" in query and len(re.findall(r"(?:^|\s)'\w", query)) > len(
        re.findall(r"\w[.,!?]?'(?:$|[\s,.!?;:])", query)
    ):
        rest = re.sub(r"(?:^|\s)'(?:n|til|cause|em|\d\ds?)\b", " ", query)
        if re.search(r"(?:^|\s)'\w", rest):
            return "a single '"
    symbols = _symbols(query)
    if symbols > max(3, 0.15 * len(query)):
        return f"{symbols} symbols"
    return None


def _unwanted(query: str) -> str | None:
    hidden = _UNKNOWN.search(query)
    if hidden:
        return f"hidden character {hidden.group()!r}"
    if not query.isascii() and (clean := cleaned(query)) != (given := composed(query).strip()):
        position = next((i for i, c in enumerate(clean) if given[i] != c), len(clean))
        return f"hidden character {given[position]!r}"
    for what, pattern in _UNWANTED.items():
        match = pattern.search(query)
        if match:
            return f"{what} {match.group()!r:.40}"
    if call := _call(query):
        return f"code {call!r:.40}"
    start = query.find("SELECT ")
    if start >= 0 and query.find(" FROM", start + 6) >= 0:
        return "code 'SELECT ... FROM'"
    return None


def _call(query: str) -> str | None:
    """A call with a named argument, `find(poster='hay')`, if there is one; in one pass."""
    for part in query.split(")")[:-1]:
        call = _CALLED.search(part)
        if call and "=" in part[call.end() :]:
            start = call.start()
            while start and (part[start - 1].isalnum() or part[start - 1] == "_"):
                start -= 1
            return f"{part[start:]})"
    return None


def _symbols(query: str) -> int:
    """Symbols that a reader sees: an emoji of several characters is one, marks are none."""
    if query.isascii():
        return len(_SYMBOL.findall(query))
    import regex

    seen = [cluster[0] for cluster in regex.findall(r"\X", query)]
    return sum(bool(_SYMBOL.match(c)) and unicodedata.category(c)[0] != "M" for c in seen)
