"""Log-spaced histogram bins of non-negative int64 values, found with shifts: exact, fast, the same everywhere.

A value below 2^k (k = `bits`) has a bin of its own; above, each octave is cut into 2^k equal bins, so a bin is at most
2^-k of its value wide and its middle is within 2^-(k+1): 0.4 % for k = 7, 3 % for k = 4.
"""

from __future__ import annotations

import numpy as np

from twin.base.jit import kernel

DELAY_BITS = 7
PART_BITS = 4
MAX_OCTAVE = 43  # values up to 2^43 ns = 2.4 h; larger ones fall into the last bin


def n_bins(bits: int) -> int:
    """Number of bins that cover 0 … 2^MAX_OCTAVE."""
    return (MAX_OCTAVE - bits + 1) << bits


@kernel
def bin_of(value, bits):
    """Bin of a value (int64 >= 0)."""
    if value < (1 << bits):
        return np.int64(max(value, 0))
    octave = 0
    v = value >> bits
    if v >= 1 << 32:
        v >>= 32
        octave += 32
    if v >= 1 << 16:
        v >>= 16
        octave += 16
    if v >= 1 << 8:
        v >>= 8
        octave += 8
    if v >= 1 << 4:
        v >>= 4
        octave += 4
    if v >= 1 << 2:
        v >>= 2
        octave += 2
    if v >= 2:
        octave += 1
    if octave + bits >= MAX_OCTAVE:
        return np.int64(((MAX_OCTAVE - bits + 1) << bits) - 1)
    return np.int64((octave << bits) + (value >> octave))


def bin_edges(bits: int) -> np.ndarray:
    """Low edges (int64) of all bins, and one more: the high edge of the last."""
    index = np.arange(n_bins(bits) + 1, dtype=np.int64)
    octave = np.maximum((index >> bits) - 1, 0)
    return np.where(index < (2 << bits), index, (index - (octave << bits)) << octave)


def quantile(counts: np.ndarray, q: float, bits: int) -> float:
    """Quantile q of a histogram (middle of the bin that holds it); nan when empty."""
    total = int(counts.sum())
    if total == 0:
        return float("nan")
    rank = min(total - 1, int(np.floor(q * total)))
    index = int(np.searchsorted(np.cumsum(counts), rank, side="right"))
    edges = bin_edges(bits)
    return float(edges[index] + edges[index + 1] - 1) / 2.0
