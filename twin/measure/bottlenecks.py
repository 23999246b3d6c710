"""What gives way first for each park and application: the resource on its way with the least room to grow."""

from __future__ import annotations

import numpy as np
import pandas as pd

from twin.measure.resources import physical_names
from twin.measure.scopes import labels
from twin.world.tables import UL, World

_MARK = "\t"  # between a name and its direction
COLUMNS = ["park", "application", "bottleneck", "kind", "direction", "limited_by", "load_pct", "load_with_one_unit_failed_pct",
           "headroom_pct", "growth_to_headroom", "growth_is_upper_bound", "next_step"]


def bottleneck_rows(resources: pd.DataFrame, world: World) -> pd.DataFrame:
    """The first bottleneck of each park and application that has flows with a route.

    resources: the table of `resource_rows`, sorted by growth_to_headroom. Of all cells, links, pools and servers its bursts
    pass, the one whose traffic may grow least until it reaches the headroom; cells only in the directions that it uses. Idle
    resources never are a bottleneck.
    """
    parks, _, applications = labels(world)
    rank = {name: i for i, name in enumerate(resources["name"] + _MARK + resources["direction"])}
    busy = resources["growth_to_headroom"].notna().to_numpy()
    key, name = _passed(world)
    order = np.array([rank.get(n, -1) for n in name], dtype=np.int64)
    known = (order >= 0) & np.append(busy, False)[order]
    first = pd.Series(order[known]).groupby(key[known]).min()
    index = first.index.to_numpy(dtype=np.int64)
    found = resources.iloc[first.to_numpy()].reset_index(drop=True)
    return found.rename(columns={"name": "bottleneck"}).drop(columns="park").assign(
        park=parks[index // len(applications)], application=applications[index % len(applications)])[COLUMNS]


def _passed(world: World) -> tuple[np.ndarray, np.ndarray]:
    """Distinct pairs of (park*applications + application, name and direction of a resource or cell) over all flows."""
    flows, devices = world.flows, world.devices
    device = flows["device"].to_numpy()
    kind = flows["flow_type"].to_numpy()
    types = world.flow_types
    pa = devices["park"].to_numpy()[device].astype(np.int64) * len(world.applications) + types["application"].to_numpy()[kind]
    cell = devices["cell"].to_numpy()[device].astype(np.int64)
    up = (types["direction"] == UL).to_numpy()
    down = ~up | (types["response_bytes"] > 0).to_numpy()
    keys, names = [], []
    for route_column, direction, used in (("route_up", "ul", up[kind]), ("route_down", "dl", down[kind])):
        key, route = _distinct(pa, flows[route_column].to_numpy().astype(np.int64), used, len(world.route_start) - 1)
        length = np.diff(world.route_start)[route]
        start = np.repeat(world.route_start[route] - (np.cumsum(length) - length), length)
        resource = world.route_resources[start + np.arange(length.sum())]
        cell_key, cell_row = _distinct(pa, cell, used, len(world.cells))
        keys += [np.repeat(key, length), cell_key]
        names += [physical_names(world)[resource] + _MARK,
                  world.cells["name"].to_numpy(object)[cell_row] + _MARK + direction]
    return np.concatenate(keys), np.concatenate(names)


def _distinct(key: np.ndarray, value: np.ndarray, used: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Distinct pairs of key and value (0 <= value < n) among the rows that are used."""
    keep = used & (value >= 0)
    pair = np.unique(key[keep] * max(n, 1) + value[keep])
    return np.divmod(pair, max(n, 1))
