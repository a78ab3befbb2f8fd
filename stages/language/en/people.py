"""How people who speak English dress a request, and what the model asks and declines with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stages.language.en.cues import CUES
from stages.language.locale import References, Replies, Several

# What a command begins with. Before these "can you" and "i need you to" stand well.
VERBS = frozenset(
    """add adjust activate answer arrange ask assign begin block book bring buy calculate call
    cancel change charge check clear close compare complete compute connect convert copy count
    create decline decrease delete describe dial dim disable discover display do download draft
    draw drop edit email enable end erase estimate explain export extend fetch figure file fill
    find fix follow forward generate get give go grab help hold identify import increase insert
    invite join keep launch leave let list locate lock log look lower make mark measure message
    modify move mute name navigate note notify open order organize pause pay pick place plan
    play post prepare print pull put raise rate read recommend record refresh register remind
    remove rename renew repeat replace reply report request reschedule reserve reset restart
    resume retrieve return review ring run save scan schedule search see select sell send set
    share show shuffle shut sign skip snooze sort spell start stop store submit suggest
    summarize switch take tell text track transfer translate trigger turn type unlock unmute
    update upload use verify view volume wake warn watch write""".split()  # noqa: SIM905
)
# What a question begins with: nothing goes before it but a call.
QUESTIONS = frozenset(
    """what what's whats who who's where where's when when's which how how's why is are was were do
    does did can could will would should has have am any""".split()  # noqa: SIM905
)
# Arguments that are named by a preposition, which begins their questions.
BOUNDS = {"from", "since", "to", "until", "till", "before", "after"}
# After these a day's words have no preposition of their own.
PREPOSITIONS = ("from", "for", "on", "starting", "leaving", "until", "by", "before", "after", "to",
                "since", "of", "till", "through", "thru", "between", "around")  # fmt: skip
# Between the two days of a range, of which the first then has no preposition either.
RANGES = ("to", "until", "till", "through", "thru")
OPENERS = ("hey", "hi", "ok", "okay", "hello", "so", "yo", "hey there", "quick one")
REQUESTS = ("can you", "could you", "please", "can you please", "could you please", "i need you to",
            "i want you to", "i'd like you to", "would you", "go ahead and", "pls", "will you",
            "can u", "just", "now")  # fmt: skip
CLOSERS = ("please", "thanks", "thank you", "for me", "pls", "if you can", "asap")
# What may close a wish that is not a command; what a sentence begins with that states something.
THANKS = ("please", "thanks", "thank you", "pls")
TELLING = frozenset(
    """my our your his her their its the this that he she it they he's she's it's they're there
    there's someone somebody something i'm i've we're we've help emergency urgent""".split()  # noqa: SIM905
)

SEVERAL = Several(
    links=(" and ", ", and ", " and also ", ", then ", " and then ", ", plus ", "; ", ", also "),
    starts=("", "", "Also,", "And", "Then", "After that,", "Next,", "In addition,", "And also,"),
    again=("and the same for", "and likewise for", "then the same with", "and again for",
           "plus the same for", "and once more with"),
    with_names=True,
    each="respectively",
    single=frozenset({"it", "its", "it's", "itself", "once", "this"}),
)  # fmt: skip
REFERENCES = References(
    earlier=("that {name}", "the same {name}", "that same {name}", "this {name}"),
    single=("that one", "the one you find"),
    picked=("the {pick} one", "the {pick} of them", "the {pick}"),
    told="Here you go: {facts}.",
    nothing="no {name}",
)
REPLIES = Replies(
    any=("{value}", "{value}", "{value}", "{value} please", "{value}, please", "{value}, thanks",
         "make it {value}", "let's say {value}", "oh, {value}", "sorry, {value}", "ah, {value}",
         "{value}, sorry", "it's {value}", "i'd say {value}"),
    named=("the {name} is {value}", "{name}: {value}", "the {name} should be {value}",
           "{name} {value}"),
    counts=("{value} {name}", "{value} {name} please", "for {value} {name}",
            "{value} {name}, thanks"),
    days=("{value}", "{value}", "{value} please", "{value}, thanks", "make it {value}",
          "let's say {value}", "let's do {value}", "{value} would be good", "oh, {value}"),
    times=("at {value}", "at {value} please", "{value}", "{value} please", "make it {value}",
           "let's say {value}", "{value}, thanks", "at {value} would be good"),
)  # fmt: skip


def keeps_capital(word: str) -> bool:
    return word.split("'")[0] == "I"


def question(words: str, schema: Mapping[str, Any]) -> str:
    return f"Could you tell me {_asked(words, schema)}?"


# Units that end an identifier, as they are written, and what the description of one says that is
# no more than a letter.
UNITS = {
    "cm": "cm", "mm": "mm", "km": "km", "nm": "nm", "kg": "kg", "mg": "mg", "ml": "ml",
    "deg": "deg", "mah": "mAh", "kwh": "kWh", "kw": "kW", "kohm": "kOhm", "ohm": "ohm", "hz": "Hz",
    "db": "dB", "gb": "GB", "mb": "MB", "mbit": "Mbit", "kmh": "km/h", "ha": "ha", "m2": "m2",
    "m3": "m3", "mm2": "mm2", "cm2": "cm2", "cm3": "cm3", "percent": "percent",
}  # fmt: skip
LETTERS = {"c": ("C", "celsius"), "k": ("K", "kelvin"), "m": ("m", "meter"), "g": ("g", "gram"),
           "l": ("l", "liter"), "s": ("s", "second"), "a": ("A", "amp"), "v": ("V", "volt"),
           "n": ("N", "newton"), "w": ("W", "watt"), "ms": ("ms", "millisecond"),
           "ma": ("mA", "milliamp"), "h": ("h", "hour")}  # fmt: skip


def _with_unit(words: str, schema: Mapping[str, Any]) -> str:
    """The words of an identifier that ends in a unit: "mass kg" as "mass in kg"."""
    name, _, last = words.rpartition(" ")
    written, sign = LETTERS.get(last, ("", ""))
    if not written or sign not in str(schema.get("description", "")).lower():
        written = UNITS.get(last, "")
    return f"{name} in {written}" if name and written and last != name else words


def _asked(words: str, schema: Mapping[str, Any]) -> str:
    kind, form, options = schema.get("type"), schema.get("format"), schema.get("enum") or []
    if form in ("date", "time", "date-time") and words in BOUNDS:
        moment = {"date": "which date", "time": "what time"}.get(form, "which date and time")
        return f"{words} {moment}"
    if words in CUES.small:  # "from" does not name a thing by itself
        return f"what “{words}” should be"
    if 2 <= len(options) <= 4 and all(isinstance(one, str) for one in options):
        shown = [one.replace("_", " ") for one in options]
        return f"the {words}, {', '.join(shown[:-1])} or {shown[-1]}"
    if kind in ("integer", "number"):
        words = _with_unit(words, schema)
    if kind == "integer" and words.endswith("s") and not words.endswith(("ss", "us", " ms", " s")):
        return f"how many {words}"
    if kind == "boolean":
        return f"the {words}, yes or no"
    return f"the {words}"


# What follows in a sentence that says why a call failed: of an argument, and of none.
_FAILED = {
    "not_found": ("the {words} was not found", "nothing was found"),
    "unavailable": ("it is not available for that {words}", "it is not available right now"),
    "invalid_value": ("the {words} was not accepted", "a value was not accepted"),
    "permission": ("you don't have permission for it", "you don't have permission for it"),
}


def failure(failing: str, words: str) -> str:
    named, plain = _FAILED[failing]
    return f"That didn't work: {named.format(words=words) if words else plain}."


def done() -> str:
    return "Done."


def refusal() -> str:
    return "Sorry, I can't do that."
