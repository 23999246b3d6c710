"""Links of the engine against M/G/1, non-preemptive priority and N*D/D/1."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.theory import (
    assert_mean,
    clipped_pareto_moments,
    cobham_waits,
    mg1_wait,
    ndd1_tail,
    part_means,
    replications,
    uniform_moments,
)
from tests.worlds import MS, US, Builder
from twin.base.accounting import PARTS
from twin.world.tables import World

pytestmark = pytest.mark.verify

RATE = 8_000_000  # 1 µs a byte
OVERHEAD = 40
LARGE = 1 << 40
HORIZON, WARMUP = 20_000 * MS, 500 * MS
#: Sizes of single-packet bursts: arguments of the flow type and the first two moments.
SIZES: dict[str, tuple[dict[str, Any], tuple[float, float]]] = {
    "fixed": ({"size_bytes": 500}, (500.0, 250_000.0)),
    "uniform": ({"size_kind": "uniform", "size_bytes": 700, "size_spread": 0.9}, uniform_moments(70.0, 1330.0)),
    "Pareto": ({"size_kind": "pareto", "size_bytes": 100, "size_spread": 1.2, "size_max_bytes": 9_000},
               clipped_pareto_moments(100.0, 1.2, 9_000.0)),
}  # fmt: skip


def service_moments(size: tuple[float, float]) -> tuple[float, float]:
    """Moments of the time on the link (µs) from those of the payload."""
    return size[0] + OVERHEAD, size[1] + 2 * OVERHEAD * size[0] + OVERHEAD**2


def link(b: Builder) -> int:
    return b.link(rate_bps=RATE, overhead_bytes=OVERHEAD, buffer_bytes=LARGE)


def add_sources(b: Builder, route: int, rate_per_us: float, level: int, size: dict[str, Any]) -> None:
    """Two Poisson flows of an application of their own."""
    kind = b.flow_type(application=b.add("applications"), generator="poisson", period_ns=round(2 * US / rate_per_us), level=level,
                       mtu_payload_bytes=9_000, **size)
    for _ in range(2):
        b.flow(b.device(), kind, route)


def test_general_service() -> None:
    """Pollaczek and Khinchine."""
    b, cases = Builder(), []
    for name, (size, moments) in SIZES.items():
        for load in (0.5, 0.8):
            mean, second = service_moments(moments)
            add_sources(b, b.route(link(b)), load / mean, 1, size)
            cases.append((f"M/G/1 wait, {name} sizes, load {load}, µs", mg1_wait(load / mean, mean, second)))
    waits = [part_means(m, "transport_queue")[1:] / US for _, m in replications(b.build(), 5 * HORIZON, 40, WARMUP)]
    for (name, theory), samples in zip(cases, np.array(waits).T):
        assert_mean(name, theory, samples, 0.03)


@pytest.mark.parametrize("levels", [2, 3, 4])
def test_priority(levels: int) -> None:
    """Cobham: sizes and shares of the load differ by level."""
    sizes = [SIZES["fixed"], SIZES["uniform"], ({"size_bytes": 1_400}, (1_400.0, 1_960_000.0)),
             ({"size_bytes": 200}, (200.0, 40_000.0))][:levels]  # fmt: skip
    moments = [service_moments(size[1]) for size in sizes]
    rates = [0.8 / levels / mean for mean, _ in moments]
    b = Builder()
    route = b.route(link(b))
    for level, (rate, (size, _)) in enumerate(zip(rates, sizes)):
        add_sources(b, route, rate, level, size)
    theory = cobham_waits(rates, [mean for mean, _ in moments], [second for _, second in moments])
    waits = [part_means(m, "transport_queue")[1:] / US for _, m in replications(b.build(), 10 * HORIZON, 20, WARMUP)]
    for level, samples in enumerate(np.array(waits).T):
        assert_mean(f"priority M/G/1 wait, level {level} of {levels}, load 0.8, µs", theory[level], samples, 0.03)


def periodic_sources(sources: int, links: int, period_ns: int) -> World:
    """Links with periodic sources each; a packet takes 100 µs."""
    b = Builder()
    kind = b.flow_type(period_ns=period_ns, size_bytes=100)
    for _ in range(links):
        route = b.route(b.link(rate_bps=RATE, overhead_bytes=0, buffer_bytes=LARGE))
        for _ in range(sources):
            b.flow(b.device(), kind, route)
    return b.build()


def narrowness(probability: float) -> float:
    """How narrow the interval of a probability must be: a rare event is seen less often."""
    return 0.02 if probability > 0.3 else 0.08 if probability > 0.03 else 0.5


@pytest.mark.parametrize(("sources", "period"), [(9, 10), (24, 30), (38, 40)])
def test_superposed_periodic_sources(sources: int, period: int) -> None:
    """N*D/D/1: a packet finds the work of the N - 1 others, over random sets of phases; the second period counts."""
    unit = 100 * US
    thresholds = (0.0, 0.5, 1.0, 2.5, 4.0)
    world, tails = periodic_sources(sources, 27_000 // sources, period * unit), []
    for engine, _ in replications(world, 3 * period * unit, 20, capture=True):
        rows = engine.raw()
        second = (rows[:, 3] >= period * unit) & (rows[:, 3] < 2 * period * unit)
        waits = rows[second, 6 + PARTS.index("transport_queue")]
        tails.append([(waits > x * unit).mean() for x in thresholds])
    for x, samples in zip(thresholds, np.array(tails).T):
        theory = ndd1_tail(x, sources - 1, period)
        assert_mean(f"{sources}*D/D/1, period {period}: P(wait > {x:g})", theory, samples, narrowness(theory))
