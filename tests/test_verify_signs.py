"""What must go up goes up: effects whose sign is known, burst by burst where that holds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.worlds import MS, US, Builder
from twin.engine.run import Engine
from twin.world.tables import DL, UL, Clock, World

HORIZON = 400 * MS
QUICK = settings(max_examples=20, deadline=None)


def delays(world: World, horizon_ns: int = HORIZON, **clock: Any) -> dict[tuple[int, int], int]:
    """Delay (ns) of every burst that arrived, by flow and number."""
    engine = Engine(world, Clock(horizon_ns, epoch_ns=100 * MS, **clock), capture=True)
    engine.advance(horizon_ns)
    engine.measures()
    rows = engine.raw()
    return {(f, k): end - born for f, k, born, end, cause in rows[:, [0, 1, 3, 4, 5]].tolist() if cause == 0}


def never_less(more: dict[tuple[int, int], int], less: dict[tuple[int, int], int]) -> bool:
    """Every burst of both runs takes at least as long in the first."""
    both = more.keys() & less.keys()
    assert len(both) > 50
    return all(more[key] >= less[key] for key in both)


def queue_world(kind: str, flows: int, rates: tuple[int, ...] = (20_000_000,)) -> World:
    """Flows that share one queue of a kind (or links in a row)."""
    b = Builder()
    hops = {"link": lambda: [b.link(rate_bps=rate, buffer_bytes=1 << 30) for rate in rates],
            "pool": lambda: [b.pool(workers=2, cost_per_packet_ns=300 * US)],
            "server": lambda: [b.server(workers=3, service_kind="exponential", service_mean_ns=400 * US)]}[kind]()  # fmt: skip
    route = b.route(*hops)
    number = b.flow_type(generator="poisson", period_ns=6 * MS, size_kind="uniform", size_bytes=900, size_spread=0.5)
    for _ in range(flows):
        b.flow(b.device(), number, route)
    return b.build()


@QUICK
@given(st.sampled_from(("link", "pool", "server")), st.integers(2, 10), st.integers(1, 15), st.integers(0, 999))
def test_more_load_helps_nobody(kind: str, few: int, more: int, seed: int) -> None:
    """In one queue no burst is earlier because there are others."""
    assert never_less(delays(queue_world(kind, few + more), seed=seed), delays(queue_world(kind, few), seed=seed))


@QUICK
@given(st.lists(st.sampled_from((10, 20, 50)), min_size=1, max_size=3), st.integers(0, 2), st.integers(2, 8), st.integers(0, 999))
def test_a_faster_link_delays_nobody(mbit_s: list[int], which: int, flows: int, seed: int) -> None:
    """Of links in a row, any one made faster: no burst is later."""
    rates = [rate * 10**6 for rate in mbit_s]
    faster = list(rates)
    faster[which % len(rates)] *= 3
    slow, fast = (delays(queue_world("link", flows, tuple(r)), seed=seed) for r in (rates, faster))
    assert never_less(slow, fast)


@pytest.mark.parametrize("direction", [UL, DL])
def test_more_devices_never_lower_the_mean_delay_of_a_cell(direction: int) -> None:
    size, means = 600 if direction == UL else 2_000, []
    for devices in (2, 20, 60, 120):
        b = Builder()
        b.cell(b.radio(n_prb=24))
        route = b.route(b.link())
        kind = b.flow_type(direction=direction, generator="poisson", period_ns=40 * MS, size_bytes=size)
        for _ in range(devices):
            b.flow(b.device(cell=0, gain_db=-95.0), kind, route if direction == UL else -1, route if direction == DL else -1)
        found = [np.mean(list(delays(b.build(), 2 * HORIZON, replication=r).values())) for r in range(4)]
        means.append(np.mean(found))
    assert means == sorted(means)
    assert means[-1] > 1.2 * means[0]


@QUICK
@given(st.integers(0, 2_000), st.sampled_from((50, 1_000)), st.integers(1, 6), st.integers(0, 999))
def test_a_server_beside_the_upf_is_no_detour(far_us: int, mbit_s: int, flows: int, seed: int) -> None:
    """The same way with and without the links from the UPF to a distant server."""
    def world(beside: bool) -> World:
        b = Builder()
        hops = [b.link(rate_bps=40_000_000), b.pool()]
        far = b.link(rate_bps=mbit_s * 10**6, propagation_ns=far_us * US)
        server = b.server(service_mean_ns=20 * US)
        route = b.route(*hops, *([] if beside else [far]), server)
        number = b.flow_type(generator="poisson", period_ns=5 * MS, size_bytes=4_000)
        for _ in range(flows):
            b.flow(b.device(), number, route)
        return b.build()

    assert never_less(delays(world(beside=False), seed=seed), delays(world(beside=True), seed=seed))
