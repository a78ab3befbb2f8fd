"""The words by which German values are found in a text."""

from __future__ import annotations

from stages.language.de.values import CURRENCIES, DAYS, WORDS_TO, spelled
from stages.language.locale import Cues, Weekday

_ONE = ("ein", "eine", "einen", "einem", "einer", "eines")


def _weekdays() -> dict[str, Weekday]:
    phrases: dict[str, Weekday] = {}
    for n, name in [*enumerate(DAYS), (5, "Sonnabend")]:
        day, coming, following = name.casefold(), Weekday("coming", n), Weekday("next week", n)
        phrases |= {day: coming}
        for ending in ("en", "er", "em"):
            phrases |= {f"dies{ending} {day}": coming, f"kommend{ending} {day}": coming,
                      f"nächst{ending} {day}": Weekday("next", n),
                      f"letzt{ending} {day}": Weekday("last", n)}  # fmt: skip
        phrases |= {f"nächste woche {day}": following, f"nächste woche am {day}": following,
                  f"{day} nächste woche": following,
                  f"{day} nächster woche": following}  # fmt: skip
    return phrases


def _near() -> dict[str, int]:
    phrases = {"heute": 0, "heute abend": 0, "heute nachmittag": 0, "heute früh": 0, "morgen": 1,
             "morgen früh": 1, "morgen abend": 1, "übermorgen": 2, "gestern": -1,
             "vorgestern": -2}  # fmt: skip
    for one, many, span in (("tag", "tagen", 1), ("woche", "wochen", 7)):
        for n in range(1, 31):
            for count in {str(n), spelled(n), *(_ONE if n == 1 else ())}:
                units = one if n == 1 else many
                phrases |= {f"in {count} {units}": n * span, f"vor {count} {units}": -n * span}
    return phrases


def _spans() -> dict[str, int]:
    phrases = {"halbe stunde": 1_800, "viertelstunde": 900, "dreiviertelstunde": 2_700,
             "stunde": 3_600, "eineinhalb stunden": 5_400, "anderthalb stunden": 5_400}  # fmt: skip
    return phrases | {
        f"{one} {span}": n for span, n in phrases.items() for one in ("eine", "einer")
    }


_UNITS = {"sekunde": 1, "minute": 60, "stunde": 3_600, "woche": 604_800}
_DAY_UNITS = {"tag": 86_400, "tage": 86_400, "tagen": 86_400, "min": 60, "std": 3_600}

CUES = Cues(
    language="de",
    decimal=",",
    minus=frozenset({"minus"}),
    ones=frozenset(_ONE),
    scales={"hundert": 100, "tausend": 1_000, "million": 10**6, "millionen": 10**6},
    joint="und",
    numbers={"eineinhalb": 1.5, "anderthalb": 1.5, "dutzend": 12, "ein dutzend": 12, "zwo": 2}
    | {f"{spelled(n)}einhalb": n + 0.5 for n in range(2, WORDS_TO + 1)},
    currencies={
        word.casefold(): code
        for code, words in CURRENCIES.items()
        for word in (*words, code)
        if word
    },
    near=_near(),
    loose=("diese woche", "nächste woche", "dieses wochenende", "am wochenende",
           "nächstes wochenende", "diesen monat", "nächsten monat"),
    weekdays=_weekdays(),
    day_before=frozenset({"am", "ab", "vom", "bis", "zum", "für", "den", "dem", "seit"}),
    time_before=frozenset({"um", "gegen", "ab", "bis", "von", "vor", "nach"}),
    fillers=frozenset({"um", "gegen", "am", "den", "ab"}),
    month_first=False,
    units=_UNITS | {f"{unit}n": span for unit, span in _UNITS.items()} | _DAY_UNITS,
    spans=_spans(),
    yes=("ja", "jawohl", "klar", "wahr"),
    no=("nein", "nö", "falsch"),
    articles=frozenset({"der", "die", "das", "den", "dem", "des", *_ONE}),
    small=frozenset(
        """der die das den dem des ein eine einen einem einer und oder mit für ist nicht auf zu von
        im in am an um zum zur ich mir mich du dir wir uns bitte es alle so aus ab bis was wer wie
        wann wo""".split()  # noqa: SIM905
    ),
)  # fmt: skip
