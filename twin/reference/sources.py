"""Which flow sends what and when (docs/model.md, section 3): one generator a kind, of (k, time), times not decreasing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from typing import NamedTuple

import numpy as np

from twin.base.draws import ACTIVITY, CLASS, GAP, GOP, JITTER, JOIN, OFF, ON, PHASE
from twin.base.units import NS_PER_S
from twin.reference.bursts import Flow
from twin.reference.randomness import Draws

_HOUR_NS = 3_600 * NS_PER_S
#: Percent and period of mobile autonomous reporting, TR 45.820 Annex E.2.
_MAR_PERIODS = ((40, 24 * _HOUR_NS), (80, 2 * _HOUR_NS), (95, _HOUR_NS), (100, _HOUR_NS // 2))


class Emission(NamedTuple):
    """Burst k of a flow: `size` bytes at time `t` (ns)."""

    k: int
    t: int
    size: int


Times = Iterator[tuple[int, int]]


def _every(flow: Flow, draws: Draws, period: int) -> Times:
    phase = draws.below(period, flow.flow_hash, PHASE, 0)
    for k in count():
        yield k, phase + k * period + draws.below(flow.kind.jitter_ns, flow.flow_hash, JITTER, k)


def _periodic(flow: Flow, draws: Draws) -> Times:
    return _every(flow, draws, flow.kind.period_ns)


def _mar_periodic(flow: Flow, draws: Draws) -> Times:
    percent = draws.below(100, flow.flow_hash, CLASS, 0)
    period = next(period for below, period in _MAR_PERIODS if percent < below)
    return _every(flow, draws, period)


def _poisson(flow: Flow, draws: Draws) -> Times:
    t = 0
    for k in count():
        t += draws.exponential_ns(flow.kind.period_ns, flow.flow_hash, GAP, k)
        yield k, t


def _on_off(flow: Flow, draws: Draws) -> Times:
    """In the steady state from the start: on with the share of time that is on."""
    k, ended = 0, 0
    mean_on, mean_off = flow.kind.on_mean_ns, flow.kind.off_mean_ns
    starts_on = draws.below(mean_on + mean_off, flow.flow_hash, CLASS, 0) < mean_on
    for phase in count():
        if phase == 0 and starts_on:
            start = draws.below(flow.kind.period_ns, flow.flow_hash, PHASE, 0)
        else:
            start = ended + draws.exponential_ns(mean_off, flow.flow_hash, OFF, phase)
        ended = start + draws.exponential_ns(flow.kind.on_mean_ns, flow.flow_hash, ON, phase)
        for t in range(start, ended, flow.kind.period_ns):
            yield k, t
            k += 1


def _alarm(flow: Flow, draws: Draws) -> Times:
    """The events belong to the group; whether and when this flow joins one is its own."""
    event = draws.exponential_ns(flow.kind.period_ns, flow.group_hash, GAP, 0)
    for n in count():
        delay = draws.below(flow.kind.spread_ns, flow.flow_hash, JITTER, n)
        # A flow that stays out yields the time all the same: the caller must see time pass to stop at the horizon.
        yield (n if draws.happens(flow.kind.join_q32, flow.flow_hash, JOIN, n) else -1), event + delay
        event += flow.kind.spread_ns + draws.exponential_ns(flow.kind.period_ns, flow.group_hash, GAP, n + 1)


_TIMES: dict[str, Callable[[Flow, Draws], Times]] = {
    "periodic": _periodic, "video": _periodic, "mar_periodic": _mar_periodic, "poisson": _poisson, "on_off": _on_off,
    "alarm": _alarm,
}


def _size(flow: Flow, draws: Draws, k: int) -> int:
    kind, mean = flow.kind, flow.kind.size_bytes
    if kind.generator == "video" and (k + draws.below(kind.gop, flow.flow_hash, GOP, 0)) % kind.gop == 0:
        mean = kind.i_frame_bytes
    return draws.size_bytes(kind.size_kind, mean, kind.size_spread, kind.size_max_bytes, flow.flow_hash, k)


class Activity:
    """Which flows are silent at which hour: the share of active ones is `activity_q16[profile, hour]`."""

    def __init__(self, activity_q16: np.ndarray, start_of_day_ns: int) -> None:
        self._share = activity_q16
        self._start = start_of_day_ns

    def silent(self, flow: Flow, draws: Draws, k: int, t: int) -> bool:
        """Is the flow silent at time t? A Poisson stream is thinned burst by burst, others are silent as a whole."""
        hour = (self._start + t) // _HOUR_NS % 24
        index = k if flow.kind.generator == "poisson" else 0
        return draws.bits(flow.flow_hash, ACTIVITY, index) >> 48 >= int(self._share[flow.kind.profile, hour])


def emissions(flow: Flow, draws: Draws, activity: Activity, horizon_ns: int) -> Iterator[Emission]:
    """All bursts a flow offers before the horizon, in order of time."""
    for k, t in _TIMES[flow.kind.generator](flow, draws):
        if t >= horizon_ns:
            return
        if k >= 0 and not activity.silent(flow, draws, k, t):
            yield Emission(k, t, _size(flow, draws, k))
