"""The agreement of labels with the rule, on rows whose texts are known."""

from __future__ import annotations

import polars as pl

from stages.core.domain import Domain
from stages.dataset.agreement import Agreement, agreement


def test_case_and_blanks_do_not_count_but_words_do(creative: Domain) -> None:
    rows = [
        ("find me a photo of a red fox", "Search", "Photo", "Red  Fox"),
        ("find me a photo of a red fox", "Search", "Photo", "fox"),
    ]
    columns = ["query", "function", "content_type", "extracted_prompt"]
    frame = pl.DataFrame(rows, schema=columns, orient="row")
    assert agreement(frame, creative) == Agreement(rows=2, share=0.5)
