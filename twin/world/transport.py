"""The transport graph: site - park aggregation - district ring - PoP - core, one layer an operator, ducts shared.

Node names: a site's name, ``<park>/<operator>/agg``, ``<operator>/<place>``. Ring towns and backbone routes are in
``data/places.csv`` and ``data/backbone.csv``. Every edge carries length_km, rate_bps, duct, kind, link_type, protection,
background_share, propagation_ns; every node kind, place, operator, park (-1: none), x_m, y_m.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources as package_files
from itertools import pairwise

import networkx as nx

from twin.world.layout import to_plane

CORE_PLACE, PROVINCE_PLACE = "ha-noi", "hung-yen"


@dataclass(frozen=True)
class LinkKind:
    """What a class of edges is made of; `up` (towards the servers) differs from down on a PON only."""

    link_type: str
    rate_bps: int
    rate_up_bps: int
    overhead_bytes: int
    buffer_ms: float
    node_ns: int
    node_up_ns: int
    ns_per_km: float
    next_step: str
    background_share: float = 0.0


@dataclass(frozen=True)
class TransportKinds:
    """The kinds of edge of the generated topology and how much longer than the straight line a fibre is."""

    access: LinkKind
    aggregation: LinkKind
    ring: LinkKind
    trunk: LinkKind
    servers: LinkKind
    route_factor: float = 1.3


@dataclass(frozen=True)
class Place:
    """A town or data centre of the backbone, metres in the plane."""

    place_id: str
    kind: str
    x_m: float
    y_m: float


def _rows(name: str) -> list[dict[str, str]]:
    text = (package_files.files("twin.world") / "data" / name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


@cache
def places() -> dict[str, Place]:
    """Towns and data centres of the generated backbone, by identifier."""
    out = {}
    for row in _rows("places.csv"):
        x, y = to_plane(float(row["lat"]), float(row["lon"]))
        out[row["place_id"]] = Place(row["place_id"], row["kind"], float(x), float(y))
    return out


@cache
def backbone() -> tuple[tuple[str, str, str], ...]:
    """Backbone routes as (from, to, kind) of places."""
    return tuple((row["from"], row["to"], row["kind"]) for row in _rows("backbone.csv"))


def connect(graph: nx.Graph, a: str, b: str, kind: str, spec: LinkKind, duct: str, route_factor: float,
            protection: bool = False) -> None:
    """Add a fibre between two nodes; its length is the straight line times the route factor, at least 50 m."""
    na, nb = graph.nodes[a], graph.nodes[b]
    km = max(0.05, math.hypot(na["x_m"] - nb["x_m"], na["y_m"] - nb["y_m"]) / 1000.0 * route_factor)
    add_edge(graph, a, b, kind, spec, duct, km, protection)


def add_edge(graph: nx.Graph, a: str, b: str, kind: str, spec: LinkKind, duct: str, length_km: float,
             protection: bool = False) -> None:
    """Add an edge of a given length."""
    graph.add_edge(a, b, kind=kind, duct=duct, length_km=length_km, protection=protection, link_type=spec.link_type,
                   rate_bps=spec.rate_bps, rate_up_bps=spec.rate_up_bps, background_share=spec.background_share,
                   overhead_bytes=spec.overhead_bytes, buffer_ms=spec.buffer_ms, node_ns=spec.node_ns,
                   node_up_ns=spec.node_up_ns, next_step=spec.next_step,
                   propagation_ns=max(1, round(length_km * spec.ns_per_km)))


def add_backbone(graph: nx.Graph, operator: str, row: int, kinds: TransportKinds,
                 positions: Mapping[str, tuple[float, float]]) -> None:
    """Ring, PoP and core of one operator; the ducts along a road are the same for all operators.

    `positions` (m, by kind `core` and `pop`) are where the server sites of the scenario stand, if it says.
    """
    for place in places().values():
        x, y = positions.get(place.kind, (place.x_m, place.y_m))
        graph.add_node(f"{operator}/{place.place_id}", kind=place.kind, place=place.place_id, operator=row, park=-1, x_m=x, y_m=y)
    for a, b, kind in backbone():
        spec = kinds.ring if kind == "ring" else kinds.trunk
        connect(graph, f"{operator}/{a}", f"{operator}/{b}", kind, spec, f"duct/{a}--{b}", kinds.route_factor)


def nearest_places(x_m: float, y_m: float, n: int = 2) -> list[str]:
    """The n ring places nearest to a point, nearest first."""
    ring = [p for p in places().values() if p.kind in ("ring", "pop")]
    return [p.place_id for p in sorted(ring, key=lambda p: (math.hypot(p.x_m - x_m, p.y_m - y_m), p.place_id))[:n]]


def add_servers(graph: nx.Graph, node: str, kinds: TransportKinds, suffix: str = "",
                position: tuple[float, float] | None = None) -> str:
    """Server room beside a UPF's node, or at a position (m) of its own, behind its own access link."""
    name = f"{node}/servers{suffix}"
    if name not in graph:
        at = graph.nodes[node]
        x, y = position or (at["x_m"], at["y_m"])
        graph.add_node(name, **{**at, "kind": "servers", "x_m": float(x), "y_m": float(y)})
        connect(graph, name, node, "servers", kinds.servers, f"duct/{name}", kinds.route_factor)
    return name


def add_park(graph: nx.Graph, park_id: str, park: int, operator: str, row: int, x_m: float, y_m: float,
             kinds: TransportKinds) -> str:
    """Park aggregation of one operator, homed on the nearest ring town and, for protection, on the second nearest."""
    name = f"{park_id}/{operator}/agg"
    graph.add_node(name, kind="aggregation", place=park_id, operator=row, park=park, x_m=x_m, y_m=y_m)
    for i, place in enumerate(nearest_places(x_m, y_m)):
        connect(graph, name, f"{operator}/{place}", "aggregation", kinds.aggregation, f"duct/{park_id}--{place}",
                kinds.route_factor, protection=i > 0)
    return name


def add_site(graph: nx.Graph, name: str, park: int, row: int, agg: str, x_m: float, y_m: float, kinds: TransportKinds) -> None:
    """A site's router on a spur to an aggregation node; spurs of one half of the park share a duct."""
    at = graph.nodes[agg]
    graph.add_node(name, kind="site", place=at["place"], operator=row, park=park, x_m=x_m, y_m=y_m)
    half = "east" if x_m >= at["x_m"] else "west"
    connect(graph, name, agg, "access", kinds.access, f"duct/{at['place']}/{half}", kinds.route_factor)


def find_node(graph: nx.Graph, kind: str, operator: int, park: int = -1) -> str | None:
    """First node (by name) of a kind that the operator, or all, may use; for `aggregation` the one of the park."""
    fitting = [n for n, at in graph.nodes(data=True) if at["kind"] == kind and at["operator"] in (operator, -1)
               and (park < 0 or at["park"] == park)]
    own = [n for n in fitting if graph.nodes[n]["operator"] == operator]
    return min(own or fitting, default=None)


def working(graph: nx.Graph) -> nx.Graph:
    """View of the graph without protection links: what normal routing uses."""
    return nx.subgraph_view(graph, filter_edge=lambda a, b: not graph.edges[a, b]["protection"])


def shortest_path(graph: nx.Graph, source: str, target: str) -> list[str]:
    """Nodes of the path of least delay (propagation plus node latency); ties broken by the number of hops.

    Raises:
        networkx.NetworkXNoPath: the nodes are not connected.
    """
    def weight(_a: str, _b: str, edge: dict) -> float:
        return edge["propagation_ns"] + edge["node_ns"] + 1e-3

    return nx.dijkstra_path(graph, source, target, weight=weight)


def path_delay_ns(graph: nx.Graph, path: list[str]) -> int:
    """Propagation plus node latency along a path, one way, without queueing or serialisation."""
    return sum(graph.edges[a, b]["propagation_ns"] + graph.edges[a, b]["node_ns"] for a, b in pairwise(path))
