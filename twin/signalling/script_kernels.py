"""Scripted changes: power, commands, functions that go down (docs/signalling.md, section 7); procedures at a rate."""

from __future__ import annotations

import numpy as np

from twin.base import columns as col
from twin.base import draws
from twin.base import signal_columns as sc
from twin.base.jit import part, routine
from twin.signalling.access_kernels import log_access
from twin.signalling.device_kernels import become_idle, begin, lose_held, page, set_phase, set_state
from twin.signalling.event_kernels import push_timer
from twin.signalling.flow_kernels import start_instance
from twin.signalling.function_kernels import home_function
from twin.signalling.message_kernels import fail, take_down


@routine
def power_off(key, fx, ctl, tally, user, device, t):
    """A device loses its power."""
    d = ctl.devices[device]
    if d[sc.DV_STATE] == sc.OFF:
        return
    task = d[sc.DV_TASK]
    d[sc.DV_TASK] = sc.TASK_NONE
    d[sc.DV_TOKEN] += 1
    if d[sc.DV_JOINED]:
        d[sc.DV_JOINED] = 2
    if task == sc.TASK_ACCESS:
        tally.ra[d[sc.DV_CELL], sc.RA_VOID] += 1
        log_access(ctl, device, t, 2)
    lose_held(ctl, user, device, t, col.NO_POWER)
    if task == sc.TASK_PROCEDURE:
        fail(key, fx, ctl, tally, user, d[sc.DV_INSTANCE], sc.OUT_POWER, t)
    set_state(ctl, tally, device, sc.OFF, t)
    set_phase(fx, ctl, tally, device, np.int64(0), t)


@part
def await_return(ctl, tally, script, device):
    """A script has taken a device away, or calls it: when it is connected again is counted."""
    ctl.devices[device, sc.DV_SCRIPT] = script
    tally.affected[script] += 1


@routine
def boot(key, fx, ctl, tally, script, device, t):
    """A device gets its power back."""
    d = ctl.devices[device]
    if d[sc.DV_STATE] != sc.OFF:
        return
    set_state(ctl, tally, device, sc.DEREGISTERED, t)
    valid = np.int64(draws.draw(key, np.uint64(d[sc.DV_HASH]), draws.GUTI, 0) >> np.uint64(32)) < fx.scripts[script, sc.SR_GUTI]
    d[sc.DV_ATTEMPTS], d[sc.DV_GUTI], d[sc.DV_FLAGS] = 0, 1 if valid else 0, sc.FLAG_RECONNECT
    await_return(ctl, tally, script, device)
    begin(key, fx, ctl, tally, device, sc.GOAL_REGISTER, t)


@routine
def wake(key, fx, ctl, tally, script, device, t):
    """A command for a device."""
    d = ctl.devices[device]
    if d[sc.DV_STATE] == sc.CONNECTED:
        d[sc.DV_LAST] = max(d[sc.DV_LAST], t)
    elif (d[sc.DV_STATE] == sc.IDLE or d[sc.DV_STATE] == sc.INACTIVE) and d[sc.DV_TASK] == sc.TASK_NONE:
        page(key, fx, ctl, tally, device, t)
        if d[sc.DV_PAGED] or d[sc.DV_TASK] != sc.TASK_NONE:
            await_return(ctl, tally, script, device)


@routine
def script_device(key, fx, ctl, tally, user, row, t):
    """What a script does to one device."""
    script, device = fx.script_device[row, 0], fx.script_device[row, 1]
    kind = fx.scripts[script, sc.SR_KIND]
    if (kind == sc.SCRIPT_ACCESS) != (ctl.devices[device, sc.DV_CORE] == sc.NONE):
        return
    if kind == sc.SCRIPT_POWER_OFF:
        power_off(key, fx, ctl, tally, user, device, t)
    elif kind == sc.SCRIPT_BOOT:
        boot(key, fx, ctl, tally, script, device, t)
    elif kind == sc.SCRIPT_WAKE:
        wake(key, fx, ctl, tally, script, device, t)
    elif kind == sc.SCRIPT_PROCEDURE:
        if ctl.devices[device, sc.DV_STATE] != sc.OFF:
            start_instance(key, fx, ctl, tally, device, fx.scripts[script, sc.SR_TARGET], np.int64(0), t)
    elif ctl.devices[device, sc.DV_TASK] == sc.TASK_NONE and ctl.devices[device, sc.DV_CELL] != sc.NONE:
        begin(key, fx, ctl, tally, device, sc.GOAL_ACCESS, t)


@routine
def lose_contexts(fx, ctl, tally, script, f, t):
    """Every device that is registered at a function is forgotten there; its connection goes."""
    core, role = ctl.functions[f, sc.FU_CORE], ctl.functions[f, sc.FU_ROLE]
    if role != sc.AMF and role != sc.MME:
        return
    for device in range(len(ctl.devices)):
        d = ctl.devices[device]
        if d[sc.DV_CORE] != core or d[sc.DV_PHASE] == 0 or d[sc.DV_STATE] == sc.OFF:
            continue
        if home_function(fx, ctl, core, role, device) != f:
            continue
        d[sc.DV_LOST] = 1
        await_return(ctl, tally, script, device)
        if d[sc.DV_STATE] == sc.CONNECTED or (d[sc.DV_STATE] == sc.INACTIVE and d[sc.DV_TASK] == sc.TASK_NONE):
            become_idle(fx, ctl, tally, device, t)


@routine
def script_core(fx, ctl, tally, script, t):
    """What a script does to a function or a core."""
    row = fx.scripts[script]
    if row[sc.SR_KIND] == sc.SCRIPT_DELAY:
        ctl.cores[row[sc.SR_TARGET], sc.CO_EXTRA] = row[sc.SR_EXTRA]
        return
    take_down(fx, ctl, tally, row[sc.SR_TARGET], t, row[sc.SR_DOWN])
    if row[sc.SR_CONTEXT]:
        lose_contexts(fx, ctl, tally, script, row[sc.SR_TARGET], t)


@routine
def rate_time(key, fx, ctl, rate, t):
    """Set the next time of a procedure that runs at a rate."""
    row = fx.rates[rate]
    u = draws.draw(key, np.uint64(row[3]), draws.RATE, ctl.rate_k[rate])
    ctl.rate_k[rate] += 1
    h = ctl.devices[row[0], sc.DV_HASH]
    push_timer(ctl, t + draws.exponential_ns(u, row[2]), h, sc.TM_RATE, row[4], sc.EV_RATE, 0, rate, 0)


@routine
def run_rate(key, fx, ctl, tally, rate, t):
    """A procedure at a rate: it runs when the device is connected."""
    device = fx.rates[rate, 0]
    if ctl.devices[device, sc.DV_STATE] == sc.CONNECTED:
        start_instance(key, fx, ctl, tally, device, fx.rates[rate, 1], np.int64(0), t)
    rate_time(key, fx, ctl, rate, t)
