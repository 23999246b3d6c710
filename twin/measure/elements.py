"""What is measured, by name and row: enough to name the counters of a stored replication without building its world again."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from twin.measure.control_names import core_names, owned_names
from twin.measure.network import owner_names
from twin.world.signalling_tables import INTERFACES, TRIGGERS, Signalling
from twin.world.tables import POOL, World

#: row: of the table of its kind. owner: station of a cell, core of a procedure. label: kind of a core, trigger of a procedure.
COLUMNS = ["kind", "row", "name", "owner", "operator", "label", "uses_n4", "n_prb", "cost_per_packet_ns", "cost_per_byte_ps"]
_EMPTY: dict[str, Any] = {"row": 0, "n_prb": 0, "cost_per_packet_ns": 0, "cost_per_byte_ps": 0, "uses_n4": False, "owner": "",
                          "label": ""}


def element_rows(world: World) -> pd.DataFrame:
    """Cells, UPF pools, cores and procedures of a world."""
    parts = [_cells(world), _pools(world)]
    if world.signalling is not None:
        parts += [_cores(world, world.signalling), _procedures(world, world.signalling)]
    return pd.concat([_filled(part) for part in parts], ignore_index=True)[COLUMNS]


def _filled(part: pd.DataFrame) -> pd.DataFrame:
    """All columns, those that do not apply empty."""
    missing = {name: value for name, value in _EMPTY.items() if name not in part}
    return part.assign(**missing)[COLUMNS].astype({name: type(value) for name, value in _EMPTY.items()})


def _cells(world: World) -> pd.DataFrame:
    cells = world.cells
    station = world.stations["name"].to_numpy(object)[cells["station"].to_numpy()]
    n_prb = world.radios["n_prb"].to_numpy()[cells["radio"].to_numpy()]
    _, operator = owner_names(world, cells["park"].to_numpy(), cells["operator"].to_numpy())
    return pd.DataFrame({"kind": "cell", "row": np.arange(len(cells)), "name": cells["name"].to_numpy(object), "owner": station,
                         "operator": operator, "n_prb": n_prb})


def _pools(world: World) -> pd.DataFrame:
    row = np.flatnonzero(world.resources["kind"].to_numpy() == POOL)
    pools = world.resources.iloc[row]
    _, operator = owner_names(world, pools["park"].to_numpy(), pools["operator"].to_numpy())
    return pd.DataFrame({"kind": "pool", "row": row, "name": pools["name"].to_numpy(object), "operator": operator,
                         "cost_per_packet_ns": pools["cost_per_packet_ns"].to_numpy(),
                         "cost_per_byte_ps": pools["cost_per_byte_ps"].to_numpy()})


def _cores(world: World, tables: Signalling) -> pd.DataFrame:
    _, operator = owner_names(world, np.full(len(tables.cores), -1), tables.cores["operator"].to_numpy())
    return pd.DataFrame({"kind": "core", "row": np.arange(len(tables.cores)), "name": core_names(tables), "operator": operator,
                         "label": tables.cores["kind"].to_numpy(object)})


def _procedures(world: World, tables: Signalling) -> pd.DataFrame:
    table = tables.procedures
    core = table["core"].to_numpy(dtype=np.int64)
    _, operator = owner_names(world, np.full(len(table), -1), tables.cores["operator"].to_numpy()[core])
    on_n4 = tables.steps["procedure"][tables.steps["interface"] == INTERFACES.index("N4")]
    return pd.DataFrame({"kind": "procedure", "row": np.arange(len(table)), "name": owned_names(tables, table),
                         "owner": core_names(tables)[core], "operator": operator,
                         "label": np.array(TRIGGERS, dtype=object)[table["trigger"].to_numpy(dtype=np.int64)],
                         "uses_n4": np.isin(np.arange(len(table)), on_n4.to_numpy())})
