"""The slots of one direction of a cell as a calendar (docs/model.md, section 4): B_n, E_n, D_n and searches over them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

from twin.base.slots import expand_pattern, slot_ns_of, slot_table


class Calendar:
    """Slots n = 0, 1, … of one direction (0 uplink, 1 downlink) of a radio configuration (a row of `world.radios`)."""

    def __init__(self, radio: Any, direction: int) -> None:
        down, up = expand_pattern(radio.duplex, radio.pattern, radio.special_dl_symbols, radio.special_ul_symbols)
        self._table = slot_table(down, up, slot_ns_of(radio.scs_khz), direction, radio.k2_slots)
        self.slot_ns = self._table.slot_ns
        self.period = self._table.period
        self.n_usable = int(self._table.usable.sum())
        self.most_symbols = int(self._table.symbols.max())
        self._k2_ns = radio.k2_slots * self.slot_ns
        self._sr_period = radio.sr_period_slots

    @property
    def k2_ns(self) -> int:
        """Least time from an uplink grant to its slot."""
        return int(self._k2_ns)

    def begin(self, n: int) -> int:
        """B_n."""
        return n * self.slot_ns

    def end(self, n: int) -> int:
        """E_n."""
        return (n + 1) * self.slot_ns

    def decision(self, n: int) -> int:
        """D_n of a usable slot."""
        return self.begin(n) - int(self._table.lead_ns[n % self.period])

    def symbols(self, n: int) -> int:
        """Symbols for data in slot n."""
        return int(self._table.symbols[n % self.period])

    def usable_from(self, n: int) -> Iterator[int]:
        """Usable slots n, n + 1, … for ever."""
        return (m for m in count(max(n, 0)) if self._table.usable[m % self.period])

    def first_slot(self, tau: int) -> int:
        """First usable slot that is decided at or after tau (D_n <= B_n: no slot that began before tau can be)."""
        return next(n for n in self.usable_from(-(-tau // self.slot_ns)) if self.decision(n) >= tau)

    def first_beginning(self, tau: int) -> int:
        """First usable slot that begins at or after tau."""
        return next(self.usable_from(-(-tau // self.slot_ns)))

    def sr_offsets(self) -> list[int]:
        """Slots of the scheduling-request period that have uplink symbols."""
        return [i for i in range(self._sr_period) if self._table.uplink[i % self.period]]

    def sr_slot(self, offset: int, tau: int) -> int:
        """First slot at or after tau that carries the scheduling requests of this offset."""
        earliest = -(-tau // self.slot_ns)
        return earliest + (offset - earliest) % self._sr_period

    def usable_between(self, start: int, end: int) -> int:
        """Number of usable slots with start <= B_n < end."""
        first, stop = -(-start // self.slot_ns), -(-end // self.slot_ns)
        return sum(bool(self._table.usable[n % self.period]) for n in range(first, stop))
