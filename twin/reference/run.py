"""Build all processes of a world and run them (docs/model.md as a whole)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import simpy

from twin.reference.bursts import Flow
from twin.reference.control import ControlPlane
from twin.reference.directions import Downlink, Uplink
from twin.reference.epochs import Epochs
from twin.reference.ledger import Ledger
from twin.reference.life import Life, Path
from twin.reference.randomness import Draws
from twin.reference.servers import Server
from twin.reference.sources import Activity
from twin.reference.tables import rows_of
from twin.reference.transport import Hop, Link, Pool
from twin.world.tables import LINK, POOL, Clock, World


def _nothing() -> np.ndarray:
    return np.zeros(0, np.int64)


@dataclass(frozen=True)
class Result:
    """What happened before the horizon, warm-up included.

    bursts: one row an end: flow, seq, direction, t_gen, t_end, cause (index in CAUSES), and the parts of PARTS in ns (zero
    for lost bursts). offered, in_flight: by (flow row, direction). prb_used: (cells, 2), decided before the horizon.
    busy_ns: by resource, all workers together, before the horizon.

    Of the control plane, empty without one. procedures: device, serial, procedure, t_start, t_end, outcome (index in OUTCOMES);
    accesses: device, serial, cell, t_begin, t_end, transmissions (preambles sent), outcome (index in ACCESS_OUTCOMES); -1 for
    the t_end and outcome of what goes on. function_busy_ns, function_messages: demand and number of what each function accepted.
    message_counts: (cores, interfaces, 4): sent, received, lost, bytes sent. gauges: (cores, 3) at the end: registered,
    connected, sessions. access_counts: (cells of the control plane, ACCESS_COUNTS). prb_signalling: (those cells, 2).
    """

    bursts: pd.DataFrame
    offered: dict[tuple[int, int], int]
    in_flight: dict[tuple[int, int], int]
    prb_used: np.ndarray
    busy_ns: np.ndarray
    procedures: pd.DataFrame = field(default_factory=pd.DataFrame)
    accesses: pd.DataFrame = field(default_factory=pd.DataFrame)
    function_busy_ns: np.ndarray = field(default_factory=_nothing)
    function_messages: np.ndarray = field(default_factory=_nothing)
    message_counts: np.ndarray = field(default_factory=_nothing)
    gauges: np.ndarray = field(default_factory=_nothing)
    access_counts: np.ndarray = field(default_factory=_nothing)
    prb_signalling: np.ndarray = field(default_factory=_nothing)


class Simulation:
    """All processes of one replication of a world."""

    def __init__(self, world: World, clock: Clock) -> None:
        self._world, self._clock = world, clock
        self._env = simpy.Environment()
        self._draws = Draws(clock.seed, clock.replication)
        self._ledger = Ledger(clock.horizon_ns)
        paths: dict[int, Path] = {}
        self._life = Life(self._env, self._ledger, paths)
        self._resources = [self._resource(row) for row in rows_of(world.resources)]
        self._build_cells()
        self._control = self._build_control()
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
        radios = rows_of(self._world.radios)
        of_cell = [radios[i] for i in self._world.cells["radio"]]
        self._uplinks = [Uplink(self._env, radio, self._draws, self._ledger, self._life.leave) for radio in of_cell]
        self._downlinks = [Downlink(self._env, radio, self._draws, self._ledger) for radio in of_cell]

    def _build_control(self) -> ControlPlane | None:
        signalling = self._world.signalling
        return ControlPlane(self._env, self._world, signalling, self._draws, self._ledger) if signalling else None

    def _build_paths(self) -> list[Path]:
        kinds = rows_of(self._world.flow_types)
        cells = self._world.devices["cell"].tolist()
        paths = []
        for number, row in enumerate(rows_of(self._world.flows)):
            covered = row.route_up >= 0 or row.route_down >= 0
            flow = Flow(number, row.flow_hash, row.group_hash, cells[row.device], covered, kinds[row.flow_type])
            paths.append(self._path(flow, row))
        return paths

    def _path(self, flow: Flow, row: Any) -> Path:
        up, down = self._route(row.route_up), self._route(row.route_down)
        servers = [item for item in up if isinstance(item, Server)]
        path = Path(flow, [item for item in up if not isinstance(item, Server)], servers, down)
        path.device = self._control.gate(row.device) if self._control else None
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
        airs = self._control.airs if self._control else []
        self._env.process(epochs.run(self._env, self._clock.epoch_ns, airs))
        for path in paths.values():
            self._env.process(self._life.source(path, self._draws, activity, self._clock.horizon_ns))

    def run(self) -> Result:
        """Everything before the horizon."""
        self._env.run(until=self._clock.horizon_ns)
        prb_used = [(up.prbs_used, down.prbs_used) for up, down in zip(self._uplinks, self._downlinks)]
        return Result(self._ledger.frame(), dict(self._ledger.offered), self._ledger.in_flight(),
                      np.array(prb_used, dtype=np.int64).reshape(-1, 2),
                      np.array([resource.busy_ns for resource in self._resources], dtype=np.int64),
                      **(self._control.results(self._clock.horizon_ns) if self._control else {}))


def simulate(world: World, clock: Clock) -> Result:
    """Simulate one replication of a world until the horizon of the clock."""
    return Simulation(world, clock).run()
