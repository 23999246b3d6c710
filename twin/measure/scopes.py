"""From the groups of a Measures (park x operator x application) to the scopes people ask about, by folding rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from twin.base import bins
from twin.measure.measures import Measures
from twin.world.tables import World

KPI_COLUMNS = ["kpi", "scope_kind", "scope", "value", "unit"]


@dataclass(frozen=True)
class Scope:
    """One way to lump groups together. names: (S,) str; of_group: int64 (G,), the scope each group belongs to."""

    kind: str
    names: np.ndarray
    of_group: np.ndarray

    def fold(self, values: np.ndarray) -> np.ndarray:
        """Sum group rows (G, …) to scope rows (S, …)."""
        out = np.zeros((len(self.names), *values.shape[1:]), dtype=values.dtype)
        np.add.at(out, self.of_group, values)
        return out

    def fold_max(self, values: np.ndarray) -> np.ndarray:
        """Largest of the group rows of each scope."""
        out = np.zeros((len(self.names), *values.shape[1:]), dtype=values.dtype)
        np.maximum.at(out, self.of_group, values)
        return out


def labels(world: World) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Identifiers of parks, operators and applications, as object arrays of str."""
    return (world.parks["park_id"].to_numpy(object), world.operators["operator_id"].to_numpy(object),
            world.applications["application_id"].to_numpy(object))


def join(*columns: np.ndarray) -> np.ndarray:
    """Names ``a/b/c`` from equally long columns of str."""
    return np.array(["/".join(row) for row in zip(*columns)], dtype=object)


def scopes_of(world: World) -> list[Scope]:
    """All scopes of flows, from the whole network down to the single group."""
    parks, operators, applications = labels(world)
    n_p, n_o, n_a = len(parks), len(operators), len(applications)
    p, o, a = (axis.ravel() for axis in np.indices((n_p, n_o, n_a)))
    park_operator = join(np.repeat(parks, n_o), np.tile(operators, n_p))
    park_application = join(np.repeat(parks, n_a), np.tile(applications, n_p))
    return [
        Scope("network", np.array(["network"], dtype=object), np.zeros(len(p), dtype=np.int64)),
        Scope("park", parks, p),
        Scope("operator", operators, o),
        Scope("application", applications, a),
        Scope("park_operator", park_operator, p * n_o + o),
        Scope("park_application", park_application, p * n_a + a),
        Scope("group", join(parks[p], operators[o], applications[a]), np.arange(len(p))),
    ]


def fold_histograms(measures: Measures, scope: Scope) -> np.ndarray:
    """Delay histograms (S, 3, bins) of the scopes."""
    groups, directions = np.nonzero(measures.delay_row >= 0)
    out = np.zeros((len(scope.names) * 3, bins.n_bins(bins.DELAY_BITS)), dtype=np.int64)
    if len(groups):
        key = scope.of_group[groups] * 3 + directions
        order = np.argsort(key, kind="stable")
        key, rows = key[order], measures.delay_row[groups, directions][order]
        first = np.flatnonzero(np.diff(key, prepend=-1))
        out[key[first]] = np.add.reduceat(measures.delay_hist[rows], first, axis=0)
    return out.reshape(len(scope.names), 3, -1)


def quantiles(histograms: np.ndarray, qs: Iterable[float], bits: int) -> np.ndarray:
    """Quantiles (rows, len(qs)) of histograms (rows, bins), each the middle of the bin that holds it; nan when empty."""
    cumulated = np.cumsum(histograms, axis=1, dtype=np.int64)
    total = cumulated[:, -1]
    edges = bins.bin_edges(bits)
    middle = (edges[:-1] + edges[1:] - 1) / 2.0
    out = np.full((len(histograms), len(list(qs := tuple(qs)))), np.nan)
    for column, q in enumerate(qs):
        rank = np.minimum(total - 1, np.floor(q * total).astype(np.int64))
        index = np.minimum((cumulated <= rank[:, None]).sum(axis=1), len(middle) - 1)
        out[:, column] = np.where(total > 0, middle[index], np.nan)
    return out


def ratio(numerator: np.ndarray, denominator: np.ndarray | float) -> np.ndarray:
    """Quotient as float64, nan where the denominator is not positive."""
    top, bottom = np.broadcast_arrays(np.asarray(numerator, dtype=float), np.asarray(denominator, dtype=float))
    return np.divide(top, bottom, out=np.full(top.shape, np.nan), where=bottom > 0)


class Rows(NamedTuple):
    """Rows of the KPI table that share KPI, scope kind and unit; a table is made of many such in one go."""

    kpi: str
    scope_kind: str
    unit: str
    scope: np.ndarray
    value: np.ndarray


def rows(kpi: str, kind: str, names: np.ndarray, values: np.ndarray, unit: str) -> Rows:
    """Rows of the KPI table, one a name; rows without a value (nan) are left out."""
    values = np.asarray(values, dtype=float)
    keep = ~np.isnan(values)
    return Rows(kpi, kind, unit, names[keep], values[keep])


def frame(parts: Sequence[Rows]) -> pd.DataFrame:
    """The KPI table of many rows."""
    if not parts:
        return pd.DataFrame(columns=KPI_COLUMNS)
    length = [len(part.value) for part in parts]

    def column(name: str) -> np.ndarray:
        return np.repeat(np.array([getattr(part, name) for part in parts], dtype=object), length)

    return pd.DataFrame({
        "kpi": column("kpi"), "scope_kind": column("scope_kind"), "scope": np.concatenate([part.scope for part in parts]),
        "value": np.concatenate([part.value for part in parts]), "unit": column("unit")}, columns=KPI_COLUMNS)


def names_or(names: np.ndarray, index: np.ndarray, otherwise: str = "") -> np.ndarray:
    """names[index], with `otherwise` where the index is -1 (no park, no operator)."""
    padded = np.append(np.asarray(names, dtype=object), otherwise)
    return padded[np.asarray(index, dtype=np.int64)]
