"""TR 38.901 values worked out by hand, and the known signs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.base.propagation import (
    INF_DH,
    INF_DL,
    INF_HH,
    INF_SH,
    INF_SL,
    SCENARIO_CODES,
    SCENARIOS,
    UMA,
    UMI,
    breakpoint_m,
    depression_deg,
    los_probability,
    los_probability_array,
    o2i_inside_loss_db,
    o2i_sigma_db,
    o2i_wall_loss_db,
    pathloss_array_db,
    pathloss_db,
    sector_gain_dbi,
    shadow_correlation_m,
    shadow_sigma_db,
    validity_warnings,
)  # fmt: skip

CODES = st.sampled_from(range(len(SCENARIOS)))
INF = (INF_SL, INF_DL, INF_SH, INF_DH)


# Values evaluated outside the project (awk, from the formulas of Table 7.4.1-1).
@pytest.mark.verify
@pytest.mark.parametrize(("code", "los", "d2d", "hbs", "hut", "f", "db"), [
    (UMA, True, 100.0, 25.0, 1.5, 3.5, 83.1382),
    (UMA, False, 100.0, 25.0, 1.5, 3.5, 103.0375),
    (UMA, True, 1000.0, 25.0, 1.5, 3.5, 109.4119),     # beyond d'_BP = 560 m
    (UMA, True, 1000.0, 25.0, 10.0, 0.7, 90.9030),
    (UMA, False, 1000.0, 25.0, 10.0, 0.7, 122.5839),
    (UMI, True, 200.0, 10.0, 1.5, 3.5, 91.6112),
    (UMI, False, 200.0, 10.0, 1.5, 3.5, 115.2288),
    (UMI, True, 500.0, 10.0, 1.5, 3.5, 107.1138),      # beyond d'_BP = 210 m
    (INF_SL, True, 50.0, 8.0, 1.5, 3.5, 78.7834),
    (INF_HH, False, 50.0, 8.0, 1.5, 3.5, 78.7834),
    (INF_SL, False, 50.0, 8.0, 1.5, 3.5, 87.2979),
    (INF_DL, False, 50.0, 8.0, 1.5, 3.5, 90.2645),
    (INF_DL, False, 5.0, 1.5, 1.5, 3.5, 61.7051),      # the max() rule takes InF-SL
    (INF_SH, False, 50.0, 8.0, 1.5, 3.5, 82.4414),
    (INF_DH, False, 50.0, 8.0, 1.5, 3.5, 81.7985),
])
def test_path_loss_values(code: int, los: bool, d2d: float, hbs: float, hut: float, f: float, db: float) -> None:
    assert pathloss_db(code, los, d2d, hbs, hut, f) == pytest.approx(db, abs=1e-3)


@pytest.mark.verify
def test_building_loss_values() -> None:
    low = {0.7: 10.2367, 2.1: 11.9072, 3.5: 12.6975, 3.7: 12.7738, 28.0: 17.8288}
    high = {0.7: 17.8591, 2.1: 23.0613, 3.5: 27.4993, 3.7: 28.0280, 28.0: 35.0290}
    for f_ghz, db in low.items():
        assert o2i_wall_loss_db(False, f_ghz) == pytest.approx(db, abs=1e-4)
    for f_ghz, db in high.items():
        assert o2i_wall_loss_db(True, f_ghz) == pytest.approx(db, abs=1e-4)
    assert o2i_inside_loss_db(25.0) == 12.5
    assert (o2i_sigma_db(False), o2i_sigma_db(True)) == (4.4, 6.5)


@pytest.mark.verify
def test_los_probability_values() -> None:
    assert los_probability(UMI, 18.0, 10.0, 1.5, 0.0, 1.0, 0.0) == 1.0
    assert los_probability(UMI, 100.0, 10.0, 1.5, 0.0, 1.0, 0.0) == pytest.approx(0.230985, abs=1e-6)  # 0.18 + 0.82 e^(-100/36)
    assert los_probability(UMA, 100.0, 25.0, 1.5, 0.0, 1.0, 0.0) == pytest.approx(0.347671, abs=1e-6)  # 0.18 + 0.82 e^(-100/63)
    # h_UT 23 m: C' = 1, factor 1 + 1.25 e^(-2/3)
    assert los_probability(UMA, 100.0, 25.0, 23.0, 0.0, 1.0, 0.0) == pytest.approx(0.570796, abs=1e-6)
    # k = -2 / ln 0.5 = 2.88539 m; SH and DH stretch it by (8 - 1.5)/(6 - 1.5)
    assert los_probability(INF_DL, 10.0, 1.5, 1.5, 0.5, 2.0, 6.0) == pytest.approx(0.03125, abs=1e-9)
    assert los_probability(INF_DH, 10.0, 8.0, 1.5, 0.5, 2.0, 6.0) == pytest.approx(0.090776, abs=1e-6)
    assert los_probability(INF_HH, 500.0, 8.0, 8.0, 0.5, 2.0, 6.0) == 1.0


def test_breakpoint() -> None:
    assert breakpoint_m(25.0, 1.5, 3.5) == pytest.approx(560.0)  # 4 * 24 * 0.5 * 3.5e9 / 3e8
    near, far = (pathloss_db(UMA, True, 560.0 + d, 25.0, 1.5, 3.5) for d in (-1e-6, 1e-6))
    assert near == pytest.approx(far, abs=1e-6)


def test_shadowing_and_correlation() -> None:
    nlos = [shadow_sigma_db(code, False) for code in range(7)]
    assert nlos == [6.0, 7.82, 5.7, 7.2, 5.9, 4.0, 4.3]
    assert [shadow_sigma_db(code, True) for code in range(7)] == [4.0, 4.0] + [4.3] * 5
    assert shadow_correlation_m(UMA, False, False) == 50.0 and shadow_correlation_m(UMI, True, False) == 10.0
    assert shadow_correlation_m(UMA, True, True) == 7.0 and shadow_correlation_m(INF_SH, False, True) == 10.0


@settings(deadline=None)  # the first call compiles
@given(CODES, st.floats(10.0, 600.0), st.floats(3.0, 25.0), st.floats(1.0, 3.0), st.floats(0.7, 28.0))
def test_nlos_is_never_below_los(code: int, d2d: float, hbs: float, hut: float, f: float) -> None:
    assert pathloss_db(code, False, d2d, hbs, hut, f) >= pathloss_db(code, True, d2d, hbs, hut, f)


@settings(deadline=None)  # the first call compiles
@given(CODES, st.booleans(), st.floats(1.0, 5000.0), st.floats(0.0, 500.0), st.floats(0.7, 28.0))
def test_farther_is_never_stronger(code: int, los: bool, d2d: float, more: float, f: float) -> None:
    assert pathloss_db(code, los, d2d + more, 10.0, 1.5, f) >= pathloss_db(code, los, d2d, 10.0, 1.5, f) - 1e-9


@settings(deadline=None)  # the first call compiles
@given(st.sampled_from(INF), st.floats(0.0, 600.0), st.floats(0.0, 1.0), st.floats(0.0, 1.0), st.floats(1.0, 12.0),
       st.floats(1.6, 12.0))
def test_more_clutter_never_raises_los(code: int, d2d: float, a: float, b: float, hbs: float, clutter_height: float) -> None:
    sparse, dense = sorted((a, b))
    p_sparse = los_probability(code, d2d, hbs, 1.5, sparse, 5.0, clutter_height)
    p_dense = los_probability(code, d2d, hbs, 1.5, dense, 5.0, clutter_height)
    assert 0.0 <= p_dense <= p_sparse <= 1.0
    assert los_probability(code, d2d, hbs, 1.5, dense, 5.0, clutter_height + 2.0) <= p_dense + 1e-15


@settings(deadline=None)  # the first call compiles
@given(CODES, st.floats(0.0, 5000.0), st.floats(1.0, 30.0))
def test_los_is_a_probability(code: int, d2d: float, hut: float) -> None:
    assert 0.0 <= los_probability(code, d2d, 25.0, hut, 0.3, 10.0, 4.0) <= 1.0


def test_sector_antenna() -> None:
    assert sector_gain_dbi(0.0, 0.0, 0.0) == 8.0
    assert sector_gain_dbi(0.0, 0.0, 9.0) == 17.0
    assert sector_gain_dbi(32.5, 0.0, 0.0) == pytest.approx(5.0)  # half power at half the beamwidth
    assert sector_gain_dbi(-32.5, 32.5, 0.0) == pytest.approx(2.0)
    assert sector_gain_dbi(180.0, 0.0, 0.0) == sector_gain_dbi(180.0, 90.0, 0.0) == -22.0
    assert sector_gain_dbi(350.0, 0.0, 0.0) == pytest.approx(sector_gain_dbi(-10.0, 0.0, 0.0))
    assert depression_deg(10.0, 11.5, 1.5) == pytest.approx(45.0)


def test_arrays_are_the_scalars() -> None:
    d2d = np.array([[10.0, 100.0], [300.0, 2000.0]])
    losses = pathloss_array_db(UMI, [True, False], d2d, 10.0, 1.5, 3.5)
    assert losses.shape == (2, 2)
    assert losses[1, 0] == pathloss_db(UMI, True, 300.0, 10.0, 1.5, 3.5)
    assert losses[0, 1] == pathloss_db(UMI, False, 100.0, 10.0, 1.5, 3.5)
    assert los_probability_array(INF_DL, [10.0, 20.0], 1.5, 1.5, 0.5, 2.0, 6.0) == pytest.approx([2.0**-5, 2.0**-10])


def test_validity_warnings_name_quantity_range_and_count() -> None:
    assert validity_warnings(UMA, [10.0, 5000.0], 25.0, 1.5, 3.5) == []
    near, low = validity_warnings(UMA, [5.0, 100.0, 100.0], 25.0, [1.0, 1.0, 1.5], 3.5)
    assert near.startswith("UMa: d2d of 1 of 3 links outside 10 to 5000 m") and "Table 7.4.1-1" in near
    assert low.startswith("UMa: hut of 2 of 3 links outside 1.5 to 22.5 m")
    assert len(validity_warnings(INF_SH, 700.0, 8.0, 1.5, 0.3)) == 2


def test_codes() -> None:
    assert SCENARIO_CODES == {"uma": UMA, "umi": UMI, "inf_sl": INF_SL, "inf_dl": INF_DL, "inf_sh": INF_SH, "inf_dh": INF_DH,
                              "inf_hh": INF_HH}
    with pytest.raises(ValueError, match="unknown propagation scenario"):
        pathloss_db(7, True, 100.0, 10.0, 1.5, 3.5)
