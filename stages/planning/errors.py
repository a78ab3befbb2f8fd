"""What a call gives back that failed: errors in the shapes that APIs have, drawn by kind."""

from __future__ import annotations

import random
from typing import Any, NamedTuple

from stages.core.pack import Pack
from stages.core.plan import Argument, Failing, PlannedCall

# How often each kind is drawn, and how often what is not available is an argument's.
KINDS: dict[Failing, float] = {
    "not_found": 0.35, "unavailable": 0.3, "invalid_value": 0.2, "permission": 0.15,
}  # fmt: skip
NAMED = 0.5
# The names and the number by which APIs tell a kind.
CODES: dict[Failing, tuple[str, ...]] = {
    "not_found": ("not_found", "NOT_FOUND", "no_match"),
    "unavailable": ("unavailable", "UNAVAILABLE", "not_available"),
    "invalid_value": ("invalid_value", "INVALID_ARGUMENT", "validation_error"),
    "permission": ("permission_denied", "FORBIDDEN", "not_allowed"),
}
NUMBERS: dict[Failing, int] = {
    "not_found": 404, "unavailable": 503, "invalid_value": 422, "permission": 403,
}  # fmt: skip
# Sentences about an argument, and about the call.
ABOUT: dict[Failing, tuple[str, ...]] = {
    "not_found": (
        "No match for {argument} '{value}'.", "Unknown {argument}: '{value}'.",
        "{argument} '{value}' was not found.",
    ),
    "unavailable": (
        "Not available for {argument} '{value}'.", "{argument} '{value}' is not available.",
    ),
    "invalid_value": (
        "Invalid value for {argument}: '{value}'.", "{argument} '{value}' is not accepted.",
        "{argument} is out of range: '{value}'.",
    ),
    "permission": (),
}  # fmt: skip
PLAIN: dict[Failing, tuple[str, ...]] = {
    "not_found": ("Nothing was found.", "No such entry.", "The resource does not exist."),
    "unavailable": (
        "The service is not available at the moment.", "Temporarily unavailable, try again later.",
        "Nothing is available.",
    ),
    "invalid_value": (),
    "permission": (
        "Permission denied.", "The user is not allowed to do this.",
        "This account lacks the rights for this action.",
    ),
}  # fmt: skip
# Kinds of sources whose values may not exist, and whose values may be out of range.
NAMES = ("vocabulary", "asset", "graph", "text", "examples")
RANGES = ("integer", "number", "money", "date", "time")
DAYS = ("date", "time")
# Characters of a value that an error repeats.
MAX_VALUE = 60


class Failure(NamedTuple):
    """A failure: its kind, the argument that it names, None for none, and the JSON object that the
    call gives back.
    """

    failing: Failing
    argument: str | None
    result: dict[str, Any]


def failure(call: PlannedCall, pack: Pack, choices: random.Random) -> Failure:
    """A failure that a call may have: what is not found is a name that was said, what is not
    accepted a number, a day or a time.
    """
    kinds = [kind for kind in KINDS if PLAIN[kind] or _candidates(call, pack, kind)]
    (kind,) = choices.choices(kinds, [KINDS[one] for one in kinds])
    candidates = _candidates(call, pack, kind)
    if candidates and PLAIN[kind] and kind == "unavailable" and choices.random() >= NAMED:
        candidates = []
    if not candidates:
        return Failure(kind, None, _result(kind, choices.choice(PLAIN[kind]), None, choices))
    one = choices.choice(candidates)
    sentence = choices.choice(ABOUT[kind]).format(argument=one.name, value=f"{one.value}")
    return Failure(kind, one.name, _result(kind, sentence, one.name, choices))


def _candidates(call: PlannedCall, pack: Pack, kind: Failing) -> list[Argument]:
    """The arguments that an error of a kind can be about."""
    allowed = {"not_found": NAMES, "unavailable": DAYS, "invalid_value": RANGES, "permission": ()}
    return [
        one
        for one in call.said
        if not one.path
        and pack.by_key[f"{call.function}.{one.slot}"].kind in allowed[kind]
        and len(f"{one.value}") <= MAX_VALUE
    ]


def _result(
    kind: Failing, sentence: str, argument: str | None, choices: random.Random
) -> dict[str, Any]:
    """An error as one of several APIs shapes it; each says the kind and the argument, if any."""
    code, named = choices.choice(CODES[kind]), {"argument": argument} if argument else {}
    shapes: list[dict[str, Any]] = [
        {"error": {"code": code, "message": sentence}},
        {"error": {"code": code, **named, "message": sentence}},
        {"error": sentence},
        {"status": "error", "code": NUMBERS[kind], "message": sentence},
        {"success": False, "reason": code, **named},
        {"ok": False, "error": code, **({"field": argument} if argument else {})},
    ]
    return choices.choice(shapes)
