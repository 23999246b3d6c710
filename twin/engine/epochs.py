"""Epoch edges: measured load turns into interference, and the time series get their next entry."""

from __future__ import annotations

import numpy as np

from twin.base import columns as c
from twin.base.link_adaptation import FULL_LOAD_Q16, adaptation_tables
from twin.engine.air import AirTables
from twin.engine.flows import FlowTables
from twin.engine.state import State
from twin.radio.adapt_kernels import adapt_channels, reserve
from twin.radio.slot_kernels import Air
from twin.world.tables import Clock, World

#: Counters of a cell and direction that are kept over the run.
CELL_COUNTERS = [c.CE_PRB_USED, c.CE_BYTES, c.CE_BLOCKS, c.CE_ERRORS, c.CE_LOST, c.CE_GRANTS]


class RadioLoads:
    """What an epoch edge needs: per radio and direction the channels it adapts, and devices' coupling gains."""

    def __init__(self, world: World, flows: FlowTables, air: AirTables):
        self.n_prb = world.radios["n_prb"].to_numpy().astype(np.int64)
        self.radio_of_cell = world.cells["radio"].to_numpy().astype(np.int64)
        self.tables = [adaptation_tables(radio) for radio in world.radios.itertuples(index=False)]
        self.gain_db = world.devices["gain_db"].to_numpy().astype(np.float64)
        self.neighbours = np.ascontiguousarray(world.neighbours, dtype=np.int32)
        self.neighbour_gain_db = np.ascontiguousarray(world.neighbour_gain_db, dtype=np.float64)
        self.tx_power_dbm = world.cells["tx_power_dbm"].to_numpy().astype(np.float64)
        self.air = air
        cell = flows.channels[:, c.CH_CELL]
        radio = 2 * self.radio_of_cell[cell // 2] + cell % 2 if len(cell) else cell
        self.channels = [np.flatnonzero(radio == i) for i in range(2 * len(world.radios))]
        granted = np.flatnonzero(flows.channels[:, c.CH_CG_PERIOD] > 0)
        self.granted = granted[np.argsort(flows.channels[granted, c.CH_HASH].view(np.uint64), kind="stable")]

    def usable_slots(self, start_ns: int, end_ns: int) -> np.ndarray:
        """Usable slots that begin in [start, end), int64 (cells, 2)."""
        per_radio = np.zeros((len(self.n_prb), 2), np.int64)
        for r in range(len(self.n_prb)):
            for d in range(2):
                i = 2 * r + d
                slot, period = int(self.air.radios[i, c.RA_SLOT]), int(self.air.radios[i, c.RA_PERIOD])
                upto = np.concatenate([[0], np.cumsum(self.air.usable[i, :period])])
                a, b = -(-start_ns // slot), -(-end_ns // slot)
                per_radio[r, d] = (b // period - a // period) * upto[-1] + upto[b % period] - upto[a % period]
        return per_radio[self.radio_of_cell]

    def available_prb(self, start_ns: int, end_ns: int) -> np.ndarray:
        """PRBs of the usable slots that begin in [start, end), int64 (cells, 2)."""
        return self.usable_slots(start_ns, end_ns) * self.n_prb[self.radio_of_cell][:, None]

    def available_grants(self, start_ns: int, end_ns: int) -> np.ndarray:
        """PDCCH grants of the usable slots that begin in [start, end), int64 (cells, 2)."""
        return self.usable_slots(start_ns, end_ns) * self.air.radios[:, c.RA_GRANTS].reshape(-1, 2)[self.radio_of_cell]

    def epoch(self, state: State, air: Air, resources: np.ndarray, now: int, clock: Clock, bucket_ns: int,
              signalling: np.ndarray | None = None) -> None:  # fmt: skip
        """Everything that happens at an epoch edge (also at 0, with the initial loads). signalling: PRBs it used, (cells, 2)."""
        if now > 0:
            self._measure(state, now - clock.epoch_ns, now, signalling)
            record_series(state, resources, now - clock.epoch_ns, bucket_ns)
        for i, rows in enumerate(self.channels):
            if len(rows):
                adapt_channels(
                    air,
                    self.tables[i // 2],
                    rows,
                    i % 2,
                    self.gain_db,
                    self.neighbours,
                    self.neighbour_gain_db,
                    self.tx_power_dbm,
                    state.load_q16,
                )
        state.refused[0] += reserve(air, self.granted, now == 0)

    def _measure(self, state: State, start: int, end: int, signalling: np.ndarray | None) -> None:
        used = (state.cells[:, c.CE_PRB_USED] - state.epoch_cells[:, 0]).reshape(-1, 2)
        if signalling is not None:
            used = used + signalling
        available = np.maximum(self.available_prb(start, end), 1)
        state.load_q16[:] = np.minimum(used * FULL_LOAD_Q16 // available, FULL_LOAD_Q16)


def served_ns(state: State, resources: np.ndarray) -> np.ndarray:
    """Work (ns) each resource has served up to now: what it accepted less what is still to be served."""
    now = int(state.now[0])
    ahead = np.maximum(state.links[:, c.LK_BUSY_UNTIL] - now, 0)
    upto = np.concatenate([[0], np.cumsum(np.maximum(state.workers - now, 0))])
    a = resources[:, c.RS_WORKER_START]
    return state.counts[:, c.RM_BUSY] - ahead - (upto[a + resources[:, c.RS_WORKERS]] - upto[a])


def record_series(state: State, resources: np.ndarray, epoch_start: int, bucket_ns: int) -> None:
    """Add what was counted since the last edge to the bucket of the epoch that begins at `epoch_start`."""
    bucket = epoch_start // bucket_ns
    cells, busy = state.cells[:, CELL_COUNTERS], served_ns(state, resources)
    state.series_cell_prb[bucket] += (cells[:, 0] - state.epoch_cells[:, 0]).reshape(-1, 2)
    state.series_busy_ns[bucket] += busy - state.epoch_busy
    state.epoch_cells[:], state.epoch_busy[:] = cells, busy
