"""Small worlds for tests, built row by row instead of from scenarios."""

from __future__ import annotations

import dataclasses
from typing import Any

import networkx as nx
import numpy as np
import pandas as pd
from hypothesis import strategies as st

from twin.base.names import name_hash
from twin.world.tables import COLUMNS, LINK, N_NEIGHBOURS, POOL, SERVER, Clock, World

MS, US = 1_000_000, 1_000
NEVER = 1 << 50  # ns: a timer that does not run out in a test

#: Values of the columns a test does not name; other columns are 0, "" or False.
DEFAULTS: dict[str, dict[str, Any]] = {
    "parks": {"park_id": "P", "name_vi": "P", "name_en": "P"},
    "operators": {"operator_id": "op", "name": "op", "architecture": "sa"},
    "sites": {"name": "P/site", "kind": "mast"},
    "stations": {"name": "P/op/site", "technology": "nr", "status": "on_air"},
    "cells": {"tx_power_dbm": 40.0},
    "radios": {
        "scs_khz": 30, "n_prb": 51, "carrier_mhz": 3500.0, "duplex": "tdd", "pattern": "DDDSU", "special_dl_symbols": 10,
        "special_ul_symbols": 2, "k2_slots": 1, "sr_period_slots": 10, "sr_grant_bytes": 200, "max_grants_ul": 4,
        "max_grants_dl": 4, "gnb_processing_ns": 300 * US, "gnb_dl_processing_ns": 200 * US, "ue_processing_ns": 250 * US,
        "ue_tx_processing_ns": 150 * US, "max_harq_tx": 4, "harq_gain_q16": 6554, "l2_header_bytes": 5,
        "layers_dl": 2, "layers_ul": 1, "mcs_table": "qam64", "bler_set": "5glena",
        "bler_target": 0.1, "ue_power_dbm": 23.0, "p0_dbm": -90.0, "alpha": 0.8, "noise_figure_gnb_db": 5.0,
        "noise_figure_ue_db": 7.0, "ul_interference_rise_db": 3.0},
    "applications": {"application_id": "app", "name_vi": "app", "name_en": "app"},
    "tenants": {"name": "P/tenant-1"},
    "device_classes": {"device_class_id": "class"},
    "devices": {"cell": -1, "gain_db": -100.0},
    "flow_types": {
        "generator": "periodic", "period_ns": 10 * MS, "size_kind": "fixed", "size_bytes": 200, "size_max_bytes": 10_000,
        "gop": 1, "i_frame_bytes": 1_000, "on_mean_ns": 10 * MS, "off_mean_ns": 10 * MS, "spread_ns": 5 * MS,
        "join_q32": 1 << 32, "level": 1, "fiveqi": 9, "deadline_ns": 50 * MS,
        "discard_ns": NEVER, "rlc_buffer_bytes": 1 << 20, "mtu_payload_bytes": 1400},
    "flows": {"route_up": -1, "route_down": -1},
    "resources": {"kind": LINK, "rate_bps": 10**9, "rate_total_bps": 10**9, "buffer_bytes": 1 << 20, "workers": 1,
                  "service_kind": "fixed", "service_mean_ns": 100 * US, "queue_limit_ns": NEVER},
    "assumptions": {},
}
_BLANK = {"str": "", "bool": False, "f8": 0.0}


class Builder:
    """Collects rows; every method returns the row number of what it added. Names are made up where none is given."""

    def __init__(self) -> None:
        self._rows: dict[str, list[dict[str, Any]]] = {name: [] for name in COLUMNS}
        self._neighbours: list[dict[int, float]] = []
        self._routes: list[list[int]] = []
        self._activity: list[list[int]] = [[65536] * 24]
        for name in ("parks", "operators", "sites", "stations", "applications", "tenants", "device_classes"):
            self.add(name)

    def add(self, table: str, **values: Any) -> int:
        """A row of any table.

        Raises:
            ValueError: a column that the table does not have.
        """
        unknown = values.keys() - COLUMNS[table].keys()
        if unknown:
            raise ValueError(f"{table} has no column {sorted(unknown)}")
        row = {column: _BLANK.get(kind, 0) for column, kind in COLUMNS[table].items()}
        number = len(self._rows[table])
        if "name" in row:
            row["name"] = f"{table}-{number}"
        self._rows[table].append({**row, **DEFAULTS[table], **values})
        return number

    def radio(self, **values: Any) -> int:
        """A radio configuration; `duplex="fdd"` needs no pattern."""
        return self.add("radios", **values)

    def cell(self, radio: int = 0, **values: Any) -> int:
        """A cell."""
        return self.add("cells", radio=radio, **values)

    def device(self, neighbours: dict[int, float] | None = None, **values: Any) -> int:
        """A device; `neighbours` maps other cells to coupling gains in dB."""
        number = len(self._rows["devices"])
        self._neighbours.append(neighbours or {})
        return self.add("devices", **{"device_hash": name_hash(f"device-{number}"), **values})

    def flow_type(self, **values: Any) -> int:
        """A flow type."""
        return self.add("flow_types", **values)

    def flow(self, device: int, flow_type: int, route_up: int = -1, route_down: int = -1) -> int:
        """A flow of a device; flows of one type are one group."""
        number = len(self._rows["flows"])
        return self.add("flows", device=device, flow_type=flow_type, route_up=route_up, route_down=route_down,
                        flow_hash=name_hash(f"flow-{number}"), group_hash=name_hash(f"group-{flow_type}"))

    def link(self, **values: Any) -> int:
        """A directed link."""
        return self.add("resources", **{"rate_total_bps": values.get("rate_bps", 10**9), **values})

    def pool(self, **values: Any) -> int:
        """A UPF worker pool of one direction."""
        return self.add("resources", kind=POOL, **{"cost_per_packet_ns": 2_000, "cost_per_byte_ps": 300, **values})

    def server(self, **values: Any) -> int:
        """A server queue."""
        return self.add("resources", kind=SERVER, **values)

    def route(self, *resources: int) -> int:
        """A route over resources."""
        self._routes.append(list(resources))
        return len(self._routes) - 1

    def profile(self, hours: list[int]) -> int:
        """An activity profile: 24 shares in 1/65536. Profile 0 is always active."""
        self._activity.append(hours)
        return len(self._activity) - 1

    def build(self, start_of_day_ns: int = 0) -> World:
        """The world."""
        tables = {name: _frame(name, rows) for name, rows in self._rows.items()}
        neighbours = np.full((len(self._neighbours), N_NEIGHBOURS), -1, dtype=np.int32)
        gains = np.full((len(self._neighbours), N_NEIGHBOURS), -200.0)
        for device, cells in enumerate(self._neighbours):
            for i, (cell, gain_db) in enumerate(cells.items()):
                neighbours[device, i], gains[device, i] = cell, gain_db
        lengths = [0, *(len(route) for route in self._routes)]
        return World(
            **tables, neighbours=neighbours, neighbour_gain_db=gains, route_start=np.cumsum(lengths).astype(np.int32),
            route_resources=np.array([i for route in self._routes for i in route], dtype=np.int32),
            activity_q16=np.array(self._activity, dtype=np.int64), graph=nx.Graph(), start_of_day_ns=start_of_day_ns)


def _frame(table: str, rows: list[dict[str, Any]]) -> pd.DataFrame:
    columns = COLUMNS[table]
    data = {name: pd.Series([row[name] for row in rows], dtype="object" if kind == "str" else np.dtype(kind))
            for name, kind in columns.items()}
    return pd.DataFrame(data)


def tiny_world(n_devices: int = 4, duplex: str = "tdd", **flow_type: Any) -> World:
    """One cell; devices near and far with one uplink flow each; link, UPF, link, server; the way back for responses."""
    b = Builder()
    b.cell(b.radio(duplex=duplex))
    kind = b.flow_type(**flow_type)
    up = b.route(b.link(rate_bps=10**8, overhead_bytes=78, propagation_ns=5_000, node_ns=2_000), b.pool(),
                 b.link(overhead_bytes=38, propagation_ns=50_000), b.server(service_kind="exponential"))
    down = b.route(b.pool(), b.link(rate_bps=10**8, overhead_bytes=78, propagation_ns=5_000, node_ns=2_000))
    needs_down = flow_type.get("direction", 0) == 1 or flow_type.get("response_bytes", 0) > 0
    for i in range(n_devices):
        device = b.device(cell=0, gain_db=-95.0 - 10.0 * (i % 4))
        b.flow(device, kind, -1 if flow_type.get("direction", 0) == 1 else up, down if needs_down else -1)
    return b.build()


def rich_world() -> World:
    """Two interfering cells (TDD and FDD), every generator, configured grant, wired and uncovered flows, small buffers."""
    b = Builder()
    b.cell(b.radio())
    b.cell(b.radio(duplex="fdd", scs_khz=15, n_prb=25, k2_slots=4, sr_period_slots=5, bler_target=0.4, max_harq_tx=2))
    near, far = b.link(rate_bps=30_000_000, overhead_bytes=78, buffer_bytes=20_000, propagation_ns=3_000), b.link(node_ns=4_000)
    upf, servers = b.pool(workers=2), [b.server(service_kind="exponential", workers=2), b.server()]
    back, last = b.link(rate_bps=50_000_000, overhead_bytes=78, buffer_bytes=30_000), b.pool(queue_limit_ns=20_000)
    up, wired, down = b.route(near, upf, far, *servers), b.route(near, upf), b.route(last, back)
    kinds = [
        b.flow_type(period_ns=4 * MS, jitter_ns=MS, response_bytes=300, level=0),
        b.flow_type(generator="video", period_ns=33 * MS, size_bytes=8_000, i_frame_bytes=40_000, gop=5, level=2,
                    discard_ns=200 * MS, rlc_buffer_bytes=50_000),
        b.flow_type(generator="poisson", period_ns=3 * MS, size_kind="pareto", size_bytes=50, size_spread=1.5,
                    size_max_bytes=2_000),
        b.flow_type(generator="on_off", period_ns=2 * MS, size_kind="uniform", size_bytes=400, size_spread=0.5, level=3),
        b.flow_type(generator="alarm", period_ns=40 * MS, join_q32=3 << 30, level=0),
        b.flow_type(direction=1, generator="poisson", period_ns=5 * MS, size_bytes=3_000, level=2),
        b.flow_type(period_ns=8 * MS, cg_period_ns=5 * MS, cg_bytes=120, level=0),
        b.flow_type(generator="mar_periodic"),
    ]
    for i, kind in enumerate([*kinds, *kinds]):
        device = b.device({1 - i % 2: -118.0}, cell=i % 2, gain_db=-96.0 - 2.5 * i)
        is_dl = kind == 5
        b.flow(device, kind, -1 if is_dl else up, down if is_dl or kind == 0 else -1)
    b.flow(b.device(), kinds[0], wired, down)
    b.flow(b.device(), kinds[2], up)
    b.flow(b.device(), kinds[0])  # uncovered
    b.flow(b.device(), kinds[5])
    return b.build()


# Random worlds ------------------------------------------------------------------------------------------------------

_PATTERNS = (("tdd", "DDDSU", 10, 2), ("tdd", "DDSUU", 6, 5), ("tdd", "DSUUU", 3, 8), ("tdd", "DU", 0, 0), ("fdd", "", 0, 0),
             ("tdd", "DDDDDDDSUU", 12, 0))


@st.composite
def _radios(draw: Any) -> dict[str, Any]:
    duplex, pattern, down, up = draw(st.sampled_from(_PATTERNS))
    return {
        "duplex": duplex, "pattern": pattern, "special_dl_symbols": down, "special_ul_symbols": up,
        "scs_khz": draw(st.sampled_from((15, 30, 60))), "n_prb": draw(st.sampled_from((6, 25, 51))),
        "k2_slots": draw(st.integers(1, 4)), "sr_period_slots": max(1, len(pattern)) * draw(st.integers(1, 4)),
        "sr_grant_bytes": draw(st.sampled_from((20, 100, 1_000))), "max_grants_ul": draw(st.integers(1, 4)),
        "max_grants_dl": draw(st.integers(1, 4)), "max_harq_tx": draw(st.integers(1, 4)),
        "bler_target": draw(st.sampled_from((0.1, 0.5, 0.5))),
        "bler_set": draw(st.sampled_from(("5glena", "sionna"))),
        "harq_gain_q16": draw(st.sampled_from((6_554, 40_000))),
        "gnb_processing_ns": draw(st.sampled_from((0, 137_000, 500_000))), "l2_header_bytes": draw(st.sampled_from((3, 8))),
    }


@st.composite
def _flow_types(draw: Any) -> dict[str, Any]:
    generator = draw(st.sampled_from(("periodic", "video", "poisson", "on_off", "alarm", "periodic", "mar_periodic")))
    period = draw(st.sampled_from((MS, 2 * MS, 5 * MS, 7_300_001, 20 * MS)))
    direction = draw(st.sampled_from((0, 0, 1)))
    granted = direction == 0 and draw(st.integers(0, 3)) == 0
    return {
        "generator": generator, "period_ns": period, "direction": direction, "jitter_ns": draw(st.sampled_from((0, period // 2))),
        "size_kind": draw(st.sampled_from(("fixed", "uniform", "pareto"))), "size_spread": draw(st.sampled_from((0.5, 0.9))),
        "size_bytes": draw(st.sampled_from((1, 60, 60, 400, 1_400, 5_000))), "i_frame_bytes": 9_000,
        "gop": draw(st.integers(1, 4)), "on_mean_ns": 10 * MS, "off_mean_ns": 5 * MS,
        "spread_ns": draw(st.sampled_from((1, 3 * MS))), "join_q32": draw(st.sampled_from((1 << 31, 1 << 32))),
        "response_bytes": draw(st.sampled_from((0, 100, 3_000))) * (direction == 0),
        "level": draw(st.integers(0, 3)), "discard_ns": draw(st.sampled_from((3 * MS, 20 * MS, NEVER))),
        "rlc_buffer_bytes": draw(st.sampled_from((3_000, 20_000, 1 << 20))),
        "mtu_payload_bytes": draw(st.sampled_from((200, 1_400))),
        "cg_period_ns": draw(st.sampled_from((MS, 2_500_000, 10 * MS))) if granted else 0, "cg_bytes": 150 if granted else 0,
        "profile": draw(st.integers(0, 1)),
    }


@st.composite
def _links(draw: Any) -> dict[str, Any]:
    return {"rate_bps": draw(st.sampled_from((1_000_000, 7_777_777, 100_000_000, 10**10))),
            "overhead_bytes": draw(st.integers(0, 80)), "buffer_bytes": draw(st.sampled_from((0, 5_000, 100_000))),
            "propagation_ns": draw(st.sampled_from((0, 4_900, 500_000))), "node_ns": draw(st.sampled_from((0, 2_000)))}


@st.composite
def _pools(draw: Any) -> dict[str, Any]:
    return {"workers": draw(st.integers(1, 3)), "cost_per_packet_ns": draw(st.sampled_from((0, 2_000, 150_000))),
            "cost_per_byte_ps": draw(st.sampled_from((0, 333))), "queue_limit_ns": draw(st.sampled_from((0, 300_000, NEVER)))}


@st.composite
def _servers(draw: Any) -> dict[str, Any]:
    return {"workers": draw(st.integers(1, 2)), "service_kind": draw(st.sampled_from(("fixed", "exponential"))),
            "service_mean_ns": draw(st.sampled_from((1, 100_000, 2 * MS))), "queue_limit_ns": draw(st.sampled_from((MS, NEVER)))}


def _some(draw: Any, items: list[int], least: int = 1) -> list[int]:
    """A subset in order."""
    chosen = draw(st.sets(st.sampled_from(items), min_size=least, max_size=3))
    return [item for item in items if item in chosen]


def _hops(draw: Any, b: Builder) -> list[int]:
    hops = [b.link(**draw(_links())) for _ in range(draw(st.integers(1, 3)))]
    if draw(st.booleans()):
        hops.insert(draw(st.integers(0, len(hops))), b.pool(**draw(_pools())))
    return hops


def _line_routes(draw: Any, b: Builder) -> tuple[list[int], list[int]]:
    """Routes up and down along one order of all resources: what follows what has no cycle."""
    up, servers, down = _hops(draw, b), [b.server(**draw(_servers())) for _ in range(2)], _hops(draw, b)
    routes_up = [b.route(*_some(draw, up), *_some(draw, servers, least=0)) for _ in range(2)]
    return routes_up, [b.route(*_some(draw, down)) for _ in range(2)]


def _ring_routes(draw: Any, b: Builder) -> tuple[list[int], list[int]]:
    """Routes around a ring of links, up and down over the same ones."""
    ring, server = [b.link(**draw(_links())) for _ in range(draw(st.integers(2, 4)))], b.server(**draw(_servers()))
    pool = b.pool(**draw(_pools()))

    def arc() -> list[int]:
        start, length = draw(st.integers(0, len(ring) - 1)), draw(st.integers(1, len(ring)))
        return [ring[(start + i) % len(ring)] for i in range(length)]

    routes_up = [b.route(*arc(), *([pool] if draw(st.booleans()) else []), server) for _ in range(3)]
    return routes_up, [b.route(*arc()) for _ in range(2)]


def _add_flows(draw: Any, b: Builder, n_cells: int, routes_up: list[int], routes_down: list[int]) -> None:
    kinds = [draw(_flow_types()) for _ in range(draw(st.integers(1, 4)))]
    numbers = [b.flow_type(**kind) for kind in kinds]
    for _ in range(draw(st.integers(1, 12))):
        where = draw(st.sampled_from(("cell", "cell", "cell", "cell", "wired", "nowhere")))
        cell = draw(st.integers(0, n_cells - 1)) if where == "cell" else -1
        others = {other: -115.0 for other in range(n_cells) if other != cell} if where == "cell" else {}
        device = b.device(others, cell=cell, gain_db=draw(st.integers(-1370, -950)) / 10)
        pick = draw(st.integers(0, len(kinds) - 1))
        kind = kinds[pick]
        uses_up = where != "nowhere" and kind["direction"] == 0
        uses_down = where != "nowhere" and (kind["direction"] == 1 or kind["response_bytes"] > 0)
        b.flow(device, numbers[pick], draw(st.sampled_from(routes_up)) if uses_up else -1,
               draw(st.sampled_from(routes_down)) if uses_down else -1)


@st.composite
def worlds(draw: Any, rings: bool = False) -> tuple[World, Clock]:
    """A small random world, often overloaded, and a clock. Without `rings` no resource is reached again by what it feeds."""
    b = Builder()
    b.profile(draw(st.lists(st.sampled_from((65536, 40_000)), min_size=24, max_size=24)) if draw(st.booleans()) else [65536] * 24)
    n_cells = draw(st.integers(1, 3))
    n_radios = draw(st.integers(1, 2))
    for _ in range(n_radios):
        b.radio(**draw(_radios()))
    for _ in range(n_cells):
        b.cell(draw(st.integers(0, n_radios - 1)), initial_load_dl_q16=draw(st.sampled_from((0, 65536))))
    _add_flows(draw, b, n_cells, *(_ring_routes if rings else _line_routes)(draw, b))
    clock = Clock(horizon_ns=draw(st.sampled_from((30, 120, 230))) * MS, epoch_ns=draw(st.sampled_from((20, 50))) * MS,
                  seed=draw(st.integers(0, 1000)))
    return b.build(start_of_day_ns=draw(st.sampled_from((0, 3_599_950 * MS)))), clock


def with_columns(world: World, table: str, **values: Any) -> World:
    """A copy of a world with columns of one table set."""
    return dataclasses.replace(world, **{table: getattr(world, table).assign(**values)})
