"""How people who speak German dress a request, and what the model asks and declines with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from stages.language.locale import References, Replies, Several

# What a command to one person begins with, as people type it. "kannst du" would move the verb to
# the end, so that no more than a word of politeness goes before.
VERBS = frozenset(
    """aktivier aktiviere antworte bestell bestelle bestätige bring buch buche erinner erinnere
    erstell erstelle erzähl find finde füg füge gib hol kauf kaufe lad lade leg lies lösch lösche
    mach mache merk nenn notier notiere öffne plan plane rechne reservier reserviere ruf sag
    schalt schalte schick schicke schreib schreibe sende setz setze spiel spiele sperr starte
    stell stelle stopp storniere stornier such suche trag übersetz übersetze verschieb verschiebe
    weck wechsel zeig zeige""".split()  # noqa: SIM905
)
QUESTIONS = frozenset(
    """was wer wo wann welche welcher welches wie warum ist sind kannst kann könntest könnt gibt
    geht hast habt wird""".split()  # noqa: SIM905
)
# After these a day's words have no preposition of their own.
PREPOSITIONS = ("ab", "vom", "für den", "bis", "am", "seit")
RANGES = ("bis", "bis zum")
OPENERS = ("hey", "hallo", "ok", "hi", "also", "guten tag")
REQUESTS: Sequence[str] = ("bitte", "ach bitte", "sei so nett und")
CLOSERS = ("bitte", "danke", "vielen dank", "wenn möglich")
THANKS = ("bitte", "danke", "vielen dank")
SMALL = (
    VERBS
    | QUESTIONS
    | frozenset(
        "ich mein meine unser unsere er sie es wir gibt bitte noch auch für in am im auf".split()  # noqa: SIM905
    )
)
TELLING = frozenset("mein meine unser unsere er sie es sein seine ihr ihre hilfe".split())  # noqa: SIM905

SEVERAL = Several(
    links=(" und ", ", und ", "; ", ", außerdem: "),
    starts=("", "", "Und", "Außerdem:", "Und noch etwas:"),
    again=("und dasselbe für", "und ebenso für", "und noch einmal für"),
)
# Of a thing whose gender is not known nothing but "es" can be said.
REFERENCES = References(told="Bitte sehr: {facts}.", nothing="{name}: nichts")
REPLIES = Replies(
    any=("{value}", "{value}", "{value}", "{value} bitte", "{value}, bitte", "{value}, danke",
         "sagen wir {value}", "ach ja, {value}", "oh, {value}", "{value}, entschuldige"),
    days=("{value}", "{value}", "{value} bitte", "{value}, danke", "sagen wir {value}",
          "{value} wäre gut", "oh, {value}"),
    times=("um {value}", "um {value} bitte", "{value}", "{value} bitte", "sagen wir {value}",
           "{value}, danke", "um {value} wäre gut"),
)  # fmt: skip


def keeps_capital(word: str) -> bool:
    return word.lower() not in SMALL  # nouns have one


def question(words: str, schema: Mapping[str, Any]) -> str:
    options = schema.get("enum") or []
    if 2 <= len(options) <= 4 and all(isinstance(one, str) for one in options):
        shown = [one.replace("_", " ") for one in options]
        return f"Was soll bei „{words}“ stehen, {', '.join(shown[:-1])} oder {shown[-1]}?"
    return f"Was soll bei „{words}“ stehen?"


# What follows in a sentence that says why a call failed: of an argument, and of none.
_FAILED = {
    "not_found": ("was bei „{words}“ steht, wurde nicht gefunden", "es wurde nichts gefunden"),
    "unavailable": ("was bei „{words}“ steht, ist nicht verfügbar",
                    "es ist gerade nicht verfügbar"),
    "invalid_value": ("was bei „{words}“ steht, ist nicht möglich", "ein Wert ist nicht möglich"),
    "permission": ("die Berechtigung dafür fehlt", "die Berechtigung dafür fehlt"),
}  # fmt: skip


def failure(failing: str, words: str) -> str:
    named, plain = _FAILED[failing]
    return f"Das hat nicht geklappt: {named.format(words=words) if words else plain}."


def done() -> str:
    return "Erledigt."


def refusal() -> str:
    return "Das kann ich leider nicht."
