"""English."""

from stages.language.en.cues import CUES
from stages.language.en.people import (
    CLOSERS,
    OPENERS,
    PREPOSITIONS,
    QUESTIONS,
    RANGES,
    REFERENCES,
    REPLIES,
    REQUESTS,
    SEVERAL,
    TELLING,
    THANKS,
    VERBS,
    done,
    failure,
    keeps_capital,
    question,
    refusal,
)
from stages.language.en.values import (
    bare,
    date,
    day_words,
    duration,
    fitted,
    integer,
    joined,
    joint,
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
    "CLOSERS", "CUES", "OPENERS", "PREPOSITIONS", "QUESTIONS", "RANGES", "REFERENCES", "REPLIES",
    "REQUESTS", "SEVERAL", "TELLING", "THANKS", "VERBS", "bare", "date", "day_words", "done",
    "duration", "failure", "fitted", "integer", "joined", "joint", "keeps_capital", "moment",
    "money", "month_day", "nth", "number", "question", "refusal", "split", "stem", "time",
    "time_words",
]  # fmt: skip
