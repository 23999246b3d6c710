"""KPIs of licences: what is used of each, the blocks that takes, and how far these reach."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from twin.measure.control import GAUGES, ControlMeasures
from twin.measure.control_names import background_share, core_names, of_core
from twin.measure.measures import Measures
from twin.measure.network import PCT
from twin.measure.scopes import Rows, ratio, rows
from twin.world.signalling_tables import Signalling
from twin.world.tables import POOL, World

#: Kinds of licences and their units; `cores` has a `<kind>_block` and a `<kind>_limit` of each, nan where there is none.
LICENCES = {"registered_devices": "devices", "sessions": "sessions", "procedures_per_s": "1/s", "gbit_per_s": "Gbit/s"}


def licence_kpis(measures: Measures, world: World) -> Iterator[Rows]:
    """Of every core and kind of licence that its table names: own, use, used_pct, blocks, next_block, block, limit.

    own: what the simulation uses, the most devices and sessions at once, the mean of procedures and of Gbit/s. It is an increment
    on what the rest of the region uses, which is taken to be the same share of the licence as of the functions
    (background_share); without a known limit there is no such figure, and use is own. blocks: the blocks of which use has begun;
    next_block: the use from which one more is needed.
    """
    control, tables = measures.control, world.signalling
    if control is None or tables is None:
        return
    names, own = core_names(tables), _own(measures, control, tables, world)
    background = _background(tables)
    for kind, unit in LICENCES.items():
        if f"{kind}_block" not in tables.cores:
            continue
        block, limit = (tables.cores[f"{kind}_{what}"].to_numpy(dtype=float) for what in ("block", "limit"))
        use = np.where(np.isnan(block), np.nan, own[kind] + background * np.nan_to_num(limit))
        blocks = np.ceil(ratio(use, block) - 1e-9)
        yield rows(f"licence_{kind}_own", "core", names, np.where(np.isnan(block), np.nan, own[kind]), unit)
        yield rows(f"licence_{kind}_use", "core", names, use, unit)
        yield rows(f"licence_{kind}_used_pct", "core", names, 100.0 * ratio(use, limit), PCT)
        yield rows(f"licence_{kind}_blocks", "core", names, blocks, "blocks")
        yield rows(f"licence_{kind}_next_block", "core", names, blocks * block, unit)
        yield rows(f"licence_{kind}_block", "core", names, block, unit)
        yield rows(f"licence_{kind}_limit", "core", names, limit, unit)


def _own(measures: Measures, control: ControlMeasures, tables: Signalling, world: World) -> dict[str, np.ndarray]:
    """What the simulation uses, by core.

    Gbit/s are those of all UPFs of the operator, both ways: its 5GC and its EPC share them (UPF and PGW-U in one).
    """
    started = of_core(tables.procedures["core"].to_numpy(dtype=np.int64), control.procedure_counts[:, 0], len(tables.cores))
    owner = world.resources["operator"].to_numpy()
    pool = (world.resources["kind"].to_numpy() == POOL) & (owner >= 0)
    carried = np.bincount(owner[pool], weights=measures.bytes[pool], minlength=len(world.operators))
    operator = tables.cores["operator"].to_numpy(dtype=np.int64)
    return {"registered_devices": control.gauges_max[:, GAUGES.index("registered")].astype(float),
            "sessions": control.gauges_max[:, GAUGES.index("sessions")].astype(float),
            "procedures_per_s": started * (1e9 / measures.measured_ns),
            "gbit_per_s": carried[operator] * (8.0 / measures.measured_ns)}


def _background(tables: Signalling) -> np.ndarray:
    """Share of each core that the rest of the region uses: the largest of its functions."""
    out = np.zeros(len(tables.cores))
    np.maximum.at(out, tables.functions["core"].to_numpy(dtype=np.int64), background_share(tables))
    return out
