"""What an epoch edge changes in the cells: link adaptation and reserved PRBs (docs/model.md, section 4)."""

from __future__ import annotations

import numpy as np

from twin.base import columns as col
from twin.base.jit import kernel
from twin.base.link_adaptation import adapt_dl, adapt_ul
from twin.radio.block_kernels import smallest_prb


@kernel
def reserve(air, channel_rows, admitting):
    """PRBs that configured grants keep from the scheduler, for every uplink cell (docs/model.md, section 4).

    admitting (at the start): a grant that no longer fits is refused, and its channel works by scheduling request. channel_rows
    are in the order of admission. Returns the number of refused grants.
    """
    for i in range(0, len(air.cells), 2):
        air.cells[i, col.CE_RESERVED] = 0
    refused = 0
    for k in range(len(channel_rows)):
        channel = air.channels[channel_rows[k]]
        if channel[col.CH_CG_PERIOD] == 0:
            continue
        i = channel[col.CH_CELL]
        r = 2 * air.cells[i, col.CE_RADIO]
        radio = air.radios[r]
        best, n_usable = np.int64(-1), np.int64(0)
        for phase in range(radio[col.RA_PERIOD]):
            if air.usable[r, phase]:
                n_usable += 1
                if best < 0 or air.symbols[r, phase] > air.symbols[r, best]:
                    best = np.int64(phase)
        payload = air.payload[air.table[r, best], channel[col.CH_MCS]]
        q = smallest_prb(payload, radio[col.RA_HEADER], channel[col.CH_CG_BYTES], channel[col.CH_MAX_PRB])
        share = q * radio[col.RA_SLOT] * radio[col.RA_PERIOD] * 65536 // (n_usable * channel[col.CH_CG_PERIOD])
        if admitting and air.cells[i, col.CE_RESERVED] + share > (radio[col.RA_PRB] - 1) << 16:
            channel[col.CH_CG_PERIOD] = 0
            refused += 1
        else:
            air.cells[i, col.CE_RESERVED] += share
    for i in range(0, len(air.cells), 2):
        prb = air.radios[2 * air.cells[i, col.CE_RADIO], col.RA_PRB]
        air.cells[i, col.CE_RESERVED] = min(prb - 1, (air.cells[i, col.CE_RESERVED] + 65535) >> 16)
    return refused


@kernel
def adapt_channels(air, tables, channel_rows, direction, gain_db, neighbours, neighbour_gain_db, tx_power_dbm, load_q16):
    """MCS, PRB cap and BLER of the channels of one radio and direction, from the loads of the last epoch.

    load_q16: int64 (cells, 2). A channel in outage keeps its queue and gets no PRB.
    """
    for k in range(len(channel_rows)):
        channel = air.channels[channel_rows[k]]
        dev = channel[col.CH_DEVICE]
        if direction == 0:
            mcs, prb, bler, _ = adapt_ul(tables, gain_db[dev], neighbours[dev], load_q16[:, 0])
        else:
            power = tx_power_dbm[channel[col.CH_CELL] // 2]
            mcs, prb, bler, _ = adapt_dl(
                tables, gain_db[dev], power, neighbours[dev], neighbour_gain_db[dev], tx_power_dbm, load_q16[:, 1]
            )
        channel[col.CH_MCS] = max(mcs, np.int64(0))
        channel[col.CH_MAX_PRB] = prb if mcs >= 0 else np.int64(0)
        channel[col.CH_BLER] = bler
