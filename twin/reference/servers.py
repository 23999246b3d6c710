"""Application servers behind the uplink: they take whole messages (docs/model.md, section 5)."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import simpy

from twin.base.draws import SERVICE
from twin.reference.bursts import Burst
from twin.reference.instant import COMPLETION, At
from twin.reference.randomness import Draws
from twin.reference.transport import Workers


class Server:
    """One queue, first come first served, with some workers and a longest wait."""

    def __init__(self, env: simpy.Environment, row: Any, draws: Draws, horizon_ns: int) -> None:
        self._env, self._row, self._draws = env, row, draws
        self._workers = Workers(row.workers, horizon_ns)

    @property
    def busy_ns(self) -> int:
        """Time of all workers spent before the horizon."""
        return self._workers.busy_ns

    def _service_ns(self, burst: Burst, stage: int) -> int:
        if self._row.service_kind == "fixed":
            return max(1, int(self._row.service_mean_ns))
        return self._draws.exponential_ns(self._row.service_mean_ns, burst.flow.flow_hash, SERVICE + stage, burst.seq)

    def serve(self, burst: Burst, stage: int) -> Generator[simpy.Event, None, bool]:
        """Serve a burst that arrives now, as the server number `stage` of its route: False if it would wait too long."""
        now = int(self._env.now)
        start = self._workers.start(now)
        if start - now > self._row.queue_limit_ns:
            return False
        done = self._workers.work(start, self._service_ns(burst, stage))
        burst.parts["server"] += done - now
        yield At(self._env, done, COMPLETION)
        return True
