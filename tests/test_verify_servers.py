"""Server queues and UPF pools of the engine against M/M/c, M/D/c, tandems and Little's law."""

from __future__ import annotations

import numpy as np
import pytest

from tests.theory import (
    assert_mean,
    hypoexponential_tail,
    mdc_wait,
    mg1_wait,
    mm1_wait,
    mmc_wait,
    part_means,
    replications,
)
from tests.worlds import MS, US, Builder
from twin.engine.run import Engine
from twin.world.tables import Clock, World

pytestmark = pytest.mark.verify

SERVICE = 100 * US
HORIZON, WARMUP = 20_000 * MS, 500 * MS
SOURCES = 4  # Poisson flows that share a queue
LOADS = (0.5, 0.8)
WORKERS = (1, 3)


def add_sources(b: Builder, route: int, load: float, workers: int = 1) -> None:
    """Poisson flows of an application of their own that load a queue of `workers` workers."""
    period = round(SOURCES * SERVICE / (load * workers))
    kind = b.flow_type(application=b.add("applications"), generator="poisson", period_ns=period, size_bytes=100)
    for _ in range(SOURCES):
        b.flow(b.device(), kind, route)


def queues(service: str) -> World:
    """One queue for each load and number of workers; application 0 has no flows. `service`: a kind of server, or "pool"."""
    b = Builder()
    for workers in WORKERS:
        for load in LOADS:
            if service == "pool":
                queue = b.pool(workers=workers, cost_per_packet_ns=SERVICE, cost_per_byte_ps=0)
            else:
                queue = b.server(workers=workers, service_kind=service, service_mean_ns=SERVICE)
            add_sources(b, b.route(queue), load, workers)
    return b.build()


def waits(service: str, count: int) -> dict[tuple[int, float], np.ndarray]:
    """Mean waits (in service times) of each queue, one a replication: time spent less the mean service given."""
    part = "upf" if service == "pool" else "server"
    table = np.array([part_means(m, part)[1:] - m.busy_ns / m.bursts
                      for _, m in replications(queues(service), HORIZON, count, WARMUP)]) / SERVICE
    return {key: table[:, i] for i, key in enumerate((workers, load) for workers in WORKERS for load in LOADS)}


def test_exponential_service() -> None:
    for (workers, load), samples in waits("exponential", 20).items():
        theory = mmc_wait(load, 1.0, workers)
        assert_mean(f"M/M/{workers} wait, server, load {load}", theory, samples, 0.03)
        assert workers > 1 or theory == pytest.approx(mm1_wait(load, 1.0))


@pytest.mark.parametrize("service", ["fixed", "pool"])
def test_fixed_service(service: str) -> None:
    for (workers, load), samples in waits(service, 16).items():
        theory = mdc_wait(load, 1.0, workers)
        where = "UPF pool" if service == "pool" else "server"
        assert_mean(f"M/D/{workers} wait, {where}, load {load}", theory, samples, 0.03)
        assert workers > 1 or theory == pytest.approx(mg1_wait(load, 1.0, 1.0))


def test_tandem_of_servers() -> None:
    """Jackson: each queue of a chain is an M/M/1 of its own, and the times in them are independent."""
    services, load_of_slowest = (100 * US, 60 * US, 80 * US), 0.7
    b = Builder()
    chain = b.route(*(b.server(service_kind="exponential", service_mean_ns=mean) for mean in services))
    add_sources(b, chain, load_of_slowest)
    left = [1.0 / mean - load_of_slowest / SERVICE for mean in services]
    bound = 1.5 * sum(1.0 / rate for rate in left)
    means, tails = [], []
    for engine, _ in replications(b.build(), HORIZON // 2, 16, capture=True):
        rows = engine.raw()
        delays = (rows[:, 4] - rows[:, 3])[rows[:, 3] >= WARMUP]
        means.append(delays.mean() / US)
        tails.append((delays > bound).mean())
    assert_mean("tandem of 3 M/M/1: mean delay, µs", sum(1.0 / rate for rate in left) / US, means, 0.02)
    assert_mean("tandem of 3 M/M/1: P(delay > 1.5 means)", hypoexponential_tail(bound, left), tails, 0.05)


def test_littles_law() -> None:
    """Bursts seen in the system at instants = rate x mean delay: counted apart, on a link, a pool and servers in a row."""
    b = Builder()
    route = b.route(b.link(rate_bps=16_000_000, propagation_ns=70 * US, buffer_bytes=1 << 30), b.pool(cost_per_packet_ns=50 * US),
                    b.server(service_kind="exponential", service_mean_ns=150 * US, workers=2))
    kind = b.flow_type(generator="poisson", period_ns=500 * US, size_bytes=100)
    for _ in range(SOURCES):
        b.flow(b.device(), kind, route)
    world, horizon, ratios = b.build(), 4_000 * MS, []
    for replication in range(12):
        engine = Engine(world, Clock(horizon, replication=replication), capture=True)
        seen = []
        for t in range(MS, horizon, MS):
            engine.advance(t)
            seen.append(len(engine.state.data) - int(engine.state.free_count[0]))
        engine.advance(horizon)
        rows = engine.raw()
        ratios.append(np.mean(seen) / ((rows[:, 4] - rows[:, 3]).sum() / horizon))
    assert_mean("Little: bursts in the system / (rate x delay)", 1.0, ratios, 0.01)


def test_utilisation() -> None:
    """Busy share of the workers = rate x service."""
    world = queues("exponential")
    busy = np.array([m.busy_ns / (m.measured_ns * world.resources["workers"]) for _, m in replications(world, HORIZON // 4, 10)])
    for i, (workers, load) in enumerate((workers, load) for workers in WORKERS for load in LOADS):
        assert_mean(f"utilisation of {workers} workers, load {load}", load, busy[:, i], 0.02)
