"""Parking of bursts that wait long in an uplink buffer: the same burst in a small record, with no effect on what happens to it.

A channel that finds no room in a full cell keeps its buffer full for as long as the cell is full, and many small bursts fit in
it. Behind the first bursts of such a channel the following ones wait as records of a few numbers; what is missing is the same
for all bursts of a channel, or follows from these.
"""

from __future__ import annotations

import numpy as np

from twin.base import columns as col
from twin.base.jit import part, routine

PARK_AFTER_NS = 20_000_000  # how long the first burst of a channel has waited when others are parked behind it


@part
def is_parking(channel, data, t):
    """Whether a burst that arrives at t in an uplink channel is parked: behind parked ones, or when the first waits long."""
    if channel[col.CH_PARKED] != 0:
        return True
    return channel[col.CH_STATUS] == col.ACTIVE and t - data[channel[col.CH_HEAD], col.T] > PARK_AFTER_NS


@routine
def park(parked, channel, bursts, row, ready):
    """Keep a burst at the end of the queue of a channel as a record, and give its row back."""
    data, n = bursts.data, parked.n
    p = n[col.PN_FREE]
    if p != 0:
        n[col.PN_FREE] = parked.data[p, col.PK_LINK]
    else:
        p = n[col.PN_TOP]
        n[col.PN_TOP] = p + 1
    n[col.PN_COUNT] += 1
    record = parked.data[p]
    record[col.PK_LINK] = (ready - data[row, col.T]) << col.PK_NEXT_BITS
    record[col.PK_T], record[col.PK_T_GEN], record[col.PK_SEQ] = data[row, col.T], data[row, col.T_GEN], data[row, col.SEQ]
    record[col.PK_BYTES] = data[row, col.BYTES]
    if channel[col.CH_PARKED] == 0:
        channel[col.CH_PARKED] = p
    else:
        parked.data[channel[col.CH_PARKED_LAST], col.PK_LINK] |= p
    channel[col.CH_PARKED_LAST] = p
    col.free_row(bursts, row)


@routine
def unpark(parked, channel, bursts, gone):
    """Burst `gone` has left the queue of a channel: its first parked burst gets a row again, at the end of the queue."""
    data = bursts.data
    p = channel[col.CH_PARKED]
    record = parked.data[p]
    row = col.take_row(bursts)
    for i in range(col.BURST_COLUMNS):
        data[row, i] = 0
    for i in (col.FLOW, col.LEVEL, col.MTU, col.DIR, col.CHANNEL):
        data[row, i] = data[gone, i]
    size, mtu = record[col.PK_BYTES], data[gone, col.MTU]
    packets = (size + mtu - 1) // mtu if size > mtu else np.int64(1)
    data[row, col.BYTES], data[row, col.REMAINING] = size, size
    data[row, col.PACKETS], data[row, col.LAST_BYTES] = packets, size - (packets - 1) * mtu
    data[row, col.T], data[row, col.T_GEN], data[row, col.SEQ] = record[col.PK_T], record[col.PK_T_GEN], record[col.PK_SEQ]
    data[row, col.READY] = record[col.PK_T] + (record[col.PK_LINK] >> col.PK_NEXT_BITS)
    data[row, col.PART + col.P_ACCESS] = record[col.PK_T] - record[col.PK_T_GEN]
    data[row, col.B_FIRST], data[row, col.T_END] = col.NONE, col.NONE
    bursts.next[row] = col.NONE
    if channel[col.CH_HEAD] == col.NONE:
        channel[col.CH_HEAD] = row
    else:
        bursts.next[channel[col.CH_TAIL]] = row
    channel[col.CH_TAIL] = row
    channel[col.CH_PARKED] = record[col.PK_LINK] & col.PK_NEXT_MASK
    record[col.PK_LINK] = parked.n[col.PN_FREE]
    parked.n[col.PN_FREE] = p
    parked.n[col.PN_COUNT] -= 1
    return row
