"""`World.signalling` from a scenario and what the world has laid out."""

from __future__ import annotations

import numpy as np
import pandas as pd

from twin.scenario.schema import Scenario
from twin.world.control.access import RachTable, isolated_cell, isolated_hashes
from twin.world.control.cells import build_cells
from twin.world.control.core_test import add_core_test, core_row, lone_cell, test_columns
from twin.world.control.cores import build_cores
from twin.world.control.devices import build_behaviours, device_columns
from twin.world.control.frames import frame
from twin.world.control.procedures import build_procedures, build_rates, procedure_index
from twin.world.control.storms import ScriptTables, add_access_test, add_storms
from twin.world.core import Core
from twin.world.radios import RadioTable
from twin.world.signalling_tables import Signalling


def build_signalling(scenario: Scenario, core: Core, radios: RadioTable, cells: pd.DataFrame, sites: pd.DataFrame,
                     devices: pd.DataFrame, warnings: list[str]) -> Signalling | None:
    """The control plane's tables; None when the scenario switches it off.

    Args:
        scenario: what the user wrote.
        core: finds nodes, ways and capacities of the network that has been laid out.
        radios: the radio configurations in use.
        cells: `World.cells`.
        sites: `World.sites`.
        devices: `World.devices`.
        warnings: the world's; what the control plane has to warn of joins them.
    """
    if not scenario.signalling.enabled:
        return None
    tables, rach = build_cores(scenario, core), RachTable(scenario)
    procedures, steps = build_procedures(scenario, tables)
    cell_rows = build_cells(core, cells, sites, radios, rach)
    behaviours = build_behaviours(scenario)
    columns, scripts = device_columns(scenario, devices, tables), ScriptTables()
    add_storms(scripts, scenario, devices, columns["core"], tables)
    warnings += scripts.warnings
    if scenario.random_access_test is not None:
        cell_rows.append(isolated_cell(rach, scenario.random_access_test.rach_profile))
        hashes = isolated_hashes(scenario.random_access_test.devices)
        add_access_test(scripts, scenario, len(devices) + np.arange(len(hashes)))
        columns = _joined(columns, _access_columns(hashes, len(cell_rows) - 1, len(scenario.device_classes)))
    if scenario.core_test is not None:
        row = core_row(scenario, tables)
        cell_rows.append(lone_cell(tables.cores[row], rach.row(next(iter(scenario.rach_profiles)))))
        test = test_columns(scenario, tables, len(cell_rows) - 1, len(behaviours) - 1)
        add_core_test(scripts, scenario, procedures, row, len(columns["device_hash"]) + np.arange(scenario.core_test.devices))
        columns = _joined(columns, test)
    first_function, n_functions = tables.index()
    return Signalling(
        cores=frame("cores", tables.cores), hosts=frame("hosts", tables.hosts), functions=frame("functions", tables.functions),
        procedures=frame("procedures", procedures), steps=frame("steps", steps),
        behaviours=frame("behaviours", behaviours), rates=frame("rates", build_rates(scenario, procedures)),
        rach=frame("rach", rach.rows), rach_detect_q32=rach.detection(), cells=frame("cells", cell_rows),
        devices=frame("devices", columns), scripts=frame("scripts", scripts.scripts),
        script_devices=frame("script_devices", scripts.device_columns()), first_function=first_function, n_functions=n_functions,
        procedure_of=procedure_index(procedures, len(tables.cores)))


def _access_columns(hashes: np.ndarray, cell: int, behaviour: int) -> dict[str, np.ndarray]:
    """The devices of a random access test: in the test's cell, without a core."""
    n = len(hashes)
    return {"device_hash": hashes, "cell": np.full(n, cell), "core": np.full(n, -1), "behaviour": np.full(n, behaviour),
            "mean_gap_ns": np.zeros(n, dtype=np.int64)}


def _joined(columns: dict[str, np.ndarray], test: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The devices of a test behind those of the world."""
    return {name: np.concatenate([values, test[name].astype(values.dtype)]) for name, values in columns.items()}
