"""Stable names to 64-bit hashes: a stream of random numbers belongs to a name, never to a row number."""

from __future__ import annotations

import hashlib

import numpy as np

_C1, _C2, _C3 = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


def name_hash(name: str) -> int:
    """64-bit hash of a name such as ``TL2/viettel/site-03/cell-1``."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "little")


def numbered_hashes(prefix: str, numbers: np.ndarray) -> np.ndarray:
    """Hashes (uint64) of the names ``<prefix>-<number>``, vectorised: no string a device is built or kept."""
    with np.errstate(over="ignore"):
        x = np.uint64(name_hash(prefix)) ^ (numbers.astype(np.uint64) * _C1)
        x = (x ^ (x >> np.uint64(30))) * _C2
        x = (x ^ (x >> np.uint64(27))) * _C3
        return x ^ (x >> np.uint64(31))
