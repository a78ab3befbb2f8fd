"""English."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

from num2words import num2words

from stages.language.plain import digits

MONTHS = ("january", "february", "march", "april", "may", "june", "july", "august", "september",
          "october", "november", "december")  # fmt: skip
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
# Numbers up to this are often written as words.
WORDS_TO = 20
CURRENCIES = {
    "USD": ("$", "dollar", "bucks"), "EUR": ("€", "euro", ""), "GBP": ("£", "pound", "quid"),
    "JPY": ("¥", "yen", ""), "INR": ("₹", "rupee", ""), "CHF": ("", "franc", ""),
}  # fmt: skip

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
PREPOSITIONS = ("from", "for", "on", "starting", "leaving", "until", "by", "before", "after", "to",
                "since", "of", "till")  # fmt: skip
OPENERS = ("hey", "hi", "ok", "okay", "hello", "so", "yo", "hey there", "quick one")
REQUESTS = ("can you", "could you", "please", "can you please", "could you please", "i need you to",
            "i want you to", "i'd like you to", "would you", "go ahead and", "pls", "will you",
            "can u", "just", "now")  # fmt: skip
CLOSERS = ("please", "thanks", "thank you", "for me", "pls", "if you can", "asap", "right now")


def spelled(value: int) -> str:
    """A number in words, without hyphens: people type "twenty five"."""
    return num2words(value, lang="en").replace("-", " ").replace(",", "")


def ordinal(value: int) -> str:
    """1st, 2nd, 3rd, 4th, ..."""
    ending = "th" if value % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(value % 10)
    return f"{value}{ending or 'th'}"


def integer(value: int) -> list[str]:
    found = [digits(value)]
    if 0 <= value <= WORDS_TO:
        found += [spelled(value), digits(value)]
    elif value >= 1_000 and value % 1_000 == 0 and value < 1_000_000:
        found.append(f"{value // 1_000} thousand")
    return found


def number(value: float) -> list[str]:
    if isinstance(value, int) or float(value).is_integer():
        return integer(int(value))
    whole = int(value)
    has_half = value == whole + 0.5 and 1 <= whole <= WORDS_TO
    return [digits(value), *([f"{spelled(whole)} and a half"] if has_half else [])]


def money(value: float, currency: str) -> list[str]:
    sign, name, slang = CURRENCIES.get(currency, ("", currency.lower(), ""))
    amount = digits(value) if float(value).is_integer() else f"{value:.2f}"
    plural = (
        name if value == 1 or currency in ("JPY",) or currency not in CURRENCIES else f"{name}s"
    )
    found = [f"{amount} {plural}"]
    if sign:
        found += [f"{sign}{amount}", f"{sign}{amount}"]
    if slang and float(value).is_integer() and value > 1:
        found.append(f"{amount} {slang}")
    if float(value).is_integer() and 0 < value <= WORDS_TO:
        found.append(f"{spelled(int(value))} {plural}")
    return [*found, f"{amount} {currency.lower()}"]


def date(day: datetime.date, today: datetime.date) -> list[str]:
    """Words that mean just this day, said on `today`."""
    ahead = (day - today).days
    month, weekday = MONTHS[day.month - 1], DAYS[day.weekday()]
    year = f" {day.year}" if abs(ahead) > 300 else ""
    found: list[str] = []
    near = {
        0: ["today"], 1: ["tomorrow"], -1: ["yesterday"], 2: ["the day after tomorrow"],
        7: ["a week from today", "in a week"], 14: ["in two weeks", "two weeks from today"],
    }  # fmt: skip
    found += near.get(ahead, [])
    if ahead in (0, 1):
        return found
    if 2 <= ahead <= 6:
        found += [f"on {weekday}", f"this {weekday}", f"on {weekday}"]
    elif 2 < ahead <= 10:
        found.append(f"in {spelled(ahead)} days")
    found += [f"on {month} {ordinal(day.day)}{year}", f"on {month} {day.day}{year}",
              f"on the {ordinal(day.day)} of {month}{year}", f"on {day.isoformat()}",
              f"on {month[:3]} {day.day}{year}"]  # fmt: skip
    return found


def day_words(day: datetime.date, today: datetime.date) -> list[str]:
    """Words for a day, also such that leave open which it is: "next friday"."""
    ahead, weekday = (day - today).days, DAYS[day.weekday()]
    found = [words for words in date(day, today) if day.isoformat() not in words]
    if 2 <= ahead <= 10:
        found += [f"next {weekday}"]
    if ahead == 0:
        found += ["tonight", "this evening", "this morning", "this afternoon", "now"]
    if ahead == 1:
        found += ["tomorrow morning", "tomorrow night", "tomorrow evening", "tomorrow afternoon"]
    if 2 <= ahead <= 6:
        found += [f"{weekday} {part}" for part in ("morning", "evening", "night")]
        found += ["this week"]
    if day.weekday() == 5 and 1 < ahead <= 7:
        found += ["this weekend", "on the weekend"]
    if 7 <= ahead <= 13:
        found += ["next week"]
    return found


def time(clock: datetime.time) -> list[str]:
    """Words that mean just this time of day."""
    hour, minute = clock.hour, clock.minute
    twelve, half = hour % 12 or 12, "am" if hour < 12 else "pm"
    found = [f"{hour}:{minute:02d}" if hour >= 10 else f"0{hour}:{minute:02d}"]
    if minute:
        found += [f"{twelve}:{minute:02d} {half}", f"{twelve}:{minute:02d}{half}",
                  f"{twelve}:{minute:02d} {half}"]  # fmt: skip
    else:
        part = "morning" if hour < 12 else "afternoon" if hour < 17 else "evening"
        found += [
            f"{twelve} {half}",
            f"{twelve}{half}",
            f"{twelve} {half}",
            f"{twelve} in the {part}",
        ]
    if (hour, minute) in ((0, 0), (12, 0)):
        found += ["noon" if hour else "midnight"] * 2
    return found


def time_words(clock: datetime.time) -> list[str]:
    """Words for a time of day, also such that leave open whether before noon."""
    hour, minute = clock.hour, clock.minute
    twelve = hour % 12 or 12
    found = time(clock)
    if minute == 0:
        found += [f"{twelve} o'clock", f"{twelve}"]
    else:
        found += [f"{twelve}:{minute:02d}"]
    following = spelled(hour % 12 + 1)
    found += {15: [f"quarter past {spelled(twelve)}"], 30: [f"half past {spelled(twelve)}"],
              45: [f"quarter to {following}"]}.get(minute, [])  # fmt: skip
    return found


def joined(surfaces: Sequence[str]) -> str:
    if len(surfaces) < 2:
        return surfaces[0] if surfaces else ""
    return f"{', '.join(surfaces[:-1])} and {surfaces[-1]}"


def bare(surface: str) -> str:
    return surface.removeprefix("on ")


def question(words: str, schema: Mapping[str, Any]) -> str:
    return f"Which {words}?"


def refusal() -> str:
    return "Sorry, I can't do that."
