"""What is how full: every cell, link, UPF pool and server queue against its headroom, as it is and with one unit failed."""

from __future__ import annotations

import numpy as np
import pandas as pd

from twin.measure.failures import cell_groups, network_failures
from twin.measure.measures import Measures
from twin.measure.network import cell_load_pct, grant_load_pct, owner_names, resource_load_pct
from twin.measure.scopes import ratio
from twin.measure.series import measured_buckets, prb_per_bucket, seconds_of_buckets
from twin.world.tables import LINK, RESOURCE_KINDS, World

#: What relieves a cell, by what runs out in it.
CELL_NEXT_STEPS = {"PRB": "a second carrier or one more site", "grants": "more control channel (PDCCH) or one more site"}
_LIMITS = {"link": "rate", "pool": "workers", "server": "workers"}
COLUMNS = ["name", "kind", "direction", "park", "operator", "load_pct", "offered_pct", "load_peak_pct",
           "load_with_one_unit_failed_pct", "background_pct", "headroom_pct", "growth_to_headroom", "growth_is_upper_bound",
           "over_headroom", "has_spare", "limited_by", "next_step", "drops", "wait_max_ms", "throughput_mbps"]
FULL_PCT = 99.5


def resource_rows(measures: Measures, world: World, headroom_pct: float = 70.0, warmup_ns: int | None = None) -> pd.DataFrame:
    """One row a cell and direction, link direction, pool and server queue, the first to give way on top.

    load_pct: work served. offered_pct: work that arrived, before any drop (cells: as load_pct, the larger of the shares of PRBs
    and of grants, `limited_by` says which). load_peak_pct: the fullest bucket of the time series after the warm-up.
    growth_to_headroom: by what factor the simulated traffic may grow until the offered load, background included, reaches
    headroom_pct (below 1: it is over; nan: idle); growth_is_upper_bound: messages were dropped there or before, or the cell is
    full, so that the traffic people want is larger than what was seen. has_spare: something else takes over when it fails.
    load_with_one_unit_failed_pct: link: the worst cut of one duct elsewhere, whose traffic takes the shortest detour; pool and
    server: one worker less; cell: one station less of that operator in that park. throughput_mbps: of the link layer for
    links (overhead included), of the application layer for cells.
    """
    table = pd.concat([_network(measures, world, warmup_ns), _cells(measures, world, warmup_ns)], ignore_index=True)
    own = table["offered_pct"] - table["background_pct"]
    growth = ratio((headroom_pct - table["background_pct"]).clip(lower=0.0).to_numpy(), own.to_numpy())
    over = table["offered_pct"] > headroom_pct
    table = table.assign(headroom_pct=float(headroom_pct), growth_to_headroom=growth, over_headroom=over)
    return table.sort_values(["growth_to_headroom", "name", "direction"], kind="stable", ignore_index=True)[COLUMNS]


def physical_names(world: World) -> np.ndarray:
    """Names of the resources; the links of one fibre and direction share one name (``a>b``), whatever leg they carry."""
    name = world.resources["name"].astype(str)
    link = world.resources["kind"] == LINK
    return name.where(~link, name.str.split(" [", regex=False).str[0]).to_numpy(object)


def limit_words(growth: float) -> str:
    """`over_limit` or `at_limit` where there is no room to grow, else nothing."""
    return "over_limit" if growth < 0.995 else "at_limit" if growth < 1.005 else ""


def downstream_of_drops(measures: Measures, world: World) -> np.ndarray:
    """bool (resources,): it dropped something itself, or something before it on a route did."""
    dropped = measures.packets_dropped > 0
    found = dropped.copy()
    on_way = dropped[world.route_resources].astype(np.int64)
    before = np.cumsum(on_way) - on_way
    length = np.diff(world.route_start)
    start = np.repeat(np.append(before, 0)[world.route_start[:-1]], length)
    np.logical_or.at(found, world.route_resources, before > start)
    return found


def _network(measures: Measures, world: World, warmup_ns: int | None) -> pd.DataFrame:
    """Rows of links, pools and servers; legs of one fibre and direction added up."""
    table = world.resources
    elapsed = float(measures.measured_ns)
    background = resource_load_pct(np.zeros(len(table)), elapsed, world)
    measured = measured_buckets(measures, warmup_ns)
    bucket = 1e9 * seconds_of_buckets(measures, warmup_ns)[measured, None]
    series = resource_load_pct(measures.series_busy_ns[measured], bucket, world)
    name = physical_names(world)
    parks, operators = owner_names(world, table["park"].to_numpy(), table["operator"].to_numpy())
    kinds = np.array(RESOURCE_KINDS, dtype=object)[table["kind"].to_numpy()]
    frame = pd.DataFrame({
        "name": name, "kind": kinds, "direction": "", "limited_by": [_LIMITS[kind] for kind in kinds],
        "park": parks, "operator": operators, "background_pct": background, "workers": table["workers"].to_numpy(),
        "own_pct": resource_load_pct(measures.busy_ns, elapsed, world) - background,
        "offered_own_pct": resource_load_pct(measures.offered_ns, elapsed, world) - background,
        "next_step": table["next_step"].to_numpy(object), "drops": measures.packets_dropped,
        "growth_is_upper_bound": downstream_of_drops(measures, world),
        "wait_max_ms": measures.wait_max_ns * 1e-6, "throughput_mbps": measures.bytes * (8e3 / measures.measured_ns),
    })
    how = {"own_pct": "sum", "offered_own_pct": "sum", "drops": "sum", "wait_max_ms": "max", "throughput_mbps": "sum",
           "growth_is_upper_bound": "max"}
    first = {c: "first" for c in frame.columns if c not in how and c != "name"}
    out = frame.groupby("name", sort=False).agg({**how, **first}).reset_index()
    peak = pd.DataFrame(np.nan_to_num(series - background).T).groupby(name, sort=False).sum().max(axis=1)
    out["load_pct"] = out["background_pct"] + out["own_pct"]
    out["offered_pct"] = out["background_pct"] + out["offered_own_pct"]
    out["load_peak_pct"] = (out["background_pct"] + peak.reindex(out["name"]).to_numpy()).fillna(out["load_pct"])
    return network_failures(out, world)


def _cells(measures: Measures, world: World, warmup_ns: int | None) -> pd.DataFrame:
    """Rows of cells, uplink and downlink apart: a load of one says nothing about the other."""
    cells = world.cells
    prb, grants = np.nan_to_num(cell_load_pct(measures)), np.nan_to_num(grant_load_pct(measures))
    measured = measured_buckets(measures, warmup_ns)
    series = 100.0 * np.nan_to_num(ratio(measures.series_cell_prb[measured], prb_per_bucket(measures, warmup_ns)[measured]))
    load = np.maximum(prb, grants)
    peak = np.maximum(series.max(axis=0), load) if len(series) else load
    limited_by = np.where(grants > prb, "grants", "PRB").astype(object)
    parks, operators = owner_names(world, cells["park"].to_numpy(), cells["operator"].to_numpy())
    stations = cell_groups(world)
    mbps = measures.cell_bytes * (8e3 / measures.measured_ns)
    bound = (measures.cell_lost > 0) | (load >= FULL_PCT)
    return pd.concat([pd.DataFrame({
        "name": cells["name"].to_numpy(object), "kind": "cell", "direction": direction, "park": parks, "operator": operators,
        "background_pct": 0.0, "load_pct": load[:, d], "offered_pct": load[:, d], "load_peak_pct": peak[:, d],
        "load_with_one_unit_failed_pct": load[:, d] * ratio(stations, stations - 1.0), "has_spare": stations > 1,
        "limited_by": limited_by[:, d], "next_step": [CELL_NEXT_STEPS[unit] for unit in limited_by[:, d]],
        "drops": measures.cell_lost[:, d], "growth_is_upper_bound": bound[:, d], "wait_max_ms": np.nan,
        "throughput_mbps": mbps[:, d],
    }) for d, direction in enumerate(("ul", "dl"))], ignore_index=True)
