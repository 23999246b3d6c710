"""One direction of a cell: a process that decides slot after slot while anything waits (docs/model.md, section 4)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import simpy

from twin.reference.bursts import Burst
from twin.reference.channel import UNLIMITED, Channel, Status, Waiting
from twin.reference.grants import reserved_prbs, share_q16
from twin.reference.harq import Attempts, Payloads
from twin.reference.instant import START, At, fair_tie
from twin.reference.ledger import Ledger
from twin.reference.randomness import Draws
from twin.reference.slots import Calendar

N_LEVELS = 4


@dataclass
class Budget:
    """What a slot has left to give."""

    prbs: int
    grants: int

    @property
    def spent(self) -> bool:
        """Nothing can be granted any more."""
        return self.prbs < 1 or self.grants < 1

    def take(self, prbs: int) -> None:
        """One grant of so many PRBs."""
        self.prbs -= prbs
        self.grants -= 1


class Scheduler(ABC):
    """Queues and decisions of one direction of a cell; what differs between the directions is in the subclasses."""

    direction = -1

    def __init__(self, env: simpy.Environment, radio: Any, draws: Draws, ledger: Ledger) -> None:
        self._env, self._radio, self._ledger = env, radio, ledger
        self.calendar = Calendar(radio, self.direction)
        self.payloads = Payloads(radio, self.direction)
        self._attempts = Attempts(self.calendar, radio, self.direction, draws)
        self._max_grants = radio.max_grants_dl if self.direction == 1 else radio.max_grants_ul
        self.channels: list[Channel] = []
        self._pending: list[Channel] = []
        self._active: list[list[Channel]] = [[] for _ in range(N_LEVELS)]
        self._reserved = 0
        self._signalling_prbs = self._signalling_grants = 0
        self._prbs_first = 0  # PRBs of first attempts
        self._work = env.event()
        env.process(self._run())

    @property
    def prbs_used(self) -> int:
        """PRBs of all attempts decided so far, those booked for later slots included."""
        return self._prbs_first + self._attempts.prbs_booked

    @property
    def room(self) -> int:
        """PRBs of a slot that are not reserved for configured grants and signalling."""
        return int(self._radio.n_prb) - self._reserved - self._signalling_prbs

    def load_q16(self, prbs: int, start: int, end: int) -> int:
        """Share of the PRBs of the usable slots in [start, end) that `prbs` are, 65536 = all."""
        available = self._radio.n_prb * self.calendar.usable_between(start, end)
        return min(65536, prbs * 65536 // available) if available else 0

    def admit(self) -> None:
        """Once, at the start: grants in the order of the flows' hashes while they fit; the others ask for each burst."""
        taken, most = 0, (int(self._radio.n_prb) - 1) * 65536
        for channel in sorted((c for c in self.channels if c.occasions), key=lambda c: int(c.flow.flow_hash)):
            q = self._grant_prbs(channel, self.calendar.most_symbols)
            share = share_q16(q, channel.flow.kind.cg_period_ns, self.calendar)
            if taken + share > most:
                channel.occasions = None
            else:
                taken += share

    def reserve(self) -> None:
        """Keep PRBs for the configured grants, at the MCS of now."""
        grants = [(self._grant_prbs(channel, self.calendar.most_symbols), channel.flow.kind.cg_period_ns)
                  for channel in self.channels if channel.occasions]
        self._reserved = reserved_prbs(grants, self.calendar, self._radio.n_prb)

    def reserve_signalling(self, prbs: int, grants: int, start: int, end: int) -> None:
        """Keep for signalling what it used of a slot in the epoch [start, end), rounded (docs/signalling.md, section 8)."""
        usable = self.calendar.usable_between(start, end)
        if usable == 0:
            prbs = grants = 0
        each = max(1, usable)
        self._signalling_prbs = min(int(self._radio.n_prb) - 1 - self._reserved, (prbs + each // 2) // each)
        self._signalling_grants = min(int(self._max_grants) - 1, (grants + each // 2) // each)

    def _grant_prbs(self, channel: Channel, symbols: int) -> int:
        return self.payloads.prbs_for(channel.flow.kind.cg_bytes, channel.link.mcs, symbols, channel.link.max_prb)

    # Arrivals ------------------------------------------------------------------------------------------------------

    def arrive(self, channel: Channel, burst: Burst) -> None:
        """A burst enters its channel now."""
        now = int(self._env.now)
        if channel.backlog + burst.size > channel.flow.kind.rlc_buffer_bytes:
            self._ledger.lost(burst, now, "rlc_overflow")
            return
        if channel.status is Status.IDLE:
            self._announce(channel, now)
            self._pending.append(channel)
        ready = max(now, channel.ready) if channel.status is Status.PENDING else now
        channel.queue.append(Waiting(burst, now, ready, burst.size))
        if not self._work.triggered:
            self._work.succeed()

    @abstractmethod
    def _announce(self, channel: Channel, now: int) -> None:
        """The scheduler learns that an idle channel has something: from when on can it be granted, and how much?"""

    # Decisions -----------------------------------------------------------------------------------------------------

    def _run(self) -> Generator[simpy.Event, None, None]:
        slot = -1
        while True:
            if not self._pending and not any(self._active):
                self._work = self._env.event()
                yield self._work
            next_slot = max(slot + 1, self.calendar.first_slot(int(self._env.now)))
            slot = next(self.calendar.usable_from(next_slot))
            yield At(self._env, self.calendar.decision(slot), START)
            self._decide(slot)

    def _decide(self, slot: int) -> None:
        self._activate(int(self._env.now))
        left = Budget(self.room - self._attempts.booked[slot], self._max_grants - self._signalling_grants)
        for level in self._active:
            for channel in list(level):
                if left.spent:
                    return
                self._visit(channel, slot, left)

    def _activate(self, now: int) -> None:
        """Channels whose time has come join the lists, in order of that time."""
        due = [channel for channel in self._pending if channel.ready <= now]
        for channel in sorted(due, key=lambda c: (c.ready, fair_tie(c.flow.flow_hash, c.ready))):
            self._pending.remove(channel)
            channel.status = Status.ACTIVE
            self._active[channel.level].append(channel)

    def _visit(self, channel: Channel, slot: int, left: Budget) -> None:
        """Give a channel its block of the slot."""
        for burst in channel.discard(int(self._env.now)):
            self._ledger.lost(burst, int(self._env.now), "pdcp_discard")
        if not channel.queue:
            self._active[channel.level].remove(channel)
            channel.status = Status.IDLE
            return
        want, mcs, symbols = min(channel.backlog, channel.limit), channel.link.mcs, self.calendar.symbols(slot)
        q = self.payloads.prbs_for(want, mcs, symbols, min(channel.link.max_prb, left.prbs))
        payload = self.payloads.of(mcs, symbols, q)
        if payload < 1:
            return
        left.take(q)
        self._send(channel, slot, q, min(want, payload))

    def _send(self, channel: Channel, slot: int, q: int, size: int) -> None:
        self._prbs_first += q
        outcome = self._attempts.send(channel, slot, q, self.room)
        for waiting in channel.take(size, slot, outcome.end, outcome.lost):
            self._finish(channel, waiting)
        self._active[channel.level].remove(channel)
        if channel.backlog == 0:
            channel.status = Status.IDLE
            self._emptied(channel, slot)
        elif channel.limit < UNLIMITED:
            channel.wait(ready=self.calendar.end(slot) + self._radio.gnb_processing_ns)
            self._pending.append(channel)
        else:
            self._active[channel.level].append(channel)

    def _emptied(self, channel: Channel, slot: int) -> None:  # noqa: B027  # optional: downlink has nothing to remember
        """The block of `slot` took the last byte of a channel."""

    # Ends ----------------------------------------------------------------------------------------------------------

    def _finish(self, channel: Channel, waiting: Waiting) -> None:
        """All bytes of a burst were sent: it is lost, or delivered after those before it."""
        if waiting.lost:
            self._ledger.lost(waiting.burst, waiting.end, "harq")
            return
        previous = channel.last_delivery
        channel.last_delivery = max(waiting.end, previous)
        self._deliver(channel, waiting, previous)

    @abstractmethod
    def _deliver(self, channel: Channel, waiting: Waiting, previous: int) -> None:
        """Pass on a burst received at `channel.last_delivery`; the one before it was received at `previous`."""
