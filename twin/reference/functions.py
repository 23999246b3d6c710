"""Cores and their network functions: who takes a message, and who refuses it (docs/signalling.md, sections 1, 4 and 5)."""

from __future__ import annotations

from typing import Any

import numpy as np
import simpy

from twin.base.draws import NF_SERVICE
from twin.reference.hosts import Host, Job, OwnWorkers, Serving
from twin.reference.randomness import Draws, mix
from twin.reference.tables import rows_of
from twin.world.signalling_tables import ROLES, Signalling

MOBILITY = (ROLES.index("AMF"), ROLES.index("MME"))  # roles that admit devices and keep their contexts


class Function:
    """One instance of a network function. `backlog` holds what waits and is served."""

    def __init__(self, env: simpy.Environment, number: int, row: Any, serving: Serving, draws: Draws) -> None:
        self._env, self._draws, self._serving = env, draws, serving
        self.number, self.row = number, row
        self.backlog: list[Any] = []
        self._down_until = 0
        self.accepted = 0
        self.demand_ns = 0  # of all it accepted

    @property
    def up(self) -> bool:
        """Does it take anything?"""
        return int(self._env.now) >= self._down_until

    @property
    def full(self) -> bool:
        """No room for one more."""
        return len(self.backlog) >= self.row.backlog_limit

    def reaches(self, threshold: int) -> bool:
        """Is there a threshold (0: none), and is the backlog at it?"""
        return 0 < threshold <= len(self.backlog)

    def message_ns(self, procedure_hash: int, step: int, base: int) -> int:
        """Work of a message whose costs are `base`: drawn or not, and more for a function that sleeps."""
        base = max(1, base)
        if self.row.service_kind == "exponential":
            base = self._draws.exponential_ns(base, procedure_hash, NF_SERVICE, step)
        return base + (0 if self.backlog else int(self.row.wake_ns))

    def accept(self, errand: Any, demand: int) -> None:
        """Something to do; `errand.served()` is called at its end, or `errand.lost("nf_down")`."""
        self.accepted += 1
        self.demand_ns += demand
        job = Job(errand.entity_hash, errand.step.index, demand, lambda: self._ended(errand))
        errand.job = job
        self.backlog.append(errand)
        self._serving.take(self.number, job)

    def _ended(self, errand: Any) -> None:
        self.backlog.remove(errand)
        errand.served()

    def go_down(self, until: int) -> None:
        """It loses all it has, and takes nothing for some time."""
        self._down_until = max(self._down_until, until)
        gone, self.backlog = self.backlog, []
        self._serving.drop(self.number)
        for errand in gone:
            errand.job.dropped = True
            errand.lost("nf_down")


class Core:
    """One operator's core: its functions by role, and whether it is overloaded."""

    def __init__(self, env: simpy.Environment, number: int, row: Any, functions: dict[int, list[Function]]) -> None:
        self._env = env
        self.number, self.row = number, row
        self._functions = functions
        self._overloaded_until = 0
        self.extra_ns = 0  # on the way between cells and core

    def home(self, role: int, device_hash: int) -> Function | None:
        """The instance that serves a device."""
        instances = self._functions.get(role, [])
        return instances[mix(device_hash) % len(instances)] if instances else None

    def taking(self, role: int, device_hash: int) -> Function | None:
        """The instance that takes a device's message now: its home, or the next one that is up."""
        instances = self._functions.get(role, [])
        first = mix(device_hash) % len(instances) if instances else 0
        return next((item for item in instances[first:] + instances[:first] if item.up), None)

    @property
    def overloaded(self) -> bool:
        """Does it ask its cells to turn devices away?"""
        return int(self._env.now) < self._overloaded_until

    def overload(self) -> None:
        """It asks for it from now on, for some time."""
        self._overloaded_until = int(self._env.now) + int(self.row.overload_hold_ns)


def build_cores(env: simpy.Environment, signalling: Signalling, draws: Draws) -> tuple[list[Core], list[Function]]:
    """All cores and functions of the control plane."""
    hosts = [Host(env, row) for row in rows_of(signalling.hosts)]
    functions = []
    for number, row in enumerate(rows_of(signalling.functions)):
        serving: Serving = hosts[int(row.host)] if row.host >= 0 else OwnWorkers(env, int(row.workers))
        functions.append(Function(env, number, row, serving, draws))
    cores = []
    for number, row in enumerate(rows_of(signalling.cores)):
        by_role = _by_role(functions, signalling.first_function[number], signalling.n_functions[number])
        cores.append(Core(env, number, row, by_role))
    return cores, functions


def _by_role(functions: list[Function], first: np.ndarray, counts: np.ndarray) -> dict[int, list[Function]]:
    return {role: functions[first[role]:first[role] + counts[role]] for role in range(len(ROLES)) if counts[role] > 0}
