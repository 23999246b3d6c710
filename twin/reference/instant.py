"""Order of events within one instant: epoch, control plane, completions, arrivals, start decisions.

docs/model.md, section 1, has the user plane, docs/signalling.md, section 2, the control plane, which is first: what it lets
pass arrives at that very instant.

SimPy orders events by (time, priority, order of scheduling). Its own wake-ups have the priorities 0 and 1; ours come after,
so that a process woken at an instant is awake before the first of our events of that instant.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum

import numpy as np
import simpy
from simpy.events import EventPriority

from twin.base.draws import tie_key

(_EPOCH, _SCRIPT, _TIMER, _SERVED, _MESSAGE, _OFFER, _READY, _OCCASION,  # control plane
 _COMPLETION, _ARRIVAL, _START) = range(2, 13)
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


class Timer(IntEnum):
    """Kinds of timer of a device, in the order in which they run out within an instant."""

    ACCESS = 0
    REJECT = 1
    WATCH = 2
    WAIT = 3
    INACTIVITY = 4
    RELEASE = 5
    PERIODIC = 6
    RATE = 7


_NUMBER_BITS = 40


def script_rank(script: int, row: int = 0) -> int:
    """Place of a scripted change: row of `scripts`, then of `script_devices`."""
    return _rank(_SCRIPT, 0, script, row)


def timer_rank(device_hash: int, time: int, kind: Timer, number: int = 0) -> int:
    """Place of a device's timer; `number`: the serial of a procedure or the row of a rate."""
    return _rank(_TIMER, 0, fair_tie(device_hash, time), kind << _NUMBER_BITS | number)


def served_rank(entity_hash: int, time: int, step: int = 0) -> int:
    """Place of the end of a service: of a step of a procedure, or of whatever a host ends."""
    return _rank(_SERVED, 0, fair_tie(entity_hash, time), step)


def message_rank(procedure_hash: int, time: int, step: int) -> int:
    """Place of a message, or of a piece of work, that arrives."""
    return _rank(_MESSAGE, 0, fair_tie(procedure_hash, time), step)


def offer_rank(flow_hash: int, seq: int, time: int) -> int:
    """Place of a burst that is offered to its device."""
    return _rank(_OFFER, 0, fair_tie(flow_hash, time), seq)


def ready_rank(device_hash: int, time: int) -> int:
    """Place of a device that becomes ready for random access."""
    return _rank(_READY, 0, fair_tie(device_hash, time))


def occasion_rank(cell_hash: int, time: int) -> int:
    """Place of a random access occasion."""
    return _rank(_OCCASION, 0, fair_tie(cell_hash, time))


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


def call_at(env: simpy.Environment, time: int, rank: int, action: Callable[[], None]) -> None:
    """Do something at an absolute time and a place within that instant."""
    event = At(env, time, rank)
    assert event.callbacks is not None  # just made
    event.callbacks.append(lambda _: action())
