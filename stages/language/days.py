"""Which day words such as "friday" or "may 3rd" mean; surfaces follow the same rules."""

from __future__ import annotations

import datetime
import re

# A day without a year lies in the 365 days that begin this many days before today.
PAST_DAYS = 60
WEEK = 7


def yearless(month: int, day: int, today: datetime.date) -> datetime.date | None:
    """The day that a month and a day mean; None if there is no such day then."""
    first = today - datetime.timedelta(days=PAST_DAYS)
    for year in (first.year, first.year + 1):
        try:
            candidate = datetime.date(year, month, day)
        except ValueError:
            continue
        if 0 <= (candidate - first).days < 365:
            return candidate
    return None


def needs_year(day: datetime.date, today: datetime.date) -> bool:
    """Whether its month and day alone would mean another day, or one too far off to be sure."""
    return not -PAST_DAYS <= (day - today).days <= 300


def coming(weekday: int, today: datetime.date) -> datetime.date:
    """The next day of a weekday, after today."""
    return today + datetime.timedelta(days=(weekday - today.weekday() - 1) % WEEK + 1)


def same_week(one: datetime.date, other: datetime.date) -> bool:
    """Whether two days lie in one week, whether that begins on Monday or on Sunday."""

    def weeks(day: datetime.date) -> tuple[int, int]:
        return (day.toordinal() - 1) // WEEK, day.toordinal() // WEEK

    return any(a == b for a, b in zip(weeks(one), weeks(other), strict=True))


def weekday_options(mode: str, weekday: int, today: datetime.date) -> list[datetime.date]:
    """The days that a weekday may mean: `coming`, `next`, `next week` or `last`; the only one
    first where it is clear.
    """
    week = datetime.timedelta(days=WEEK)
    ahead = coming(weekday, today)
    if mode == "coming":
        return [today, ahead] if weekday == today.weekday() else [ahead]
    if mode == "next":
        return [ahead, ahead + week] if same_week(today, ahead) else [ahead]
    if mode == "last":
        back = ahead - week if weekday != today.weekday() else today - week
        return [back, back - week] if same_week(today, back) else [back]
    # The weeks of a Monday and of a Sunday agree on all days but Sundays.
    monday = today - datetime.timedelta(days=today.weekday()) + week
    candidate = monday + datetime.timedelta(days=weekday)
    clear = 6 not in (weekday, today.weekday())
    return (
        [candidate] if clear else sorted({candidate, candidate - week, candidate + week} - {today})
    )


def ordinal_day(day: int, today: datetime.date) -> datetime.date | None:
    """The next day of that number, today or after: "on the 3rd"; None if there is none soon."""
    for ahead in range(62):
        candidate = today + datetime.timedelta(days=ahead)
        if candidate.day == day:
            return candidate
    return None


def is_clear_ordinal(day: datetime.date, today: datetime.date) -> bool:
    """Whether the number of the day alone means it."""
    return 2 <= (day - today).days <= 27 and ordinal_day(day.day, today) == day


def is_clear_numeric(day: datetime.date) -> bool:
    """Whether 5/3 means one day, whichever comes first."""
    return day.day > 12 or day.day == day.month


def iso_duration(seconds: int) -> str:
    """A span of time as ISO 8601 writes it: 5400 as PT1H30M."""
    whole, rest = divmod(seconds, 86_400)
    hours, rest = divmod(rest, 3_600)
    minutes, rest = divmod(rest, 60)
    clock = f"{hours}H" * (hours > 0) + f"{minutes}M" * (minutes > 0) + f"{rest}S" * (rest > 0)
    text = f"{whole}D" * (whole > 0) + (f"T{clock}" if clock else "")
    return f"P{text}" if text else "PT0S"


_DURATION = re.compile(r"P(?:(\d{1,9})W)?(?:(\d{1,9})D)?(?:T(?:(\d{1,9})H)?(?:(\d{1,9})M)?"
                       r"(?:(\d{1,9})S)?)?")  # fmt: skip


def duration_seconds(text: str) -> int | None:
    """The seconds of an ISO 8601 duration of weeks down to seconds; None of anything else."""
    match = _DURATION.fullmatch(text)
    if match is None or not any(match.groups()):
        return None
    spans = zip(match.groups(), (604_800, 86_400, 3_600, 60, 1), strict=True)
    return sum(int(count) * span for count, span in spans if count)
