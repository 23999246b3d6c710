"""Columns of the control plane's integer tables: the vocabulary that its kernels share (docs/signalling.md)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from twin.base.columns import Bursts
from twin.base.entry import Lists, Routes

NONE = -1
NEVER = np.int64(1) << np.int64(62)

# --- devices: the first line decides whether a burst passes -------------------------------------------------------------
# fmt: off
(DV_STATE, DV_LAST, DV_INACTIVITY, DV_CORE, DV_HASH, DV_BEHAVIOUR, DV_CELL, DV_HELD,
 DV_HEAD, DV_TAIL, DV_TASK, DV_GOAL, DV_PHASE, DV_TOKEN, DV_TX, DV_SEEK,
 DV_SERIAL, DV_ACCESSES, DV_ATTEMPTS, DV_GUTI, DV_LOST, DV_PAGED, DV_ASLEEP, DV_PERIODIC_AT,
 DV_ARMED, DV_RELEASE_AT, DV_INSTANCE, DV_NEXT, DV_JOINED, DV_FLAGS, DV_SCRIPT, DV_PREAMBLE) = range(32)
# fmt: on
DEVICE_COLUMNS = 32
#: Bits of DV_FLAGS: it reconnects to the IoT platform once registered; what it begins follows a failure.
FLAG_RECONNECT, FLAG_RETRY = 1, 2
#: Bits of DV_ARMED: which of a device's timers is in the heap.
ARMED_INACTIVITY, ARMED_PERIODIC, ARMED_RELEASE = 1, 2, 4
# States, in the order of twin.world.signalling_start.
OFF, DEREGISTERED, IDLE, INACTIVE, CONNECTED = range(5)
TASK_NONE, TASK_ACCESS, TASK_PROCEDURE, TASK_WAIT = range(4)
GOAL_REGISTER, GOAL_SERVICE, GOAL_RESUME, GOAL_PERIODIC, GOAL_ACCESS = range(5)

# --- behaviours ---------------------------------------------------------------------------------------------------------
(BE_INACTIVITY, BE_RRC_INACTIVE, BE_PERIODIC, BE_DRX, BE_ACTIVE, BE_SESSIONS, BE_HOLD) = range(7)

# --- cores; the last one is state -----------------------------------------------------------------------------------------
# fmt: off
(CO_SBI, CO_N4, CO_N6, CO_SBI_TIMER, CO_OVERLOAD_HOLD, CO_OVERLOAD_REJECT, CO_RRC_WAIT, CO_T3346_MIN, CO_T3346_MAX, CO_RETRY,
 CO_LONG_RETRY, CO_MAX_ATTEMPTS, CO_EXTRA, CO_OVERLOADED_UNTIL) = range(14)
# fmt: on
CORE_COLUMNS = 16

# --- functions: fixed, then state -------------------------------------------------------------------------------------------
# fmt: off
(FU_CORE, FU_ROLE, FU_HOST, FU_WORKERS, FU_WORKER_START, FU_WAKE, FU_KIND, FU_LIMIT,
 FU_CONGESTION, FU_OVERLOAD, FU_REJECT, FU_BACKLOG, FU_HEAD, FU_TAIL, FU_TAG, FU_DOWN_UNTIL,
 FU_MESSAGES, FU_LOST_OVERFLOW, FU_LOST_DOWN, FU_ACCEPTED_NS, FU_BACKLOG_MAX, FU_QUEUED_NS, FU_LOST_NS) = range(23)
# fmt: on
FUNCTION_COLUMNS = 24
FIXED, EXPONENTIAL = 0, 1

# --- hosts: fixed, then state ----------------------------------------------------------------------------------------------
HO_CPUS, HO_HASH, HO_FIRST, HO_COUNT, HO_BUSY, HO_V, HO_T, HO_NEXT = range(8)
HOST_COLUMNS = 8

# --- procedures and steps -----------------------------------------------------------------------------------------------------
PR_CORE, PR_TRIGGER, PR_FIRST, PR_PATIENCE, PR_CHILD = range(5)
PROCEDURE_COLUMNS = 8
# fmt: off
(ST_SENDER, ST_RECEIVER, ST_INTERFACE, ST_BYTES, ST_RECEIVE, ST_SEND, ST_OPENS, ST_CLOSES,
 ST_SUCCESS, ST_CHILD, ST_SIBLING, ST_DEMAND, ST_INDEX, ST_OUT) = range(14)
# fmt: on
STEP_COLUMNS = 16

# --- random access configurations, cells --------------------------------------------------------------------------------------
# fmt: off
(RC_PERIOD, RC_OFFSET, RC_PREAMBLES, RC_MAX_TX, RC_PREAMBLE_NS, RC_RAR_START, RC_RAR_SLOTS, RC_RAR_SLOT,
 RC_GRANTS, RC_MSG3, RC_MSG3_RTT, RC_MSG4, RC_MSG4_RTT, RC_HARQ_FAIL, RC_MAX_HARQ, RC_CONTENTION,
 RC_BACKOFF, RC_ANSWERED, RC_BARRING, RC_BARRING_NS, RC_RETRY) = range(21)
# fmt: on
# SC_HEAD: first device that has joined; SC_OCCASION: the one they wait for; SC_FIRST, SC_LAST: used.
(SC_HASH, SC_RACH, SC_RADIO, SC_N2, SC_N2_PS, SC_XN, SC_BLOCK, SC_PRB, SC_HEAD, SC_OCCASION, SC_FIRST, SC_LAST) = range(12)
CELL_COLUMNS = 16

# --- running procedures ---------------------------------------------------------------------------------------------------------
# fmt: off
(IN_PROCEDURE, IN_DEVICE, IN_HASH, IN_START, IN_STATUS, IN_CAUSE, IN_OPEN, IN_DEADLINE,
 IN_REFS, IN_FIRST, IN_LEFT, IN_TASK, IN_ADMITTED, IN_SERIAL, IN_CELL, IN_CORE) = range(16)
# fmt: on
INSTANCE_COLUMNS = 16
RUNNING, SUCCEEDED, FAILED = range(3)
#: IN_TASK: nothing follows from it but load; it is its device's task; it calls its device.
OF_NOTHING, OF_TASK, OF_PAGING = range(3)

# Outcomes of a procedure, in the order of twin.world.signalling_tables.OUTCOMES.
(OUT_SUCCEEDED, OUT_TIMEOUT, OUT_SBI_TIMEOUT, OUT_OVERFLOW, OUT_DOWN, OUT_CONGESTION, OUT_CONTEXT, OUT_POWER) = range(8)
# Other causes that a goal can fail for.
WHY_ACCESS, WHY_OVERLOAD = 100, 101

# Triggers, in the order of twin.world.signalling_tables.TRIGGERS.
# fmt: off
(TR_REGISTRATION, TR_REGISTRATION_GUTI, TR_SESSION, TR_SERVICE, TR_RESUME, TR_PERIODIC, TR_PLATFORM, TR_RELEASE, TR_PAGING,
 TR_RAN_PAGING) = range(10)
TR_OTHER = 14
# fmt: on
# Roles, in the order of twin.world.signalling_tables.ROLES.
UE, GNB, AMF, UPF, IOT, MME = 0, 1, 2, 10, 13, 14

# Scripts, in the order of twin.world.signalling_tables.SCRIPTS.
SCRIPT_POWER_OFF, SCRIPT_BOOT, SCRIPT_WAKE, SCRIPT_ACCESS, SCRIPT_DOWN, SCRIPT_DELAY, SCRIPT_PROCEDURE = range(7)
SR_KIND, SR_TARGET, SR_T, SR_DOWN, SR_CONTEXT, SR_EXTRA, SR_GUTI = range(7)

# --- event heap: time, rank and tie key, (number << 32 | generation << 8 | kind), (other << 32 | row) -------------------------
EV_T, EV_KEY, EV_WHAT, EV_ROW = range(4)
(EV_SCRIPT, EV_SCRIPT_DEVICE, EV_ACCESS, EV_WAIT, EV_PERIODIC, EV_RELEASE, EV_INACTIVITY, EV_REJECT, EV_WATCH, EV_RATE,
 EV_DONE, EV_HOST, EV_FINISH, EV_ARRIVE, EV_BEGIN, EV_READY, EV_OCCASION, EV_VOID) = range(18)  # fmt: skip
RANK_SCRIPT, RANK_TIMER, RANK_COMPLETION, RANK_ARRIVAL, RANK_BURST, RANK_READY, RANK_OCCASION = range(1, 8)
#: Order of a device's timers that run out together; then by the serial of a procedure, or the row of a rate.
(TM_ACCESS, TM_REJECT, TM_WATCH, TM_WAIT, TM_INACTIVITY, TM_RELEASE, TM_PERIODIC, TM_RATE) = range(8)
TM_SHIFT = 27

# What a piece of work at a function is: a message, the making of a first one, a refusal (of a first one: with WORK_ORIGIN).
WORK_MESSAGE, WORK_ORIGIN, WORK_REJECT_CONTEXT, WORK_REJECT_CONGESTION = 0, 1, 2, 4
WORK_BITS, WORK_MASK = 3, 7
# Nodes: pieces of work that wait at functions of a host.
ND_INSTANCE, ND_STEP, ND_WORK, ND_DEMAND, ND_NEXT = range(5)
NODE_COLUMNS = 8

# --- counts: twin.measure.control has the same orders -----------------------------------------------------------------------
PC_STARTED, PC_SUCCEEDED, PC_IN_PROGRESS, PC_RETRIES = 0, 1, 9, 10
MC_SENT, MC_RECEIVED, MC_LOST, MC_BYTES = range(4)
# fmt: off
(RA_OCCASIONS, RA_OPPORTUNITIES, RA_PREAMBLES, RA_SINGLE, RA_COLLIDED, RA_PREAMBLES_COLLIDED, RA_DETECTED, RA_ANSWERED,
 RA_MESSAGE_FAILURES, RA_BEGUN, RA_SUCCEEDED, RA_FAILED) = range(12)
# fmt: on
RA_COLUMNS = 16
RA_VOID = 12
G_REGISTERED, G_CONNECTED, G_SESSIONS = range(3)


class Fixed(NamedTuple):
    """What does not change in a run; see twin/engine/control.py."""

    behaviours: np.ndarray  # int64 (behaviours, 7)
    procedures: np.ndarray  # int64 (procedures, PROCEDURE_COLUMNS)
    steps: np.ndarray  # int64 (steps, STEP_COLUMNS)
    rach: np.ndarray  # int64 (rach, 20)
    detect: np.ndarray  # int64 (rach, 1 + most max_tx)
    first_function: np.ndarray  # int64 (cores, roles)
    n_functions: np.ndarray  # int64 (cores, roles)
    procedure_of: np.ndarray  # int64 (cores, triggers)
    host_functions: np.ndarray  # int64: rows of functions, host after host
    scripts: np.ndarray  # int64 (scripts, 7)
    script_device: np.ndarray  # int64 (rows, 2): script, device
    rates: np.ndarray  # int64 (rows, 5): device, procedure, mean_ns, hash of the stream, row of the rate
    radios: np.ndarray  # of twin.engine.air.AirTables, as the next two
    after: np.ndarray
    usable_from: np.ndarray


class Control(NamedTuple):
    """All that changes: arrays of `State`."""

    devices: np.ndarray  # int64 (devices, DEVICE_COLUMNS)
    cores: np.ndarray  # int64 (cores, CORE_COLUMNS)
    functions: np.ndarray  # int64 (functions, FUNCTION_COLUMNS)
    workers: np.ndarray  # int64: when each worker is free
    hosts: np.ndarray  # int64 (hosts, HOST_COLUMNS)
    cells: np.ndarray  # int64 (cells, CELL_COLUMNS)
    instances: np.ndarray  # int64 (room, INSTANCE_COLUMNS)
    free_instances: np.ndarray  # int64 (room,): stack
    nodes: np.ndarray  # int64 (room, NODE_COLUMNS)
    free_nodes: np.ndarray  # int64 (room,): stack
    heap: np.ndarray  # int64 (room, 4)
    sizes: np.ndarray  # int64 (4,): heap, free instances, free nodes, devices that have joined an occasion
    rate_k: np.ndarray  # int64 (rates,): draws made
    preambles: np.ndarray  # int64 (64 or more, 2): devices, detected; scratch
    log: np.ndarray  # int64 (room, 7): procedures that ended, for tests: device, serial, procedure, start, end, outcome, 0
    access_log: np.ndarray  # int64 (room, 7): device, serial, cell, begin, end, transmissions, outcome
    log_size: np.ndarray  # int64 (2,)


class UserPlane(NamedTuple):
    """What bursts need to go their way."""

    bursts: Bursts
    flows: np.ndarray  # int64 (flows, 16)
    routes: Routes
    lists: Lists
    done: np.ndarray


class Tally(NamedTuple):
    """Counts of the control plane from time 0; `twin.measure.control` describes what becomes of them."""

    procedures: np.ndarray  # int64 (procedures, 11)
    duration_sum: np.ndarray
    duration_hist: np.ndarray
    core_sum: np.ndarray
    core_hist: np.ndarray
    messages: np.ndarray  # int64 (cores, interfaces, 4)
    ra: np.ndarray  # int64 (cells, RA_COLUMNS)
    ra_tx: np.ndarray
    ra_delay_hist: np.ndarray
    ra_delay_sum: np.ndarray
    gauges: np.ndarray  # int64 (cores, 3)
    gauges_max: np.ndarray
    gauge_t: np.ndarray  # int64 (cores, 3): of the last change
    gauge_area: np.ndarray  # float64 (cores, 3)
    held: np.ndarray  # int64 (cores,)
    opened: np.ndarray  # int64 (cores, 2): sessions opened, released
    affected: np.ndarray  # int64 (scripts,): devices that are to come back
    recovery: np.ndarray  # int64 (scripts, bins)
    prb: np.ndarray  # int64 (cells, 2)
    grants: np.ndarray  # int64 (cells, 2)


SZ_HEAP, SZ_INSTANCES, SZ_NODES, SZ_JOINED = range(4)
