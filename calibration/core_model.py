"""The product's compiled engine with nothing but a core: `scenarios/core-open5gs.yaml` with given costs, CPUs and arrivals.

One station without radio, 0.02 ms without CPU between two processes, 0.1 ms for a device to answer. Times in milliseconds.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from twin.base import signal_columns as sc
from twin.engine.run import Engine
from twin.scenario import load
from twin.scenario.signalling_entries import CoreProfile
from twin.world.build import build_world
from twin.world.signalling_tables import GNB, OUTCOMES, ROLES, TRIGGERS, UE, Signalling
from twin.world.tables import Clock, World

SCENARIO = Path(__file__).parents[1] / "scenarios" / "core-open5gs.yaml"
PROFILE = "core_profiles.open5gs"
NS = 1e6  # a millisecond
START_NS = 1_000_000
PATIENCE_MS, SBI_TIMER_MS = 15e3, 10e3
#: CPU of the measured data base's stub a query, ms.
STUB_MS = 0.032


@dataclasses.dataclass(frozen=True)
class Core:
    """A core to be tested. wake_us, hop_us None: as in the profile. free_db: the data base has a computer of its own.

    db_us: CPU of a data base's query in all, us (waking included); speed: all costs times this.
    """

    cpus: int = 1
    scp: bool = False
    wake_us: float | None = None
    hop_us: float | None = None
    free_db: bool = False
    stub: bool = False
    patience_ms: float = PATIENCE_MS
    sbi_timer_ms: float = SBI_TIMER_MS
    speed: float = 1.0

    def overrides(self) -> list[str]:
        """Keys of the scenario."""
        out = {"host_cpus": self.cpus, "scp": str(self.scp).lower(), "patience_s": self.patience_ms / 1e3,
               "sbi_timer_s": self.sbi_timer_ms / 1e3}  # fmt: skip
        if self.wake_us is not None:
            out["wake_us"] = self.wake_us
        if self.hop_us is not None:
            out["sbi_us"] = self.hop_us
        return [f"{PROFILE}.{key}={value}" for key, value in out.items()]


def profile() -> CoreProfile:
    """The profile as shipped, with the scenario's settings."""
    return load(SCENARIO).core_profiles["open5gs"]


@lru_cache(maxsize=64)
def world_of(core: Core, devices: int = 1) -> World:
    """The scenario's world with so many devices; costs and data base as `core` says."""
    overrides = [*core.overrides(), f"core_test.devices={devices}"]
    world = build_world(load(SCENARIO, overrides))
    tables = world.signalling
    assert tables is not None
    return dataclasses.replace(world, signalling=_priced(tables, core))


def _priced(tables: Signalling, core: Core) -> Signalling:
    steps, functions, cores = tables.steps.copy(), tables.functions.copy(), tables.cores.copy()
    cores["n4_ns"] = cores["sbi_ns"]  # all on one computer
    db = ROLES.index("DB")
    for end, cost in (("receiver", "receive_ns"), ("sender", "send_ns")):
        at_function = ~steps[end].isin([UE, GNB])
        if core.stub:  # a query is two messages
            own = max(0.0, 1e6 * STUB_MS - functions["wake_ns"].iloc[0]) / 2.0
            steps.loc[steps[end] == db, cost] = round(own)
        if core.free_db:
            steps.loc[steps[end] == db, cost] = 0
        steps.loc[at_function, cost] = (steps.loc[at_function, cost] * core.speed).round().astype(np.int64)
    functions["wake_ns"] = (functions["wake_ns"] * core.speed).round().astype(np.int64)
    if core.free_db:
        functions.loc[functions["role"] == db, ["host", "workers", "wake_ns"]] = (-1, 1000, 0)
    return dataclasses.replace(tables, steps=steps, functions=functions, cores=cores)


@dataclasses.dataclass
class Outcome:
    """Of one run, by attempt in order of arrival. latency: ms at the gNB, nan if it failed. cpu: ms by function."""

    latency: np.ndarray
    outcome: list[str]  # in_progress or one of OUTCOMES
    cpu: dict[str, float]

    def served(self) -> tuple[int, float]:
        """How many succeeded, and the longest that took (ms)."""
        return int((~np.isnan(self.latency)).sum()), float(np.nanmax(self.latency, initial=0.0))

    def per_attempt(self) -> float:
        """CPU ms of the functions an attempt, without the data base."""
        return sum(ms for function, ms in self.cpu.items() if function != "DB") / len(self.latency)


def run(arrivals_ms: Sequence[float], procedure: str, core: Core, mark: str = "") -> Outcome:
    """Run procedures that start at the given times to the end. mark: a message to the device by which latency is taken."""
    times = np.sort(np.asarray(arrivals_ms, dtype=float))
    world = _starting(world_of(core, len(times)), times, procedure, mark)
    clock = Clock(round(NS * (times[-1] + core.patience_ms + 5e3)) if core.patience_ms < 1e6 else round(NS * (times[-1] + 120e3)),
                  epoch_ns=10**9, seed=1)
    engine = Engine(world, clock, capture=True)
    engine.advance(clock.horizon_ns)
    engine.measures()
    assert engine.control is not None and world.signalling is not None
    log = engine.control.log[: engine.control.log_size[0]]
    latency, outcome = np.full(len(times), np.nan), ["in_progress"] * len(times)
    first = int(world.signalling.script_devices["device"].iloc[0])
    own_ms = _answer_ms(world.signalling, procedure)
    for device, _, _, start, end, how, _ in log.tolist():
        outcome[device - first] = OUTCOMES[how]
        if how == sc.OUT_SUCCEEDED:
            latency[device - first] = (end - start) / NS - own_ms
    work = engine.state.control_functions[:, sc.FU_ACCEPTED_NS] / NS
    roles = [ROLES[role] for role in world.signalling.functions["role"]]
    return Outcome(latency, outcome, {role: ms for role, ms in zip(roles, work.tolist()) if ms > 0})


def row_of(tables: Signalling, procedure: str) -> int:
    """Row of a procedure."""
    return int(tables.procedures.index[tables.procedures["name"] == procedure][0])


def _answer_ms(tables: Signalling, procedure: str) -> float:
    """From the gNB's receipt of the core's last message to when the device has processed what follows."""
    steps = tables.steps[tables.steps["procedure"] == row_of(tables, procedure)].reset_index(drop=True)
    at = int(steps.index[steps["success"]][0])
    total = 0
    while steps["sender"].iloc[at] in (UE, GNB):
        total += int(steps["receive_ns"].iloc[at])
        at = int(steps["after"].iloc[at])
    return total / NS


def _starting(world: World, times_ms: np.ndarray, procedure: str, mark: str) -> World:
    tables = world.signalling
    assert tables is not None
    devices, procedures, steps = tables.script_devices.copy(), tables.procedures.copy(), tables.steps
    devices["t_ns"] = START_NS + np.round(times_ms * NS).astype(np.int64)
    row, scripts = row_of(tables, procedure), tables.scripts.copy()
    scripts["target"] = row  # at_once: the times are those of `script_devices`
    procedures.loc[row, "trigger"] = TRIGGERS.index("other")  # of paging nothing follows either
    if mark:
        mine = steps["procedure"] == row
        found = steps.index[mine & (steps["receiver"] == UE) & steps["message"].str.contains(mark, regex=False)][0]
        steps = steps.copy()
        steps.loc[mine, "success"] = False
        steps.loc[found, "success"] = True
    changed = dataclasses.replace(tables, script_devices=devices, scripts=scripts, procedures=procedures, steps=steps)
    return dataclasses.replace(world, signalling=changed)
