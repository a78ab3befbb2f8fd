"""How far the labelling rule agrees with labels that people gave."""

from __future__ import annotations

from typing import NamedTuple

import polars as pl

from stages.checks.subprompt import extract
from stages.core.domain import Domain
from stages.core.text import loosely

COLUMNS = ("query", "function", "content_type", "extracted_prompt")


class Agreement(NamedTuple):
    """`share`: of the `rows`, those on which the rule derives the label's text."""

    rows: int
    share: float


def agreement(rows: pl.DataFrame, domain: Domain) -> Agreement:
    """The agreement on at least one labelled row, compared as `evaluate` does for an exact match.

    rows: the columns of COLUMNS. A model that has learnt the rule perfectly matches exactly on
    that share of the rows.
    """
    right = [
        loosely(extract(query, function, content_type, domain)) == loosely(text)
        for query, function, content_type, text in rows.select(COLUMNS).iter_rows()
    ]
    return Agreement(len(right), sum(right) / len(right))
