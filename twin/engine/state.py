"""All that changes during a run, as one bag of named arrays: copied, saved and restored as a whole."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from twin.base import columns as c
from twin.base.accounting import CAUSES
from twin.base.bins import DELAY_BITS, PART_BITS, n_bins
from twin.engine.air import AirTables
from twin.engine.flows import FlowTables
from twin.radio.block_kernels import RING
from twin.traffic.kernels import CHUNK_COLUMNS, WHEEL_BUCKETS, chunks_for
from twin.world.tables import Clock, World

LEAST_ROWS, MOST_FIRST_ROWS = 1 << 15, 1 << 20
ROWS_A_FLOW = 8
MAX_SERIES = 240


class State:
    """Dynamic state of a run. `arrays` maps names to arrays; attributes read and write them.

    Every array keeps its identity while kernels run; only `grow` and `room_to_park` replace those of the burst pool.
    """

    arrays: dict[str, np.ndarray]

    def __init__(self, arrays: dict[str, np.ndarray]):
        self.__dict__["arrays"] = arrays

    def __getattr__(self, name: str) -> np.ndarray:
        try:
            return self.__dict__["arrays"][name]
        except KeyError:
            raise AttributeError(name) from None

    def __setattr__(self, name: str, value: np.ndarray) -> None:
        self.__dict__["arrays"][name] = value

    def copy(self) -> State:
        """An independent copy: a checkpoint, or the start of another branch."""
        return State({name: array.copy() for name, array in self.arrays.items()})

    def save(self, path: Path) -> None:
        """Write to an npz file (a temporary name, then renamed)."""
        part = path.with_suffix(".part.npz")
        np.savez(part, allow_pickle=False, **self.arrays)
        os.replace(part, path)

    @staticmethod
    def load(path: Path) -> State:
        """Read what `save` wrote."""
        with np.load(path, allow_pickle=False) as file:
            return State({name: file[name] for name in file.files})

    def grow(self, rows: int) -> None:
        """Make the burst pool larger, to at least `rows` rows."""
        old_data, old_free = self.arrays["data"], self.arrays["free"]
        old = len(old_data)
        new = max(rows, 2 * old)
        n = int(self.arrays["free_count"][0])
        used = np.ones(old, dtype=np.bool_)
        used[old_free[:n]] = False
        # Rows that were never used take no memory, and are not to take any by being copied.
        end = old - int(np.argmax(used[::-1])) if used.any() else 0
        data = c.aligned_rows(new, c.BURST_COLUMNS)
        data[:end] = old_data[:end]
        following = np.empty(new, dtype=np.int32)
        following[:end] = self.arrays["next"][:end]
        free = np.empty(new, dtype=np.int32)
        # New rows lie under the old free ones, so rows still in cache are taken first.
        free[: new - old] = np.arange(new - 1, old - 1, -1)
        free[new - old : new - old + n] = old_free[:n]
        self.arrays["data"], self.arrays["next"], self.arrays["free"] = data, following, free
        self.arrays["free_count"][0] = n + new - old

    def room_to_park(self, bursts: int) -> bool:
        """Make room for so many more parked bursts; whether there was none."""
        old, top = self.arrays["parked"], int(self.arrays["parked_count"][c.PN_TOP])
        if len(old) - top >= bursts:
            return False
        new = c.aligned_rows(2 * len(old) + bursts, c.PARKED_COLUMNS)
        new[:top] = old[:top]
        self.arrays["parked"] = new
        return True


def series_bucket_ns(clock: Clock) -> int:
    """Length of a time series bucket: whole epochs, at most MAX_SERIES buckets a run."""
    epochs = -(-clock.horizon_ns // clock.epoch_ns)
    return -(-epochs // MAX_SERIES) * clock.epoch_ns


def new_state(world: World, clock: Clock, flows: FlowTables, air: AirTables) -> State:
    """The empty network at time 0 (flows are set to their first bursts by the driver)."""
    n_cells, n_res = len(world.cells), len(world.resources)
    parts: dict[str, np.ndarray] = {}
    parts["now"] = np.zeros(1, np.int64)
    # Untouched rows cost no memory, so the pool starts large: growing copies it, and shows in the peak.
    rows = max(LEAST_ROWS, min(MOST_FIRST_ROWS, 1 << (ROWS_A_FLOW * len(flows.flows)).bit_length()))
    parts["data"] = c.aligned_rows(rows, c.BURST_COLUMNS)
    parts["next"] = np.empty(rows, np.int32)
    parts["free"] = np.arange(rows - 1, -1, -1, dtype=np.int32)
    parts["parked"] = c.aligned_rows(rows, c.PARKED_COLUMNS)
    parts["parked_count"] = np.array([1, 0, 0], dtype=np.int64)
    parts["free_count"] = np.array([rows], dtype=np.int64)
    parts["flow_state"] = c.aligned_rows(len(flows.flows), c.FLOW_STATE_COLUMNS)
    parts["wheel_head"] = np.full(WHEEL_BUCKETS + 2, c.NONE, np.int64)
    parts["wheel_chunks"] = np.zeros((chunks_for(len(flows.flows)), CHUNK_COLUMNS), np.int32)
    parts["wheel_opened"] = np.zeros(1, np.int64)
    parts["channels"], parts["cells"] = c.aligned_copy(flows.channels), c.aligned_copy(air.cells)
    _heaps(parts, flows.channels)
    parts["booked"] = np.zeros((2 * n_cells, RING), np.int64)
    parts["cell_lists"] = empty_lists(2 * n_cells)
    parts["resource_lists"] = empty_lists(n_res)
    parts["done"], parts["access_list"] = empty_lists(1), empty_lists(1)
    parts["load_q16"] = np.stack([world.cells["initial_load_ul_q16"], world.cells["initial_load_dl_q16"]], axis=1).astype(
        np.int64
    )
    parts["counts"] = np.zeros((n_res, c.RM_COLUMNS), np.int64)
    _accounts(parts, world, clock, flows)
    return State(parts)


def empty_lists(n: int) -> np.ndarray:
    """n empty lists of bursts, int64 (n, 3): head, tail, awake."""
    lists = np.full((n, 3), c.NONE, np.int64)
    lists[:, c.AWAKE] = 0
    return lists


def _heaps(parts: dict[str, np.ndarray], channels: np.ndarray) -> None:
    """Each cell and direction gets room for all its channels in one array."""
    sizes = np.bincount(channels[:, c.CH_CELL], minlength=len(parts["cells"]))
    parts["cells"][:, c.CE_HEAP_START] = np.cumsum(sizes) - sizes
    parts["waiting"] = c.aligned_rows(len(channels) + 1, 4)


def add_network(state: State, routes_resources: np.ndarray, links: np.ndarray) -> None:
    """Add links and workers, all idle."""
    state.links = links
    state.workers = np.zeros(int(routes_resources[:, c.RS_WORKERS].sum()) + 1, np.int64)


def _accounts(parts: dict[str, np.ndarray], world: World, clock: Clock, flows: FlowTables) -> None:
    groups = len(world.parks) * len(world.operators) * len(world.applications)
    park_apps = len(world.parks) * len(world.applications)
    for name in ("offered", "delivered", "within", "late_in_flight", "in_flight"):
        parts[name] = np.zeros((groups, 4), np.int64)
    for name in ("offered_bytes", "delivered_bytes", "delay_sum_ns", "delay_max_ns"):
        parts[name] = np.zeros((groups, 3), np.int64)
    parts["lost"] = np.zeros((groups, 4, len(CAUSES)), np.int64)
    parts["part_sum_ns"] = np.zeros((park_apps, 3, c.N_PARTS), np.int64)
    parts["delay_row"], n_delay = _rows(flows, c.FL_GROUP, groups)
    parts["delay_hist"] = np.zeros((n_delay, n_bins(DELAY_BITS)), np.int64)
    rows, n_part = _rows(flows, c.FL_PARK_APP, park_apps)
    parts["part_row"] = np.where(rows >= 0, rows * c.N_PARTS, -1)
    parts["part_hist"] = np.zeros((n_part * c.N_PARTS, n_bins(PART_BITS)), np.int64)
    for name in ("tenant_offered", "tenant_delivered", "tenant_within", "tenant_ended"):
        parts[name] = np.zeros(max(len(world.tenants), 1), np.int64)
    buckets = -(-clock.horizon_ns // series_bucket_ns(clock))
    parts["series_delivered_bytes"] = np.zeros((buckets, len(world.parks), 3), np.int64)
    parts["series_cell_prb"] = np.zeros((buckets, len(world.cells), 2), np.int64)
    parts["series_busy_ns"] = np.zeros((buckets, len(world.resources)), np.int64)
    parts["bad"] = np.zeros(1, np.int64)
    parts["epoch_cells"] = np.zeros((2 * len(world.cells), 6), np.int64)
    parts["epoch_busy"] = np.zeros(len(world.resources), np.int64)
    parts["warm_cells"] = np.zeros((2 * len(world.cells), 6), np.int64)
    parts["warm_counts"] = np.zeros((len(world.resources), c.RM_COLUMNS), np.int64)
    parts["refused"] = np.zeros(1, np.int64)


def _rows(flows: FlowTables, column: int, n: int) -> tuple[np.ndarray, int]:
    """Histogram rows for the (group, direction) pairs that have flows; -1 elsewhere."""
    used = np.zeros((n, 3), dtype=bool)
    direction = flows.types[flows.flows[:, c.FL_TYPE], c.TY_DIR]
    used[flows.flows[:, column], direction] = True
    used[flows.flows[flows.types[flows.flows[:, c.FL_TYPE], c.TY_RESPONSE] > 0, column], 2] = True
    rows = np.where(used.ravel(), np.cumsum(used.ravel()) - 1, -1).reshape(n, 3)
    return rows.astype(np.int64), int(used.sum())
