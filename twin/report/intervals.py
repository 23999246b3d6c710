"""Intervals over replications."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from twin.study.statistics import half_width, share_bounds


@dataclass(frozen=True)
class Interval:
    """A mean over `n` replications with its 95 % interval (Student t); low and high are None where n < 2."""

    mean: float
    low: float | None
    high: float | None
    n: int


def interval(values: np.ndarray) -> Interval:
    """Mean and 95 % interval of independent replications; values that are not a number are left out."""
    mean, std, n = _moments(values)
    half = float(half_width(np.array(std), np.array(n)))
    return Interval(mean, None, None, n) if math.isnan(half) else Interval(mean, mean - half, mean + half, n)


def share_interval(shares: np.ndarray, messages: float) -> Interval:
    """Mean and interval of a share by the rule of `twin.study.statistics.share_bounds`.

    messages: of the smallest replication.
    """
    mean, std, n = _moments(shares)
    if n == 0:
        return Interval(mean, None, None, 0)
    low, high = (float(end) for end in share_bounds(np.array(mean), np.array(std), np.array(n), np.array(messages)))
    return Interval(mean, None, None, n) if math.isnan(low) or math.isnan(high) else Interval(mean, low, high, n)


def _moments(values: np.ndarray) -> tuple[float, float, int]:
    """Mean, sample deviation and number of the values that are numbers."""
    values = np.asarray(values, dtype=float)
    values = values[~np.isnan(values)]
    n = len(values)
    return (float(values.mean()) if n else math.nan, float(values.std(ddof=1)) if n > 1 else math.nan, n)
