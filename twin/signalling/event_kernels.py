"""The event heap of the control plane and the order of events within one instant (docs/signalling.md, section 2)."""

from __future__ import annotations

import numpy as np

from twin.base import signal_columns as sc
from twin.base.draws import tie_key
from twin.base.jit import part, routine


@part
def rank_key(rank, entity, t):
    """Order within an instant as one non-negative int64: the kind of event, then the tie key of the entity's hash."""
    return (np.int64(rank) << np.int64(60)) | np.int64(tie_key(np.uint64(entity), t) >> np.uint64(4))


@part
def goes_before(heap, i, t, key, what):
    """Whether event i of the heap goes before one of these."""
    if heap[i, sc.EV_T] != t:
        return heap[i, sc.EV_T] < t
    if heap[i, sc.EV_KEY] != key:
        return heap[i, sc.EV_KEY] < key
    return heap[i, sc.EV_WHAT] < what


@routine
def push_keyed(ctl, t, key, what, where):
    """Add an event whose place within its instant is known."""
    heap = ctl.heap
    i = ctl.sizes[sc.SZ_HEAP]
    ctl.sizes[sc.SZ_HEAP] = i + 1
    while i > 0:
        parent = (i - 1) >> 1
        if goes_before(heap, parent, t, key, what):
            break
        heap[i, 0], heap[i, 1], heap[i, 2], heap[i, 3] = heap[parent, 0], heap[parent, 1], heap[parent, 2], heap[parent, 3]
        i = parent
    heap[i, sc.EV_T], heap[i, sc.EV_KEY], heap[i, sc.EV_WHAT], heap[i, sc.EV_ROW] = t, key, what, where


@routine
def push_ranked(ctl, t, rank, entity, what, where):
    """Add an event of an entity."""
    push_keyed(ctl, t, rank_key(rank, entity, t), what, where)


@part
def push_event(ctl, t, rank, entity, kind, number, generation, row, other):
    """Add an event. The caller's loop keeps enough room."""
    what = (np.int64(number) << np.int64(32)) | (np.int64(generation) << np.int64(8)) | np.int64(kind)
    push_ranked(ctl, t, np.int64(rank), entity, what, (np.int64(other) << np.int64(32)) | np.int64(row))


@part
def push_timer(ctl, t, device_hash, order, minor, kind, generation, row, other):
    """Add a timer event: of a device's timers that run out together by `order`, then `minor`."""
    number = (np.int64(order) << np.int64(sc.TM_SHIFT)) | (minor & np.int64((1 << sc.TM_SHIFT) - 1))
    push_event(ctl, t, sc.RANK_TIMER, device_hash, kind, number, generation, row, other)


@routine
def pop_event(ctl):
    """Take the first event away (its columns have been read)."""
    heap = ctl.heap
    n = ctl.sizes[sc.SZ_HEAP] - 1
    ctl.sizes[sc.SZ_HEAP] = n
    if n == 0:
        return
    t, key, what, row = heap[n, 0], heap[n, 1], heap[n, 2], heap[n, 3]
    i = np.int64(0)
    while True:
        child = 2 * i + 1
        if child >= n:
            break
        if child + 1 < n and goes_before(heap, child + 1, heap[child, 0], heap[child, 1], heap[child, 2]):
            child += 1
        if not goes_before(heap, child, t, key, what):
            break
        heap[i, 0], heap[i, 1], heap[i, 2], heap[i, 3] = heap[child, 0], heap[child, 1], heap[child, 2], heap[child, 3]
        i = child
    heap[i, 0], heap[i, 1], heap[i, 2], heap[i, 3] = t, key, what, row
