"""A core test: devices of a station without radio next to a core, each of which runs one procedure."""

from __future__ import annotations

from typing import Any

import numpy as np

from twin.base.names import name_hash, numbered_hashes
from twin.base.units import s_to_ns
from twin.scenario.schema import Scenario
from twin.scenario.signalling import Arrivals
from twin.world.control.cores import CoreTables
from twin.world.control.storms import ScriptTables

NAME = "core-test"


def core_row(scenario: Scenario, tables: CoreTables) -> int:
    """Row of the core that is tested; validation has seen that it is there."""
    test = scenario.core_test
    assert test is not None
    return tables.row_of[list(scenario.operators).index(test.operator), test.core]


def lone_cell(core: dict[str, Any], rach: int) -> dict[str, Any]:
    """A station without radio, as far from the functions as they are from one another."""
    return {"name": NAME, "cell_hash": name_hash(NAME), "rach": rach, "radio": -1, "n2_ns": max(1, core["sbi_ns"]),
            "n2_ps_per_byte": 0, "xn_ns": 1, "srb_block_bytes": 1, "srb_prb": 1}


def still_behaviour() -> dict[str, Any]:
    """Devices that do nothing by themselves."""
    return {"name": NAME, "inactivity_ns": s_to_ns(1e7), "rrc_inactive_ns": 0, "periodic_ns": 0, "drx_ns": 1, "active_ns": -1,
            "sessions": 0, "hold_limit": 1}


def test_columns(scenario: Scenario, tables: CoreTables, cell: int, behaviour: int) -> dict[str, np.ndarray]:
    """Rows of `devices`: ``core-test/device-1``, …"""
    test = scenario.core_test
    assert test is not None
    n = test.devices
    return {"device_hash": numbered_hashes(f"{NAME}/device", np.arange(1, n + 1)), "cell": np.full(n, cell),
            "core": np.full(n, core_row(scenario, tables)), "behaviour": np.full(n, behaviour),
            "mean_gap_ns": np.zeros(n, dtype=np.int64)}


def add_core_test(out: ScriptTables, scenario: Scenario, procedures: list[dict[str, Any]], core: int, rows: np.ndarray) -> None:
    """The procedures of the devices: all at once, or at a rate (so many at random times within the time they take in all)."""
    test = scenario.core_test
    assert test is not None
    target = next(i for i, p in enumerate(procedures) if p["core"] == core and p["name"] == test.procedure)
    arrivals = None
    if test.rate_per_s != "at_once":
        arrivals = Arrivals(distribution="uniform", spread_s=test.devices / test.rate_per_s)
    out.add(NAME, "procedure", s_to_ns(test.at_s), rows, arrivals, target=target)
