"""Epochs: the load of the last one becomes the interference of the next (docs/model.md, section 4)."""

from __future__ import annotations

from collections.abc import Generator
from itertools import count

import numpy as np
import simpy

from twin.base.link_adaptation import AdaptationTables, adapt_dl, adapt_ul, adaptation_tables
from twin.reference.air import Air
from twin.reference.cell import Scheduler
from twin.reference.channel import Channel, RadioLink
from twin.reference.coupling import Coupling, Use
from twin.reference.directions import Downlink, Uplink
from twin.reference.instant import EPOCH, At
from twin.world.tables import World


class Epochs:
    """Measures the loads of all cells and adapts all channels to them."""

    def __init__(self, world: World, uplinks: list[Uplink], downlinks: list[Downlink]) -> None:
        self._uplinks, self._downlinks = uplinks, downlinks
        radios: list[AdaptationTables] = [adaptation_tables(row) for row in world.radios.itertuples(index=False)]
        self._tables = [radios[radio] for radio in world.cells["radio"]]
        self._power_dbm = world.cells["tx_power_dbm"].to_numpy(dtype=np.float64)
        self._gain_db = world.devices["gain_db"].to_numpy(dtype=np.float64)
        self._neighbours, self._neighbour_gain_db = world.neighbours, world.neighbour_gain_db
        loads = [world.cells[f"initial_load_{d}_q16"].to_numpy(np.int64) for d in ("ul", "dl")]
        self._adapt(*loads)
        for uplink in uplinks:
            uplink.admit()
            uplink.reserve()

    def run(self, env: simpy.Environment, epoch_ns: int, airs: list[Air | None]) -> Generator[simpy.Event, None, None]:
        """Process: at every epoch, before anything else of that instant. airs: the cells' signalling, where it is modelled."""
        used: dict[Scheduler, int] = {}
        coupling = Coupling(len(self._uplinks), airs)
        for k in count(1):
            yield At(env, k * epoch_ns, EPOCH)
            span = ((k - 1) * epoch_ns, k * epoch_ns)
            signalling = coupling.take()
            self._adapt(_loads(self._uplinks, used, span, [up for up, _ in signalling]),
                        _loads(self._downlinks, used, span, [down for _, down in signalling]))
            self._reserve(signalling, span)

    def _reserve(self, signalling: list[tuple[Use, Use]], span: tuple[int, int]) -> None:
        """What signalling took in the epoch that ended it gets in the next."""
        for uplink, downlink, (up, down) in zip(self._uplinks, self._downlinks, signalling):
            uplink.reserve_signalling(up.prbs, up.grants, *span)
            downlink.reserve_signalling(down.prbs, down.grants, *span)

    def _adapt(self, load_ul_q16: np.ndarray, load_dl_q16: np.ndarray) -> None:
        for cell, (uplink, downlink) in enumerate(zip(self._uplinks, self._downlinks)):
            for channel in uplink.channels:
                channel.link = self._up(cell, channel, load_ul_q16)
            for channel in downlink.channels:
                channel.link = self._down(cell, channel, load_dl_q16)
            uplink.reserve()

    def _up(self, cell: int, channel: Channel, loads_q16: np.ndarray) -> RadioLink:
        device = channel.device
        mcs, max_prb, bler_q32, _ = adapt_ul(self._tables[cell], self._gain_db[device], self._neighbours[device], loads_q16)
        return RadioLink(int(mcs), int(max_prb), int(bler_q32))

    def _down(self, cell: int, channel: Channel, loads_q16: np.ndarray) -> RadioLink:
        device = channel.device
        mcs, max_prb, bler_q32, _ = adapt_dl(
            self._tables[cell], self._gain_db[device], self._power_dbm[cell], self._neighbours[device],
            self._neighbour_gain_db[device], self._power_dbm, loads_q16)
        return RadioLink(int(mcs), int(max_prb), int(bler_q32))


def _loads(schedulers: list[Uplink] | list[Downlink], used: dict[Scheduler, int], span: tuple[int, int],
           signalling: list[Use]) -> np.ndarray:
    """Load of each cell in the epoch that just ended; `used` remembers the PRBs counted until then."""
    loads = []
    for scheduler, signalled in zip(schedulers, signalling):
        prbs = scheduler.prbs_used - used.get(scheduler, 0) + signalled.prbs
        used[scheduler] = scheduler.prbs_used
        loads.append(scheduler.load_q16(prbs, *span))
    return np.array(loads, dtype=np.int64)
