"""The loop of the control plane: scripts, timers, messages, bursts and random access in one order of time."""

from __future__ import annotations

import numpy as np

from twin.base import columns as col
from twin.base import signal_columns as sc
from twin.base.arrivals import gather
from twin.base.by_address import by_address
from twin.base.draws import tie_key
from twin.base.jit import kernel, part, routine
from twin.signalling.access_kernels import end_access, hold_occasion, join_occasion
from twin.signalling.device_kernels import (
    after_access,
    arm,
    end_wait,
    miss_goal,
    offer_burst,
    run_out_of_activity,
    run_out_of_inactive,
    run_out_of_registration,
)
from twin.signalling.event_kernels import pop_event, push_keyed
from twin.signalling.flow_kernels import begin_work, drop_ref
from twin.signalling.message_kernels import arrive, fail, finish_work, run_host, succeed, watch
from twin.signalling.script_kernels import rate_time, run_rate, script_core, script_device

ROOM = 256  # what one event can add to heap and pools, those of an occasion apart
TOKEN = 0xFFFFFF


@part
def script_key(script, row):
    """Place of a scripted change within its instant: by script, then by row of what it does to devices."""
    return (np.int64(sc.RANK_SCRIPT) << np.int64(60)) | (np.int64(script) << np.int64(36)) | np.int64(row + 1)


@kernel
def start_control(key, fixed, control):
    """The first events: scripts, timers of the devices, procedures at a rate."""
    fx, ctl = by_address(fixed), by_address(control)
    for s in range(len(fx.scripts)):
        if fx.scripts[s, sc.SR_KIND] == sc.SCRIPT_DOWN or fx.scripts[s, sc.SR_KIND] == sc.SCRIPT_DELAY:
            push_keyed(ctl, fx.scripts[s, sc.SR_T], script_key(s, -1), np.int64(sc.EV_SCRIPT), np.int64(s))
    for device in range(len(ctl.devices)):
        d = ctl.devices[device]
        if d[sc.DV_STATE] == sc.CONNECTED:
            arm(ctl, device, sc.ARMED_INACTIVITY, sc.TM_INACTIVITY, sc.EV_INACTIVITY, d[sc.DV_LAST] + d[sc.DV_INACTIVITY])
        elif d[sc.DV_STATE] == sc.IDLE and d[sc.DV_PERIODIC_AT] < sc.NEVER:
            arm(ctl, device, sc.ARMED_PERIODIC, sc.TM_PERIODIC, sc.EV_PERIODIC, d[sc.DV_PERIODIC_AT])
    for rate in range(len(fx.rates)):
        rate_time(key, fx, ctl, rate, np.int64(0))


@kernel
def push_script_devices(fx, control, times):
    """Events of what scripts do to devices, at their times."""
    ctl = by_address(control)
    for row in range(len(times)):
        push_keyed(ctl, times[row], script_key(fx.script_device[row, 0], row), np.int64(sc.EV_SCRIPT_DEVICE), np.int64(row))


@routine
def order_offers(data, flows, t, row, n):
    """Order runs of equal times by tie key and sequence number (insertion sort: runs are short)."""
    for i in range(1, n):
        if t[i] != t[i - 1]:
            continue
        r, j = row[i], i
        k = tie_key(flows[data[r, col.FLOW], col.FL_HASH], t[i]) >> np.uint64(4)
        while j > 0 and t[j - 1] == t[i]:
            other = row[j - 1]
            ko = tie_key(flows[data[other, col.FLOW], col.FL_HASH], t[i]) >> np.uint64(4)
            if ko < k or (ko == k and data[other, col.SEQ] <= data[r, col.SEQ]):
                break
            row[j] = other
            j -= 1
        row[j] = r


@routine
def run_device_event(key, fx, ctl, tally, user, kind, generation, row, other, t):
    """A timer or an access of a device."""
    if kind == sc.EV_INACTIVITY:
        run_out_of_activity(key, fx, ctl, tally, row, t)
    elif kind == sc.EV_PERIODIC:
        run_out_of_registration(key, fx, ctl, tally, row, t)
    elif kind == sc.EV_RELEASE:
        run_out_of_inactive(key, fx, ctl, tally, row, t)
    elif generation != ctl.devices[row, sc.DV_TOKEN] & TOKEN:
        return  # the device has turned to something else
    elif kind == sc.EV_READY:
        join_occasion(fx, ctl, row, t)
    elif kind == sc.EV_WAIT:
        end_wait(key, fx, ctl, tally, row, t)
    else:
        end_access(fx, ctl, tally, row, t, other == 1)
        if other == 1:
            after_access(key, fx, ctl, tally, user, row, t)
        else:
            miss_goal(key, fx, ctl, tally, user, row, np.int64(sc.WHY_ACCESS), np.int64(0), t)


@routine
def run_event(key, fx, ctl, tally, user, t, what, where):
    """One event of the heap."""
    kind, number, generation = what & 0xFF, what >> np.int64(32), (what >> np.int64(8)) & TOKEN
    row, other = where & np.int64(0xFFFFFFFF), where >> np.int64(32)
    if kind == sc.EV_ARRIVE:
        arrive(key, fx, ctl, tally, user, row, other, t)
    elif kind == sc.EV_BEGIN:
        begin_work(key, fx, ctl, row, other, t)
    elif kind == sc.EV_DONE:
        step = fx.procedures[ctl.instances[row, sc.IN_PROCEDURE], sc.PR_FIRST] + (number >> np.int64(sc.WORK_BITS))
        finish_work(key, fx, ctl, tally, user, other, row, step, number & np.int64(sc.WORK_MASK), t)
    elif kind == sc.EV_HOST:
        run_host(key, fx, ctl, tally, user, row, t)
    elif kind == sc.EV_WATCH:
        watch(key, fx, ctl, tally, user, row, t)
    elif kind == sc.EV_FINISH:
        succeed(key, fx, ctl, tally, user, row, t)
        drop_ref(ctl, row)
    elif kind == sc.EV_REJECT:
        fail(key, fx, ctl, tally, user, row, other, t)
        drop_ref(ctl, row)
    elif kind == sc.EV_OCCASION:
        hold_occasion(key, fx, ctl, tally, row, t)
    elif kind == sc.EV_SCRIPT_DEVICE:
        script_device(key, fx, ctl, tally, user, row, t)
    elif kind == sc.EV_SCRIPT:
        script_core(fx, ctl, tally, row, t)
    elif kind == sc.EV_RATE:
        run_rate(key, fx, ctl, tally, row, t)
    elif kind != sc.EV_VOID:
        run_device_event(key, fx, ctl, tally, user, kind, generation, row, other, t)


@part
def has_room(ctl):
    """Whether heap and pools hold what the next event may add."""
    sizes = ctl.sizes
    heap = sizes[sc.SZ_HEAP] + sizes[sc.SZ_JOINED] + ROOM <= len(ctl.heap)
    return heap and sizes[sc.SZ_INSTANCES] >= ROOM and sizes[sc.SZ_NODES] >= ROOM


@routine
def gather_offers(user, until, s):
    """Bursts that the generators left to the control plane, in order, in (s.t, s.row). Returns their number."""
    t, row, n = gather(user.lists.access, 0, user.bursts, user.flows, until, s)
    for i in range(n):
        s.t[i] = t[i]
        s.row[i] = row[i]
    order_offers(user.bursts.data, user.flows, s.t, s.row, n)
    return n


@kernel
def run_control(key, fixed, control, counts, plane, until, s, cursor):
    """Everything of the control plane before `until`. cursor int64 (2,): bursts in hand (-1: to be gathered first) and the
    next of them. Returns False when room ran short (make more, call again)."""
    fx, ctl, tally, user = by_address(fixed), by_address(control), by_address(counts), by_address(plane)
    if cursor[0] < 0:
        cursor[0], cursor[1] = gather_offers(user, until, s), 0
    heap = ctl.heap
    while True:
        t = heap[0, sc.EV_T] if ctl.sizes[sc.SZ_HEAP] > 0 else sc.NEVER
        if cursor[1] < cursor[0]:
            offered = s.t[cursor[1]]
            if offered < t or (offered == t and heap[0, sc.EV_KEY] >> np.int64(60) > sc.RANK_BURST):
                if not has_room(ctl):
                    return False
                row = s.row[cursor[1]]
                cursor[1] += 1
                offer_burst(key, fx, ctl, tally, user, row, offered)
                continue
        if t >= until:
            return True
        if not has_room(ctl):
            return False
        what, where = heap[0, sc.EV_WHAT], heap[0, sc.EV_ROW]
        pop_event(ctl)
        run_event(key, fx, ctl, tally, user, t, what, where)
