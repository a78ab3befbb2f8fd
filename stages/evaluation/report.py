"""What `stages.evaluate` and `stages.compare` print."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import polars as pl
from rich import box
from rich.table import Table

from stages.evaluation import metrics
from stages.evaluation.comparison import SCORES, Comparison, Estimate, Row

INTERVALS = ("f1", "cta", "ss")


def tables(
    value: dict[str, Any], frames: dict[str, pl.DataFrame], seconds: dict[str, float]
) -> list[Table]:
    """Scores, paired tests and confusion of metrics/evaluate.json and its predictions.

    seconds: for a query, by model. The confusion is that of the last model in `frames`.
    """
    names = list(frames)
    main = Table("", *names, title=f"{value['golden']} golden queries, 95% intervals")

    def cells(key: str) -> list[str]:
        return ["-" if value[n][key] is None else f"{value[n][key]:.3f}" for n in names]

    for key in INTERVALS:
        bounds = [value[n][f"{key}_ci"] for n in names]
        both = zip(cells(key), bounds, strict=True)
        main.add_row(key, *(f"{text} [{low:.3f}, {high:.3f}]" for text, (low, high) in both))
    for key in ("ss_parsed", "exact_match", "parse_failures"):
        main.add_row(key, *cells(key))
    main.add_row("seconds per query", *(f"{seconds[name]:.3f}" for name in names))
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


@dataclass(frozen=True)
class Grid:
    """A table before it is drawn: cells may have several lines."""

    title: str
    heads: list[str]
    rows: list[list[str]]
    caption: str = ""

    def rich(self) -> Table:
        """For the terminal."""
        style: dict[str, Any] = {"box": box.SIMPLE, "pad_edge": False, "collapse_padding": True}
        table = Table(title=self.title, caption=self.caption, **style)
        for head in self.heads:
            table.add_column(head, overflow="fold")
        for row in self.rows:
            table.add_row(*row)
        return table

    def markdown(self) -> str:
        """A GitHub table under its title, the caption below."""

        def line(cells: list[str]) -> str:
            escaped = (cell.replace("|", "\\|").replace("\n", "<br>") for cell in cells)
            return f"| {' | '.join(escaped)} |"

        lines = [line(self.heads), line(["---"] * len(self.heads)), *map(line, self.rows)]
        parts = [f"**{self.title}**", "\n".join(lines), self.caption]
        return "\n\n".join(part for part in parts if part) + "\n"


def _estimate(found: Estimate, sign: str = "") -> str:
    return f"{found.value:{sign}.3f}\n[{found.low:{sign}.3f}, {found.high:{sign}.3f}]"


def ablation(found: Comparison) -> Grid:
    """A line for each model and opponent: the model's scores, then how it differs from that."""
    heads = ["model", "trained\non", *map(str.upper, SCORES), "exact", "parse\nfailures", "against"]
    heads += ["dF1", "dCTA", "function p\nb/c", "type p\nb/c", "SS p"]
    lines = []
    for row in found.rows:
        cells = [
            row.name,
            "-" if row.rows is None else str(row.rows),
            *(_estimate(row.scores[key]) for key in SCORES),
            f"{row.exact_match:.3f}",
            f"{row.parse_failures:.3f}",
        ]
        opponents = [
            [
                paired.opponent,
                *(_estimate(paired.differences[key], "+") for key in ("f1", "cta")),
                *(
                    f"{test.holm:.2g}\n{test.only_here}/{test.only_there}"
                    for test in (paired.tests[name] for name in ("function", "content_type"))
                ),
                f"{paired.tests['ss'].holm:.2g}",
            ]
            for paired in row.paired.values()
        ]
        for opponent in opponents or [[""] * 6]:
            lines.append(cells + opponent)
            cells = [""] * len(cells)
    caption = (
        f"Reference: {found.reference}. Best: {found.best} (highest F1, ties by CTA; chosen on "
        "these queries, so tests against it flatter it). Brackets: 95% bootstrap intervals, of a "
        "difference paired. p: exact McNemar tests, for SS a paired t-test, Holm-corrected over "
        f"the family of {found.tests} tests. b/c: queries right in the model only / in the other "
        "only."
    )
    return Grid(f"{found.golden} golden queries", heads, lines, caption)


def diversity(figures: dict[str, dict[str, float | None]]) -> Grid:
    """A line for each figure of `comparison.diversity`, a column for each dataset."""
    labels = dict.fromkeys(label for named in figures.values() for label in named)
    rows = []
    for label in labels:
        values = [named.get(label) for named in figures.values()]
        rows.append([label, *("-" if value is None else f"{value:.4g}" for value in values)])
    return Grid("The datasets", ["", *figures], rows)


def flat(row: Row) -> dict[str, str | float | None]:
    """One line of the CSV file: everything that `ablation` shows, and p before the correction."""
    line: dict[str, str | float | None] = {"model": row.name, "trained_on": row.rows}

    def add(name: str, found: Estimate) -> None:
        line.update({name: found.value, f"{name}_low": found.low, f"{name}_high": found.high})

    for key, score in row.scores.items():
        add(key, score)
    line |= {"exact_match": row.exact_match, "parse_failures": row.parse_failures}
    for role, paired in row.paired.items():
        line[role] = paired.opponent
        for key, found in paired.differences.items():
            add(f"{role}_{key}_difference", found)
        for measure, test in paired.tests.items():
            for name, value in asdict(test).items():
                if value is not None:
                    line[f"{role}_{measure}_{name}"] = value
    return line
