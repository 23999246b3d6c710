"""Transport blocks: their size, and their attempts until one succeeds (docs/model.md, section 4, steps 3 and 4)."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from typing import Any, NamedTuple

from twin.base.draws import HARQ_DL, HARQ_UL
from twin.base.tbs import payload_table
from twin.reference.channel import Channel
from twin.reference.randomness import Draws
from twin.reference.slots import Calendar

SEARCH_SLOTS = 256  # a retransmission that finds no room that soon is given up


class Payloads:
    """Bytes of application data in a block of q PRBs, at an MCS and a number of symbols."""

    def __init__(self, radio: Any, direction: int) -> None:
        self._radio, self._direction = radio, direction
        self._tables: dict[int, list[list[int]]] = {}

    def _row(self, mcs: int, symbols: int) -> list[int]:
        if symbols not in self._tables:
            self._tables[symbols] = payload_table(self._radio, self._direction, symbols).tolist()
        return self._tables[symbols][mcs]

    def of(self, mcs: int, symbols: int, q: int) -> int:
        """Payload of q PRBs; below 1 when they do not even hold the header."""
        return self._row(mcs, symbols)[q] - self._radio.l2_header_bytes

    def prbs_for(self, size: int, mcs: int, symbols: int, most: int) -> int:
        """Fewest PRBs that hold `size` bytes, or `most` if so many do not."""
        return min(bisect_left(self._row(mcs, symbols), size + self._radio.l2_header_bytes), most)


class Outcome(NamedTuple):
    """End of the last attempt of a block (F), and whether all failed."""

    end: int
    lost: bool


class Attempts:
    """Attempts of the blocks of one direction of a cell, and the PRBs booked for those to come."""

    def __init__(self, calendar: Calendar, radio: Any, direction: int, draws: Draws) -> None:
        self._calendar, self._radio, self._draws = calendar, radio, draws
        self._purpose = HARQ_UL if direction == 0 else HARQ_DL
        self._delay_ns = radio.gnb_processing_ns
        if direction == 1:
            self._delay_ns = radio.ue_processing_ns + calendar.slot_ns + radio.gnb_processing_ns
        self.booked: Counter[int] = Counter()  # PRBs booked in a slot
        self.prbs_booked = 0  # in all slots so far

    def send(self, channel: Channel, slot: int, q: int, room: int) -> Outcome:
        """Send a block of q PRBs in `slot`; retransmissions are booked where `room` PRBs of a slot suffice."""
        error_q32 = channel.link.bler_q32
        for attempt in range(1, self._radio.max_harq_tx + 1):
            if not self._draws.happens(error_q32, channel.flow.flow_hash, self._purpose, slot):
                return Outcome(self._calendar.end(slot), lost=False)
            error_q32 = error_q32 * self._radio.harq_gain_q16 >> 16
            later = self._book(slot, q, room) if attempt < self._radio.max_harq_tx else None
            if later is None:
                break
            slot = later
        return Outcome(self._calendar.end(slot), lost=True)

    def _book(self, slot: int, q: int, room: int) -> int | None:
        """Slot of the next attempt after a failure in `slot`, or None if there is no room soon enough."""
        for later in self._calendar.usable_from(self._calendar.first_slot(self._calendar.end(slot) + self._delay_ns)):
            if later > slot + SEARCH_SLOTS:
                return None
            if self.booked[later] + q <= room:
                self.booked[later] += q
                self.prbs_booked += q
                return later
        raise AssertionError("usable slots never end")
