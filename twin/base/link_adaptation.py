"""SINR of a link, the MCS it carries, its first-transmission BLER and the PRBs a device's power reaches.

Both engines call these compiled functions, so the quantised results (MCS, PRBs, 32-bit BLER) are the same in both.
Rank is fixed by the radio; fading is in the thresholds only; the outer loop ends where it would settle: at `bler_target`.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from twin.base.datafiles import read_table
from twin.base.jit import compiled
from twin.base.tbs import payload_table

THERMAL_NOISE_DBM_HZ = -174.0
SUBCARRIERS_PER_PRB = 12
UL_REFERENCE_SYMBOLS = 14  # slot in which the uplink PRB cap is chosen
MIN_UL_PAYLOAD_BYTES = 16  # smaller blocks carry headers, no data: such a link is an outage
FULL_LOAD_Q16 = 65536

LOG10_BLER = np.log10(np.array([0.5, 0.1, 0.01, 0.001]))  # where the thresholds of the data file lie
MIN_BLER, MAX_BLER = 1e-6, 0.5  # also the range of `bler_target`
MAX_BLER_Q32 = 1 << 31
_DB_TO_E = math.log(10.0) / 10.0
_THRESHOLD_COLUMNS = ("sinr_bler50_db", "sinr_bler10_db", "sinr_bler1_db", "sinr_bler0p1_db")


class AdaptationTables(NamedTuple):
    """What link adaptation needs of one radio configuration; the same types for every radio (one numba signature).

    threshold_db: float64 (n_mcs, 4), SINR at 50, 10, 1 and 0.1 % BLER. target_db: float64 (n_mcs,), SINR at `bler_target`.
    prb_candidates: int64 (n,), 1, 2, 4, … n_prb; prb_candidates_db: 10 lg of them. ul_payload_bytes: int64 (n_mcs, n),
    bytes of a full uplink slot. noise_*_dbm: per PRB, noise figure in. n_prb_db: 10 lg n_prb. p0_prb_dbm: target power
    received per PRB at alpha = 1, numerology in. alpha: share of the path loss made good. ul_rise_db: noise rise at full load.
    """

    threshold_db: NDArray[np.float64]
    target_db: NDArray[np.float64]
    prb_candidates: NDArray[np.int64]
    prb_candidates_db: NDArray[np.float64]
    ul_payload_bytes: NDArray[np.int64]
    noise_ue_dbm: np.float64
    noise_gnb_dbm: np.float64
    n_prb: np.int64
    n_prb_db: np.float64
    ue_power_dbm: np.float64
    p0_prb_dbm: np.float64
    alpha: np.float64
    ul_rise_db: np.float64


def bler_thresholds_db(bler_set: str, mcs_table: str) -> NDArray[np.float64]:
    """SINR (dB) at 50, 10, 1 and 0.1 % first-transmission BLER, float64 (n_mcs, 4).

    Raises:
        ValueError: there is no such set, or it has no such MCS table.
    """
    table = read_table("bler_thresholds")
    rows = [row for row in table if row["bler_set"] == bler_set and row["mcs_table"] == mcs_table]
    if not rows:
        known = sorted({f"{row['bler_set']}/{row['mcs_table']}" for row in table})
        raise ValueError(f"unknown bler_set/mcs_table {bler_set!r}/{mcs_table!r}; known: {', '.join(known)}")
    return np.array([[float(row[column]) for column in _THRESHOLD_COLUMNS] for row in rows])


def _prb_candidates(n_prb: int) -> NDArray[np.int64]:
    """1, 2, 4, … below n_prb, and n_prb."""
    powers = [1 << i for i in range(n_prb.bit_length()) if 1 << i < n_prb]
    return np.array([*powers, n_prb], dtype=np.int64)


def _noise_prb_dbm(scs_khz: int, noise_figure_db: float) -> float:
    return THERMAL_NOISE_DBM_HZ + 10.0 * math.log10(SUBCARRIERS_PER_PRB * scs_khz * 1e3) + noise_figure_db


def _sinr_at_bler(threshold_db: NDArray[np.float64], log10_bler: float) -> NDArray[np.float64]:
    """SINR (dB) at which each MCS has this BLER: linear in log10, the last slope going on below 0.1 %."""
    i = min(2, int(np.searchsorted(-LOG10_BLER, -log10_bler, side="right")) - 1)
    share = (log10_bler - LOG10_BLER[i]) / (LOG10_BLER[i + 1] - LOG10_BLER[i])
    return threshold_db[:, i] + share * (threshold_db[:, i + 1] - threshold_db[:, i])


def adaptation_tables(radio_row: Any) -> AdaptationTables:
    """Tables of one radio configuration.

    Args:
        radio_row: a row of `World.radios` (attribute access).

    Raises:
        ValueError: unknown `bler_set` or `mcs_table`, or `bler_target` outside 1e-6 … 0.5.
    """
    target = float(radio_row.bler_target)
    if not MIN_BLER <= target <= MAX_BLER:
        raise ValueError(f"bler_target {target:g} of radio {radio_row.name!r}: give {MIN_BLER:g} to {MAX_BLER:g}")
    threshold = bler_thresholds_db(str(radio_row.bler_set), str(radio_row.mcs_table))
    n_prb, scs_khz = int(radio_row.n_prb), int(radio_row.scs_khz)
    candidates = _prb_candidates(n_prb)
    payload = payload_table(radio_row, 0, UL_REFERENCE_SYMBOLS)
    return AdaptationTables(
        threshold_db=threshold, target_db=_sinr_at_bler(threshold, math.log10(target)), prb_candidates=candidates,
        prb_candidates_db=10.0 * np.log10(candidates.astype(np.float64)),
        ul_payload_bytes=np.ascontiguousarray(payload[:, candidates]),
        noise_ue_dbm=np.float64(_noise_prb_dbm(scs_khz, float(radio_row.noise_figure_ue_db))),
        noise_gnb_dbm=np.float64(_noise_prb_dbm(scs_khz, float(radio_row.noise_figure_gnb_db))),
        n_prb=np.int64(n_prb), n_prb_db=np.float64(10.0 * math.log10(n_prb)), ue_power_dbm=np.float64(radio_row.ue_power_dbm),
        p0_prb_dbm=np.float64(float(radio_row.p0_dbm) + 10.0 * math.log10(scs_khz / 15.0)),
        alpha=np.float64(radio_row.alpha), ul_rise_db=np.float64(radio_row.ul_interference_rise_db))


@compiled
def select_mcs(tables, sinr_db):
    """Highest MCS that meets the BLER target at this SINR; MCS 0 as long as its BLER is below 50 %; -1 beyond. int64."""
    for mcs in range(len(tables.target_db) - 1, -1, -1):
        if tables.target_db[mcs] <= sinr_db:
            return np.int64(mcs)
    return np.int64(0) if sinr_db >= tables.threshold_db[0, 0] else np.int64(-1)


@compiled
def bler_q32(tables, mcs, sinr_db):
    """First-transmission BLER of an MCS, floor(p * 2^32) as int64, p in [1e-6, 0.5].

    log10(p) is linear between the thresholds and goes on with the last slope beyond 0.1 %.
    """
    if sinr_db <= tables.threshold_db[mcs, 0]:
        return np.int64(MAX_BLER_Q32)
    i = 0
    while i < 2 and sinr_db > tables.threshold_db[mcs, i + 1]:
        i += 1
    low, high = tables.threshold_db[mcs, i], tables.threshold_db[mcs, i + 1]
    log_p = LOG10_BLER[i] + (sinr_db - low) / (high - low) * (LOG10_BLER[i + 1] - LOG10_BLER[i])
    p = min(MAX_BLER, max(MIN_BLER, math.exp(10.0 * _DB_TO_E * log_p)))
    return np.int64(math.floor(p * 4294967296.0))


@compiled
def sinr_dl_db(tables, gain_db, tx_power_dbm, neighbours, neighbour_gain_db, cell_tx_power_dbm, cell_load_dl_q16):
    """Downlink SINR (dB) on a PRB: cell power spread over all PRBs, neighbours weighted by their load.

    Neighbours share the carrier, so their power is spread over as many PRBs. Arguments as in `adapt_dl`.
    """
    interference_mw = math.exp(_DB_TO_E * tables.noise_ue_dbm)
    for i in range(len(neighbours)):
        cell = neighbours[i]
        if cell >= 0 and cell_load_dl_q16[cell] > 0:
            received_dbm = cell_tx_power_dbm[cell] - tables.n_prb_db + neighbour_gain_db[i]
            interference_mw += math.exp(_DB_TO_E * received_dbm) * (cell_load_dl_q16[cell] / FULL_LOAD_Q16)
    return tx_power_dbm - tables.n_prb_db + gain_db - math.log(interference_mw) / _DB_TO_E


@compiled
def adapt_dl(tables, gain_db, tx_power_dbm, neighbours, neighbour_gain_db, cell_tx_power_dbm, cell_load_dl_q16):
    """Link adaptation of one downlink channel.

    Args:
        tables: of the serving cell's radio.
        gain_db: coupling gain to the serving cell (negative), float64.
        tx_power_dbm: power of the serving cell over its whole carrier, float64.
        neighbours: rows of the cell table, -1 for none, int32 (8,): a row of `World.neighbours`.
        neighbour_gain_db: coupling gains to them, float64 (8,): a row of `World.neighbour_gain_db`.
        cell_tx_power_dbm: of every cell of the world, float64.
        cell_load_dl_q16: of every cell, 65536 = full, int64.

    Returns:
        mcs (int64, -1: outage), max_prb (int64, 0 in outage), bler_q32 (int64), sinr_db (float64).
    """
    sinr = sinr_dl_db(tables, gain_db, tx_power_dbm, neighbours, neighbour_gain_db, cell_tx_power_dbm, cell_load_dl_q16)
    mcs = select_mcs(tables, sinr)
    if mcs < 0:
        return mcs, np.int64(0), np.int64(MAX_BLER_Q32), sinr
    return mcs, tables.n_prb, bler_q32(tables, mcs, sinr), sinr


@compiled
def ul_noise_rise_db(tables, neighbours, cell_load_ul_q16):
    """Uplink noise rise: the radio's rise at full load times the mean load of the neighbours (assumption; no per-UE term)."""
    total, count = np.int64(0), np.int64(0)
    for i in range(len(neighbours)):
        if neighbours[i] >= 0:
            total += cell_load_ul_q16[neighbours[i]]
            count += 1
    if count == 0:
        return 0.0
    return tables.ul_rise_db * (total / (count * FULL_LOAD_Q16))


@compiled
def adapt_ul(tables, gain_db, neighbours, cell_load_ul_q16):
    """Link adaptation of one uplink channel with open-loop power control (TS 38.213 clause 7.1.1, closed loop left out).

    Power per PRB is min(P0 + alpha * path loss, UE power / PRBs). Among 1, 2, 4, … n_prb PRBs the count that carries the
    largest block is taken (the smaller on ties): a device at its power limit spreads its power. No count with a block of at
    least 16 bytes: outage.

    Args:
        tables: of the serving cell's radio.
        gain_db: coupling gain to the serving cell (negative), float64.
        neighbours: rows of the cell table, -1 for none, int32 (8,).
        cell_load_ul_q16: of every cell of the world, 65536 = full, int64.

    Returns:
        mcs (int64, -1: outage), max_prb (int64, 0 in outage), bler_q32 (int64), sinr_db (float64; in outage that of 1 PRB).
    """
    to_sinr_db = gain_db - tables.noise_gnb_dbm - ul_noise_rise_db(tables, neighbours, cell_load_ul_q16)
    wanted_dbm = tables.p0_prb_dbm - tables.alpha * gain_db
    best_mcs, best_prb, best_bytes = np.int64(-1), np.int64(0), np.int64(MIN_UL_PAYLOAD_BYTES - 1)
    best_sinr = min(wanted_dbm, tables.ue_power_dbm) + to_sinr_db
    for i in range(len(tables.prb_candidates)):
        sinr = min(wanted_dbm, tables.ue_power_dbm - tables.prb_candidates_db[i]) + to_sinr_db
        mcs = select_mcs(tables, sinr)
        if mcs < 0:
            break
        if tables.ul_payload_bytes[mcs, i] > best_bytes:
            best_mcs, best_prb, best_sinr = mcs, tables.prb_candidates[i], sinr
            best_bytes = tables.ul_payload_bytes[mcs, i]
    if best_mcs < 0:
        return best_mcs, best_prb, np.int64(MAX_BLER_Q32), best_sinr
    return best_mcs, best_prb, bler_q32(tables, best_mcs, best_sinr), best_sinr


@compiled
def covered(tables, gain_db, tx_power_dbm):
    """Whether a device at this coupling gain is served in both directions without any interference. bool."""
    nobody = np.full(1, -1, dtype=np.int32)
    no_load = np.zeros(1, dtype=np.int64)
    sinr = tx_power_dbm - tables.n_prb_db + gain_db - tables.noise_ue_dbm
    return select_mcs(tables, sinr) >= 0 and adapt_ul(tables, gain_db, nobody, no_load)[0] >= 0
