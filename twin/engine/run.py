"""The driver: cuts the horizon into windows and runs the stages in order (docs/model.md)."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from twin.base import columns as c
from twin.base.draws import run_key
from twin.base.entry import Lists
from twin.base.signal_columns import DEVICE_COLUMNS
from twin.engine import accounts, compile_apart, epochs
from twin.engine.air import air_tables
from twin.engine.control_plane import ControlPlane
from twin.engine.flows import flow_tables
from twin.engine.net import link_states, route_tables, run_order
from twin.engine.state import State, add_network, new_state, series_bucket_ns
from twin.measure.kernels import Accounts, Capture, account
from twin.measure.measures import Measures
from twin.radio.kernels import run_cells
from twin.radio.slot_kernels import Air
from twin.traffic.kernels import Gate, Offered, Traffic, Wheel, generate, start_all
from twin.transport.event_kernels import Net
from twin.transport.kernels import run_network
from twin.world.tables import DL, UL, Clock, World

WINDOW_ROWS = 4_096
ROWS_A_CELL = 3.2  # with very many cells: each that is woken has something to do
MIN_WINDOW_NS = 20_000
PROGRESS_S = 0.2
NO_GATE = Gate(c.aligned_rows(0, DEVICE_COLUMNS), np.zeros(1, np.int64))


class Engine:
    """One replication. `advance(t)` runs to t; any cut of the horizon gives the same bursts."""

    def __init__(
        self, world: World, clock: Clock, state: State | None = None, window_ns: int | None = None, capture: bool = False
    ):
        self.world, self.clock = world, clock
        self.key = np.uint64(run_key(np.uint64(clock.seed), np.uint64(clock.replication)))
        self.flows = flow_tables(world, int(self.key))
        self.fixed_air = air_tables(world)
        self.routes = route_tables(world)
        self.order = run_order(world, self.routes)
        self.bucket_ns = series_bucket_ns(clock)
        self.traffic = Traffic(self.flows.flows, self.flows.types, self.flows.spread, world.activity_q16.astype(np.int64))
        self.radio = epochs.RadioLoads(world, self.flows, self.fixed_air)
        self.captured: list[np.ndarray] = []
        self.capture = capture
        self.totals = {"bursts": 0, "windows": 0, "wall_s": 0.0}
        self.window_ns = window_ns or self._window_ns()
        self.scratch = accounts.scratch(0)
        self.control = ControlPlane(self, world.signalling, capture) if world.signalling is not None else None
        self.state = state or self._first_state()
        self._bind()

    def _window_ns(self) -> int:
        """A window of so many bursts that their rows stay in the second-level cache."""
        period = self.flows.types[self.flows.flows[:, c.FL_TYPE], c.TY_PERIOD].astype(float)
        kind = self.flows.types[self.flows.flows[:, c.FL_TYPE], c.TY_KIND]
        period = np.where(kind == c.MAR_PERIODIC, 7.7e12, np.maximum(period, 1.0))
        rows = max(WINDOW_ROWS, ROWS_A_CELL * len(self.world.cells))
        per_ns = float((1.0 / period).sum())
        return int(np.clip(rows / max(per_ns, 1e-18), MIN_WINDOW_NS, self.clock.epoch_ns))

    def _first_state(self) -> State:
        state = new_state(self.world, self.clock, self.flows, self.fixed_air)
        add_network(state, self.routes.resources, link_states(self.routes))
        start_all(self.key, self.traffic, state.flow_state, Wheel(state.wheel_head, state.wheel_opened, state.wheel_chunks))
        if self.control is not None:
            self.control.first(state)
        return state

    def _bind(self) -> None:
        """Views of the state's arrays as the kernels take them."""
        s, a = self.state, self.fixed_air
        self.bursts = accounts.bursts(s)
        self.wheel = Wheel(s.wheel_head, s.wheel_opened, s.wheel_chunks)
        self.lists = Lists(s.cell_lists, s.resource_lists, s.access_list)
        self.offered = Offered(s.offered, s.offered_bytes, s.tenant_offered)
        self.air = Air(
            a.radios,
            a.usable,
            a.lead,
            a.after,
            a.usable_from,
            a.uplink,
            a.symbols,
            a.table,
            a.payload,
            s.cells,
            s.channels,
            s.booked,
            s.waiting,
            accounts.parked(s),
        )
        self.net = Net(
            s.links, s.workers, s.counts, self.flows.flows, self.flows.types, s.cells, a.radios, *accounts.event_heap(s)
        )
        if self.control is not None:
            self.control.bind(s)
        self.accounts = Accounts(*(s.arrays[name] for name in Accounts._fields))

    def _room(self, rows: int) -> None:
        """At least `rows` free rows, and scratch for all."""
        if self.state.free_count[0] < rows:
            self.state.grow(len(self.state.data) + rows)
            self._bind()
        if len(self.scratch.t) < len(self.state.data):
            self.scratch = accounts.scratch(len(self.state.data))

    def advance(self, until: int, progress: Callable[[int], None] | None = None) -> None:
        """Run to `until` (at most the horizon), exclusive."""
        self._compile_first()
        until = min(until, self.clock.horizon_ns)
        now, epoch = int(self.state.now[0]), self.clock.epoch_ns
        spoken = started = time.perf_counter()
        while now < until:
            if now % epoch == 0:
                self._epoch(now)
            if now == self.clock.warmup_ns:
                accounts.snapshot(self)
            edge = min(until, now + self.window_ns, now - now % epoch + epoch)
            if now < self.clock.warmup_ns:
                edge = min(edge, self.clock.warmup_ns)
            self._window(edge)
            now = edge
            self.state.now[0] = now
            if progress is not None and time.perf_counter() - spoken > PROGRESS_S:
                spoken = time.perf_counter()
                progress(now)
        self.totals["wall_s"] += time.perf_counter() - started

    def _epoch(self, now: int) -> None:
        signalling = self.control.used_prb() if self.control is not None and now > 0 else None
        self.radio.epoch(self.state, self.air, self.routes.resources, now, self.clock, self.bucket_ns, signalling)
        if self.control is not None:
            self.control.epoch(now)

    def _gate(self) -> Gate:
        """What lets a burst pass without the control plane."""
        if self.control is None:
            return NO_GATE
        self.control.set_fence(int(self.state.now[0]))
        return self.control.gate()

    def _compile_first(self) -> None:
        """Compile what the first window needs: the control plane in a process of its own, the rest meanwhile in this one."""
        if self.control is None or compile_apart.is_compiled():
            return
        apart = compile_apart.begin(self.control.arguments(self.lists, 0))
        compile_apart.compile_here(generate, self._generate_arguments(NO_GATE, 0))
        compile_apart.compile_here(run_cells, self._cells_arguments(UL, 0))
        compile_apart.compile_here(run_network, self._network_arguments(0))
        compile_apart.compile_here(account, self._account_arguments(accounts.capture(0), 0))
        apart.wait()

    def _window(self, until: int) -> None:
        s, gate = self.state, self._gate()
        self._room(1024)
        while True:
            n = generate(*self._generate_arguments(gate, until))
            self.totals["bursts"] += n if n >= 0 else -1 - n
            if n >= 0:
                break
            self._room(len(s.data))
        self.totals["windows"] += 1
        # Every burst alive may be answered once: room for the responses; and for what comes back from parking.
        alive = len(s.data) - int(s.free_count[0])
        self._room(alive + int(s.parked_count[c.PN_COUNT]) + 1)
        if s.room_to_park(alive):
            self._bind()
        if self.control is not None:
            self.control.run(self.lists, until)
        run_cells(*self._cells_arguments(UL, until))
        run_network(*self._network_arguments(until))
        run_cells(*self._cells_arguments(DL, until))
        self._account(until)

    def _generate_arguments(self, gate: Gate, until: int) -> tuple[Any, ...]:
        s, warmup, start_of_day = self.state, self.clock.warmup_ns, self.world.start_of_day_ns
        return (self.key, self.traffic, s.flow_state, self.wheel, self.bursts, self.routes, self.lists, s.done, self.offered,
                gate, until, warmup, start_of_day)  # fmt: skip

    def _cells_arguments(self, direction: int, until: int) -> tuple[Any, ...]:
        flows, done = self.flows.flows, self.state.done
        return self.key, self.air, direction, flows, self.bursts, self.routes, self.lists, done, until, self.scratch

    def _network_arguments(self, until: int) -> tuple[Any, ...]:
        order = self.order
        return (self.key, self.net, self.bursts, self.routes, self.lists, self.state.done, order.start, order.resources, until,
                self.scratch)  # fmt: skip

    def _account_arguments(self, cap: Capture, until: int) -> tuple[Any, ...]:
        flows, done = self.flows, self.state.done
        return (done, self.bursts, flows.flows, flows.types, self.accounts, cap, until, self.clock.warmup_ns, self.bucket_ns)

    def _account(self, until: int) -> None:
        alive = len(self.state.data) - int(self.state.free_count[0])
        cap = accounts.capture(2 * alive if self.capture else 0)
        account(*self._account_arguments(cap, until))
        if self.capture and cap.n_rows[0]:
            self.captured.append(cap.rows[: cap.n_rows[0]].copy())

    def measures(self) -> Measures:
        """Close the accounts at the present instant and check the conservation laws."""
        return accounts.close(self)

    def raw(self) -> np.ndarray:
        """Ended bursts (when `capture`): int64 rows of flow, seq, direction, t_gen, t_end, cause and the delay parts."""
        width = 6 + c.N_PARTS
        return np.concatenate(self.captured) if self.captured else np.zeros((0, width), np.int64)


def simulate(world: World, clock: Clock, progress: Callable[[int], None] | None = None) -> Measures:
    """Run one replication from 0 to the horizon.

    Raises:
        twin.base.errors.ConservationError: a conservation law does not hold (an internal error).
    """
    engine = Engine(world, clock)
    engine.advance(clock.horizon_ns, progress)
    return engine.measures()


def restore(world: World, clock: Clock, path: Path) -> Engine:
    """An engine that goes on from a saved state."""
    return Engine(world, clock, State.load(path))


__all__ = ["Capture", "Engine", "restore", "simulate"]
