"""Links and worker pools, and what a train finds there (docs/model.md, section 5)."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, Protocol

import simpy

from twin.reference.bursts import Burst, Train
from twin.reference.instant import COMPLETION, START, At

N_LEVELS = 4
_LEAST_BUFFER_PAYLOAD = 1_500  # bytes: a buffer holds two such packets, whatever the table says


@dataclass
class Visit:
    """A train at one hop. `started` yields the start of its first packet, `completed` the end of its last.

    head_ns, work_ns, tail_ns: service of the first packet, of all packets, of the last packet.
    """

    train: Train
    head_ns: int
    work_ns: int
    tail_ns: int
    started: simpy.Event
    completed: simpy.Event
    wait_ns: int = 0  # for a worker of a pool
    sent: int = 0  # packets that have left a link


class Hop(Protocol):
    """A link or a pool: what a journey needs to know of it."""

    is_link: bool
    propagation_ns: int
    node_ns: int

    @property
    def busy_ns(self) -> int:
        """Time spent serving before the horizon."""

    def admit(self, burst: Burst, train: Train) -> Visit | None:
        """Take a train that arrives now, or what fits of it; None if nothing does (the burst is then marked lost)."""


class Workers:
    """Servers of one queue, first come first served: the one that is free first takes the next."""

    def __init__(self, count: int, horizon_ns: int) -> None:
        self._free = [0] * count
        self._horizon_ns = horizon_ns
        self.busy_ns = 0  # before the horizon

    def start(self, now: int) -> int:
        """When would something that arrives now be started?"""
        return max(now, min(self._free))

    def work(self, start: int, service_ns: int) -> int:
        """Occupy the worker that is free first (the first of equals) from `start`: the completion time."""
        end = start + service_ns
        self._free[self._free.index(min(self._free))] = end
        self.busy_ns += min(end, self._horizon_ns) - min(start, self._horizon_ns)
        return end


class Pool:
    """Packet workers of a UPF in one direction."""

    is_link = False
    propagation_ns = node_ns = 0

    def __init__(self, env: simpy.Environment, row: Any, horizon_ns: int) -> None:
        self._env, self._row = env, row
        self._workers = Workers(row.workers, horizon_ns)

    @property
    def busy_ns(self) -> int:
        """Time of all workers spent before the horizon."""
        return self._workers.busy_ns

    def _service_ns(self, packets: int, size: int) -> int:
        row = self._row
        return max(1, packets * row.cost_per_packet_ns + -(-size * row.cost_per_byte_ps // 1000))

    def admit(self, burst: Burst, train: Train) -> Visit | None:
        """The whole train goes to one worker, unless it would wait too long."""
        now = int(self._env.now)
        start = self._workers.start(now)
        if start - now > self._row.queue_limit_ns:
            burst.mark("upf_overflow")
            return None
        visit = Visit(train, self._service_ns(1, train.first_bytes), self._service_ns(train.packets, train.size),
                      self._service_ns(1, train.last_bytes), self._env.event(), self._env.event(), wait_ns=start - now)
        visit.started.succeed(start)
        visit.completed.succeed(self._workers.work(start, visit.work_ns))
        return visit


class Link:
    """Strict priority by level, first in first out in a level, packet by packet, with a finite buffer."""

    is_link = True

    def __init__(self, env: simpy.Environment, row: Any, horizon_ns: int) -> None:
        self._env, self._horizon_ns = env, horizon_ns
        self._fs_per_byte = round(8e15 / row.rate_bps)
        self._overhead = row.overhead_bytes
        self.propagation_ns, self.node_ns = row.propagation_ns, row.node_ns
        self._buffer_ns = max(row.buffer_bytes * self._fs_per_byte // 10**6, 2 * self.packet_ns(_LEAST_BUFFER_PAYLOAD))
        self._queues: list[deque[Visit]] = [deque() for _ in range(N_LEVELS)]
        self._busy_until = 0
        self._work = env.event()
        self.busy_ns = 0  # before the horizon
        env.process(self._run())

    def packet_ns(self, payload: int) -> int:
        """Serialisation of one packet."""
        return int(-(-(payload + self._overhead) * self._fs_per_byte // 10**6))

    def train_ns(self, train: Train) -> int:
        """Serialisation of all packets, one after the other."""
        return (train.packets - 1) * self.packet_ns(train.first_bytes) + self.packet_ns(train.last_bytes)

    def admit(self, burst: Burst, train: Train) -> Visit | None:
        """Take the packets that the buffer holds; the burst of a cut train is lost, its packets go on."""
        now = int(self._env.now)
        unfinished = max(self._busy_until - now, 0)
        if unfinished + self.train_ns(train) > self._buffer_ns:
            burst.mark("link_overflow")
            fitting = max(0, self._buffer_ns - unfinished) // self.packet_ns(train.mtu)
            train.cut(min(train.packets - 1, fitting))
        if train.size == 0:
            return None
        self._busy_until = now + unfinished + self.train_ns(train)
        return self._enqueue(burst, Train(train.size, train.mtu))  # a copy: later hops may cut the train again

    def _enqueue(self, burst: Burst, train: Train) -> Visit:
        visit = Visit(train, self.packet_ns(train.first_bytes), self.train_ns(train), self.packet_ns(train.last_bytes),
                      self._env.event(), self._env.event())
        self._queues[burst.flow.kind.level].append(visit)
        if not self._work.triggered:
            self._work.succeed()
        return visit

    def _run(self) -> Generator[simpy.Event, None, None]:
        """Send packet after packet: at each boundary that of the most urgent level that has one."""
        while True:
            if not any(self._queues):
                self._work = self._env.event()
                yield self._work
            yield At(self._env, int(self._env.now), START)  # all arrivals of this instant are in
            queue = next(queue for queue in self._queues if queue)
            yield from self._send_packet(queue[0])
            if queue[0].sent == queue[0].train.packets:
                queue.popleft().completed.succeed(int(self._env.now))

    def _send_packet(self, visit: Visit) -> Generator[simpy.Event, None, None]:
        now, is_last = int(self._env.now), visit.sent + 1 == visit.train.packets
        duration = visit.tail_ns if is_last else visit.head_ns  # all but the last are as long as the first
        if visit.sent == 0:
            visit.started.succeed(now)
        self.busy_ns += min(duration, self._horizon_ns - now)
        yield At(self._env, now + duration, COMPLETION)
        visit.sent += 1
