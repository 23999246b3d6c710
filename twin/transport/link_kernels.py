"""Links: packet trains in strict priority, cut at packets, tail drop (docs/model.md, section 5)."""

from __future__ import annotations

import numpy as np

from twin.base import columns as col
from twin.base.jit import part
from twin.transport.way_kernels import end_on_way, hand_on, release

N_LEVELS = 4
FS = np.int64(1_000_000)


@part
def serialisation(res, size):
    """Time (ns) a packet of `size` bytes keeps a link busy."""
    return ((size + res[col.RS_OVERHEAD]) * res[col.RS_FS_PER_BYTE] + FS - 1) // FS


@part
def link_begin(net, bursts, routes, lists, done, resource, level, row, s):
    """The link sends the first packet of a train at s; the packet is on its way to the next resource."""
    data, link, res = bursts.data, net.links[resource], routes.resources[resource]
    at = col.LK_LEVELS + col.LV_WIDTH * level
    packets = data[row, col.PACKETS]
    last = serialisation(res, data[row, col.LAST_BYTES])
    full = last if packets == 1 else serialisation(res, data[row, col.MTU])
    delay, base = res[col.RS_DELAY], data[row, col.BASE]
    end = s + (packets - 1) * full + last
    link[col.LK_LEVEL], link[col.LK_CUT], link[col.LK_END] = level, 0, end
    if packets == 1 or level == 0:
        # Nothing can interrupt it: its end is known now.
        data[row, col.M_LAST] = max(data[row, col.M_LAST], end + delay - base)
        link[at + col.LV_ROW], link[at + col.LV_LEFT] = col.ANONYMOUS, 1
    else:
        data[row, col.PENDING] += 1
        link[col.LK_START] = s
        link[at + col.LV_ROW], link[at + col.LV_LEFT] = row, packets
        link[at + col.LV_SER], link[at + col.LV_SER_LAST], link[at + col.LV_BASE] = full, last, base
    hand_on(net, bursts, routes, lists, done, row, s + full + delay)


@part
def link_start(net, bursts, routes, lists, done, resource, level, s):
    """The link takes the next train of a level at s: the one that was interrupted, or the head of the queue."""
    link = net.links[resource]
    at = col.LK_LEVELS + col.LV_WIDTH * level
    link[col.LK_QUEUED] -= 1
    if link[at + col.LV_ROW] != col.NONE:
        link[col.LK_LEVEL], link[col.LK_START], link[col.LK_CUT] = level, s, 0
        link[col.LK_END] = s + (link[at + col.LV_LEFT] - 1) * link[at + col.LV_SER] + link[at + col.LV_SER_LAST]
        return
    row = link[at + col.LV_HEAD]
    link[at + col.LV_HEAD] = bursts.next[row]
    link_begin(net, bursts, routes, lists, done, resource, level, row, s)


@part
def link_finish(net, bursts, routes, lists, done, resource):
    """The train in service has come to the end of its (perhaps cut) service at LK_END."""
    link = net.links[resource]
    at = col.LK_LEVELS + col.LV_WIDTH * link[col.LK_LEVEL]
    end = link[col.LK_END]
    link[col.LK_FREE_AT] = end
    link[col.LK_LEVEL] = col.NONE
    if link[col.LK_CUT]:
        link[col.LK_QUEUED] += 1
        return
    row = link[at + col.LV_ROW]
    link[at + col.LV_ROW] = col.NONE
    if row == col.ANONYMOUS:
        return
    data = bursts.data
    delay = routes.resources[resource, col.RS_DELAY]
    data[row, col.M_LAST] = max(data[row, col.M_LAST], end + delay - link[at + col.LV_BASE])
    data[row, col.PENDING] -= 1
    if data[row, col.PENDING] == 0 and data[row, col.AT_END] != 0:
        release(net, bursts, routes, lists, done, row)


@part
def next_level(link):
    """Most urgent level with something to send (there is one)."""
    for level in range(N_LEVELS):
        at = col.LK_LEVELS + col.LV_WIDTH * level
        if link[at + col.LV_ROW] != col.NONE or link[at + col.LV_HEAD] != col.NONE:
            return level
    return col.NONE


@part
def link_advance(net, bursts, routes, lists, done, resource, t):
    """Completions at or before t, start decisions before t."""
    link = net.links[resource]
    while True:
        if link[col.LK_LEVEL] != col.NONE:
            if link[col.LK_END] > t:
                return
            link_finish(net, bursts, routes, lists, done, resource)
        if link[col.LK_QUEUED] == 0 or link[col.LK_FREE_AT] >= t:
            return
        link_start(net, bursts, routes, lists, done, resource, next_level(link), link[col.LK_FREE_AT])


@part
def cut_at_packet(link, level, t):
    """A more urgent train has come at t: the one in service yields after the packet in transmission."""
    if link[col.LK_LEVEL] == col.NONE or link[col.LK_LEVEL] <= level or link[col.LK_CUT]:
        return
    at = col.LK_LEVELS + col.LV_WIDTH * link[col.LK_LEVEL]
    if link[at + col.LV_ROW] == col.ANONYMOUS:
        return
    sent = (t - link[col.LK_START] + link[at + col.LV_SER] - 1) // link[at + col.LV_SER]
    if sent < link[at + col.LV_LEFT]:
        link[at + col.LV_LEFT] -= sent
        link[col.LK_END] = link[col.LK_START] + sent * link[at + col.LV_SER]
        link[col.LK_CUT] = 1


@part
def accept(net, res, link, counts, data, row, t):
    """Tail drop by packets. Returns False when nothing of the train fits."""
    packets = data[row, col.PACKETS]
    last = serialisation(res, data[row, col.LAST_BYTES])
    full = last if packets == 1 else serialisation(res, data[row, col.MTU])
    work = max(link[col.LK_BUSY_UNTIL] - t, np.int64(0))
    ser = (packets - 1) * full + last
    counts[col.RM_OFFERED] += ser
    if work > counts[col.RM_WAIT_MAX]:
        counts[col.RM_WAIT_MAX] = work
    if work + ser > res[col.RS_BUFFER_NS]:
        fits = min(packets - 1, max(np.int64(0), (res[col.RS_BUFFER_NS] - work) // full))
        counts[col.RM_DROPPED] += packets - fits
        if fits == 0:
            return False
        if data[row, col.CAUSE] == col.DELIVERED:
            data[row, col.CAUSE] = col.LINK_OVERFLOW
        mtu = data[row, col.MTU]
        data[row, col.PACKETS], data[row, col.LAST_BYTES], data[row, col.BYTES] = fits, mtu, fits * mtu
        ser, last = fits * full, full
    link[col.LK_BUSY_UNTIL] = max(link[col.LK_BUSY_UNTIL], t) + ser
    counts[col.RM_BUSY] += ser
    counts[col.RM_BYTES] += data[row, col.BYTES] + data[row, col.PACKETS] * res[col.RS_OVERHEAD]
    counts[col.RM_BURSTS] += 1
    first = data[row, col.IDEAL_FIRST] + full
    data[row, col.IDEAL_LAST] = max(data[row, col.IDEAL_FIRST] + ser, data[row, col.IDEAL_LAST] + last)
    data[row, col.IDEAL_FIRST] = first
    data[row, col.BASE] += last + res[col.RS_DELAY]
    return True


@part
def link_arrival(net, bursts, routes, lists, done, resource, row, t, alone):
    """A train arrives at a link (which has been advanced to t). alone: nothing else arrives at t."""
    data, link, res = bursts.data, net.links[resource], routes.resources[resource]
    if not accept(net, res, link, net.counts[resource], data, row, t):
        cause = data[row, col.CAUSE]
        end_on_way(bursts, done, row, t, col.LINK_OVERFLOW if cause == col.DELIVERED else cause)
        return
    level = data[row, col.LEVEL]
    if alone and link[col.LK_LEVEL] == col.NONE and link[col.LK_QUEUED] == 0:
        link_begin(net, bursts, routes, lists, done, resource, level, row, t)
        return
    at = col.LK_LEVELS + col.LV_WIDTH * level
    bursts.next[row] = col.NONE
    if link[at + col.LV_HEAD] == col.NONE:
        link[at + col.LV_HEAD] = row
    else:
        bursts.next[link[at + col.LV_TAIL]] = row
    link[at + col.LV_TAIL] = row
    link[col.LK_QUEUED] += 1
    if link[col.LK_LEVEL] == col.NONE:
        link[col.LK_FREE_AT] = max(link[col.LK_FREE_AT], t)
    else:
        cut_at_packet(link, level, t)
