"""KPIs of random access, as TR 37.868 counts them: collisions, success, preamble transmissions, access delay."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from twin.base.bins import DELAY_BITS
from twin.measure.control import RA_COUNTS, ControlMeasures
from twin.measure.scopes import Rows, quantiles, ratio, rows
from twin.world.signalling_tables import Signalling

PERCENTILES = {"p10": 0.10, "p50": 0.50, "p90": 0.90, "p95": 0.95}
#: Points of the distribution of preamble transmissions that have a row.
CDF_POINTS = 10
_WHOLE = np.array(["network"], dtype=object)


def access_kpis(control: ControlMeasures, tables: Signalling, seconds: float) -> Iterator[Rows]:
    """Per cell, per random access configuration (where there are several) and over all; cells without an access have no row."""
    cells = tables.cells["name"].to_numpy(object)
    rach = tables.cells["rach"].to_numpy(dtype=np.int64)
    yield from _counts("cell", cells, control.ra_counts, seconds)
    yield from _counts("network", _WHOLE, control.ra_counts.sum(axis=0, keepdims=True), seconds)
    hist, delays, total = control.ra_tx_hist, control.ra_delay_hist, control.ra_delay_sum_ns
    yield from _successes("network", _WHOLE, *(a.sum(axis=0, keepdims=True) for a in (hist, delays, total)))
    if (hist.sum(axis=1) > 0).sum() > 1:
        names = tables.rach["name"].to_numpy(object)
        of_rach = np.zeros((len(names), len(RA_COUNTS)), dtype=np.int64)
        np.add.at(of_rach, rach[rach >= 0], control.ra_counts[rach >= 0])
        yield from _counts("rach", names, of_rach, seconds)
        yield from _successes("rach", names, hist, delays, total)


def _counts(kind: str, names: np.ndarray, counts: np.ndarray, seconds: float) -> Iterator[Rows]:
    """Rates and shares; collisions over all opportunities and per preamble sent."""
    used = (counts[:, RA_COUNTS.index("begun")] > 0) | (counts[:, RA_COUNTS.index("preambles")] > 0)
    of = dict(zip(RA_COUNTS, counts[used].T))
    names = names[used]
    for name in ("begun", "succeeded", "failed"):
        yield rows(f"ra_accesses_{name}", kind, names, of[name], "accesses")
    yield rows("ra_collision_share", kind, names, ratio(of["collided"], of["opportunities"]), "share")
    yield rows("ra_collision_share_per_attempt", kind, names, ratio(of["preambles_collided"], of["preambles"]), "share")
    yield rows("ra_access_success_share", kind, names, ratio(of["succeeded"], of["succeeded"] + of["failed"]), "share")
    yield rows("ra_preambles_per_s", kind, names, of["preambles"] / seconds, "1/s")
    yield rows("ra_accesses_per_s", kind, names, of["begun"] / seconds, "1/s")


def _successes(kind: str, names: np.ndarray, tx_hist: np.ndarray, delay_hist: np.ndarray, delay_ns: np.ndarray) -> Iterator[Rows]:
    """Preamble transmissions and delay of the accesses that succeeded."""
    n = tx_hist.sum(axis=1)
    mean = ratio(tx_hist @ np.arange(tx_hist.shape[1]), n)
    yield rows("ra_preamble_tx_mean", kind, names, mean, "transmissions")
    cumulated = ratio(np.cumsum(tx_hist, axis=1), n[:, None])
    for point in range(1, CDF_POINTS + 1):
        yield rows(f"ra_preamble_tx_cdf_{point}", kind, names, cumulated[:, min(point, tx_hist.shape[1] - 1)], "share")
    yield rows("ra_access_delay_mean_ms", kind, names, ratio(delay_ns, delay_hist.sum(axis=1)) * 1e-6, "ms")
    values = quantiles(delay_hist, PERCENTILES.values(), DELAY_BITS) * 1e-6
    for column, q in enumerate(PERCENTILES):
        yield rows(f"ra_access_delay_{q}_ms", kind, names, values[:, column], "ms")
