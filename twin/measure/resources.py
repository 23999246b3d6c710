"""What is how full: every cell, link, UPF pool and server queue against its headroom, as it is and with one unit failed."""

from __future__ import annotations

from itertools import pairwise

import networkx as nx
import numpy as np
import pandas as pd

from twin.measure.measures import Measures
from twin.measure.network import cell_load_pct, owner_names, resource_load_pct
from twin.measure.scopes import ratio
from twin.measure.series import measured_buckets, prb_per_bucket, replications_in
from twin.world.tables import LINK, RESOURCE_KINDS, World

CELL_NEXT_STEP = "a second carrier or one more site"
COLUMNS = ["name", "kind", "direction", "park", "operator", "load_pct", "load_peak_pct", "load_with_one_unit_failed_pct",
           "background_pct", "headroom_pct", "growth_to_headroom", "over_headroom", "has_spare", "next_step", "drops",
           "wait_max_ms", "throughput_mbps"]


def resource_rows(measures: Measures, world: World, headroom_pct: float = 70.0) -> pd.DataFrame:
    """One row a cell (its fuller direction), link direction, pool and server queue, the first to give way on top.

    load_peak_pct is the fullest bucket of the time series after the warm-up. growth_to_headroom: by what factor the
    simulated traffic may grow until the load reaches headroom_pct (below 1: it is over; nan: idle). has_spare: something
    else takes over when it fails.
    load_with_one_unit_failed_pct: link: the worst failure of one other fibre whose traffic takes the shortest detour; pool and
    server: one worker less; cell: one station less of that operator in that park. throughput_mbps: application layer.
    """
    table = pd.concat([_network(measures, world), _cells(measures, world)], ignore_index=True)
    own = table["load_pct"] - table["background_pct"]
    growth = ratio((headroom_pct - table["background_pct"]).clip(lower=0.0).to_numpy(), own.to_numpy())
    over = table["load_pct"] > headroom_pct
    table = table.assign(headroom_pct=float(headroom_pct), growth_to_headroom=growth, over_headroom=over)
    return table.sort_values(["growth_to_headroom", "name"], kind="stable", ignore_index=True)[COLUMNS]


def physical_names(world: World) -> np.ndarray:
    """Names of the resources; the links of one fibre and direction share one name (``a>b``), whatever leg they carry."""
    name = world.resources["name"].astype(str)
    link = world.resources["kind"] == LINK
    return name.where(~link, name.str.split(" [", regex=False).str[0]).to_numpy(object)


def _network(measures: Measures, world: World) -> pd.DataFrame:
    """Rows of links, pools and servers; legs of one fibre and direction added up."""
    table = world.resources
    elapsed = float(measures.measured_ns)
    background = resource_load_pct(np.zeros(len(table)), elapsed, world)
    bucket = float(measures.bucket_ns * replications_in(measures))
    series = resource_load_pct(measures.series_busy_ns[measured_buckets(measures)], bucket, world)
    name = physical_names(world)
    parks, operators = owner_names(world, table["park"].to_numpy(), table["operator"].to_numpy())
    frame = pd.DataFrame({
        "name": name, "kind": np.array(RESOURCE_KINDS, dtype=object)[table["kind"].to_numpy()], "direction": "",
        "park": parks, "operator": operators, "background_pct": background, "workers": table["workers"].to_numpy(),
        "own_pct": resource_load_pct(measures.busy_ns, elapsed, world) - background,
        "next_step": table["next_step"].to_numpy(object), "drops": measures.packets_dropped,
        "wait_max_ms": measures.wait_max_ns * 1e-6, "throughput_mbps": measures.bytes * (8e3 / measures.measured_ns),
    })
    how = {"own_pct": "sum", "drops": "sum", "wait_max_ms": "max", "throughput_mbps": "sum"}
    first = {c: "first" for c in frame.columns if c not in how and c != "name"}
    out = frame.groupby("name", sort=False).agg({**how, **first}).reset_index()
    peak = pd.DataFrame(np.nan_to_num(series - background).T).groupby(name, sort=False).sum().max(axis=1)
    out["load_pct"] = out["background_pct"] + out["own_pct"]
    out["load_peak_pct"] = (out["background_pct"] + peak.reindex(out["name"]).to_numpy()).fillna(out["load_pct"])
    return _with_failures(out, world)


def _with_failures(table: pd.DataFrame, world: World) -> pd.DataFrame:
    """Add load_with_one_unit_failed_pct and has_spare to rows of links, pools and servers."""
    link = (table["kind"] == "link").to_numpy()
    workers = table["workers"].to_numpy(dtype=float)
    fewer = table["load_pct"].to_numpy() * ratio(workers, workers - 1.0)
    spare = workers > 1
    extra, protected = detours(table[link], world.graph)
    fewer[link] = table["load_pct"].to_numpy()[link] + extra
    spare[link] = protected
    return table.assign(load_with_one_unit_failed_pct=fewer, has_spare=spare)


def detours(links: pd.DataFrame, graph: nx.Graph) -> tuple[np.ndarray, np.ndarray]:
    """Worst extra load (percent points) a link takes when one other fibre fails, and whether a link has a detour itself.

    links: name ``a>b``, own_pct and throughput of each; a cut fibre loses both directions and each takes the path of least
    propagation that is left. Links that are not nodes of the graph keep their load.
    """
    row = {name: i for i, name in enumerate(links["name"])}
    own = links["own_pct"].to_numpy()
    extra, protected = np.zeros(len(links)), np.zeros(len(links), dtype=bool)
    for name, i in row.items():
        a, _, b = name.partition(">")
        if not graph.has_edge(a, b):
            continue
        path = _path_without(graph, a, b)
        protected[i] = path is not None
        for u, v in pairwise(path or []):
            j = row.get(f"{u}>{v}")
            if j is not None:
                moved = own[i] * graph.edges[a, b]["rate_bps"] / graph.edges[u, v]["rate_bps"]
                extra[j] = max(extra[j], moved)
    return extra, protected


def _path_without(graph: nx.Graph, a: str, b: str) -> list[str] | None:
    """Least-propagation path from a to b that avoids the edge between them; None if there is none."""
    if graph.degree[a] < 2 or graph.degree[b] < 2:
        return None

    def weight(u: str, v: str, edge: dict) -> float | None:
        return None if {u, v} == {a, b} else edge["propagation_ns"]

    try:
        return nx.bidirectional_dijkstra(graph, a, b, weight=weight)[1]
    except nx.NetworkXNoPath:
        return None


def _cells(measures: Measures, world: World) -> pd.DataFrame:
    """Rows of cells, each with its fuller direction."""
    cells = world.cells
    load = np.nan_to_num(cell_load_pct(measures))
    series = 100.0 * np.nan_to_num(ratio(measures.series_cell_prb[measured_buckets(measures)], prb_per_bucket(measures)))
    peak = series.max(axis=0) if len(series) else load
    pick, d = np.arange(len(cells)), load.argmax(axis=1)
    parks, operators = owner_names(world, cells["park"].to_numpy(), cells["operator"].to_numpy())
    key = cells["park"].to_numpy() * len(world.operators) + cells["operator"].to_numpy()
    stations = pd.Series(cells["station"].to_numpy()).groupby(key).transform("nunique").to_numpy(dtype=float)
    busiest = load[pick, d]
    return pd.DataFrame({
        "name": cells["name"].to_numpy(object), "kind": "cell", "direction": np.array(["ul", "dl"], dtype=object)[d],
        "park": parks, "operator": operators, "background_pct": 0.0, "load_pct": busiest, "load_peak_pct": peak[pick, d],
        "load_with_one_unit_failed_pct": busiest * ratio(stations, stations - 1.0), "has_spare": stations > 1,
        "next_step": CELL_NEXT_STEP, "drops": measures.cell_lost[pick, d], "wait_max_ms": np.nan,
        "throughput_mbps": (measures.cell_bytes * (8e3 / measures.measured_ns))[pick, d],
    })
