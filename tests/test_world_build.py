from functools import cache
from pathlib import Path

import networkx as nx
import numpy as np
import pandas as pd
import pytest

from twin.base.link_adaptation import adaptation_tables, covered
from twin.base.propagation import ELEMENT_GAIN_DBI, UMA, sector_gain_dbi
from twin.scenario import load
from twin.scenario.population import bursts_per_s, expected_bursts_per_s
from twin.world.build import build_world
from twin.world.coverage import site_loss_db
from twin.world.routes import RouteTable, follows_graph
from twin.world.station_plan import planned_counts
from twin.world.tables import COLUMNS, LINK, POOL, SERVER, World

SCENARIOS = Path(__file__).parent.parent / "scenarios"


@cache
def world_of(name: str, *overrides: str) -> World:
    return build_world(load(SCENARIOS / f"{name}.yaml", overrides))


def rows(world: World, route: int) -> list[int]:
    return list(world.route_resources[world.route_start[route]:world.route_start[route + 1]])


def test_plan_totals_hold():
    world = world_of("plan-2026")
    assert world.counts["stations_5g_total"] == 1335
    assert world.counts["stations_5g_in_park"] == 126 == len(world.stations)
    assert world.counts["stations_5g_outside_parks"] == 1335 - 126
    assert world.counts["stations_4g_new"] == 286
    assert world.counts["stations_5g_converted"] + world.counts["stations_5g_new_built"] == 1229
    assert sum(world.counts[f"stations_5g_in_park/{p}"] for p in world.parks["park_id"]) == 126
    assert len(world.cells) == 3 * 126
    assert world.cells["name"].iat[0] == "TL2/viettel/site-01/cell-1"
    assert world.cells["name"].is_unique and world.sites["name"].is_unique


def test_device_totals_hold():
    world = world_of("plan-2026")
    by_park = {p: sum(v for k, v in world.counts.items() if k.startswith(f"devices/{p}/")) for p in world.parks["park_id"]}
    assert by_park == {p.park_id: round(25 * p.leased_ha) for p in world.parks.itertuples()}
    single = world.devices[~world.devices["is_aggregate"]]
    five_g = sum(v for k, v in world.counts.items() if k.startswith("devices/") and k.endswith(("/nr", "/redcap")))
    assert len(single) == world.counts["devices_5g"] == five_g
    assert len(world.devices) - len(single) == len(world.cells)


def test_all_cellular_puts_every_device_on_5g():
    world = world_of("plan-2026", "devices.access=all_cellular")
    assert world.counts["devices_5g"] == world.counts["devices_all_iot"]


def rate_per_s(world: World, scenario, flow_type) -> float:
    """Bursts a second of one flow, from the row of the flow table; its item's for generators of several times."""
    if flow_type.generator in ("periodic", "video", "poisson"):
        return 1e9 / flow_type.period_ns * (2 if flow_type.response_bytes else 1)
    device_class = world.device_classes["device_class_id"][flow_type.device_class]
    return bursts_per_s(scenario.device_classes[device_class].traffic[flow_type.name.split("/")[1]])


@pytest.mark.parametrize("overrides", [(), ("devices.access=all_cellular",), ("devices.include_derived=false",)])
def test_expected_bursts_are_those_of_the_flow_table(overrides):
    scenario = load(SCENARIOS / "one-park.yaml", overrides)
    world = world_of("one-park", *overrides)
    flows = world.flows[~world.devices["is_aggregate"].to_numpy()[world.flows["device"]]]
    rates = {row.Index: rate_per_s(world, scenario, row) for row in world.flow_types.itertuples()}
    assert sum(rates[t] for t in flows["flow_type"]) == pytest.approx(expected_bursts_per_s(scenario), rel=1e-9)


def test_low_antennas_and_short_links_are_taken_at_the_limit_of_the_formulas():
    clutter = np.zeros(3)
    args = (np.uint64(1), np.uint64(2), UMA)
    low, limit = (site_loss_db(*args, 300.0, 25.0, h, 2.55, clutter) for h in (0.5, 1.5))
    near, ten = (site_loss_db(*args, d, 25.0, 1.5, 2.55, clutter) for d in (2.0, 10.0))
    assert low == limit and near == ten and limit > ten
    assert not any("hut" in w or "d2d" in w for w in world_of("plan-2026").warnings)
    assert any("hut" in w for w in world_of("one-park", "device_classes.camera.height_m=40").warnings)


def test_peak_of_a_sector_is_the_profiles_gain():
    gain = load(SCENARIOS / "plan-2026.yaml").radio_profiles["nr-tdd-2600"].antenna_gain_dbi
    assert gain == 24.0 and sector_gain_dbi(0.0, 0.0, gain - ELEMENT_GAIN_DBI) == gain


def test_share_without_coverage_is_credible():
    devices = world_of("plan-2026").devices
    single = devices[~devices["is_aggregate"]]
    lost = single["cell"].lt(0)
    by_operator = lost.groupby(single["operator"]).mean()
    assert 0.03 < lost.mean() < 0.15 and lost[~single["indoor"]].mean() < 0.01
    assert by_operator[0] < by_operator[1] < by_operator[2]


def test_one_park_keeps_its_share_of_the_provinces_stations():
    scenario = load(SCENARIOS / "plan-2026.yaml")
    alone = scenario.model_copy(update={"parks": {"YM2": scenario.parks["YM2"]}})
    assert planned_counts(alone) == {"YM2": planned_counts(scenario)["YM2"]}


@pytest.mark.parametrize("name", sorted(p.stem for p in SCENARIOS.glob("*.yaml")))
def test_columns_and_references(name):
    world = world_of(name)
    for table, columns in COLUMNS.items():
        frame = getattr(world, table)
        for column, dtype in columns.items():
            assert frame[column].dtype == (pd.Series([""]).dtype if dtype == "str" else np.dtype(dtype)), (table, column)
    n = len(world.devices)
    assert world.neighbours.shape == world.neighbour_gain_db.shape == (n, 8)
    assert world.neighbours.dtype == np.int32 and world.neighbour_gain_db.dtype == np.float64
    assert world.devices["cell"].between(-1, len(world.cells) - 1).all()
    assert world.devices["device_hash"].is_unique and world.flows["flow_hash"].is_unique
    assert (world.devices["gain_db"] < 0).all()
    for column, table in (("device", "devices"), ("flow_type", "flow_types")):
        assert world.flows[column].between(0, len(getattr(world, table)) - 1).all()
    assert world.activity_q16.max() <= 65536
    assert len(world.assumptions) > 50 and (world.assumptions["source"] != "").all()


@pytest.mark.parametrize("name", sorted(p.stem for p in SCENARIOS.glob("*.yaml")))
def test_routes_are_valid_and_acyclic(name):
    world = world_of(name)
    kind = world.resources["kind"].to_numpy()
    ups, downs = world.flows["route_up"].unique(), world.flows["route_down"].unique()
    for route in ups[ups >= 0]:
        kinds = kind[rows(world, route)]
        assert kinds[0] == LINK and (kinds == POOL).sum() == 1 and kinds[-1] == SERVER
        assert (np.diff(np.flatnonzero(kinds == SERVER)) == 1).all()
    for route in downs[downs >= 0]:
        kinds = kind[rows(world, route)]
        assert kinds[-1] == LINK and (kinds == POOL).sum() == 1 and (kinds != SERVER).all()
    table = RouteTable([tuple(rows(world, r)) for r in range(len(world.route_start) - 1)])
    both = world.flows[(world.flows["route_up"] >= 0) & (world.flows["route_down"] >= 0)]
    pairs = set(both[["route_up", "route_down"]].drop_duplicates().itertuples(index=False, name=None))
    assert nx.is_directed_acyclic_graph(follows_graph(table, pairs))


def test_flows_have_routes_exactly_where_covered():
    world = world_of("plan-2026")
    is_covered = world.devices["cell"].to_numpy()[world.flows["device"]] >= 0
    routed = (world.flows["route_up"] >= 0) | (world.flows["route_down"] >= 0)
    assert (routed.to_numpy() == is_covered).all()
    types = world.flow_types.iloc[world.flows["flow_type"]]
    up = is_covered & (types["direction"].to_numpy() == 0)
    assert ((world.flows["route_up"] >= 0).to_numpy() == up).all()
    down = is_covered & ((types["direction"].to_numpy() == 1) | (types["response_bytes"].to_numpy() > 0))
    assert ((world.flows["route_down"] >= 0).to_numpy() == down).all()


def test_links_have_both_directions_and_a_rate():
    world = world_of("plan-2026")
    links = world.resources[world.resources["kind"] == LINK]
    assert (links["rate_bps"] > 0).all() and (links["rate_bps"] <= links["rate_total_bps"]).all()
    ring = links[links["edge_kind"].isin(["ring", "trunk"])]
    assert np.allclose(ring["rate_bps"] / ring["rate_total_bps"], 0.7)
    assert (world.resources[world.resources["kind"] != LINK]["workers"] > 0).all()


def test_same_scenario_same_world():
    first, second = world_of("one-park"), build_world(load(SCENARIOS / "one-park.yaml"))
    for table in COLUMNS:
        pd.testing.assert_frame_equal(getattr(first, table), getattr(second, table))
    assert np.array_equal(first.neighbours, second.neighbours)
    assert np.array_equal(first.route_resources, second.route_resources)


def test_adding_a_device_changes_no_other():
    scenario = load(SCENARIOS / "one-park.yaml")
    group = {"park": "YM2", "tenant": "tenant-03", "device_class": "camera", "count": 1}
    groups = [*scenario.model_dump(mode="json")["devices"]["groups"], group]
    before, after = build_world(scenario), build_world(scenario.with_(devices={"groups": groups}))
    assert len(after.devices) == len(before.devices) + 1
    index = pd.Series(range(len(after.devices)), index=after.devices["device_hash"])[before.devices["device_hash"]].to_numpy()
    pd.testing.assert_frame_equal(after.devices.iloc[index].reset_index(drop=True), before.devices)
    assert np.array_equal(after.neighbours[index], before.neighbours)
    assert set(before.flows["flow_hash"]) < set(after.flows["flow_hash"])


def test_server_is_strongest_and_coverage_is_as_link_adaptation_says():
    world = world_of("plan-2026")
    single = ~world.devices["is_aggregate"].to_numpy()
    served = single & (world.devices["cell"] >= 0).to_numpy()
    power = world.cells["tx_power_dbm"].to_numpy()
    cell = world.devices["cell"].to_numpy()[served]
    own = world.devices["gain_db"].to_numpy()[served] + power[cell]
    other = world.neighbour_gain_db[served] + np.where(world.neighbours[served] >= 0, power[world.neighbours[served]], -1e9)
    assert (other <= own[:, None]).all()
    assert (other[:, 1:] <= other[:, :-1]).all()
    tables = [adaptation_tables(r) for r in world.radios.itertuples(index=False)]
    radio = world.cells["radio"].to_numpy()
    for row in np.flatnonzero(served)[::50]:
        at = world.devices["cell"].iat[row]
        assert covered(tables[radio[at]], world.devices["gain_db"].iat[row], power[at])


def test_devices_use_cells_of_their_operator_and_park():
    world = world_of("plan-2026")
    served = world.devices[world.devices["cell"] >= 0]
    at = world.cells.iloc[served["cell"].to_numpy()]
    assert (at["operator"].to_numpy() == served["operator"].to_numpy()).all()
    assert (at["park"].to_numpy() == served["park"].to_numpy()).all()


def test_phones_load_their_own_cell_and_grow_with_workers():
    world = world_of("plan-2026")
    phones = world.devices[world.devices["is_aggregate"]]
    assert sorted(phones["cell"]) == list(range(len(world.cells)))
    more = world_of("plan-2026", "parks.TL2.workers=56000")
    name = "worker-phones/download@TL2/viettel"

    def period(w):
        return int(w.flow_types.set_index("name").loc[name, "period_ns"])

    assert period(world) / period(more) == pytest.approx(2.0, rel=1e-6)


def test_sharing_modes():
    none, passive = world_of("one-park"), world_of("one-park", "sharing=passive")
    assert len(none.sites) == 9 and len(passive.sites) == 4 and len(passive.stations) == 9
    moran, mocn = world_of("one-park", "sharing=moran"), world_of("one-park", "sharing=mocn")
    mobifone = list(none.operators["operator_id"]).index("mobifone")
    assert moran.counts["stations_5g_in_park"] == mocn.counts["stations_5g_in_park"] == 9
    assert (moran.stations["operator"] == mobifone).sum() == 5
    served = mocn.devices[(mocn.devices["operator"] == mobifone) & (mocn.devices["cell"] >= 0)]
    assert len(served) and (mocn.cells["operator"].to_numpy()[served["cell"]] != mobifone).all()
    lost = [w.devices.loc[w.devices["operator"] == mobifone, "cell"].lt(0).mean() for w in (none, moran)]
    assert lost[1] < lost[0]


@pytest.mark.parametrize("upf", ["hanoi", "province", "park"])
@pytest.mark.parametrize("server", ["hanoi", "province", "edge"])
def test_any_placement_builds_without_a_circle(upf, server):
    at = [f"operators.{o}.upf={upf}" for o in ("viettel", "vnpt", "mobifone")]
    world = world_of("plan-2026", *at, f"servers.default={server}", "devices.density=2.0")
    assert not any("circle" in w for w in world.warnings)


def test_edge_is_never_farther_than_hanoi():
    near, far = world_of("edge-upf"), world_of("plan-2026")

    def shortest(w):
        propagation = w.resources["propagation_ns"].to_numpy()
        routes = w.flows["route_up"].unique()
        return min(sum(propagation[rows(w, r)]) for r in routes[routes >= 0])

    assert shortest(near) < shortest(far)


def test_park_upf_keeps_control_in_the_park():
    world = world_of("private-5g-park-upf")
    names = world.resources["name"]
    private = [t for t in world.flow_types.itertuples() if world.applications["application_id"][t.application] == "agv-control"]
    flows = world.flows[world.flows["flow_type"].isin([t.Index for t in private]) & (world.flows["route_up"] >= 0)]
    park = load(SCENARIOS / "private-5g-park-upf.yaml").private_network.parks[0]
    at = world.devices["park"].to_numpy()[flows["device"]] == list(world.parks["park_id"]).index(park)
    for route in flows[at]["route_up"].unique():
        assert not any("ha-noi" in names[r] for r in rows(world, route))


def test_dedicated_cells_serve_only_the_private_networks_devices():
    world = world_of("private-5g-dedicated-ran")
    private = world.cells["private"].to_numpy()
    assert private.any()
    served = world.devices[world.devices["cell"] >= 0]
    on_private = private[served["cell"]]
    classes = world.device_classes["device_class_id"].to_numpy()[served["device_class"]]
    assert on_private.any() and "worker-phones" not in set(classes[on_private])
