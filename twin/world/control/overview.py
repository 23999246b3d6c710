"""The cores of a world in a few words, for `twin show`."""

from __future__ import annotations

import pandas as pd

from twin.world.signalling_tables import ROLES, Signalling

COLUMNS = ["core", "profile", ">devices", ">instances", "functions", ">procedures", ">messages"]


def core_rows(signalling: Signalling) -> list[tuple[object, ...]]:
    """A row a core (`COLUMNS`): devices, instances, functions with instances x workers, procedures and their messages."""
    functions, procedures = signalling.functions, signalling.procedures
    devices = signalling.devices["core"].value_counts()
    out: list[tuple[object, ...]] = []
    for row, core in enumerate(signalling.cores.itertuples(index=False)):
        mine, flows = functions[functions["core"] == row], procedures[procedures["core"] == row]
        out.append((core.name, core.profile, devices.get(row, 0), len(mine), _pools(signalling, mine), len(flows),
                    flows["n_steps"].sum()))
    return out


def _pools(signalling: Signalling, functions: pd.DataFrame) -> str:
    """`amf 4x8 …`: instances and workers of each; before them those that share CPUs."""
    pools = functions.groupby("role", sort=True).agg(n=("name", "size"), workers=("workers", "first"), host=("host", "first"))
    own, shared = [], []
    for role, n, workers, host in zip(pools.index, pools["n"], pools["workers"], pools["host"]):
        name = ROLES[int(role)].lower()
        if host < 0:
            own.append(f"{name} {n}x{workers}")
        else:
            shared.append(name if n == 1 else f"{n} {name}")
    cpus = signalling.hosts["cpus"].to_numpy()[functions.loc[functions["host"] >= 0, "host"].unique()]
    return "; ".join(filter(None, [f"on {cpus[0]} shared CPUs: {' '.join(shared)}" if shared else "", " ".join(own)]))
