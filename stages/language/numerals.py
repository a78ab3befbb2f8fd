"""Numbers in figures where people do not spell them: beside a sign, before an abbreviated unit, and
in a list of which a part is in figures already.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from stages.language.locale import Locale

SIGN_BEFORE = re.compile(r"[=^|(<>+*/]\s*$|\b[xyz] -\s*$")
SIGN_AFTER = re.compile(r"\s*[%°^=|)<>+*/]")
# As they are written, capitals included; what is a word as well ("in", "bar", "a") is not here.
UNITS = """kg g mg km m cm mm nm ml l dl cl ccm m2 m3 mm2 cm2 cm3 kcal s ms min h km/h m/s mph
    ft lb lbs oz yd C K F V kV A mA mAh W kW MW Wh kWh N J kJ Hz kHz MHz GHz dB Pa kPa MPa mol M mM
    ppm rpm bpm wpm px dpi kB MB GB TB Mbit x y z n""".split()  # noqa: SIM905
UNIT_AFTER = re.compile(rf"\s(?:{'|'.join(sorted(map(re.escape, UNITS), key=len, reverse=True))})"
                        r"(?![\w'/])")  # fmt: skip


def written(value: Any, surface: str, words: Locale) -> str:
    """The figures of a number, or of a list of them, that `surface` spells at least in part; the
    surface itself where it does not, and where it says more than the number, as money does.
    """
    values = value if isinstance(value, list) else [value]
    if any(isinstance(one, bool) or not isinstance(one, int | float) for one in values):
        return surface
    known = {word for one in values for form in words.number(one) for word in form.split()}
    found = [word for word in re.findall(r"[^\s,]+", surface) if word != words.CUES.joint]
    is_spelled = [not any(c.isdigit() for c in word) for word in found]
    if not any(is_spelled) or not known >= {*found}:
        return surface
    if not all(is_spelled) and not isinstance(value, list):  # "73 thousand"
        return surface
    return words.joined([words.number(one)[0] for one in values])


def is_mixed(surface: str, words: Locale) -> bool:
    """Whether a list has figures and spelled numbers."""
    found = [word for word in surface.replace(",", " ").split() if word != words.CUES.joint]
    spelled = [not any(c.isdigit() for c in word) for word in found]
    return any(spelled) and not all(spelled)


def is_figures(surface: str, words: Locale) -> bool:
    """Whether a list has figures alone: "13, 14 and 4", "[13, 14, 4]"."""
    found = surface.strip("[]").replace(",", " ").split()
    return all(word == words.CUES.joint or set(word) <= set("-.0123456789") for word in found)


def put(
    text: str, surfaces: Mapping[str, str], values: Mapping[str, Any], words: Locale
) -> tuple[str, dict[str, str]]:
    """A phrase and the words of its slots, all numbers in figures if one that is spelled stands
    beside a sign or a unit; a list in parentheses has commas alone, as vectors do. values: by slot;
    a slot without one stays as it is.
    """
    figures = {
        slot: written(values[slot], said, words)
        for slot, said in surfaces.items()
        if slot in values
    }
    spelled = {slot: figures[slot] for slot in figures if figures[slot] != surfaces[slot]}
    if not any(_wants(text, surfaces[slot]) for slot in spelled):
        spelled = {slot: new for slot, new in spelled.items() if is_mixed(surfaces[slot], words)}
    listed = {
        slot: ", ".join(words.number(one)[0] for one in values[slot])
        for slot, said in surfaces.items()
        if isinstance(values.get(slot), list)
        and f"({said})" in text
        and (written(values[slot], said, words) != said or is_figures(said, words))
    }
    spelled |= listed
    changed = dict(surfaces)
    for slot, new in spelled.items():
        old = surfaces[slot]
        place = re.compile(rf"(?<![\w.,-]){re.escape(old)}(?![\w-])")
        same = [one for one, said in surfaces.items() if said == old]
        if len(place.findall(text)) == len(same):  # else it stands in other words too
            text = place.sub(new, text)
            changed |= dict.fromkeys(same, new)
    return text, changed


def _wants(text: str, surface: str) -> bool:
    """Whether a sign or a unit stands beside these words, wherever they stand."""
    return any(
        SIGN_BEFORE.search(text[: match.start()])
        or SIGN_AFTER.match(text, match.end())
        or UNIT_AFTER.match(text, match.end())
        for match in re.finditer(rf"(?<![\w-]){re.escape(surface)}(?![\w-])", text)
    )
