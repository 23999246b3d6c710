"""Random access, occasion by occasion (docs/signalling.md, section 3)."""

from __future__ import annotations

import numpy as np

from twin.base import draws
from twin.base import signal_columns as sc
from twin.base.bins import DELAY_BITS, bin_of
from twin.base.jit import part, routine
from twin.signalling.event_kernels import push_event, push_timer

MAX_BARRING_TRIES = 1024


@routine
def barred_until(key, fx, ctl, device, t):
    """When access class barring lets the device pass."""
    d = ctl.devices[device]
    rach = fx.rach[ctl.cells[d[sc.DV_CELL], sc.SC_RACH]]
    if rach[sc.RC_BARRING] >= 1 << 32:
        return t
    h = np.uint64(d[sc.DV_HASH])
    for j in range(MAX_BARRING_TRIES - 1):
        index = d[sc.DV_ACCESSES] * MAX_BARRING_TRIES + j
        if np.int64(draws.draw(key, h, draws.BARRING, index) >> np.uint64(32)) < rach[sc.RC_BARRING]:
            break
        more = draws.uniform_below(draws.draw(key, h, draws.BARRING_WAIT, index), rach[sc.RC_BARRING_NS] * 6 // 10 + 1)
        t += rach[sc.RC_BARRING_NS] * 7 // 10 + more
    return t


@part
def be_ready(ctl, device, t):
    """The device's next preamble is ready at t."""
    d = ctl.devices[device]
    push_event(ctl, t, sc.RANK_READY, d[sc.DV_HASH], sc.EV_READY, 0, d[sc.DV_TOKEN] & 0xFFFFFF, device, 0)


@routine
def begin_access(key, fx, ctl, tally, device, t):
    """A device begins an access."""
    d = ctl.devices[device]
    d[sc.DV_TASK], d[sc.DV_SEEK], d[sc.DV_TX] = sc.TASK_ACCESS, t, 1
    d[sc.DV_TOKEN] += 1
    tally.ra[d[sc.DV_CELL], sc.RA_BEGUN] += 1
    ready = barred_until(key, fx, ctl, device, t)
    d[sc.DV_ACCESSES] += 1
    be_ready(ctl, device, ready)


@part
def next_occasion(rach, t):
    """Number of the first occasion from t on."""
    return max((t - rach[sc.RC_OFFSET] + rach[sc.RC_PERIOD] - 1) // rach[sc.RC_PERIOD], 0)


@routine
def join_occasion(fx, ctl, device, t):
    """The device takes part in its cell's next occasion."""
    d = ctl.devices[device]
    cell = ctl.cells[d[sc.DV_CELL]]
    rach = fx.rach[cell[sc.SC_RACH]]
    occasion = next_occasion(rach, t)
    if cell[sc.SC_OCCASION] != occasion:
        cell[sc.SC_OCCASION] = occasion
        at = rach[sc.RC_OFFSET] + occasion * rach[sc.RC_PERIOD]
        push_event(ctl, at, sc.RANK_OCCASION, cell[sc.SC_HASH], sc.EV_OCCASION, 0, 0, d[sc.DV_CELL], 0)
    if d[sc.DV_JOINED] == 0:
        d[sc.DV_NEXT] = cell[sc.SC_HEAD]
        cell[sc.SC_HEAD] = device
        ctl.sizes[sc.SZ_JOINED] += 1
    d[sc.DV_JOINED] = 1


@part
def detects(key, fx, d, rach_row, occasion):
    """Whether the gNB hears this device's preamble at its power."""
    u = draws.draw(key, np.uint64(d[sc.DV_HASH]), draws.DETECT, occasion)
    return np.int64(u >> np.uint64(32)) < fx.detect[rach_row, d[sc.DV_TX]]


@routine
def pick_preambles(key, fx, ctl, tally, cell, occasion):
    """Every device that has joined picks a preamble; count and detect them. Returns how many were sent."""
    sent = np.int64(0)
    rach_row = ctl.cells[cell, sc.SC_RACH]
    n = fx.rach[rach_row, sc.RC_PREAMBLES]
    for p in range(n):
        ctl.preambles[p, 0] = 0
        ctl.preambles[p, 1] = 0
    device = ctl.cells[cell, sc.SC_HEAD]
    while device != sc.NONE:
        d = ctl.devices[device]
        if d[sc.DV_JOINED] == 1:
            p = draws.uniform_below(draws.draw(key, np.uint64(d[sc.DV_HASH]), draws.PREAMBLE, occasion), n)
            d[sc.DV_PREAMBLE] = p
            ctl.preambles[p, 0] += 1
            if detects(key, fx, d, rach_row, occasion):
                ctl.preambles[p, 1] = 1
            sent += 1
        device = d[sc.DV_NEXT]
    tally.ra[cell, sc.RA_PREAMBLES] += sent
    return sent


@routine
def answer_preambles(fx, ctl, tally, cell):
    """Give detected preambles their places in the response window: preambles[:, 1] becomes the slot, -1 for no answer."""
    rach = fx.rach[ctl.cells[cell, sc.SC_RACH]]
    counts = tally.ra[cell]
    answered = np.int64(0)
    for p in range(rach[sc.RC_PREAMBLES]):
        devices, heard = ctl.preambles[p, 0], ctl.preambles[p, 1]
        ctl.preambles[p, 1] = sc.NONE
        if devices == 0:
            continue
        if devices == 1:
            counts[sc.RA_SINGLE] += 1
        else:
            counts[sc.RA_COLLIDED] += 1
            counts[sc.RA_PREAMBLES_COLLIDED] += devices
            if not rach[sc.RC_ANSWERED]:
                continue
        if heard:
            counts[sc.RA_DETECTED] += 1
            if answered < rach[sc.RC_RAR_SLOTS] * rach[sc.RC_GRANTS]:
                counts[sc.RA_ANSWERED] += 1
                ctl.preambles[p, 1] = answered // rach[sc.RC_GRANTS]
                answered += 1


@part
def harq_failures(key, h, purpose, occasion, rach):
    """Failed transmissions of Msg3 or Msg4 before the first that succeeds; max_harq when none does."""
    n = np.int64(0)
    while n < rach[sc.RC_MAX_HARQ]:
        u = draws.draw(key, h, purpose, 16 * occasion + n)
        if np.int64(u >> np.uint64(32)) >= rach[sc.RC_HARQ_FAIL]:
            break
        n += 1
    return n


@routine
def after_response(key, fx, ctl, tally, cell, device, occasion, answer):
    """Msg3 and Msg4 after a response that ends at `answer`: (time, succeeded)."""
    rach = fx.rach[ctl.cells[cell, sc.SC_RACH]]
    d = ctl.devices[device]
    h = np.uint64(d[sc.DV_HASH])
    if ctl.preambles[d[sc.DV_PREAMBLE], 0] > 1:
        failures = rach[sc.RC_MAX_HARQ]  # several devices send at once: nothing can be decoded
    else:
        failures = harq_failures(key, h, draws.MSG3, occasion, rach)
    if failures >= rach[sc.RC_MAX_HARQ]:
        tally.ra[cell, sc.RA_MESSAGE_FAILURES] += 1
        end = answer + rach[sc.RC_MSG3] + (rach[sc.RC_MAX_HARQ] - 1) * rach[sc.RC_MSG3_RTT] + rach[sc.RC_CONTENTION]
        return end, False
    t3 = answer + rach[sc.RC_MSG3] + failures * rach[sc.RC_MSG3_RTT]
    failures = harq_failures(key, h, draws.MSG4, occasion, rach)
    t4 = t3 + rach[sc.RC_MSG4] + failures * rach[sc.RC_MSG4_RTT]
    if failures >= rach[sc.RC_MAX_HARQ] or t4 > t3 + rach[sc.RC_CONTENTION]:
        tally.ra[cell, sc.RA_MESSAGE_FAILURES] += 1
        return t3 + rach[sc.RC_CONTENTION], False
    return t4, True


@routine
def attempt(key, fx, ctl, tally, cell, device, occasion, at):
    """What becomes of one device's transmission: the access ends, or the next one is ready later."""
    rach = fx.rach[ctl.cells[cell, sc.SC_RACH]]
    d = ctl.devices[device]
    slot = ctl.preambles[d[sc.DV_PREAMBLE], 1]
    window = at + rach[sc.RC_PREAMBLE_NS] + rach[sc.RC_RAR_START]
    if slot == sc.NONE:
        end, succeeded = window + rach[sc.RC_RAR_SLOTS] * rach[sc.RC_RAR_SLOT], False
    else:
        end, succeeded = after_response(key, fx, ctl, tally, cell, device, occasion, window + (slot + 1) * rach[sc.RC_RAR_SLOT])
    if succeeded or d[sc.DV_TX] >= rach[sc.RC_MAX_TX]:
        push_timer(ctl, end, d[sc.DV_HASH], sc.TM_ACCESS, 0, sc.EV_ACCESS, d[sc.DV_TOKEN] & 0xFFFFFF, device,
                   1 if succeeded else 0)  # fmt: skip
        return
    d[sc.DV_TX] += 1
    u = draws.draw(key, np.uint64(d[sc.DV_HASH]), draws.BACKOFF, occasion)
    be_ready(ctl, device, end + rach[sc.RC_RETRY] + draws.uniform_below(u, rach[sc.RC_BACKOFF] + 1))


@routine
def hold_occasion(key, fx, ctl, tally, cell, at):
    """One random access occasion of a cell, at its time."""
    place = ctl.cells[cell]
    occasion = place[sc.SC_OCCASION]
    place[sc.SC_OCCASION] = sc.NONE
    if pick_preambles(key, fx, ctl, tally, cell, occasion) > 0:
        place[sc.SC_FIRST] = occasion if place[sc.SC_FIRST] == sc.NONE else place[sc.SC_FIRST]
        place[sc.SC_LAST] = occasion
    answer_preambles(fx, ctl, tally, cell)
    device = place[sc.SC_HEAD]
    place[sc.SC_HEAD] = sc.NONE
    while device != sc.NONE:
        d = ctl.devices[device]
        following = d[sc.DV_NEXT]
        if d[sc.DV_JOINED] == 1:
            attempt(key, fx, ctl, tally, cell, device, occasion, at)
        d[sc.DV_JOINED] = 0
        ctl.sizes[sc.SZ_JOINED] -= 1
        device = following


@part
def log_access(ctl, device, t, outcome):
    """Remember an access that ended, when somebody asked for it."""
    n = ctl.log_size[1]
    if n < len(ctl.access_log):
        d, row = ctl.devices[device], ctl.access_log[n]
        row[0], row[1], row[2] = device, d[sc.DV_ACCESSES] - 1, d[sc.DV_CELL]
        row[3], row[4], row[5], row[6] = d[sc.DV_SEEK], t, d[sc.DV_TX] if outcome < 2 else 0, outcome
        ctl.log_size[1] = n + 1


@routine
def end_access(fx, ctl, tally, device, t, succeeded):
    """Count an access that ended."""
    d = ctl.devices[device]
    counts = tally.ra[d[sc.DV_CELL]]
    log_access(ctl, device, t, 0 if succeeded else 1)
    if not succeeded:
        counts[sc.RA_FAILED] += 1
        return
    counts[sc.RA_SUCCEEDED] += 1
    row = ctl.cells[d[sc.DV_CELL], sc.SC_RACH]
    rach = fx.rach[row]
    delay = t - rach[sc.RC_OFFSET] - next_occasion(rach, d[sc.DV_SEEK]) * rach[sc.RC_PERIOD]
    tally.ra_tx[row, d[sc.DV_TX]] += 1
    tally.ra_delay_sum[row] += delay
    tally.ra_delay_hist[row, bin_of(delay, DELAY_BITS)] += 1
