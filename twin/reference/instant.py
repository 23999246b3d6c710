"""Order of events within one instant (docs/model.md, section 1): epoch, completions, arrivals, start decisions.

SimPy orders events by (time, priority, order of scheduling). Its own wake-ups have the priorities 0 and 1; ours come after,
so that a process woken at an instant is awake before the first of our events of that instant.
"""

from __future__ import annotations

import numpy as np
import simpy
from simpy.events import EventPriority

from twin.base.draws import tie_key

_EPOCH, _COMPLETION, _ARRIVAL, _START = 2, 3, 4, 5
_LEVEL_BITS, _TIE_BITS, _SEQ_BITS = 8, 64, 48


def _rank(phase: int, level: int = 0, tie: int = 0, seq: int = 0) -> int:
    """One integer that sorts by phase, then priority level, then tie key, then sequence number."""
    return (((phase << _LEVEL_BITS | level) << _TIE_BITS) | tie) << _SEQ_BITS | seq


EPOCH = _rank(_EPOCH)
COMPLETION = _rank(_COMPLETION)
START = _rank(_START)


def arrival_rank(level: int, flow_hash: int, seq: int, time: int) -> int:
    """Place of a burst among the arrivals of the instant `time` (ns)."""
    return _rank(_ARRIVAL, level, fair_tie(flow_hash, time), seq)


def fair_tie(flow_hash: int, time: int) -> int:
    """Tie key of a flow at an instant: unsigned 64 bits, another order at every instant."""
    return int(tie_key(np.uint64(flow_hash), time))


class At(simpy.Event):
    """An event at an absolute time (ns, not before now) and a place within that instant; its value is None."""

    def __init__(self, env: simpy.Environment, time: int, rank: int) -> None:
        super().__init__(env)
        if time < env.now:
            raise ValueError(f"an event at {time} ns cannot be scheduled at {env.now} ns: causes come first")
        self._ok, self._value = True, None  # triggered from birth, as simpy.Timeout is
        env.schedule(self, EventPriority(rank), time - int(env.now))
