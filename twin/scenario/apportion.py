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
