"""Flows: one a device and traffic item of its class, with its hash, its alarm group and its routes."""

from __future__ import annotations

from dataclasses import dataclass

import networkx as nx
import numpy as np
import numpy.typing as npt
import pandas as pd

from twin.base.names import name_hash
from twin.world.core import Core
from twin.world.routes import is_acyclic
from twin.world.tables import DL

IntArray = npt.NDArray[np.int64]
_C1, _C2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


def flow_hashes(device_hash: np.ndarray, salt: np.ndarray) -> np.ndarray:
    """Hash of a device's flow of a traffic item (uint64): a bijective mix of the device's hash and the item's name."""
    with np.errstate(over="ignore"):
        x = device_hash ^ salt
        x = (x ^ (x >> np.uint64(30))) * _C1
        x = (x ^ (x >> np.uint64(27))) * _C2
        return np.asarray(x ^ (x >> np.uint64(31)))


@dataclass(frozen=True)
class Demand:
    """What devices send. kind: of each device, a row of `types_of_kind` (flow-type rows). item: name of each flow type's
    traffic item. access: of each device, a row of `accesses` (graph node, park, core operator), -1 without coverage."""

    device_hash: np.ndarray
    tenant: np.ndarray
    kind: np.ndarray
    types_of_kind: list[list[int]]
    item: list[str]
    access: np.ndarray
    accesses: list[tuple[str, int, int]]
    tenant_names: list[str]


def _expand(demand: Demand) -> tuple[IntArray, IntArray]:
    """Device and flow type of every flow, devices in order."""
    counts = np.array([len(t) for t in demand.types_of_kind], dtype=np.int64)[demand.kind]
    device = np.repeat(np.arange(len(demand.kind)), counts)
    position = np.arange(len(device)) - np.repeat(np.cumsum(counts) - counts, counts)
    table = np.full((len(demand.types_of_kind), max(map(len, demand.types_of_kind), default=0) or 1), -1, dtype=np.int64)
    for k, types in enumerate(demand.types_of_kind):
        table[k, :len(types)] = types
    return device, table[demand.kind[device], position]


def _groups(demand: Demand, types: pd.DataFrame, device: IntArray, flow_type: IntArray) -> np.ndarray:
    """Alarm group: devices of one tenant and flow type see the same events."""
    out = np.zeros(len(device), dtype=np.uint64)
    names = types["name"].to_list()
    for t in np.flatnonzero((types["generator"] == "alarm").to_numpy()):
        rows = np.flatnonzero(flow_type == t)
        tenants = demand.tenant[device[rows]]
        hashes = {int(i): name_hash(f"{demand.tenant_names[i]}/{names[t]}/events") for i in np.unique(tenants)}
        out[rows] = np.array([hashes[int(i)] for i in tenants], dtype=np.uint64)
    return out


def build_flows(demand: Demand, types: pd.DataFrame, core: Core) -> pd.DataFrame:
    """`World.flows`; makes the routes and resources that are needed in `core`."""
    device, flow_type = _expand(demand)
    access = demand.access[device]
    up = np.full((len(demand.accesses), len(types)), -1, dtype=np.int64)
    down = up.copy()
    applications = list(core.scenario.applications)
    served = access >= 0
    for key in np.unique(access[served] * len(types) + flow_type[served]):
        a, t = divmod(int(key), len(types))
        node, park, operator = demand.accesses[a]
        row = types.iloc[t]
        way = core.way(node, park, operator, applications[row.application])
        if row.direction != DL:
            up[a, t] = core.router.up(way)
        if row.direction == DL or row.response_bytes > 0:
            down[a, t] = core.router.down(way)
    salt = np.array([name_hash(f"flow/{name}") for name in demand.item], dtype=np.uint64)
    routes = [np.where(served, table[np.maximum(access, 0), flow_type], -1) if len(table) else np.full(len(device), -1)
              for table in (up, down)]
    return pd.DataFrame({
        "flow_hash": flow_hashes(demand.device_hash[device], salt[flow_type]) if len(device) else np.zeros(0, np.uint64),
        "group_hash": _groups(demand, types, device, flow_type), "device": device.astype(np.int32),
        "flow_type": flow_type.astype(np.int32), "route_up": routes[0].astype(np.int32),
        "route_down": routes[1].astype(np.int32)})


def acyclic(core: Core, flows: pd.DataFrame) -> bool:
    """Whether no resource can feed itself by the routes in use (request-response routes joined)."""
    both = flows.loc[(flows["route_up"] >= 0) & (flows["route_down"] >= 0), ["route_up", "route_down"]].drop_duplicates()
    return is_acyclic(core.router.routes, set(both.itertuples(index=False, name=None)))


def check_paths(graph: nx.Graph) -> list[str]:
    """Warnings about parts of the graph that no path joins."""
    parts = nx.number_connected_components(graph) if len(graph) else 0
    operators = len({d["operator"] for _, d in graph.nodes(data=True) if d["operator"] >= 0}) or 1
    return [f"the transport graph falls into {parts} parts for {operators} operators"] if parts > operators else []
