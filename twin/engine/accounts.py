"""Closing the accounts of a run: measures, and the conservation laws that every run must keep."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from twin.base import columns as c
from twin.base.accounting import PARTS
from twin.base.errors import ConservationError
from twin.engine.epochs import CELL_COUNTERS, record_series, served_ns
from twin.engine.state import State
from twin.measure.kernels import Capture, count_in_flight, count_parked
from twin.measure.measures import Measures

if TYPE_CHECKING:
    from twin.engine.run import Engine

BOOKING_SLOTS = 1024  # retransmissions are booked at most so far ahead: 4 attempts x 256 slots
#: Tallies of the state that are measures as they are.
KEPT = (
    "offered",
    "delivered",
    "within",
    "late_in_flight",
    "in_flight",
    "lost",
    "offered_bytes",
    "delivered_bytes",
    "delay_sum_ns",
    "delay_max_ns",
    "delay_row",
    "delay_hist",
    "part_sum_ns",
    "part_row",
    "part_hist",
    "tenant_offered",
    "tenant_delivered",
    "tenant_within",
    "series_cell_prb",
    "series_busy_ns",
    "series_delivered_bytes",
)


def bursts(state: State) -> c.Bursts:
    """The burst pool as kernels take it."""
    return c.Bursts(state.data, state.next, state.free, state.free_count)


def parked(state: State) -> c.Parked:
    """Parked bursts as kernels take them."""
    return c.Parked(state.parked, state.parked_count)


def scratch(rows: int) -> c.Scratch:
    """Sorting room for `rows` bursts."""
    return c.Scratch(*(np.zeros(rows + 1, np.int64) for _ in range(4)))


def capture(rows: int) -> Capture:
    """Room for raw bursts of one window."""
    return Capture(np.zeros((rows, 6 + len(PARTS)), np.int64), np.zeros(1, np.int64))


def event_heap(state: State) -> tuple[np.ndarray, np.ndarray]:
    """Event heap for components with cycles: an arrival a burst and two wakes a link at most."""
    room = len(state.data) + 4 * len(state.links) + 16
    return np.zeros((room, 3), np.int64), np.array([0, c.NONE], dtype=np.int64)


def snapshot(engine: Engine) -> None:
    """Remember the counters at the end of the warm-up; of the busy time what has been served by then."""
    state = engine.state
    state.warm_cells[:] = state.cells[:, CELL_COUNTERS]
    state.warm_counts[:] = state.counts
    state.warm_counts[:, c.RM_BUSY] = served_ns(state, engine.routes.resources)
    state.counts[:, c.RM_WAIT_MAX] = 0
    if engine.control is not None:
        engine.control.snapshot()


def close(engine: Engine) -> Measures:
    """Measures of the run up to now; the conservation laws are checked.

    Raises:
        ConservationError: names the law and the first offender.
    """
    now = int(engine.state.now[0])
    _record_last_epoch(engine, now)
    tenant_late = _count_in_flight(engine, now)
    measures = _measures(engine, now, tenant_late)
    check(engine, measures)
    return measures


def _record_last_epoch(engine: Engine, now: int) -> None:
    """The epoch that is going on gets its entry in the time series."""
    start = now - 1 - (now - 1) % engine.clock.epoch_ns if now else 0
    record_series(engine.state, engine.routes.resources, start, engine.bucket_ns)
    if engine.control is not None and now:
        engine.control.record(start)


def _count_in_flight(engine: Engine, now: int) -> np.ndarray:
    """Count the bursts that are under way or parked. Returns by tenant those that are late already."""
    state, flows, warmup = engine.state, engine.flows, engine.clock.warmup_ns
    alive = np.ones(len(state.data), dtype=np.bool_)
    alive[state.free[: state.free_count[0]]] = False
    state.in_flight[:], state.late_in_flight[:] = 0, 0
    tenant_late = np.zeros_like(state.tenant_ended)
    count_in_flight(alive, state.data, flows.flows, flows.types, state.in_flight, state.late_in_flight, tenant_late, now, warmup)
    count_parked(state.channels, parked(state), state.data, flows.flows, flows.types, state.in_flight, state.late_in_flight,
                 tenant_late, now, warmup)  # fmt: skip
    return tenant_late


def _measures(engine: Engine, now: int, tenant_late: np.ndarray) -> Measures:
    """What was counted since the warm-up."""
    state, clock, world = engine.state, engine.clock, engine.world
    cells = (state.cells[:, CELL_COUNTERS] - state.warm_cells).reshape(-1, 2, 6)
    counts = state.counts - state.warm_counts
    return Measures(
        n_parks=len(world.parks),
        n_operators=len(world.operators),
        n_applications=len(world.applications),
        measured_ns=now - clock.warmup_ns,
        prb_used=cells[:, :, 0],
        prb_available=engine.radio.available_prb(clock.warmup_ns, now),
        cell_bytes=cells[:, :, 1],
        cell_blocks=cells[:, :, 2],
        cell_block_errors=cells[:, :, 3],
        cell_lost=cells[:, :, 4],
        grants_used=cells[:, :, 5],
        grants_available=engine.radio.available_grants(clock.warmup_ns, now),
        offered_ns=counts[:, c.RM_OFFERED],
        tenant_ended=state.tenant_ended + tenant_late,
        busy_ns=served_ns(state, engine.routes.resources) - state.warm_counts[:, c.RM_BUSY],
        bytes=counts[:, c.RM_BYTES],
        bursts=counts[:, c.RM_BURSTS],
        packets_dropped=counts[:, c.RM_DROPPED],
        wait_max_ns=state.counts[:, c.RM_WAIT_MAX],
        bucket_ns=engine.bucket_ns,
        control=engine.control.measures() if engine.control is not None else None,
        totals={**engine.totals, "configured_grants_refused": float(state.refused[0])},
        **{name: state.arrays[name].copy() for name in KEPT},
    )


def check(engine: Engine, m: Measures) -> None:
    """Assert the conservation laws (docs/model.md, section 6).

    Raises:
        ConservationError: names the law and the first offender.
    """
    world, now = engine.world, int(engine.state.now[0])
    balance = m.offered - m.delivered - m.lost.sum(axis=2) - m.in_flight
    if balance.any():
        group, direction = (int(i[0]) for i in np.nonzero(balance))
        app = world.applications["application_id"].iloc[group % m.n_applications]
        park = world.parks["park_id"].iloc[group // (m.n_applications * m.n_operators)]
        raise ConservationError(
            f"offered - delivered - lost - in flight = {balance[group, direction]} bursts for {park}/{app}, direction {direction}"
        )
    if engine.state.bad[0]:
        raise ConservationError(f"the delay parts of {engine.state.bad[0]} bursts do not sum to their delay")
    ahead = BOOKING_SLOTS * engine.fixed_air.radios[:, c.RA_SLOT].max() if len(world.cells) else 0
    over = engine.state.cells[:, c.CE_PRB_USED].reshape(-1, 2) > engine.radio.available_prb(0, now + int(ahead))
    # A configured grant commits slots as far ahead as its backlog reaches, so its cell cannot be checked at the horizon.
    over[engine.state.channels[engine.radio.granted, c.CH_CELL] // 2, 0] = False
    full = over.any(axis=1)
    if full.any():
        raise ConservationError(f"cell {world.cells['name'].iloc[int(np.argmax(full))]} used more PRBs than it has")
    limit = now * np.maximum(engine.routes.resources[:, c.RS_WORKERS], 1)
    late = served_ns(engine.state, engine.routes.resources) > limit
    if late.any():
        raise ConservationError(f"{world.resources['name'].iloc[int(np.argmax(late))]} was busy for longer than the run")
