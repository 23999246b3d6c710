"""Random access of devices to a cell: preambles on occasions, answers, Msg3 and Msg4 (docs/signalling.md, section 3)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Generator
from dataclasses import dataclass
from itertools import count
from typing import Any, NamedTuple

import simpy

from twin.base.draws import BACKOFF, BARRING, BARRING_WAIT, DETECT, MSG3, MSG4, PREAMBLE
from twin.reference.control_ledger import ACCESS_COUNTS, ControlLedger, Record
from twin.reference.instant import At, Timer, occasion_rank, ready_rank, timer_rank
from twin.reference.randomness import Draws

_TRIES = 1024  # the last try at a barred cell passes
_ATTEMPTS = 16  # draws of Msg3 and Msg4 set aside for an occasion


@dataclass(eq=False)
class Access(Record):
    """One access of a device; `transmissions` counts the preambles sent."""

    cell: int = -1
    transmissions: int = 0


class Answer(NamedTuple):
    """How a transmission ends, known at its occasion: when, whether the access has succeeded, and at which occasion it was."""

    time: int
    succeeded: bool
    occasion: int


class Transmission(NamedTuple):
    """A preamble about to be sent, and the event that yields its answer."""

    access: Access
    number: int  # 1, 2, …
    answered: simpy.Event


class RandomAccess:
    """The random access channel of one cell."""

    def __init__(self, env: simpy.Environment, number: int, cell: Any, rach: Any, detect_q32: Any, draws: Draws,
                 ledger: ControlLedger) -> None:
        self._env, self._draws, self._rach, self._ledger = env, draws, rach, ledger
        self._number, self._hash = number, cell.cell_hash
        self._detect_q32 = [int(probability) for probability in detect_q32]
        self._joined: dict[int, list[Transmission]] = defaultdict(list)
        self._first_used = self._last_used = -1
        self.counts: Counter[str] = Counter()

    def begin(self, device: Any, serial: int, done: Callable[[Access], None]) -> Access:
        """A device begins an access now; `done` is called when it succeeds or fails (not when it becomes void)."""
        access = Access(device, serial, int(self._env.now), cell=self._number)
        self._ledger.accesses.append(access)
        self.counts["begun"] += 1
        self._env.process(self._run(access, done))
        return access

    def _run(self, access: Access, done: Callable[[Access], None]) -> Generator[simpy.Event, Any, None]:
        """Process of one access: transmission after transmission."""
        device_hash = access.device.device_hash
        ready = access.t_start + self._barred_ns(access)
        for number in count(1):
            yield At(self._env, ready, ready_rank(device_hash, ready))
            if not access.going_on:
                return
            answer = yield self._join(access, number)
            yield At(self._env, answer.time, timer_rank(device_hash, answer.time, Timer.ACCESS))
            if not access.going_on:
                return
            if answer.succeeded or number == self._rach.max_tx:
                break
            backoff_ns = self._draws.below(self._rach.backoff_ns + 1, device_hash, BACKOFF, answer.occasion)
            ready = answer.time + self._rach.retry_ns + backoff_ns
        access.end(int(self._env.now), "succeeded" if answer.succeeded else "random_access")
        self.counts["succeeded" if answer.succeeded else "failed"] += 1
        done(access)

    def _barred_ns(self, access: Access) -> int:
        """How long the cell is barred for this access (TS 36.331 5.3.3.11)."""
        rach, device_hash, waited = self._rach, access.device.device_hash, 0
        for j in range(_TRIES):
            index = _TRIES * access.serial + j
            if j == _TRIES - 1 or self._draws.happens(rach.barring_q32, device_hash, BARRING, index):
                break
            waited += rach.barring_ns * 7 // 10
            waited += self._draws.below(rach.barring_ns * 6 // 10 + 1, device_hash, BARRING_WAIT, index)
        return waited

    # Occasions -----------------------------------------------------------------------------------------------------

    def _join(self, access: Access, number: int) -> simpy.Event:
        """Send the preamble on the first occasion from now on; the event yields the answer."""
        rach = self._rach
        occasion = max(0, -(-(int(self._env.now) - rach.rao_offset_ns) // rach.rao_period_ns))
        if occasion not in self._joined:
            self._env.process(self._occasion(occasion))
        transmission = Transmission(access, number, self._env.event())
        self._joined[occasion].append(transmission)
        return transmission.answered

    def _occasion(self, occasion: int) -> Generator[simpy.Event, None, None]:
        """Process of one occasion: who sent what, who is heard, how it goes on for each."""
        time = self._rach.rao_offset_ns + occasion * self._rach.rao_period_ns
        yield At(self._env, time, occasion_rank(self._hash, time))
        senders: dict[int, list[Transmission]] = defaultdict(list)
        for transmission in self._joined.pop(occasion):
            if transmission.access.going_on:
                device_hash = transmission.access.device.device_hash
                senders[self._draws.below(self._rach.n_preambles, device_hash, PREAMBLE, occasion)].append(transmission)
                transmission.access.transmissions += 1
        if senders:
            self._last_used = occasion
            self._first_used = occasion if self._first_used < 0 else self._first_used
        self._count(senders)
        heard = [preamble for preamble in sorted(senders) if self._detected(senders[preamble], occasion)]
        for preamble, transmissions in senders.items():
            grant = heard.index(preamble) if preamble in heard else None
            for transmission in transmissions:
                answer = self._answer(transmission, occasion, grant, alone=len(transmissions) == 1)
                transmission.answered.succeed(answer)
        self.counts["detected"] += len(heard)
        self.counts["answered"] += min(len(heard), self._grants)

    @property
    def _grants(self) -> int:
        """Preambles that can be answered in the window of one occasion."""
        return int(self._rach.rar_slots * self._rach.grants_per_slot)

    def _count(self, senders: dict[int, list[Transmission]]) -> None:
        for transmissions in senders.values():
            self.counts["preambles"] += len(transmissions)
            self.counts["single" if len(transmissions) == 1 else "collided"] += 1
            if len(transmissions) > 1:
                self.counts["preambles_collided"] += len(transmissions)

    def _detected(self, transmissions: list[Transmission], occasion: int) -> bool:
        """Is a preamble heard? One that several sent is not, or leads them all into a collision of Msg3."""
        if len(transmissions) > 1 and not self._rach.collided_answered:
            return False
        return any(self._draws.happens(self._detect_q32[item.number], item.access.device.device_hash, DETECT, occasion)
                   for item in transmissions)

    def _answer(self, transmission: Transmission, occasion: int, grant: int | None, alone: bool) -> Answer:
        """What follows for one device, whose preamble has the number `grant` among those heard."""
        rach = self._rach
        window = int(self._env.now) + rach.preamble_ns + rach.rar_start_ns
        if grant is None or grant >= self._grants:
            return Answer(window + rach.rar_slots * rach.rar_slot_ns, False, occasion)
        answered = window + (grant // rach.grants_per_slot + 1) * rach.rar_slot_ns
        end, succeeded = self._messages(transmission.access.device.device_hash, occasion, answered, alone)
        self.counts["message_failures"] += not succeeded
        return Answer(end, succeeded, occasion)

    def _messages(self, device_hash: int, occasion: int, answered: int, alone: bool) -> tuple[int, bool]:
        """Msg3 and Msg4 after the answer: when they end, and whether the access has succeeded."""
        rach = self._rach
        failures = self._failures(device_hash, MSG3, occasion) if alone else rach.max_harq
        if failures == rach.max_harq:
            return answered + rach.msg3_ns + (rach.max_harq - 1) * rach.msg3_rtt_ns + rach.contention_ns, False
        msg3 = answered + rach.msg3_ns + failures * rach.msg3_rtt_ns
        failures = self._failures(device_hash, MSG4, occasion)
        msg4 = msg3 + rach.msg4_ns + failures * rach.msg4_rtt_ns
        if failures == rach.max_harq or msg4 > msg3 + rach.contention_ns:
            return msg3 + rach.contention_ns, False
        return msg4, True

    def _failures(self, device_hash: int, purpose: int, occasion: int) -> int:
        """HARQ attempts of a message that fail before the first that succeeds; `max_harq` if all do."""
        for attempt in range(self._rach.max_harq):
            if not self._draws.happens(self._rach.harq_fail_q32, device_hash, purpose, _ATTEMPTS * occasion + attempt):
                return attempt
        return int(self._rach.max_harq)

    # Counts --------------------------------------------------------------------------------------------------------

    def totals(self, horizon_ns: int) -> list[int]:
        """Counts in the order of `ACCESS_COUNTS`."""
        counts = self.counts.copy()
        counts["occasions"] = max(0, -(-(horizon_ns - self._rach.rao_offset_ns) // self._rach.rao_period_ns))
        if self._last_used >= 0:
            counts["opportunities"] = self._rach.n_preambles * (self._last_used - self._first_used + 1)
        return [counts[name] for name in ACCESS_COUNTS]
