"""What signalling takes of a cell's slots, epoch by epoch (docs/signalling.md, section 8)."""

from __future__ import annotations

from typing import NamedTuple

from twin.reference.air import DL, UL, Air


class Use(NamedTuple):
    """PRBs and grants of one direction of a cell."""

    prbs: int
    grants: int


class Coupling:
    """Signalling of each cell since the epoch before; nothing without a control plane."""

    def __init__(self, n_cells: int, airs: list[Air | None]) -> None:
        self._airs: list[Air | None] = (airs + [None] * n_cells)[:n_cells]
        self._before = [(Use(0, 0), Use(0, 0))] * n_cells

    def take(self) -> list[tuple[Use, Use]]:
        """Uplink and downlink use of each cell since the last call."""
        now = [_total(air) for air in self._airs]
        used = [(_difference(new[UL], old[UL]), _difference(new[DL], old[DL])) for new, old in zip(now, self._before)]
        self._before = now
        return used


def _total(air: Air | None) -> tuple[Use, Use]:
    if air is None:
        return Use(0, 0), Use(0, 0)
    return Use(air.prbs[UL], air.grants[UL]), Use(air.prbs[DL], air.grants[DL])


def _difference(new: Use, old: Use) -> Use:
    return Use(new.prbs - old.prbs, new.grants - old.grants)
