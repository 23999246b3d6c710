"""Slot tables of a cell: which slots carry data in a direction, when they are decided, where a retransmission fits.

Both engines read these tables (docs/model.md, section 4). A table repeats with the TDD period.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SYMBOLS_PER_SLOT = 14
MIN_DATA_SYMBOLS = 4  # a special slot with fewer symbols of a direction carries control only
PDCCH_SYMBOLS = 1


@dataclass(frozen=True)
class SlotTable:
    """One direction of a radio configuration; all arrays have one entry a slot of the period.

    usable: data can be sent. symbols: symbols for data. lead_ns: B_n - D_n of a usable slot. n_usable: in a period.
    """

    slot_ns: int
    usable: np.ndarray  # bool
    symbols: np.ndarray  # int64
    lead_ns: np.ndarray  # int64
    uplink: np.ndarray  # bool: has uplink symbols (a scheduling request can be sent)

    @property
    def period(self) -> int:
        """Slots in the period."""
        return len(self.usable)


def expand_pattern(duplex: str, pattern: str, special_dl: int, special_ul: int) -> tuple[np.ndarray, np.ndarray]:
    """Downlink and uplink symbols of each slot of the period. `pattern` is of D, U, S; FDD: both in every slot."""
    if duplex == "fdd":
        full = np.full(1, SYMBOLS_PER_SLOT, dtype=np.int64)
        return full, full.copy()
    down = {"D": SYMBOLS_PER_SLOT, "S": special_dl, "U": 0}
    up = {"D": 0, "S": special_ul, "U": SYMBOLS_PER_SLOT}
    return (np.array([down[c] for c in pattern], dtype=np.int64), np.array([up[c] for c in pattern], dtype=np.int64))


def slot_ns_of(scs_khz: int) -> int:
    """Slot length: 1 ms at 15 kHz, halved with each numerology."""
    return 1_000_000 * 15 // scs_khz


def slot_table(down: np.ndarray, up: np.ndarray, slot_ns: int, direction: int, k2_slots: int) -> SlotTable:
    """Table of one direction (0 uplink, 1 downlink) from the symbols of each slot of the period.

    Raises:
        ValueError: the pattern has no usable slot in the direction, or no downlink slot that could carry a grant.
    """
    n = len(down)
    lead = np.zeros(n, dtype=np.int64)
    if direction == 1:
        symbols = np.where(down >= MIN_DATA_SYMBOLS, down - PDCCH_SYMBOLS, 0)
    else:
        symbols = np.where(up >= MIN_DATA_SYMBOLS, up, 0)
        if not (down >= PDCCH_SYMBOLS).any():
            raise ValueError("the TDD pattern has no downlink slot: no uplink grant can be sent")
        for i in range(n):
            m = i - k2_slots
            while down[m % n] < PDCCH_SYMBOLS:
                m -= 1
            lead[i] = (i - m) * slot_ns
    usable = symbols > 0
    if not usable.any():
        raise ValueError(f"the TDD pattern has no {'uplink' if direction == 0 else 'downlink'} slot for data")
    return SlotTable(slot_ns, usable, symbols.astype(np.int64), lead, up > 0)
