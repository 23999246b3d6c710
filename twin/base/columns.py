"""Columns of the engine's integer tables: the vocabulary that all kernels share.

A table is one C-contiguous int64 array, a row an entity, so that one entity's numbers lie side by side in cache.
"""

from __future__ import annotations

import mmap
from typing import NamedTuple

import numpy as np

from twin.base.jit import part

NONE = -1
HUGE_PAGE = 1 << 21
FOREVER = np.int64(1) << np.int64(62)

# --- bursts: one row is five cache lines, by who needs it ------------------------------------------------------------------
T = 0  # when it arrives at the stage it waits for
SEQ = 1
FLOW, LEVEL, BYTES, PACKETS, LAST_BYTES, MTU = 2, 3, 4, 5, 6, 7
# In a cell …
REMAINING, READY, B_FIRST, F_ALL, F_FIRST, BLOCK_LOST = 8, 9, 10, 11, 12, 13
# … or, in the same places, on a route. POS: index into Routes.items of the resource it goes to next.
POS, PENDING, AT_END, BASE, M_LAST, IDEAL_FIRST, IDEAL_LAST = 8, 9, 10, 11, 12, 13, 14
CAUSE = 15
T_GEN, DIR, T_END, STAGE, T_IN, IDEAL_UPF, UPF_WAIT = 16, 17, 18, 19, 20, 21, 22
CHANNEL = 23  # logical channel it goes to, or will
ROUTE = 19  # in a cell: the route it takes next (in the place of STAGE)
PART = 24  # first of 16 delay parts
N_PARTS = 16
BURST_COLUMNS = 40

# Delay parts, in the order of twin.base.accounting.PARTS.
(
    P_ACCESS,
    P_GRANT,
    P_TDD,
    P_QUEUE,
    P_TRANSMISSION,
    P_HARQ,
    P_PROCESSING,
    P_TRANSPORT_QUEUE,
    P_SERIALISATION,
    P_PROPAGATION,
    P_UPF,
    P_SERVER,
    P_DL_ALIGNMENT,
    P_DL_QUEUE,
    P_DL_TRANSMISSION,
    P_DL_HARQ,
) = range(16)

# Causes of an end, in the order of twin.base.accounting.CAUSES.
DELIVERED, NO_COVERAGE, RLC_OVERFLOW, PDCP_DISCARD, HARQ_FAILED, LINK_OVERFLOW, UPF_OVERFLOW, SERVER_OVERFLOW = range(8)
NO_POWER, ACCESS_FAILED, ACCESS_OVERFLOW = 8, 9, 10

GHOST = -1  # a train that was lost and accounted, but whose packets a link still sends

# --- flows: fixed ---------------------------------------------------------------------------------------------------
# fmt: off
(FL_HASH, FL_TYPE, FL_CH_UL, FL_CELL, FL_ROUTE_UP, FL_ROUTE_DOWN, FL_GROUP, FL_TENANT,  # what a generator needs
 FL_GROUP_HASH, FL_CH_DL, FL_PARK_APP, FL_PARK,
 FL_DEVICE) = range(13)  # the device whose user plane it needs, -1: none
# fmt: on
# flows: state of the generator
FS_T, FS_K, FS_A, FS_B, FS_J, FS_ACT, FS_PERIOD = range(7)
FLOW_COLUMNS, FLOW_STATE_COLUMNS = 16, 8  # whole cache lines

# --- flow types -----------------------------------------------------------------------------------------------------
(
    TY_KIND,
    TY_DIR,
    TY_PERIOD,
    TY_JITTER,
    TY_SIZE_KIND,
    TY_SIZE,
    TY_SIZE_MAX,
    TY_GOP,
    TY_I_FRAME,
    TY_ON,
    TY_OFF,
    TY_SPREAD,
    TY_JOIN,
    TY_RESPONSE,
    TY_LEVEL,
    TY_DEADLINE,
    TY_MTU,
    TY_PROFILE,
) = range(18)
PERIODIC, VIDEO, MAR_PERIODIC, POISSON, ON_OFF, ALARM = range(6)

# --- logical channels -------------------------------------------------------------------------------------------------
(
    CH_HEAD,
    CH_TAIL,
    CH_BACKLOG,
    CH_STATUS,
    CH_READY,
    CH_LIMIT,
    CH_BSR_UNTIL,
    CH_BSR_READY,
    CH_LAST_G,
    CH_NEXT,
    CH_MCS,
    CH_MAX_PRB,
    CH_BLER,
    CH_HASH,
    CH_CELL,
    CH_LEVEL,
    CH_BUFFER,
    CH_DISCARD,
    CH_SR_OFFSET,
    CH_CG_PERIOD,
    CH_CG_BYTES,
    CH_CG_OFFSET,
    CH_CG_FREE,
    CH_DEVICE,
) = range(24)
CHANNEL_COLUMNS = 24
# Without a configured grant, in the same places: the first and the last parked burst (0: none), see Parked.
CH_PARKED, CH_PARKED_LAST = CH_CG_FREE, CH_CG_OFFSET
IDLE, WAITING, ACTIVE = 0, 1, 2
NO_LIMIT = np.int64(1) << np.int64(60)

# --- cells x directions (row 2 * cell + direction) -----------------------------------------------------------------------
(
    CE_RADIO,
    CE_RESERVED,
    CE_NEXT_SLOT,
    CE_HEAP_START,
    CE_HEAP_SIZE,
    CE_ACTIVE,
    CE_PRB_USED,
    CE_BYTES,
    CE_BLOCKS,
    CE_ERRORS,
    CE_LOST,
) = range(11)
CE_LISTS = 11  # then head, tail, count for each level
CE_BOOKED, CE_GRANTS, CE_GRANTS_RESERVED = 23, 24, 25  # the last slot with a booking; grants used, kept for signalling
CELL_COLUMNS = 32

# --- radios x directions (row 2 * radio + direction) -------------------------------------------------------------------
(
    RA_SLOT,
    RA_PERIOD,
    RA_PRB,
    RA_GRANTS,
    RA_SR_PERIOD,
    RA_SR_GRANT,
    RA_K2,
    RA_PROCESSING,
    RA_UE,
    RA_UE_TX,
    RA_HARQ_DELAY,
    RA_HARQ_TX,
    RA_HARQ_GAIN,
    RA_HEADER,
    RA_DL_PROCESSING,
) = range(15)

# --- resources --------------------------------------------------------------------------------------------------------
(
    RS_KIND,
    RS_FS_PER_BYTE,
    RS_OVERHEAD,
    RS_BUFFER_NS,
    RS_DELAY,
    RS_WORKERS,
    RS_WORKER_START,
    RS_COST_PACKET,
    RS_COST_BYTE_PS,
    RS_SERVICE_KIND,
    RS_SERVICE_MEAN,
    RS_QUEUE_LIMIT,
    RS_COMPONENT,
) = range(13)
RESOURCE_COLUMNS = 16
LINK, POOL, SERVER = 0, 1, 2
SERVICE_FIXED, SERVICE_EXPONENTIAL = 0, 1
# resources: counts
RM_BUSY, RM_BYTES, RM_BURSTS, RM_DROPPED, RM_WAIT_MAX, RM_OFFERED = range(6)
RM_COLUMNS = 6
# links: state; then for each level the train in hand
LK_BUSY_UNTIL, LK_LEVEL, LK_START, LK_END, LK_FREE_AT, LK_CUT, LK_WAKE, LK_QUEUED = range(8)
LK_LEVELS = 8
LV_HEAD, LV_TAIL, LV_ROW, LV_LEFT, LV_SER, LV_SER_LAST, LV_BASE = range(7)
LV_WIDTH = 8
LINK_COLUMNS = LK_LEVELS + 8 * 4
ANONYMOUS = -2  # a train whose row may be gone: nothing can happen to it any more

# --- lists (row = where) -----------------------------------------------------------------------------------------------
HEAD, TAIL, AWAKE = 0, 1, 2  # AWAKE: the stage has work of its own although nothing arrives


class Bursts(NamedTuple):
    """The pool of bursts. data int64 (capacity, BURST_COLUMNS); next int32 (capacity,): the following burst of the list a
    burst is in, apart from the rows so that walking a list stays in the first-level cache; free int32 (capacity,): stack of
    free rows; n_free[0]: rows on it."""

    data: np.ndarray
    next: np.ndarray
    free: np.ndarray
    n_free: np.ndarray


# --- parked bursts: what is left of a burst that waits long in the buffer of an uplink channel -----------------------------
PK_LINK, PK_T, PK_T_GEN, PK_SEQ, PK_BYTES = range(5)
PARKED_COLUMNS = 5
PK_NEXT_BITS = 32  # of PK_LINK: the following record; above them the time from T to READY
PK_NEXT_MASK = (1 << PK_NEXT_BITS) - 1
PN_TOP, PN_FREE, PN_COUNT = 0, 1, 2


class Parked(NamedTuple):
    """Bursts in the buffers of full cells: they may grow to many, and a row of the pool is large. data int64 (n,
    PARKED_COLUMNS), record 0 is not used; n int64 (3,): first record that was never used, first of the free ones (0: none),
    records in use."""

    data: np.ndarray
    n: np.ndarray


class Scratch(NamedTuple):
    """Room for sorting: two pairs of (time, row)."""

    t: np.ndarray
    row: np.ndarray
    t2: np.ndarray
    row2: np.ndarray


@part
def take_row(bursts):
    """A free row of the pool. The driver keeps enough of them."""
    n = bursts.n_free[0] - 1
    bursts.n_free[0] = n
    return np.int64(bursts.free[n])


@part
def free_row(bursts, row):
    """Give a row back."""
    n = bursts.n_free[0]
    bursts.free[n] = row
    bursts.n_free[0] = n + 1


@part
def push(lists, where, bursts, row):
    """Append a burst to a list."""
    bursts.next[row] = NONE
    tail = lists[where, TAIL]
    if tail == NONE:
        lists[where, HEAD] = row
    else:
        bursts.next[tail] = row
    lists[where, TAIL] = row


@part
def end_burst(done, bursts, row, t, cause):
    """Hand a burst that ended at t to the accounts."""
    bursts.data[row, T_END] = t
    bursts.data[row, CAUSE] = cause
    push(done, 0, bursts, row)


def aligned_rows(rows: int, columns: int) -> np.ndarray:
    """int64 zeros (rows, columns) that begin at a cache line; large tables lie in huge pages where the system has them,
    since random rows of a table of 100 MB cost a page walk each otherwise."""
    size = rows * columns * 8
    if size < HUGE_PAGE or not hasattr(mmap, "MADV_HUGEPAGE"):
        flat = np.zeros(rows * columns + 8, dtype=np.int64)
        shift = (-flat.ctypes.data % 64) // 8
        return flat[shift : shift + rows * columns].reshape(rows, columns)
    memory = mmap.mmap(-1, size + HUGE_PAGE)
    memory.madvise(mmap.MADV_HUGEPAGE)
    flat = np.frombuffer(memory, dtype=np.int64)
    shift = (-flat.ctypes.data % HUGE_PAGE) // 8
    return flat[shift : shift + rows * columns].reshape(rows, columns)


def aligned_copy(table: np.ndarray) -> np.ndarray:
    """A copy of an int64 table that begins at a cache line."""
    out = aligned_rows(*table.shape)
    out[:] = table
    return out
