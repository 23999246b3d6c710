"""Who does a function's work: workers of its own, or the CPUs of a host it shares (docs/signalling.md, section 4)."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import simpy

from twin.base.names import name_hash
from twin.reference.instant import call_at, served_rank

_ONE = 65_536  # a CPU of its own, and one ns of work


@dataclass(eq=False)
class Job:
    """Something a function does: `demand` ns of work; `ended` is called at its end, unless it is dropped before."""

    entity_hash: int
    step: int
    demand: int
    ended: Callable[[], None]
    dropped: bool = False


class Serving(Protocol):
    """What a function's jobs are handed to, once accepted."""

    def take(self, function: int, job: Job) -> None:
        """A job of a function (its row) arrives."""

    def drop(self, function: int) -> None:
        """The function is down: forget its jobs (each is marked `dropped`)."""


class OwnWorkers:
    """First come first served by workers of the function's own."""

    def __init__(self, env: simpy.Environment, workers: int) -> None:
        self._env = env
        self._free = [0] * workers

    def take(self, function: int, job: Job) -> None:
        """The worker that is free first does it."""
        start = max(int(self._env.now), min(self._free))
        end = start + job.demand
        self._free[self._free.index(min(self._free))] = end
        call_at(self._env, end, served_rank(job.entity_hash, end, job.step), lambda: None if job.dropped else job.ended())

    def drop(self, function: int) -> None:
        """All workers are free."""
        self._free = [0] * len(self._free)


class Host:
    """CPUs shared by functions that are each one event loop: all that have work proceed at one rate.

    `_virtual` is the work done by a function that is always busy, in ns/65536; a job begun at V is done at V + its demand.
    """

    def __init__(self, env: simpy.Environment, row: Any) -> None:
        self._env, self._cpus, self._hash = env, row.cpus, name_hash(row.name)
        self._virtual, self._since = 0, 0
        self._queues: dict[int, deque[Job]] = {}  # of the busy functions: the first job is in service
        self._tags: dict[int, int] = {}
        self._plan = object()

    @property
    def _rate(self) -> int:
        """Work of each busy function per ns, 65536 = all of a CPU."""
        return min(_ONE, int(self._cpus) * _ONE // len(self._queues))

    def take(self, function: int, job: Job) -> None:
        """Serve it now, or after the others of its function."""
        self._advance()
        if function in self._queues:
            self._queues[function].append(job)
            return
        self._queues[function] = deque([job])
        self._begin(function)
        self._schedule()

    def drop(self, function: int) -> None:
        """The others have more of the CPUs."""
        self._advance()
        if self._queues.pop(function, None):
            del self._tags[function]
        self._schedule()

    def _begin(self, function: int) -> None:
        self._tags[function] = self._virtual + self._queues[function][0].demand * _ONE

    def _advance(self) -> None:
        """Bring the virtual work up to now."""
        now = int(self._env.now)
        if self._queues:
            self._virtual += (now - self._since) * self._rate
        self._since = now

    def _schedule(self) -> None:
        """Plan the next end anew: who shares the CPUs has changed."""
        plan = self._plan = object()
        if self._queues:
            missing = max(0, min(self._tags.values()) - self._virtual)
            at = int(self._env.now) - (-missing // self._rate)
            call_at(self._env, at, served_rank(self._hash, at), lambda: self._end() if plan is self._plan else None)

    def _end(self) -> None:
        """End every job that is done, in the order of the functions' rows."""
        self._advance()
        for function in sorted(f for f, tag in self._tags.items() if tag <= self._virtual):
            job = self._queues[function].popleft()
            job.ended()
            if self._queues[function]:
                self._begin(function)
            else:
                del self._queues[function], self._tags[function]
        self._schedule()
