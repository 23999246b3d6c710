"""Workers' phones: an aggregate source of background load a cell and operator it serves, scaled with the workers behind it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from twin.base.names import name_hash
from twin.scenario.schema import Scenario
from twin.world.layout import Outline

#: Workers of a cell for which the library states an aggregate's traffic.
LIBRARY_WORKERS_PER_CELL = 220.0
Key = tuple[int, int, int]  # park, operator of the phones, operator of the cells
REACH_SHARE = 0.3  # of the spacing of stations: where on its boresight a cell's aggregate is taken to stand


@dataclass(frozen=True)
class PhoneKind:
    """Phones of a class, park and operator, on cells of `host`. rate_factor: workers of a cell over the library's."""

    device_class: int
    label: str
    park: int
    operator: int
    host: int
    rate_factor: float


@dataclass(frozen=True)
class Phones:
    """One row a cell, class and operator it serves. kind: row of `kinds`. cell: what it loads. host: its operator."""

    device_hash: npt.NDArray[np.uint64]
    park: npt.NDArray[np.int32]
    operator: npt.NDArray[np.int32]
    host: npt.NDArray[np.int32]
    device_class: npt.NDArray[np.int32]
    kind: npt.NDArray[np.int64]
    cell: npt.NDArray[np.int32]
    x_m: npt.NDArray[np.float64]
    y_m: npt.NDArray[np.float64]
    kinds: list[PhoneKind]


def workers_per_cell(scenario: Scenario, cells: pd.DataFrame, serving: Mapping[tuple[int, int], int]) -> dict[Key, float]:
    """Workers behind a cell, by (park, operator, operator of the cells): by the device shares of the operators that are served
    in the park, evenly over the cells that serve them. `serving`: host by (park, operator)."""
    shares = [o.device_share for o in scenario.operators.values()]
    present, counts = np.unique(np.stack([cells["park"].to_numpy(), cells["operator"].to_numpy()], axis=1), axis=0,
                                return_counts=True)
    n_cells = {(int(p), int(o)): int(n) for (p, o), n in zip(present, counts)}
    out: dict[Key, float] = {}
    for p, park in enumerate(scenario.parks.values()):
        hosts = {o: serving[p, o] for o in range(len(shares)) if (p, serving.get((p, o), -1)) in n_cells}
        total = sum(shares[o] for o in hosts)
        for o, host in hosts.items():
            out[p, o, host] = park.workers * (shares[o] / total if total > 0 else 1.0 / len(hosts)) / n_cells[p, host]
    return out


def _kinds(scenario: Scenario, classes: list[int], workers: Mapping[Key, float]) -> list[PhoneKind]:
    """Every class of aggregates in every park, for every operator whose phones are there."""
    parks, operators = list(scenario.parks), list(scenario.operators)
    return [PhoneKind(row, f"{parks[p]}/{operators[o]}", p, o, host, n / LIBRARY_WORKERS_PER_CELL)
            for row in classes for (p, o, host), n in workers.items() if n > 0]


def _name(cell: str, kind: PhoneKind, class_name: str, operators: list[str]) -> str:
    guest = "" if kind.operator == kind.host else f"/{operators[kind.operator]}"
    return f"{cell}{guest}/{class_name}-1"


def place_phones(scenario: Scenario, cells: pd.DataFrame, sites: pd.DataFrame, outlines: Mapping[str, Outline],
                 serving: Mapping[tuple[int, int], int]) -> Phones:
    """Aggregates of all public cells, one for each operator they serve; none when the scenario switches them off."""
    names, operators = list(scenario.device_classes), list(scenario.operators)
    classes = [i for i, c in enumerate(scenario.device_classes.values()) if c.aggregate_per_cell and c.traffic]
    public = cells[~cells["private"]]
    if not scenario.devices.worker_phones or public.empty:
        classes, public = [], public.iloc[:0]
    kinds = _kinds(scenario, classes, workers_per_cell(scenario, public, serving)) if classes else []
    cell, kind, hashes = [], [], []
    for k, kind_row in enumerate(kinds):
        own = public[(public["park"] == kind_row.park) & (public["operator"] == kind_row.host)]
        cell += own.index.to_list()
        kind += [k] * len(own)
        hashes += [name_hash(_name(name, kind_row, names[kind_row.device_class], operators)) for name in own["name"]]
    at = cells.iloc[np.array(cell, dtype=np.int64)]
    x, y = _positions(at, sites, public, list(outlines.values()))
    return Phones(np.array(hashes, dtype=np.uint64), at["park"].to_numpy(dtype=np.int32),
                  np.array([kinds[k].operator for k in kind], dtype=np.int32), at["operator"].to_numpy(dtype=np.int32),
                  np.array([kinds[k].device_class for k in kind], dtype=np.int32), np.array(kind, dtype=np.int64),
                  np.array(cell, dtype=np.int32), x, y, kinds)


def _positions(at: pd.DataFrame, sites: pd.DataFrame, public: pd.DataFrame,
               outlines: list[Outline]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Where the aggregates of the cells `at` stand (m): on the boresight, a share of the stations' spacing away."""
    stations = public.groupby(["park", "operator"])["station"].nunique()
    keys = zip(at["park"].to_list(), at["operator"].to_list())
    reach = np.array([REACH_SHARE * math.sqrt(outlines[p].width * outlines[p].depth / int(stations[p, o])) for p, o in keys])
    azimuth, site = np.radians(at["azimuth_deg"].to_numpy()), sites.iloc[at["site"].to_numpy()]
    return site["x_m"].to_numpy() + reach * np.sin(azimuth), site["y_m"].to_numpy() + reach * np.cos(azimuth)
