"""Links, worker pools and servers: packet trains through exact stages (docs/model.md, section 5).

Resources are visited in topological order, each in one pass over its sorted arrivals; resources that feed each other
(a component of the resource graph with a cycle) run together on an event heap with the same functions.
"""

from __future__ import annotations

import numpy as np

from twin.base import columns as col
from twin.base.arrivals import gather
from twin.base.draws import SERVICE, draw, exponential_ns
from twin.base.jit import kernel, part, routine
from twin.base.prefetch import LINE, prefetch, prefetch_row
from twin.transport.event_kernels import ARRIVAL, COMPLETION, START, arrive, heap_pop, heap_push
from twin.transport.link_kernels import link_advance, link_arrival
from twin.transport.way_kernels import complete, end_on_way, hand_on

PS = np.int64(1_000)
FAR, NEAR = 10, 4  # how many resources ahead their bursts are asked for, and then the routes of these


@part
def pool_service(res, packets, size):
    """Time (ns) a worker of a pool spends on packets of `size` bytes in all."""
    return max(np.int64(1), packets * res[col.RS_COST_PACKET] + (size * res[col.RS_COST_BYTE_PS] + PS - 1) // PS)


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
    packets = data[row, col.PACKETS]
    service = pool_service(res, packets, data[row, col.BYTES])
    counts[col.RM_OFFERED] += service
    counts[col.RM_WAIT_MAX] = max(counts[col.RM_WAIT_MAX], start - t)
    if start - t > res[col.RS_QUEUE_LIMIT]:
        counts[col.RM_DROPPED] += data[row, col.PACKETS]
        cause = data[row, col.CAUSE]
        end_on_way(bursts, done, row, t, col.UPF_OVERFLOW if cause == col.DELIVERED else cause)
        return
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
    service = res[col.RS_SERVICE_MEAN]
    if res[col.RS_SERVICE_KIND] == col.SERVICE_EXPONENTIAL:
        entity = np.uint64(net.flows[data[row, col.FLOW], col.FL_HASH])
        service = exponential_ns(draw(key, entity, SERVICE + data[row, col.STAGE], data[row, col.SEQ]), service)
    counts[col.RM_OFFERED] += service
    counts[col.RM_WAIT_MAX] = max(counts[col.RM_WAIT_MAX], start - t)
    if start - t > res[col.RS_QUEUE_LIMIT]:
        counts[col.RM_DROPPED] += 1
        col.end_burst(done, bursts, row, t, col.SERVER_OVERFLOW)
        return
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
        arrive(net, bursts, lists.resources, routes, following, row, end)


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
        times, rows, n = gather(lists.resources, members[i], bursts, net.flows, until, scratch)
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
            to = t if kind == COMPLETION else t + 1
            serve(key, net, bursts, routes, lists, done, resource, scratch.t, scratch.row, 0, to, False)
        else:  # a wake that was overtaken
            continue
        if routes.resources[resource, col.RS_KIND] == col.LINK:
            wake(net, data, resource)
    close_component(net, bursts, routes, lists)


@routine
def close_component(net, bursts, routes, lists):
    """What arrives later goes back to the lists."""
    for i in range(net.heap_size[0]):
        if net.heap[i, 1] == ARRIVAL:
            row = net.heap[i, 2]
            col.push(lists.resources, routes.items[bursts.data[row, col.POS]], bursts, row)
    net.heap_size[0], net.heap_size[1] = 0, col.NONE


@part
def ask_for(net, bursts, routes, lists, resource):
    """Ask for the rows of a resource and of the bursts that wait for it."""
    row = lists.resources[resource, col.HEAD]
    if row == col.NONE and lists.resources[resource, col.AWAKE] == 0:
        return
    prefetch_row(routes.resources, resource, col.RESOURCE_COLUMNS // LINE)
    prefetch_row(net.links, resource, col.LINK_COLUMNS // LINE)
    prefetch(net.counts, resource, 0)
    prefetch(net.counts, resource, col.RM_COLUMNS - 1)
    while row != col.NONE:
        prefetch_row(bursts.data, row, col.BURST_COLUMNS // LINE)
        row = np.int64(bursts.next[row])


@kernel
def run_network(key, net, bursts, routes, lists, done, order_start, order, until, scratch):
    """All resources up to `until`. Group g of the order is order[order_start[g]:order_start[g + 1]]."""
    for g in range(len(order_start) - 1):
        a, b = order_start[g], order_start[g + 1]
        if b + FAR < len(order):
            ask_for(net, bursts, routes, lists, order[b + FAR])
        if b - a == 1:
            if lists.resources[order[a], col.HEAD] == col.NONE and lists.resources[order[a], col.AWAKE] == 0:
                continue
            times, rows, n = gather(lists.resources, order[a], bursts, net.flows, until, scratch)
            serve(key, net, bursts, routes, lists, done, order[a], times, rows, n, until, True)
            link = net.links[order[a]]
            lists.resources[order[a], col.AWAKE] = link[col.LK_QUEUED] + (link[col.LK_LEVEL] != col.NONE)
        else:
            run_component(key, net, bursts, routes, lists, done, order[a:b], until, scratch, np.int64(g))
