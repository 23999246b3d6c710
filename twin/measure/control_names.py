"""Names of what the control plane consists of, and which of its parts belong together."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from twin.measure.scopes import ratio
from twin.world.signalling_tables import INTERFACES, ROLES, SCRIPTS, TRIGGERS, Signalling

_STORM_KINDS = [SCRIPTS.index(name) for name in ("boot", "wake", "function_down", "core_delay")]
REGISTRATIONS = tuple(TRIGGERS.index(name) for name in ("registration", "registration_guti"))


def core_names(tables: Signalling) -> np.ndarray:
    """Names of the cores, such as ``viettel/5gc``."""
    return tables.cores["name"].to_numpy(object)


def owned_names(tables: Signalling, table: pd.DataFrame) -> np.ndarray:
    """Names of the rows of a table with columns `core` and `name`, each below its core: ``viettel/5gc/amf-1``."""
    cores = core_names(tables)[table["core"].to_numpy(dtype=np.int64)]
    pairs = zip(cores, table["name"].astype(str))
    return np.array([name if name.startswith(f"{core}/") else f"{core}/{name}" for core, name in pairs], dtype=object)


def interface_names(tables: Signalling) -> np.ndarray:
    """Names of every core's interfaces, core by core: ``viettel/5gc/N2``."""
    return np.array([f"{core}/{interface}" for core in core_names(tables) for interface in INTERFACES], dtype=object)


class Storms(NamedTuple):
    """The storms of a scenario, in the order of their first scripts.

    row: scripts that are part of one (what happens to devices or the core at once; of a power cut, the return); of: its storm.
    """

    names: np.ndarray  # object (storms,)
    t_ns: np.ndarray  # int64 (storms,)
    row: np.ndarray
    of: np.ndarray

    def summed(self, by_script: np.ndarray) -> np.ndarray:
        """What belongs to scripts (scripts, …) by storm (storms, …)."""
        return of_core(self.of, by_script[self.row], len(self.names))


def storms_of(tables: Signalling) -> Storms:
    """Storms: scripts of one time whose names agree up to the first ``/``; those that share a name get a number."""
    row = np.flatnonzero(np.isin(tables.scripts["kind"].to_numpy(), _STORM_KINDS))
    t_ns = tables.scripts["t_ns"].to_numpy(dtype=np.int64)[row]
    base = pd.Series([str(name).partition("/")[0] for name in tables.scripts["name"].iloc[row]], dtype=str)
    of, keys = pd.factorize(pd.MultiIndex.from_arrays([base, t_ns]))
    name = pd.Series([str(key[0]) for key in keys], dtype=str)
    number = (name.groupby(name).cumcount() + 1).astype(str)
    name = name.where(~name.duplicated(keep=False), name + "/" + number)
    return Storms(name.to_numpy(object), np.array([key[1] for key in keys], dtype=np.int64), row, of)


def of_core(core: np.ndarray, values: np.ndarray, n_cores: int) -> np.ndarray:
    """Sum rows (…, in order of `core`) to one row a core."""
    out = np.zeros((n_cores, *values.shape[1:]), dtype=values.dtype)
    np.add.at(out, core, values)
    return out


def touched_roles(tables: Signalling) -> np.ndarray:
    """bool (procedures, roles): the role sends or receives a message of the procedure."""
    out = np.zeros((len(tables.procedures), len(ROLES)), dtype=bool)
    procedure = tables.steps["procedure"].to_numpy(dtype=np.int64)
    for end in ("sender", "receiver"):
        out[procedure, tables.steps[end].to_numpy(dtype=np.int64)] = True
    return out


def function_load_pct(busy_ns: np.ndarray, elapsed_ns: float | np.ndarray, tables: Signalling) -> np.ndarray:
    """Load of each function in percent, load that is not simulated included; busy_ns: (…, functions).

    Of its workers; of one CPU for an event loop on a shared host.
    """
    background = background_share(tables)
    own_host = tables.functions["host"].to_numpy() < 0
    workers = np.where(own_host, np.maximum(tables.functions["workers"].to_numpy(dtype=float), 1.0), 1.0)
    return 100.0 * (background + (1.0 - background) * ratio(busy_ns, elapsed_ns * workers))


def host_load_pct(busy_ns: np.ndarray, elapsed_ns: float | np.ndarray, tables: Signalling) -> np.ndarray:
    """Load of the CPUs of each host that functions share, in percent, what is not simulated included; busy_ns: (…, functions).

    The work of a function is what it takes beside the background (a message costs more for it), as for `function_load_pct`.
    """
    member = tables.functions["host"].to_numpy(dtype=np.int64)[:, None] == np.arange(len(tables.hosts))
    own = ratio(busy_ns @ member.astype(np.int64), elapsed_ns * tables.hosts["cpus"].to_numpy(dtype=float))
    background = host_background(tables)
    return 100.0 * (background + (1.0 - background) * own)


def host_background(tables: Signalling) -> np.ndarray:
    """Share of each host that traffic outside the simulation takes: the largest of its functions."""
    host = tables.functions["host"].to_numpy(dtype=np.int64)
    out = np.zeros(len(tables.hosts))
    np.maximum.at(out, host[host >= 0], background_share(tables)[host >= 0])
    return out


def of_functions(of_hosts: np.ndarray, tables: Signalling) -> np.ndarray:
    """What belongs to hosts (…, hosts) for each of their functions (…, functions); nan for one with workers of its own."""
    host = tables.functions["host"].to_numpy(dtype=np.int64)
    padded = np.concatenate([of_hosts, np.full((*of_hosts.shape[:-1], 1), np.nan)], axis=-1)
    return padded[..., np.where(host >= 0, host, -1)]


def background_share(tables: Signalling) -> np.ndarray:
    """Share of each function that traffic outside the simulation takes."""
    return np.nan_to_num(tables.functions["background_share"].to_numpy(dtype=float))
