"""The control plane as a whole: which device may send, and what it cost (docs/signalling.md)."""

from __future__ import annotations

from typing import Any

import numpy as np
import simpy

from twin.reference.air import Air
from twin.reference.control_ledger import ControlLedger
from twin.reference.devices import Bearer, Device
from twin.reference.functions import build_cores
from twin.reference.ledger import Ledger
from twin.reference.procedures import Procedures
from twin.reference.random_access import RandomAccess
from twin.reference.randomness import Draws
from twin.reference.scripts import Scripts, run_rate
from twin.reference.tables import rows_of
from twin.world.signalling_start import CONNECTED, start_states
from twin.world.signalling_tables import Signalling
from twin.world.tables import World


class ControlPlane:
    """All devices, cells and cores of a world's signalling."""

    def __init__(self, env: simpy.Environment, world: World, signalling: Signalling, draws: Draws, bursts: Ledger) -> None:
        self.env, self.draws, self.bursts = env, draws, bursts
        self._signalling = signalling
        self.cores, self.functions = build_cores(env, signalling, draws)
        self.ledger = ControlLedger.of_cores(len(self.cores))
        cells, radios = rows_of(signalling.cells), rows_of(world.radios)
        rachs = rows_of(signalling.rach)
        self.random_access = [RandomAccess(env, i, cell, rachs[cell.rach], signalling.rach_detect_q32[cell.rach], draws,
                                           self.ledger)
                              for i, cell in enumerate(cells)]
        self.airs = [Air(cell, radios[cell.radio]) if cell.radio >= 0 else None for cell in cells]
        self.procedures = Procedures(env, signalling, self.cores, self.airs, draws, self.ledger)
        self.devices = self._build_devices()
        Scripts(env, signalling, self.devices, self.functions, self.cores, draws)
        self._start_rates()

    def _build_devices(self) -> list[Bearer]:
        behaviours = rows_of(self._signalling.behaviours)
        start = start_states(self._signalling, self.draws.key)
        devices: list[Bearer] = []
        for i, row in enumerate(rows_of(self._signalling.devices)):
            access = self.random_access[row.cell] if row.cell >= 0 else None
            if row.core < 0:
                devices.append(Bearer(self, i, row, access))
                continue
            device = Device(self, i, row, access, self.cores[row.core], behaviours[row.behaviour])
            device.stand(int(start.state[i]), int(start.last_ns[i]), int(start.periodic_at_ns[i]), int(start.asleep_from_ns[i]))
            devices.append(device)
        return devices

    def _start_rates(self) -> None:
        kinds = self._signalling.devices["behaviour"].tolist()
        for number, rate in enumerate(rows_of(self._signalling.rates)):
            for device, kind in zip(self.devices, kinds):
                if isinstance(device, Device) and kind == rate.behaviour:
                    procedure = self.procedures.of_name(device.core.number, rate.procedure_name)
                    if procedure:
                        self.env.process(run_rate(self.env, device, number, int(rate.mean_ns), procedure, self.procedures,
                                                  self.draws))

    def gate(self, device: int) -> Device | None:
        """The device that bursts of a row of `World.devices` must be offered to; None: they pass."""
        found = self.devices[device]
        return found if isinstance(found, Device) else None

    def gauges(self) -> np.ndarray:
        """Of each core: devices registered, devices connected, sessions."""
        gauges = np.zeros((len(self.cores), 3), np.int64)
        for device in self.devices:
            if isinstance(device, Device):
                gauges[device.core.number] += (device.registered, device.state == CONNECTED, device.sessions)
        return gauges

    def results(self, horizon_ns: int) -> dict[str, Any]:
        """What `Result` says of the control plane."""
        airs = [air.prbs if air else [0, 0] for air in self.airs]
        return {
            "procedures": self.ledger.procedures_frame(), "accesses": self.ledger.accesses_frame(),
            "function_busy_ns": np.array([item.demand_ns for item in self.functions], dtype=np.int64),
            "function_messages": np.array([item.accepted for item in self.functions], dtype=np.int64),
            "message_counts": self.ledger.messages, "gauges": self.gauges(),
            "access_counts": np.array([item.totals(horizon_ns) for item in self.random_access], dtype=np.int64),
            "prb_signalling": np.array(airs, dtype=np.int64).reshape(-1, 2),
        }
