"""Radio coupling: the gain of every device to the cells it could use, its best server and strongest interferers.

Gain = sector antenna + device antenna - path loss - building loss - shadow fading (TR 38.901 clauses 7.3 and 7.4). Line of
sight, shadow fading and building loss are drawn from the hashes of the device and the site, so they belong to the pair: a
new site or device changes nothing for the others. Shadow fading is not correlated between places (left out).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from twin.base.draws import mix64, unit
from twin.base.jit import compiled
from twin.base.link_adaptation import AdaptationTables, covered
from twin.base.propagation import (
    ELEMENT_GAIN_DBI,
    INF_SL,
    depression_deg,
    los_probability,
    o2i_inside_loss_db,
    o2i_sigma_db,
    o2i_wall_loss_db,
    pathloss_db,
    sector_gain_dbi,
    shadow_sigma_db,
)
from twin.world.tables import N_NEIGHBOURS

#: Clutter of the indoor-factory models: density, size (m), height (m); inside the ranges of TR 38.901 table 7.2-4.
SPARSE_CLUTTER = (0.2, 10.0, 2.0)
DENSE_CLUTTER = (0.6, 2.0, 6.0)

#: UMa and UMi are stated from these on; below, path loss is taken as at the limit (assumption, in data/assumptions.csv).
MIN_URBAN_DISTANCE_M, MIN_URBAN_UT_HEIGHT_M = 10.0, 1.5

_SALT_LOS, _SALT_SHADOW, _SALT_WALL = (np.uint64(s) for s in (0x4C4F53, 0x534841444F57, 0x57414C4C))
_LOW32, _S32 = np.uint64(0xFFFFFFFF), np.uint64(32)

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Layer:
    """The cells some devices can use: stations (position, antenna height, hash, model, carrier) and their sectors.

    Sector columns are by station: those of station s are cell_start[s] … cell_start[s + 1] - 1. cell: row of the world's cell
    table. clutter: stations x 3 (density, size m, height m).
    """

    x_m: FloatArray
    y_m: FloatArray
    height_m: FloatArray
    station_hash: npt.NDArray[np.uint64]
    model: npt.NDArray[np.int64]
    f_ghz: FloatArray
    clutter: FloatArray
    cell_start: npt.NDArray[np.int64]
    cell: npt.NDArray[np.int32]
    azimuth_deg: FloatArray
    tilt_deg: FloatArray
    antenna_gain_dbi: FloatArray
    omnidirectional: npt.NDArray[np.bool_]
    tx_power_dbm: FloatArray
    ue_antenna_gain_dbi: float = 0.0


@dataclass(frozen=True)
class Coupling:
    """Best server and neighbours of each device: rows of the cell table (-1: none) and gains in dB."""

    cell: npt.NDArray[np.int32]
    gain_db: FloatArray
    neighbours: npt.NDArray[np.int32]
    neighbour_gain_db: FloatArray

    @classmethod
    def empty(cls, n: int) -> Coupling:
        """Nobody is served yet."""
        return cls(np.full(n, -1, dtype=np.int32), np.full(n, -300.0), np.full((n, N_NEIGHBOURS), -1, dtype=np.int32),
                   np.full((n, N_NEIGHBOURS), -300.0))


@compiled
def _pair(a, b, salt):
    """64 random bits that belong to a pair of entities and a purpose."""
    return mix64(mix64(a ^ salt) ^ b)


@compiled
def _normal(bits):
    """Standard normal from 64 random bits (Box-Muller)."""
    u = (np.float64(bits >> _S32) + 0.5) / 4294967296.0
    v = np.float64(bits & _LOW32) / 4294967296.0
    return math.sqrt(-2.0 * math.log(u)) * math.cos(2.0 * math.pi * v)


@compiled
def building_loss_db(device_hash, high_loss, depth_m, f_ghz):
    """Loss of a device inside a building (dB), TR 38.901 clause 7.4.3.1; the same towards every site."""
    bits = _pair(device_hash, np.uint64(0), _SALT_WALL)
    loss = o2i_wall_loss_db(high_loss, f_ghz) + o2i_inside_loss_db(depth_m) + o2i_sigma_db(high_loss) * _normal(bits)
    return max(0.0, loss)


@compiled
def site_loss_db(device_hash, station_hash, model, d2d, hbs, hut, f_ghz, clutter):
    """Path loss with shadow fading of one device to one station (dB), line of sight drawn for the pair."""
    p = los_probability(model, d2d, hbs, hut, clutter[0], clutter[1], clutter[2])
    los = unit(_pair(device_hash, station_hash, _SALT_LOS)) < p
    shadow = shadow_sigma_db(model, los) * _normal(_pair(device_hash, station_hash, _SALT_SHADOW))
    if model < INF_SL:
        d2d, hut = max(d2d, MIN_URBAN_DISTANCE_M), max(hut, MIN_URBAN_UT_HEIGHT_M)
    return pathloss_db(model, los, d2d, hbs, hut, f_ghz) + shadow


@compiled
def _insert(cells, gains, ranks, count, cell, gain, rank):
    """Keep the strongest by rank in descending order; returns how many are held."""
    size = len(cells)
    if count == size and rank <= ranks[size - 1]:
        return count
    at = min(count, size - 1)
    while at > 0 and ranks[at - 1] < rank:
        cells[at], gains[at], ranks[at] = cells[at - 1], gains[at - 1], ranks[at - 1]
        at -= 1
    cells[at], gains[at], ranks[at] = cell, gain, rank
    return min(count + 1, size)


@compiled
def _couple(rows, hashes, x, y, hut, indoor, high_loss, depth, sx, sy, sh, s_hash, model, f_ghz, clutter, cell_start, cells,
            azimuth, tilt, antenna, omni, tx, ue_gain, radio_of_cell, out_cell, out_gain, out_neighbours, out_neighbour_gain):
    """Fill best server and neighbours of the devices in `rows`; strength is transmit power plus gain."""
    best = np.empty(N_NEIGHBOURS + 1, dtype=np.int32)
    gains, ranks = np.empty(N_NEIGHBOURS + 1), np.empty(N_NEIGHBOURS + 1)
    for i in rows:
        count = 0
        wall, wall_f = 0.0, -1.0
        for s in range(len(sx)):
            dx, dy = x[i] - sx[s], y[i] - sy[s]
            d2d = math.sqrt(dx * dx + dy * dy)
            if indoor[i] and model[s] < INF_SL and wall_f != f_ghz[s]:
                wall, wall_f = building_loss_db(hashes[i], high_loss[i], depth[i], f_ghz[s]), f_ghz[s]
            loss = site_loss_db(hashes[i], s_hash[s], model[s], d2d, sh[s], hut[i], f_ghz[s], clutter[s])
            if indoor[i] and model[s] < INF_SL:
                loss += wall
            bearing = math.degrees(math.atan2(dx, dy))
            down = depression_deg(d2d, sh[s], hut[i])
            for c in range(cell_start[s], cell_start[s + 1]):
                offset = 0.0 if omni[c] else bearing - azimuth[c]
                gain = sector_gain_dbi(offset, down - tilt[c], antenna[c] - ELEMENT_GAIN_DBI) + ue_gain - loss
                count = _insert(best, gains, ranks, count, cells[c], gain, tx[c] + gain)
        if count == 0:
            continue
        out_cell[i], out_gain[i] = best[0], gains[0]
        n = 0
        for k in range(1, count):
            if radio_of_cell[best[k]] == radio_of_cell[best[0]]:
                out_neighbours[i, n], out_neighbour_gain[i, n] = best[k], gains[k]
                n += 1


def couple(rows: np.ndarray, hashes: np.ndarray, x: np.ndarray, y: np.ndarray, height_m: np.ndarray, indoor: np.ndarray,
           high_loss: np.ndarray, depth_m: np.ndarray, layer: Layer, carrier_of_cell: np.ndarray, out: Coupling) -> None:
    """Best server and neighbours of the devices in `rows` among the cells of a layer, written into `out`.

    Args:
        rows: rows (int64) of the device columns that follow.
        carrier_of_cell: of every cell of the world; only cells of the server's carrier count as neighbours.
    """
    _couple(rows, hashes, x, y, height_m, indoor, high_loss, depth_m, layer.x_m, layer.y_m, layer.height_m, layer.station_hash,
            layer.model, layer.f_ghz, layer.clutter, layer.cell_start, layer.cell, layer.azimuth_deg, layer.tilt_deg,
            layer.antenna_gain_dbi, layer.omnidirectional, layer.tx_power_dbm, float(layer.ue_antenna_gain_dbi),
            carrier_of_cell, out.cell, out.gain_db, out.neighbours, out.neighbour_gain_db)


@compiled
def _covered(tables, rows, gain_db, cell, tx_power_dbm, out):
    for i in rows:
        out[i] = covered(tables, gain_db[i], tx_power_dbm[cell[i]])


def drop_uncovered(tables: list[AdaptationTables], radio_of_cell: np.ndarray, tx_power_dbm: np.ndarray, out: Coupling) -> int:
    """Take the cell from devices that could not be served even in an empty network; how many lost it.

    Args:
        tables: link adaptation tables, one a radio.
        radio_of_cell, tx_power_dbm: of every cell.
    """
    served = out.cell >= 0
    radio = np.full(len(served), -1, dtype=np.int64)
    radio[served] = radio_of_cell[out.cell[served]]
    fine = np.zeros(len(served), dtype=np.bool_)
    for r, table in enumerate(tables):
        rows = np.flatnonzero(radio == r)
        if len(rows):
            _covered(table, rows, out.gain_db, out.cell, tx_power_dbm, fine)
    lost = served & ~fine
    out.cell[lost] = -1
    out.neighbours[lost] = -1
    return int(lost.sum())
