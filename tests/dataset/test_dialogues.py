"""Which conversations a dataset takes."""

from __future__ import annotations

import polars as pl

from stages.core.runs import Runs
from stages.core.strata import Stratum
from stages.dataset import dialogues


def refused(*rows: tuple[str, str], golden: list[str] | None = None) -> list[str | None]:
    """The checks that object, of (query, what it means)."""
    frame = pl.DataFrame(
        {
            "query": [query for query, _ in rows],
            "meant": [meant for _, meant in rows],
            "check": pl.Series([None] * len(rows), dtype=pl.String),
            "reason": pl.Series([None] * len(rows), dtype=pl.String),
        }
    )
    found = dialogues.refused(frame, Runs(golden or []), 0.8, 7)
    assert found["reason"].is_null().to_list() == found["check"].is_null().to_list()
    return found["check"].to_list()


def test_what_differs_in_a_value_alone_stays_and_what_repeats_goes() -> None:
    assert refused(
        ("wake me at 7 tomorrow morning please", "7"),
        ("wake me at 8 tomorrow morning please", "8"),
        ("Wake me at 7 tomorrow morning, please!", "7"),
        ("wake me at 7 tomorrow mornin please", "7"),
        ("get me up at seven", "7"),
    ) == [None, None, "duplicate", "near_duplicate", None]  # fmt: skip


def test_a_golden_query_is_refused() -> None:
    assert refused(("play jolene", "x"), ("stop", "y"), golden=["Play Jolene."]) == [
        "contamination",
        None,
    ]


def stratum(band: str, words: int, quota: int) -> Stratum:
    values = {"scenario": "single", "function": "f", "locale": "en", "band": band}
    return Stratum(values, 0.5, 1, words, quota)


def test_a_stratum_takes_its_own_first_and_then_its_neighbours() -> None:
    strata, keys = [stratum("1-4", 4, 2), stratum("5-9", 9, 2)], ["short", "long"]
    names = ["short", "long", "long", "long", "long"]
    assert dialogues.selected(names, strata, keys) == [0, 1, 2, 3]
    assert dialogues.selected(["long"], strata, keys) == [0]


def test_what_a_plan_means_is_its_call_or_its_words() -> None:
    turns = '[{"act":"call","calls":[{"function":"f","arguments":[{"name":"a","value":1,"provenance":"user","surface":"one"}]}]}]'  # noqa: E501
    other = turns.replace('"surface":"one"', '"surface":"1"')
    assert dialogues.meant(turns, None) == dialogues.meant(other, None) == '[["f", {"a": 1}]]'
    assert dialogues.meant('[{"act":"refuse"}]', "sing") == "sing"
