"""From one resource to the next, and what comes after the last (docs/model.md, section 5)."""

from __future__ import annotations

from twin.base import columns as col
from twin.base.entry import set_on_route
from twin.base.jit import part, routine
from twin.transport.event_kernels import arrive

RTT = 2


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
        arrive(net, bursts, lists.resources, routes, resource, answer, data[answer, col.T])
    col.end_burst(done, bursts, row, t, col.DELIVERED)


@routine
def release(net, bursts, routes, lists, done, row):
    """The whole train has come to the end of its links and pools: on to a server, a cell, or the accounts."""
    data = bursts.data
    t_out = data[row, col.M_LAST] + data[row, col.BASE]
    if data[row, col.CAUSE] == col.GHOST:
        col.free_row(bursts, row)
        return
    if data[row, col.CAUSE] != col.DELIVERED:
        col.end_burst(done, bursts, row, t_out, data[row, col.CAUSE])
        return
    pos = data[row, col.POS]
    settle_parts(routes, data, row, t_out, pos)
    following = routes.items[pos]
    if following != col.NONE:
        arrive(net, bursts, lists.resources, routes, following, row, t_out)
        return
    flow = net.flows[data[row, col.FLOW]]
    if data[row, col.DIR] != 0 and flow[col.FL_CH_DL] != col.NONE:
        c = 2 * flow[col.FL_CELL] + 1
        data[row, col.CHANNEL] = flow[col.FL_CH_DL]
        data[row, col.T] = t_out + net.radios[2 * net.cells[c, col.CE_RADIO] + 1, col.RA_DL_PROCESSING]
        col.push(lists.cells, c, bursts, row)
        return
    complete(net, bursts, routes, lists, done, row, t_out)


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
        arrive(net, bursts, lists.resources, routes, following, row, t_first)


@part
def end_on_way(bursts, done, row, t, cause):
    """A train was lost whole at t. While a link behind still sends its packets, a copy goes to the accounts."""
    data = bursts.data
    if data[row, col.PENDING] == 0:
        col.end_burst(done, bursts, row, t, cause)
        return
    ended = col.take_row(bursts)
    for i in range(col.BURST_COLUMNS):
        data[ended, i] = data[row, i]
    col.end_burst(done, bursts, ended, t, cause)
    data[row, col.CAUSE] = col.GHOST
    data[row, col.AT_END] = 1
