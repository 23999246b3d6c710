"""Draws of the fixed offsets of a channel."""

from __future__ import annotations

import numpy as np

from twin.base import columns as col
from twin.base.draws import CG_OFFSET, SR_OFFSET, draw, uniform_below
from twin.base.jit import kernel


@kernel
def draw_offsets(key, channels, rows, sr_slots):
    """Offset of the scheduling request (slots) and of the configured grant (ns) of the given channels."""
    for i in range(len(rows)):
        channel = channels[rows[i]]
        entity = np.uint64(channel[col.CH_HASH])
        channel[col.CH_SR_OFFSET] = sr_slots[uniform_below(draw(key, entity, SR_OFFSET, 0), len(sr_slots))]
        if channel[col.CH_CG_PERIOD] > 0:
            channel[col.CH_CG_OFFSET] = uniform_below(draw(key, entity, CG_OFFSET, 0), channel[col.CH_CG_PERIOD])
