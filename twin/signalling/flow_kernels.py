"""Procedures as messages between device, gNB and network functions (docs/signalling.md, sections 4 and 5)."""

from __future__ import annotations

import numpy as np

from twin.base import columns as col
from twin.base import draws
from twin.base import signal_columns as sc
from twin.base.jit import part, routine
from twin.signalling.event_kernels import push_event, push_timer
from twin.signalling.function_kernels import function_for, give_work


@routine
def slots_end(fx, r, tau, blocks):
    """End of the last of so many usable slots of a row of `radios`, the first decided at or after tau (model.md, section 4)."""
    slot, period = fx.radios[r, col.RA_SLOT], fx.radios[r, col.RA_PERIOD]
    q = (tau + slot - 1) // slot
    n = q + fx.after[r, q % period]
    for _ in range(blocks - 1):
        n += 1
        n += fx.usable_from[r, n % period]
    return (n + 1) * slot


@part
def is_paging(fx, procedure):
    """Whether a procedure calls a device."""
    trigger = fx.procedures[procedure, sc.PR_TRIGGER]
    return trigger == sc.TR_PAGING or trigger == sc.TR_RAN_PAGING


@routine
def paging_occasion(key, fx, ctl, device, t):
    """First paging occasion of the device at or after t."""
    d = ctl.devices[device]
    cycle = fx.behaviours[d[sc.DV_BEHAVIOUR], sc.BE_DRX]
    offset = draws.uniform_below(draws.draw(key, np.uint64(d[sc.DV_HASH]), draws.PAGING, 0), cycle)
    return offset + max((t - offset + cycle - 1) // cycle, 0) * cycle


@routine
def radio_arrival(key, fx, ctl, tally, instance, step, t, up):
    """When a message over the air that is ready at t has been received."""
    row = ctl.instances[instance]
    cell = row[sc.IN_CELL]
    place = ctl.cells[cell]
    radio = place[sc.SC_RADIO]
    if radio == sc.NONE:
        return paging_occasion(key, fx, ctl, row[sc.IN_DEVICE], t) if is_paging(fx, row[sc.IN_PROCEDURE]) and not up else t
    blocks = max((fx.steps[step, sc.ST_BYTES] + place[sc.SC_BLOCK] - 1) // place[sc.SC_BLOCK], 1)
    direction = 0 if up else 1
    tally.prb[cell, direction] += blocks * place[sc.SC_PRB]
    tally.grants[cell, direction] += blocks
    if up:
        return slots_end(fx, 2 * radio, t, blocks) + fx.radios[2 * radio, col.RA_PROCESSING]
    if is_paging(fx, row[sc.IN_PROCEDURE]):
        t = paging_occasion(key, fx, ctl, row[sc.IN_DEVICE], t)
    ready = t + fx.radios[2 * radio, col.RA_DL_PROCESSING]
    return slots_end(fx, 2 * radio + 1, ready, blocks) + fx.radios[2 * radio, col.RA_UE]


@part
def n2_ns(ctl, instance):
    """One way between the instance's gNB and its core's functions (ns)."""
    row = ctl.instances[instance]
    return ctl.cells[row[sc.IN_CELL], sc.SC_N2] + ctl.cores[row[sc.IN_CORE], sc.CO_EXTRA]


@routine
def wire_arrival(fx, ctl, instance, step, t):
    """When a message that leaves at t over a wire arrives."""
    row = ctl.instances[instance]
    sender, receiver = fx.steps[step, sc.ST_SENDER], fx.steps[step, sc.ST_RECEIVER]
    core = ctl.cores[row[sc.IN_CORE]]
    platform = sender == sc.IOT or receiver == sc.IOT
    if sender == sc.GNB or receiver == sc.GNB:
        place = ctl.cells[row[sc.IN_CELL]]
        if sender == receiver:
            return t + max(place[sc.SC_XN], 1)
        delay = n2_ns(ctl, instance) + (fx.steps[step, sc.ST_BYTES] * place[sc.SC_N2_PS] + 999) // 1000
        return t + max(delay + (core[sc.CO_N6] if platform else 0), 1)
    if platform:
        return t + max(core[sc.CO_N6], 1)
    return t + max(core[sc.CO_N4] if sender == sc.UPF or receiver == sc.UPF else core[sc.CO_SBI], 1)


@routine
def send_step(key, fx, ctl, tally, instance, step, t):
    """The message of a step leaves its sender at t."""
    row = ctl.instances[instance]
    of = fx.steps[step]
    counts = tally.messages[row[sc.IN_CORE], of[sc.ST_INTERFACE]]
    counts[sc.MC_SENT] += 1
    counts[sc.MC_BYTES] += of[sc.ST_BYTES]
    if of[sc.ST_OPENS]:
        if row[sc.IN_OPEN] == 0 and ctl.cores[row[sc.IN_CORE], sc.CO_SBI_TIMER] > 0:
            row[sc.IN_DEADLINE] = t + ctl.cores[row[sc.IN_CORE], sc.CO_SBI_TIMER]
        row[sc.IN_OPEN] += 1
    if of[sc.ST_OUT]:
        row[sc.IN_LEFT] = t
    if of[sc.ST_SENDER] == sc.UE or of[sc.ST_RECEIVER] == sc.UE:
        arrives = max(radio_arrival(key, fx, ctl, tally, instance, step, t, of[sc.ST_SENDER] == sc.UE), t + 1)
    else:
        arrives = wire_arrival(fx, ctl, instance, step, t)
    row[sc.IN_REFS] += 1
    push_event(ctl, arrives, sc.RANK_ARRIVAL, row[sc.IN_HASH], sc.EV_ARRIVE, of[sc.ST_INDEX], 0, instance, step)


@part
def drop_ref(ctl, instance):
    """One message, piece of work or timer of an instance less; its row is free when none is left."""
    ctl.instances[instance, sc.IN_REFS] -= 1
    if ctl.instances[instance, sc.IN_REFS] == 0:
        ctl.free_instances[ctl.sizes[sc.SZ_INSTANCES]] = instance
        ctl.sizes[sc.SZ_INSTANCES] += 1


@part
def note_trouble(ctl, instance, cause):
    """Remember why the instance will fail, unless something was noted before."""
    if ctl.instances[instance, sc.IN_CAUSE] == 0:
        ctl.instances[instance, sc.IN_CAUSE] = cause


@part
def is_controlled(trigger):
    """Whether an AMF or MME may refuse a procedure of this trigger."""
    return (
        trigger == sc.TR_REGISTRATION
        or trigger == sc.TR_REGISTRATION_GUTI
        or trigger == sc.TR_SERVICE
        or trigger == sc.TR_PERIODIC
        or trigger == sc.TR_PAGING
        or trigger == sc.TR_OTHER
    )


@routine
def admission(fx, ctl, instance, f, t):
    """Whether an AMF or MME takes a procedure up: overload start, lost contexts, congestion control."""
    row = ctl.instances[instance]
    trigger = fx.procedures[row[sc.IN_PROCEDURE], sc.PR_TRIGGER]
    if not is_controlled(trigger):
        return np.int64(sc.WORK_MESSAGE)
    registers = trigger == sc.TR_REGISTRATION or trigger == sc.TR_REGISTRATION_GUTI
    function, core = ctl.functions[f], ctl.cores[row[sc.IN_CORE]]
    if function[sc.FU_OVERLOAD] > 0 and function[sc.FU_BACKLOG] >= function[sc.FU_OVERLOAD]:
        core[sc.CO_OVERLOADED_UNTIL] = t + core[sc.CO_OVERLOAD_HOLD]
    if ctl.devices[row[sc.IN_DEVICE], sc.DV_LOST] and not registers:
        return np.int64(sc.WORK_REJECT_CONTEXT)
    if registers and function[sc.FU_CONGESTION] > 0 and function[sc.FU_BACKLOG] >= function[sc.FU_CONGESTION]:
        return np.int64(sc.WORK_REJECT_CONGESTION)
    return np.int64(sc.WORK_MESSAGE)


@routine
def take_up(key, fx, ctl, instance, step, work, base, role, f, t):
    """Work for a function of a role (f: the one that is up, or -1) arrives: it is taken up, or lost. True when taken up."""
    row = ctl.instances[instance]
    if f == sc.NONE:
        note_trouble(ctl, instance, sc.OUT_DOWN)
        return False
    if row[sc.IN_FIRST] == sc.NONE:
        row[sc.IN_FIRST] = t
    if (role == sc.AMF or role == sc.MME) and row[sc.IN_ADMITTED] == 0:
        row[sc.IN_ADMITTED] = 1
        refusal = admission(fx, ctl, instance, f, t)
        if refusal != sc.WORK_MESSAGE:
            work, base = work | refusal, max(ctl.functions[f, sc.FU_REJECT], 1)
    if ctl.functions[f, sc.FU_BACKLOG] >= ctl.functions[f, sc.FU_LIMIT]:
        ctl.functions[f, sc.FU_LOST_OVERFLOW] += 1
        note_trouble(ctl, instance, sc.OUT_OVERFLOW)
        return False
    give_work(key, fx, ctl, f, instance, step, work, base, t)
    return True


@routine
def start_instance(key, fx, ctl, tally, device, procedure, task, t):
    """A procedure of a device starts at t. Returns its row."""
    ctl.sizes[sc.SZ_INSTANCES] -= 1
    instance = ctl.free_instances[ctl.sizes[sc.SZ_INSTANCES]]
    d, row, of = ctl.devices[device], ctl.instances[instance], fx.procedures[procedure]
    serial = d[sc.DV_SERIAL]
    d[sc.DV_SERIAL] = serial + 1
    row[sc.IN_PROCEDURE], row[sc.IN_DEVICE], row[sc.IN_START] = procedure, device, t
    row[sc.IN_HASH] = np.int64(draws.mix64(np.uint64(d[sc.DV_HASH]) ^ draws.mix64(np.uint64(serial))))
    row[sc.IN_STATUS], row[sc.IN_CAUSE], row[sc.IN_OPEN], row[sc.IN_DEADLINE] = sc.RUNNING, 0, 0, sc.NEVER
    row[sc.IN_FIRST], row[sc.IN_LEFT], row[sc.IN_TASK], row[sc.IN_ADMITTED] = sc.NONE, sc.NONE, task, 0
    row[sc.IN_SERIAL], row[sc.IN_CELL], row[sc.IN_CORE] = serial, d[sc.DV_CELL], of[sc.PR_CORE]
    row[sc.IN_REFS] = 1  # the watch
    tally.procedures[procedure, sc.PC_STARTED] += 1
    if task == sc.OF_TASK and d[sc.DV_FLAGS] & sc.FLAG_RETRY:
        tally.procedures[procedure, sc.PC_RETRIES] += 1
    set_watch(fx, ctl, instance, next_watch(fx, ctl, instance, t))
    step = of[sc.PR_CHILD]
    while step != sc.NONE:
        begin_step(key, fx, ctl, tally, instance, step, t)
        step = fx.steps[step, sc.ST_SIBLING]
    return instance


@routine
def begin_step(key, fx, ctl, tally, instance, step, t):
    """A first step: sent by device or gNB, or made by a function that has to work for it."""
    sender = fx.steps[step, sc.ST_SENDER]
    if sender == sc.UE or sender == sc.GNB:
        send_step(key, fx, ctl, tally, instance, step, t + fx.steps[step, sc.ST_SEND])
        return
    row = ctl.instances[instance]
    row[sc.IN_REFS] += 1
    push_event(ctl, t, sc.RANK_ARRIVAL, row[sc.IN_HASH], sc.EV_BEGIN, fx.steps[step, sc.ST_INDEX], 0, instance, step)


@routine
def begin_work(key, fx, ctl, instance, step, t):
    """The work of making a first message comes to a function of its sender's role."""
    row, sender = ctl.instances[instance], fx.steps[step, sc.ST_SENDER]
    f = function_for(fx, ctl, row[sc.IN_CORE], sender, row[sc.IN_DEVICE], t)
    base = max(fx.steps[step, sc.ST_SEND], np.int64(1))
    if not take_up(key, fx, ctl, instance, step, np.int64(sc.WORK_ORIGIN), base, sender, f, t):
        drop_ref(ctl, instance)


@part
def set_watch(fx, ctl, instance, at):
    """Look at the instance's timers at `at`."""
    row = ctl.instances[instance]
    h = ctl.devices[row[sc.IN_DEVICE], sc.DV_HASH]
    push_timer(ctl, at, h, sc.TM_WATCH, row[sc.IN_SERIAL], sc.EV_WATCH, 0, instance, 0)


@part
def patience_end(fx, ctl, instance):
    """When the instance is given up; a device's paging cycle is waited for."""
    row = ctl.instances[instance]
    end = row[sc.IN_START] + fx.procedures[row[sc.IN_PROCEDURE], sc.PR_PATIENCE]
    if is_paging(fx, row[sc.IN_PROCEDURE]):
        end += fx.behaviours[ctl.devices[row[sc.IN_DEVICE], sc.DV_BEHAVIOUR], sc.BE_DRX]
    return end


@part
def next_watch(fx, ctl, instance, t):
    """When to look next whether a timer of the instance has run out: no SBI timer that is not running yet can before."""
    row = ctl.instances[instance]
    end = patience_end(fx, ctl, instance)
    timer = ctl.cores[row[sc.IN_CORE], sc.CO_SBI_TIMER]
    if row[sc.IN_DEADLINE] != sc.NEVER:
        return min(end, row[sc.IN_DEADLINE])
    return min(end, t + timer) if timer > 0 else end
