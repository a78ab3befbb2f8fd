"""German."""

from stages.language.de.cues import CUES
from stages.language.de.people import (
    CLOSERS,
    OPENERS,
    PREPOSITIONS,
    QUESTIONS,
    REQUESTS,
    VERBS,
    question,
    refusal,
)
from stages.language.de.values import (
    bare,
    date,
    day_words,
    duration,
    integer,
    joined,
    moment,
    money,
    month_day,
    nth,
    number,
    split,
    stem,
    time,
    time_words,
)

__all__ = [
    "CLOSERS", "CUES", "OPENERS", "PREPOSITIONS", "QUESTIONS", "REQUESTS", "VERBS", "bare",
    "date", "day_words",
    "duration", "integer", "joined", "moment", "money", "month_day", "nth", "number", "question",
    "refusal", "split", "stem", "time", "time_words",
]  # fmt: skip
