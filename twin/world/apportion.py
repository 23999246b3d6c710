"""Splitting a whole number over parts so that the parts add up: the largest-remainder method."""

from __future__ import annotations

import numpy as np


def apportion(total: int, weights: np.ndarray) -> np.ndarray:
    """Whole parts (int64) of `total`, in proportion to `weights`; ties go to the earlier part.

    Args:
        total: what to split, >= 0.
        weights: one non-negative weight a part; all zero gives all zero.
    """
    w = np.asarray(weights, dtype=np.float64)
    if total <= 0 or w.sum() <= 0:
        return np.zeros(len(w), dtype=np.int64)
    quota = total * (w / w.sum())
    parts = np.floor(quota + 1e-9).astype(np.int64)
    left = int(total - parts.sum())
    order = np.argsort(-(quota - parts), kind="stable")
    parts[order[:left]] += 1
    return parts


def apportion_at_least_one(total: int, weights: np.ndarray) -> np.ndarray:
    """As `apportion`, but every part of positive weight gets one while the total lasts, the heaviest parts first."""
    w = np.asarray(weights, dtype=np.float64)
    first = np.zeros(len(w), dtype=np.int64)
    order = [i for i in np.argsort(-w, kind="stable") if w[i] > 0][: max(total, 0)]
    first[order] = 1
    return first + apportion(total - int(first.sum()), w)
