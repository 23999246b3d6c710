"""What moves: a flow, its bursts, and a burst as a train of packets."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from twin.reference.instant import arrival_rank


@dataclass(frozen=True)
class Flow:
    """One row of `world.flows`, with the row of its flow type (named tuples of the tables)."""

    number: int
    flow_hash: int
    group_hash: int
    cell: int  # -1: wired or without coverage
    covered: bool  # has a route: its bursts can go somewhere
    kind: Any  # row of flow_types

    @property
    def is_request_response(self) -> bool:
        """Does the last server of an uplink burst answer?"""
        return self.kind.direction == 0 and self.kind.response_bytes > 0


@dataclass
class Burst:
    """One application message, or the response to one (direction 2: `t_gen` and `parts` begin with the request)."""

    flow: Flow
    seq: int
    direction: int  # 0 ul, 1 dl, 2 rtt
    t_gen: int
    size: int  # bytes
    parts: Counter[str] = field(default_factory=Counter)  # ns spent in each part of the way
    cause: str = ""  # first cause of loss; "" while nothing was lost

    def rank(self, time: int) -> int:
        """Its place among the arrivals of an instant."""
        return arrival_rank(self.flow.kind.level, self.flow.flow_hash, self.seq, time)

    def mark(self, cause: str) -> None:
        """Something of it was lost: the first cause stays."""
        self.cause = self.cause or cause

    def response(self) -> Burst:
        """The answer of its last server; it carries on the account of the request."""
        return Burst(self.flow, self.seq, 2, self.t_gen, int(self.flow.kind.response_bytes), self.parts.copy())


@dataclass
class Train:
    """A burst on the wire: packets of `mtu` payload bytes, the last with what remains."""

    size: int
    mtu: int

    @property
    def packets(self) -> int:
        """ceil(bytes / mtu)."""
        return -(-self.size // self.mtu)

    @property
    def first_bytes(self) -> int:
        """Payload of the first packet."""
        return min(self.size, self.mtu)

    @property
    def last_bytes(self) -> int:
        """Payload of the last packet."""
        return self.size - (self.packets - 1) * self.mtu

    def cut(self, packets: int) -> None:
        """Keep only the first packets, fewer than all: they are full ones."""
        self.size = packets * self.mtu
