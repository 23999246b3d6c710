"""Links, worker pools and servers: packet trains through exact stages (docs/model.md, section 5).

Resources are visited in topological order, each in one pass over its sorted arrivals; resources that feed each other
(a component of the resource graph with a cycle) run together on an event heap with the same functions.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from twin.base import columns as col
from twin.base.arrivals import before, gather
from twin.base.draws import SERVICE, draw, exponential_ns
from twin.base.entry import set_on_route
from twin.base.jit import kernel, part, routine

N_LEVELS = 4
PS = np.int64(1_000)
FS = np.int64(1_000_000)
RTT = 2

# Kinds of event in a component, in their order within one instant.
COMPLETION, ARRIVAL, START = 0, 1, 2


class Net(NamedTuple):
    """State of the network and what its kernels need to hand bursts on."""

    links: np.ndarray  # int64 (resources, LINK_COLUMNS)
    workers: np.ndarray  # int64 (all workers,): when each is free
    counts: np.ndarray  # int64 (resources, 5)
    flows: np.ndarray  # int64 (flows, 12)
    types: np.ndarray  # int64 (types, 18)
    cells: np.ndarray  # int64 (2 * cells, CELL_COLUMNS)
    radios: np.ndarray  # int64 (2 * radios, 15)
    heap: np.ndarray  # int64 (heap capacity, 3): time, kind, burst or resource
    heap_size: np.ndarray  # int64 (2,): size; component that is on the heap, -1 none


@part
def serialisation(res, size):
    """Time (ns) a packet of `size` bytes keeps a link busy."""
    return ((size + res[col.RS_OVERHEAD]) * res[col.RS_FS_PER_BYTE] + FS - 1) // FS


@part
def pool_service(res, packets, size):
    """Time (ns) a worker of a pool spends on packets of `size` bytes in all."""
    return max(np.int64(1), packets * res[col.RS_COST_PACKET] + (size * res[col.RS_COST_BYTE_PS] + PS - 1) // PS)


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
def arrive(net, data, resource_lists, routes, resource, row, t):
    """A burst is on its way to a resource, where it arrives at t."""
    data[row, col.T] = t
    if net.heap_size[1] >= 0 and routes.resources[resource, col.RS_COMPONENT] == net.heap_size[1]:
        heap_push(net, data, t, ARRIVAL, row)
    else:
        col.push(resource_lists, resource, data, row)


@routine
def settle_parts(routes, data, row, t_out, pos):
    """Split the time on links and pools into the delay parts. pos: item after the last link or pool."""
    way, node = routes.way[pos, 0], routes.way[pos, 1]
    ideal_upf = data[row, col.IDEAL_UPF]
    ideal_links = data[row, col.IDEAL_LAST] - ideal_upf
    rest = t_out - data[row, col.T_IN] - way - node - data[row, col.IDEAL_LAST]
    wait = min(rest, data[row, col.UPF_WAIT])
    data[row, col.PART + col.P_PROPAGATION] += way
    data[row, col.PART + col.P_PROCESSING] += node
    data[row, col.PART + col.P_SERIALISATION] += ideal_links
    data[row, col.PART + col.P_UPF] += ideal_upf + wait
    data[row, col.PART + col.P_TRANSPORT_QUEUE] += rest - wait


@routine
def release(net, bursts, routes, lists, done, row):
    """The whole train has come to the end of its links and pools: on to a server, a cell, or the accounts."""
    data = bursts.data
    t_out = data[row, col.M_LAST] + data[row, col.BASE]
    if data[row, col.CAUSE] == col.GHOST:
        col.free_row(bursts, row)
        return
    if data[row, col.CAUSE] != col.DELIVERED:
        col.end_burst(done, data, row, t_out, data[row, col.CAUSE])
        return
    pos = data[row, col.POS]
    settle_parts(routes, data, row, t_out, pos)
    following = routes.items[pos]
    if following != col.NONE:
        arrive(net, data, lists.resources, routes, following, row, t_out)
        return
    flow = net.flows[data[row, col.FLOW]]
    if data[row, col.DIR] != 0 and flow[col.FL_CH_DL] != col.NONE:
        c = 2 * flow[col.FL_CELL] + 1
        data[row, col.T] = t_out + net.radios[2 * net.cells[c, col.CE_RADIO] + 1, col.RA_DL_PROCESSING]
        col.push(lists.cells, c, data, row)
        return
    complete(net, bursts, routes, lists, done, row, t_out)


@routine
def complete(net, bursts, routes, lists, done, row, t):
    """A burst has been served: delivered at t, and answered if its flow asks for that."""
    data = bursts.data
    flow = net.flows[data[row, col.FLOW]]
    ty = net.types[flow[col.FL_TYPE]]
    if data[row, col.DIR] == 0 and ty[col.TY_RESPONSE] > 0:
        answer = col.take_row(bursts)
        for p in range(col.N_PARTS):
            data[answer, col.PART + p] = data[row, col.PART + p]
        size, mtu = ty[col.TY_RESPONSE], ty[col.TY_MTU]
        data[answer, col.FLOW] = data[row, col.FLOW]
        data[answer, col.MTU] = mtu
        data[answer, col.SEQ] = data[row, col.SEQ]
        data[answer, col.T_GEN] = data[row, col.T_GEN]
        data[answer, col.DIR] = RTT
        data[answer, col.CAUSE] = col.DELIVERED
        data[answer, col.T_END] = col.NONE
        data[answer, col.LEVEL] = ty[col.TY_LEVEL]
        data[answer, col.BYTES] = size
        data[answer, col.PACKETS] = (size + mtu - 1) // mtu if size > mtu else 1
        data[answer, col.LAST_BYTES] = size - (data[answer, col.PACKETS] - 1) * mtu
        resource = set_on_route(data, answer, t, t, flow[col.FL_ROUTE_DOWN], routes)
        arrive(net, data, lists.resources, routes, resource, answer, data[answer, col.T])
    col.end_burst(done, data, row, t, col.DELIVERED)


@part
def hand_on(net, bursts, routes, lists, done, row, t_first):
    """The first packet of a train has left a link or pool and arrives at the next resource at t_first."""
    data = bursts.data
    pos = data[row, col.POS] + 1
    data[row, col.POS] = pos
    following = routes.items[pos]
    if following == col.NONE or routes.resources[following, col.RS_KIND] == col.SERVER:
        data[row, col.AT_END] = 1
        if data[row, col.PENDING] == 0:
            release(net, bursts, routes, lists, done, row)
    else:
        arrive(net, data, lists.resources, routes, following, row, t_first)


@part
def end_on_way(bursts, done, row, t, cause):
    """A train was lost whole at t. While a link behind still sends its packets, a copy goes to the accounts."""
    data = bursts.data
    if data[row, col.PENDING] == 0:
        col.end_burst(done, data, row, t, cause)
        return
    ended = col.take_row(bursts)
    for i in range(col.BURST_COLUMNS):
        data[ended, i] = data[row, i]
    col.end_burst(done, data, ended, t, cause)
    data[row, col.CAUSE] = col.GHOST
    data[row, col.AT_END] = 1


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
    link[at + col.LV_HEAD] = bursts.data[row, col.NEXT]
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
    data[row, col.NEXT] = col.NONE
    if link[at + col.LV_HEAD] == col.NONE:
        link[at + col.LV_HEAD] = row
    else:
        data[link[at + col.LV_TAIL], col.NEXT] = row
    link[at + col.LV_TAIL] = row
    link[col.LK_QUEUED] += 1
    if link[col.LK_LEVEL] == col.NONE:
        link[col.LK_FREE_AT] = max(link[col.LK_FREE_AT], t)
    else:
        cut_at_packet(link, level, t)


@part
def earliest_worker(net, res):
    """The worker that is free first (lowest index on ties)."""
    best = res[col.RS_WORKER_START]
    for w in range(best + 1, res[col.RS_WORKER_START] + res[col.RS_WORKERS]):
        if net.workers[w] < net.workers[best]:
            best = w
    return best


@part
def pool_arrival(net, bursts, routes, lists, done, resource, row, t):
    """A train arrives at a worker pool."""
    data, res, counts = bursts.data, routes.resources[resource], net.counts[resource]
    w = earliest_worker(net, res)
    start = max(t, net.workers[w])
    counts[col.RM_WAIT_MAX] = max(counts[col.RM_WAIT_MAX], start - t)
    if start - t > res[col.RS_QUEUE_LIMIT]:
        counts[col.RM_DROPPED] += data[row, col.PACKETS]
        cause = data[row, col.CAUSE]
        end_on_way(bursts, done, row, t, col.UPF_OVERFLOW if cause == col.DELIVERED else cause)
        return
    packets = data[row, col.PACKETS]
    service = pool_service(res, packets, data[row, col.BYTES])
    last = pool_service(res, 1, data[row, col.LAST_BYTES])
    first = last if packets == 1 else pool_service(res, 1, data[row, col.MTU])
    net.workers[w] = start + service
    counts[col.RM_BUSY] += service
    counts[col.RM_BYTES] += data[row, col.BYTES]
    counts[col.RM_BURSTS] += 1
    ideal = data[row, col.IDEAL_LAST]
    data[row, col.IDEAL_LAST] = max(data[row, col.IDEAL_FIRST] + service, ideal + last)
    data[row, col.IDEAL_FIRST] += first
    data[row, col.IDEAL_UPF] += data[row, col.IDEAL_LAST] - ideal
    data[row, col.UPF_WAIT] += start - t
    data[row, col.BASE] += last
    data[row, col.M_LAST] = max(data[row, col.M_LAST], start + service - data[row, col.BASE])
    hand_on(net, bursts, routes, lists, done, row, start + first)


@part
def server_arrival(key, net, bursts, routes, lists, done, resource, row, t):
    """A whole message arrives at a server queue."""
    data, res, counts = bursts.data, routes.resources[resource], net.counts[resource]
    w = earliest_worker(net, res)
    start = max(t, net.workers[w])
    counts[col.RM_WAIT_MAX] = max(counts[col.RM_WAIT_MAX], start - t)
    if start - t > res[col.RS_QUEUE_LIMIT]:
        counts[col.RM_DROPPED] += 1
        col.end_burst(done, data, row, t, col.SERVER_OVERFLOW)
        return
    service = res[col.RS_SERVICE_MEAN]
    if res[col.RS_SERVICE_KIND] == col.SERVICE_EXPONENTIAL:
        entity = np.uint64(net.flows[data[row, col.FLOW], col.FL_HASH])
        service = exponential_ns(draw(key, entity, SERVICE + data[row, col.STAGE], data[row, col.SEQ]), service)
    net.workers[w] = start + service
    counts[col.RM_BUSY] += service
    counts[col.RM_BYTES] += data[row, col.BYTES]
    counts[col.RM_BURSTS] += 1
    end = start + service
    data[row, col.PART + col.P_SERVER] += end - t
    data[row, col.STAGE] += 1
    pos = data[row, col.POS] + 1
    data[row, col.POS] = pos
    following = routes.items[pos]
    if following == col.NONE:
        complete(net, bursts, routes, lists, done, row, end)
    else:
        arrive(net, data, lists.resources, routes, following, row, end)


@routine
def serve(key, net, bursts, routes, lists, done, resource, times, rows, n, until, alone):
    """One resource takes n arrivals in order; a link then goes on to `until`. alone: these are all arrivals there are."""
    kind = routes.resources[resource, col.RS_KIND]
    if kind == col.LINK:
        for i in range(n + 1):
            t = times[i] if i < n else until
            link_advance(net, bursts, routes, lists, done, resource, t)
            if i < n:
                only = alone and (i + 1 == n or times[i + 1] != t)
                link_arrival(net, bursts, routes, lists, done, resource, rows[i], t, only)
    elif kind == col.POOL:
        for i in range(n):
            pool_arrival(net, bursts, routes, lists, done, resource, rows[i], times[i])
    else:
        for i in range(n):
            server_arrival(key, net, bursts, routes, lists, done, resource, rows[i], times[i])


@routine
def wake(net, data, resource):
    """Put the next moment of a link on the heap: its completion, or its start decision."""
    link = net.links[resource]
    if link[col.LK_LEVEL] != col.NONE:
        t, kind = link[col.LK_END], COMPLETION
    elif link[col.LK_QUEUED] > 0:
        t, kind = link[col.LK_FREE_AT], START
    else:
        return
    if link[col.LK_WAKE] != 4 * t + kind:
        link[col.LK_WAKE] = 4 * t + kind
        heap_push(net, data, t, kind, resource)


@routine
def open_component(net, bursts, routes, lists, members, until, scratch, component):
    """Put all that waits for the members of a component on the heap."""
    net.heap_size[0], net.heap_size[1] = 0, component
    for i in range(len(members)):
        times, rows, n = gather(lists.resources, members[i], bursts.data, net.flows, until, scratch)
        for j in range(n):
            heap_push(net, bursts.data, times[j], ARRIVAL, rows[j])
        if routes.resources[members[i], col.RS_KIND] == col.LINK:
            net.links[members[i], col.LK_WAKE] = col.NONE
            wake(net, bursts.data, members[i])


@routine
def run_component(key, net, bursts, routes, lists, done, members, until, scratch, component):
    """Resources that feed each other, on one event heap."""
    data = bursts.data
    open_component(net, bursts, routes, lists, members, until, scratch, component)
    while net.heap_size[0] > 0:
        t, kind, what = net.heap[0, 0], net.heap[0, 1], net.heap[0, 2]
        if t > until or (t == until and kind != COMPLETION):
            break
        heap_pop(net, data)
        if kind == ARRIVAL:
            resource = routes.items[data[what, col.POS]]
            scratch.t[0], scratch.row[0] = t, what
            serve(key, net, bursts, routes, lists, done, resource, scratch.t, scratch.row, 1, t, False)
        elif net.links[what, col.LK_WAKE] == 4 * t + kind:
            resource = what
            serve(key, net, bursts, routes, lists, done, resource, scratch.t, scratch.row, 0, t if kind == COMPLETION else t + 1, False)
        else:  # a wake that was overtaken
            continue
        if routes.resources[resource, col.RS_KIND] == col.LINK:
            wake(net, data, resource)
    close_component(net, data, routes, lists)


@routine
def close_component(net, data, routes, lists):
    """What arrives later goes back to the lists."""
    for i in range(net.heap_size[0]):
        if net.heap[i, 1] == ARRIVAL:
            row = net.heap[i, 2]
            col.push(lists.resources, routes.items[data[row, col.POS]], data, row)
    net.heap_size[0], net.heap_size[1] = 0, col.NONE


@kernel
def run_network(key, net, bursts, routes, lists, done, order_start, order, until, scratch):
    """All resources up to `until`. Group g of the order is order[order_start[g]:order_start[g + 1]]."""
    for g in range(len(order_start) - 1):
        a, b = order_start[g], order_start[g + 1]
        if b - a == 1:
            times, rows, n = gather(lists.resources, order[a], bursts.data, net.flows, until, scratch)
            serve(key, net, bursts, routes, lists, done, order[a], times, rows, n, until, True)
        else:
            run_component(key, net, bursts, routes, lists, done, order[a:b], until, scratch, np.int64(g))
