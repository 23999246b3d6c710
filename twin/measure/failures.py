"""What one failed unit means for the rest: ducts that are cut, workers and stations that are missing."""

from __future__ import annotations

from itertools import pairwise, permutations

import networkx as nx
import numpy as np
import pandas as pd

from twin.measure.scopes import ratio
from twin.world.tables import World


def network_failures(table: pd.DataFrame, world: World) -> pd.DataFrame:
    """Add load_with_one_unit_failed_pct and has_spare to rows of links, pools and servers (loads as offered)."""
    link = (table["kind"] == "link").to_numpy()
    workers = table["workers"].to_numpy(dtype=float)
    offered = (table["background_pct"] + table["offered_own_pct"]).to_numpy()
    fewer, spare = offered * ratio(workers, workers - 1.0), workers > 1
    extra, protected = detours(table[link], world.graph)
    fewer[link], spare[link] = offered[link] + extra, protected
    return table.assign(load_with_one_unit_failed_pct=fewer, has_spare=spare)


def cell_groups(world: World) -> np.ndarray:
    """Number of stations among which each cell's traffic is spread when one fails: of its operator in its park, those of a
    private network apart from the public ones."""
    cells = world.cells
    private = cells["private"].to_numpy(dtype=np.int64) if "private" in cells else np.zeros(len(cells), dtype=np.int64)
    key = (cells["park"].to_numpy() * len(world.operators) + cells["operator"].to_numpy()) * 2 + private
    return pd.Series(cells["station"].to_numpy()).groupby(key).transform("nunique").to_numpy(dtype=float)


def detours(links: pd.DataFrame, graph: nx.Graph) -> tuple[np.ndarray, np.ndarray]:
    """Worst extra load (percent points) a link takes when one duct elsewhere is cut, and whether a link has a detour itself.

    links: name ``a>b`` and offered_own_pct of each. All fibres of a duct (edges of the graph with the same `duct`; an edge
    without one lies alone) are cut together and lose both directions; each takes the path of least propagation that is left.
    Links that are not edges of the graph keep their load.
    """
    row = {name: i for i, name in enumerate(links["name"])}
    own = links["offered_own_pct"].to_numpy()
    worst, protected = np.zeros(len(links)), np.zeros(len(links), dtype=bool)
    for gone in _ducts(graph):
        extra = np.zeros(len(links))
        for a, b in ((a, b) for ends in gone for a, b in permutations(ends) if f"{a}>{b}" in row):
            i, path = row[f"{a}>{b}"], _path_without(graph, a, b, gone)
            protected[i] = path is not None
            for u, v in pairwise(path or []):
                j = row.get(f"{u}>{v}")
                if j is not None:
                    extra[j] += own[i] * graph.edges[a, b]["rate_bps"] / graph.edges[u, v]["rate_bps"]
        np.maximum(worst, extra, out=worst)
    return worst, protected


def _ducts(graph: nx.Graph) -> list[set[frozenset[str]]]:
    """Edges of the graph by the duct they lie in."""
    found: dict[object, set[frozenset[str]]] = {}
    for a, b, duct in graph.edges(data="duct"):
        found.setdefault(duct or frozenset((a, b)), set()).add(frozenset((a, b)))
    return list(found.values())


def _path_without(graph: nx.Graph, a: str, b: str, gone: set[frozenset[str]]) -> list[str] | None:
    """Least-propagation path from a to b that avoids the edges that are gone; None if there is none."""
    if graph.degree[a] < 2 or graph.degree[b] < 2:
        return None

    def weight(u: str, v: str, edge: dict) -> float | None:
        return None if frozenset((u, v)) in gone else edge["propagation_ns"]

    try:
        return nx.bidirectional_dijkstra(graph, a, b, weight=weight)[1]
    except nx.NetworkXNoPath:
        return None
