"""Devices of the control plane: their core, their behaviour, how far apart their bursts are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from twin.base.units import NS_PER_S, s_to_ns
from twin.scenario.population import messages_per_s
from twin.scenario.schema import Scenario
from twin.scenario.signalling import DEFAULT_BEHAVIOUR
from twin.scenario.signalling_entries import SignallingBehaviour
from twin.world.control.access import TEST
from twin.world.control.core_test import still_behaviour
from twin.world.control.cores import CoreTables
from twin.world.control.standalone import on_5gc

HOUR_S = 3600


def build_behaviours(scenario: Scenario) -> list[dict[str, Any]]:
    """A row a device class, in the scenario's order; then those of the devices of tests."""
    rows = [_behaviour(name, scenario.behaviour_of(name), scenario.signalling.inactivity_s) for name in scenario.device_classes]
    if scenario.random_access_test is not None:
        rows.append(_behaviour(TEST, scenario.signalling_behaviours[DEFAULT_BEHAVIOUR], None))
    if scenario.core_test is not None:
        rows.append(still_behaviour())
    return rows


def _behaviour(name: str, entry: SignallingBehaviour, inactivity_s: float | None) -> dict[str, Any]:
    return {"name": name, "inactivity_ns": s_to_ns(inactivity_s or entry.inactivity_s),
            "rrc_inactive_ns": s_to_ns(entry.rrc_inactive_s or 0.0), "periodic_ns": s_to_ns(entry.periodic_registration_s or 0.0),
            "drx_ns": s_to_ns(entry.edrx_s or entry.drx_s), "sessions": entry.sessions, "hold_limit": entry.hold_limit,
            "active_ns": -1 if entry.psm_active_s is None else s_to_ns(entry.psm_active_s)}


def class_gaps_ns(scenario: Scenario) -> np.ndarray:
    """Mean time between bursts of a device of each class (int64), in the hour the run starts; 0: it has none."""
    hour = scenario.simulation.start_of_day_s // HOUR_S
    rates = [sum(messages_per_s(item) * scenario.activity_profiles[item.profile].share_by_hour[hour]
                 for item in entry.traffic.values()) for entry in scenario.device_classes.values()]
    return np.array([round(NS_PER_S / rate) if rate > 0 else 0 for rate in rates], dtype=np.int64)


def device_columns(scenario: Scenario, devices: pd.DataFrame, tables: CoreTables) -> dict[str, np.ndarray]:
    """Columns for every device of the world. Without a core: what has no coverage, and the phones of a cell."""
    hashes = devices["device_hash"].to_numpy(np.uint64)
    operator, cell = devices["operator"].to_numpy(np.int64), devices["cell"].to_numpy(np.int64)
    kind = devices["device_class"].to_numpy(np.int64)
    of = np.array([[tables.row_of.get((o, which), -1) for which in ("epc", "5gc")] for o in range(len(scenario.operators))],
                  dtype=np.int64).reshape(-1, 2)  # type: ignore[arg-type]
    core = of[operator, on_5gc(scenario, hashes, operator).astype(np.int64)]
    single = ~devices["is_aggregate"].to_numpy(bool)
    return {"device_hash": hashes, "cell": cell, "core": np.where(single & (cell >= 0), core, -1), "behaviour": kind,
            "mean_gap_ns": np.where(single, class_gaps_ns(scenario)[kind] if len(kind) else 0, 0)}
