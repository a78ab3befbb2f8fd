"""How people who speak English dress a request, and what the model asks and declines with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stages.language.en.cues import CUES

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
# After these a day's words have no preposition of their own.
PREPOSITIONS = ("from", "for", "on", "starting", "leaving", "until", "by", "before", "after", "to",
                "since", "of", "till")  # fmt: skip
OPENERS = ("hey", "hi", "ok", "okay", "hello", "so", "yo", "hey there", "quick one")
REQUESTS = ("can you", "could you", "please", "can you please", "could you please", "i need you to",
            "i want you to", "i'd like you to", "would you", "go ahead and", "pls", "will you",
            "can u", "just", "now")  # fmt: skip
CLOSERS = ("please", "thanks", "thank you", "for me", "pls", "if you can", "asap")


def questions(words: str, schema: Mapping[str, Any]) -> list[str]:
    kind, form, options = schema.get("type"), schema.get("format"), schema.get("enum") or []
    if words in ("date", "day"):
        return [f"Which {words}?", f"For which {words}?", f"What {words} would you like?"]
    if words == "time":
        return ["What time?", "At what time?", "What time would you like?"]
    if form in ("date", "time", "date-time"):
        asked = {"date": "Which date", "time": "What time"}.get(form, "Which date and time")
        return [f"{asked} for the {words}?", f"{asked} should the {words} be?"]
    if 2 <= len(options) <= 4 and all(isinstance(one, str) for one in options):
        shown = [one.replace("_", " ") for one in options]
        listed = f"{', '.join(shown[:-1])} or {shown[-1]}"
        return [f"Which {words}: {listed}?", f"Which {words} would you like, {listed}?"]
    if kind == "integer" and words.endswith("s") and not words.endswith("ss"):
        return [f"How many {words}?", f"How many {words} would you like?"]
    if kind in ("integer", "number"):
        return [f"What {words}?", f"What should the {words} be?"]
    if kind == "boolean":
        return [f"{words[:1].upper()}{words[1:]}: yes or no?", f"Should {words} be on or off?"]
    first = words.split(" ")[0]
    if first in CUES.small:  # "from" is no thing to be named by itself
        return [f"What should I enter for “{words}”?", f"What is “{words}” to be?"]
    return [f"Which {words}?", f"What is the {words}?", f"Which {words} would you like?"]


def question(words: str, schema: Mapping[str, Any]) -> str:
    return questions(words, schema)[0]


def refusals() -> list[str]:
    return ["Sorry, I can't do that.", "Sorry, that is not something I can do.",
            "I'm afraid I can't help with that."]  # fmt: skip


def refusal() -> str:
    return refusals()[0]
