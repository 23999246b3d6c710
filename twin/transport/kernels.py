"""Links, worker pools and servers: packet trains through exact stages (docs/model.md, section 5).

Resources are visited in topological order, each in one pass over its sorted arrivals; resources that feed each other
(a component of the resource graph with a cycle) run together on an event heap with the same functions.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from twin.base.arrivals import before, gather
from twin.base.columns import (
    ANONYMOUS,
    AT_END,
    BASE,
    BYTES,
    CAUSE,
    CE_RADIO,
    DELIVERED,
    DIR,
    FL_CELL,
    FL_CH_DL,
    FL_HASH,
    FL_ROUTE_DOWN,
    FL_TYPE,
    FLOW,
    IDEAL_FIRST,
    IDEAL_LAST,
    IDEAL_UPF,
    LAST_BYTES,
    LEVEL,
    LINK,
    LINK_OVERFLOW,
    LK_BUSY_UNTIL,
    LK_CUT,
    LK_END,
    LK_FREE_AT,
    LK_LEVEL,
    LK_LEVELS,
    LK_START,
    LK_WAKE,
    LV_BASE,
    LV_HEAD,
    LV_LEFT,
    LV_ROW,
    LV_SER,
    LV_SER_LAST,
    LV_TAIL,
    M_LAST,
    N_PARTS,
    NEXT,
    NONE,
    P_PROCESSING,
    P_PROPAGATION,
    P_SERIALISATION,
    P_SERVER,
    P_TRANSPORT_QUEUE,
    P_UPF,
    PACKETS,
    PART,
    PENDING,
    POOL,
    POS,
    RA_DL_PROCESSING,
    RM_BURSTS,
    RM_BUSY,
    RM_BYTES,
    RM_DROPPED,
    RM_WAIT_MAX,
    RS_BUFFER_NS,
    RS_COMPONENT,
    RS_COST_BYTE_PS,
    RS_COST_PACKET,
    RS_DELAY,
    RS_FS_PER_BYTE,
    RS_KIND,
    RS_OVERHEAD,
    RS_QUEUE_LIMIT,
    RS_SERVICE_KIND,
    RS_SERVICE_MEAN,
    RS_WORKER_START,
    RS_WORKERS,
    SEQ,
    SERVER,
    SERVER_OVERFLOW,
    SERVICE_EXPONENTIAL,
    STAGE,
    T_END,
    T_GEN,
    T_IN,
    TY_LEVEL,
    TY_MTU,
    TY_RESPONSE,
    UPF_OVERFLOW,
    UPF_WAIT,
    T,
    end_burst,
    push,
    take_row,
)  # fmt: skip
from twin.base.draws import SERVICE, draw, exponential_ns
from twin.base.entry import set_on_route
from twin.base.jit import inlined, kernel

N_LEVELS = 4
LEVEL_WIDTH = 7
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


@inlined
def serialisation(res, size):
    """Time (ns) a packet of `size` bytes keeps a link busy."""
    return ((size + res[RS_OVERHEAD]) * res[RS_FS_PER_BYTE] + FS - 1) // FS


@inlined
def pool_service(res, packets, size):
    """Time (ns) a worker of a pool spends on packets of `size` bytes in all."""
    return max(np.int64(1), packets * res[RS_COST_PACKET] + (size * res[RS_COST_BYTE_PS] + PS - 1) // PS)


@inlined
def event_before(net, data, a, b):
    """Order of two heap entries."""
    for column in range(2):
        if net.heap[a, column] != net.heap[b, column]:
            return net.heap[a, column] < net.heap[b, column]
    if net.heap[a, 1] != ARRIVAL:
        return net.heap[a, 2] < net.heap[b, 2]
    return before(data, net.flows, net.heap[a, 2], net.heap[b, 2], net.heap[a, 0])


@inlined
def swap_events(net, a, b):
    """Exchange two heap entries."""
    for column in range(3):
        net.heap[a, column], net.heap[b, column] = net.heap[b, column], net.heap[a, column]


@kernel
def heap_push(net, data, t, kind, what):
    """Add an event of the component in hand."""
    i = net.heap_size[0]
    net.heap_size[0] = i + 1
    net.heap[i, 0], net.heap[i, 1], net.heap[i, 2] = t, kind, what
    while i > 0 and event_before(net, data, i, (i - 1) >> 1):
        swap_events(net, i, (i - 1) >> 1)
        i = (i - 1) >> 1


@kernel
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


@inlined
def arrive(net, data, resource_lists, routes, resource, row, t):
    """A burst is on its way to a resource, where it arrives at t."""
    data[row, T] = t
    if net.heap_size[1] >= 0 and routes.resources[resource, RS_COMPONENT] == net.heap_size[1]:
        heap_push(net, data, t, ARRIVAL, row)
    else:
        push(resource_lists, resource, data, row)


@kernel
def settle_parts(routes, data, row, t_out, pos):
    """Split the time on links and pools into the delay parts. pos: item after the last link or pool."""
    way, node = routes.way[pos, 0], routes.way[pos, 1]
    ideal_upf = data[row, IDEAL_UPF]
    ideal_links = data[row, IDEAL_LAST] - ideal_upf
    rest = t_out - data[row, T_IN] - way - node - data[row, IDEAL_LAST]
    wait = min(rest, data[row, UPF_WAIT])
    data[row, PART + P_PROPAGATION] += way
    data[row, PART + P_PROCESSING] += node
    data[row, PART + P_SERIALISATION] += ideal_links
    data[row, PART + P_UPF] += ideal_upf + wait
    data[row, PART + P_TRANSPORT_QUEUE] += rest - wait


@kernel
def release(net, bursts, routes, lists, done, row):
    """The whole train has come to the end of its links and pools: on to a server, a cell, or the accounts."""
    data = bursts.data
    t_out = data[row, M_LAST] + data[row, BASE]
    if data[row, AT_END] == 2:
        end_burst(done, data, row, data[row, T_END], data[row, CAUSE])
        return
    if data[row, CAUSE] != DELIVERED:
        end_burst(done, data, row, t_out, data[row, CAUSE])
        return
    pos = data[row, POS]
    settle_parts(routes, data, row, t_out, pos)
    following = routes.items[pos]
    if following != NONE:
        arrive(net, data, lists.resources, routes, following, row, t_out)
        return
    flow = net.flows[data[row, FLOW]]
    if data[row, DIR] != 0 and flow[FL_CH_DL] != NONE:
        c = 2 * flow[FL_CELL] + 1
        data[row, T] = t_out + net.radios[2 * net.cells[c, CE_RADIO] + 1, RA_DL_PROCESSING]
        push(lists.cells, c, data, row)
        return
    complete(net, bursts, routes, lists, done, row, t_out)


@kernel
def complete(net, bursts, routes, lists, done, row, t):
    """A burst has been served: delivered at t, and answered if its flow asks for that."""
    data = bursts.data
    flow = net.flows[data[row, FLOW]]
    ty = net.types[flow[FL_TYPE]]
    if data[row, DIR] == 0 and ty[TY_RESPONSE] > 0:
        answer = take_row(bursts)
        for p in range(N_PARTS):
            data[answer, PART + p] = data[row, PART + p]
        size, mtu = ty[TY_RESPONSE], ty[TY_MTU]
        data[answer, FLOW] = data[row, FLOW]
        data[answer, SEQ] = data[row, SEQ]
        data[answer, T_GEN] = data[row, T_GEN]
        data[answer, DIR] = RTT
        data[answer, CAUSE] = DELIVERED
        data[answer, T_END] = NONE
        data[answer, LEVEL] = ty[TY_LEVEL]
        data[answer, BYTES] = size
        data[answer, PACKETS] = (size + mtu - 1) // mtu if size > mtu else 1
        data[answer, LAST_BYTES] = size - (data[answer, PACKETS] - 1) * mtu
        resource = set_on_route(data, answer, t, t, flow[FL_ROUTE_DOWN], routes)
        arrive(net, data, lists.resources, routes, resource, answer, data[answer, T])
    end_burst(done, data, row, t, DELIVERED)


@inlined
def hand_on(net, bursts, routes, lists, done, row, t_first):
    """The first packet of a train has left a link or pool and arrives at the next resource at t_first."""
    data = bursts.data
    pos = data[row, POS] + 1
    data[row, POS] = pos
    following = routes.items[pos]
    if following == NONE or routes.resources[following, RS_KIND] == SERVER:
        data[row, AT_END] = 1
        if data[row, PENDING] == 0:
            release(net, bursts, routes, lists, done, row)
    else:
        arrive(net, data, lists.resources, routes, following, row, t_first)


@inlined
def end_on_way(data, done, row, t, cause):
    """A train was lost whole at t; the row waits while a link behind still counts its packets."""
    data[row, CAUSE] = cause
    data[row, T_END] = t
    data[row, AT_END] = 2
    if data[row, PENDING] == 0:
        end_burst(done, data, row, t, cause)


@kernel
def link_start(net, bursts, routes, lists, done, resource, level, s):
    """The link starts (or goes on with) the train at the head of a level at s."""
    data, link, res = bursts.data, net.links[resource], routes.resources[resource]
    at = LK_LEVELS + LEVEL_WIDTH * level
    link[LK_LEVEL], link[LK_START], link[LK_CUT] = level, s, 0
    if link[at + LV_ROW] != NONE:
        link[LK_END] = s + (link[at + LV_LEFT] - 1) * link[at + LV_SER] + link[at + LV_SER_LAST]
        return
    row = link[at + LV_HEAD]
    link[at + LV_HEAD] = data[row, NEXT]
    packets = data[row, PACKETS]
    last = serialisation(res, data[row, LAST_BYTES])
    full = last if packets == 1 else serialisation(res, net.types[net.flows[data[row, FLOW], FL_TYPE], TY_MTU])
    delay, base = res[RS_DELAY], data[row, BASE]
    end = s + (packets - 1) * full + last
    link[LK_END], link[at + LV_LEFT], link[at + LV_SER], link[at + LV_SER_LAST], link[at + LV_BASE] = end, packets, full, last, base
    if packets == 1 or level == 0:
        # Nothing can interrupt it: its end is known now.
        data[row, M_LAST] = max(data[row, M_LAST], end + delay - base)
        link[at + LV_ROW] = ANONYMOUS
    else:
        data[row, PENDING] += 1
        link[at + LV_ROW] = row
    hand_on(net, bursts, routes, lists, done, row, s + full + delay)


@kernel
def link_finish(net, bursts, routes, lists, done, resource):
    """The train in service has come to the end of its (perhaps cut) service at LK_END."""
    link = net.links[resource]
    at = LK_LEVELS + LEVEL_WIDTH * link[LK_LEVEL]
    end = link[LK_END]
    link[LK_FREE_AT] = end
    link[LK_LEVEL] = NONE
    if link[LK_CUT]:
        return
    row = link[at + LV_ROW]
    link[at + LV_ROW] = NONE
    if row == ANONYMOUS:
        return
    data = bursts.data
    delay = routes.resources[resource, RS_DELAY]
    data[row, M_LAST] = max(data[row, M_LAST], end + delay - link[at + LV_BASE])
    data[row, PENDING] -= 1
    if data[row, PENDING] == 0 and data[row, AT_END] != 0:
        release(net, bursts, routes, lists, done, row)


@inlined
def next_level(link):
    """Most urgent level with something to send, -1 for none."""
    for level in range(N_LEVELS):
        at = LK_LEVELS + LEVEL_WIDTH * level
        if link[at + LV_ROW] != NONE or link[at + LV_HEAD] != NONE:
            return level
    return NONE


@kernel
def link_advance(net, bursts, routes, lists, done, resource, t):
    """Completions at or before t, start decisions before t."""
    link = net.links[resource]
    while True:
        if link[LK_LEVEL] != NONE:
            if link[LK_END] > t:
                return
            link_finish(net, bursts, routes, lists, done, resource)
        if link[LK_FREE_AT] >= t:
            return
        level = next_level(link)
        if level == NONE:
            return
        link_start(net, bursts, routes, lists, done, resource, level, link[LK_FREE_AT])


@inlined
def cut_at_packet(link, level, t):
    """A more urgent train has come at t: the one in service yields after the packet in transmission."""
    if link[LK_LEVEL] == NONE or link[LK_LEVEL] <= level or link[LK_CUT]:
        return
    at = LK_LEVELS + LEVEL_WIDTH * link[LK_LEVEL]
    sent = (t - link[LK_START] + link[at + LV_SER] - 1) // link[at + LV_SER]
    if sent < link[at + LV_LEFT]:
        link[at + LV_LEFT] -= sent
        link[LK_END] = link[LK_START] + sent * link[at + LV_SER]
        link[LK_CUT] = 1


@inlined
def accept(net, res, link, counts, data, row, t):
    """Tail drop by packets. Returns False when nothing of the train fits."""
    packets = data[row, PACKETS]
    last = serialisation(res, data[row, LAST_BYTES])
    mtu = net.types[net.flows[data[row, FLOW], FL_TYPE], TY_MTU]
    full = last if packets == 1 else serialisation(res, mtu)
    work = max(link[LK_BUSY_UNTIL] - t, np.int64(0))
    ser = (packets - 1) * full + last
    if work > counts[RM_WAIT_MAX]:
        counts[RM_WAIT_MAX] = work
    if work + ser > res[RS_BUFFER_NS]:
        fits = min(packets - 1, max(np.int64(0), (res[RS_BUFFER_NS] - work) // full))
        counts[RM_DROPPED] += packets - fits
        if fits == 0:
            return False
        if data[row, CAUSE] == DELIVERED:
            data[row, CAUSE] = LINK_OVERFLOW
        data[row, PACKETS], data[row, LAST_BYTES], data[row, BYTES] = fits, mtu, fits * mtu
        ser, last = fits * full, full
    link[LK_BUSY_UNTIL] = max(link[LK_BUSY_UNTIL], t) + ser
    counts[RM_BUSY] += ser
    counts[RM_BYTES] += data[row, BYTES] + data[row, PACKETS] * res[RS_OVERHEAD]
    counts[RM_BURSTS] += 1
    first = data[row, IDEAL_FIRST] + full
    data[row, IDEAL_LAST] = max(data[row, IDEAL_FIRST] + ser, data[row, IDEAL_LAST] + last)
    data[row, IDEAL_FIRST] = first
    data[row, BASE] += last + res[RS_DELAY]
    return True


@inlined
def link_arrival(net, bursts, routes, done, resource, row, t):
    """A train arrives at a link (which has been advanced to t)."""
    data, link, res = bursts.data, net.links[resource], routes.resources[resource]
    if not accept(net, res, link, net.counts[resource], data, row, t):
        cause = data[row, CAUSE]
        end_on_way(data, done, row, t, LINK_OVERFLOW if cause == DELIVERED else cause)
        return
    level = data[row, LEVEL]
    at = LK_LEVELS + LEVEL_WIDTH * level
    data[row, NEXT] = NONE
    if link[at + LV_HEAD] == NONE:
        link[at + LV_HEAD] = row
    else:
        data[link[at + LV_TAIL], NEXT] = row
    link[at + LV_TAIL] = row
    if link[LK_LEVEL] == NONE:
        link[LK_FREE_AT] = max(link[LK_FREE_AT], t)
    else:
        cut_at_packet(link, level, t)


@inlined
def earliest_worker(net, res):
    """The worker that is free first (lowest index on ties)."""
    best = res[RS_WORKER_START]
    for w in range(best + 1, res[RS_WORKER_START] + res[RS_WORKERS]):
        if net.workers[w] < net.workers[best]:
            best = w
    return best


@inlined
def pool_arrival(net, bursts, routes, lists, done, resource, row, t):
    """A train arrives at a worker pool."""
    data, res, counts = bursts.data, routes.resources[resource], net.counts[resource]
    w = earliest_worker(net, res)
    start = max(t, net.workers[w])
    counts[RM_WAIT_MAX] = max(counts[RM_WAIT_MAX], start - t)
    if start - t > res[RS_QUEUE_LIMIT]:
        counts[RM_DROPPED] += data[row, PACKETS]
        cause = data[row, CAUSE]
        end_on_way(data, done, row, t, UPF_OVERFLOW if cause == DELIVERED else cause)
        return
    packets = data[row, PACKETS]
    service = pool_service(res, packets, data[row, BYTES])
    last = pool_service(res, 1, data[row, LAST_BYTES])
    mtu = net.types[net.flows[data[row, FLOW], FL_TYPE], TY_MTU]
    first = last if packets == 1 else pool_service(res, 1, mtu)
    net.workers[w] = start + service
    counts[RM_BUSY] += service
    counts[RM_BYTES] += data[row, BYTES]
    counts[RM_BURSTS] += 1
    ideal = data[row, IDEAL_LAST]
    data[row, IDEAL_LAST] = max(data[row, IDEAL_FIRST] + service, ideal + last)
    data[row, IDEAL_FIRST] += first
    data[row, IDEAL_UPF] += data[row, IDEAL_LAST] - ideal
    data[row, UPF_WAIT] += start - t
    data[row, BASE] += last
    data[row, M_LAST] = max(data[row, M_LAST], start + service - data[row, BASE])
    hand_on(net, bursts, routes, lists, done, row, start + first)


@inlined
def server_arrival(key, net, bursts, routes, lists, done, resource, row, t):
    """A whole message arrives at a server queue."""
    data, res, counts = bursts.data, routes.resources[resource], net.counts[resource]
    w = earliest_worker(net, res)
    start = max(t, net.workers[w])
    counts[RM_WAIT_MAX] = max(counts[RM_WAIT_MAX], start - t)
    if start - t > res[RS_QUEUE_LIMIT]:
        counts[RM_DROPPED] += 1
        end_burst(done, data, row, t, SERVER_OVERFLOW)
        return
    service = res[RS_SERVICE_MEAN]
    if res[RS_SERVICE_KIND] == SERVICE_EXPONENTIAL:
        entity = np.uint64(net.flows[data[row, FLOW], FL_HASH])
        service = exponential_ns(draw(key, entity, SERVICE + data[row, STAGE], data[row, SEQ]), service)
    net.workers[w] = start + service
    counts[RM_BUSY] += service
    counts[RM_BYTES] += data[row, BYTES]
    counts[RM_BURSTS] += 1
    end = start + service
    data[row, PART + P_SERVER] += end - t
    data[row, STAGE] += 1
    pos = data[row, POS] + 1
    data[row, POS] = pos
    following = routes.items[pos]
    if following == NONE:
        complete(net, bursts, routes, lists, done, row, end)
    else:
        arrive(net, data, lists.resources, routes, following, row, end)


@kernel
def run_resource(key, net, bursts, routes, lists, done, resource, until, scratch):
    """One pass of a resource that feeds none of its own feeders."""
    times, rows, n = gather(lists.resources, resource, bursts.data, net.flows, until, scratch)
    kind = routes.resources[resource, RS_KIND]
    if kind == LINK:
        for i in range(n):
            link_advance(net, bursts, routes, lists, done, resource, times[i])
            link_arrival(net, bursts, routes, done, resource, rows[i], times[i])
        link_advance(net, bursts, routes, lists, done, resource, until)
    elif kind == POOL:
        for i in range(n):
            pool_arrival(net, bursts, routes, lists, done, resource, rows[i], times[i])
    else:
        for i in range(n):
            server_arrival(key, net, bursts, routes, lists, done, resource, rows[i], times[i])


@kernel
def wake(net, data, resource):
    """Put the next moment of a link on the heap: its completion, or its start decision."""
    link = net.links[resource]
    if link[LK_LEVEL] != NONE:
        t, kind = link[LK_END], COMPLETION
    elif next_level(link) != NONE:
        t, kind = link[LK_FREE_AT], START
    else:
        return
    if link[LK_WAKE] != 4 * t + kind:
        link[LK_WAKE] = 4 * t + kind
        heap_push(net, data, t, kind, resource)


@kernel
def open_component(net, bursts, routes, lists, members, until, scratch, component):
    """Put all that waits for the members of a component on the heap."""
    net.heap_size[0], net.heap_size[1] = 0, component
    for i in range(len(members)):
        times, rows, n = gather(lists.resources, members[i], bursts.data, net.flows, until, scratch)
        for j in range(n):
            heap_push(net, bursts.data, times[j], ARRIVAL, rows[j])
        if routes.resources[members[i], RS_KIND] == LINK:
            net.links[members[i], LK_WAKE] = NONE
            wake(net, bursts.data, members[i])


@kernel
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
            resource = routes.items[data[what, POS]]
            sort = routes.resources[resource, RS_KIND]
            if sort == POOL:
                pool_arrival(net, bursts, routes, lists, done, resource, what, t)
            elif sort == SERVER:
                server_arrival(key, net, bursts, routes, lists, done, resource, what, t)
            else:
                link_advance(net, bursts, routes, lists, done, resource, t)
                link_arrival(net, bursts, routes, done, resource, what, t)
                wake(net, data, resource)
        elif net.links[what, LK_WAKE] == 4 * t + kind:  # else: a wake that was overtaken
            link_advance(net, bursts, routes, lists, done, what, t if kind == COMPLETION else t + 1)
            wake(net, data, what)
    close_component(net, data, routes, lists)


@kernel
def close_component(net, data, routes, lists):
    """What arrives later goes back to the lists."""
    for i in range(net.heap_size[0]):
        if net.heap[i, 1] == ARRIVAL:
            row = net.heap[i, 2]
            push(lists.resources, routes.items[data[row, POS]], data, row)
    net.heap_size[0], net.heap_size[1] = 0, NONE


@kernel
def run_network(key, net, bursts, routes, lists, done, order_start, order, until, scratch):
    """All resources up to `until`. Group g of the order is order[order_start[g]:order_start[g + 1]]."""
    for g in range(len(order_start) - 1):
        a, b = order_start[g], order_start[g + 1]
        if b - a == 1:
            run_resource(key, net, bursts, routes, lists, done, order[a], until, scratch)
        else:
            run_component(key, net, bursts, routes, lists, done, order[a:b], until, scratch, np.int64(g))
