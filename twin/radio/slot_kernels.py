"""Slots of a cell and the channels that wait for one (docs/model.md, section 4)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from twin.base import columns as col
from twin.base.jit import part


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
    heap_t: np.ndarray  # int64 (channels,): waiting channels of each cell by ready time
    heap_key: np.ndarray  # uint64
    heap_ch: np.ndarray  # int64


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
def heap_add(air, start, size, t, key, ch):
    """Add a waiting channel to its cell's heap."""
    i = size
    while i > 0:
        up = (i - 1) >> 1
        p = start + up
        if air.heap_t[p] < t or (air.heap_t[p] == t and air.heap_key[p] <= key):
            break
        air.heap_t[start + i], air.heap_key[start + i], air.heap_ch[start + i] = air.heap_t[p], air.heap_key[p], air.heap_ch[p]
        i = up
    air.heap_t[start + i], air.heap_key[start + i], air.heap_ch[start + i] = t, key, ch


@part
def heap_take(air, start, size):
    """Remove the earliest channel of a cell's heap and return it. `size` counts it."""
    first = air.heap_ch[start]
    last = start + size - 1
    t, key, ch = air.heap_t[last], air.heap_key[last], air.heap_ch[last]
    size -= 1
    i = 0
    while True:
        c = 2 * i + 1
        if c >= size:
            break
        p = start + c
        if c + 1 < size and (
            air.heap_t[p + 1] < air.heap_t[p] or (air.heap_t[p + 1] == air.heap_t[p] and air.heap_key[p + 1] < air.heap_key[p])
        ):
            c += 1
            p += 1
        if t < air.heap_t[p] or (t == air.heap_t[p] and key <= air.heap_key[p]):
            break
        air.heap_t[start + i], air.heap_key[start + i], air.heap_ch[start + i] = air.heap_t[p], air.heap_key[p], air.heap_ch[p]
        i = c
    air.heap_t[start + i], air.heap_key[start + i], air.heap_ch[start + i] = t, key, ch
    return first
