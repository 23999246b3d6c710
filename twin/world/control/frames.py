"""Data frames with the columns of `SIGNALLING_COLUMNS`, and draws that belong to names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from twin.base.draws import draw, unit
from twin.base.jit import compiled
from twin.world.devices import WORLD_KEY
from twin.world.signalling_tables import SIGNALLING_COLUMNS

FULL_Q32 = 1 << 32
D_CORE = 207  # a purpose of draws, after those of twin.world.devices


def frame(table: str, rows: Sequence[Mapping[str, Any]] | Mapping[str, Any]) -> pd.DataFrame:
    """The engine's columns first and of their types; further columns (for reports) follow."""
    columns = SIGNALLING_COLUMNS[table]
    given = pd.DataFrame(rows) if len(rows) else pd.DataFrame({c: [] for c in columns})
    extra = [c for c in given.columns if c not in columns]
    return given[[*columns, *extra]].astype(columns)


@compiled
def _units(key, hashes, purpose, index, out):
    for i in range(len(hashes)):
        out[i] = unit(draw(key, hashes[i], purpose, index))


def unit_draws(hashes: np.ndarray, purpose: int, index: int = 0) -> np.ndarray:
    """A number in [0, 1) for each entity, the same for every seed: of its name, the purpose and the index."""
    out = np.empty(len(hashes), dtype=np.float64)
    _units(WORLD_KEY, np.asarray(hashes, dtype=np.uint64), np.int64(purpose), np.int64(index), out)
    return out
