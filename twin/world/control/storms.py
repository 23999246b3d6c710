"""Scripts: what storms and a random access test do to devices and functions, and when."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from twin.base.units import ms_to_ns, s_to_ns
from twin.scenario.schema import Scenario
from twin.scenario.signalling import Arrivals, Storm
from twin.scenario.signalling_entries import LEAST_S
from twin.world.control.access import TEST
from twin.world.control.cores import CoreTables
from twin.world.control.frames import FULL_Q32
from twin.world.signalling_tables import ROLES, SCRIPTS

IOT = ROLES.index("IOT")
_BLANK = {"target": -1, "down_ns": 0, "context_lost": False, "extra_ns": 0, "guti_valid_q32": 0, "spread_ns": 0, "alpha": 0.0,
          "beta": 0.0}  # fmt: skip


@dataclass
class ScriptTables:
    """Rows of scripts, the devices of each with the time from which on they come, and what to warn of."""

    scripts: list[dict[str, Any]] = field(default_factory=list)
    devices: list[tuple[int, np.ndarray, int]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def add(self, name: str, kind: str, t_ns: int, devices: np.ndarray | None = None, arrivals: Arrivals | None = None,
            **values: Any) -> None:
        """A script; of devices, at once or spread as `arrivals` says (drawn anew in every replication)."""
        row = len(self.scripts)
        spread: dict[str, Any] = {}
        if arrivals is not None:
            spread["spread_ns"] = s_to_ns(arrivals.spread_s)
            if arrivals.distribution == "beta":
                spread.update(alpha=arrivals.alpha, beta=arrivals.beta)
        self.scripts.append({**_BLANK, "name": name, "kind": SCRIPTS.index(kind), "t_ns": t_ns, **spread, **values})
        if devices is not None:
            self.devices.append((row, devices.astype(np.int64), t_ns))

    def device_columns(self) -> dict[str, np.ndarray]:
        """Columns of `script_devices`."""
        counts = [len(devices) for _, devices, _ in self.devices]
        script = np.repeat(np.array([row for row, _, _ in self.devices], dtype=np.int64), counts)
        empty = np.zeros(0, dtype=np.int64)
        return {"script": script, "device": np.concatenate([empty, *(d for _, d, _ in self.devices)]),
                "t_ns": np.repeat(np.array([t for _, _, t in self.devices], dtype=np.int64), counts)}


def add_storms(out: ScriptTables, scenario: Scenario, devices: pd.DataFrame, core: np.ndarray, tables: CoreTables) -> None:
    """Every storm of the scenario, in its order; a warning for one that happens to nobody. core: of each device."""
    for number, storm in enumerate(scenario.signalling.storms):
        name = storm.name or f"{storm.kind}-{number + 1}"
        if storm.kind in ("nf_restart", "core_failover"):
            before = len(out.scripts)
            _of_functions(out, name, storm, scenario, tables)
            hit, target = len(out.scripts) - before, "function of a core"
        else:
            rows = _chosen(storm, scenario, devices, core)
            _of_devices(out, name, storm, rows)
            hit, target = len(rows), "device that has a core"
        if not hit:
            out.warnings.append(f"signalling.storms.{number}: storm '{name}' happens to no {target}{_filters(storm)}")


def _filters(storm: Storm) -> str:
    """What the storm selects by, as a scenario writes it."""
    given = {key: getattr(storm, key) for key in ("parks", "operators", "device_classes", "nf", "core")}
    words = [f"{key}: {value if isinstance(value, str) else '[' + ', '.join(value) + ']'}"
             for key, value in given.items() if value]
    return f"; it selects {', '.join(words)}" if words else "; it selects all"


def _chosen(storm: Storm, scenario: Scenario, devices: pd.DataFrame, core: np.ndarray) -> np.ndarray:
    """Rows of the devices a storm happens to: those with a core, of the parks, operators and classes it names."""
    mask = core >= 0
    for names, known, column in ((storm.parks, scenario.parks, "park"), (storm.operators, scenario.operators, "operator"),
                                 (storm.device_classes, scenario.device_classes, "device_class")):
        if names:
            wanted = np.array([name in names for name in known])
            mask = mask & wanted[devices[column].to_numpy(np.int64)]
    return np.flatnonzero(mask)


def _spread(distribution: str, spread_s: float) -> Arrivals | None:
    if spread_s < LEAST_S:
        return None
    return Arrivals(distribution="beta" if distribution == "beta_3_4" else "uniform", spread_s=spread_s)


def _of_devices(out: ScriptTables, name: str, storm: Storm, rows: np.ndarray) -> None:
    at = s_to_ns(storm.at_s)
    if storm.kind == "power_cut":
        out.add(name, "power_off", at, rows)
    elif storm.kind == "fleet_wake":
        out.add(name, "wake", at, rows, _spread("uniform", storm.spread_s))
    else:
        cut = s_to_ns(storm.cut_at_s)
        out.add(name, "power_off", cut, rows)
        out.add(name, "boot", at, rows, _spread(storm.boot_distribution, storm.boot_spread_s),
                guti_valid_q32=round(storm.guti_valid_share * FULL_Q32))


def _of_functions(out: ScriptTables, name: str, storm: Storm, scenario: Scenario, tables: CoreTables) -> None:
    """Functions that go down (a failover spares the IoT platform, which is elsewhere); the core is then further away."""
    at, down, lost = s_to_ns(storm.at_s), s_to_ns(storm.down_s), storm.context_lost
    for (o, kind), core in tables.row_of.items():
        if list(scenario.operators)[o] not in (storm.operators or scenario.operators) or storm.core not in (None, kind):
            continue
        role_of = {row: function["role"] for row, function in enumerate(tables.functions) if function["core"] == core}
        rows = [row for row, role in role_of.items() if role != IOT]
        if storm.nf is not None:
            rows = [row for row, role in role_of.items() if role == ROLES.index(storm.nf.upper())]
            rows = rows if storm.instances == "all" else rows[:storm.instances]
        for row in rows:
            out.add(f"{name}/{tables.functions[row]['name']}", "function_down", at, target=row, down_ns=down, context_lost=lost)
        if storm.kind == "core_failover" and storm.extra_delay_ms > 0:
            further = ms_to_ns(storm.extra_delay_ms)
            out.add(f"{name}/{tables.cores[core]['name']}", "core_delay", at, target=core, extra_ns=further)


def add_access_test(out: ScriptTables, scenario: Scenario, rows: np.ndarray) -> None:
    """The devices of a random access test."""
    test = scenario.random_access_test
    if test is not None:
        out.add(TEST, "access", 0, rows, test.pattern)
