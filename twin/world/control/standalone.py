"""Which devices are on the 5G core: drawn for each from its operator's share."""

from __future__ import annotations

import numpy as np

from twin.scenario.schema import Scenario
from twin.world.control.frames import D_CORE, unit_draws
from twin.world.frames import is_standalone


def on_5gc(scenario: Scenario, hashes: np.ndarray, operator: np.ndarray) -> np.ndarray:
    """bool a device: its operator is standalone on the day of the plan, and it can use the 5G core."""
    shares = np.array([entry.sa_capable_share if is_standalone(entry, scenario.plan.date) else 0.0
                       for entry in scenario.operators.values()])
    return np.asarray(unit_draws(hashes, D_CORE) < shares[operator])


def core_counts(scenario: Scenario, hashes: np.ndarray, operator: np.ndarray) -> dict[str, float]:
    """Single 5G devices of each operator on the 5G core and on the EPC (the LTE anchor's core)."""
    modern = on_5gc(scenario, hashes, operator)
    out: dict[str, float] = {}
    for o, name in enumerate(scenario.operators):
        mine = operator == o
        out[f"devices_5gc/{name}"], out[f"devices_epc/{name}"] = float((mine & modern).sum()), float((mine & ~modern).sum())
    return out
