"""Rows of the world's tables."""

from __future__ import annotations

from typing import Any

import pandas as pd


def rows_of(table: pd.DataFrame) -> list[Any]:
    """Rows of a table of the world: named tuples of Python numbers."""
    return list(table.itertuples(index=False))
