"""Links that serve packet by packet (SimPy, written here) against the engine's packet trains."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pytest
import simpy

from tests.theory import LOG
from tests.worlds import MS, Builder
from twin.engine.run import Engine
from twin.world.tables import Clock

MTU = 1_400
OVERHEAD = 40


class Packet(NamedTuple):
    level: int
    order: int  # of arrival
    burst: int
    is_last: bool
    size: int
    hops: tuple[int, ...]


class PacketLink:
    """One packet at a time, the most urgent level first, in order of arrival within a level."""

    def __init__(self, env: simpy.Environment, ns_per_byte: int, links: list[PacketLink], ends: dict[int, int]):
        self.env, self.ns_per_byte, self.links, self.ends = env, ns_per_byte, links, ends
        self.queue: list[Packet] = []
        self.seen = 0
        self.wake = env.event()
        env.process(self.serve())

    def put(self, packet: Packet) -> None:
        self.seen += 1
        heapq.heappush(self.queue, packet._replace(order=self.seen))
        if not self.wake.triggered:
            self.wake.succeed()

    def serve(self) -> Iterator[simpy.Event]:
        while True:
            if not self.queue:
                self.wake = self.env.event()
                yield self.wake
            yield self.env.timeout(0)  # what arrives at this instant is considered as well
            packet = heapq.heappop(self.queue)
            yield self.env.timeout((packet.size + OVERHEAD) * self.ns_per_byte)
            if packet.hops:
                self.links[packet.hops[0]].put(packet._replace(hops=packet.hops[1:]))
            elif packet.is_last:
                self.ends[packet.burst] = self.env.now


class Burst(NamedTuple):
    t: int
    size: int
    level: int
    hops: tuple[int, ...]


def by_packets(bursts: list[Burst], ns_per_byte: list[int]) -> np.ndarray:
    """When the last packet of each burst has come through."""
    env, links, ends = simpy.Environment(), [], {}
    links.extend(PacketLink(env, rate, links, ends) for rate in ns_per_byte)

    def send() -> Iterator[simpy.Event]:
        for number, burst in sorted(enumerate(bursts), key=lambda item: item[1].t):
            yield env.timeout(burst.t - env.now)
            for left in range(burst.size, 0, -MTU):
                links[burst.hops[0]].put(Packet(burst.level, 0, number, left <= MTU, min(left, MTU), burst.hops[1:]))

    env.process(send())
    env.run()
    return np.array([ends[i] for i in range(len(bursts))])


class Source(NamedTuple):
    """A flow: its level, hops, and what its flow type says."""

    level: int
    hops: tuple[int, ...]
    kind: dict[str, Any]


def compare(sources: list[Source], ns_per_byte: list[int], horizon_ns: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Delays (ns) by trains and by packets of every burst, and its level. The engine's own bursts are given to both."""
    b = Builder()
    for rate in ns_per_byte:
        b.link(rate_bps=8 * 10**9 // rate, overhead_bytes=OVERHEAD, buffer_bytes=1 << 40)
    for source in sources:
        kind = b.flow_type(level=source.level, mtu_payload_bytes=MTU, **source.kind)
        b.flow(b.device(), kind, b.route(*source.hops))
    engine = Engine(b.build(), Clock(horizon_ns + 1_000 * MS), capture=True)
    engine.advance(horizon_ns + 1_000 * MS)
    rows = engine.raw()
    rows = rows[rows[:, 3] < horizon_ns + 500 * MS]
    bursts = [Burst(t, sources[f].kind["size_bytes"], sources[f].level, sources[f].hops) for f, t in rows[:, [0, 3]].tolist()]
    ends = by_packets(bursts, ns_per_byte)
    keep = rows[:, 3] < horizon_ns
    levels = np.array([burst.level for burst in bursts])
    return (rows[:, 4] - rows[:, 3])[keep], (ends - rows[:, 3])[keep], levels[keep]


def mixed_sources(hops: tuple[int, ...], scale: float) -> list[Source]:
    """Small urgent messages, medium ones, and large ones of two low levels; `scale` stretches the periods."""
    kinds = [(0, 200, 2.0), (1, 1_400, 5.0), (2, 9_000, 16.0), (2, 30_000, 50.0), (3, 20_000, 40.0)]
    return [Source(level, hops, {"generator": "poisson", "size_bytes": size, "period_ns": round(period * scale * MS)})
            for level, size, period in kinds for _ in range(2)]


@pytest.mark.parametrize("scale", [0.2, 0.35])
def test_back_to_back_trains_agree_exactly(scale: float) -> None:
    """A train that is there whole when it arrives is served packet by packet to the nanosecond, with and without overload."""
    trains, packets, _ = compare(mixed_sources((0,), scale), [40], 300 * MS)
    assert len(trains) > 1_000
    np.testing.assert_array_equal(trains, packets)


@pytest.mark.parametrize("size", [28_000, 30_001, 600])
def test_alone_on_the_way(size: int) -> None:
    """Over slow and fast links in any order, a burst that meets no other comes when its last packet comes.

    But for a short last packet that catches up with the full one before it, behind a slower link: it is early by less than the
    time of one full packet on the links behind.
    """
    for rates in ([40, 80, 8], [8, 80, 40], [80, 8, 8]):
        source = Source(2, (0, 1, 2), {"period_ns": 50_000_017, "size_bytes": size})
        trains, packets, _ = compare([source], rates, 1_000 * MS)
        if size % MTU and size > MTU:
            assert (trains <= packets).all() and (packets - trains < (MTU + OVERHEAD) * sum(rates[1:])).all()
        else:
            np.testing.assert_array_equal(trains, packets)


def on_the_line(size: int) -> int:
    """Bytes with the overhead of all packets."""
    return size + OVERHEAD * -(-size // MTU)


#: name, access ns/byte, shared ns/byte (8 is 1 Gbit/s), stretch of the periods.
SPREAD = [
    ("100 Mbit/s into 1 Gbit/s", 80, 8, 0.5),
    ("100 Mbit/s into 400 Mbit/s", 80, 20, 0.5),
    ("100 Mbit/s into 200 Mbit/s", 80, 40, 0.9),
    ("20 Mbit/s into 1 Gbit/s", 400, 8, 2.0),
    ("20 Mbit/s into 100 Mbit/s", 400, 80, 2.0),
]


@pytest.mark.verify
@pytest.mark.parametrize(("name", "access", "shared", "scale"), SPREAD)
def test_trains_spread_in_time(name: str, access: int, shared: int, scale: float) -> None:
    """Four access links feed one: packets of a train come apart and mix with others'. The error of the model, per level."""
    sources = [s for i in range(4) for s in mixed_sources((i, 4), scale)]
    trains, packets, levels = compare(sources, [access] * 4 + [shared], round(12_000 * MS * scale))
    busy = shared * sum(on_the_line(s.kind["size_bytes"]) / s.kind["period_ns"] for s in sources)
    for level in range(4):
        a, b = trains[levels == level], packets[levels == level]
        error, p99 = a.mean() / b.mean() - 1, np.quantile(a, 0.99) / np.quantile(b, 0.99) - 1
        LOG.info("| %s | %.0f %% | %d | %.0f | %.0f | %+.2g %% | %+.2g %% | %.0f |", name, 100 * busy, level, b.mean() / 1e3,
                 a.mean() / 1e3, 100 * error, 100 * p99, np.abs(a - b).max() / 1e3)
        assert abs(error) < (0.03 if level < 2 else 0.10)
        assert abs(p99) < 0.10
