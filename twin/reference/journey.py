"""One way of a burst through links and pools, and where its time went (docs/model.md, section 5)."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any

import simpy

from twin.reference.bursts import Burst, Train
from twin.reference.instant import At
from twin.reference.transport import Hop, Visit

Passed = list[tuple[Hop, Visit]]


def travel(env: simpy.Environment, burst: Burst, hops: Sequence[Hop], t_first: int, t_last: int,
           ) -> Generator[simpy.Event, Any, int | None]:
    """Take a burst through its hops, from the arrival of its first packet at t_first and of its last at t_last.

    Returns the arrival of its last packet at the end (this may be known before it happens), or None if nothing of it
    gets there: then it ends now.
    """
    train, entered, passed = Train(burst.size, burst.flow.kind.mtu_payload_bytes), (t_first, t_last), []
    for hop in hops:
        yield At(env, t_first, burst.rank(t_first))
        visit = hop.admit(burst, train)
        if visit is None:
            return None
        passed.append((hop, visit))
        start = yield visit.started
        t_first = start + visit.head_ns + _delay(hop)
    for hop, visit in passed:
        end = yield visit.completed
        t_last = max(end, t_last + visit.tail_ns) + _delay(hop)
    if not burst.cause:
        _account(burst, passed, entered, t_last)
    return t_last


def _delay(hop: Hop) -> int:
    return hop.propagation_ns + hop.node_ns


def _account(burst: Burst, passed: Passed, entered: tuple[int, int], t_out: int) -> None:
    """Share out the time from `entered` (first, last packet) to t_out among the parts of the burst."""
    t_first, t_in = entered
    propagation, nodes = sum(hop.propagation_ns for hop, _ in passed), sum(hop.node_ns for hop, _ in passed)
    links, pools = _ideal_growth(passed, t_first - t_in)
    rest = t_out - t_in - propagation - nodes - links - pools
    at_pools = min(rest, sum(visit.wait_ns for _, visit in passed))
    burst.parts.update(propagation=propagation, processing=nodes, serialisation=links, upf=pools + at_pools,
                       transport_queue=rest - at_pools)


def _ideal_growth(passed: Passed, first: int) -> tuple[int, int]:
    """Growth of the last packet's lateness over links (without their delay) and over pools, had the train been alone.

    `first` is how long before the last packet the first one entered (zero or negative).
    """
    last, growth = 0, {True: 0, False: 0}
    for hop, visit in passed:
        came = last
        last = max(first + visit.work_ns, last + visit.tail_ns) + _delay(hop)
        first += visit.head_ns + _delay(hop)
        growth[hop.is_link] += last - came - _delay(hop)
    return growth[True], growth[False]
