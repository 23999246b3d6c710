"""The cores of a world in a few words, for `twin show`."""

from __future__ import annotations

from twin.world.signalling_tables import ROLES, Signalling

COLUMNS = ["core", "profile", ">devices", ">instances", "functions", ">procedures", ">messages"]


def core_rows(signalling: Signalling) -> list[tuple[object, ...]]:
    """A row a core (`COLUMNS`): devices, instances, functions with instances x workers, procedures and their messages."""
    functions, procedures = signalling.functions, signalling.procedures
    devices = signalling.devices["core"].value_counts()
    out: list[tuple[object, ...]] = []
    for row, core in enumerate(signalling.cores.itertuples(index=False)):
        mine, flows = functions[functions["core"] == row], procedures[procedures["core"] == row]
        pools = mine.groupby("role", sort=True).agg(n=("name", "size"), workers=("workers", "first"), host=("host", "first"))
        words = [f"{ROLES[int(role)].lower()} {pool.n}x{pool.workers}" for role, pool in zip(pools.index, pools.itertuples())]
        cpus = signalling.hosts["cpus"].to_numpy()[mine.loc[mine["host"] >= 0, "host"].unique()]
        shared = [f"on {n} shared CPUs:" for n in cpus]
        out.append((core.name, core.profile, devices.get(row, 0), len(mine), " ".join([*shared, *words]), len(flows),
                    flows["n_steps"].sum()))
    return out
