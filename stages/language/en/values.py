"""How English says values."""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence
from functools import cache

from num2words import num2words

from stages.language import days
from stages.language.plain import digits, grouped

MONTHS = ("january", "february", "march", "april", "may", "june", "july", "august", "september",
          "october", "november", "december")  # fmt: skip
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
# Numbers up to this are often written as words.
WORDS_TO = 20
# ISO code -> sign, singular, plural, slang.
CURRENCIES = {
    "USD": ("$", "dollar", "dollars", "bucks"), "EUR": ("€", "euro", "euros", ""),
    "GBP": ("£", "pound", "pounds", "quid"), "JPY": ("¥", "yen", "yen", ""),
    "INR": ("₹", "rupee", "rupees", ""), "CHF": ("", "franc", "francs", ""),
}  # fmt: skip

# Words that end like a plural and are singular.
NO_PLURALS = frozenset(
    "news always series species does has was its lens jeans sports".split()  # noqa: SIM905
)


@cache
def spelled(value: int) -> str:
    """A number in words, without hyphens: people type "twenty five"."""
    return num2words(value, lang="en").replace("-", " ").replace(",", "")


def ordinal(value: int) -> str:
    """1st, 2nd, 3rd, 4th, ..."""
    ending = "th" if value % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(value % 10)
    return f"{value}{ending or 'th'}"


def integer(value: int) -> list[str]:
    surfaces = [digits(value)]
    if 0 <= value <= WORDS_TO:
        surfaces += [spelled(value), digits(value)]
    elif value >= 1_000 and value % 1_000 == 0 and value < 1_000_000:
        surfaces.append(f"{value // 1_000} thousand")
    if abs(value) >= 1_000:
        surfaces.append(grouped(value, "en"))
    return surfaces


def number(value: float) -> list[str]:
    if isinstance(value, int) or float(value).is_integer():
        return integer(int(value))
    whole = int(value)
    has_half = value == whole + 0.5 and 1 <= whole <= WORDS_TO
    return [digits(value), *([f"{spelled(whole)} and a half"] if has_half else [])]


def money(value: float, currency: str) -> list[str]:
    code = currency.lower()
    sign, one, many, slang = CURRENCIES.get(currency, ("", code, code, ""))
    is_whole = float(value).is_integer()
    amount = digits(int(value)) if is_whole else f"{value:.2f}"
    if float(amount) != value:  # finer than cents
        amount = digits(value)
    plural = one if value == 1 else many
    surfaces = [f"{amount} {plural}"]
    if sign:
        surfaces += [f"{sign}{amount}", f"{sign}{amount}"]
    if slang and is_whole and value > 1:
        surfaces.append(f"{amount} {slang}")
    if is_whole and 0 < value <= WORDS_TO:
        surfaces.append(f"{spelled(int(value))} {plural}")
    if is_whole and value >= 1_000:
        amount_grouped = grouped(int(value), "en")
        surfaces.append(f"{sign}{amount_grouped}" if sign else f"{amount_grouped} {plural}")
    return [*surfaces, f"{amount} {code}"]


def month_day(month: int, day: int) -> list[str]:
    name, nth = MONTHS[month - 1], ordinal(day)
    surfaces = [f"{name} {nth}", f"{name} {day}", f"the {nth} of {name}", f"{name[:3]} {day}",
             f"{day} {name}", f"{nth} of {name}", f"{name} the {nth}", f"{nth} {name}",
             f"{day} {name[:3]}", f"{name[:3]} {nth}"]  # fmt: skip
    return list(dict.fromkeys(surfaces))


def nth(day: int) -> list[str]:
    return [f"on the {ordinal(day)}"]


def date(day: datetime.date, today: datetime.date) -> list[str]:
    """Words that mean just this day, said on `today`."""
    ahead, weekday = (day - today).days, DAYS[day.weekday()]
    surfaces = list({
        0: ["today"], 1: ["tomorrow"], -1: ["yesterday"], 2: ["the day after tomorrow"],
        7: ["a week from today", "in a week"], 14: ["in two weeks", "two weeks from today"],
        21: ["in three weeks"],
    }.get(ahead, []))  # fmt: skip
    if ahead in (0, 1):
        return surfaces
    if 2 <= ahead <= 6:
        surfaces += [f"on {weekday}", f"this {weekday}", f"on {weekday}"]
    elif 2 < ahead <= 10:
        surfaces.append(f"in {spelled(ahead)} days")
    elif -10 <= ahead < -1:
        surfaces.append(f"{spelled(-ahead)} days ago")
    if 2 <= ahead <= 7 and days.weekday_options("next", day.weekday(), today) == [day]:
        surfaces.append(f"next {weekday}")
    if 2 <= ahead <= 13 and days.weekday_options("next week", day.weekday(), today) == [day]:
        surfaces.append(f"{weekday} next week")
    if days.is_clear_ordinal(day, today):
        surfaces += nth(day.day)
    year = f" {day.year}" if days.needs_year(day, today) else ""
    surfaces += [f"on {words}{year}" for words in month_day(day.month, day.day)[:5]]
    if days.is_clear_numeric(day):
        slash = f"/{day.year}" if year else ""
        surfaces.append(f"on {day.month}/{day.day}{slash}")
    return [*surfaces, f"on {day.isoformat()}"]


def day_words(day: datetime.date, today: datetime.date) -> list[str]:
    """Words for a day, also such that leave open which it is: "next friday"."""
    ahead, weekday = (day - today).days, DAYS[day.weekday()]
    surfaces = [words for words in date(day, today) if day.isoformat() not in words]
    if 2 <= ahead <= 10 and f"next {weekday}" not in surfaces:
        surfaces += [f"next {weekday}"]
    if ahead == 0:
        surfaces += ["tonight", "this evening", "this morning", "this afternoon", "now"]
    if ahead == 1:
        surfaces += ["tomorrow morning", "tomorrow night", "tomorrow evening", "tomorrow afternoon"]
    if 2 <= ahead <= 6:
        surfaces += [f"{weekday} {part}" for part in ("morning", "evening", "night")]
        surfaces += ["this week"]
    if day.weekday() == 5 and 1 < ahead <= 7:
        surfaces += ["this weekend", "on the weekend"]
    if 7 <= ahead <= 13:
        surfaces += ["next week"]
    return surfaces


def part_of_day(hour: int) -> str:
    if hour < 12:
        return "in the morning"
    return "in the afternoon" if hour < 17 else "in the evening" if hour < 21 else "at night"


def _past(clock: datetime.time) -> list[str]:
    """Half past seven, quarter to eight, ten past six."""
    hour, minute = clock.hour % 12 or 12, clock.minute
    following = clock.hour % 12 + 1
    if minute in (0, *range(31, 45), *range(46, 60)) and minute not in (40, 50, 55):
        return []
    if minute in (15, 30):
        words = "quarter" if minute == 15 else "half"
        return [f"{words} past {spelled(hour)}", f"{words} past {hour}"]
    if minute == 45:
        return [f"quarter to {spelled(following)}", f"quarter to {following}"]
    if minute % 5:
        return []
    if minute < 30:
        return [f"{spelled(minute)} past {spelled(hour)}"]
    return [f"{spelled(60 - minute)} to {spelled(following)}"]


def time(clock: datetime.time) -> list[str]:
    """Words that mean just this time of day."""
    hour, minute = clock.hour, clock.minute
    twelve, half = hour % 12 or 12, "am" if hour < 12 else "pm"
    surfaces = [f"{hour:02d}:{minute:02d}"]
    if minute:
        surfaces += [f"{twelve}:{minute:02d} {half}", f"{twelve}:{minute:02d}{half}",
                  f"{twelve}:{minute:02d} {half}"]  # fmt: skip
    else:
        surfaces += [f"{twelve} {half}", f"{twelve}{half}", f"{twelve} {half}"]
        if hour % 12:
            surfaces += [f"{twelve} {part_of_day(hour)}", f"{spelled(twelve)} {half}"]
    if (hour, minute) in ((0, 0), (12, 0)):
        surfaces += ["noon" if hour else "midnight"] * 2
    if hour % 12 and minute in (15, 30):  # a quarter to twelve belongs to another part of the day
        surfaces += [f"{words} {part_of_day(hour)}" for words in _past(clock)[:1]]
    return surfaces


def time_words(clock: datetime.time) -> list[str]:
    """Words for a time of day, also such that leave open whether before noon."""
    hour, minute = clock.hour, clock.minute
    twelve = hour % 12 or 12
    surfaces = time(clock)
    if minute == 0:
        surfaces += [f"{twelve} o'clock", f"{twelve}"]
    else:
        surfaces += [f"{twelve}:{minute:02d}"]
    return surfaces + _past(clock)


def moment(day: str, clock: str) -> list[str]:
    return [f"{day} at {clock}", f"at {clock} {day}"]


def duration(seconds: int) -> list[str]:
    surfaces = []
    minutes, hours = seconds / 60, seconds / 3_600
    if seconds % 86_400 == 0 and seconds:
        surfaces += _counted(seconds // 86_400, "day")
    if seconds % 3_600 == 0 and seconds:
        surfaces += _counted(seconds // 3_600, "hour") + (["an hour"] if hours == 1 else [])
    elif seconds % 60 == 0 and minutes > 60:
        whole, rest = divmod(seconds // 60, 60)
        surfaces.append(f"{_counted(whole, 'hour')[0]} {_counted(rest, 'minute')[0]}")
        if rest == 30 and whole <= WORDS_TO:
            surfaces.append("an hour and a half" if whole == 1
                         else f"{spelled(whole)} and a half hours")  # fmt: skip
    if minutes == 30:
        surfaces.append("half an hour")
    if seconds % 60 == 0 and 0 < minutes <= 240:
        surfaces += _counted(seconds // 60, "minute")
    if seconds % 60:
        whole, rest = divmod(seconds, 60)
        parts = [*(_counted(whole, "minute")[:1] if whole else []), _counted(rest, "second")[0]]
        surfaces.append(" ".join(parts))
    return surfaces or ["0 seconds"]


def _counted(value: int, unit: str) -> list[str]:
    units = unit if value == 1 else f"{unit}s"
    return [f"{value} {units}", *([f"{spelled(value)} {units}"] if value <= WORDS_TO else [])]


def joined(surfaces: Sequence[str]) -> str:
    if len(surfaces) < 2:
        return surfaces[0] if surfaces else ""
    return f"{', '.join(surfaces[:-1])} and {surfaces[-1]}"


def split(surface: str) -> list[str]:
    first, _, last = surface.rpartition(" and ")
    return [*first.split(", "), last] if first else [last]


def bare(surface: str) -> str:
    return surface.removeprefix("on ")


def joint(surface: str) -> str:
    if (match := re.fullmatch(r"in (.+ (?:days?|weeks?))", surface)) is not None:
        return f"{match[1]} from now"
    return bare(surface)


# Numerals from one on, and those that begin like a vowel.
NUMERAL = re.compile(
    r"\d|(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)\b|\w+teen"
)
VOWEL = re.compile(r"8|1[18](?!\d)|eight|eleven")
# Words by the sound of their beginning, as far as letters tell it: "an hour", "a one-way trip".
# Capitals may be spelled out ("an MRI"): such words are left as they are.
WORD = re.compile(r"[a-z]|[A-Z][a-z]")
SOUNDED = re.compile(r"(?!uni|us[eu]|uti|eu|ewe|once|one\b)[aeiou]|hour|honest|heir", re.IGNORECASE)


# What ends in s after a one and is no plural, besides NO_PLURALS.
NO_NOUNS = frozenset("thanks pls as is this us plus perhaps times across unless yes".split())  # noqa: SIM905


def fitted(text: str, surface: str) -> str:
    if surface in ("1", "one"):
        text = re.sub(rf"(?<![\w.,:/-]){surface} ([a-z]+s)(?!\w)", _singular, text)
    if NUMERAL.match(surface):
        article = "an" if VOWEL.match(surface) else "a"
    elif WORD.match(surface):
        article = "an" if SOUNDED.match(surface) else "a"
    else:
        return text
    return re.sub(rf"\b(a)n? (?={re.escape(surface)}(?!\w))", rf"{article} ", text)


def _singular(match: re.Match[str]) -> str:
    """One and a plural, as "1 hours", with the singular."""
    return match[0] if match[1] in NO_NOUNS else match[0].removesuffix(match[1]) + stem(match[1])


def stem(word: str) -> str:
    """A noun's singular by its letters: for matching alone, "buses" gives "bus"."""
    if word in NO_PLURALS:
        return word
    if len(word) > 4 and word.endswith("ies"):
        return f"{word[:-3]}y"
    if len(word) > 4 and word.endswith(("ses", "xes", "zes", "ches", "shes")):
        return word[:-2]
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word
