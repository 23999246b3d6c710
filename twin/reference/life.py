"""A burst from end to end: source, cell, transport, servers, and the response back (docs/model.md, sections 2 to 5)."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

import simpy

from twin.reference.bursts import Burst, Flow
from twin.reference.channel import Channel
from twin.reference.devices import Device
from twin.reference.directions import Downlink, Uplink
from twin.reference.instant import At, arrival_rank, call_at, offer_rank
from twin.reference.journey import travel
from twin.reference.ledger import Ledger
from twin.reference.randomness import Draws
from twin.reference.servers import Server
from twin.reference.sources import Activity, emissions
from twin.reference.transport import Hop


@dataclass
class Path:
    """The way of one flow: what its bursts go through. Channels are None for a wired flow, `device` for one that needs none.

    device: with a control plane, the one whose state decides when they may pass.
    """

    flow: Flow
    up: list[Hop]
    servers: list[Server]
    down: list[Hop]
    uplink: Uplink | None = None
    downlink: Downlink | None = None
    up_channel: Channel | None = None
    down_channel: Channel | None = None
    device: Device | None = None


class Life:
    """The processes of all bursts."""

    def __init__(self, env: simpy.Environment, ledger: Ledger, paths: dict[int, Path]) -> None:
        self._env, self._ledger, self._paths = env, ledger, paths

    def source(self, path: Path, draws: Draws, activity: Activity, horizon_ns: int) -> Generator[simpy.Event, None, None]:
        """Process of one flow: offer burst after burst."""
        flow = path.flow
        device = path.device if flow.covered else None
        for k, t, size in emissions(flow, draws, activity, horizon_ns):
            if device:
                yield At(self._env, t, offer_rank(flow.flow_hash, k, t))
            else:
                yield At(self._env, t, arrival_rank(flow.kind.level, flow.flow_hash, k, t))
            burst = Burst(flow, k, int(flow.kind.direction), t, size)
            self._ledger.offer(burst)
            if device:
                device.offer(burst, lambda passed: self._pass(path, passed))
            else:
                self._offer(path, burst)

    def _pass(self, path: Path, burst: Burst) -> None:
        """A device lets a burst pass now: it takes its place among the arrivals of this instant."""
        now = int(self._env.now)
        call_at(self._env, now, burst.rank(now), lambda: self._offer(path, burst))

    def _offer(self, path: Path, burst: Burst) -> None:
        """A burst is generated or let pass now: it enters its cell, its route, or nothing."""
        now = int(self._env.now)
        if not path.flow.covered:
            self._ledger.lost(burst, now, "no_coverage")
        elif burst.direction == 1:
            self._env.process(self._downward(path, burst, now))
        elif path.uplink and path.up_channel:
            path.uplink.arrive(path.up_channel, burst)
        else:
            self.leave(burst, now, now)

    def leave(self, burst: Burst, t_first: int, t_last: int) -> None:
        """A train leaves the gNB, or a wired device, into its route."""
        self._env.process(self._upward(self._paths[burst.flow.number], burst, t_first, t_last))

    def _upward(self, path: Path, burst: Burst, t_first: int, t_last: int) -> Generator[simpy.Event, None, None]:
        """Process of one burst on its way to its last server."""
        arrived = yield from self._travel(path.up, burst, t_first, t_last)
        if arrived is None:
            return
        yield At(self._env, arrived, burst.rank(arrived))
        for stage, server in enumerate(path.servers):
            served = yield from server.serve(burst, stage)
            now = int(self._env.now)
            if not served:
                self._ledger.lost(burst, now, "server_overflow")
                return
            yield At(self._env, now, burst.rank(now))  # the next server takes its arrivals of this instant in order
        self._received(path, burst)

    def _received(self, path: Path, burst: Burst) -> None:
        now = int(self._env.now)
        self._ledger.delivered(burst, now)
        if path.flow.is_request_response:
            self._env.process(self._downward(path, burst.response(), now))

    def _downward(self, path: Path, burst: Burst, t: int) -> Generator[simpy.Event, None, None]:
        """Process of one burst from the server to its device."""
        arrived = yield from self._travel(path.down, burst, t, t)
        if arrived is None:
            return
        if path.downlink is None or path.down_channel is None:
            self._ledger.delivered(burst, arrived)
            return
        ready = arrived + path.downlink.entry_ns
        yield At(self._env, ready, burst.rank(ready))
        path.downlink.arrive(path.down_channel, burst)

    def _travel(self, hops: list[Hop], burst: Burst, t_first: int, t_last: int,
                ) -> Generator[simpy.Event, None, int | None]:
        """Arrival at the end of the hops; None if the burst ended on the way or was cut."""
        arrived = yield from travel(self._env, burst, hops, t_first, t_last)
        if arrived is None or burst.cause:
            self._ledger.lost(burst, int(self._env.now) if arrived is None else arrived, burst.cause)
            return None
        return arrived
