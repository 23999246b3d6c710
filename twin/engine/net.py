"""World tables of resources and routes as the kernels' integer arrays, and the order in which resources run."""

from __future__ import annotations

from typing import NamedTuple

import networkx as nx
import numpy as np

from twin.base import columns as c
from twin.base.entry import Routes
from twin.world.tables import World

SERVICE_KINDS = {"fixed": c.SERVICE_FIXED, "exponential": c.SERVICE_EXPONENTIAL}


class Order(NamedTuple):
    """Resources in topological order. Group g is resources[start[g]:start[g + 1]]; more than one: they feed each other."""

    start: np.ndarray
    resources: np.ndarray


def resource_table(world: World) -> np.ndarray:
    """int64 (resources, 16); the component column is filled by `run_order`."""
    res = world.resources
    table = c.aligned_rows(len(res), c.RESOURCE_COLUMNS)
    kind = res["kind"].to_numpy()
    table[:, c.RS_KIND] = kind
    rate = np.where(kind == c.LINK, res["rate_bps"].to_numpy(), 1)
    table[:, c.RS_FS_PER_BYTE] = [round(8e15 / r) for r in rate.tolist()]
    for column, name in (
        (c.RS_OVERHEAD, "overhead_bytes"),
        (c.RS_WORKERS, "workers"),
        (c.RS_COST_PACKET, "cost_per_packet_ns"),
        (c.RS_COST_BYTE_PS, "cost_per_byte_ps"),
        (c.RS_SERVICE_MEAN, "service_mean_ns"),
        (c.RS_QUEUE_LIMIT, "queue_limit_ns"),
    ):
        table[:, column] = res[name].to_numpy()
    table[:, c.RS_DELAY] = res["propagation_ns"].to_numpy() + res["node_ns"].to_numpy()
    least = 2 * (((1500 + table[:, c.RS_OVERHEAD]) * table[:, c.RS_FS_PER_BYTE] + 999_999) // 1_000_000)
    buffer = [
        b * fs // 1_000_000 for b, fs in zip(res["buffer_bytes"].tolist(), table[:, c.RS_FS_PER_BYTE].tolist(), strict=True)
    ]
    table[:, c.RS_BUFFER_NS] = np.where(kind == c.LINK, np.maximum(buffer, least), 0) if len(res) else 0
    table[:, c.RS_SERVICE_KIND] = [SERVICE_KINDS.get(k, 0) for k in res["service_kind"]]
    table[:, c.RS_SERVICE_MEAN] = np.maximum(table[:, c.RS_SERVICE_MEAN], 1)
    table[:, c.RS_WORKERS] = np.where(kind == c.LINK, 0, np.maximum(table[:, c.RS_WORKERS], 1))
    table[:, c.RS_WORKER_START] = np.cumsum(table[:, c.RS_WORKERS]) - table[:, c.RS_WORKERS]
    return table


def route_tables(world: World) -> Routes:
    """Routes with -1 after each, and the fixed delay of each route up to each item."""
    n = len(world.route_start) - 1
    lengths = np.diff(world.route_start)
    start = np.arange(n, dtype=np.int64) + world.route_start[:-1]
    items = np.full(int(lengths.sum()) + n + 1, c.NONE, dtype=np.int64)
    way = np.zeros((len(items), 2), dtype=np.int64)
    fixed = np.stack([world.resources["propagation_ns"].to_numpy(), world.resources["node_ns"].to_numpy()], axis=1)
    is_link = world.resources["kind"].to_numpy() == c.LINK
    for r in range(n):
        route = world.route_resources[world.route_start[r] : world.route_start[r + 1]]
        a = int(start[r])
        items[a : a + len(route)] = route
        way[a + 1 : a + len(route) + 1] = np.cumsum(fixed[route] * is_link[route][:, None], axis=0)
    return Routes(start, items, resource_table(world), way)


def run_order(world: World, routes: Routes) -> Order:
    """Topological order of the condensation of the resource graph (an edge where two resources follow each other)."""
    graph: nx.DiGraph = nx.DiGraph()
    graph.add_nodes_from(range(len(world.resources)))
    a, b = routes.items[:-1], routes.items[1:]
    inside = (a >= 0) & (b >= 0)
    graph.add_edges_from(np.unique(np.stack([a[inside], b[inside]], axis=1), axis=0).tolist())
    graph.add_edges_from(_answers(world))
    condensed = nx.condensation(graph)
    groups = [sorted(condensed.nodes[g]["members"]) for g in nx.lexicographical_topological_sort(condensed)]
    routes.resources[:, c.RS_COMPONENT] = c.NONE
    for g, members in enumerate(groups):
        routes.resources[members, c.RS_COMPONENT] = g if len(members) > 1 else c.NONE
    start = np.cumsum([0, *(len(members) for members in groups)]).astype(np.int64)
    return Order(start, np.array([r for members in groups for r in members], dtype=np.int64))


def _answers(world: World) -> list[tuple[int, int]]:
    """Edges from the last server of a request's route to the first resource of its response's route."""
    answered = world.flow_types["response_bytes"].to_numpy()[world.flows["flow_type"].to_numpy()] > 0
    pairs = world.flows.loc[answered, ["route_up", "route_down"]].drop_duplicates()
    pairs = pairs[(pairs["route_up"] >= 0) & (pairs["route_down"] >= 0)]
    last = world.route_resources[world.route_start[1:][pairs["route_up"]] - 1]
    first = world.route_resources[world.route_start[:-1][pairs["route_down"]]]
    return sorted(set(zip(last.tolist(), first.tolist(), strict=True)))


def link_states(routes: Routes) -> np.ndarray:
    """Idle links: int64 (resources, LINK_COLUMNS)."""
    links = c.aligned_rows(len(routes.resources), c.LINK_COLUMNS)
    links[:, [c.LK_LEVEL, c.LK_WAKE]] = c.NONE
    for level in range(4):
        at = c.LK_LEVELS + c.LV_WIDTH * level
        links[:, [at + c.LV_HEAD, at + c.LV_TAIL, at + c.LV_ROW]] = c.NONE
    return links
