"""The agreement of labels with the rule, on rows whose texts are known."""

from __future__ import annotations

from stages.core.golden_rows import Expected, GoldenRow
from stages.core.pack import Pack
from stages.dataset.agreement import Agreement, agreement

QUERY = "find me a photo of a red fox"


def row(query: str, *texts: str) -> GoldenRow:
    arguments = {"content_type": ["Photo"], "extracted_prompt": list(texts)}
    return GoldenRow(1, query, "call", (Expected("Search", arguments),))


def test_case_and_blanks_do_not_count_but_words_do(creative: Pack) -> None:
    rows = [row(QUERY, "Red  Fox"), row(QUERY, "fox"), row(QUERY, "fox", "red fox")]
    assert agreement(rows, creative) == Agreement(labels=3, share=2 / 3)


def test_rows_without_a_derived_argument_have_none(creative: Pack) -> None:
    assert agreement([GoldenRow(1, "hello", "refuse")], creative) is None
