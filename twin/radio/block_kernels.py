"""Transport blocks: how many PRBs a message takes, and its HARQ attempts (docs/model.md, section 4)."""

from __future__ import annotations

import numpy as np

from twin.base import columns as col
from twin.base.draws import draw
from twin.base.jit import part
from twin.radio.slot_kernels import first_slot, usable_slot

RING = 4096  # slots ahead for which bookings are kept: GRANT_AHEAD and a chain of retransmissions (4 x SEARCH) fit
GRANT_AHEAD = 2048  # slots after its arrival within which a burst must find its configured grants
SEARCH = 256  # slots ahead that a retransmission may look for room
PRB_BITS = 10  # a booking is (slot << PRB_BITS) | PRBs


@part
def smallest_prb(payload, header, want, most):
    """Smallest PRB count (at most `most`) whose payload carries `want` bytes."""
    full = payload[len(payload) - 1]
    if full <= 0:
        return np.int64(most)
    q = min(most, max(np.int64(1), (want + header) * (len(payload) - 1) // full))
    while q < most and payload[q] - header < want:
        q += 1
    while q > 1 and payload[q - 1] - header >= want:
        q -= 1
    return np.int64(q)


@part
def booked_prb(air, c, n):
    """PRBs booked for retransmissions in slot n (mostly none ahead: then the ring stays out of the cache)."""
    if n > air.cells[c, col.CE_BOOKED]:
        return np.int64(0)
    entry = air.booked[c, n % RING]
    return entry & ((1 << PRB_BITS) - 1) if entry >> PRB_BITS == n else np.int64(0)


@part
def send_block(key, air, c, r, ch, n, q, purpose):
    """HARQ attempts of one transport block: (end of the last attempt, 1 if lost)."""
    channel, radio, cell = air.channels[ch], air.radios[r], air.cells[c]
    slot = radio[col.RA_SLOT]
    room = radio[col.RA_PRB] - cell[col.CE_RESERVED] - q
    p = channel[col.CH_BLER]
    m = n
    cell[col.CE_BLOCKS] += 1
    for attempt in range(radio[col.RA_HARQ_TX]):
        if np.int64(draw(key, np.uint64(channel[col.CH_HASH]), purpose, m) >> np.uint64(32)) >= p:
            return (m + 1) * slot, np.int64(0)
        cell[col.CE_ERRORS] += 1
        if attempt + 1 == radio[col.RA_HARQ_TX]:
            break
        after = first_slot(air, r, (m + 1) * slot + radio[col.RA_HARQ_DELAY])
        while after - m <= SEARCH and booked_prb(air, c, after) > room:
            after = usable_slot(air, r, after + 1)
        if after - m > SEARCH:
            break
        air.booked[c, after % RING] = (after << PRB_BITS) | (booked_prb(air, c, after) + q)
        cell[col.CE_BOOKED] = max(cell[col.CE_BOOKED], after)
        cell[col.CE_PRB_USED] += q
        m = after
        p = (p * radio[col.RA_HARQ_GAIN]) >> 16
    return (m + 1) * slot, np.int64(1)
