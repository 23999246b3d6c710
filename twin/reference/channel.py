"""A logical channel: the FIFO of one flow in one direction of its cell, and what the scheduler knows of it."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from enum import Enum

from twin.reference.bursts import Burst, Flow
from twin.reference.grants import Occasions

#: No limit on the size of a transport block.
UNLIMITED = 1 << 62


class Status(Enum):
    """What the scheduler does with a channel."""

    IDLE = "empty"
    PENDING = "may be scheduled from `ready` on"
    ACTIVE = "in the list of its level"


@dataclass
class Waiting:
    """A burst in a channel. `first` and `last` are the slots of its blocks, `first_end` and `end` their F."""

    burst: Burst
    arrival: int
    ready: int
    unsent: int
    first: int = -1
    last: int = -1
    first_end: int = 0
    end: int = 0
    lost: bool = False

    @property
    def untouched(self) -> bool:
        """No byte of it was in a block."""
        return self.first < 0

    def sent(self, size: int, slot: int, end: int, lost: bool) -> None:
        """A block in `slot`, whose last attempt ended at `end`, took `size` of its bytes (or lost them)."""
        if self.untouched:
            self.first, self.first_end = slot, end
        self.last, self.end = slot, max(self.end, end)
        self.unsent -= size
        self.lost = self.lost or lost


@dataclass
class RadioLink:
    """What a channel's radio carries as of the last epoch: MCS index, most PRBs of a block, error rate of the
    first attempt (1/2^32). Most PRBs 0: outage, nothing can be sent."""

    mcs: int = 0
    max_prb: int = 0
    bler_q32: int = 0


@dataclass(eq=False)
class Channel:
    """One flow in one direction of a cell."""

    flow: Flow
    device: int
    sr_offset: int = 0
    occasions: Occasions | None = None  # of its configured grant
    link: RadioLink = field(default_factory=RadioLink)
    status: Status = Status.IDLE
    ready: int = 0
    limit: int = UNLIMITED
    bsr_until: int = 0  # until then a new burst is reported with the last block: no scheduling request
    bsr_ready: int = 0
    last_delivery: int = 0  # G of the last burst delivered
    queue: deque[Waiting] = field(default_factory=deque)

    @property
    def level(self) -> int:
        """Priority level, 0 the most urgent."""
        return int(self.flow.kind.level)

    @property
    def backlog(self) -> int:
        """Bytes not yet in a block."""
        return sum(waiting.unsent for waiting in self.queue)

    def wait(self, ready: int, limit: int = UNLIMITED) -> None:
        """Become PENDING: a grant of at most `limit` bytes may be decided from `ready` on."""
        self.status, self.ready, self.limit = Status.PENDING, ready, limit

    def discard(self, now: int) -> list[Burst]:
        """Take the bursts from the head that waited too long; a single packet that has begun goes on."""
        dropped = []
        while self.queue and now - self.queue[0].arrival > self.flow.kind.discard_ns:
            head = self.queue[0]
            if not head.untouched and head.burst.size <= self.flow.kind.mtu_payload_bytes:
                break
            dropped.append(self.queue.popleft().burst)
        return dropped

    def take(self, size: int, slot: int, end: int, lost: bool) -> list[Waiting]:
        """Fill a block of `size` bytes from the head; return the bursts whose last byte is in it."""
        finished = []
        while size > 0:
            head = self.queue[0]
            part = min(size, head.unsent)
            head.sent(part, slot, end, lost)
            size -= part
            if head.unsent == 0:
                finished.append(self.queue.popleft())
        return finished
