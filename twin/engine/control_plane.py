"""The control plane in a run: its kernels' tables, its windows and epochs, and what it measured (docs/signalling.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from twin.base import columns as c
from twin.base import signal_columns as sc
from twin.base.entry import Lists
from twin.base.errors import ConservationError
from twin.engine.control import cutting_times, fixed_tables
from twin.engine.control_state import PREFIX, TALLY, add_control, grow_control
from twin.engine.state import State
from twin.measure.control import ControlMeasures
from twin.signalling.kernels import push_script_devices, run_control, start_control
from twin.traffic.kernels import Gate
from twin.world.signalling_start import script_times
from twin.world.signalling_tables import Signalling

if TYPE_CHECKING:
    from twin.engine.run import Engine

LOG_ROOM, LOG_COLUMNS = 1 << 18, 7
#: Tallies that begin anew at the end of the warm-up.
FROM_WARMUP = ("duration_sum", "duration_hist", "core_sum", "core_hist", "ra_tx", "ra_delay_hist", "ra_delay_sum", "gauge_area")
ACCESS_COLUMNS = [sc.RA_BEGUN, sc.RA_PREAMBLES, sc.RA_PREAMBLES_COLLIDED, sc.RA_SUCCEEDED, sc.RA_FAILED]


class ControlPlane:
    """Binds the control plane's arrays in the engine's `State` to its kernels.

    log: whether ended procedures and accesses are remembered (tests).
    """

    def __init__(self, engine: Engine, signalling: Signalling, log: bool):
        self.engine, self.tables = engine, signalling
        self.fixed = fixed_tables(engine.world, engine.fixed_air)
        self.cuts = cutting_times(signalling)
        self.cursor = np.zeros(2, np.int64)
        room = LOG_ROOM if log else 0
        self.log = np.zeros((room, LOG_COLUMNS), np.int64)
        self.access_log = np.zeros((room, LOG_COLUMNS), np.int64)
        self.log_size = np.zeros(2, np.int64)

    def first(self, state: State) -> None:
        """Add the arrays to a new state, and the first events."""
        s = self.tables
        add_control(state, s, int(self.engine.key), len(self.fixed.rates))
        self._series(state)
        self.bind(state)
        start_control(self.engine.key, self.fixed, self.control)
        push_script_devices(self.fixed, self.control, script_times(s, int(self.engine.key)))

    def _series(self, state: State) -> None:
        """Time series, and counters as they were at the last epoch edge and at the end of the warm-up."""
        n = len(state.series_busy_ns)
        shapes = {"procedures": (n, len(self.tables.procedures), 4), "access": (n, 5), "busy_ns": (n, len(self.tables.functions)),
                  "backlog": (n, len(self.tables.functions)), "gauges": (n, len(self.tables.cores), 3)}  # fmt: skip
        for name, shape in shapes.items():
            setattr(state, "control_series_" + name, np.zeros(shape, np.int64))
        for when in ("epoch", "warm"):
            for name, array in self._counters(state).items():
                setattr(state, f"control_{when}_{name}", np.zeros_like(array))

    def bind(self, state: State) -> None:
        """Views of the state's arrays as the kernels take them."""
        logs = {"log": self.log, "access_log": self.access_log, "log_size": self.log_size}
        self.control = sc.Control(*(logs[n] if n in logs else getattr(state, PREFIX + n) for n in sc.Control._fields))
        self.tally = sc.Tally(*(getattr(state, TALLY + n) for n in sc.Tally._fields))

    def gate(self) -> Gate:
        """What the generators may look at."""
        return Gate(self.control.devices, self.engine.state.control_fence)

    def set_fence(self, now: int) -> None:
        """Next time that a script takes connections away."""
        self.engine.state.control_fence[0] = self.cuts[np.searchsorted(self.cuts, now)]

    def run(self, lists: Lists, until: int) -> None:
        """Everything before `until`."""
        engine = self.engine
        self.cursor[:] = -1, 0
        while not run_control(*self.arguments(lists, until)):
            grow_control(engine.state)
            self.bind(engine.state)

    def arguments(self, lists: Lists, until: int) -> tuple[Any, ...]:
        """What `run_control` takes."""
        engine = self.engine
        user = sc.UserPlane(engine.bursts, engine.flows.flows, engine.routes, lists, engine.state.done)
        return engine.key, self.fixed, self.control, self.tally, user, np.int64(until), engine.scratch, self.cursor

    # --- counts ------------------------------------------------------------------------------------------------------

    def _counters(self, state: State) -> dict[str, np.ndarray]:
        """Counters that only grow."""
        functions = state.control_functions
        counts = functions[:, [sc.FU_MESSAGES, sc.FU_LOST_OVERFLOW, sc.FU_LOST_DOWN]]
        return {"procedures": state.tally_procedures, "messages": state.tally_messages, "functions": counts,
                "served": served_ns(state), "ra": state.tally_ra, "prb": state.tally_prb, "grants": state.tally_grants,
                "held": state.tally_held}  # fmt: skip

    def snapshot(self) -> None:
        """Counts from here on: the end of the warm-up."""
        state, now = self.engine.state, int(self.engine.state.now[0])
        for name, array in self._counters(state).items():
            getattr(state, f"control_warm_{name}")[:] = array
        for name in FROM_WARMUP:
            getattr(state, TALLY + name)[:] = 0
        state.tally_gauge_t[:] = now
        state.tally_gauges_max[:] = state.tally_gauges
        state.control_functions[:, sc.FU_BACKLOG_MAX] = state.control_functions[:, sc.FU_BACKLOG]
        state.control_cells[:, [sc.SC_FIRST, sc.SC_LAST]] = c.NONE

    def epoch(self, now: int) -> None:
        """An epoch edge: what signalling used is reserved for the next epoch, and the series get an entry."""
        if now > 0:
            self._reserve(now)
            self.record(now - self.engine.clock.epoch_ns)

    def _reserve(self, now: int) -> None:
        engine, state = self.engine, self.engine.state
        n = len(engine.world.cells)
        start = now - engine.clock.epoch_ns
        usable = engine.radio.usable_slots(start, now)
        least = np.maximum(usable, 1)
        prb = (state.tally_prb[:n] - state.control_epoch_prb[:n] + usable // 2) // least * (usable > 0)
        grants = (state.tally_grants[:n] - state.control_epoch_grants[:n] + usable // 2) // least * (usable > 0)
        rows = state.cells.reshape(n, 2, -1)
        granted = np.stack([rows[:, 0, c.CE_RESERVED], np.zeros(n, np.int64)], axis=1)
        most = engine.radio.n_prb[engine.radio.radio_of_cell][:, None] - 1
        rows[:, :, c.CE_RESERVED] = granted + np.minimum(most - granted, prb)
        limit = engine.fixed_air.radios[:, c.RA_GRANTS].reshape(-1, 2)[engine.radio.radio_of_cell] - 1
        rows[:, :, c.CE_GRANTS_RESERVED] = np.minimum(limit, grants)

    def used_prb(self) -> np.ndarray:
        """PRBs of signalling since the last epoch edge, int64 (cells of the world, 2)."""
        state, n = self.engine.state, len(self.engine.world.cells)
        return state.tally_prb[:n] - state.control_epoch_prb[:n]

    def record(self, epoch_start: int) -> None:
        """Add what was counted since the last edge to the bucket of the epoch that began at `epoch_start`."""
        state = self.engine.state
        bucket = epoch_start // self.engine.bucket_ns
        counts = self._counters(state)
        since = {name: array - getattr(state, f"control_epoch_{name}") for name, array in counts.items()}
        p = since["procedures"]
        failed = p[:, 2 : sc.PC_IN_PROGRESS].sum(axis=1)
        entry = np.stack([p[:, sc.PC_STARTED], p[:, sc.PC_SUCCEEDED], failed, p[:, sc.PC_RETRIES]], axis=1)
        state.control_series_procedures[bucket] += entry
        state.control_series_access[bucket] += since["ra"][:, ACCESS_COLUMNS].sum(axis=0)
        state.control_series_busy_ns[bucket] += since["served"]
        backlog = state.control_functions[:, sc.FU_BACKLOG]
        np.maximum(state.control_series_backlog[bucket], backlog, out=state.control_series_backlog[bucket])
        state.control_series_gauges[bucket] = state.tally_gauges
        for name, array in counts.items():
            getattr(state, f"control_epoch_{name}")[:] = array

    def measures(self) -> ControlMeasures:
        """Counts in the measured time. The conservation laws are checked.

        Raises:
            ConservationError: names the law and the first offender.
        """
        engine, state = self.engine, self.engine.state
        now, clock = int(state.now[0]), engine.clock
        self.check(now)
        counts = {name: array - getattr(state, f"control_warm_{name}") for name, array in self._counters(state).items()}
        procedures = counts["procedures"].copy()
        procedures[:, sc.PC_IN_PROGRESS] = self.in_progress()
        functions = np.column_stack([counts["functions"], counts["served"], state.control_functions[:, sc.FU_BACKLOG_MAX]])
        area = state.tally_gauge_area + state.tally_gauges * (now - state.tally_gauge_t)
        return ControlMeasures(
            procedure_counts=procedures,
            duration_sum_ns=state.tally_duration_sum.copy(),
            duration_hist=state.tally_duration_hist.copy(),
            core_part_sum_ns=state.tally_core_sum.copy(),
            core_part_hist=state.tally_core_hist.copy(),
            message_counts=counts["messages"],
            function_counts=functions,
            ra_counts=self._access_counts(counts["ra"], clock.warmup_ns, now),
            ra_tx_hist=state.tally_ra_tx.copy(),
            ra_delay_hist=state.tally_ra_delay_hist.copy(),
            ra_delay_sum_ns=state.tally_ra_delay_sum.copy(),
            gauges=state.tally_gauges.copy(),
            gauges_max=state.tally_gauges_max.copy(),
            gauge_area_ns=area,
            held_bursts=counts["held"],
            script_devices=state.tally_affected.copy(),
            recovery_hist=state.tally_recovery.copy(),
            prb_signalling=counts["prb"],
            series_procedures=state.control_series_procedures.copy(),
            series_access=state.control_series_access.copy(),
            series_busy_ns=state.control_series_busy_ns.copy(),
            series_backlog=state.control_series_backlog.copy(),
            series_gauges=state.control_series_gauges.copy(),
        )

    def in_progress(self) -> np.ndarray:
        """Procedures that run at the end, by row of `procedures`."""
        p = self.tally.procedures
        return p[:, sc.PC_STARTED] - p[:, sc.PC_SUCCEEDED : sc.PC_IN_PROGRESS].sum(axis=1)

    def _access_counts(self, ra: np.ndarray, warmup: int, now: int) -> np.ndarray:
        out = ra[:, : sc.RA_VOID].copy()
        cells, rach = self.engine.state.control_cells, self.fixed.rach[self.engine.state.control_cells[:, sc.SC_RACH]]
        period, offset = rach[:, sc.RC_PERIOD], rach[:, sc.RC_OFFSET]

        def before(t: int) -> np.ndarray:
            return np.maximum(-(-(t - offset) // period), 0)

        out[:, sc.RA_OCCASIONS] = before(now) - before(warmup)
        used = cells[:, sc.SC_FIRST] >= 0
        span = np.where(used, cells[:, sc.SC_LAST] - cells[:, sc.SC_FIRST] + 1, 0)
        out[:, sc.RA_OPPORTUNITIES] = span * rach[:, sc.RC_PREAMBLES]
        return out

    def check(self, now: int) -> None:
        """Assert the conservation laws (docs/signalling.md, section 9)."""
        state, tables = self.engine.state, self.tables
        running = state.control_instances[self._alive()]
        live = np.bincount(running[running[:, sc.IN_STATUS] == sc.RUNNING, sc.IN_PROCEDURE], minlength=len(tables.procedures))
        off = self.in_progress() != live
        if off.any():
            row = int(np.argmax(off))
            raise ConservationError(f"procedure {tables.procedures['name'].iloc[row]}: {self.in_progress()[row]} are neither "
                                    f"succeeded nor failed, {live[row]} run")  # fmt: skip
        sent = state.tally_messages.sum(axis=(0, 1))
        under_way = self._under_way()
        if sent[sc.MC_SENT] != sent[sc.MC_RECEIVED] + sent[sc.MC_LOST] + under_way:
            counts = f"{sent[sc.MC_SENT]} sent, {sent[sc.MC_RECEIVED]} received, {sent[sc.MC_LOST]} lost, {under_way} under way"
            raise ConservationError(f"messages do not balance: {counts}")
        active, opened = self._sessions(), state.tally_opened[:, 0] - state.tally_opened[:, 1]
        if (active != opened).any() or (active != state.tally_gauges[:, sc.G_SESSIONS]).any():
            core = tables.cores["name"].iloc[int(np.argmax(active != opened))]
            raise ConservationError(f"core {core}: sessions opened - released is not what is active")
        ra = state.tally_ra
        going = np.bincount(state.control_devices[state.control_devices[:, sc.DV_TASK] == sc.TASK_ACCESS, sc.DV_CELL],
                            minlength=len(ra))  # fmt: skip
        ended = ra[:, sc.RA_SUCCEEDED] + ra[:, sc.RA_FAILED] + ra[:, sc.RA_VOID]
        if (ra[:, sc.RA_BEGUN] != ended + going).any():
            cell = int(np.argmax(ra[:, sc.RA_BEGUN] != ended + going))
            raise ConservationError(f"cell {tables.cells['name'].iloc[cell]}: accesses begun, ended and going on differ")
        served, shared = served_ns(state), state.control_functions[:, sc.FU_HOST]
        for host, cpus in enumerate(tables.hosts["cpus"]):
            work = served[shared == host].sum()
            if work > (now + 1) * cpus + len(served):
                name = tables.hosts["name"].iloc[host]
                raise ConservationError(f"host {name} did {work} ns of work in {now} ns on {cpus} CPUs")
        late = served > now * np.maximum(state.control_functions[:, sc.FU_WORKERS], 1)
        if late.any():
            raise ConservationError(f"{tables.functions['name'].iloc[int(np.argmax(late))]} was busy for longer than the run")

    def _under_way(self) -> int:
        """Messages that have neither been received nor lost: on a wire or radio, waiting or in service at a function."""
        state = self.engine.state
        events = state.control_heap[: state.control_sizes[sc.SZ_HEAP], sc.EV_WHAT]
        kind, work = events & 0xFF, (events >> 32) & sc.WORK_MASK
        served = (kind == sc.EV_DONE) & (work & sc.WORK_ORIGIN == 0)
        waiting = np.ones(len(state.control_nodes), np.bool_)
        waiting[state.control_free_nodes[: state.control_sizes[sc.SZ_NODES]]] = False
        queued = state.control_nodes[waiting, sc.ND_WORK] & sc.WORK_ORIGIN == 0
        return int((kind == sc.EV_ARRIVE).sum() + served.sum() + queued.sum())

    def _sessions(self) -> np.ndarray:
        """Sessions of the devices as they stand, by core."""
        d = self.engine.state.control_devices
        d = d[d[:, sc.DV_CORE] >= 0]
        most = self.fixed.behaviours[d[:, sc.DV_BEHAVIOUR], sc.BE_SESSIONS]
        active = np.clip(d[:, sc.DV_PHASE] - 1, 0, most)
        return np.bincount(d[:, sc.DV_CORE], active, len(self.tables.cores)).astype(np.int64)

    def _alive(self) -> np.ndarray:
        state = self.engine.state
        alive = np.ones(len(state.control_instances), np.bool_)
        alive[state.control_free_instances[: state.control_sizes[sc.SZ_INSTANCES]]] = False
        return alive


def served_ns(state: State) -> np.ndarray:
    """Work (ns) each function has served up to now: what it accepted less what waits, is being served, or was lost."""
    now = int(state.now[0])
    rows = state.control_functions
    start, n = rows[:, sc.FU_WORKER_START], rows[:, sc.FU_WORKERS]
    upto = np.concatenate([[0], np.cumsum(np.maximum(state.control_workers - now, 0))])
    shared = rows[:, sc.FU_HOST] >= 0
    left = np.where(shared, rows[:, sc.FU_QUEUED_NS], upto[start + n] - upto[start])
    return rows[:, sc.FU_ACCEPTED_NS] - rows[:, sc.FU_LOST_NS] - left
