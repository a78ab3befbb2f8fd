"""The functions of a world and the ways between them, as a drawing: SVG without a script."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

import networkx as nx
import polars as pl

WIDTH, ROW, COLUMN, BOX = 860, 30, 215, 185
# Of the text of a box, and of a title.
MOST_LETTERS = 26


def drawings(dependencies: pl.DataFrame) -> list[tuple[str, str]]:
    """World -> its drawing. dependencies: rows of core.tables.Dependencies."""
    names = sorted(dependencies["world"].unique().to_list())
    return [(name, drawing(dependencies.filter(world=name))) for name in names]


def drawing(edges: pl.DataFrame) -> str:
    """One world: what gives on the left, what takes on the right; lines of things are whole, those
    of conditions dashed; a line's title says what goes that way.
    """
    graph = nx.DiGraph()
    titles: dict[tuple[str, str], list[str]] = {}
    kinds: dict[tuple[str, str], set[str]] = {}
    for row in edges.iter_rows(named=True):
        pair = row["source"], row["target"]
        graph.add_edge(*pair)
        titles.setdefault(pair, []).append(
            f"{row['column']} as {row['argument']}" if row["kind"] == "data" else row["condition"]
        )
        kinds.setdefault(pair, set()).add(row["kind"])
    places = dict(_places(graph))
    height = ROW * max((row for _, row in places.values()), default=0) + 2 * ROW
    columns = max((column for column, _ in places.values()), default=0) + 1
    parts = [f'<svg class="ways" viewBox="0 0 {max(WIDTH, columns * COLUMN)} {height}" role="img">']
    for (source, target), said in titles.items():
        (a, b), (c, d) = places[source], places[target]
        x1, y1 = a * COLUMN + BOX + 4, b * ROW + 16
        x2, y2 = c * COLUMN + 4, d * ROW + 16
        bend = (x1 + max(x2, x1 + 30)) / 2
        dashed = ' stroke-dasharray="4 3"' if kinds[source, target] == {"state"} else ""
        parts.append(
            f'<path d="M{x1} {y1} C{bend} {y1} {bend} {y2} {x2} {y2}" fill="none" '
            f'stroke="#94a3b8"{dashed}><title>{escape(source)} → {escape(target)}: '
            f"{escape('; '.join(said))}</title></path>"
        )
    for name, (column, line) in places.items():
        x, y = column * COLUMN + 4, line * ROW + 4
        parts.append(
            f'<rect x="{x}" y="{y}" width="{BOX}" height="24" rx="4" fill="#f8fafc" '
            f'stroke="#64748b"/><text x="{x + 8}" y="{y + 16}" font-size="12">'
            f"{escape(name[:MOST_LETTERS])}</text>"
        )
    return "".join([*parts, "</svg>"])


def _places(graph: nx.DiGraph) -> Iterator[tuple[str, tuple[int, int]]]:
    """Column and row of each function: one column after what leads to it, circles in one."""
    condensed = nx.condensation(graph)
    used: dict[int, int] = {}
    for column, layer in enumerate(nx.topological_generations(condensed)):
        for name in sorted(n for one in layer for n in condensed.nodes[one]["members"]):
            row = used.get(column, 0)
            used[column] = row + 1
            yield name, (column, row)
