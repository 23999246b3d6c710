"""Random numbers as pure functions of (seed, replication, entity, purpose, index), for both engines.

Philox 4x32-10: J. Salmon, M. Moraes, R. Dror, D. Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC'11.
"""

from __future__ import annotations

import math

import numpy as np

from twin.base.jit import inlined, kernel

# Purposes: which decision of an entity a draw is for. One fixed slot a decision.
PHASE, JITTER, CLASS, GAP, ON, OFF, JOIN, SIZE, GOP, ACTIVITY = range(1, 11)
SR_OFFSET, CG_OFFSET, HARQ_UL, HARQ_DL = 20, 21, 22, 23
SERVICE = 32  # + index of the server in the route's chain
# Of the control plane (docs/signalling.md).
BARRING, BARRING_WAIT, PREAMBLE, DETECT, MSG3, MSG4, BACKOFF = range(64, 71)
PAGING, NF_SERVICE, OVERLOAD, T3346, GUTI, RATE, START, SCRIPT = range(71, 79)

# Kinds of size distribution.
FIXED, UNIFORM, PARETO = 0, 1, 2
SIZE_KINDS = ("fixed", "uniform", "pareto")

_M0, _M1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_W0, _W1 = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)
_LOW = np.uint64(0xFFFFFFFF)
_S32 = np.uint64(32)
_INDEX_MASK = np.uint64(0xFFFFFFFFFFFF)


@inlined
def philox(c01, c23, key):
    """Philox 4x32-10 of a 128-bit counter (two uint64, low words first) and a 64-bit key: (uint64, uint64)."""
    c0, c1 = c01 & _LOW, c01 >> _S32
    c2, c3 = c23 & _LOW, c23 >> _S32
    k0, k1 = key & _LOW, key >> _S32
    for _ in range(10):
        p0 = _M0 * c0
        p1 = _M1 * c2
        c0, c1, c2, c3 = (p1 >> _S32) ^ c1 ^ k0, p1 & _LOW, (p0 >> _S32) ^ c3 ^ k1, p0 & _LOW
        k0 = (k0 + _W0) & _LOW
        k1 = (k1 + _W1) & _LOW
    return c0 | (c1 << _S32), c2 | (c3 << _S32)


@inlined
def draw(key, entity, purpose, index):
    """64 random bits (uint64) for one decision of one entity."""
    c23 = (np.uint64(purpose) << np.uint64(48)) | (np.uint64(index) & _INDEX_MASK)
    return philox(np.uint64(entity), c23, np.uint64(key))[0]


@inlined
def uniform_below(u, n):
    """Integer in [0, n) from 64 random bits: the high 64 bits of u * n (n < 2^63)."""
    m = np.uint64(n)
    ul, uh = u & _LOW, u >> _S32
    ml, mh = m & _LOW, m >> _S32
    cross = ((ul * ml) >> _S32) + ((uh * ml) & _LOW) + ul * mh
    return np.int64(uh * mh + ((uh * ml) >> _S32) + (cross >> _S32))


@inlined
def unit(u):
    """float in [0, 1) from the top 53 of 64 random bits."""
    return np.float64(u >> np.uint64(11)) * (1.0 / 9007199254740992.0)


@kernel
def exponential_ns(u, mean_ns):
    """Exponential time of the given mean, whole ns, at least 1."""
    return max(np.int64(1), np.int64(math.floor(0.5 - mean_ns * math.log1p(-unit(u)))))


@kernel
def size_bytes(u, kind, mean, spread, largest):
    """Burst size, whole bytes >= 1. kind FIXED: mean; UNIFORM: mean*(1 +- spread); PARETO: minimum `mean`, shape `spread`,
    values above `largest` clipped to it (TR 45.820 Annex E.2: 20 B, 2.5, 200 B)."""
    if kind == FIXED:
        return np.int64(mean)
    if kind == UNIFORM:
        return max(np.int64(1), np.int64(math.floor(mean * (1.0 + spread * (2.0 * unit(u) - 1.0)) + 0.5)))
    value = mean * (1.0 - unit(u)) ** (-1.0 / spread)
    return max(np.int64(1), np.int64(math.floor(min(value, np.float64(largest)) + 0.5)))


@inlined
def mix64(x):
    """Bijective mix of 64 bits (the finaliser of SplitMix64, Steele et al. 2014)."""
    x = np.uint64(x) + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


@inlined
def tie_key(flow_hash, t):
    """Order of equals at one instant: fair over time, the same in both engines. uint64."""
    return mix64(np.uint64(flow_hash) ^ np.uint64(t))


@kernel
def run_key(seed, replication):
    """64-bit Philox key of one replication of one root seed."""
    return mix64(mix64(np.uint64(seed)) ^ (np.uint64(replication) * np.uint64(0xD1342543DE82EF95) + np.uint64(1)))
