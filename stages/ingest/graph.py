"""Checks of the knowledge graph as a graph.

Concepts are numbered in the order of their table; scipy's graph routines work on the numbers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from stages.core.command import InputError

if TYPE_CHECKING:
    from scipy.sparse import coo_array


def coded(nodes: pl.DataFrame, edges: pl.DataFrame) -> pl.DataFrame:
    """`source`, `target` as row numbers of `nodes`, null where unknown; `relation` as a number."""
    ids = pl.Enum(nodes["node_id"])
    return edges.select(
        pl.col("source", "target").cast(ids, strict=False).to_physical(),
        pl.col("relation").cast(pl.Categorical).to_physical(),
    )


def matrix(nodes: pl.DataFrame, numbers: pl.DataFrame) -> coo_array:
    """Adjacency matrix, shape (nodes, nodes). numbers: columns source and target of `coded`."""
    import numpy as np
    from scipy.sparse import coo_array

    entries = (np.ones(numbers.height, np.int8), (numbers["source"], numbers["target"]))
    return coo_array(entries, shape=(nodes.height, nodes.height))


def sort_edges(
    nodes: pl.DataFrame, edges: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame, list[tuple[str, str]]]:
    """Split edges into those that hold, with their numbers (`coded`), and (row, reason): unknown
    endpoint, self-loop, repeated.
    """
    numbers = coded(nodes, edges)
    reason = numbers.select(
        pl.when(pl.col("source").is_null())
        .then(pl.lit("unknown source"))
        .when(pl.col("target").is_null())
        .then(pl.lit("unknown target"))
        .when(pl.col("source") == pl.col("target"))
        .then(pl.lit("self-loop"))
        .when(~pl.struct(pl.all()).is_first_distinct())
        .then(pl.lit("repeated relation"))
    ).to_series()
    bad = edges.filter(reason.is_not_null())
    rejects = [
        (str(row), why) for row, why in zip(bad.iter_rows(), reason.drop_nulls(), strict=True)
    ]
    if rejects:
        valid = reason.is_null()
        edges, numbers = edges.filter(valid), numbers.filter(valid)
    return edges, numbers, rejects


def check_acyclic(
    nodes: pl.DataFrame, edges: pl.DataFrame, numbers: pl.DataFrame, relations: list[str],
    where: str,
) -> None:  # fmt: skip
    """InputError that names a cycle of one of the `relations`, of which none may have any.

    edges and their numbers as `sort_edges` gives them.
    """
    for relation in relations:
        from scipy.sparse import csgraph

        selected = edges["relation"] == relation
        links = matrix(nodes, numbers.filter(selected))
        # Without a cycle (self-loops are rejected) each concept is alone in its component.
        if csgraph.connected_components(links, connection="strong")[0] < nodes.height:
            import networkx as nx

            graph = nx.DiGraph(edges.filter(selected).select("source", "target").rows())
            steps = [source for source, _ in nx.find_cycle(graph)]
            cycle = " -> ".join([*steps[:10], "..." if len(steps) > 10 else steps[0]])
            raise InputError(
                f"{where}: relation {relation!r} leads in a circle: {cycle}; pack.yaml says that "
                "it must not (acyclic): remove one of these relations"
            )


def describe(nodes: pl.DataFrame, edges: pl.DataFrame, numbers: pl.DataFrame) -> dict[str, object]:
    """Counts per kind and relation, isolated nodes, weakly connected components.

    edges and their numbers as `sort_edges` gives them.
    """
    import numpy as np
    from scipy.sparse import csgraph

    links = matrix(nodes, numbers)
    linked = np.zeros(nodes.height, bool)
    linked[numbers["source"]] = linked[numbers["target"]] = True
    isolated = nodes["node_id"].filter(pl.Series(~linked)).sort()
    return {
        "nodes": nodes.height,
        "edges": edges.height,
        "kinds": dict(nodes.group_by("kind").len().sort("kind").iter_rows()),
        "relations": dict(edges.group_by("relation").len().sort("relation").iter_rows()),
        "isolated": len(isolated),
        "isolated_examples": isolated.head(10).to_list(),
        "components": int(csgraph.connected_components(links, connection="weak")[0]),
    }
