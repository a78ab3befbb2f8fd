"""Scores of answered golden queries: pure functions of the frame `contracts.tables.Predictions`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from stages.core import tables
from stages.core.domain import Domain
from stages.core.text import loosely
from stages.engines.thinking import after_thoughts
from stages.evaluation.similarity import Encode, cosine
from stages.formats.chat import Call, ParseError, parse_call

NONE = "(none)"


def parsed(completion: str, domain: Domain) -> tuple[Call | None, str | None]:
    """The call in a completion, after thoughts if it has any, and None, or None and why not."""
    try:
        return parse_call(completion, domain.tools), None
    except ParseError as error:
        told = str(error)
    answer = after_thoughts(completion)
    if answer == completion.strip():
        return None, told
    try:
        return parse_call(answer, domain.tools), None
    except ParseError as error:
        return None, str(error) if answer else "no answer after the thoughts"


def folded(text: str | None) -> str | None:
    """Text for exact match: case and runs of blanks do not count."""
    return None if text is None else loosely(text)


def predictions(
    golden: pl.DataFrame,
    completions: Sequence[str],
    model: str,
    domain: Domain,
    encode: Encode,
    counts: Counter[str] | None = None,
) -> pl.DataFrame:
    """Score one model's completions, one for each row of `golden` and in its order.

    Returns a frame with the columns of `tables.Predictions`. A completion that is no call is wrong
    in every respect: no function, no content type, similarity 0. counts: see `similarity.cosine`.
    """
    results = [parsed(completion, domain) for completion in completions]
    calls = [call for call, _ in results]

    def argument(name: str) -> list[str | None]:
        return [None if call is None else call.arguments.get(name) for call in calls]

    labels, texts = argument(domain.label_argument), argument(domain.text_argument)
    functions = [None if call is None else call.name for call in calls]
    function_correct = [a == b for a, b in zip(golden["function"], functions, strict=True)]
    type_correct = [a == b for a, b in zip(golden["content_type"], labels, strict=True)]
    text_correct = [
        folded(a) == folded(b) for a, b in zip(golden["extracted_prompt"], texts, strict=True)
    ]
    columns: dict[str, Any] = {
        "golden_id": golden["golden_id"],
        "model": [model] * len(golden),
        **{
            name: golden[name] for name in ("query", "function", "content_type", "extracted_prompt")
        },
        "completion": list(completions),
        "predicted_function": functions,
        "predicted_content_type": labels,
        "predicted_extracted_prompt": texts,
        "parse_error": [error for _, error in results],
        "function_correct": function_correct,
        "content_type_correct": type_correct,
        "similarity": cosine(golden["extracted_prompt"].to_list(), texts, encode, counts),
        "exact_match": [
            all(three) for three in zip(function_correct, type_correct, text_correct, strict=True)
        ],
    }
    return pl.DataFrame(columns, schema=tables.Predictions.schema())


def labels(frame: pl.DataFrame) -> list[str]:
    """Every function that is expected or predicted somewhere, sorted."""
    return sorted({*frame["function"], *frame["predicted_function"].drop_nulls()})


def f1_by_function(frame: pl.DataFrame) -> dict[str, float]:
    """F1 of each function: 2 TP / (2 TP + FP + FN) (van Rijsbergen, Information Retrieval, 1979).

    A parse failure is a miss (FN) of the function that was expected. Functions that are neither
    expected nor predicted have no F1 and are left out.
    """
    scores = {}
    for label in labels(frame):
        expected, predicted = frame["function"] == label, frame["predicted_function"] == label
        hits = int((expected & predicted).sum())
        scores[label] = 2 * hits / (int(expected.sum()) + int(predicted.sum()))
    return scores


def macro_f1(frame: pl.DataFrame) -> float:
    """Mean of the functions' F1, each weighing the same (as scikit-learn's `average="macro"`)."""
    return float(np.mean(list(f1_by_function(frame).values())))


def cta_by_type(frame: pl.DataFrame) -> dict[str, float]:
    """Share of right content types for each expected type."""
    shares = frame.group_by("content_type").agg(pl.col("content_type_correct").mean())
    return dict(shares.sort("content_type").iter_rows())


def summary(frame: pl.DataFrame) -> dict[str, Any]:
    """All scores of one model's predictions (at least one row).

    f1: macro F1 over functions; cta: content-type accuracy over all rows; ss: mean similarity, a
    parse failure counting 0; ss_parsed: the same over the rows that are calls (None if there are
    none); exact_match, parse_failures: shares of all rows.
    """
    calls = frame.filter(pl.col("parse_error").is_null())
    failures = len(frame) - len(calls)
    return {
        "f1": macro_f1(frame),
        "cta": float(np.mean(frame["content_type_correct"].to_numpy())),
        "ss": float(np.mean(frame["similarity"].to_numpy())),
        "exact_match": float(np.mean(frame["exact_match"].to_numpy())),
        "parse_failures": failures / len(frame),
        "parse_failure_count": failures,
        "ss_parsed": float(np.mean(calls["similarity"].to_numpy())) if len(calls) else None,
        "f1_by_function": f1_by_function(frame),
        "cta_by_type": cta_by_type(frame),
    }


def confusion(frame: pl.DataFrame, column: str) -> pl.DataFrame:
    """One row per golden query: expected and predicted value of `function` or `content_type`.

    A parse failure is predicted as "(none)".
    """
    return frame.select(
        pl.col(column).alias("expected"),
        pl.col(f"predicted_{column}").fill_null(NONE).alias("predicted"),
    )


def confusion_counts(frame: pl.DataFrame, column: str) -> dict[tuple[str, str], int]:
    """How often each (expected, predicted) pair occurs."""
    counts = confusion(frame, column).group_by("expected", "predicted").len()
    return {(a, b): n for a, b, n in counts.sort("expected", "predicted").iter_rows()}
