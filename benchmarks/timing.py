"""Timing of engines: whole simulated seconds, one after the other, after a warm-up."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from twin.engine.run import Engine
from twin.world.tables import Clock, World

SECOND = 1_000_000_000


@dataclass(frozen=True)
class Pace:
    """A stretch of a run: simulated seconds, messages generated, seconds it took."""

    simulated_s: float
    bursts: int
    wall_s: float

    @property
    def us_per_burst(self) -> float:
        return 1e6 * self.wall_s / max(self.bursts, 1)

    @property
    def real_time_factor(self) -> float:
        return self.simulated_s / self.wall_s


def seconds(work: Callable[[], object]) -> float:
    """How long a call takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def cpu_seconds(work: Callable[[], object]) -> float:
    """How much time of the processor a call takes: other work on the machine disturbs it less."""
    started = time.process_time()
    work()
    return time.process_time() - started


class Runner:
    """An engine that has run its warm-up (compilation, filling of queues) and is driven in stretches of whole seconds."""

    def __init__(self, world: World, total_s: int, warmup_s: int = 1, timer: Callable[[Callable[[], object]], float] = seconds):
        self.engine = Engine(world, Clock((warmup_s + total_s) * SECOND))
        self._now_s, self._timer = 0, timer
        self.stretch(warmup_s)

    def stretch(self, simulated_s: int) -> Pace:
        """Go on for some simulated seconds."""
        before = self.engine.totals["bursts"]
        self._now_s += simulated_s
        wall_s = self._timer(lambda: self.engine.advance(self._now_s * SECOND))
        return Pace(simulated_s, int(self.engine.totals["bursts"] - before), wall_s)

    def finish(self) -> None:
        """Check the conservation laws: a figure of a wrong run is worth nothing."""
        self.engine.measures()


def paces(world: World, simulated_s: int, repetitions: int) -> list[Pace]:
    """Equal stretches of one run after its warm-up."""
    runner = Runner(world, simulated_s * repetitions)
    found = [runner.stretch(simulated_s) for _ in range(repetitions)]
    runner.finish()
    return found
