"""What gives way first for each park and application: the resource on its way with the least room to grow."""

from __future__ import annotations

import numpy as np
import pandas as pd

from twin.measure.resources import physical_names
from twin.measure.scopes import labels
from twin.world.tables import World

COLUMNS = ["park", "application", "bottleneck", "kind", "load_pct", "load_with_one_unit_failed_pct", "headroom_pct",
           "growth_to_headroom", "next_step"]


def bottleneck_rows(resources: pd.DataFrame, world: World) -> pd.DataFrame:
    """The first bottleneck of each park and application that has flows with a route.

    resources: the table of `resource_rows`, sorted by growth_to_headroom. Of all cells, links, pools and servers its bursts
    pass, the one whose traffic may grow least until it reaches the headroom. Idle resources never are a bottleneck.
    """
    parks, _, applications = labels(world)
    rank = {name: i for i, name in enumerate(resources["name"])}
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
    """Distinct pairs of (park*applications + application, resource or cell name) over all flows."""
    flows, devices = world.flows, world.devices
    device = flows["device"].to_numpy()
    application = world.flow_types["application"].to_numpy()[flows["flow_type"].to_numpy()]
    pa = devices["park"].to_numpy()[device].astype(np.int64) * len(world.applications) + application
    n_routes = len(world.route_start) - 1
    pairs = []
    for column in ("route_up", "route_down"):
        route = flows[column].to_numpy().astype(np.int64)
        pairs.append(np.unique((pa * max(n_routes, 1) + route)[route >= 0]))
    pair = np.unique(np.concatenate(pairs))
    key, route = np.divmod(pair, max(n_routes, 1))
    length = np.diff(world.route_start)[route]
    start = np.repeat(world.route_start[route] - (np.cumsum(length) - length), length)
    resource = world.route_resources[start + np.arange(length.sum())]
    cell = devices["cell"].to_numpy()[device].astype(np.int64)
    cell_pair = np.unique((pa * max(len(world.cells), 1) + cell)[cell >= 0])
    cell_key, cell_row = np.divmod(cell_pair, max(len(world.cells), 1))
    names = np.concatenate([physical_names(world)[resource], world.cells["name"].to_numpy(object)[cell_row]])
    return np.concatenate([np.repeat(key, length), cell_key]), names
