"""Routes: which resources a burst passes on its way up and down, found on the graph and kept without repeats."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import networkx as nx
import numpy as np

from twin.world.resources import ResourceTable
from twin.world.transport import shortest_path, working


@dataclass
class RouteTable:
    """Distinct routes in the order they were first asked for."""

    rows: list[tuple[int, ...]] = field(default_factory=list)
    index: dict[tuple[int, ...], int] = field(default_factory=dict)

    def add(self, route: tuple[int, ...]) -> int:
        """Row of a route."""
        if route not in self.index:
            self.index[route] = len(self.rows)
            self.rows.append(route)
        return self.index[route]

    def arrays(self) -> tuple[np.ndarray, np.ndarray]:
        """(route_start, route_resources) of `World`, both int64."""
        start = np.zeros(len(self.rows) + 1, dtype=np.int64)
        start[1:] = np.cumsum([len(r) for r in self.rows])
        flat = [resource for row in self.rows for resource in row]
        return start, np.array(flat, dtype=np.int64)


@dataclass(frozen=True)
class Way:
    """What a route joins: radio site, UPF (node and name of its pool), server (node and its chain of queues)."""

    site: str
    upf: str
    server: str
    pool_up: int
    pool_down: int
    chain: tuple[int, ...]


@dataclass
class Router:
    """Turns ways into routes. `separation` (0, 1, 2) says how finely links are told apart to keep the resources acyclic.

    0: a link is one resource a direction of the fibre and leg (up, down). 1: the legs site-UPF and UPF-server have their own.
    2: each server place too. Above 0 the same fibre is counted more than once, which the caller must warn of.
    """

    graph: nx.Graph
    resources: ResourceTable
    routes: RouteTable = field(default_factory=RouteTable)
    separation: int = 0
    _paths: dict[tuple[str, str], list[str]] = field(default_factory=dict)

    def path(self, a: str, b: str) -> list[str]:
        """Nodes from a to b; the way back is its reverse."""
        if (a, b) not in self._paths:
            self._paths[a, b] = shortest_path(working(self.graph), a, b)
        return self._paths[a, b]

    def _links(self, nodes: list[str], leg: str, tag: str) -> tuple[int, ...]:
        return tuple(self.resources.link(self.graph, a, b, leg, tag) for a, b in pairwise(nodes))

    def _tags(self, server: str) -> tuple[str, str]:
        return [("", ""), ("", " n6"), ("", f" n6 {server}")][self.separation]

    def up(self, way: Way) -> int:
        """Row of the route from the site over the UPF to the last queue of the server chain."""
        n3, n6 = self._tags(way.server)
        return self.routes.add((*self._links(self.path(way.site, way.upf), "up", n3), way.pool_up,
                                *self._links(self.path(way.upf, way.server), "up", n6), *way.chain))

    def down(self, way: Way) -> int:
        """Row of the route from the server over the UPF to the site: the same fibres the other way round."""
        n3, n6 = self._tags(way.server)
        return self.routes.add((*self._links(self.path(way.upf, way.server)[::-1], "down", n6), way.pool_down,
                                *self._links(self.path(way.site, way.upf)[::-1], "down", n3)))


def follows_graph(routes: RouteTable, pairs: set[tuple[int, int]]) -> nx.DiGraph:
    """Directed graph of resources: an edge where two follow each other on any route or on a way up and back down."""
    graph = nx.DiGraph()
    for row in routes.rows:
        graph.add_nodes_from(row)
        graph.add_edges_from(pairwise(row))
    for up, down in pairs:
        graph.add_edge(routes.rows[up][-1], routes.rows[down][0])
    return graph


def is_acyclic(routes: RouteTable, pairs: set[tuple[int, int]]) -> bool:
    """No resource can feed itself, however many hops away."""
    return nx.is_directed_acyclic_graph(follows_graph(routes, pairs))
