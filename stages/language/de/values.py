"""How German says values."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from functools import cache

from num2words import num2words

from stages.language import days
from stages.language.plain import digits, grouped

MONTHS = ("Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September",
          "Oktober", "November", "Dezember")  # fmt: skip
DAYS = ("Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag")
WORDS_TO = 12
CURRENCIES = {"EUR": ("€", "Euro"), "USD": ("$", "Dollar"), "GBP": ("£", "Pfund"),
              "CHF": ("", "Franken")}  # fmt: skip


@cache
def spelled(value: int) -> str:
    return str(num2words(value, lang="de"))


def integer(value: int) -> list[str]:
    surfaces = [digits(value)]
    # "eins" is not what stands before a noun.
    if value == 0 or 2 <= value <= WORDS_TO:
        surfaces += [spelled(value), digits(value)]
    if abs(value) >= 1_000:
        surfaces.append(grouped(value, "de"))
    return surfaces


def number(value: float) -> list[str]:
    if isinstance(value, int) or float(value).is_integer():
        return integer(int(value))
    surfaces = [digits(value).replace(".", ",")]
    whole = int(value)
    if value == whole + 0.5 and 1 <= whole <= WORDS_TO:
        surfaces.append("eineinhalb" if whole == 1 else f"{spelled(whole)}einhalb")
    return surfaces


def money(value: float, currency: str) -> list[str]:
    sign, name = CURRENCIES.get(currency, ("", currency))
    is_whole = float(value).is_integer()
    amount = digits(int(value)) if is_whole else f"{value:.2f}"
    if float(amount) != value:  # finer than cents
        amount = digits(value)
    amount = amount.replace(".", ",")
    surfaces = [f"{amount} {name}", *([f"{amount} {sign}", f"{amount}{sign}"] if sign else [])]
    if is_whole and 2 <= value <= WORDS_TO:
        surfaces.append(f"{spelled(int(value))} {name}")
    return surfaces


def month_day(month: int, day: int) -> list[str]:
    name = MONTHS[month - 1]
    return [f"{day}. {name}", f"{day}.{month}.", f"{day:02d}.{month:02d}.", f"{day} {name}",
            f"{day}. {name[:3]}"]  # fmt: skip


def nth(day: int) -> list[str]:
    return [f"am {day}."]


def date(day: datetime.date, today: datetime.date) -> list[str]:
    """Words that mean just this day, said on `today`."""
    ahead = (day - today).days
    weekday = DAYS[day.weekday()]
    if ahead in (0, 1):
        return [("heute", "morgen")[ahead]]
    surfaces = list({2: ["übermorgen"], -1: ["gestern"], 7: ["in einer Woche"],
                  14: ["in zwei Wochen"], 21: ["in drei Wochen"]}.get(ahead, []))  # fmt: skip
    if 2 <= ahead <= 6:
        surfaces += [f"am {weekday}", f"diesen {weekday}", f"am {weekday}"]
    elif 2 < ahead <= 10:
        surfaces.append(f"in {spelled(ahead)} Tagen")
    elif -10 <= ahead < -1:
        surfaces.append(f"vor {spelled(-ahead)} Tagen")
    if 2 <= ahead <= 7 and days.weekday_options("next", day.weekday(), today) == [day]:
        surfaces.append(f"nächsten {weekday}")
    if 2 <= ahead <= 13 and days.weekday_options("next week", day.weekday(), today) == [day]:
        surfaces.append(f"nächste Woche {weekday}")
    if days.is_clear_ordinal(day, today):
        surfaces += nth(day.day)
    far = days.needs_year(day, today)
    words, numeric = f"{day.day}. {MONTHS[day.month - 1]}", f"{day.day}.{day.month}."
    surfaces += [f"am {words} {day.year}" if far else f"am {words}",
              f"am {numeric}{day.year}" if far else f"am {numeric}",
              f"am {numeric}{day.year}", f"am {day.isoformat()}"]  # fmt: skip
    return list(dict.fromkeys(surfaces))


def day_words(day: datetime.date, today: datetime.date) -> list[str]:
    """Words for a day, also such that leave open which it is."""
    ahead, weekday = (day - today).days, DAYS[day.weekday()]
    surfaces = [words for words in date(day, today) if day.isoformat() not in words]
    if 2 <= ahead <= 10 and f"nächsten {weekday}" not in surfaces:
        surfaces.append(f"nächsten {weekday}")
    if ahead == 0:
        surfaces += ["heute Abend", "heute Nachmittag"]
    if ahead == 1:
        surfaces += ["morgen früh", "morgen Abend"]
    if day.weekday() == 5 and 1 < ahead <= 7:
        surfaces.append("am Wochenende")
    return surfaces


def time(clock: datetime.time) -> list[str]:
    """Words that mean just this time of day."""
    hour, minute = clock.hour, clock.minute
    if minute:
        surfaces = [f"{hour}:{minute:02d} Uhr", f"{hour}:{minute:02d}", f"{hour}.{minute:02d} Uhr"]
        if 1 <= hour <= 11 or hour >= 13:
            surfaces += [f"{words} {part_of_day(hour)}" for words in _past(clock)[:1]]
        return surfaces
    return [f"{hour} Uhr", f"{hour}:00", f"{hour}:00 Uhr"]


def part_of_day(hour: int) -> str:
    return "morgens" if hour < 12 else "nachmittags" if hour < 18 else "abends"


def _past(clock: datetime.time) -> list[str]:
    hour, following = spelled(clock.hour % 12 or 12), spelled(clock.hour % 12 + 1)
    return {15: [f"viertel nach {hour}"], 30: [f"halb {following}"],
            45: [f"viertel vor {following}"]}.get(clock.minute, [])  # fmt: skip


def time_words(clock: datetime.time) -> list[str]:
    """Words for a time of day, also such that leave open whether before noon."""
    surfaces = time(clock) + _past(clock)
    if not clock.minute and clock.hour % 12:
        surfaces.append(f"{clock.hour % 12} Uhr {part_of_day(clock.hour)}")
    return surfaces


def moment(day: str, clock: str) -> list[str]:
    return [f"{day} um {clock}", f"um {clock} {day}"]


def duration(seconds: int) -> list[str]:
    surfaces = []
    if seconds % 86_400 == 0 and seconds:
        surfaces += _counted(seconds // 86_400, "Tag", "Tage")
    if seconds % 3_600 == 0 and seconds:
        surfaces += _counted(seconds // 3_600, "Stunde", "Stunden")
    elif seconds % 60 == 0 and seconds > 3_600:
        whole, rest = divmod(seconds // 60, 60)
        surfaces.append(f"{_counted(whole, 'Stunde', 'Stunden')[0]} "
                     f"{_counted(rest, 'Minute', 'Minuten')[0]}")  # fmt: skip
    surfaces += {1_800: ["eine halbe Stunde"], 900: ["eine Viertelstunde"], 3_600: ["eine Stunde"],
              5_400: ["eineinhalb Stunden"]}.get(seconds, [])  # fmt: skip
    if seconds % 60 == 0 and 0 < seconds <= 14_400:
        surfaces += _counted(seconds // 60, "Minute", "Minuten")
    if seconds % 60:
        whole, rest = divmod(seconds, 60)
        parts = [*(_counted(whole, "Minute", "Minuten")[:1] if whole else []),
                 _counted(rest, "Sekunde", "Sekunden")[0]]  # fmt: skip
        surfaces.append(" ".join(parts))
    return surfaces or ["0 Sekunden"]


def _counted(value: int, one: str, many: str) -> list[str]:
    words = [f"{spelled(value)} {many}"] if 2 <= value <= WORDS_TO else []
    return [f"{value} {one if value == 1 else many}", *words]


def joined(surfaces: Sequence[str]) -> str:
    if len(surfaces) < 2:
        return surfaces[0] if surfaces else ""
    return f"{', '.join(surfaces[:-1])} und {surfaces[-1]}"


def split(surface: str) -> list[str]:
    first, _, last = surface.rpartition(" und ")
    return [*first.split(", "), last] if first else [last]


def bare(surface: str) -> str:
    return surface.removeprefix("am ")


def joint(surface: str) -> str:
    return bare(surface)


def fitted(text: str, surface: str) -> str:
    return text


def stem(word: str) -> str:
    return word
