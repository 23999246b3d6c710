"""Slots of a cell and the channels that wait for one (docs/model.md, section 4)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from twin.base import columns as col
from twin.base.jit import part

HEAP_T, HEAP_KEY, HEAP_CH = range(3)
SIGN = np.uint64(1 << 63)  # turns the order of uint64 into that of int64


class Air(NamedTuple):
    """Tables of the radio interface. Row of a cell or radio and direction d: 2 * number + d."""

    radios: np.ndarray  # int64 (2 * radios, 15)
    usable: np.ndarray  # bool (2 * radios, period)
    lead: np.ndarray  # int64 (2 * radios, period): B_n - D_n
    after: np.ndarray  # int64 (2 * radios, period): from slot q to the first usable slot n with D_n >= B_q
    usable_from: np.ndarray  # int64 (2 * radios, period): from slot q to the first usable slot n >= q
    uplink: np.ndarray  # bool (2 * radios, period)
    symbols: np.ndarray  # int64 (2 * radios, period): for data
    table: np.ndarray  # int64 (2 * radios, period): payload table of the slot
    payload: np.ndarray  # int32 (tables, mcs, prb + 1)
    cells: np.ndarray  # int64 (2 * cells, CELL_COLUMNS)
    channels: np.ndarray  # int64 (channels, 24)
    booked: np.ndarray  # int64 (2 * cells, RING)
    heap: np.ndarray  # int64 (channels, 4): waiting channels of each cell by ready time: time, order of equals, channel
    parked: col.Parked  # bursts that wait long in full cells


@part
def usable_slot(air, r, n):
    """First usable slot at or after n."""
    return n + air.usable_from[r, n % air.radios[r, col.RA_PERIOD]]


@part
def decision_time(air, r, n):
    """D_n of a usable slot."""
    return n * air.radios[r, col.RA_SLOT] - air.lead[r, n % air.radios[r, col.RA_PERIOD]]


@part
def first_slot(air, r, tau):
    """First usable slot n with D_n >= tau: D_n is the start of a slot, so only the first slot at or after tau matters."""
    slot = air.radios[r, col.RA_SLOT]
    q = (tau + slot - 1) // slot
    return q + air.after[r, q % air.radios[r, col.RA_PERIOD]]


@part
def occasion_slot(air, r, t):
    """First usable slot that starts at or after t."""
    slot = air.radios[r, col.RA_SLOT]
    return usable_slot(air, r, (t + slot - 1) // slot)


@part
def earlier(heap, a, t, key):
    """Heap entry a goes before (t, key)."""
    return heap[a, HEAP_T] < t or (heap[a, HEAP_T] == t and heap[a, HEAP_KEY] < key)


@part
def heap_set(heap, i, t, key, ch):
    """Write a heap entry."""
    heap[i, HEAP_T], heap[i, HEAP_KEY], heap[i, HEAP_CH] = t, key, ch


@part
def heap_add(heap, start, size, t, tie, ch):
    """Add a waiting channel to its cell's heap. tie: uint64, the order of equals."""
    key = np.int64(tie ^ SIGN)
    i = size
    while i > 0 and not earlier(heap, start + ((i - 1) >> 1), t, key):
        p = start + ((i - 1) >> 1)
        heap_set(heap, start + i, heap[p, HEAP_T], heap[p, HEAP_KEY], heap[p, HEAP_CH])
        i = (i - 1) >> 1
    heap_set(heap, start + i, t, key, ch)


@part
def heap_take(heap, start, size):
    """Remove the earliest channel of a cell's heap of `size` and return it."""
    first = heap[start, HEAP_CH]
    last = start + size - 1
    t, key, ch = heap[last, HEAP_T], heap[last, HEAP_KEY], heap[last, HEAP_CH]
    i = 0
    while True:
        p = start + 2 * i + 1
        if p >= last:
            break
        if p + 1 < last and earlier(heap, p + 1, heap[p, HEAP_T], heap[p, HEAP_KEY]):
            p += 1
        if not earlier(heap, p, t, key):
            break
        heap_set(heap, start + i, heap[p, HEAP_T], heap[p, HEAP_KEY], heap[p, HEAP_CH])
        i = p - start
    heap_set(heap, start + i, t, key, ch)
    return first
