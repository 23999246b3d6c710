"""Accounts of ended bursts: counts, histograms and sums (docs/model.md, section 6)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from twin.base import columns as col
from twin.base.bins import DELAY_BITS, PART_BITS, bin_of
from twin.base.jit import kernel, part
from twin.base.prefetch import LINE, prefetch_row

RTT = 2
JUDGED = 3  # column of messages, each counted once, in the direction its deadline is on
FAR, NEAR = 8, 4  # how many bursts ahead rows are asked for, and then their flows


class Accounts(NamedTuple):
    """Arrays of `twin.measure.measures.Measures`, by the same names, that ended bursts change."""

    delivered: np.ndarray
    within: np.ndarray
    lost: np.ndarray
    delivered_bytes: np.ndarray
    delay_sum_ns: np.ndarray
    delay_max_ns: np.ndarray
    delay_row: np.ndarray
    delay_hist: np.ndarray
    part_sum_ns: np.ndarray
    part_row: np.ndarray
    part_hist: np.ndarray
    tenant_delivered: np.ndarray
    tenant_within: np.ndarray
    tenant_ended: np.ndarray
    series_delivered_bytes: np.ndarray
    bad: np.ndarray  # int64 (1,): bursts whose parts did not sum to their delay


class Capture(NamedTuple):
    """Room for raw bursts, when they are asked for. rows int64 (n, 6 + parts); n_rows int64 (1,)."""

    rows: np.ndarray
    n_rows: np.ndarray


@part
def capture_burst(cap, data, row, direction):
    """Copy an ended burst: flow, seq, direction, t_gen, t_end, cause, parts (0 when lost)."""
    n = cap.n_rows[0]
    cap.n_rows[0] = n + 1
    out = cap.rows[n]
    out[0], out[1], out[2] = data[row, col.FLOW], data[row, col.SEQ], direction
    out[3], out[4], out[5] = data[row, col.T_GEN], data[row, col.T_END], data[row, col.CAUSE]
    for p in range(col.N_PARTS):
        out[6 + p] = data[row, col.PART + p] if data[row, col.CAUSE] == col.DELIVERED else np.int64(0)


@part
def account_delivered(acc, data, row, flow, ty, direction, bucket):
    """Counts of one delivered burst."""
    group = flow[col.FL_GROUP]
    delay = data[row, col.T_END] - data[row, col.T_GEN]
    acc.delivered[group, direction] += 1
    acc.delivered_bytes[group, direction] += data[row, col.BYTES]
    acc.delay_sum_ns[group, direction] += delay
    if delay > acc.delay_max_ns[group, direction]:
        acc.delay_max_ns[group, direction] = delay
    acc.delay_hist[acc.delay_row[group, direction], bin_of(delay, DELAY_BITS)] += 1
    acc.series_delivered_bytes[bucket, flow[col.FL_PARK], direction] += data[row, col.BYTES]
    within = delay <= ty[col.TY_DEADLINE]
    if within:
        acc.within[group, direction] += 1
    if direction == RTT or ty[col.TY_RESPONSE] == 0:
        acc.delivered[group, JUDGED] += 1
        acc.within[group, JUDGED] += within
        acc.tenant_delivered[flow[col.FL_TENANT]] += 1
        acc.tenant_within[flow[col.FL_TENANT]] += within
        acc.tenant_ended[flow[col.FL_TENANT]] += 1
    pa = flow[col.FL_PARK_APP]
    first = acc.part_row[pa, direction]
    total = np.int64(0)
    for p in range(col.N_PARTS):
        value = data[row, col.PART + p]
        if value != 0:
            total += value
            acc.part_sum_ns[pa, direction, p] += value
            acc.part_hist[first + p, bin_of(value, PART_BITS)] += 1
    if total != delay:
        acc.bad[0] += 1


@part
def look_ahead(bursts, flows, far, near):
    """Ask for the rows of burst `far`, and for the flow of burst `near`, whose rows have come. Returns the ones after them."""
    if far != col.NONE:
        prefetch_row(bursts.data, far, col.BURST_COLUMNS // LINE)
        far = np.int64(bursts.next[far])
    if near != col.NONE:
        prefetch_row(flows, bursts.data[near, col.FLOW], 2)
        near = np.int64(bursts.next[near])
    return far, near


@kernel
def account(done, bursts, flows, types, acc, cap, until, warmup, bucket_ns):
    """Account every burst that ended before `until`; free its row. Later ones stay on the list."""
    data = bursts.data
    row = done[0, col.HEAD]
    done[0, col.HEAD] = col.NONE
    done[0, 1] = col.NONE
    capturing = len(cap.rows) > 0
    far, near = row, row
    for _ in range(FAR - NEAR):
        far, _near = look_ahead(bursts, flows, far, np.int64(col.NONE))
    for _ in range(NEAR):
        far, near = look_ahead(bursts, flows, far, near)
    while row != col.NONE:
        far, near = look_ahead(bursts, flows, far, near)
        following = np.int64(bursts.next[row])
        if data[row, col.T_END] >= until:
            col.push(done, 0, bursts, row)
            row = following
            continue
        flow = flows[data[row, col.FLOW]]
        ty = types[flow[col.FL_TYPE]]
        direction, cause = data[row, col.DIR], data[row, col.CAUSE]
        both = direction == 0 and cause != col.DELIVERED and ty[col.TY_RESPONSE] > 0
        if capturing:
            capture_burst(cap, data, row, direction)
            if both:
                capture_burst(cap, data, row, RTT)
        if data[row, col.T_GEN] >= warmup:
            if cause == col.DELIVERED:
                account_delivered(acc, data, row, flow, ty, direction, data[row, col.T_END] // bucket_ns)
            else:
                acc.lost[flow[col.FL_GROUP], direction, cause] += 1
                if both:
                    acc.lost[flow[col.FL_GROUP], RTT, cause] += 1
                if both or direction == RTT or ty[col.TY_RESPONSE] == 0:
                    acc.lost[flow[col.FL_GROUP], JUDGED, cause] += 1
                    acc.tenant_ended[flow[col.FL_TENANT]] += 1
        col.free_row(bursts, row)
        row = following


@part
def count_one(flow, ty, t_gen, direction, delivered, in_flight, late, tenant_late, horizon):
    """Count a burst on its way. delivered: it is a request whose response has a row of its own."""
    overdue = horizon - t_gen > ty[col.TY_DEADLINE]
    in_flight[flow[col.FL_GROUP], direction] += 1
    late[flow[col.FL_GROUP], direction] += overdue
    request = direction == 0 and ty[col.TY_RESPONSE] > 0
    answered = request and delivered
    if request and not answered:
        in_flight[flow[col.FL_GROUP], RTT] += 1
        late[flow[col.FL_GROUP], RTT] += overdue
    if not answered:
        in_flight[flow[col.FL_GROUP], JUDGED] += 1
        late[flow[col.FL_GROUP], JUDGED] += overdue
        tenant_late[flow[col.FL_TENANT]] += overdue


@kernel
def count_parked(channels, parked, data, flows, types, in_flight, late, tenant_late, horizon, warmup):
    """Parked bursts at the horizon, as `count_in_flight` counts those in the pool."""
    for ch in range(len(channels)):
        channel = channels[ch]
        if channel[col.CH_CELL] % 2 != 0 or channel[col.CH_CG_PERIOD] > 0 or channel[col.CH_PARKED] == 0:
            continue
        flow = flows[data[channel[col.CH_HEAD], col.FLOW]]
        p = channel[col.CH_PARKED]
        while p != 0:
            if parked.data[p, col.PK_T_GEN] >= warmup:
                t_gen = parked.data[p, col.PK_T_GEN]
                count_one(flow, types[flow[col.FL_TYPE]], t_gen, 0, False, in_flight, late, tenant_late, horizon)
            p = parked.data[p, col.PK_LINK] & col.PK_NEXT_MASK


@kernel
def count_in_flight(alive, data, flows, types, in_flight, late, tenant_late, horizon, warmup):
    """Bursts on their way at the horizon, and those of them already older than their deadline."""
    for row in range(len(alive)):
        if not alive[row] or data[row, col.T_GEN] < warmup or data[row, col.CAUSE] == col.GHOST:
            continue
        flow = flows[data[row, col.FLOW]]
        ty = types[flow[col.FL_TYPE]]
        # A request that was delivered after the horizon: its response has a row of its own.
        delivered = data[row, col.T_END] >= 0 and data[row, col.CAUSE] == col.DELIVERED
        count_one(flow, ty, data[row, col.T_GEN], data[row, col.DIR], delivered, in_flight, late, tenant_late, horizon)
