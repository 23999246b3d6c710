"""The draws of one replication, in Python integers."""

from __future__ import annotations

import numpy as np

from twin.base import draws
from twin.base.draws import SIZE_KINDS


def mix(x: int) -> int:
    """Another 64-bit number for each 64-bit number: the hash of something that is made of others."""
    return int(draws.mix64(np.uint64(x)))


class Draws:
    """Pure functions of (entity, purpose, index) under the key of one replication; no state."""

    def __init__(self, seed: int, replication: int) -> None:
        self._key = np.uint64(draws.run_key(seed, replication))

    @property
    def key(self) -> int:
        """The key of the replication."""
        return int(self._key)

    def bits(self, entity: int, purpose: int, index: int) -> int:
        """64 random bits."""
        return int(self._bits(entity, purpose, index))

    def below(self, n: int, entity: int, purpose: int, index: int) -> int:
        """Integer in [0, n); 0 when n is 0."""
        return int(draws.uniform_below(self._bits(entity, purpose, index), n))

    def exponential_ns(self, mean_ns: int, entity: int, purpose: int, index: int) -> int:
        """Exponential time, at least 1 ns."""
        return int(draws.exponential_ns(self._bits(entity, purpose, index), mean_ns))

    def happens(self, probability_q32: int, entity: int, purpose: int, index: int) -> bool:
        """True with a probability given in 1/2^32."""
        return self.bits(entity, purpose, index) >> 32 < probability_q32

    def size_bytes(self, kind: str, mean: int, spread: float, largest: int, entity: int, index: int) -> int:
        """Size of the burst number `index` of a flow (`mean`: minimum of a Pareto)."""
        u = self._bits(entity, draws.SIZE, index)
        return int(draws.size_bytes(u, SIZE_KINDS.index(kind), mean, spread, largest))

    def _bits(self, entity: int, purpose: int, index: int) -> np.uint64:
        return np.uint64(draws.draw(self._key, np.uint64(entity), purpose, index))
