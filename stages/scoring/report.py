"""What `stages.evaluate` prints."""

from __future__ import annotations

from typing import Any

import polars as pl
from rich.table import Table

from stages.scoring import metrics

INTERVALS = ("f1", "cta", "ss")


def tables(value: dict[str, Any], frames: dict[str, pl.DataFrame]) -> list[Table]:
    """Scores, paired tests and confusion of metrics/evaluate.json and its predictions.

    The confusion is that of the last model in `frames`.
    """
    names = list(frames)
    main = Table("", *names, title=f"{value['golden']} golden queries, 95% intervals")

    def cells(key: str) -> list[str]:
        return ["-" if value[n][key] is None else f"{value[n][key]:.3f}" for n in names]

    for key in INTERVALS:
        bounds = [value[n][f"{key}_ci"] for n in names]
        both = zip(cells(key), bounds, strict=True)
        main.add_row(key, *(f"{text} [{low:.3f}, {high:.3f}]" for text, (low, high) in both))
    for key in ("ss_parsed", "exact_match", "parse_failures", "seconds_per_query"):
        main.add_row(key, *cells(key))
    for block, label in (("f1_by_function", "f1"), ("cta_by_type", "cta")):
        keys = sorted({key for n in names for key in value[n][block]})
        for key in keys:
            shown = [value[n][block].get(key) for n in names]
            main.add_row(f"{label} {key}", *("-" if x is None else f"{x:.3f}" for x in shown))
    printed = [main]
    if "tests" in value:
        paired = Table("base against tuned", "p", "right in base only", "in tuned only")
        block = value["tests"]
        for name in ("function", "content_type"):
            counts = (str(block[f"{name}_{side}_only"]) for side in ("base", "tuned"))
            paired.add_row(f"McNemar, {name}", f"{block[f'mcnemar_{name}_p']:.2g}", *counts)
        paired.add_row("paired t, ss", f"{block['ttest_ss_p']:.2g}")
        printed.append(paired)
    for column in ("function", "content_type"):
        counted = metrics.confusion_counts(frames[names[-1]], column)
        heads = sorted({predicted for _, predicted in counted})
        table = Table("expected \\ predicted", *heads, title=f"{column}, {names[-1]}")
        for expected in sorted({expected for expected, _ in counted}):
            table.add_row(expected, *(str(counted.get((expected, head), 0)) for head in heads))
        printed.append(table)
    return printed
