"""What the uplink and the downlink of a cell do each in their own way (docs/model.md, section 4)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import simpy

from twin.base.draws import CG_OFFSET, SR_OFFSET
from twin.reference.bursts import Burst, Flow
from twin.reference.cell import Scheduler
from twin.reference.channel import Channel, Waiting
from twin.reference.grants import Occasions
from twin.reference.ledger import Ledger
from twin.reference.randomness import Draws

GRANT_AHEAD = 2048  # slots after its arrival within which a burst must find its configured grants


class Uplink(Scheduler):
    """Devices ask for grants, or hold configured ones. `leave(burst, t_first, t_last)` takes what the gNB received."""

    direction = 0

    def __init__(self, env: simpy.Environment, radio: Any, draws: Draws, ledger: Ledger,
                 leave: Callable[[Burst, int, int], None]) -> None:
        super().__init__(env, radio, draws, ledger)
        self._draws, self._leave = draws, leave

    def open(self, flow: Flow, device: int) -> Channel:
        """The channel of a flow, with its scheduling-request slot and, if it has one, its configured grant."""
        offsets = self.calendar.sr_offsets()
        chosen = self._draws.below(len(offsets), flow.flow_hash, SR_OFFSET, 0)
        channel = Channel(flow, device, sr_offset=offsets[chosen])
        if flow.kind.cg_period_ns > 0:
            offset_ns = self._draws.below(flow.kind.cg_period_ns, flow.flow_hash, CG_OFFSET, 0)
            channel.occasions = Occasions(self.calendar, offset_ns, flow.kind.cg_period_ns)
        self.channels.append(channel)
        return channel

    def arrive(self, channel: Channel, burst: Burst) -> None:
        """A burst is generated now."""
        if channel.occasions:
            self._send_on_occasions(channel, channel.occasions, burst)
        else:
            super().arrive(channel, burst)

    def _announce(self, channel: Channel, now: int) -> None:
        """By the buffer status report of the block that is just going out, or by a scheduling request."""
        if now < channel.bsr_until:
            channel.wait(channel.bsr_ready)
        else:
            request = self.calendar.sr_slot(channel.sr_offset, now)
            channel.wait(self.calendar.end(request) + self._radio.gnb_processing_ns, limit=self._radio.sr_grant_bytes)

    def _emptied(self, channel: Channel, slot: int) -> None:
        channel.bsr_until = self.calendar.begin(slot)
        channel.bsr_ready = self.calendar.end(slot) + self._radio.gnb_processing_ns

    def _send_on_occasions(self, channel: Channel, occasions: Occasions, burst: Burst) -> None:
        """A block an occasion, all decided now; no report, no limit of the buffer, no discard."""
        now = int(self._env.now)
        waiting = Waiting(burst, now, now, burst.size)
        while waiting.unsent > 0:
            slot = occasions.take(now + self._radio.ue_tx_processing_ns, now // self.calendar.slot_ns + GRANT_AHEAD)
            if slot is None:
                self._ledger.lost(burst, now, "rlc_overflow")
                return
            symbols = self.calendar.symbols(slot)
            q = self._grant_prbs(channel, symbols)
            fits = min(self.payloads.of(channel.link.mcs, symbols, q), channel.flow.kind.cg_bytes)
            if fits < 1:
                self._ledger.lost(burst, self.calendar.end(slot), "harq")
                return
            self._prbs_first += q
            outcome = self._attempts.send(channel, slot, q, self.room)
            waiting.sent(min(waiting.unsent, fits), slot, outcome.end, outcome.lost)
        self._finish(channel, waiting)

    def _deliver(self, channel: Channel, waiting: Waiting, previous: int) -> None:
        processing, received = self._radio.gnb_processing_ns, channel.last_delivery
        self._account(channel, waiting)
        known = max(self.calendar.begin(waiting.last), waiting.first_end, previous)
        self._leave(waiting.burst, min(received, known) + processing, received + processing)

    def _account(self, channel: Channel, waiting: Waiting) -> None:
        parts, calendar = waiting.burst.parts, self.calendar
        begin = calendar.begin(waiting.first)
        if channel.occasions:
            parts["tdd_alignment"] += begin - waiting.arrival
        else:
            earliest = calendar.begin(calendar.first_slot(waiting.ready))
            parts["grant"] += waiting.ready - waiting.arrival + calendar.k2_ns
            parts["tdd_alignment"] += earliest - waiting.ready - calendar.k2_ns
            parts["radio_queue"] += begin - earliest
        parts["transmission"] += calendar.end(waiting.last) - begin
        parts["harq"] += channel.last_delivery - calendar.end(waiting.last)
        parts["processing"] += self._radio.gnb_processing_ns


class Downlink(Scheduler):
    """The gNB knows its own queues: a channel can be served from the arrival on."""

    direction = 1

    def open(self, flow: Flow, device: int) -> Channel:
        """The channel of a flow."""
        channel = Channel(flow, device)
        self.channels.append(channel)
        return channel

    @property
    def entry_ns(self) -> int:
        """Processing of the gNB before a burst is in its channel."""
        return int(self._radio.gnb_dl_processing_ns)

    def _announce(self, channel: Channel, now: int) -> None:
        channel.wait(now)

    def _deliver(self, channel: Channel, waiting: Waiting, previous: int) -> None:
        parts, calendar = waiting.burst.parts, self.calendar
        begin, earliest = calendar.begin(waiting.first), calendar.begin(calendar.first_slot(waiting.ready))
        parts["processing"] += self._radio.gnb_dl_processing_ns + self._radio.ue_processing_ns
        parts["dl_alignment"] += earliest - waiting.ready
        parts["dl_queue"] += begin - earliest
        parts["dl_transmission"] += calendar.end(waiting.last) - begin
        parts["dl_harq"] += channel.last_delivery - calendar.end(waiting.last)
        self._ledger.delivered(waiting.burst, channel.last_delivery + self._radio.ue_processing_ns)
