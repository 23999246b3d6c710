"""Worlds that are made from nothing but numbers: many equal devices, and a single cell."""

from __future__ import annotations

from typing import Any

import networkx as nx
import numpy as np
import pandas as pd

from twin.world.tables import COLUMNS, LINK, N_NEIGHBOURS, POOL, SERVER, World

US, MS, S = 1_000, 1_000_000, 1_000_000_000
DEVICES_PER_CELL = 100
CELLS_PER_CORE = 100

RADIO: dict[str, Any] = {
    "name": "radio", "scs_khz": 30, "n_prb": 106, "carrier_mhz": 3500.0, "duplex": "tdd", "pattern": "DDDSU",
    "special_dl_symbols": 10, "special_ul_symbols": 2, "k2_slots": 1, "sr_period_slots": 20, "sr_grant_bytes": 200,
    "max_grants_ul": 8, "max_grants_dl": 8, "gnb_processing_ns": 300 * US, "gnb_dl_processing_ns": 200 * US,
    "ue_processing_ns": 250 * US, "ue_tx_processing_ns": 150 * US, "max_harq_tx": 4, "harq_gain_q16": 6554,
    "l2_header_bytes": 5, "layers_dl": 2, "layers_ul": 1, "mcs_table": "qam64", "bler_set": "5glena", "bler_target": 0.1,
    "ue_power_dbm": 23.0, "p0_dbm": -90.0, "alpha": 0.8, "noise_figure_gnb_db": 5.0, "noise_figure_ue_db": 7.0,
    "ul_interference_rise_db": 3.0}
FLOW_TYPE: dict[str, Any] = {
    "name": "report", "generator": "periodic", "period_ns": S, "size_kind": "fixed", "size_bytes": 200, "size_max_bytes": 10_000,
    "gop": 1, "i_frame_bytes": 1_000, "on_mean_ns": S, "off_mean_ns": S, "spread_ns": S, "join_q32": 1 << 32, "level": 1,
    "fiveqi": 9, "deadline_ns": 100 * MS, "discard_ns": 1 << 50, "rlc_buffer_bytes": 1 << 20, "mtu_payload_bytes": 1400}
#: The resources of one core site, after the links of its cells: worker pool, link, server.
CORE: dict[str, list[Any]] = {
    "kind": [POOL, LINK, SERVER], "rate_bps": [0, 10**10, 0], "rate_total_bps": [0, 10**10, 0], "overhead_bytes": [0, 38, 0],
    "buffer_bytes": [0, 1 << 22, 0], "propagation_ns": [0, 200_000, 0], "workers": [2, 1, 4],
    "cost_per_packet_ns": [2_000, 0, 0], "cost_per_byte_ps": [300, 0, 0], "service_mean_ns": [0, 0, 50 * US],
    "queue_limit_ns": [1 << 50] * 3}


def _table(table: str, rows: int, /, **values: Any) -> pd.DataFrame:
    """A table of `rows` rows; columns that are not given are empty, False or 0."""
    data = {}
    for column, kind in COLUMNS[table].items():
        if kind == "str":
            blank = "fixed" if column == "service_kind" else f"{table}-0"
            data[column] = np.full(rows, values.get(column, blank), dtype=object)
        else:
            data[column] = np.array(np.broadcast_to(values.get(column, 0), rows)).astype(kind)
    return pd.DataFrame(data)


def _hashes(rows: int, salt: int) -> np.ndarray:
    """Distinct well-mixed 64-bit numbers (splitmix64)."""
    x = np.arange(1, rows + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(salt << 32)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def _resources(n_cells: int, n_cores: int) -> pd.DataFrame:
    """A link for each cell, then the resources of each core site."""
    links = _table("resources", n_cells, kind=LINK, rate_bps=10**9, rate_total_bps=10**9, overhead_bytes=78,
                   buffer_bytes=1 << 20, propagation_ns=5_000, node_ns=2_000, workers=1, queue_limit_ns=1 << 50)
    core = _table("resources", len(CORE["kind"]) * n_cores, **{k: np.tile(v, n_cores) for k, v in CORE.items()})
    table = pd.concat([links, core], ignore_index=True)
    table["name"] = [f"resource-{i}" for i in range(len(table))]
    return table


def _routes(n_cells: int) -> np.ndarray:
    """Route of each cell: its own link, then pool, link and server of its core site."""
    own = np.arange(n_cells)
    core = n_cells + len(CORE["kind"]) * (own // CELLS_PER_CORE)
    return np.stack([own, core, core + 1, core + 2], axis=1).astype(np.int32)


def many_devices(n: int, devices_per_cell: int = DEVICES_PER_CELL, **flow_type: Any) -> World:
    """`n` devices with one flow each, upwards; cells, links and core sites grow with them, so that all is equally loaded."""
    n_cells = -(-n // devices_per_cell)
    cell = np.arange(n, dtype=np.int32) // devices_per_cell
    # Coupling from near to the edge, in an order that differs from cell to cell; the next cells interfere.
    gain = -85.0 - (np.arange(n) * 7919 % 101) * 0.3
    neighbours = np.full((n, N_NEIGHBOURS), -1, dtype=np.int32)
    others = min(3, n_cells - 1)
    for k in range(others):
        neighbours[:, k] = (cell + k + 1) % n_cells
    neighbour_gain = np.where(neighbours >= 0, gain[:, None] - 8.0 - 3.0 * np.arange(N_NEIGHBOURS), -200.0)
    routes = _routes(n_cells)
    return World(
        parks=_table("parks", 1), operators=_table("operators", 1), sites=_table("sites", 1), stations=_table("stations", 1),
        cells=_table("cells", n_cells, tx_power_dbm=44.0), radios=_table("radios", 1, **RADIO),
        applications=_table("applications", 1), tenants=_table("tenants", 1), device_classes=_table("device_classes", 1),
        devices=_table("devices", n, device_hash=_hashes(n, 1), cell=cell, gain_db=gain),
        neighbours=neighbours, neighbour_gain_db=neighbour_gain, flow_types=_table("flow_types", 1, **{**FLOW_TYPE, **flow_type}),
        flows=_table("flows", n, flow_hash=_hashes(n, 2), group_hash=1, device=np.arange(n), route_up=cell, route_down=-1),
        resources=_resources(n_cells, -(-n_cells // CELLS_PER_CORE)),
        route_start=np.arange(0, 4 * n_cells + 1, 4, dtype=np.int32), route_resources=routes.ravel(),
        activity_q16=np.full((1, 24), 65536, dtype=np.int64), graph=nx.Graph(), assumptions=pd.DataFrame())


def single_cell() -> World:
    """One cell with 100 devices that send 150 B each 100 ms."""
    return many_devices(100, period_ns=100 * MS, size_bytes=150)


def scenario_world(name: str, *overrides: str) -> World:
    """The world of a scenario of the suite."""
    from twin.scenario import load
    from twin.world.build import build_world

    return build_world(load(f"scenarios/{name}.yaml", overrides))
