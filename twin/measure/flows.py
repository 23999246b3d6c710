"""KPIs of the traffic: bursts, losses, deadlines, delays and throughput per scope."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from twin.base.bins import DELAY_BITS
from twin.measure.measures import CAUSES, Measures
from twin.measure.scopes import Rows, Scope, fold_histograms, quantiles, ratio, rows
from twin.world.tables import DIRECTIONS, DL, RTT, UL

PERCENTILES = {"p50": 0.50, "p95": 0.95, "p99": 0.99, "p999": 0.999}
MBPS = "Mbit/s (application layer)"
#: Column of the message counts that holds every message once, in the direction its deadline is on.
JUDGED = 3


def flow_kpis(measures: Measures, scopes: list[Scope]) -> Iterator[Rows]:
    """All KPI rows that are folded from groups."""
    for scope in scopes:
        yield from _messages(measures, scope)
        yield from _counts(measures, scope)
        yield from _throughput(measures, scope)
        yield from _latency(measures, scope)


def _messages(measures: Measures, scope: Scope) -> Iterator[Rows]:
    """Application messages, each counted once, in the direction its deadline is on: offered = delivered + lost + in flight."""
    counts = ("offered", "delivered", "in_flight", "within", "late_in_flight")
    columns = {name: scope.fold(getattr(measures, name)[:, JUDGED]) for name in counts}
    lost = scope.fold(measures.lost[:, JUDGED])
    columns["lost"] = lost.sum(axis=1)
    ended = columns["delivered"] + columns["lost"] + columns.pop("late_in_flight")
    yield rows("share_within_deadline", scope.kind, scope.names, ratio(columns.pop("within"), ended), "share")
    offered = columns["offered"]
    columns |= {f"lost_{cause}": lost[:, c] for c, cause in enumerate(CAUSES) if c}
    for name, values in columns.items():
        yield rows(name, scope.kind, scope.names[offered > 0], values[offered > 0], "messages")


def _counts(measures: Measures, scope: Scope) -> Iterator[Rows]:
    """Bursts offered, delivered and lost, per direction that carried any."""
    offered, delivered, within, late, lost = (
        scope.fold(getattr(measures, name)[:, :JUDGED]) for name in ("offered", "delivered", "within", "late_in_flight", "lost"))
    rate = ratio(offered[:, UL] + offered[:, DL], measures.measured_ns * 1e-9)
    yield rows("bursts_per_s", scope.kind, scope.names, np.where(offered.sum(axis=1) > 0, rate, np.nan), "1/s")
    share = ratio(within, delivered + lost.sum(axis=2) + late)
    for d, direction in enumerate(DIRECTIONS):
        used = offered[:, d] > 0
        columns = {"offered": offered[:, d], "delivered": delivered[:, d], "lost": lost[:, d].sum(axis=1)}
        for name, values in columns.items():
            yield rows(f"{name}_{direction}_bursts", scope.kind, scope.names[used], values[used], "bursts")
        yield rows(f"share_within_deadline_{direction}", scope.kind, scope.names[used], share[used, d], "share")


def _throughput(measures: Measures, scope: Scope) -> Iterator[Rows]:
    """Application bytes offered and delivered, per second of measured time. Responses count as downlink."""
    offered, delivered = (_with_responses(scope.fold(b)) for b in (measures.offered_bytes, measures.delivered_bytes))
    used = _with_responses(scope.fold(measures.offered)) > 0
    to_mbps = 8e3 / measures.measured_ns
    for d, direction in enumerate(DIRECTIONS[:RTT]):
        names, mask = scope.names[used[:, d]], used[:, d]
        yield rows(f"throughput_{direction}_mbps", scope.kind, names, delivered[mask, d] * to_mbps, MBPS)
        yield rows(f"offered_{direction}_mbps", scope.kind, names, offered[mask, d] * to_mbps, MBPS)


def _with_responses(counts: np.ndarray) -> np.ndarray:
    """Uplink, and downlink with the responses of round trips: (n, 2)."""
    return np.stack([counts[:, UL], counts[:, DL] + counts[:, RTT]], axis=1)


def _latency(measures: Measures, scope: Scope) -> Iterator[Rows]:
    """Mean, percentiles and maximum of the delay of delivered bursts (population: bursts generated after the warm-up)."""
    histograms = fold_histograms(measures, scope)
    mean = ratio(scope.fold(measures.delay_sum_ns), scope.fold(measures.delivered[:, :JUDGED])) * 1e-6
    largest = np.where(np.isnan(mean), np.nan, scope.fold_max(measures.delay_max_ns) * 1e-6)
    for d, direction in enumerate(DIRECTIONS):
        yield rows(f"latency_{direction}_mean_ms", scope.kind, scope.names, mean[:, d], "ms")
        values = quantiles(histograms[:, d], PERCENTILES.values(), DELAY_BITS) * 1e-6
        for column, name in enumerate(PERCENTILES):
            yield rows(f"latency_{direction}_{name}_ms", scope.kind, scope.names, values[:, column], "ms")
        yield rows(f"latency_{direction}_max_ms", scope.kind, scope.names, largest[:, d], "ms")
