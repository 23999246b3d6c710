"""State of the network, and the event heap of resources that feed each other (docs/model.md, section 5)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from twin.base import columns as col
from twin.base.arrivals import before
from twin.base.jit import part, routine

# Kinds of event in a component, in their order within one instant.
COMPLETION, ARRIVAL, START = 0, 1, 2


class Net(NamedTuple):
    """State of the network and what its kernels need to hand bursts on."""

    links: np.ndarray  # int64 (resources, LINK_COLUMNS)
    workers: np.ndarray  # int64 (all workers,): when each is free
    counts: np.ndarray  # int64 (resources, 5)
    flows: np.ndarray  # int64 (flows, 16)
    types: np.ndarray  # int64 (types, 18)
    cells: np.ndarray  # int64 (2 * cells, CELL_COLUMNS)
    radios: np.ndarray  # int64 (2 * radios, 15)
    heap: np.ndarray  # int64 (heap capacity, 3): time, kind, burst or resource
    heap_size: np.ndarray  # int64 (2,): size; component that is on the heap, -1 none


@part
def event_before(net, data, a, b):
    """Order of two heap entries."""
    for column in range(2):
        if net.heap[a, column] != net.heap[b, column]:
            return net.heap[a, column] < net.heap[b, column]
    if net.heap[a, 1] != ARRIVAL:
        return net.heap[a, 2] < net.heap[b, 2]
    return before(data, net.flows, net.heap[a, 2], net.heap[b, 2], net.heap[a, 0])


@part
def swap_events(net, a, b):
    """Exchange two heap entries."""
    for column in range(3):
        net.heap[a, column], net.heap[b, column] = net.heap[b, column], net.heap[a, column]


@routine
def heap_push(net, data, t, kind, what):
    """Add an event of the component in hand."""
    i = net.heap_size[0]
    net.heap_size[0] = i + 1
    net.heap[i, 0], net.heap[i, 1], net.heap[i, 2] = t, kind, what
    while i > 0 and event_before(net, data, i, (i - 1) >> 1):
        swap_events(net, i, (i - 1) >> 1)
        i = (i - 1) >> 1


@routine
def heap_pop(net, data):
    """Remove the first event; it stays readable in row `heap_size`."""
    n = net.heap_size[0] - 1
    net.heap_size[0] = n
    swap_events(net, 0, n)
    i = 0
    while True:
        c = 2 * i + 1
        if c >= n:
            break
        if c + 1 < n and event_before(net, data, c + 1, c):
            c += 1
        if not event_before(net, data, c, i):
            break
        swap_events(net, c, i)
        i = c


@part
def arrive(net, bursts, resource_lists, routes, resource, row, t):
    """A burst is on its way to a resource, where it arrives at t."""
    bursts.data[row, col.T] = t
    if net.heap_size[1] >= 0 and routes.resources[resource, col.RS_COMPONENT] == net.heap_size[1]:
        heap_push(net, bursts.data, t, ARRIVAL, row)
    else:
        col.push(resource_lists, resource, bursts, row)
