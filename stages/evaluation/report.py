"""What `stages.evaluate` and `stages.compare` print."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import polars as pl
from rich import box
from rich.table import Table

from stages.evaluation.comparison import Comparison, Estimate, Row
from stages.evaluation.scores import F1, SCORES

# A confusion of more values than this says nothing on a screen.
MOST_SHOWN = 12


def tables(
    value: dict[str, Any], own: Sequence[str], names: Sequence[str], seconds: dict[str, float],
    confusions: dict[str, pl.DataFrame],
) -> list[Table]:  # fmt: skip
    """Scores, paired tests and confusion of metrics/evaluate.json.

    own: the pack's own scores; names: of the models; seconds: for a query, by model; confusions:
    expected and predicted, by what is confused, of the last model.
    """
    main = Table("", *names, title=f"{value['golden']} golden queries, 95% intervals")
    for score in (F1, *own, *SCORES):
        if all(score in value[name] for name in names):
            cells = [
                "{:.3f} [{:.3f}, {:.3f}]".format(
                    *(value[name][f"{score}{end}"] for end in ("", "_low", "_high"))
                )
                for name in names
            ]
            main.add_row(score, *cells)
    main.add_row("seconds per query", *(f"{seconds[n]:.3f}" if n in seconds else "" for n in names))
    for block in ("f1_by_function", *(f"{name}_by_value" for name in own)):
        keys = sorted({key for n in names for key in value[n].get(block, {})})
        for key in keys:
            shown = [value[n].get(block, {}).get(key) for n in names]
            label = block.replace("_by_function", "").replace("_by_value", "")
            main.add_row(f"{label} {key}", *("-" if x is None else f"{x:.3f}" for x in shown))
    printed = [main]
    if tests := value.get("tests"):
        first, second = names[:2]
        paired = Table("", "p", f"right in {first} only", f"in {second} only",
                       title=f"{first} against {second}")  # fmt: skip
        for key, p in tests.items():
            if key.startswith("mcnemar_"):
                name = key.removeprefix("mcnemar_").removesuffix("_p")
                counts = (str(tests[f"{name}_{side}_only"]) for side in (first, second))
                paired.add_row(f"McNemar, {name}", f"{p:.2g}", *counts)
            elif key.startswith("ttest_"):
                name = key.removeprefix("ttest_").removesuffix("_p")
                paired.add_row(f"paired t, {name}", f"{p:.2g}")
        printed.append(paired)
    for what, pairs in confusions.items():
        counted = Counter(pairs.select("expected", "predicted").iter_rows())
        heads = sorted({predicted for _, predicted in counted})
        wanted = sorted({expected for expected, _ in counted})
        if not 0 < max(len(heads), len(wanted)) <= MOST_SHOWN:
            continue
        table = Table("expected \\ predicted", *heads, title=f"{what}, {list(seconds)[-1]}")
        for expected in wanted:
            table.add_row(expected, *(str(counted.get((expected, head), 0)) for head in heads))
        printed.append(table)
    return printed


def played(value: dict[str, Any], names: Sequence[str]) -> Table:
    """Scores of the conversations that the models played in their worlds."""
    first = value[names[0]]
    table = Table("", "requests", *names, title="requests played in their worlds, 95% intervals")
    counts = first["requests_by_steps"]
    shown = {"state": "right at the end", "single_step_exact": "just the right call, of one step"}
    shown |= {f"state_{n}": f"right, of {n} step{'s' * (n != '1')}" for n in counts if n != "0"}
    shown |= {"recovery": "right, where a call fails on the way", "refraining": "no call"}
    for score, label in shown.items():
        if score not in first:
            continue
        step = score.rpartition("_")[2]
        count = counts.get(step, "") if score.startswith("state_") else ""
        count = {"state": first["requests"] - counts["0"], "single_step_exact": counts["1"],
                 "refraining": counts["0"]}.get(score, count)  # fmt: skip
        cells = [
            "{:.3f} [{:.3f}, {:.3f}]".format(
                *(value[name][f"{score}{end}"] for end in ("", "_low", "_high"))
            )
            for name in names
        ]
        table.add_row(label, str(count), *cells)
    table.add_row("unreadable answers", "", *(str(value[name]["unreadable"]) for name in names))
    table.add_row("no room left", "", *(str(value[name]["too_long"]) for name in names))
    return table


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


def _estimate(estimate: Estimate, sign: str = "") -> str:
    return f"{estimate.value:{sign}.3f}\n[{estimate.low:{sign}.3f}, {estimate.high:{sign}.3f}]"


def ablation(comparison: Comparison) -> Grid:
    """A line for each model and opponent: the model's scores, then how it differs from that."""
    first = comparison.rows[0]
    names = list(first.scores)
    tests = list(next((p.tests for row in comparison.rows for p in row.paired.values()), {}))
    heads = ["model", "trained\non", *map(str.upper, names), "exact", "no call", "against"]
    heads += [f"d{name.upper()}" for name in names]
    heads += [f"{name} p" + ("\nb/c" if _counted(comparison, name) else "") for name in tests]
    lines = []
    for row in comparison.rows:
        cells = [
            row.name,
            "-" if row.rows is None else str(row.rows),
            *(_estimate(row.scores[key]) for key in names),
            f"{row.exact:.3f}",
            f"{row.no_call:.3f}",
        ]
        opponents = [
            [
                paired.opponent,
                *(_estimate(paired.differences[key], "+") for key in names),
                *(
                    f"{test.holm:.2g}"
                    + ("" if test.only_here is None else f"\n{test.only_here}/{test.only_there}")
                    for test in paired.tests.values()
                ),
            ]
            for paired in row.paired.values()
        ]
        for opponent in opponents or [[""] * (1 + len(names) + len(tests))]:
            lines.append(cells + opponent)
            cells = [""] * len(cells)
    caption = (
        f"Reference: {comparison.reference}. Best: {comparison.best} (highest F1, ties by the next "
        "score; chosen on these queries, so tests against it flatter it). Brackets: 95% bootstrap "
        "intervals, of a difference paired. p: exact McNemar tests of what is right or wrong, of "
        f"other scores paired t-tests, Holm-corrected over the family of {comparison.tests} tests. "
        "b/c: queries right in the model only / in the other only."
    )
    return Grid(f"{comparison.golden} golden queries", heads, lines, caption)


def _counted(comparison: Comparison, name: str) -> bool:
    """Whether a test counts discordant queries."""
    every = (p.tests[name] for row in comparison.rows for p in row.paired.values())
    return any(test.only_here is not None for test in every)


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

    def add(name: str, estimate: Estimate) -> None:
        line.update(
            {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}
        )

    for key, score in row.scores.items():
        add(key, score)
    line |= {"exact": row.exact, "no_call": row.no_call}
    for role, paired in row.paired.items():
        line[role] = paired.opponent
        for key, estimate in paired.differences.items():
            add(f"{role}_{key}_difference", estimate)
        for measure, test in paired.tests.items():
            for name, value in asdict(test).items():
                if value is not None:
                    line[f"{role}_{measure}_{name}"] = value
    return line
