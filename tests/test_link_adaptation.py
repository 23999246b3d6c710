"""SINR worked out by hand, thresholds met exactly, and the known signs of link adaptation."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.base.link_adaptation import (
    adapt_dl,
    adapt_ul,
    adaptation_tables,
    bler_q32,
    bler_thresholds_db,
    covered,
    select_mcs,
    ul_noise_rise_db,
)  # fmt: skip
from twin.base.tbs import payload_table

NOBODY = np.full(8, -1, dtype=np.int32)
NEIGHBOURS = np.array([1, 2, -1, -1, -1, -1, -1, -1], dtype=np.int32)
NEIGHBOUR_GAIN_DB = np.array([-110.0, -120.0] + [np.nan] * 6)
POWER_DBM = np.array([49.0, 49.0, 46.0])
GAINS = st.floats(-170.0, -50.0)
SETS = pytest.mark.parametrize("bler_set", ["5glena", "sionna"])


def radio(**changes: Any) -> SimpleNamespace:
    row: dict[str, Any] = {
        "name": "test", "scs_khz": 30, "n_prb": 273, "mcs_table": "qam256", "bler_set": "5glena", "bler_target": 0.1,
        "layers_ul": 1, "layers_dl": 2, "ue_power_dbm": 23.0, "p0_dbm": -90.0, "alpha": 0.8, "noise_figure_gnb_db": 5.0,
        "noise_figure_ue_db": 9.0, "ul_interference_rise_db": 6.0}
    return SimpleNamespace(**(row | changes))


TABLES = adaptation_tables(radio())


def dl(gain_db: float, load: float = 0.0, power_dbm: float = 49.0) -> tuple[int, int, int, float]:
    loads = np.array([0, round(load * 65536), round(load * 65536)])
    return adapt_dl(TABLES, gain_db, power_dbm, NEIGHBOURS, NEIGHBOUR_GAIN_DB, POWER_DBM, loads)


def ul(gain_db: float, load: float = 0.0) -> tuple[int, int, int, float]:
    return adapt_ul(TABLES, gain_db, NEIGHBOURS, np.array([0, round(load * 65536), round(load * 65536)]))


def ul_bytes(mcs: int, max_prb: int) -> int:
    return int(payload_table(radio(), 0, 14)[mcs, max_prb]) if mcs >= 0 else 0


def test_downlink_sinr_by_hand() -> None:
    # noise -174 + 10 lg 360e3 + 9 = -109.4370 dBm; 49 - 10 lg 273 - 100 = -75.3616 dBm a PRB
    assert dl(-100.0)[3] == pytest.approx(34.0753, abs=1e-3)
    # half load: 0.5 * (-85.3616 dBm) + 0.5 * (-98.3616 dBm) + noise = -88.1273 dBm
    assert dl(-100.0, load=0.5)[3] == pytest.approx(12.7657, abs=1e-3)


def test_uplink_sinr_by_hand() -> None:
    # not power limited: -90 + 10 lg 2 + 0.8 * 80 = -22.99 dBm a PRB; noise -174 + 55.563 + 5 = -113.437 dBm
    mcs, max_prb, _, sinr = ul(-80.0)
    assert (max_prb, sinr) == (273, pytest.approx(10.4473, abs=1e-3)) and mcs == 9
    # full neighbours raise the noise by 6 dB
    assert ul(-80.0, load=1.0)[3] == pytest.approx(4.4473, abs=1e-3)
    # power limited at one PRB: 23 - 130 + 113.437
    full_power = adaptation_tables(radio(p0_dbm=60.0))
    assert adapt_ul(full_power, -150.0, NOBODY, np.zeros(3, dtype=np.int64))[0] == -1
    assert adapt_ul(full_power, -150.0, NOBODY, np.zeros(3, dtype=np.int64))[3] == pytest.approx(-13.563, abs=1e-3)


def test_noise_rise_is_the_mean_of_the_neighbours_there_are() -> None:
    assert ul_noise_rise_db(TABLES, NEIGHBOURS, np.array([65536, 65536, 0])) == pytest.approx(3.0)
    assert ul_noise_rise_db(TABLES, NOBODY, np.array([65536, 65536, 65536])) == 0.0


@SETS
@pytest.mark.parametrize("mcs_table", ["qam64", "qam256", "qam64lowse"])
def test_thresholds_rise_with_mcs_and_reliability(bler_set: str, mcs_table: str) -> None:
    threshold = bler_thresholds_db(bler_set, mcs_table)
    assert (np.diff(threshold, axis=1) > 0).all()
    assert (np.diff(threshold[:, 1]) > 0).all()


def test_the_sets_differ_as_documented() -> None:
    lead = bler_thresholds_db("5glena", "qam256")[:, 1] - bler_thresholds_db("sionna", "qam256")[:, 1]
    assert lead[5:].min() > 2.2 and lead[5:].max() < 3.2
    assert lead[:5].max() == pytest.approx(5.58, abs=0.01)


@SETS
@pytest.mark.parametrize("mcs", [0, 7, 27])
def test_bler_at_the_thresholds(bler_set: str, mcs: int) -> None:
    tables = adaptation_tables(radio(bler_set=bler_set))
    for column, p in enumerate((0.5, 0.1, 0.01, 0.001)):
        assert bler_q32(tables, mcs, tables.threshold_db[mcs, column]) / 2**32 == pytest.approx(p, rel=1e-6)
    assert bler_q32(tables, mcs, -100.0) == 2**31
    assert bler_q32(tables, mcs, 100.0) == int(1e-6 * 2**32)


@pytest.mark.parametrize("target", [0.5, 0.1, 0.03, 0.001, 1e-5])
def test_selected_mcs_meets_the_target(target: float) -> None:
    tables = adaptation_tables(radio(bler_target=target))
    for mcs in range(28):
        at = tables.target_db[mcs]
        assert bler_q32(tables, mcs, at) / 2**32 == pytest.approx(target, rel=1e-4)
        assert select_mcs(tables, at) == mcs
    assert select_mcs(tables, tables.threshold_db[0, 0]) == 0
    assert select_mcs(tables, tables.threshold_db[0, 0] - 1e-6) == -1


@settings(deadline=None)  # the first call compiles
@given(GAINS, st.floats(0.0, 40.0), st.floats(0.0, 1.0))
def test_more_power_never_lowers_sinr_or_mcs(gain_db: float, more_db: float, load: float) -> None:
    low, high = dl(gain_db, load), dl(gain_db, load, power_dbm=49.0 + more_db)
    assert high[3] >= low[3] and high[0] >= low[0] and high[1] >= low[1]


@settings(deadline=None)  # the first call compiles
@given(GAINS, st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_more_interference_never_raises_mcs(gain_db: float, a: float, b: float) -> None:
    quiet, busy = sorted((a, b))
    assert dl(gain_db, busy)[0] <= dl(gain_db, quiet)[0]
    assert dl(gain_db, busy)[3] <= dl(gain_db, quiet)[3] + 1e-12
    assert ul_bytes(*ul(gain_db, busy)[:2]) <= ul_bytes(*ul(gain_db, quiet)[:2])


@settings(deadline=None)  # the first call compiles
@given(GAINS, st.floats(0.0, 30.0))
def test_a_better_link_never_carries_less_uplink(gain_db: float, better_db: float) -> None:
    assert ul_bytes(*ul(gain_db + better_db)[:2]) >= ul_bytes(*ul(gain_db)[:2])


@settings(deadline=None)  # the first call compiles
@given(GAINS, st.floats(0.0, 1.0))
def test_results_are_in_range(gain_db: float, load: float) -> None:
    for mcs, max_prb, p_q32, sinr in (dl(gain_db, load), ul(gain_db, load)):
        assert -1 <= mcs <= 27 and np.isfinite(sinr)
        assert int(1e-6 * 2**32) <= p_q32 <= 2**31
        assert (max_prb == 0) == (mcs == -1) and max_prb <= 273
        assert mcs <= 0 or p_q32 <= 0.1 * 2**32 + 1


@settings(deadline=None)  # the first call compiles
@given(GAINS)
def test_uplink_block_is_useful_and_within_the_power(gain_db: float) -> None:
    mcs, max_prb, _, sinr = ul(gain_db)
    if mcs >= 0:
        assert ul_bytes(mcs, max_prb) >= 16
        prb_dbm = sinr - gain_db + TABLES.noise_gnb_dbm
        assert prb_dbm + 10.0 * np.log10(max_prb) <= 23.0 + 1e-9 or max_prb == 273


@settings(deadline=None)  # the first call compiles
@given(GAINS)
def test_covered_is_both_directions_without_interference(gain_db: float) -> None:
    assert covered(TABLES, gain_db, 49.0) == (dl(gain_db)[0] >= 0 and ul(gain_db)[0] >= 0)


def test_every_radio_has_the_same_types() -> None:
    other = adaptation_tables(radio(mcs_table="qam64lowse", n_prb=51, scs_khz=15, alpha=1, ue_power_dbm=20))
    assert other.prb_candidates.tolist() == [1, 2, 4, 8, 16, 32, 51]
    for a, b in zip(TABLES, other, strict=True):
        assert type(a) is type(b)
        if isinstance(a, np.ndarray):
            assert a.dtype == b.dtype and a.ndim == b.ndim and a.flags.c_contiguous and b.flags.c_contiguous


def test_errors_name_the_offender() -> None:
    with pytest.raises(ValueError, match="unknown bler_set/mcs_table 'lab'/'qam64'; known: 5glena/qam256"):
        bler_thresholds_db("lab", "qam64")
    with pytest.raises(ValueError, match=r"bler_target 0\.9 of radio 'test'"):
        adaptation_tables(radio(bler_target=0.9))
