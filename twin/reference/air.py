"""Signalling radio bearers of a cell: when a message is over the air, and what it takes (docs/signalling.md, section 4)."""

from __future__ import annotations

from itertools import islice
from typing import Any

from twin.reference.slots import Calendar

UL, DL = 0, 1


class Air:
    """Both directions of one cell: messages go before all data, so they wait for slots only. `prbs`, `grants`: all so far."""

    def __init__(self, cell: Any, radio: Any) -> None:
        self._cell, self._radio = cell, radio
        self._calendars = [Calendar(radio, direction) for direction in (UL, DL)]
        self.prbs, self.grants = [0, 0], [0, 0]

    def up(self, t: int, size: int) -> int:
        """A device sends a message at t: when the gNB has processed it."""
        return self._sent(UL, t, size) + int(self._radio.gnb_processing_ns)

    def down(self, t: int, size: int) -> int:
        """The gNB sends a message at t: when the device has processed it."""
        return self._sent(DL, t + int(self._radio.gnb_dl_processing_ns), size) + int(self._radio.ue_processing_ns)

    def _sent(self, direction: int, t: int, size: int) -> int:
        """End of the last of the slots that a message takes from t on."""
        calendar, blocks = self._calendars[direction], max(1, -(-size // self._cell.srb_block_bytes))
        self.prbs[direction] += blocks * self._cell.srb_prb
        self.grants[direction] += blocks
        slots = islice(calendar.usable_from(calendar.first_slot(t)), blocks)
        return calendar.end(max(slots))
