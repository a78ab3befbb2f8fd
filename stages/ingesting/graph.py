"""Checks of the knowledge graph as a graph."""

from __future__ import annotations

import networkx as nx
import polars as pl

from stages.contracts.command import InputError


def sort_edges(
    nodes: pl.DataFrame, edges: pl.DataFrame
) -> tuple[pl.DataFrame, list[tuple[str, str]]]:
    """Split edges into those that hold and (row, reason): unknown endpoint, self-loop, repeated."""
    known = nodes["node_id"].implode()
    marked = edges.with_columns(
        reason=pl.when(~pl.col("source").is_in(known))
        .then(pl.lit("unknown source"))
        .when(~pl.col("target").is_in(known))
        .then(pl.lit("unknown target"))
        .when(pl.col("source") == pl.col("target"))
        .then(pl.lit("self-loop"))
        .when(~pl.struct("source", "target", "relation").is_first_distinct())
        .then(pl.lit("repeated relation"))
    )
    bad = marked.filter(pl.col("reason").is_not_null())
    rejects = [(str(row[:-1]), row[-1]) for row in bad.iter_rows()]
    return marked.filter(pl.col("reason").is_null()).drop("reason"), rejects


def check_acyclic(edges: pl.DataFrame, relations: list[str], where: str) -> None:
    """InputError that names a cycle of one of the `relations`, of which none may have any."""
    for relation in relations:
        kept = edges.filter(pl.col("relation") == relation).select("source", "target")
        graph = nx.DiGraph(kept.iter_rows())
        if not nx.is_directed_acyclic_graph(graph):
            steps = [source for source, _ in nx.find_cycle(graph)]
            told = " -> ".join([*steps[:10], "..." if len(steps) > 10 else steps[0]])
            raise InputError(
                f"{where}: relation {relation!r} leads in a circle: {told}; domain.yaml says that "
                "it must not (acyclic): remove one of these relations"
            )


def describe(nodes: pl.DataFrame, edges: pl.DataFrame) -> dict[str, object]:
    """Counts per kind and relation, isolated nodes, weakly connected components."""
    graph: nx.MultiDiGraph = nx.MultiDiGraph()
    graph.add_nodes_from(nodes["node_id"])
    graph.add_edges_from(edges.select("source", "target", "relation").iter_rows())
    isolated = sorted(nx.isolates(graph))
    return {
        "nodes": nodes.height,
        "edges": edges.height,
        "kinds": dict(nodes.group_by("kind").len().sort("kind").iter_rows()),
        "relations": dict(edges.group_by("relation").len().sort("relation").iter_rows()),
        "isolated": len(isolated),
        "isolated_examples": isolated[:10],
        "components": nx.number_weakly_connected_components(graph) if nodes.height else 0,
    }
