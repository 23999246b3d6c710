"""Intervals over replications."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

_CONFIDENCE = 0.95


@dataclass(frozen=True)
class Interval:
    """A mean over `n` replications with its 95 % interval (Student t); low and high are None where n < 2."""

    mean: float
    low: float | None
    high: float | None
    n: int


def interval(values: np.ndarray) -> Interval:
    """Mean and 95 % interval of independent replications; values that are not a number are left out."""
    values = np.asarray(values, dtype=float)
    values = values[~np.isnan(values)]
    n = len(values)
    if n == 0:
        return Interval(math.nan, None, None, 0)
    mean = float(values.mean())
    if n == 1:
        return Interval(mean, None, None, 1)
    half = float(stdtrit(n - 1, (1 + _CONFIDENCE) / 2) * values.std(ddof=1) / math.sqrt(n))
    return Interval(mean, mean - half, mean + half, n)


def share_interval(shares: np.ndarray, offered: float) -> Interval:
    """Interval of a share: clipped to [0, 1], and no narrower than the number of messages allows.

    Where no message was late in any replication the spread is zero and says nothing; then the lower end is 1 - 3/n
    (the rule of three: 95 % bound on a rate that was never seen in n messages).
    """
    found = interval(shares)
    if found.n == 0:
        return found
    low = found.low if found.low is None else max(0.0, found.low)
    high = found.high if found.high is None else min(1.0, found.high)
    if found.mean >= 1.0 and offered > 0:
        low, high = max(0.0, 1.0 - 3.0 / offered), 1.0
    return Interval(found.mean, low, high, found.n)
