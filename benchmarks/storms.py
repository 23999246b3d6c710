"""Storms on made worlds: all devices lose their power and register again, with cores and call flows of the product."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from benchmarks.worlds import S, many_devices, scenario_world
from twin.base.names import name_hash
from twin.world.signalling_tables import SCRIPTS, Signalling
from twin.world.tables import World

HOUR = 3600 * S


def _repeated(table: pd.DataFrame, rows: int) -> pd.DataFrame:
    """The first row of a table, so many times."""
    return table.iloc[np.zeros(rows, np.int64)].reset_index(drop=True)


def _cells(signalling: Signalling, n: int) -> pd.DataFrame:
    cells = _repeated(signalling.cells, n)
    cells["name"] = [f"cells-{i}" for i in range(n)]
    cells["cell_hash"] = np.array([name_hash(name) for name in cells["name"]], np.uint64)
    return cells.assign(radio=0)


def _scripts(signalling: Signalling, n_devices: int, spread_s: float) -> dict[str, pd.DataFrame]:
    """Power goes at 0 and comes back to each device at a time of its own; no device has a valid GUTI: the longest way."""
    scripts = _repeated(signalling.scripts, 2).assign(
        kind=[SCRIPTS.index("power_off"), SCRIPTS.index("boot")], target=-1, t_ns=0, guti_valid_q32=0,
        spread_ns=np.array([0, spread_s * S], np.int64), alpha=0.0, beta=0.0)
    device = np.tile(np.arange(n_devices, dtype=np.int32), 2)
    rows = pd.DataFrame({"script": np.repeat(np.array([0, 1], np.int32), n_devices), "device": device,
                         "t_ns": np.zeros(2 * n_devices, np.int64)})
    return {"scripts": scripts, "script_devices": rows}


def storm(n_devices: int, spread_s: float, profile: str, *overrides: str) -> World:
    """`n_devices` meters, 100 a cell, that register within `spread_s` at one 5G core of a profile; they send once an hour."""
    world = many_devices(n_devices, period_ns=HOUR)
    found = scenario_world("power-restore-storm", f"core={profile}", *overrides).signalling
    assert found is not None
    behaviour = int(found.behaviours.index[found.behaviours["name"] == "meter"][0])
    devices = pd.DataFrame({"device_hash": world.devices["device_hash"].to_numpy(np.uint64),
                            "cell": world.devices["cell"].to_numpy(np.int32), "core": np.int32(0),
                            "behaviour": np.int32(behaviour), "mean_gap_ns": np.int64(HOUR)})
    signalling = replace(found, cells=_cells(found, len(world.cells)), devices=devices, **_scripts(found, n_devices, spread_s))
    return replace(world, signalling=signalling)
