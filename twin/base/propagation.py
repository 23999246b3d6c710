"""Path loss, LOS probability, building loss and sector antenna after TR 38.901 clauses 7.3 and 7.4.

Scalar compiled functions with integer scenario codes, for loops over cells and devices; `pathloss_array_db` and
`los_probability_array` wrap them for numpy. Coefficients stand in the formulas, not in data files: a compiled function
keeps a copy of the tables it reads, and its cache would not notice a changed file.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from twin.base.datafiles import read_table
from twin.base.jit import compiled

UMA, UMI, INF_SL, INF_DL, INF_SH, INF_DH, INF_HH = range(7)
SCENARIOS = ("UMa", "UMi", "InF-SL", "InF-DL", "InF-SH", "InF-DH", "InF-HH")
SCENARIO_CODES = {name.lower().replace("-", "_"): code for code, name in enumerate(SCENARIOS)}  # uma, umi, inf_sl, …

SPEED_OF_LIGHT_M_S = 3.0e8  # the value TR 38.901 note 1 of Table 7.4.1-1 works with
EFFECTIVE_ENVIRONMENT_HEIGHT_M = 1.0  # h_E; for UMa the TR draws it at random above h_UT = 13 m (left out)
MIN_EFFECTIVE_UT_HEIGHT_M = 0.5  # h_UT - h_E at 1.5 m, the lowest terminal the formulas hold for
MIN_DISTANCE_M = 1.0  # guards the logarithm; see `validity_warnings` for where the formulas hold

# Table 7.3-1: one element of a sector antenna.
HALF_POWER_BEAMWIDTH_DEG = 65.0
MAX_ATTENUATION_DB = 30.0
ELEMENT_GAIN_DBI = 8.0


@compiled
def distance_3d_m(d2d_m, hbs_m, hut_m):
    """Straight distance between the antennas, at least 1 m."""
    return max(MIN_DISTANCE_M, math.sqrt(d2d_m * d2d_m + (hbs_m - hut_m) ** 2))


@compiled
def breakpoint_m(hbs_m, hut_m, f_ghz):
    """Breakpoint distance d'_BP of UMa and UMi, Table 7.4.1-1 note 1, with h_E = 1 m."""
    h_ut = max(MIN_EFFECTIVE_UT_HEIGHT_M, hut_m - EFFECTIVE_ENVIRONMENT_HEIGHT_M)
    h_bs = max(MIN_EFFECTIVE_UT_HEIGHT_M, hbs_m - EFFECTIVE_ENVIRONMENT_HEIGHT_M)
    return 4.0 * h_bs * h_ut * f_ghz * 1e9 / SPEED_OF_LIGHT_M_S


@compiled
def _urban_los_db(d2d_m, hbs_m, hut_m, f_ghz, offset_db, slope_db, breakpoint_slope_db):
    lg_d, lg_f = math.log10(distance_3d_m(d2d_m, hbs_m, hut_m)), math.log10(f_ghz)
    d_bp = breakpoint_m(hbs_m, hut_m, f_ghz)
    if d2d_m <= d_bp:
        return offset_db + slope_db * lg_d + 20.0 * lg_f
    return offset_db + 40.0 * lg_d + 20.0 * lg_f - breakpoint_slope_db * math.log10(d_bp**2 + (hbs_m - hut_m) ** 2)


@compiled
def _uma_db(los, d2d_m, hbs_m, hut_m, f_ghz):
    los_db = _urban_los_db(d2d_m, hbs_m, hut_m, f_ghz, 28.0, 22.0, 9.0)
    if los:
        return los_db
    lg_d = math.log10(distance_3d_m(d2d_m, hbs_m, hut_m))
    return max(los_db, 13.54 + 39.08 * lg_d + 20.0 * math.log10(f_ghz) - 0.6 * (hut_m - 1.5))


@compiled
def _umi_db(los, d2d_m, hbs_m, hut_m, f_ghz):
    los_db = _urban_los_db(d2d_m, hbs_m, hut_m, f_ghz, 32.4, 21.0, 9.5)
    if los:
        return los_db
    lg_d = math.log10(distance_3d_m(d2d_m, hbs_m, hut_m))
    return max(los_db, 22.4 + 35.3 * lg_d + 21.3 * math.log10(f_ghz) - 0.3 * (hut_m - 1.5))


@compiled
def _inf_db(code, los, d3d_m, f_ghz):
    lg_d, lg_f = math.log10(d3d_m), math.log10(f_ghz)
    los_db = 31.84 + 21.50 * lg_d + 19.00 * lg_f
    if los or code == INF_HH:  # both antennas above the clutter: always LOS
        return los_db
    sparse_low_db = 33.0 + 25.5 * lg_d + 20.0 * lg_f
    if code == INF_SL:
        return max(los_db, sparse_low_db)
    if code == INF_DL:
        return max(los_db, sparse_low_db, 18.6 + 35.7 * lg_d + 20.0 * lg_f)
    if code == INF_SH:
        return max(los_db, 32.4 + 23.0 * lg_d + 20.0 * lg_f)
    return max(los_db, 33.63 + 21.9 * lg_d + 20.0 * lg_f)


@compiled
def pathloss_db(code, los, d2d_m, hbs_m, hut_m, f_ghz):
    """Median path loss (dB, positive), TR 38.901 Table 7.4.1-1: no shadowing, no building loss, no antenna.

    Args:
        code: scenario, UMA … INF_HH.
        los: whether the path is in line of sight (InF-HH always is).
        d2d_m: horizontal distance, m.
        hbs_m: base station antenna height, m.
        hut_m: device antenna height, m.
        f_ghz: carrier frequency, GHz.

    Raises:
        ValueError: unknown scenario code.
    """
    if code == UMA:
        return _uma_db(los, d2d_m, hbs_m, hut_m, f_ghz)
    if code == UMI:
        return _umi_db(los, d2d_m, hbs_m, hut_m, f_ghz)
    if code < UMA or code > INF_HH:
        raise ValueError("unknown propagation scenario code; see SCENARIOS")
    return _inf_db(code, los, distance_3d_m(d2d_m, hbs_m, hut_m), f_ghz)


@compiled
def shadow_sigma_db(code, los):
    """Standard deviation of shadow fading (dB), TR 38.901 Table 7.4.1-1."""
    if code == UMA:
        return 4.0 if los else 6.0
    if code == UMI:
        return 4.0 if los else 7.82
    if los or code == INF_HH:
        return 4.3
    if code == INF_SL:
        return 5.7
    if code == INF_DL:
        return 7.2
    return 5.9 if code == INF_SH else 4.0


@compiled
def shadow_correlation_m(code, los, indoor):
    """Correlation distance of shadow fading (m), TR 38.901 Table 7.5-6. `indoor`: served from outside (O2I)."""
    if code >= INF_SL:
        return 10.0
    if indoor:
        return 7.0
    if code == UMA:
        return 37.0 if los else 50.0
    return 10.0 if los else 13.0


@compiled
def _urban_los_probability(d2d_m, decay_m):
    if d2d_m <= 18.0:
        return 1.0
    return 18.0 / d2d_m + math.exp(-d2d_m / decay_m) * (1.0 - 18.0 / d2d_m)


@compiled
def los_probability(code, d2d_m, hbs_m, hut_m, clutter_density, clutter_size_m, clutter_height_m):
    """Probability of line of sight, TR 38.901 Table 7.4.2-1.

    Args:
        code: scenario, UMA … INF_HH.
        d2d_m: horizontal distance outside buildings, m.
        hbs_m: base station antenna height, m.
        hut_m: device antenna height, m.
        clutter_density: share r of the floor that clutter takes, 0 to 1 (InF only).
        clutter_size_m: typical clutter size, m (InF only).
        clutter_height_m: effective clutter height h_c, m (InF-SH and -DH only).
    """
    if code == UMI:
        return _urban_los_probability(d2d_m, 36.0)
    if code == UMA:
        p = _urban_los_probability(d2d_m, 63.0)
        if hut_m > 13.0 and d2d_m > 18.0:
            c = ((min(hut_m, 23.0) - 13.0) / 10.0) ** 1.5
            p *= 1.0 + c * 1.25 * (d2d_m / 100.0) ** 3 * math.exp(-d2d_m / 150.0)
        return min(1.0, p)
    if code == INF_HH or clutter_density <= 0.0:
        return 1.0
    if clutter_density >= 1.0:
        return 0.0
    k_m = -clutter_size_m / math.log1p(-clutter_density)
    if code in (INF_SH, INF_DH):
        if clutter_height_m <= hut_m:  # the device stands clear of the clutter
            return 1.0
        k_m *= max(hbs_m - hut_m, 0.0) / (clutter_height_m - hut_m)
    return math.exp(-d2d_m / k_m) if k_m > 0.0 else 0.0


@compiled
def o2i_wall_loss_db(high_loss, f_ghz):
    """Mean loss through the outer wall (dB), TR 38.901 Tables 7.4.3-1 and -2: high (coated glass) or low loss building."""
    concrete_db = 5.0 + 4.0 * f_ghz
    if high_loss:
        glass_db, glass_share = 25.4 + 0.11 * f_ghz, 0.7
    else:
        glass_db, glass_share = 2.0 + 0.2 * f_ghz, 0.3
    passed = glass_share * 10.0 ** (-glass_db / 10.0) + (1.0 - glass_share) * 10.0 ** (-concrete_db / 10.0)
    return 5.0 - 10.0 * math.log10(passed)


@compiled
def o2i_inside_loss_db(d2d_in_m):
    """Loss from the outer wall to the device (dB), TR 38.901 Table 7.4.3-2: 0.5 dB/m."""
    return 0.5 * d2d_in_m


@compiled
def o2i_sigma_db(high_loss):
    """Standard deviation of the building loss (dB), TR 38.901 Table 7.4.3-2."""
    return 6.5 if high_loss else 4.4


@compiled
def depression_deg(d2d_m, hbs_m, hut_m):
    """Angle below the horizon under which the base station sees the device (degrees)."""
    return math.degrees(math.atan2(hbs_m - hut_m, d2d_m))


@compiled
def sector_gain_dbi(azimuth_offset_deg, depression_offset_deg, array_gain_db):
    """Gain of a sector antenna towards a direction (dBi), TR 38.901 Table 7.3-1.

    Args:
        azimuth_offset_deg: direction minus boresight azimuth; any number of turns.
        depression_offset_deg: depression angle minus tilt.
        array_gain_db: 10 lg of the elements that add up, taken as the same in all directions (assumption: beams follow the
            device; the array's own pattern is left out).
    """
    azimuth = (azimuth_offset_deg + 180.0) % 360.0 - 180.0
    horizontal_db = min(12.0 * (azimuth / HALF_POWER_BEAMWIDTH_DEG) ** 2, MAX_ATTENUATION_DB)
    vertical_db = min(12.0 * (depression_offset_deg / HALF_POWER_BEAMWIDTH_DEG) ** 2, MAX_ATTENUATION_DB)
    return ELEMENT_GAIN_DBI + array_gain_db - min(horizontal_db + vertical_db, MAX_ATTENUATION_DB)


@compiled
def _pathloss_loop(code, los, d2d_m, hbs_m, hut_m, f_ghz, out):
    for i in range(len(out)):
        out[i] = pathloss_db(code[i], los[i], d2d_m[i], hbs_m[i], hut_m[i], f_ghz[i])


@compiled
def _los_loop(code, d2d_m, hbs_m, hut_m, density, size_m, height_m, out):
    for i in range(len(out)):
        out[i] = los_probability(code[i], d2d_m[i], hbs_m[i], hut_m[i], density[i], size_m[i], height_m[i])


def _flat(dtypes: tuple[Any, ...], values: tuple[ArrayLike, ...]) -> tuple[tuple[int, ...], list[NDArray[Any]]]:
    """Common shape of the arguments, and each of them spread over it and flattened."""
    arrays = np.broadcast_arrays(*(np.asarray(v, dtype=d) for v, d in zip(values, dtypes, strict=True)))
    return arrays[0].shape, [np.ascontiguousarray(a).reshape(-1) for a in arrays]


def pathloss_array_db(code: ArrayLike, los: ArrayLike, d2d_m: ArrayLike, hbs_m: ArrayLike, hut_m: ArrayLike,
                      f_ghz: ArrayLike) -> NDArray[np.float64]:
    """`pathloss_db` over arrays that broadcast together; float64 of their common shape."""
    shape, columns = _flat((np.int64, np.bool_, *(np.float64,) * 4), (code, los, d2d_m, hbs_m, hut_m, f_ghz))
    out = np.empty(len(columns[0]))
    _pathloss_loop(*columns, out)  # type: ignore[call-arg]  # numba's stubs know no argument list
    return out.reshape(shape)


def los_probability_array(code: ArrayLike, d2d_m: ArrayLike, hbs_m: ArrayLike, hut_m: ArrayLike, clutter_density: ArrayLike = 0.0,
                          clutter_size_m: ArrayLike = 10.0, clutter_height_m: ArrayLike = 0.0) -> NDArray[np.float64]:
    """`los_probability` over arrays that broadcast together; float64 of their common shape."""
    values = (code, d2d_m, hbs_m, hut_m, clutter_density, clutter_size_m, clutter_height_m)
    shape, columns = _flat((np.int64, *(np.float64,) * 6), values)
    out = np.empty(len(columns[0]))
    _los_loop(*columns, out)  # type: ignore[call-arg]  # the same
    return out.reshape(shape)


def validity_warnings(code: int, d2d_m: ArrayLike, hbs_m: ArrayLike, hut_m: ArrayLike, f_ghz: ArrayLike) -> list[str]:
    """What of these links lies outside the range TR 38.901 states for the scenario: one message a quantity, empty if none.

    Ranges are in `twin/base/data/propagation_validity.csv`; arrays broadcast together.
    """
    _, (d2d, hbs, hut, f) = _flat((np.float64,) * 4, (d2d_m, hbs_m, hut_m, f_ghz))
    values = {"d2d": d2d, "d3d": np.hypot(d2d, hbs - hut), "hbs": hbs, "hut": hut, "f": f}
    messages = []
    for row in read_table("propagation_validity"):
        if row["scenario"] != SCENARIOS[code]:
            continue
        value = values[row["quantity"]]
        low, high = float(row["low"]), float(row["high"])
        outside = (value < low) | (value > high)
        if outside.any():
            messages.append(f"{SCENARIOS[code]}: {row['quantity']} of {int(outside.sum())} of {len(value)} links outside "
                            f"{low:g} to {high:g} {row['unit']} (seen {value.min():.4g} to {value.max():.4g}; {row['source']})")
    return messages
