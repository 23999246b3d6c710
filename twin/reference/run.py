"""Build all processes of a world and run them (docs/model.md as a whole)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import simpy

from twin.reference.bursts import Flow
from twin.reference.directions import Downlink, Uplink
from twin.reference.epochs import Epochs
from twin.reference.ledger import Ledger
from twin.reference.life import Life, Path
from twin.reference.randomness import Draws
from twin.reference.servers import Server
from twin.reference.sources import Activity
from twin.reference.transport import Hop, Link, Pool
from twin.world.tables import LINK, POOL, Clock, World


@dataclass(frozen=True)
class Result:
    """What happened before the horizon, warm-up included.

    bursts: one row an end: flow, seq, direction, t_gen, t_end, cause (index in CAUSES), and the parts of PARTS in ns (zero
    for lost bursts). offered, in_flight: by (flow row, direction). prb_used: (cells, 2), decided before the horizon.
    busy_ns: by resource, all workers together, before the horizon.
    """

    bursts: pd.DataFrame
    offered: dict[tuple[int, int], int]
    in_flight: dict[tuple[int, int], int]
    prb_used: np.ndarray
    busy_ns: np.ndarray


def _rows(table: pd.DataFrame) -> list[Any]:
    """Rows of a table of the world: named tuples of Python numbers."""
    return list(table.itertuples(index=False))


class Simulation:
    """All processes of one replication of a world."""

    def __init__(self, world: World, clock: Clock) -> None:
        self._world, self._clock = world, clock
        self._env = simpy.Environment()
        self._draws = Draws(clock.seed, clock.replication)
        self._ledger = Ledger(clock.horizon_ns)
        paths: dict[int, Path] = {}
        self._life = Life(self._env, self._ledger, paths)
        self._resources = [self._resource(row) for row in _rows(world.resources)]
        self._build_cells()
        paths.update((path.flow.number, path) for path in self._build_paths())
        self._start(paths)

    def _resource(self, row: Any) -> Hop | Server:
        horizon_ns = self._clock.horizon_ns
        if row.kind == LINK:
            return Link(self._env, row, horizon_ns)
        if row.kind == POOL:
            return Pool(self._env, row, horizon_ns)
        return Server(self._env, row, self._draws, horizon_ns)

    def _build_cells(self) -> None:
        radios = _rows(self._world.radios)
        of_cell = [radios[i] for i in self._world.cells["radio"]]
        self._uplinks = [Uplink(self._env, radio, self._draws, self._ledger, self._life.leave) for radio in of_cell]
        self._downlinks = [Downlink(self._env, radio, self._draws, self._ledger) for radio in of_cell]

    def _build_paths(self) -> list[Path]:
        kinds = _rows(self._world.flow_types)
        cells = self._world.devices["cell"].tolist()
        paths = []
        for number, row in enumerate(_rows(self._world.flows)):
            covered = row.route_up >= 0 or row.route_down >= 0
            flow = Flow(number, row.flow_hash, row.group_hash, cells[row.device], covered, kinds[row.flow_type])
            paths.append(self._path(flow, row))
        return paths

    def _path(self, flow: Flow, row: Any) -> Path:
        up, down = self._route(row.route_up), self._route(row.route_down)
        servers = [item for item in up if isinstance(item, Server)]
        path = Path(flow, [item for item in up if not isinstance(item, Server)], servers, down)
        if flow.covered and flow.cell >= 0:
            self._open_channels(path, row.device)
        return path

    def _route(self, number: int) -> list:
        if number < 0:
            return []
        start, end = self._world.route_start[number], self._world.route_start[number + 1]
        return [self._resources[i] for i in self._world.route_resources[start:end]]

    def _open_channels(self, path: Path, device: int) -> None:
        """A channel for each direction the flow uses."""
        flow = path.flow
        if flow.kind.direction == 0:
            path.uplink = self._uplinks[flow.cell]
            path.up_channel = path.uplink.open(flow, device)
        if flow.kind.direction == 1 or flow.is_request_response:
            path.downlink = self._downlinks[flow.cell]
            path.down_channel = path.downlink.open(flow, device)

    def _start(self, paths: dict[int, Path]) -> None:
        activity = Activity(self._world.activity_q16, self._world.start_of_day_ns)
        epochs = Epochs(self._world, self._uplinks, self._downlinks)
        self._env.process(epochs.run(self._env, self._clock.epoch_ns))
        for path in paths.values():
            self._env.process(self._life.source(path, self._draws, activity, self._clock.horizon_ns))

    def run(self) -> Result:
        """Everything before the horizon."""
        self._env.run(until=self._clock.horizon_ns)
        prb_used = [(up.prbs_used, down.prbs_used) for up, down in zip(self._uplinks, self._downlinks)]
        return Result(self._ledger.frame(), dict(self._ledger.offered), self._ledger.in_flight(),
                      np.array(prb_used, dtype=np.int64).reshape(-1, 2),
                      np.array([resource.busy_ns for resource in self._resources], dtype=np.int64))


def simulate(world: World, clock: Clock) -> Result:
    """Simulate one replication of a world until the horizon of the clock."""
    return Simulation(world, clock).run()
