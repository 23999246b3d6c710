"""From the cell table to what coupling needs: layers of candidate cells, and every device's serving cell."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from twin.base.link_adaptation import adaptation_tables
from twin.base.names import name_hash
from twin.base.propagation import INF_SL, validity_warnings
from twin.world.coverage import MIN_URBAN_DISTANCE_M, MIN_URBAN_UT_HEIGHT_M, Coupling, Layer, couple, drop_uncovered
from twin.world.radios import CLUTTER, MODELS, RadioTable


@dataclass(frozen=True)
class Receivers:
    """What coupling needs of each device. cell_operator: whose cells serve it (-1: nobody's). private: on private cells."""

    device_hash: npt.NDArray[np.uint64]
    park: npt.NDArray[np.int32]
    cell_operator: npt.NDArray[np.int32]
    private: npt.NDArray[np.bool_]
    x_m: npt.NDArray[np.float64]
    y_m: npt.NDArray[np.float64]
    height_m: npt.NDArray[np.float64]
    indoor: npt.NDArray[np.bool_]
    high_loss: npt.NDArray[np.bool_]
    depth_m: npt.NDArray[np.float64]


def layer_of(cells: pd.DataFrame, rows: np.ndarray, sites: pd.DataFrame, stations: pd.DataFrame, radios: RadioTable) -> Layer:
    """Layer of the cells in `rows` (in the order of their stations)."""
    part = cells.iloc[rows]
    station, first = np.unique(part["station"].to_numpy(), return_index=True)
    at = sites.iloc[stations["site"].to_numpy()[station]]
    radio = part["radio"].to_numpy()
    of_station = radio[first]
    used = radios.used
    return Layer(
        x_m=at["x_m"].to_numpy(dtype=np.float64).copy(), y_m=at["y_m"].to_numpy(dtype=np.float64).copy(),
        height_m=at["height_m"].to_numpy(dtype=np.float64).copy(),
        station_hash=np.array([name_hash(n) for n in stations["name"].to_numpy()[station]], dtype=np.uint64),
        model=np.array([MODELS[used[r].path_loss_model] for r in of_station], dtype=np.int64),
        f_ghz=radios.column("carrier_mhz")[of_station] / 1000.0,
        clutter=np.array([CLUTTER[used[r].path_loss_model] for r in of_station], dtype=np.float64).reshape(-1, 3),
        cell_start=np.append(first, len(part)).astype(np.int64), cell=rows.astype(np.int32),
        azimuth_deg=part["azimuth_deg"].to_numpy(dtype=np.float64).copy(),
        tilt_deg=part["tilt_deg"].to_numpy(dtype=np.float64).copy(), antenna_gain_dbi=radios.column("antenna_gain_dbi")[radio],
        omnidirectional=np.array([used[r].sectors == 1 for r in radio]),
        tx_power_dbm=part["tx_power_dbm"].to_numpy(dtype=np.float64).copy(),
        ue_antenna_gain_dbi=float(radios.column("ue_antenna_gain_dbi")[of_station].mean()))


def attach(receivers: Receivers, cells: pd.DataFrame, sites: pd.DataFrame, stations: pd.DataFrame,
           radios: RadioTable) -> tuple[Coupling, int]:
    """Serving cell, gain and neighbours of every device, and how many had a cell in reach but no coverage."""
    out = Coupling.empty(len(receivers.device_hash))
    if cells.empty:
        return out, 0
    carrier = radios.column("carrier_mhz")[cells["radio"].to_numpy()]
    keys = [receivers.park, receivers.cell_operator, receivers.private]
    cell_keys = [cells["park"].to_numpy(), cells["operator"].to_numpy(), cells["private"].to_numpy()]
    for park, operator, private in np.unique(np.stack([k.astype(np.int64) for k in cell_keys], axis=1), axis=0):
        wanted = (int(park), int(operator), bool(private))
        rows = np.flatnonzero(np.logical_and.reduce([k == w for k, w in zip(keys, wanted)]))
        members = np.flatnonzero(np.logical_and.reduce([k == w for k, w in zip(cell_keys, wanted)]))
        if len(rows):
            couple(rows, receivers.device_hash, receivers.x_m, receivers.y_m, receivers.height_m, receivers.indoor,
                   receivers.high_loss, receivers.depth_m, layer_of(cells, members, sites, stations, radios), carrier, out)
    tables = [adaptation_tables(row) for row in radios.frame().itertuples(index=False)]
    lost = drop_uncovered(tables, cells["radio"].to_numpy(dtype=np.int64), cells["tx_power_dbm"].to_numpy(dtype=np.float64), out)
    return out, lost


def validity(receivers: Receivers, cell: np.ndarray, cells: pd.DataFrame, sites: pd.DataFrame, radios: RadioTable) -> list[str]:
    """What of the serving links lies outside the range the path-loss models are stated for.

    Low antennas and short distances of UMa and UMi are no matter: there `coverage` takes the loss at the limit.
    """
    rows = np.flatnonzero(cell >= 0)
    at = cell[rows]
    site, radio = cells["site"].to_numpy()[at], cells["radio"].to_numpy()[at]
    d2d = np.hypot(receivers.x_m[rows] - sites["x_m"].to_numpy()[site], receivers.y_m[rows] - sites["y_m"].to_numpy()[site])
    f_ghz = radios.column("carrier_mhz")[radio] / 1000.0 if len(rows) else np.zeros(0)
    model = np.array([MODELS[p.path_loss_model] for p in radios.used], dtype=np.int64)[radio]
    out: list[str] = []
    for code in np.unique(model):
        m = model == code
        heights, distance, hut = sites["height_m"].to_numpy()[site[m]], d2d[m], receivers.height_m[rows[m]]
        if code < INF_SL:
            distance, hut = np.maximum(distance, MIN_URBAN_DISTANCE_M), np.maximum(hut, MIN_URBAN_UT_HEIGHT_M)
        found = validity_warnings(int(code), distance, heights, hut, f_ghz[m])
        out += [f"path loss {text}" for text in found]
    return out


def keep_own_cell(out: Coupling, row: int, cell: int) -> None:
    """Serve a receiver by the given cell: it changes places with the best server, or takes its gain when out of its list."""
    if out.cell[row] == cell:
        return
    slots = np.flatnonzero(out.neighbours[row] == cell)
    if len(slots) and out.cell[row] >= 0:
        k = int(slots[0])
        gain = float(out.neighbour_gain_db[row, k])
        out.neighbours[row, k], out.neighbour_gain_db[row, k] = out.cell[row], out.gain_db[row]
        out.gain_db[row] = gain
    out.cell[row] = cell
