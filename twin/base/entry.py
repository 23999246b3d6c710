"""Where a burst enters a route: the one step that traffic, cells and transport share."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from twin.base import columns as col
from twin.base.jit import part


class Routes(NamedTuple):
    """start int64 (routes,): first item of each route; items int64: resources of all routes, each route closed by -1;
    resources int64 (resources, 16): the fixed columns; way int64 (items, 2): propagation and node latency (ns) of the
    route up to, not including, the item."""

    start: np.ndarray
    items: np.ndarray
    resources: np.ndarray
    way: np.ndarray


class Lists(NamedTuple):
    """Bursts that wait for a stage: (2 * cells, 3), row 2 * cell + direction; (resources, 3); (1, 3) the control plane."""

    cells: np.ndarray
    resources: np.ndarray
    access: np.ndarray


@part
def set_on_route(data, row, t_first, t_last, route, routes):
    """Make a burst ready for a route (never an empty one: the driver checks). Returns the first resource."""
    pos = routes.start[route]
    resource = routes.items[pos]
    data[row, col.POS] = pos
    data[row, col.STAGE] = 0
    data[row, col.PENDING] = 0
    data[row, col.AT_END] = 0
    data[row, col.T_IN] = t_last
    data[row, col.IDEAL_FIRST] = t_first - t_last
    data[row, col.IDEAL_LAST] = 0
    data[row, col.IDEAL_UPF] = 0
    data[row, col.UPF_WAIT] = 0
    data[row, col.BASE] = 0
    data[row, col.M_LAST] = t_last
    data[row, col.T] = t_last if routes.resources[resource, col.RS_KIND] == col.SERVER else t_first
    return resource


@part
def enter_route(bursts, row, t_first, t_last, route, routes, resource_lists):
    """Send a burst to the first resource of a route."""
    col.push(resource_lists, set_on_route(bursts.data, row, t_first, t_last, route, routes), bursts, row)


@part
def begin_way(bursts, row, t, flow, direction, routes, lists, done):
    """Put a burst where its way begins at t: its cell, its route, or nowhere."""
    route = flow[col.FL_ROUTE_UP] if direction == 0 else flow[col.FL_ROUTE_DOWN]
    if route == col.NONE:
        col.end_burst(done, bursts, row, t, col.NO_COVERAGE)
    elif direction == 0 and flow[col.FL_CH_UL] != col.NONE:
        bursts.data[row, col.T] = t
        bursts.data[row, col.CHANNEL], bursts.data[row, col.ROUTE] = flow[col.FL_CH_UL], route
        col.push(lists.cells, 2 * flow[col.FL_CELL], bursts, row)
    else:
        enter_route(bursts, row, t, t, route, routes, lists.resources)
