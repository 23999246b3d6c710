"""Occasions of a configured grant, and the PRBs a cell keeps for all of them (docs/model.md, section 4)."""

from __future__ import annotations

from twin.reference.slots import Calendar


class Occasions:
    """Occasion j is the first usable slot that begins at or after offset + j * period. Each slot is used once."""

    def __init__(self, calendar: Calendar, offset_ns: int, period_ns: int) -> None:
        self._calendar = calendar
        self._offset, self._period = offset_ns, period_ns
        self._next, self._last_slot = 0, -1

    def take(self, tau: int, last: int) -> int | None:
        """Use the next occasion that begins at or after tau and after the last one used: its slot. tau never decreases.

        None, and nothing used, when that slot comes after `last`.
        """
        while True:
            slot = self._calendar.first_beginning(self._offset + self._next * self._period)
            self._next += 1
            if slot > self._last_slot and self._calendar.begin(slot) >= tau:
                if slot > last:
                    self._next -= 1
                    return None
                self._last_slot = slot
                return slot


def share_q16(q: int, period_ns: int, calendar: Calendar) -> int:
    """PRBs of a usable slot that a grant of q PRBs each period takes on average, in 1/65536."""
    return q * calendar.slot_ns * calendar.period * 65536 // (calendar.n_usable * period_ns)


def reserved_prbs(grants: list[tuple[int, int]], calendar: Calendar, n_prb: int) -> int:
    """PRBs of every usable slot kept for configured grants, each given as (PRBs of an occasion, period in ns).

    At least one PRB is left for the rest. The sum is kept in 1/65536 PRB so that it is the same on every machine.
    """
    total_q16 = sum(share_q16(q, period_ns, calendar) for q, period_ns in grants)
    return min(n_prb - 1, -(-total_q16 // 65536))
