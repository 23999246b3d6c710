"""Generators of bursts: for one window, every burst that a flow offers (docs/model.md, section 3).

Flows wait in a wheel of buckets by the time of their next burst, so an idle flow costs nothing. Times are pure functions
of (flow, k): nothing depends on how the horizon is cut into windows.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from twin.base import columns as col
from twin.base import draws
from twin.base import signal_columns as sc
from twin.base.entry import begin_way
from twin.base.jit import kernel, part, routine
from twin.base.prefetch import LINE, prefetch, prefetch_row

JUDGED = 3  # column of messages, each counted once, in the direction its deadline is on
WHEEL_BUCKETS = 1 << 12  # a power of two
BUCKET_SHIFT = 20  # a bucket is 2^20 ns wide: about 1 ms
FAR_AWAY, FREE = WHEEL_BUCKETS, WHEEL_BUCKETS + 1  # after the buckets: flows more than a turn away, chunks in no list
CHUNK_NEXT, CHUNK_COUNT, CHUNK_FLOWS = range(3)
CHUNK_COLUMNS = 16
A_CHUNK = CHUNK_COLUMNS - CHUNK_FLOWS  # flows in a full chunk
HOUR_NS = 3_600_000_000_000
DAY_NS = 24 * HOUR_NS
HALF_HOUR_NS = HOUR_NS // 2
NEAR = 4  # how many flows ahead the list of their cell is asked for
NEXT_ROWS = 6  # how many free rows of the pool ahead of the one in hand


class Wheel(NamedTuple):
    """Flows by the bucket of their next time, in chunks of a cache line: a list that links one flow to the next would wait
    for main memory at each of them.

    head int64 (WHEEL_BUCKETS + 2,): first chunk of each bucket; then of what is more than a turn away; then of free chunks.
    opened int64 (1,): the bucket in hand, counted from time 0. chunks int32 (n, 16): the following chunk, the number of
    flows, the flows; of a list only the first chunk is not full."""

    head: np.ndarray
    opened: np.ndarray
    chunks: np.ndarray


class Traffic(NamedTuple):
    """Tables the generators read."""

    flows: np.ndarray  # int64 (flows, 16)
    types: np.ndarray  # int64 (types, 18)
    spread: np.ndarray  # float64 (types,)
    activity_q16: np.ndarray  # int64 (profiles, 24)


class Offered(NamedTuple):
    """Counts of what is offered: bursts (groups, 4), the last of messages by their deadline; bytes (groups, 3); (tenants,)."""

    bursts: np.ndarray
    bytes: np.ndarray
    tenant: np.ndarray


def chunks_for(n_flows: int) -> int:
    """Chunks that always suffice: full ones, one that is not full in each list, and one in hand."""
    return n_flows // A_CHUNK + WHEEL_BUCKETS + 4


class Gate(NamedTuple):
    """devices int64 (n, DEVICE_COLUMNS): of the control plane. fence int64 (1,): next time that something else than inactivity
    can take a connection away."""

    devices: np.ndarray
    fence: np.ndarray


@part
def wheel_add(wheel, state, f):
    """File flow f under its next time (the far list when that is more than one turn away)."""
    t = state[f, col.FS_T]
    if t >= col.FOREVER:
        return
    opened = wheel.opened[0]
    bucket = max(t >> BUCKET_SHIFT, opened)
    slot = bucket & (WHEEL_BUCKETS - 1) if bucket < opened + WHEEL_BUCKETS else np.int64(FAR_AWAY)
    chunk = wheel.head[slot]
    if chunk == col.NONE or wheel.chunks[chunk, CHUNK_COUNT] == A_CHUNK:
        fresh = wheel.head[FREE]
        wheel.head[FREE] = wheel.chunks[fresh, CHUNK_NEXT]
        wheel.chunks[fresh, CHUNK_NEXT], wheel.chunks[fresh, CHUNK_COUNT] = chunk, 0
        wheel.head[slot] = fresh
        chunk = fresh
    n = wheel.chunks[chunk, CHUNK_COUNT]
    wheel.chunks[chunk, CHUNK_FLOWS + n] = f
    wheel.chunks[chunk, CHUNK_COUNT] = n + 1


@part
def wheel_free(wheel, chunk):
    """A chunk whose flows have been taken out. Returns the one after it."""
    following = np.int64(wheel.chunks[chunk, CHUNK_NEXT])
    wheel.chunks[chunk, CHUNK_NEXT] = wheel.head[FREE]
    wheel.head[FREE] = chunk
    return following


@routine
def mar_period(u):
    """Reporting period (ns) of TR 45.820 Annex E.2: 1 day 40 %, 2 h 40 %, 1 h 15 %, 30 min 5 %."""
    p = draws.uniform_below(u, 100)
    if p < 40:
        return np.int64(DAY_NS)
    if p < 80:
        return np.int64(2 * HOUR_NS)
    return np.int64(HOUR_NS) if p < 95 else np.int64(HALF_HOUR_NS)


@routine
def alarm_next(key, flow, ty, state, f):
    """Advance to the next group event (from number FS_K on) that the flow joins."""
    h, g = flow[col.FL_HASH], flow[col.FL_GROUP_HASH]
    n, event = state[f, col.FS_K], state[f, col.FS_A]
    while (draws.draw(key, h, draws.JOIN, n) >> np.uint64(32)) >= np.uint64(ty[col.TY_JOIN]):
        n += 1
        event += ty[col.TY_SPREAD] + draws.exponential_ns(draws.draw(key, g, draws.GAP, n), ty[col.TY_PERIOD])
        if event > col.FOREVER // 2:
            break
    state[f, col.FS_K], state[f, col.FS_A] = n, event
    state[f, col.FS_T] = event + draws.uniform_below(draws.draw(key, h, draws.JITTER, n), ty[col.TY_SPREAD])


@routine
def start_flow(key, flow, ty, state, f):
    """Set a flow to its first burst."""
    h = flow[col.FL_HASH]
    kind = ty[col.TY_KIND]
    state[f, col.FS_ACT] = np.int64(draws.draw(key, h, draws.ACTIVITY, 0) >> np.uint64(48))
    period = ty[col.TY_PERIOD]
    state[f, col.FS_K] = 0
    if kind == col.POISSON:
        state[f, col.FS_T] = draws.exponential_ns(draws.draw(key, h, draws.GAP, 0), period)
    elif kind == col.ON_OFF:
        # In the steady state: on with the share of time that is on, and exponential phases have no memory.
        if draws.uniform_below(draws.draw(key, h, draws.CLASS, 0), ty[col.TY_ON] + ty[col.TY_OFF]) < ty[col.TY_ON]:
            state[f, col.FS_T] = draws.uniform_below(draws.draw(key, h, draws.PHASE, 0), period)
        else:
            state[f, col.FS_T] = draws.exponential_ns(draws.draw(key, h, draws.OFF, 0), ty[col.TY_OFF])
        state[f, col.FS_B] = state[f, col.FS_T] + draws.exponential_ns(draws.draw(key, h, draws.ON, 0), ty[col.TY_ON])
    elif kind == col.ALARM:
        if ty[col.TY_JOIN] <= 0:
            state[f, col.FS_T] = col.FOREVER
            return
        state[f, col.FS_A] = draws.exponential_ns(draws.draw(key, flow[col.FL_GROUP_HASH], draws.GAP, 0), period)
        alarm_next(key, flow, ty, state, f)
    else:
        if kind == col.MAR_PERIODIC:
            period = mar_period(draws.draw(key, h, draws.CLASS, 0))
        state[f, col.FS_PERIOD] = period
        state[f, col.FS_A] = draws.uniform_below(draws.draw(key, h, draws.PHASE, 0), period)
        state[f, col.FS_T] = state[f, col.FS_A]
        if ty[col.TY_JITTER] > 0:
            state[f, col.FS_T] += draws.uniform_below(draws.draw(key, h, draws.JITTER, 0), ty[col.TY_JITTER])
        if kind == col.VIDEO:
            state[f, col.FS_J] = draws.uniform_below(draws.draw(key, h, draws.GOP, 0), ty[col.TY_GOP])


@part
def next_burst(key, flow, ty, state, f):
    """Move a flow on to its next burst."""
    h = flow[col.FL_HASH]
    kind = ty[col.TY_KIND]
    k = state[f, col.FS_K] + 1
    state[f, col.FS_K] = k
    if kind == col.POISSON:
        state[f, col.FS_T] += draws.exponential_ns(draws.draw(key, h, draws.GAP, k), ty[col.TY_PERIOD])
    elif kind == col.ON_OFF:
        state[f, col.FS_T] += ty[col.TY_PERIOD]
        if state[f, col.FS_T] >= state[f, col.FS_B]:
            j = state[f, col.FS_J] + 1
            state[f, col.FS_J] = j
            state[f, col.FS_T] = state[f, col.FS_B] + draws.exponential_ns(draws.draw(key, h, draws.OFF, j), ty[col.TY_OFF])
            state[f, col.FS_B] = state[f, col.FS_T] + draws.exponential_ns(draws.draw(key, h, draws.ON, j), ty[col.TY_ON])
    elif kind == col.ALARM:
        gap = draws.exponential_ns(draws.draw(key, flow[col.FL_GROUP_HASH], draws.GAP, k), ty[col.TY_PERIOD])
        state[f, col.FS_A] += ty[col.TY_SPREAD] + gap
        alarm_next(key, flow, ty, state, f)
    else:
        t = state[f, col.FS_A] + k * state[f, col.FS_PERIOD]
        if ty[col.TY_JITTER] > 0:
            t += draws.uniform_below(draws.draw(key, h, draws.JITTER, k), ty[col.TY_JITTER])
        state[f, col.FS_T] = t


@part
def burst_size(key, flow, ty, spread, state, f):
    """Bytes of the flow's current burst."""
    mean = ty[col.TY_SIZE]
    k = state[f, col.FS_K]
    if ty[col.TY_KIND] == col.VIDEO and (k + state[f, col.FS_J]) % ty[col.TY_GOP] == 0:
        mean = ty[col.TY_I_FRAME]
    if ty[col.TY_SIZE_KIND] == draws.FIXED:
        return mean
    u = draws.draw(key, flow[col.FL_HASH], draws.SIZE, k)
    return draws.size_bytes(u, ty[col.TY_SIZE_KIND], mean, spread, ty[col.TY_SIZE_MAX])


@part
def new_burst(bursts, flow_row, seq, t, direction, level, size, mtu):
    """A fresh burst in the pool, not yet anywhere."""
    data = bursts.data
    row = col.take_row(bursts)
    data[row, col.FLOW] = flow_row
    data[row, col.SEQ] = seq
    data[row, col.T_GEN] = t
    data[row, col.DIR] = direction
    data[row, col.CAUSE] = 0
    data[row, col.T_END] = -1
    data[row, col.T] = t
    data[row, col.LEVEL] = level
    data[row, col.BYTES] = size
    packets = (size + mtu - 1) // mtu if size > mtu else 1
    data[row, col.PACKETS] = packets
    data[row, col.LAST_BYTES] = size - (packets - 1) * mtu
    data[row, col.MTU] = mtu
    data[row, col.REMAINING] = size
    data[row, col.B_FIRST] = col.NONE
    data[row, col.F_ALL] = 0
    data[row, col.F_FIRST] = 0
    data[row, col.BLOCK_LOST] = 0
    for p in range(col.N_PARTS):
        data[row, col.PART + p] = 0
    return row


@part
def passes(gate, device, t):
    """Whether a device is connected at t for certain: then the control plane need not see its burst. Nothing but inactivity
    takes a connection away before `fence`; and whatever order its bursts come in, each finds one not long before it."""
    d = gate.devices[device]
    if d[sc.DV_STATE] != sc.CONNECTED or t - d[sc.DV_LAST] >= d[sc.DV_INACTIVITY] or t >= gate.fence[0]:
        return False
    d[sc.DV_LAST] = max(d[sc.DV_LAST], t)
    return True


@part
def offer(key, tr, state, f, bursts, routes, lists, done, offered, gate, t, warmup):
    """Put the current burst of flow f where its way begins, and count it."""
    flow = tr.flows[f]
    ty = tr.types[flow[col.FL_TYPE]]
    size = burst_size(key, flow, ty, tr.spread[flow[col.FL_TYPE]], state, f)
    direction = ty[col.TY_DIR]
    row = new_burst(bursts, f, state[f, col.FS_K], t, direction, ty[col.TY_LEVEL], size, ty[col.TY_MTU])
    if t >= warmup:
        offered.bursts[flow[col.FL_GROUP], direction] += 1
        offered.bursts[flow[col.FL_GROUP], JUDGED] += 1
        offered.bytes[flow[col.FL_GROUP], direction] += size
        offered.tenant[flow[col.FL_TENANT]] += 1
        if ty[col.TY_RESPONSE] > 0:
            offered.bursts[flow[col.FL_GROUP], 2] += 1
            offered.bytes[flow[col.FL_GROUP], 2] += ty[col.TY_RESPONSE]
    device = flow[col.FL_DEVICE]
    if device == col.NONE or passes(gate, device, t):
        begin_way(bursts, row, t, flow, direction, routes, lists, done)
    else:
        col.push(lists.access, 0, bursts, row)


@kernel
def start_all(key, tr, state, wheel):
    """First burst of every flow, filed in the wheel."""
    wheel.head[:] = col.NONE
    wheel.head[FREE] = 0
    for chunk in range(len(wheel.chunks)):
        wheel.chunks[chunk, CHUNK_NEXT] = chunk + 1
    for f in range(len(state)):
        start_flow(key, tr.flows[f], tr.types[tr.flows[f, col.FL_TYPE]], state, f)
        wheel_add(wheel, state, f)


@routine
def put_back(wheel, state, chunk, first):
    """File the flows of a list of chunks again, of its first chunk those from `first` on."""
    while chunk != col.NONE:
        # The chunk is free for others only when all its flows have been read.
        for i in range(first, wheel.chunks[chunk, CHUNK_COUNT]):
            wheel_add(wheel, state, np.int64(wheel.chunks[chunk, CHUNK_FLOWS + i]))
        first = np.int64(0)
        chunk = wheel_free(wheel, chunk)


@routine
def refile_far(wheel, state):
    """Once a turn: flows from the far list that are now less than a turn away find their bucket."""
    chunk = wheel.head[FAR_AWAY]
    wheel.head[FAR_AWAY] = col.NONE
    put_back(wheel, state, chunk, np.int64(0))


@part
def is_active(key, flow, ty, state, f, share_q16):
    """Whether the current burst is offered in an hour with this share of activity: a Poisson stream is thinned burst by
    burst (it may stand for many devices), any other flow is on or off as a whole."""
    if ty[col.TY_KIND] != col.POISSON:
        return state[f, col.FS_ACT] < share_q16
    if share_q16 >= 65536:
        return True
    u = draws.draw(key, flow[col.FL_HASH], draws.ACTIVITY, state[f, col.FS_K])
    return np.int64(u >> np.uint64(48)) < share_q16


@part
def ask_for_flows(tr, state, wheel, chunk, first, end):
    """Ask for the rows of some flows of a chunk."""
    for i in range(first, end):
        f = np.int64(wheel.chunks[chunk, CHUNK_FLOWS + i])
        prefetch_row(state, f, 1)
        prefetch_row(tr.flows, f, 2)


@kernel
def generate(key, tr, state, wheel, bursts, routes, lists, done, offered, gate, until, warmup, start_of_day):
    """Offer every burst with t < until. Returns the number n offered, or -1 - n when the pool ran low (grow it, call again)."""
    count = 0
    last = (until - 1) >> BUCKET_SHIFT
    while True:
        opened = wheel.opened[0]
        slot = opened & (WHEEL_BUCKETS - 1)
        chunk = wheel.head[slot]
        wheel.head[slot] = col.NONE
        if chunk != col.NONE:
            ask_for_flows(tr, state, wheel, chunk, 0, wheel.chunks[chunk, CHUNK_COUNT])
        while chunk != col.NONE:
            n = np.int64(wheel.chunks[chunk, CHUNK_COUNT])
            following = np.int64(wheel.chunks[chunk, CHUNK_NEXT])
            if following != col.NONE:
                ask_for_flows(tr, state, wheel, following, n, A_CHUNK)
                prefetch(wheel.chunks, wheel.chunks[following, CHUNK_NEXT], 0)
            for i in range(n):
                f = np.int64(wheel.chunks[chunk, CHUNK_FLOWS + i])
                if following != col.NONE:
                    ask_for_flows(tr, state, wheel, following, i, i + 1)
                if i + NEAR < n:
                    near = np.int64(wheel.chunks[chunk, CHUNK_FLOWS + i + NEAR])
                    prefetch(lists.cells, 2 * tr.flows[near, col.FL_CELL], 0)
                    prefetch(gate.devices, tr.flows[near, col.FL_DEVICE], 0)
                prefetch_row(bursts.data, bursts.free[max(bursts.n_free[0] - NEXT_ROWS, 0)], col.BURST_COLUMNS // LINE)
                flow = tr.flows[f]
                ty = tr.types[flow[col.FL_TYPE]]
                while state[f, col.FS_T] < until:
                    t = state[f, col.FS_T]
                    if t >= (opened + 1) << BUCKET_SHIFT:
                        break
                    if bursts.n_free[0] < 2:
                        put_back(wheel, state, chunk, i)
                        return np.int64(-1 - count)
                    hour = ((start_of_day + t) // HOUR_NS) % 24
                    if is_active(key, flow, ty, state, f, tr.activity_q16[ty[col.TY_PROFILE], hour]):
                        offer(key, tr, state, f, bursts, routes, lists, done, offered, gate, t, warmup)
                        count += 1
                    next_burst(key, flow, ty, state, f)
                wheel_add(wheel, state, f)
            chunk = wheel_free(wheel, chunk)
        # Stay in the last bucket when the window ends inside it.
        if opened >= last and until & ((1 << BUCKET_SHIFT) - 1) != 0:
            return np.int64(count)
        wheel.opened[0] = opened + 1
        if (opened + 1) & (WHEEL_BUCKETS - 1) == 0:
            refile_far(wheel, state)
        if opened >= last:
            return np.int64(count)
