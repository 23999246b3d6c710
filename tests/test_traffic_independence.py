"""A device's traffic is its own: who else is there changes nothing."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.worlds import Builder, worlds
from twin.base.accounting import PARTS
from twin.base.names import name_hash
from twin.engine.run import Engine
from twin.world.tables import Clock, World

MS = 1_000_000
GENERATORS = ("periodic", "video", "mar_periodic", "poisson", "on_off", "alarm")
QUICK = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))


def inserted(table: pd.DataFrame, at: int, row: dict[str, Any]) -> pd.DataFrame:
    """A table with one more row before row `at`, a copy of row 0 but for what is given."""
    added = table.iloc[[0]].assign(**row).astype(table.dtypes.to_dict())
    return pd.concat([table.iloc[:at], added, table.iloc[at:]], ignore_index=True)


def with_one_more(world: World, device_at: int, flow_at: int) -> World:
    """One more device with a flow like the first one, anywhere in the tables."""
    like = world.flows.iloc[0]
    first = int(like["device"])
    extra = world.devices.iloc[first].to_dict() | {"device_hash": name_hash("newcomer")}
    flows = world.flows.assign(device=world.flows["device"] + (world.flows["device"] >= device_at))
    flow = like.to_dict() | {"device": device_at, "flow_hash": name_hash("newcomer/flow")}
    return dataclasses.replace(
        world, devices=inserted(world.devices, device_at, extra), flows=inserted(flows, flow_at, flow),
        neighbours=np.insert(world.neighbours, device_at, world.neighbours[first], axis=0),
        neighbour_gain_db=np.insert(world.neighbour_gain_db, device_at, world.neighbour_gain_db[first], axis=0))


def generators_after(world: World, clock: Clock) -> dict[int, tuple[int, ...]]:
    """State of each flow's generator at the end, by the flow's hash: its next burst, and all it knows of those before."""
    engine = Engine(world, clock)
    engine.advance(clock.horizon_ns)
    engine.measures()
    state = engine.state.flow_state
    return {int(h): tuple(row) for h, row in zip(world.flows["flow_hash"], state.tolist())}


@QUICK
@given(worlds(), st.data())
def test_a_newcomer_changes_no_generator(drawn: tuple[World, Clock], data: st.DataObject) -> None:
    """In random worlds, where the newcomer shares cell, links and servers with the others."""
    world, clock = drawn
    at = data.draw(st.integers(0, len(world.devices))), data.draw(st.integers(0, len(world.flows)))
    before, after = generators_after(world, clock), generators_after(with_one_more(world, *at), clock)
    assert len(after) == len(before) + 1
    assert {h: after[h] for h in before} == before


def bursts_by_flow(names: list[str], kinds: list[dict[str, Any]], seed: int) -> dict[str, list[tuple[int, int, int]]]:
    """Number, time and size of all bursts of named flows; a link of its own shows each flow's sizes."""
    b = Builder()
    numbers = [b.flow_type(**kind) for kind in kinds]
    for name in names:
        pick = name_hash(name) % len(kinds)
        route = b.route(b.link(rate_bps=8 * 10**9, overhead_bytes=0, buffer_bytes=1 << 30))
        b.add("flows", device=b.device(), flow_type=numbers[pick], route_up=route, flow_hash=name_hash(name),
              group_hash=name_hash(f"group-{pick}"))
    engine = Engine(b.build(), Clock(200 * MS, epoch_ns=100 * MS, seed=seed), capture=True)
    engine.advance(200 * MS)
    rows = engine.raw()
    rows = rows[rows[:, 3] < 190 * MS]  # later ones may be under way at the end
    size = rows[:, 6 + PARTS.index("serialisation")]
    found = np.stack([rows[:, 1], rows[:, 3], size], axis=1)
    return {name: sorted(map(tuple, found[rows[:, 0] == f].tolist())) for f, name in enumerate(names)}


@QUICK
@given(st.permutations([f"flow-{i}" for i in range(8)]), st.integers(1, 8), st.integers(0, 99), st.data())
def test_bursts_of_a_flow_are_its_own(names: list[str], some: int, seed: int, data: st.DataObject) -> None:
    """Times and sizes of a flow's bursts are the same alone, among others, and in any order of the tables."""
    kinds = [{"generator": data.draw(st.sampled_from(GENERATORS)), "period_ns": data.draw(st.sampled_from((3 * MS, 7_300_001))),
              "jitter_ns": data.draw(st.sampled_from((0, MS))), "size_spread": 0.8, "gop": 4, "join_q32": 3 << 30,
              "size_kind": data.draw(st.sampled_from(("fixed", "uniform", "pareto")))} for _ in range(3)]  # fmt: skip
    everyone, few = bursts_by_flow(sorted(names), kinds, seed), bursts_by_flow(names[:some], kinds, seed)
    assert {name: everyone[name] for name in few} == few
