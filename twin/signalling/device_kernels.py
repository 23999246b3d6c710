"""State machines of the devices: what a device does next, and what becomes of its bursts (docs/signalling.md, section 6)."""

from __future__ import annotations

import numpy as np

from twin.base import columns as col
from twin.base import draws
from twin.base import signal_columns as sc
from twin.base.bins import DELAY_BITS, bin_of
from twin.base.entry import begin_way
from twin.base.jit import part, routine
from twin.signalling.access_kernels import begin_access
from twin.signalling.event_kernels import push_timer
from twin.signalling.flow_kernels import start_instance


@routine
def change_gauge(tally, core, which, by, t):
    """A number of devices or sessions of a core changes."""
    if core == sc.NONE:
        return
    now = tally.gauges[core, which]
    tally.gauge_area[core, which] += np.float64(now) * (t - tally.gauge_t[core, which])
    tally.gauge_t[core, which] = t
    tally.gauges[core, which] = now + by
    tally.gauges_max[core, which] = max(tally.gauges_max[core, which], now + by)


@routine
def set_state(ctl, tally, device, state, t):
    """Change a device's state and the number of connected ones with it."""
    d = ctl.devices[device]
    was = d[sc.DV_STATE]
    d[sc.DV_STATE] = state
    if (was == sc.CONNECTED) != (state == sc.CONNECTED):
        change_gauge(tally, d[sc.DV_CORE], sc.G_CONNECTED, 1 if state == sc.CONNECTED else -1, t)


@part
def n_sessions(fx, ctl, device):
    """Sessions the device's class has."""
    return fx.behaviours[ctl.devices[device, sc.DV_BEHAVIOUR], sc.BE_SESSIONS]


@routine
def set_phase(fx, ctl, tally, device, phase, t):
    """Change how far a device's registration has come; registered devices and sessions are counted by it."""
    d = ctl.devices[device]
    was = d[sc.DV_PHASE]
    d[sc.DV_PHASE] = phase
    if (was > 0) != (phase > 0):
        change_gauge(tally, d[sc.DV_CORE], sc.G_REGISTERED, 1 if phase > 0 else -1, t)
    most = n_sessions(fx, ctl, device)
    change = min(max(phase - 1, 0), most) - min(max(was - 1, 0), most)
    if change != 0 and d[sc.DV_CORE] != sc.NONE:
        change_gauge(tally, d[sc.DV_CORE], sc.G_SESSIONS, change, t)
        tally.opened[d[sc.DV_CORE], 0 if change > 0 else 1] += abs(change)


# --- bursts that wait ----------------------------------------------------------------------------------------------------


@routine
def hold_burst(ctl, tally, user, device, row):
    """A burst waits for its device's user plane."""
    d = ctl.devices[device]
    user.bursts.next[row] = sc.NONE
    if d[sc.DV_HEAD] == sc.NONE:
        d[sc.DV_HEAD] = row
    else:
        user.bursts.next[d[sc.DV_TAIL]] = row
    d[sc.DV_TAIL] = row
    d[sc.DV_HELD] += 1
    tally.held[d[sc.DV_CORE]] += 1


@routine
def lose_held(ctl, user, device, t, cause):
    """All bursts that wait are lost."""
    d = ctl.devices[device]
    row = d[sc.DV_HEAD]
    while row != sc.NONE:
        following = np.int64(user.bursts.next[row])
        col.end_burst(user.done, user.bursts, row, t, cause)
        row = following
    d[sc.DV_HEAD], d[sc.DV_TAIL], d[sc.DV_HELD] = sc.NONE, sc.NONE, 0


@routine
def release_held(ctl, user, device, t):
    """All bursts that wait go their way, in order of their arrival."""
    d = ctl.devices[device]
    row = d[sc.DV_HEAD]
    while row != sc.NONE:
        following = np.int64(user.bursts.next[row])
        data = user.bursts.data[row]
        data[col.PART + col.P_ACCESS] += t - data[col.T_GEN]
        begin_way(user.bursts, row, t, user.flows[data[col.FLOW]], data[col.DIR], user.routes, user.lists, user.done)
        row = following
    d[sc.DV_HEAD], d[sc.DV_TAIL], d[sc.DV_HELD] = sc.NONE, sc.NONE, 0


# --- timers that are looked at when they run out: one event a device and kind ---------------------------------------------


@routine
def arm(ctl, device, bit, order, kind, at):
    """Have a timer event at `at`, unless one is under way already (it will set itself anew: timers only move on)."""
    d = ctl.devices[device]
    if d[sc.DV_ARMED] & bit:
        return
    d[sc.DV_ARMED] |= bit
    push_timer(ctl, at, d[sc.DV_HASH], order, 0, kind, 0, device, 0)


@routine
def start_timers(fx, ctl, device, t):
    """A device has become idle at t: its periodic update timer, and from when on it sleeps."""
    d = ctl.devices[device]
    kind = fx.behaviours[d[sc.DV_BEHAVIOUR]]
    d[sc.DV_ASLEEP] = t + kind[sc.BE_ACTIVE] if kind[sc.BE_ACTIVE] >= 0 else sc.NEVER
    if kind[sc.BE_PERIODIC] > 0:
        d[sc.DV_PERIODIC_AT] = t + kind[sc.BE_PERIODIC]
        arm(ctl, device, sc.ARMED_PERIODIC, sc.TM_PERIODIC, sc.EV_PERIODIC, d[sc.DV_PERIODIC_AT])


@routine
def become_idle(fx, ctl, tally, device, t):
    """State idle, timers anew."""
    set_state(ctl, tally, device, sc.IDLE, t)
    start_timers(fx, ctl, device, t)


@routine
def release(key, fx, ctl, tally, device, t):
    """The connection goes: idle, and the core is told."""
    become_idle(fx, ctl, tally, device, t)
    procedure = fx.procedure_of[ctl.devices[device, sc.DV_CORE], sc.TR_RELEASE]
    if procedure != sc.NONE:
        start_instance(key, fx, ctl, tally, device, procedure, np.int64(0), t)


@routine
def run_out_of_activity(key, fx, ctl, tally, device, t):
    """The inactivity timer event at t."""
    d = ctl.devices[device]
    d[sc.DV_ARMED] &= ~sc.ARMED_INACTIVITY
    if d[sc.DV_STATE] != sc.CONNECTED:
        return
    due = d[sc.DV_LAST] + d[sc.DV_INACTIVITY]
    if due > t:
        arm(ctl, device, sc.ARMED_INACTIVITY, sc.TM_INACTIVITY, sc.EV_INACTIVITY, due)
        return
    wait = fx.behaviours[d[sc.DV_BEHAVIOUR], sc.BE_RRC_INACTIVE]
    if wait == 0:
        release(key, fx, ctl, tally, device, t)
        return
    set_state(ctl, tally, device, sc.INACTIVE, t)
    d[sc.DV_RELEASE_AT] = t + wait
    arm(ctl, device, sc.ARMED_RELEASE, sc.TM_RELEASE, sc.EV_RELEASE, t + wait)


@routine
def run_out_of_inactive(key, fx, ctl, tally, device, t):
    """The RRC inactive timer event at t."""
    d = ctl.devices[device]
    d[sc.DV_ARMED] &= ~sc.ARMED_RELEASE
    if d[sc.DV_STATE] != sc.INACTIVE:
        return
    if d[sc.DV_RELEASE_AT] > t:
        arm(ctl, device, sc.ARMED_RELEASE, sc.TM_RELEASE, sc.EV_RELEASE, d[sc.DV_RELEASE_AT])
    elif d[sc.DV_TASK] == sc.TASK_NONE:
        release(key, fx, ctl, tally, device, t)


# --- goals ---------------------------------------------------------------------------------------------------------------


@routine
def begin(key, fx, ctl, tally, device, goal, t):
    """Go after a goal: first of all an access."""
    ctl.devices[device, sc.DV_GOAL] = goal
    begin_access(key, fx, ctl, tally, device, t)


@routine
def run_out_of_registration(key, fx, ctl, tally, device, t):
    """The periodic update timer event at t."""
    d = ctl.devices[device]
    d[sc.DV_ARMED] &= ~sc.ARMED_PERIODIC
    if d[sc.DV_STATE] != sc.IDLE:
        return
    if d[sc.DV_PERIODIC_AT] > t:
        arm(ctl, device, sc.ARMED_PERIODIC, sc.TM_PERIODIC, sc.EV_PERIODIC, d[sc.DV_PERIODIC_AT])
    elif d[sc.DV_TASK] == sc.TASK_NONE:
        begin(key, fx, ctl, tally, device, sc.GOAL_PERIODIC, t)


@routine
def page(key, fx, ctl, tally, device, t):
    """Call an idle or inactive device that does nothing."""
    d = ctl.devices[device]
    if d[sc.DV_PAGED]:
        return
    inactive = d[sc.DV_STATE] == sc.INACTIVE
    if not inactive and t >= d[sc.DV_ASLEEP]:
        return
    procedure = fx.procedure_of[d[sc.DV_CORE], sc.TR_RAN_PAGING if inactive else sc.TR_PAGING]
    if procedure == sc.NONE:
        begin(key, fx, ctl, tally, device, sc.GOAL_RESUME if inactive else sc.GOAL_SERVICE, t)
        return
    d[sc.DV_PAGED] = 1
    start_instance(key, fx, ctl, tally, device, procedure, np.int64(sc.OF_PAGING), t)


@routine
def offer_burst(key, fx, ctl, tally, user, row, t):
    """A burst is offered whose device may have no user plane."""
    data = user.bursts.data[row]
    device = user.flows[data[col.FLOW], col.FL_DEVICE]
    d = ctl.devices[device]
    state, task = d[sc.DV_STATE], d[sc.DV_TASK]
    if state == sc.CONNECTED:
        d[sc.DV_LAST] = max(d[sc.DV_LAST], t)
        begin_way(user.bursts, row, t, user.flows[data[col.FLOW]], data[col.DIR], user.routes, user.lists, user.done)
        return
    if state == sc.OFF:
        col.end_burst(user.done, user.bursts, row, t, col.NO_POWER)
        return
    if state == sc.DEREGISTERED and task == sc.TASK_WAIT:
        col.end_burst(user.done, user.bursts, row, t, col.ACCESS_FAILED)
        return
    if d[sc.DV_HELD] >= fx.behaviours[d[sc.DV_BEHAVIOUR], sc.BE_HOLD]:
        col.end_burst(user.done, user.bursts, row, t, col.ACCESS_OVERFLOW)
    else:
        hold_burst(ctl, tally, user, device, row)
    if task != sc.TASK_NONE:
        return
    if state == sc.DEREGISTERED:
        begin(key, fx, ctl, tally, device, sc.GOAL_REGISTER, t)
    elif data[col.DIR] != 0:
        page(key, fx, ctl, tally, device, t)
    else:
        begin(key, fx, ctl, tally, device, sc.GOAL_SERVICE if state == sc.IDLE else sc.GOAL_RESUME, t)


@routine
def connected(fx, ctl, tally, user, device, t):
    """The device has its user plane."""
    d = ctl.devices[device]
    set_state(ctl, tally, device, sc.CONNECTED, t)
    d[sc.DV_TASK], d[sc.DV_LAST] = sc.TASK_NONE, t
    arm(ctl, device, sc.ARMED_INACTIVITY, sc.TM_INACTIVITY, sc.EV_INACTIVITY, t + d[sc.DV_INACTIVITY])
    if d[sc.DV_SCRIPT] != sc.NONE:
        since = t - fx.scripts[d[sc.DV_SCRIPT], sc.SR_T]
        tally.recovery[d[sc.DV_SCRIPT], bin_of(since, DELAY_BITS)] += 1
        d[sc.DV_SCRIPT] = sc.NONE
    release_held(ctl, user, device, t)


@part
def last_phase(fx, ctl, device):
    """Phase that comes after all there is to do for a registration."""
    d = ctl.devices[device]
    platform = d[sc.DV_FLAGS] & sc.FLAG_RECONNECT and fx.procedure_of[d[sc.DV_CORE], sc.TR_PLATFORM] != sc.NONE
    return 1 + n_sessions(fx, ctl, device) + (1 if platform else 0)


@part
def procedure_of_phase(fx, ctl, device):
    """Procedure of the phase a registration is in; -1 if the core has none."""
    d = ctl.devices[device]
    of = fx.procedure_of[d[sc.DV_CORE]]
    if d[sc.DV_PHASE] == 0:
        guti = d[sc.DV_GUTI] != 0 and d[sc.DV_LOST] == 0 and of[sc.TR_REGISTRATION_GUTI] != sc.NONE
        return of[sc.TR_REGISTRATION_GUTI] if guti else of[sc.TR_REGISTRATION]
    return of[sc.TR_SESSION] if d[sc.DV_PHASE] <= n_sessions(fx, ctl, device) else of[sc.TR_PLATFORM]


@routine
def pass_phase(fx, ctl, tally, device, t):
    """A phase of a registration is done."""
    d = ctl.devices[device]
    if d[sc.DV_PHASE] == 0:
        d[sc.DV_GUTI], d[sc.DV_LOST] = 1, 0
    d[sc.DV_ATTEMPTS] = 0
    d[sc.DV_FLAGS] &= ~sc.FLAG_RETRY
    set_phase(fx, ctl, tally, device, d[sc.DV_PHASE] + 1, t)


@routine
def go_on_registering(key, fx, ctl, tally, user, device, t):
    """The next procedure of a registration; connected when there is none left."""
    d = ctl.devices[device]
    while d[sc.DV_PHASE] < last_phase(fx, ctl, device):
        procedure = procedure_of_phase(fx, ctl, device)
        if procedure != sc.NONE:
            d[sc.DV_TASK] = sc.TASK_PROCEDURE
            d[sc.DV_INSTANCE] = start_instance(key, fx, ctl, tally, device, procedure, np.int64(1), t)
            return
        pass_phase(fx, ctl, tally, device, t)
    connected(fx, ctl, tally, user, device, t)


@routine
def reach_goal(key, fx, ctl, tally, user, device, t):
    """The device's own procedure has succeeded."""
    d = ctl.devices[device]
    if d[sc.DV_GOAL] == sc.GOAL_REGISTER:
        pass_phase(fx, ctl, tally, device, t)
        go_on_registering(key, fx, ctl, tally, user, device, t)
    elif d[sc.DV_GOAL] != sc.GOAL_PERIODIC:
        connected(fx, ctl, tally, user, device, t)
    else:
        d[sc.DV_TASK] = sc.TASK_NONE
        become_idle(fx, ctl, tally, device, t)
        if d[sc.DV_HELD] > 0:
            d[sc.DV_GOAL] = sc.GOAL_SERVICE
            follow_goal(key, fx, ctl, tally, user, device, sc.TR_SERVICE, t)


@routine
def follow_goal(key, fx, ctl, tally, user, device, trigger, t):
    """The procedure of a goal starts; what the core lacks counts as done."""
    d = ctl.devices[device]
    procedure = fx.procedure_of[d[sc.DV_CORE], trigger]
    if procedure == sc.NONE:
        connected(fx, ctl, tally, user, device, t)
        return
    d[sc.DV_TASK] = sc.TASK_PROCEDURE
    d[sc.DV_INSTANCE] = start_instance(key, fx, ctl, tally, device, procedure, np.int64(1), t)


@routine
def after_access(key, fx, ctl, tally, user, device, t):
    """An access has succeeded: the procedure it was for."""
    d = ctl.devices[device]
    goal = d[sc.DV_GOAL]
    if goal == sc.GOAL_ACCESS:
        d[sc.DV_TASK] = sc.TASK_NONE
        return
    core = ctl.cores[d[sc.DV_CORE]]
    if t < core[sc.CO_OVERLOADED_UNTIL]:
        u = draws.draw(key, np.uint64(d[sc.DV_HASH]), draws.OVERLOAD, d[sc.DV_ACCESSES] - 1)
        if np.int64(u >> np.uint64(32)) < core[sc.CO_OVERLOAD_REJECT]:
            miss_goal(key, fx, ctl, tally, user, device, np.int64(sc.WHY_OVERLOAD), np.int64(0), t)
            return
    if goal == sc.GOAL_REGISTER:
        go_on_registering(key, fx, ctl, tally, user, device, t)
    elif goal == sc.GOAL_PERIODIC:
        if fx.procedure_of[d[sc.DV_CORE], sc.TR_PERIODIC] == sc.NONE:
            reach_goal(key, fx, ctl, tally, user, device, t)
        else:
            follow_goal(key, fx, ctl, tally, user, device, sc.TR_PERIODIC, t)
    else:
        trigger = sc.TR_SERVICE if goal == sc.GOAL_SERVICE else sc.TR_RESUME
        follow_goal(key, fx, ctl, tally, user, device, trigger, t)


# --- failures ------------------------------------------------------------------------------------------------------------


@routine
def wait_for(ctl, device, until):
    """The device waits."""
    d = ctl.devices[device]
    d[sc.DV_TASK] = sc.TASK_WAIT
    d[sc.DV_TOKEN] += 1
    push_timer(ctl, until, d[sc.DV_HASH], sc.TM_WAIT, 0, sc.EV_WAIT, d[sc.DV_TOKEN] & 0xFFFFFF, device, 0)


@routine
def registration_wait(key, ctl, device, cause, serial):
    """How long a device waits after a failed registration (ns)."""
    d = ctl.devices[device]
    core = ctl.cores[d[sc.DV_CORE]]
    d[sc.DV_FLAGS] |= sc.FLAG_RETRY
    if cause == sc.OUT_CONGESTION:
        d[sc.DV_ATTEMPTS] = 0
        u = draws.draw(key, np.uint64(d[sc.DV_HASH]), draws.T3346, serial)
        return core[sc.CO_T3346_MIN] + draws.uniform_below(u, core[sc.CO_T3346_MAX] - core[sc.CO_T3346_MIN] + 1)
    if cause == sc.WHY_OVERLOAD:
        return core[sc.CO_RRC_WAIT]
    d[sc.DV_ATTEMPTS] += 1
    if d[sc.DV_ATTEMPTS] < core[sc.CO_MAX_ATTEMPTS]:
        return core[sc.CO_RETRY]
    d[sc.DV_ATTEMPTS] = 0
    return core[sc.CO_LONG_RETRY]


@routine
def miss_goal(key, fx, ctl, tally, user, device, cause, serial, t):
    """The device's goal has failed; serial: of the procedure that failed."""
    d = ctl.devices[device]
    goal = d[sc.DV_GOAL]
    if goal == sc.GOAL_ACCESS:
        d[sc.DV_TASK] = sc.TASK_NONE
        return
    lose_held(ctl, user, device, t, col.ACCESS_FAILED)
    core = ctl.cores[d[sc.DV_CORE]]
    if cause == sc.OUT_CONTEXT:
        set_state(ctl, tally, device, sc.DEREGISTERED, t)
        set_phase(fx, ctl, tally, device, np.int64(0), t)
        d[sc.DV_GUTI] = 0
        begin(key, fx, ctl, tally, device, sc.GOAL_REGISTER, t)
    elif goal == sc.GOAL_REGISTER:
        wait_for(ctl, device, t + registration_wait(key, ctl, device, cause, serial))
    elif goal == sc.GOAL_PERIODIC:
        wait_for(ctl, device, t + (core[sc.CO_RRC_WAIT] if cause == sc.WHY_OVERLOAD else core[sc.CO_RETRY]))
    else:
        d[sc.DV_TASK] = sc.TASK_NONE
        if goal == sc.GOAL_RESUME:
            release(key, fx, ctl, tally, device, t)
        else:
            become_idle(fx, ctl, tally, device, t)
        if cause == sc.WHY_OVERLOAD:
            d[sc.DV_GOAL] = sc.GOAL_SERVICE
            wait_for(ctl, device, t + core[sc.CO_RRC_WAIT])


@routine
def end_wait(key, fx, ctl, tally, device, t):
    """A wait is over."""
    d = ctl.devices[device]
    d[sc.DV_TASK] = sc.TASK_NONE
    if d[sc.DV_GOAL] == sc.GOAL_REGISTER:
        begin(key, fx, ctl, tally, device, sc.GOAL_REGISTER, t)
    elif d[sc.DV_GOAL] == sc.GOAL_PERIODIC:
        if d[sc.DV_STATE] == sc.IDLE:
            begin(key, fx, ctl, tally, device, sc.GOAL_PERIODIC, t)
    elif d[sc.DV_HELD] > 0:
        begin(key, fx, ctl, tally, device, sc.GOAL_SERVICE, t)


@routine
def end_paging(key, fx, ctl, tally, user, device, succeeded, t):
    """A paging, by core or gNB, has succeeded or failed."""
    d = ctl.devices[device]
    d[sc.DV_PAGED] = 0
    if d[sc.DV_TASK] != sc.TASK_NONE:
        return
    if not succeeded:
        lose_held(ctl, user, device, t, col.ACCESS_FAILED)
    elif d[sc.DV_STATE] == sc.IDLE:
        begin(key, fx, ctl, tally, device, sc.GOAL_SERVICE, t)
    elif d[sc.DV_STATE] == sc.INACTIVE:
        begin(key, fx, ctl, tally, device, sc.GOAL_RESUME, t)
