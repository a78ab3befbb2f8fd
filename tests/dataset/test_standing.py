"""What verdicts on candidates do to their choice."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from stages.core import verdicts
from stages.core.strata import Stratum
from stages.core.tables import Judgments
from stages.core.verdicts import Verdict
from stages.dataset import dialogues, standing


def candidates(*plans: str) -> pl.DataFrame:
    """Accepted candidates of plans, numbered within each."""
    rows = [(plan, plans[:place].count(plan), None, None) for place, plan in enumerate(plans)]
    schema = {"plan_id": pl.String, "n": pl.Int64, "check": pl.String, "reason": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row")


def judgments(*rows: tuple[str, int, float | None]) -> pl.DataFrame:
    """Judgments by the thresholds 0.75 and 0.5. rows: plan, n, score."""
    made: list[dict[str, Any]] = []
    for plan, n, score in rows:
        verdict = "doubtful" if score is None or 0.5 <= score < 0.75 else (
            "accepted" if score >= 0.75 else "refused"
        )  # fmt: skip
        scores = dict.fromkeys(("faithful", "satisfying", "compliant", "mean"), score)
        made.append({"plan_id": plan, "n": n, **scores, "verdict": verdict, "model": "m",
                     "prompt_hash": ""})  # fmt: skip
    return pl.DataFrame(made, schema=Judgments.schema())


def test_without_a_judge_nothing_changes() -> None:
    frame = candidates("a", "a", "b")
    assert standing.judged(frame, judgments()) is frame


def test_the_better_of_a_plan_comes_first_and_the_doubtful_last() -> None:
    frame = candidates("a", "a", "b", "c", "c", "d")
    verdicts = judgments(("a", 0, 0.8), ("a", 1, 0.9), ("b", 0, None), ("c", 0, 0.8),
                         ("c", 1, 0.8), ("d", 0, 0.2))  # fmt: skip
    found = standing.judged(frame, verdicts)
    rows = found.filter(pl.col("check").is_null()).select("plan_id", "n", "standing").rows()
    assert rows == [("a", 1, 1), ("c", 0, 1), ("a", 0, 2), ("c", 1, 2), ("b", 0, 3)]
    (refused,) = found.drop_nulls("check").rows(named=True)
    assert refused["plan_id"] == "d" and refused["check"] == "judge"
    assert refused["reason"] == "faithful 0.2, satisfying 0.2, compliant 0.2"


def test_what_a_check_refused_keeps_its_reason() -> None:
    frame = candidates("a").with_columns(check=pl.lit("length"), reason=pl.lit("too short"))
    found = standing.judged(frame, judgments(("a", 0, 0.1)))
    assert found.select("check", "reason").row(0) == ("length", "too short")


def said(sample: str, verdict: Any, **more: str) -> dict[str, Verdict]:
    return {sample: Verdict(sample_id=sample, verdict=verdict, **more)}


def with_messages(*plans: str) -> pl.DataFrame:
    return candidates(*plans).with_columns(messages=pl.lit("[]"))


def test_nobody_said_anything() -> None:
    frame = with_messages("a")
    assert standing.reviewed(frame, {}) == (frame, {})


def test_people_outrank_the_judge() -> None:
    frame = with_messages("a", "b", "c", "d", "e", "e")
    ids = [verdicts.sample_id(plan, 0) for plan in "abcde"]
    people = (
        said(ids[3], "right") | said(ids[0], "wrong", note="two nights") | said(ids[2], "wrong")
        | said(ids[1], "unsure") | said("0" * 16, "right")
    )  # fmt: skip
    frame, counts = standing.reviewed(frame, people)
    assert counts == {"right": 1, "wrong": 2, "unsure": 1, "unmatched": 1}
    found = standing.judged(frame, judgments(("d", 0, 0.1), ("b", 0, 0.1), ("a", 0, 1.0)))
    assert found["plan_id"][0] == "d"
    reasons = dict(found.drop_nulls("reason").select("plan_id", "reason").rows())
    assert reasons["a"] == "two nights" and reasons["c"] == standing.WITHOUT_NOTE
    by_plan = {row[0]: row[1] for row in found.select("plan_id", "check").rows()}
    assert by_plan == {"a": "human", "b": "judge", "c": "human", "d": None, "e": None}
    assert found.filter(plan_id="e")["standing"].to_list() == [1, 1]


def test_a_verdict_is_not_for_another_text() -> None:
    frame, name = with_messages("a"), verdicts.sample_id("a", 0)
    other, same = verdicts.digest("[{}]"), verdicts.digest("[]")
    found, counts = standing.reviewed(frame, said(name, "wrong", digest=other))
    assert found["check"].to_list() == [None] and counts["unmatched"] == 1
    found, counts = standing.reviewed(frame, said(name, "wrong", digest=same))
    assert found["check"].to_list() == ["human"] and counts["unmatched"] == 0


@given(st.lists(st.tuples(st.integers(1, 3), st.integers(0, 10)), min_size=1, max_size=30),
       st.integers(0, 30), st.booleans())  # fmt: skip
def test_no_row_is_taken_before_one_of_better_standing(
    rows: list[tuple[int, int]], quota: int, is_steered: bool
) -> None:
    rows.sort(key=lambda row: row[0])
    values = {"scenario": "single", "function": "f", "locale": "en", "band": "1-9"}
    stratum = Stratum(values, 1.0, 1, 9, quota, routes={"text": quota})
    passing = pl.DataFrame({
        "stratum": [stratum.name] * len(rows), "route": ["text"] * len(rows),
        "standing": [one for one, _ in rows],
    })  # fmt: skip
    bins = np.array([position for _, position in rows]) if is_steered else None
    order = dialogues.preferred(passing, [stratum], bins)
    assert sorted(order) == list(range(len(rows)))
    taken = [rows[place][0] for place in order[:quota]]
    assert taken == sorted(one for one, _ in rows)[:quota]
