"""The functions of stages/checks/words.py for a column of queries: the same results, faster.

polars computes the queries that are plain enough for it to agree with Python, which computes the
rest.
"""

from __future__ import annotations

import polars as pl

from stages.checks.words import count, normalized, words

_WORD = "[A-Za-z0-9]+(?:['-][A-Za-z0-9]+)*"
# A full stop before the end may belong to an abbreviation, a comma between two words to none.
_PLAIN = f"^ *(?:{_WORD},? +)*(?:{_WORD}[.?!,]?)? *$"


def normalize(queries: pl.Series) -> pl.Series:
    """`normalized` of each query; equal texts are exact duplicates."""
    done = (
        queries.str.replace_all("['`]", "")
        .str.to_lowercase()  # which case-folding is, in ASCII
        .str.replace_all("[^a-z0-9$+<=>~%]+", " ")
        .str.strip_chars(" ")
    )
    other = queries.str.contains("[^\\x00-\\x7f]|[#&@]").arg_true()
    return done.scatter(other, [normalized(query) for query in queries.gather(other)])


def counts(queries: pl.Series) -> pl.Series:
    """`count` of each query."""
    done = queries.str.count_matches("[^ ]*[A-Za-z0-9$+<=>~%][^ ]*").cast(pl.Int64)
    other = queries.str.contains("[^ -~]").arg_true()
    return done.scatter(other, [count(query) for query in queries.gather(other)])


def split(queries: pl.Series) -> pl.Series:
    """`words` of each query, a list."""
    done = queries.str.to_lowercase().str.extract_all(_WORD)
    table = pl.DataFrame({"done": done, "plain": queries.str.contains(_PLAIN)}).with_row_index(
        "row"
    )
    other = table.filter(~pl.col("plain"))["row"]
    rest = pl.DataFrame(
        {"row": other, "done": [words(query) for query in queries.gather(other)]},
        schema={"row": pl.UInt32, "done": pl.List(pl.String)},
    )
    both = pl.concat([table.filter("plain").select("row", "done"), rest])
    return both.sort("row")["done"]
