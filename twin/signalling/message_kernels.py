"""Messages that arrive, work that is done, procedures that end (docs/signalling.md, sections 4 and 5)."""

from __future__ import annotations

import numpy as np

from twin.base import signal_columns as sc
from twin.base.bins import DELAY_BITS, bin_of
from twin.base.jit import part, routine
from twin.signalling.device_kernels import end_paging, miss_goal, reach_goal
from twin.signalling.event_kernels import push_event, push_timer
from twin.signalling.flow_kernels import (
    drop_ref,
    n2_ns,
    next_watch,
    note_trouble,
    patience_end,
    send_step,
    set_watch,
    take_up,
)
from twin.signalling.function_kernels import advance_host, begin_service, function_for, schedule_host, take_node


@routine
def succeed(key, fx, ctl, tally, user, instance, t):
    """The success step has been processed."""
    row = ctl.instances[instance]
    if row[sc.IN_STATUS] != sc.RUNNING:
        return
    row[sc.IN_STATUS] = sc.SUCCEEDED
    procedure, device = row[sc.IN_PROCEDURE], row[sc.IN_DEVICE]
    tally.procedures[procedure, sc.PC_SUCCEEDED] += 1
    tally.duration_sum[procedure] += t - row[sc.IN_START]
    tally.duration_hist[procedure, bin_of(t - row[sc.IN_START], DELAY_BITS)] += 1
    if row[sc.IN_FIRST] != sc.NONE and row[sc.IN_LEFT] != sc.NONE:
        core_part = max(row[sc.IN_LEFT] - row[sc.IN_FIRST], 0)
        tally.core_sum[procedure] += core_part
        tally.core_hist[procedure, bin_of(core_part, DELAY_BITS)] += 1
    log_end(ctl, instance, sc.OUT_SUCCEEDED, t)
    if row[sc.IN_TASK] == sc.OF_TASK:
        reach_goal(key, fx, ctl, tally, user, device, t)
    elif row[sc.IN_TASK] == sc.OF_PAGING:
        end_paging(key, fx, ctl, tally, user, device, np.int64(1), t)


@routine
def fail(key, fx, ctl, tally, user, instance, cause, t):
    """The procedure has failed."""
    row = ctl.instances[instance]
    if row[sc.IN_STATUS] != sc.RUNNING:
        return
    row[sc.IN_STATUS], row[sc.IN_CAUSE] = sc.FAILED, cause
    procedure, device = row[sc.IN_PROCEDURE], row[sc.IN_DEVICE]
    tally.procedures[procedure, cause + 1] += 1
    log_end(ctl, instance, cause, t)
    if cause == sc.OUT_POWER:
        return
    if row[sc.IN_TASK] == sc.OF_TASK:
        miss_goal(key, fx, ctl, tally, user, device, cause, row[sc.IN_SERIAL], t)
    elif row[sc.IN_TASK] == sc.OF_PAGING:
        end_paging(key, fx, ctl, tally, user, device, np.int64(0), t)


@part
def log_end(ctl, instance, outcome, t):
    """Remember an ended procedure, when somebody asked for it."""
    n = ctl.log_size[0]
    if n < len(ctl.log):
        row = ctl.instances[instance]
        ctl.log[n, 0], ctl.log[n, 1], ctl.log[n, 2] = row[sc.IN_DEVICE], row[sc.IN_SERIAL], row[sc.IN_PROCEDURE]
        ctl.log[n, 3], ctl.log[n, 4], ctl.log[n, 5] = row[sc.IN_START], t, outcome
        ctl.log_size[0] = n + 1


@routine
def watch(key, fx, ctl, tally, user, instance, t):
    """A timer of the instance may have run out."""
    row = ctl.instances[instance]
    if row[sc.IN_STATUS] == sc.RUNNING:
        end = patience_end(fx, ctl, instance)
        if t < end and t < row[sc.IN_DEADLINE]:
            set_watch(fx, ctl, instance, next_watch(fx, ctl, instance, t))
            return
        cause = np.int64(sc.OUT_SBI_TIMEOUT)
        if t >= end:
            cause = row[sc.IN_CAUSE] if row[sc.IN_CAUSE] != 0 else np.int64(sc.OUT_TIMEOUT)
        fail(key, fx, ctl, tally, user, instance, cause, t)
    drop_ref(ctl, instance)


@routine
def send_following(key, fx, ctl, tally, instance, step, t, with_send):
    """The steps that follow one leave (at a function its work holds their cost; elsewhere it takes their time)."""
    child = fx.steps[step, sc.ST_CHILD]
    while child != sc.NONE:
        send_step(key, fx, ctl, tally, instance, child, t + (fx.steps[child, sc.ST_SEND] if with_send else 0))
        child = fx.steps[child, sc.ST_SIBLING]


@part
def count_message(fx, ctl, tally, instance, step, what):
    """Count a message as received or lost."""
    tally.messages[ctl.instances[instance, sc.IN_CORE], fx.steps[step, sc.ST_INTERFACE], what] += 1


@part
def close_request(ctl, instance):
    """The answer to an SBI request has come."""
    row = ctl.instances[instance]
    row[sc.IN_OPEN] = max(row[sc.IN_OPEN] - 1, 0)
    if row[sc.IN_OPEN] == 0:
        row[sc.IN_DEADLINE] = sc.NEVER


@routine
def arrive(key, fx, ctl, tally, user, instance, step, t):
    """A message arrives."""
    receiver = fx.steps[step, sc.ST_RECEIVER]
    if receiver == sc.UE and ctl.devices[ctl.instances[instance, sc.IN_DEVICE], sc.DV_STATE] == sc.OFF:
        count_message(fx, ctl, tally, instance, step, np.int64(sc.MC_LOST))
    elif receiver == sc.UE or receiver == sc.GNB:
        count_message(fx, ctl, tally, instance, step, sc.MC_RECEIVED)
        arrive_at_radio(key, fx, ctl, tally, user, instance, step, t)
    elif arrive_at_function(key, fx, ctl, tally, instance, step, t):
        return  # the work takes the message's place among what is under way
    drop_ref(ctl, instance)


@routine
def arrive_at_radio(key, fx, ctl, tally, user, instance, step, t):
    """A message arrives at a device or gNB, which have no queue."""
    row, of = ctl.instances[instance], fx.steps[step]
    if of[sc.ST_CLOSES]:
        close_request(ctl, instance)
    if row[sc.IN_STATUS] == sc.FAILED and of[sc.ST_RECEIVER] == sc.UE:
        return
    processed = t + of[sc.ST_RECEIVE]
    send_following(key, fx, ctl, tally, instance, step, processed, np.int64(1))
    if of[sc.ST_SUCCESS]:
        row[sc.IN_REFS] += 1
        number = of[sc.ST_INDEX] << sc.WORK_BITS
        push_event(ctl, processed, sc.RANK_COMPLETION, row[sc.IN_HASH], sc.EV_FINISH, number, 0, instance, step)


@routine
def arrive_at_function(key, fx, ctl, tally, instance, step, t):
    """A message arrives at a function. Returns whether it was taken up."""
    row, of = ctl.instances[instance], fx.steps[step]
    f = function_for(fx, ctl, row[sc.IN_CORE], of[sc.ST_RECEIVER], row[sc.IN_DEVICE], t)
    closes = of[sc.ST_CLOSES] != 0
    gave_up = row[sc.IN_STATUS] == sc.FAILED and row[sc.IN_CAUSE] == sc.OUT_SBI_TIMEOUT
    if closes and f != sc.NONE and gave_up and row[sc.IN_OPEN] == 1:
        close_request(ctl, instance)
        count_message(fx, ctl, tally, instance, step, sc.MC_RECEIVED)
        return False
    if not take_up(key, fx, ctl, instance, step, sc.WORK_MESSAGE, of[sc.ST_DEMAND], of[sc.ST_RECEIVER], f, t):
        count_message(fx, ctl, tally, instance, step, sc.MC_LOST)
        return False
    if closes:
        close_request(ctl, instance)
    return True


@routine
def finish_work(key, fx, ctl, tally, user, f, instance, step, work, t):
    """A function has done a piece of work."""
    row = ctl.instances[instance]
    ctl.functions[f, sc.FU_BACKLOG] -= 1
    if not work & sc.WORK_ORIGIN:
        count_message(fx, ctl, tally, instance, step, sc.MC_RECEIVED)
    if work & (sc.WORK_REJECT_CONTEXT | sc.WORK_REJECT_CONGESTION):
        cause = sc.OUT_CONTEXT if work & sc.WORK_REJECT_CONTEXT else sc.OUT_CONGESTION
        push_timer(ctl, t + n2_ns(ctl, instance), ctl.devices[row[sc.IN_DEVICE], sc.DV_HASH], sc.TM_REJECT, row[sc.IN_SERIAL],
                   sc.EV_REJECT, 0, instance, cause)  # fmt: skip
        return
    if work == sc.WORK_ORIGIN:
        send_step(key, fx, ctl, tally, instance, step, t)
    else:
        send_following(key, fx, ctl, tally, instance, step, t, np.int64(0))
        if fx.steps[step, sc.ST_SUCCESS]:
            succeed(key, fx, ctl, tally, user, instance, t)
    drop_ref(ctl, instance)


@routine
def run_host(key, fx, ctl, tally, user, host, t):
    """The host's next event: every piece of work that is done ends, and the functions go on."""
    h = ctl.hosts[host]
    if h[sc.HO_NEXT] != t:
        return  # an earlier one was found meanwhile
    h[sc.HO_NEXT] = sc.NEVER
    advance_host(ctl, host, t)
    for i in range(h[sc.HO_FIRST], h[sc.HO_FIRST] + h[sc.HO_COUNT]):
        f = fx.host_functions[i]
        if ctl.functions[f, sc.FU_TAG] > h[sc.HO_V]:
            continue
        node = take_node(ctl, f)
        instance, step, work = ctl.nodes[node, sc.ND_INSTANCE], ctl.nodes[node, sc.ND_STEP], ctl.nodes[node, sc.ND_WORK]
        ctl.functions[f, sc.FU_TAG] = sc.NEVER
        h[sc.HO_BUSY] -= 1
        finish_work(key, fx, ctl, tally, user, f, instance, step, work, t)
        if ctl.functions[f, sc.FU_HEAD] != sc.NONE and ctl.functions[f, sc.FU_TAG] == sc.NEVER:
            begin_service(ctl, f)
    schedule_host(fx, ctl, host, t)


@routine
def lose_work(fx, ctl, tally, f, instance, step, work):
    """A function that goes down loses a piece of work."""
    ctl.functions[f, sc.FU_LOST_DOWN] += 1
    if not work & sc.WORK_ORIGIN:
        count_message(fx, ctl, tally, instance, step, sc.MC_LOST)
    note_trouble(ctl, instance, sc.OUT_DOWN)
    drop_ref(ctl, instance)


@routine
def take_down(fx, ctl, tally, f, t, down_ns):
    """A function goes down at t."""
    function = ctl.functions[f]
    function[sc.FU_DOWN_UNTIL] = max(function[sc.FU_DOWN_UNTIL], t + down_ns)
    function[sc.FU_BACKLOG] = 0
    if function[sc.FU_HOST] != sc.NONE:
        host = function[sc.FU_HOST]
        advance_host(ctl, host, t)
        function[sc.FU_LOST_NS] += function[sc.FU_QUEUED_NS]
        if function[sc.FU_HEAD] != sc.NONE:
            ctl.hosts[host, sc.HO_BUSY] -= 1
            function[sc.FU_TAG] = sc.NEVER
        while function[sc.FU_HEAD] != sc.NONE:
            node = ctl.nodes[take_node(ctl, f)]
            lose_work(fx, ctl, tally, f, node[sc.ND_INSTANCE], node[sc.ND_STEP], node[sc.ND_WORK])
        schedule_host(fx, ctl, host, t)
        return
    for w in range(function[sc.FU_WORKER_START], function[sc.FU_WORKER_START] + function[sc.FU_WORKERS]):
        function[sc.FU_LOST_NS] += max(ctl.workers[w] - t, 0)
        ctl.workers[w] = t
    for i in range(ctl.sizes[sc.SZ_HEAP]):
        event = ctl.heap[i]
        if event[sc.EV_WHAT] & 0xFF == sc.EV_DONE and event[sc.EV_ROW] >> 32 == f:
            instance, number = event[sc.EV_ROW] & np.int64(0xFFFFFFFF), event[sc.EV_WHAT] >> np.int64(32)
            event[sc.EV_WHAT] = (event[sc.EV_WHAT] & ~np.int64(0xFF)) | sc.EV_VOID
            step = fx.procedures[ctl.instances[instance, sc.IN_PROCEDURE], sc.PR_FIRST] + (number >> np.int64(sc.WORK_BITS))
            lose_work(fx, ctl, tally, f, instance, step, number & np.int64(sc.WORK_MASK))
