"""German."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

from num2words import num2words

from stages.language.plain import digits

MONTHS = ("Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September",
          "Oktober", "November", "Dezember")  # fmt: skip
DAYS = ("Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag")
WORDS_TO = 12
CURRENCIES = {"EUR": ("€", "Euro"), "USD": ("$", "Dollar"), "GBP": ("£", "Pfund"),
              "CHF": ("", "Franken")}  # fmt: skip

# German commands change their form with who is asked: a frame would not fit a phrase as it stands.
VERBS: frozenset[str] = frozenset()
QUESTIONS = frozenset(
    """was wer wo wann welche welcher welches wie warum ist sind kannst kann könntest gibt hast
    wird""".split()  # noqa: SIM905
)
PREPOSITIONS = ("ab", "vom", "für den", "bis", "am", "seit")
OPENERS = ("hey", "hallo", "ok", "hi", "also", "bitte")
REQUESTS: Sequence[str] = ()
CLOSERS = ("bitte", "danke", "vielen dank", "wenn möglich")


def integer(value: int) -> list[str]:
    found = [digits(value)]
    # "eins" is not what stands before a noun.
    if value == 0 or 2 <= value <= WORDS_TO:
        found += [num2words(value, lang="de"), digits(value)]
    return found


def number(value: float) -> list[str]:
    if isinstance(value, int) or float(value).is_integer():
        return integer(int(value))
    found = [digits(value).replace(".", ",")]
    whole = int(value)
    if value == whole + 0.5 and 1 <= whole <= WORDS_TO:
        found.append("eineinhalb" if whole == 1 else f"{num2words(whole, lang='de')}einhalb")
    return found


def money(value: float, currency: str) -> list[str]:
    sign, name = CURRENCIES.get(currency, ("", currency))
    amount = digits(value) if float(value).is_integer() else f"{value:.2f}".replace(".", ",")
    return [f"{amount} {name}", *([f"{amount} {sign}", f"{amount}{sign}"] if sign else [])]


def date(day: datetime.date, today: datetime.date) -> list[str]:
    ahead = (day - today).days
    month, weekday = MONTHS[day.month - 1], DAYS[day.weekday()]
    year = f" {day.year}" if abs(ahead) > 300 else ""
    if ahead in (0, 1):
        return [("heute", "morgen")[ahead]]
    found = {2: ["übermorgen"], 7: ["in einer Woche"], 14: ["in zwei Wochen"]}.get(ahead, [])
    if 2 <= ahead <= 6:
        found += [f"am {weekday}", f"diesen {weekday}"]
    return [*found, f"am {day.day}. {month}{year}", f"am {day.day}.{day.month}.{day.year}"]


def day_words(day: datetime.date, today: datetime.date) -> list[str]:
    ahead = (day - today).days
    found = date(day, today)
    if 2 <= ahead <= 10:
        found.append(f"nächsten {DAYS[day.weekday()]}")
    if day.weekday() == 5 and 1 < ahead <= 7:
        found.append("am Wochenende")
    return found


def time(clock: datetime.time) -> list[str]:
    if clock.minute:
        return [f"{clock.hour}:{clock.minute:02d} Uhr", f"{clock.hour}:{clock.minute:02d}",
                f"{clock.hour}.{clock.minute:02d} Uhr"]  # fmt: skip
    return [f"{clock.hour} Uhr", f"{clock.hour}:00", f"{clock.hour}:00 Uhr"]


def time_words(clock: datetime.time) -> list[str]:
    found = time(clock)
    if clock.minute == 30:
        found.append(f"halb {num2words(clock.hour % 12 + 1, lang='de')}")
    return found


def joined(surfaces: Sequence[str]) -> str:
    if len(surfaces) < 2:
        return surfaces[0] if surfaces else ""
    return f"{', '.join(surfaces[:-1])} und {surfaces[-1]}"


def bare(surface: str) -> str:
    return surface.removeprefix("am ")


def question(words: str, schema: Mapping[str, Any]) -> str:
    return f"Welche Angabe für „{words}“?"


def refusal() -> str:
    return "Das kann ich leider nicht."
