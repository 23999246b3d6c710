"""How cells reach their core and one another: from the transport graph, as routes do."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import networkx as nx
import pandas as pd

from twin.base.names import name_hash
from twin.world.control.access import RachTable
from twin.world.core import Core
from twin.world.radios import RadioTable
from twin.world.transport import find_node

PS_PER_S = 10**12
NOWHERE = (1, 0)


def way(core: Core, a: str, b: str) -> tuple[int, int]:
    """(ns, ps a byte) one way between two nodes: propagation and node latency, serialisation on every link; the mean of up and
    down where they differ."""
    delay_2, per_byte_2 = 0, 0.0
    for one, other in pairwise(core.router.path(a, b)):
        edge = core.graph.edges[one, other]
        delay_2 += 2 * edge["propagation_ns"] + edge["node_ns"] + edge["node_up_ns"]
        per_byte_2 += 8 * PS_PER_S / edge["rate_up_bps"] + 8 * PS_PER_S / edge["rate_bps"]
    return delay_2 // 2, round(per_byte_2 / 2)


def build_cells(core: Core, cells: pd.DataFrame, sites: pd.DataFrame, radios: RadioTable,
                rach: RachTable) -> list[dict[str, Any]]:
    """A row a cell of the world."""
    known: dict[tuple[int, int, int], dict[str, int]] = {}
    out = []
    for name, *where, radio in zip(*(cells[c].tolist() for c in ("name", "site", "operator", "park", "radio"))):
        key = (where[0], where[1], where[2])
        if key not in known:
            known[key] = _links(core, sites, *key)
        profile = radios.used[radio]
        out.append({"name": name, "cell_hash": name_hash(name), "rach": rach.row(profile.rach_profile), "radio": radio,
                    "srb_block_bytes": profile.srb_block_bytes, "srb_prb": profile.srb_prb, **known[key]})
    return out


def _links(core: Core, sites: pd.DataFrame, site: int, operator: int, park: int) -> dict[str, int]:
    """N2 and Xn of a site's cells. A site that serves no device is not in the graph: its park's aggregation stands in."""
    at = sites.iloc[site]
    name = str(at["name"]) if int(at["owner"]) == operator else f"{at['name']}/{core.operators[operator]}"
    aggregation = find_node(core.graph, "aggregation", operator, park)
    start = name if name in core.graph else aggregation
    try:
        n2 = NOWHERE if start is None else way(core, start, core.node("hanoi", operator, -1))
        xn = 0 if start is None or aggregation is None else 2 * way(core, start, aggregation)[0]
    except nx.NetworkXNoPath:
        n2, xn = NOWHERE, 0
    return {"n2_ns": max(1, n2[0]), "n2_ps_per_byte": n2[1], "xn_ns": max(1, xn)}
