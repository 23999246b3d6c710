"""Sharing: whose workers' phones load whose cells."""

from pathlib import Path

import numpy as np
import pytest

from twin.scenario import load
from twin.world.build import build_world
from twin.world.tables import World

SCENARIOS = Path(__file__).parent.parent / "scenarios"


def workers_by_host(world: World, park: int) -> dict[tuple[str, str], float]:
    """Workers behind the cells of a park by (operator of the phones, operator of the cells), from the period of the downloads."""
    names = world.operators["operator_id"].to_numpy()
    item = world.flow_types["name"].str.startswith("worker-phones/download@").to_numpy()
    flows = world.flows[item[world.flows["flow_type"]]]
    devices = world.devices.iloc[flows["device"].to_numpy()]
    per_s = 1e9 / world.flow_types["period_ns"].to_numpy()[flows["flow_type"]]
    host = world.cells["operator"].to_numpy()[devices["cell"]]
    out: dict[tuple[str, str], float] = {}
    for o, h, rate, p in zip(devices["operator"], host, per_s, devices["park"]):
        if p == park:
            out[names[o], names[h]] = out.get((names[o], names[h]), 0.0) + rate
    return out


def test_phones_of_a_guest_load_the_hosts_cells():
    scenario = load(SCENARIOS / "plan-2026.yaml", ["sharing=mocn", "devices.density=1"])
    world = build_world(scenario)
    rates = workers_by_host(world, 0)
    assert set(rates) == {("viettel", "viettel"), ("vnpt", "vnpt"), ("mobifone", "vnpt")}
    total = sum(rates.values())
    for operator, share in (("viettel", 0.5), ("vnpt", 0.35), ("mobifone", 0.15)):
        assert sum(v for k, v in rates.items() if k[0] == operator) / total == pytest.approx(share, rel=1e-6)
    assert world.devices["device_hash"].is_unique and world.flows["flow_hash"].is_unique
    phones = world.devices[world.devices["is_aggregate"]]
    assert (phones["cell"] >= 0).all() and np.isfinite(phones["gain_db"]).all()
    own = build_world(scenario.with_(sharing="none"))
    assert sum(workers_by_host(own, 0).values()) == pytest.approx(total, rel=1e-6)
