"""Generators of bursts: for one window, every burst that a flow offers (docs/model.md, section 3).

Flows wait in a wheel of buckets by the time of their next burst, so an idle flow costs nothing. Times are pure functions
of (flow, k): nothing depends on how the horizon is cut into windows.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from twin.base import draws
from twin.base.columns import (
    ALARM,
    B_FIRST,
    BLOCK_LOST,
    BYTES,
    CAUSE,
    DIR,
    F_ALL,
    F_FIRST,
    FL_CELL,
    FL_CH_UL,
    FL_GROUP,
    FL_GROUP_HASH,
    FL_HASH,
    FL_ROUTE_DOWN,
    FL_ROUTE_UP,
    FL_TENANT,
    FL_TYPE,
    FLOW,
    FOREVER,
    FS_A,
    FS_ACT,
    FS_B,
    FS_J,
    FS_K,
    FS_NEXT,
    FS_PERIOD,
    FS_T,
    LAST_BYTES,
    LEVEL,
    MAR_PERIODIC,
    N_PARTS,
    NO_COVERAGE,
    NONE,
    ON_OFF,
    PACKETS,
    PART,
    POISSON,
    REMAINING,
    SEQ,
    T_END,
    T_GEN,
    TY_DIR,
    TY_GOP,
    TY_I_FRAME,
    TY_JITTER,
    TY_JOIN,
    TY_KIND,
    TY_LEVEL,
    TY_MTU,
    TY_OFF,
    TY_ON,
    TY_PERIOD,
    TY_PROFILE,
    TY_RESPONSE,
    TY_SIZE,
    TY_SIZE_KIND,
    TY_SIZE_MAX,
    TY_SPREAD,
    VIDEO,
    T,
    end_burst,
    push,
    take_row,
)  # fmt: skip
from twin.base.entry import enter_route
from twin.base.jit import inlined, kernel

HOUR_NS = 3_600_000_000_000
DAY_NS = 24 * HOUR_NS
HALF_HOUR_NS = HOUR_NS // 2


class Wheel(NamedTuple):
    """Buckets of flows by next time. head int64 (buckets,); meta: [bucket ns, next bucket to open, far list head]."""

    head: np.ndarray
    meta: np.ndarray


class Traffic(NamedTuple):
    """Tables the generators read."""

    flows: np.ndarray  # int64 (flows, 12)
    types: np.ndarray  # int64 (types, 18)
    spread: np.ndarray  # float64 (types,)
    activity_q16: np.ndarray  # int64 (profiles, 24)


class Offered(NamedTuple):
    """Counts of what is offered: (groups, 3) bursts and bytes; (tenants,)."""

    bursts: np.ndarray
    bytes: np.ndarray
    tenant: np.ndarray


@inlined
def wheel_add(wheel, state, f):
    """File flow f under its next time (the far list when that is more than one turn away)."""
    t = state[f, FS_T]
    if t >= FOREVER:
        return
    width, opened, turn = wheel.meta[0], wheel.meta[1], len(wheel.head) - 1
    bucket = max(t // width, opened)
    slot = bucket % turn if bucket < opened + turn else turn
    state[f, FS_NEXT] = wheel.head[slot]
    wheel.head[slot] = f


@kernel
def mar_period(u):
    """Reporting period (ns) of TR 45.820 Annex E.2: 1 day 40 %, 2 h 40 %, 1 h 15 %, 30 min 5 %."""
    p = draws.uniform_below(u, 100)
    if p < 40:
        return np.int64(DAY_NS)
    if p < 80:
        return np.int64(2 * HOUR_NS)
    return np.int64(HOUR_NS) if p < 95 else np.int64(HALF_HOUR_NS)


@kernel
def alarm_next(key, flow, ty, state, f):
    """Advance to the next group event (from number FS_K on) that the flow joins."""
    h, g = flow[FL_HASH], flow[FL_GROUP_HASH]
    n, event = state[f, FS_K], state[f, FS_A]
    while (draws.draw(key, h, draws.JOIN, n) >> np.uint64(32)) >= np.uint64(ty[TY_JOIN]):
        n += 1
        event += ty[TY_SPREAD] + draws.exponential_ns(draws.draw(key, g, draws.GAP, n), ty[TY_PERIOD])
        if event > FOREVER // 2:
            break
    state[f, FS_K], state[f, FS_A] = n, event
    state[f, FS_T] = event + draws.uniform_below(draws.draw(key, h, draws.JITTER, n), ty[TY_SPREAD])


@kernel
def start_flow(key, flow, ty, state, f):
    """Set a flow to its first burst."""
    h = flow[FL_HASH]
    kind = ty[TY_KIND]
    state[f, FS_ACT] = np.int64(draws.draw(key, h, draws.ACTIVITY, 0) >> np.uint64(48))
    period = ty[TY_PERIOD]
    state[f, FS_K] = 0
    if kind == POISSON:
        state[f, FS_T] = draws.exponential_ns(draws.draw(key, h, draws.GAP, 0), period)
    elif kind == ON_OFF:
        state[f, FS_T] = draws.exponential_ns(draws.draw(key, h, draws.OFF, 0), ty[TY_OFF])
        state[f, FS_B] = state[f, FS_T] + draws.exponential_ns(draws.draw(key, h, draws.ON, 0), ty[TY_ON])
    elif kind == ALARM:
        if ty[TY_JOIN] <= 0:
            state[f, FS_T] = FOREVER
            return
        state[f, FS_A] = draws.exponential_ns(draws.draw(key, flow[FL_GROUP_HASH], draws.GAP, 0), period)
        alarm_next(key, flow, ty, state, f)
    else:
        if kind == MAR_PERIODIC:
            period = mar_period(draws.draw(key, h, draws.CLASS, 0))
        state[f, FS_PERIOD] = period
        state[f, FS_A] = draws.uniform_below(draws.draw(key, h, draws.PHASE, 0), period)
        state[f, FS_T] = state[f, FS_A]
        if ty[TY_JITTER] > 0:
            state[f, FS_T] += draws.uniform_below(draws.draw(key, h, draws.JITTER, 0), ty[TY_JITTER])
        if kind == VIDEO:
            state[f, FS_J] = draws.uniform_below(draws.draw(key, h, draws.GOP, 0), ty[TY_GOP])


@inlined
def next_burst(key, flow, ty, state, f):
    """Move a flow on to its next burst."""
    h = flow[FL_HASH]
    kind = ty[TY_KIND]
    k = state[f, FS_K] + 1
    state[f, FS_K] = k
    if kind == POISSON:
        state[f, FS_T] += draws.exponential_ns(draws.draw(key, h, draws.GAP, k), ty[TY_PERIOD])
    elif kind == ON_OFF:
        state[f, FS_T] += ty[TY_PERIOD]
        if state[f, FS_T] >= state[f, FS_B]:
            j = state[f, FS_J] + 1
            state[f, FS_J] = j
            state[f, FS_T] = state[f, FS_B] + draws.exponential_ns(draws.draw(key, h, draws.OFF, j), ty[TY_OFF])
            state[f, FS_B] = state[f, FS_T] + draws.exponential_ns(draws.draw(key, h, draws.ON, j), ty[TY_ON])
    elif kind == ALARM:
        gap = draws.exponential_ns(draws.draw(key, flow[FL_GROUP_HASH], draws.GAP, k), ty[TY_PERIOD])
        state[f, FS_A] += ty[TY_SPREAD] + gap
        alarm_next(key, flow, ty, state, f)
    else:
        t = state[f, FS_A] + k * state[f, FS_PERIOD]
        if ty[TY_JITTER] > 0:
            t += draws.uniform_below(draws.draw(key, h, draws.JITTER, k), ty[TY_JITTER])
        state[f, FS_T] = t


@inlined
def burst_size(key, flow, ty, spread, state, f):
    """Bytes of the flow's current burst."""
    mean = ty[TY_SIZE]
    k = state[f, FS_K]
    if ty[TY_KIND] == VIDEO and (k + state[f, FS_J]) % ty[TY_GOP] == 0:
        mean = ty[TY_I_FRAME]
    if ty[TY_SIZE_KIND] == draws.FIXED:
        return mean
    u = draws.draw(key, flow[FL_HASH], draws.SIZE, k)
    return draws.size_bytes(u, ty[TY_SIZE_KIND], mean, spread, ty[TY_SIZE_MAX])


@inlined
def new_burst(bursts, flow_row, seq, t, direction, level, size, mtu):
    """A fresh burst in the pool, not yet anywhere."""
    data = bursts.data
    row = take_row(bursts)
    data[row, FLOW] = flow_row
    data[row, SEQ] = seq
    data[row, T_GEN] = t
    data[row, DIR] = direction
    data[row, CAUSE] = 0
    data[row, T_END] = -1
    data[row, T] = t
    data[row, LEVEL] = level
    data[row, BYTES] = size
    packets = (size + mtu - 1) // mtu if size > mtu else 1
    data[row, PACKETS] = packets
    data[row, LAST_BYTES] = size - (packets - 1) * mtu
    data[row, REMAINING] = size
    data[row, B_FIRST] = NONE
    data[row, F_ALL] = 0
    data[row, F_FIRST] = 0
    data[row, BLOCK_LOST] = 0
    for p in range(N_PARTS):
        data[row, PART + p] = 0
    return row


@kernel
def offer(key, tr, state, f, bursts, routes, lists, done, offered, t, warmup):
    """Put the current burst of flow f where its way begins, and count it."""
    flow = tr.flows[f]
    ty = tr.types[flow[FL_TYPE]]
    size = burst_size(key, flow, ty, tr.spread[flow[FL_TYPE]], state, f)
    direction = ty[TY_DIR]
    row = new_burst(bursts, f, state[f, FS_K], t, direction, ty[TY_LEVEL], size, ty[TY_MTU])
    if t >= warmup:
        offered.bursts[flow[FL_GROUP], direction] += 1
        offered.bytes[flow[FL_GROUP], direction] += size
        offered.tenant[flow[FL_TENANT]] += 1
        if ty[TY_RESPONSE] > 0:
            offered.bursts[flow[FL_GROUP], 2] += 1
            offered.bytes[flow[FL_GROUP], 2] += ty[TY_RESPONSE]
    if direction == 0:
        if flow[FL_CH_UL] != NONE:
            push(lists.cells, 2 * flow[FL_CELL], bursts.data, row)
        elif flow[FL_ROUTE_UP] == NONE:
            end_burst(done, bursts.data, row, t, NO_COVERAGE)
        else:
            enter_route(bursts.data, row, t, t, flow[FL_ROUTE_UP], routes, lists.resources)
    elif flow[FL_ROUTE_DOWN] == NONE:
        end_burst(done, bursts.data, row, t, NO_COVERAGE)
    else:
        enter_route(bursts.data, row, t, t, flow[FL_ROUTE_DOWN], routes, lists.resources)


@kernel
def start_all(key, tr, state, wheel):
    """First burst of every flow, filed in the wheel."""
    for f in range(len(state)):
        start_flow(key, tr.flows[f], tr.types[tr.flows[f, FL_TYPE]], state, f)
        wheel_add(wheel, state, f)


@kernel
def refile_far(wheel, state):
    """Once a turn: flows from the far list that are now less than a turn away find their bucket."""
    turn = len(wheel.head) - 1
    f = wheel.head[turn]
    wheel.head[turn] = NONE
    while f != NONE:
        following = state[f, FS_NEXT]
        wheel_add(wheel, state, f)
        f = following


@kernel
def put_back(wheel, state, slot, f):
    """Put the flows from f on in front of what the bucket has taken in since it was opened."""
    tail = f
    while state[tail, FS_NEXT] != NONE:
        tail = state[tail, FS_NEXT]
    state[tail, FS_NEXT] = wheel.head[slot]
    wheel.head[slot] = f


@kernel
def generate(key, tr, state, wheel, bursts, routes, lists, done, offered, until, warmup, start_of_day):
    """Offer every burst with t < until. Returns the number n offered, or -1 - n when the pool ran low (grow it, call again)."""
    turn = len(wheel.head) - 1
    width = wheel.meta[0]
    count = 0
    last = (until - 1) // width
    while True:
        opened = wheel.meta[1]
        slot = opened % turn
        f = wheel.head[slot]
        wheel.head[slot] = NONE
        while f != NONE:
            following = state[f, FS_NEXT]
            flow = tr.flows[f]
            ty = tr.types[flow[FL_TYPE]]
            while state[f, FS_T] < until:
                t = state[f, FS_T]
                if t >= (opened + 1) * width:
                    break
                if bursts.count[0] < 2:
                    put_back(wheel, state, slot, f)
                    return np.int64(-1 - count)
                hour = ((start_of_day + t) // HOUR_NS) % 24
                if state[f, FS_ACT] < tr.activity_q16[ty[TY_PROFILE], hour]:
                    offer(key, tr, state, f, bursts, routes, lists, done, offered, t, warmup)
                    count += 1
                next_burst(key, flow, ty, state, f)
            wheel_add(wheel, state, f)
            f = following
        if opened >= last:
            # Stay in the last bucket when the window ends inside it.
            if until % width == 0:
                wheel.meta[1] = opened + 1
                if (opened + 1) % turn == 0:
                    refile_far(wheel, state)
            return np.int64(count)
        wheel.meta[1] = opened + 1
        if (opened + 1) % turn == 0:
            refile_far(wheel, state)
