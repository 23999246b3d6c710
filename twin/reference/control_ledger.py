"""What became of every procedure, access and message (docs/signalling.md, sections 3, 5 and 9)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from twin.world.signalling_tables import ACCESS_OUTCOMES, INTERFACES, OUTCOMES

GOING_ON = -1  # the outcome of what had no end before the horizon
SENT, RECEIVED, LOST, BYTES = range(4)  # columns of the counts of messages
#: Columns of the counts of random access, by cell. Preambles in occasions but for `preambles` and `preambles_collided`.
ACCESS_COUNTS = ("occasions", "opportunities", "preambles", "single", "collided", "preambles_collided", "detected", "answered",
                 "message_failures", "begun", "succeeded", "failed")


@dataclass
class Record:
    """Something a device began, its serial among those of its kind, and its end if it had one."""

    device: Any
    serial: int
    t_start: int
    t_end: int = -1
    outcome: str = ""  # "" while it goes on

    @property
    def going_on(self) -> bool:
        """No end yet."""
        return self.outcome == ""

    def end(self, now: int, outcome: str) -> None:
        """It ends now."""
        self.t_end, self.outcome = now, outcome

    def row(self, outcomes: tuple[str, ...]) -> tuple[int, int, int, int, int]:
        """(device, serial, start, end, index of the outcome)."""
        outcome = outcomes.index(self.outcome) if self.outcome else GOING_ON
        return self.device.number, self.serial, self.t_start, self.t_end, outcome


@dataclass
class ControlLedger:
    """Collects what begins; ends are noted in the records themselves. `messages`: (cores, interfaces, 4)."""

    messages: np.ndarray
    procedures: list[Any] = field(default_factory=list)
    accesses: list[Any] = field(default_factory=list)

    @classmethod
    def of_cores(cls, n: int) -> ControlLedger:
        """An empty ledger."""
        return cls(np.zeros((n, len(INTERFACES), 4), np.int64))

    def count(self, core: int, interface: int, column: int, n: int = 1) -> None:
        """Something happened to a message."""
        self.messages[core, interface, column] += n

    def procedures_frame(self) -> pd.DataFrame:
        """A row a procedure, by device and serial; t_end and outcome -1 when it goes on."""
        rows = [(*item.row(OUTCOMES), item.procedure.number) for item in self.procedures]
        table = pd.DataFrame(rows, columns=["device", "serial", "t_start", "t_end", "outcome", "procedure"]).astype("int64")
        return table[["device", "serial", "procedure", "t_start", "t_end", "outcome"]].sort_values(
            ["device", "serial"], ignore_index=True)

    def accesses_frame(self) -> pd.DataFrame:
        """A row an access, by device and serial; t_end and outcome -1 when it goes on. transmissions: preambles sent."""
        rows = [(*item.row(ACCESS_OUTCOMES), item.cell, item.transmissions) for item in self.accesses]
        table = pd.DataFrame(rows, columns=["device", "serial", "t_begin", "t_end", "outcome", "cell", "transmissions"])
        return table.astype("int64")[["device", "serial", "cell", "t_begin", "t_end", "transmissions", "outcome"]].sort_values(
            ["device", "serial"], ignore_index=True)
