"""The cell scheduler: one slot-ordered pass over every cell of one direction (docs/model.md, section 4)."""

from __future__ import annotations

import numpy as np

from twin.base import columns as col
from twin.base.arrivals import gather
from twin.base.draws import HARQ_DL, HARQ_UL, tie_key
from twin.base.entry import enter_route
from twin.base.jit import kernel, part, routine
from twin.base.prefetch import LINE, prefetch, prefetch_row
from twin.radio.block_kernels import GRANT_AHEAD, booked_prb, send_block, smallest_prb
from twin.radio.park_kernels import is_parking, park, unpark
from twin.radio.slot_kernels import HEAP_CH, HEAP_T, decision_time, first_slot, heap_add, heap_take, occasion_slot, usable_slot

# How many rows of cells ahead is asked for the cell and its bursts, for their channels, for channels that wait, for their bursts.
FAR, NEAR, NEXT, LAST = 24, 16, 10, 4


@part
def wait_until(air, c, ch, ready, limit):
    """Channel ch becomes WAITING until `ready`, then may send `limit` bytes."""
    channel = air.channels[ch]
    channel[col.CH_STATUS], channel[col.CH_READY], channel[col.CH_LIMIT] = col.WAITING, ready, limit
    cell = air.cells[c]
    tie = tie_key(np.uint64(channel[col.CH_HASH]), ready)
    heap_add(air.heap, cell[col.CE_HEAP_START], cell[col.CE_HEAP_SIZE], ready, tie, ch)
    cell[col.CE_HEAP_SIZE] += 1


@part
def request_time(air, r, offset, t):
    """When the gNB knows of a scheduling request raised at t."""
    radio = air.radios[r]
    slot, period = radio[col.RA_SLOT], radio[col.RA_SR_PERIOD]
    q = (t + slot - 1) // slot
    q += (offset - q) % period
    return (q + 1) * slot + radio[col.RA_PROCESSING]


@part
def is_lost(bursts, done, cell, row):
    """Whether a block of a burst whose last byte was sent was lost, and so the burst; else it counts as carried."""
    data = bursts.data
    if data[row, col.BLOCK_LOST] == 0:
        cell[col.CE_BYTES] += data[row, col.BYTES]
        return False
    cell[col.CE_LOST] += 1
    col.end_burst(done, bursts, row, data[row, col.F_ALL], col.HARQ_FAILED)
    return True


@part
def finish_uplink(air, r, flows, bursts, routes, resource_lists, done, cell, ch, row, n2, aligned):
    """A burst whose last byte is in slot n2 leaves the gNB, in order; `aligned`: B_n0 (configured grant: B_n1)."""
    data = bursts.data
    radio, channel = air.radios[r], air.channels[ch]
    if is_lost(bursts, done, cell, row):
        return
    f, slot, processing = data[row, col.F_ALL], radio[col.RA_SLOT], radio[col.RA_PROCESSING]
    g = max(f, channel[col.CH_LAST_G])
    before = channel[col.CH_LAST_G]
    channel[col.CH_LAST_G] = g
    b1, e2 = data[row, col.B_FIRST], (n2 + 1) * slot
    lead = np.int64(0) if channel[col.CH_CG_PERIOD] > 0 else radio[col.RA_K2] * slot
    data[row, col.PART + col.P_GRANT] += data[row, col.READY] - data[row, col.T] + lead
    data[row, col.PART + col.P_TDD] += aligned - data[row, col.READY] - lead
    data[row, col.PART + col.P_QUEUE] += b1 - aligned
    data[row, col.PART + col.P_TRANSMISSION] += e2 - b1
    data[row, col.PART + col.P_HARQ] += g - e2
    data[row, col.PART + col.P_PROCESSING] += processing
    leave = g + processing
    first = min(leave, max(n2 * slot, max(data[row, col.F_FIRST], before)) + processing)
    enter_route(bursts, row, first, leave, data[row, col.ROUTE], routes, resource_lists)


@part
def finish_downlink(air, r, bursts, done, cell, ch, row, n2):
    """A burst whose last byte is in slot n2 reaches the device, in order."""
    data = bursts.data
    radio, channel = air.radios[r], air.channels[ch]
    if is_lost(bursts, done, cell, row):
        return
    f, slot = data[row, col.F_ALL], radio[col.RA_SLOT]
    g = max(f, channel[col.CH_LAST_G])
    channel[col.CH_LAST_G] = g
    b1, e2 = data[row, col.B_FIRST], (n2 + 1) * slot
    b0 = first_slot(air, r, data[row, col.READY]) * slot
    data[row, col.PART + col.P_DL_ALIGNMENT] += b0 - data[row, col.READY]
    data[row, col.PART + col.P_DL_QUEUE] += b1 - b0
    data[row, col.PART + col.P_DL_TRANSMISSION] += e2 - b1
    data[row, col.PART + col.P_DL_HARQ] += g - e2
    data[row, col.PART + col.P_PROCESSING] += radio[col.RA_DL_PROCESSING] + radio[col.RA_UE]
    col.end_burst(done, bursts, row, g + radio[col.RA_UE], col.DELIVERED)


@routine
def configured_grant(key, air, c, r, flows, bursts, routes, resource_lists, done, ch, row):
    """A burst of a configured-grant channel takes the next occasions; all is decided at its arrival."""
    data, radio, channel, cell = bursts.data, air.radios[r], air.channels[ch], air.cells[c]
    slot = radio[col.RA_SLOT]
    period, offset = channel[col.CH_CG_PERIOD], channel[col.CH_CG_OFFSET]
    header = radio[col.RA_HEADER]
    earliest = max(data[row, col.T] + radio[col.RA_UE_TX], channel[col.CH_CG_FREE])
    n = np.int64(0)
    b1 = np.int64(-1)
    while data[row, col.REMAINING] > 0:
        j = max(np.int64(0), (earliest - offset) // period - 1)
        while True:
            n = occasion_slot(air, r, offset + j * period)
            if n * slot >= earliest:
                break
            j += 1
        if n > data[row, col.T] // slot + GRANT_AHEAD:
            cell[col.CE_LOST] += 1
            col.end_burst(done, bursts, row, data[row, col.T], col.RLC_OVERFLOW)
            return
        payload = air.payload[air.table[r, n % radio[col.RA_PERIOD]], channel[col.CH_MCS]]
        q = smallest_prb(payload, header, channel[col.CH_CG_BYTES], channel[col.CH_MAX_PRB])
        carried = min(channel[col.CH_CG_BYTES], np.int64(payload[q]) - header)
        earliest = n * slot + 1
        channel[col.CH_CG_FREE] = earliest
        if carried < 1:
            cell[col.CE_LOST] += 1
            col.end_burst(done, bursts, row, (n + 1) * slot, col.HARQ_FAILED)
            return
        f, lost = send_block(key, air, c, r, ch, n, q, HARQ_UL)
        cell[col.CE_PRB_USED] += q
        if b1 < 0:
            b1 = n * slot
            data[row, col.F_FIRST] = f
        data[row, col.F_ALL] = max(data[row, col.F_ALL], f)
        data[row, col.BLOCK_LOST] |= lost
        data[row, col.REMAINING] -= carried
    data[row, col.READY] = data[row, col.T]
    data[row, col.B_FIRST] = b1
    finish_uplink(air, r, flows, bursts, routes, resource_lists, done, cell, ch, row, n, b1)


@part
def absorb(key, air, c, r, d, flows, bursts, routes, resource_lists, done, row):
    """Arrival of a burst in its channel."""
    data = bursts.data
    ch = data[row, col.CHANNEL]
    channel = air.channels[ch]
    t = data[row, col.T]
    if channel[col.CH_CG_PERIOD] > 0:
        configured_grant(key, air, c, r, flows, bursts, routes, resource_lists, done, ch, row)
        return
    if channel[col.CH_BACKLOG] + data[row, col.BYTES] > channel[col.CH_BUFFER]:
        air.cells[c, col.CE_LOST] += 1
        col.end_burst(done, bursts, row, t, col.RLC_OVERFLOW)
        return
    if d == 0 and is_parking(channel, data, t):
        channel[col.CH_BACKLOG] += data[row, col.BYTES]
        ready = max(t, channel[col.CH_READY]) if channel[col.CH_STATUS] == col.WAITING else t
        park(air.parked, channel, bursts, row, ready)
        return
    bursts.next[row] = col.NONE
    data[row, col.REMAINING] = data[row, col.BYTES]
    data[row, col.B_FIRST] = col.NONE
    data[row, col.F_ALL] = 0
    data[row, col.BLOCK_LOST] = 0
    if channel[col.CH_HEAD] == col.NONE:
        channel[col.CH_HEAD] = row
    else:
        bursts.next[channel[col.CH_TAIL]] = row
    channel[col.CH_TAIL] = row
    channel[col.CH_BACKLOG] += data[row, col.BYTES]
    if channel[col.CH_STATUS] == col.IDLE:
        if d == 1:
            wait_until(air, c, ch, t, col.NO_LIMIT)
        elif t < channel[col.CH_BSR_UNTIL]:
            wait_until(air, c, ch, channel[col.CH_BSR_READY], col.NO_LIMIT)
        else:
            wait_until(air, c, ch, request_time(air, r, channel[col.CH_SR_OFFSET], t), air.radios[r, col.RA_SR_GRANT])
    data[row, col.READY] = max(t, channel[col.CH_READY]) if channel[col.CH_STATUS] == col.WAITING else t


@part
def activate(air, c, until):
    """Channels whose ready time has come join the list of their level."""
    cell = air.cells[c]
    start = cell[col.CE_HEAP_START]
    while cell[col.CE_HEAP_SIZE] > 0 and air.heap[start, HEAP_T] <= until:
        ch = heap_take(air.heap, start, cell[col.CE_HEAP_SIZE])
        cell[col.CE_HEAP_SIZE] -= 1
        air.channels[ch, col.CH_STATUS] = col.ACTIVE
        cell[col.CE_ACTIVE] += 1
        list_append(air, cell, ch)


@part
def list_append(air, cell, ch):
    """Channel ch to the tail of its level's list."""
    at = col.CE_LISTS + 3 * air.channels[ch, col.CH_LEVEL]
    air.channels[ch, col.CH_NEXT] = col.NONE
    if cell[at] == col.NONE:
        cell[at] = ch
    else:
        air.channels[cell[at + 1], col.CH_NEXT] = ch
    cell[at + 1] = ch
    cell[at + 2] += 1


@part
def list_remove(air, cell, at, before, ch):
    """Take ch, which follows `before` (-1: the head), out of the list at `at`."""
    following = air.channels[ch, col.CH_NEXT]
    if before == col.NONE:
        cell[at] = following
    else:
        air.channels[before, col.CH_NEXT] = following
    if cell[at + 1] == ch:
        cell[at + 1] = before
    cell[at + 2] -= 1


@part
def leave_queue(air, d, channel, flows, bursts, row):
    """The first burst of a channel leaves its queue."""
    channel[col.CH_HEAD] = bursts.next[row]
    if d == 0 and channel[col.CH_PARKED] != 0:
        back = unpark(air.parked, channel, bursts, row)
        bursts.data[back, col.ROUTE] = flows[bursts.data[back, col.FLOW], col.FL_ROUTE_UP]


@part
def discard_old(air, d, cell, ch, flows, bursts, done, decision):
    """Drop bursts that waited longer than the discard timer, but for a single packet that has begun."""
    data, channel = bursts.data, air.channels[ch]
    row = channel[col.CH_HEAD]
    while row != col.NONE and decision - data[row, col.T] > channel[col.CH_DISCARD]:
        if data[row, col.B_FIRST] != col.NONE and data[row, col.PACKETS] == 1:
            return
        leave_queue(air, d, channel, flows, bursts, row)
        channel[col.CH_BACKLOG] -= data[row, col.REMAINING]
        cell[col.CE_LOST] += 1
        col.end_burst(done, bursts, row, decision, col.PDCP_DISCARD)
        row = channel[col.CH_HEAD]


@part
def fill_block(air, c, r, d, flows, bursts, routes, resource_lists, done, ch, n, size, f, lost):
    """Put `size` bytes from the head of the channel into the transport block of slot n."""
    data, channel, cell = bursts.data, air.channels[ch], air.cells[c]
    slot = air.radios[r, col.RA_SLOT]
    channel[col.CH_BACKLOG] -= size
    while size > 0:
        row = channel[col.CH_HEAD]
        if data[row, col.B_FIRST] == col.NONE:
            data[row, col.B_FIRST] = n * slot
            data[row, col.F_FIRST] = f
        part = min(size, data[row, col.REMAINING])
        size -= part
        data[row, col.REMAINING] -= part
        data[row, col.F_ALL] = max(data[row, col.F_ALL], f)
        data[row, col.BLOCK_LOST] |= lost
        if data[row, col.REMAINING] > 0:
            break
        leave_queue(air, d, channel, flows, bursts, row)
        if d == 0:
            aligned = first_slot(air, r, data[row, col.READY]) * slot
            finish_uplink(air, r, flows, bursts, routes, resource_lists, done, cell, ch, row, n, aligned)
        else:
            finish_downlink(air, r, bursts, done, cell, ch, row, n)


@part
def after_block(air, c, r, d, at, before, ch, n):
    """Where a served channel goes: idle, waiting for its buffer status, or the tail. Returns True when it left its place."""
    channel, cell, radio = air.channels[ch], air.cells[c], air.radios[r]
    slot = radio[col.RA_SLOT]
    list_remove(air, cell, at, before, ch)
    if channel[col.CH_BACKLOG] == 0:
        channel[col.CH_STATUS] = col.IDLE
        cell[col.CE_ACTIVE] -= 1
        if d == 0:
            channel[col.CH_BSR_UNTIL] = n * slot
            channel[col.CH_BSR_READY] = (n + 1) * slot + radio[col.RA_PROCESSING]
    elif channel[col.CH_LIMIT] != col.NO_LIMIT:
        cell[col.CE_ACTIVE] -= 1
        wait_until(air, c, ch, (n + 1) * slot + radio[col.RA_PROCESSING], col.NO_LIMIT)
    else:
        list_append(air, cell, ch)


@part
def schedule(key, air, c, r, d, flows, bursts, routes, resource_lists, done, n, decision):
    """Transport blocks of slot n."""
    cell, radio = air.cells[c], air.radios[r]
    left = radio[col.RA_PRB] - cell[col.CE_RESERVED] - booked_prb(air, c, n)
    grants = radio[col.RA_GRANTS] - cell[col.CE_GRANTS_RESERVED]
    table = air.table[r, n % radio[col.RA_PERIOD]]
    header = radio[col.RA_HEADER]
    purpose = HARQ_UL if d == 0 else HARQ_DL
    for at in range(col.CE_LISTS, col.CE_LISTS + 12, 3):
        before = np.int64(col.NONE)
        for _ in range(cell[at + 2]):
            if left <= 0 or grants <= 0:
                return
            ch = cell[at] if before == col.NONE else air.channels[before, col.CH_NEXT]
            channel = air.channels[ch]
            discard_old(air, d, cell, ch, flows, bursts, done, decision)
            if channel[col.CH_BACKLOG] == 0:
                list_remove(air, cell, at, before, ch)
                channel[col.CH_STATUS] = col.IDLE
                cell[col.CE_ACTIVE] -= 1
                continue
            want = min(channel[col.CH_BACKLOG], channel[col.CH_LIMIT])
            payload = air.payload[table, channel[col.CH_MCS]]
            q = smallest_prb(payload, header, want, min(channel[col.CH_MAX_PRB], left))
            size = min(want, np.int64(payload[q]) - header)
            if size < 1:
                before = ch
                continue
            f, lost = send_block(key, air, c, r, ch, n, q, purpose)
            left -= q
            grants -= 1
            cell[col.CE_GRANTS] += 1
            cell[col.CE_PRB_USED] += q
            fill_block(air, c, r, d, flows, bursts, routes, resource_lists, done, ch, n, size, f, lost)
            after_block(air, c, r, d, at, before, ch, n)


@part
def run_cell(key, air, c, d, flows, bursts, routes, lists, done, until, scratch):
    """One cell and direction up to (not including) `until`."""
    r = 2 * air.cells[c, col.CE_RADIO] + d
    cell = air.cells[c]
    times, rows, count = gather(lists.cells, c, bursts, flows, until, scratch)
    i = 0
    start = cell[col.CE_HEAP_START]
    while True:
        decision = col.FOREVER
        n = np.int64(0)
        if cell[col.CE_ACTIVE] > 0:
            n = usable_slot(air, r, cell[col.CE_NEXT_SLOT])
            decision = decision_time(air, r, n)
        elif cell[col.CE_HEAP_SIZE] > 0:
            n = max(first_slot(air, r, air.heap[start, HEAP_T]), usable_slot(air, r, cell[col.CE_NEXT_SLOT]))
            decision = decision_time(air, r, n)
        # An arrival may be ready before those that wait: look again at what comes next.
        if i < count and (times[i] <= decision or decision >= until):
            absorb(key, air, c, r, d, flows, bursts, routes, lists.resources, done, rows[i])
            i += 1
            continue
        if decision >= until:
            return
        activate(air, c, decision)
        cell[col.CE_NEXT_SLOT] = n + 1
        schedule(key, air, c, r, d, flows, bursts, routes, lists.resources, done, n, decision)


@part
def is_idle(lists, c):
    """Whether a cell has nothing to do in this window."""
    return lists.cells[c, col.HEAD] == col.NONE and lists.cells[c, col.AWAKE] == 0


@part
def ask_for_bursts(air, bursts, lists, c):
    """Ask for the row of cell c and those of the bursts that wait for it."""
    if is_idle(lists, c):
        return
    prefetch_row(air.cells, c, col.CELL_COLUMNS // LINE)
    row = lists.cells[c, col.HEAD]
    while row != col.NONE:
        prefetch_row(bursts.data, row, 4)
        row = np.int64(bursts.next[row])


@part
def ask_for_channels(air, bursts, lists, c):
    """Ask for the channels that cell c will serve; its row and its bursts have come."""
    if is_idle(lists, c):
        return
    start = air.cells[c, col.CE_HEAP_START]
    prefetch(air.heap, start, 0)
    for i in range(2, air.cells[c, col.CE_HEAP_SIZE], 2):
        prefetch(air.heap, start + i, 0)
    row = lists.cells[c, col.HEAD]
    while row != col.NONE:
        prefetch_row(air.channels, bursts.data[row, col.CHANNEL], col.CHANNEL_COLUMNS // LINE)
        row = np.int64(bursts.next[row])


@part
def ask_for_waiting(air, lists, c):
    """Ask for the channels that wait in the heap of cell c."""
    if lists.cells[c, col.AWAKE] == 0:
        return
    start = air.cells[c, col.CE_HEAP_START]
    for i in range(start, start + air.cells[c, col.CE_HEAP_SIZE]):
        prefetch_row(air.channels, air.heap[i, HEAP_CH], col.CHANNEL_COLUMNS // LINE)


@part
def ask_for_their_bursts(air, bursts, lists, c):
    """Ask for the bursts at the head of the channels that wait in the heap of cell c."""
    if lists.cells[c, col.AWAKE] == 0:
        return
    start = air.cells[c, col.CE_HEAP_START]
    for i in range(start, start + air.cells[c, col.CE_HEAP_SIZE]):
        prefetch_row(bursts.data, air.channels[air.heap[i, HEAP_CH], col.CH_HEAD], 4)


@kernel
def run_cells(key, air, d, flows, bursts, routes, lists, done, until, scratch):
    """All cells of one direction up to `until`."""
    n = len(air.cells)
    for c in range(d, n, 2):
        if c + FAR < n:
            ask_for_bursts(air, bursts, lists, c + FAR)
        if c + NEAR < n:
            ask_for_channels(air, bursts, lists, c + NEAR)
        if c + NEXT < n:
            ask_for_waiting(air, lists, c + NEXT)
        if c + LAST < n:
            ask_for_their_bursts(air, bursts, lists, c + LAST)
        if is_idle(lists, c):
            continue
        run_cell(key, air, c, d, flows, bursts, routes, lists, done, until, scratch)
        lists.cells[c, col.AWAKE] = air.cells[c, col.CE_ACTIVE] + air.cells[c, col.CE_HEAP_SIZE]
