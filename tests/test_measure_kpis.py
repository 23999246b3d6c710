import numpy as np
import pandas as pd
import pytest
from fakes import fake_measures, fake_world

from twin.base import bins
from twin.measure import kpis
from twin.measure.failures import detours
from twin.measure.measures import PARTS
from twin.measure.scopes import quantiles


@pytest.fixture(scope="module")
def world():
    return fake_world()


@pytest.fixture(scope="module")
def measures(world):
    return fake_measures(world)


@pytest.fixture(scope="module")
def table(measures, world):
    return kpis.kpi_rows(measures, world)


def value(table: pd.DataFrame, kpi: str, kind: str, scope: str) -> float:
    found = table[(table["kpi"] == kpi) & (table["scope_kind"] == kind) & (table["scope"] == scope)]
    assert len(found) == 1, f"{kpi} {kind} {scope}: {len(found)} rows"
    return float(found["value"].iloc[0])


def test_no_kpi_row_without_a_value_and_none_twice(table):
    assert list(table.columns) == ["kpi", "scope_kind", "scope", "value", "unit"]
    assert table["value"].notna().all() and np.isfinite(table["value"]).all()
    assert not table.duplicated(["kpi", "scope_kind", "scope"]).any()


def test_messages_are_conserved_in_every_scope(table):
    wide = table[table["kpi"].isin(["offered", "delivered", "lost", "in_flight"]) & (table["scope_kind"] != "tenant")]
    wide = wide.pivot(index=["scope_kind", "scope"], columns="kpi", values="value")
    assert (wide["offered"] == wide["delivered"] + wide["lost"] + wide["in_flight"]).all()
    assert wide.loc[("network", "network"), "offered"] == 1500
    assert wide.loc[("group", "TL2/viettel/camera"), "offered"] == 1000


def test_requests_are_judged_on_the_round_trip(table, measures):
    share = measures.within[7, 2] / (measures.delivered[7, 2] + measures.lost[7, 2].sum())
    assert value(table, "share_within_deadline", "group", "PNA/vnpt/sensor") == pytest.approx(share)
    assert value(table, "lost_no_coverage", "park", "PNA") == 5


def test_percentiles_are_those_of_the_scalar_function(table, measures):
    expected = bins.quantile(measures.delay_hist[0], 0.99, bins.DELAY_BITS) * 1e-6
    assert value(table, "latency_ul_p99_ms", "group", "TL2/viettel/camera") == pytest.approx(expected)
    assert value(table, "latency_ul_p99_ms", "application", "camera") == pytest.approx(expected)
    assert value(table, "latency_ul_mean_ms", "park", "TL2") == pytest.approx(
        measures.delay_sum_ns[0, 0] / measures.delivered[0, 0] * 1e-6)


def test_quantiles_of_random_histograms():
    rng = np.random.default_rng(3)
    histograms = rng.integers(0, 3, (20, bins.n_bins(bins.PART_BITS)))
    histograms[4] = 0
    values = quantiles(histograms, (0.5, 0.999), bins.PART_BITS)
    for row, counts in zip(values, histograms):
        for got, q in zip(row, (0.5, 0.999)):
            assert got == pytest.approx(bins.quantile(counts, q, bins.PART_BITS), nan_ok=True)


def test_throughput_names_its_layer(table, measures):
    row = table[(table["kpi"] == "throughput_ul_mbps") & (table["scope"] == "TL2/viettel/camera")].iloc[0]
    assert row["value"] == pytest.approx(measures.delivered_bytes[0, 0] * 8 / 2.0 / 1e6)
    assert "application layer" in row["unit"]


def test_link_load_counts_the_background(table, measures):
    expected = 30.0 + 70.0 * measures.busy_ns[0] / measures.measured_ns
    assert value(table, "link_load_pct", "link", "site>agg [up]") == pytest.approx(expected)
    assert value(table, "pool_busy_pct", "pool", "upf [up]") == pytest.approx(25.0 * measures.busy_ns[3] / measures.measured_ns)


def test_devices_and_stations(table, world):
    assert value(table, "devices", "network", "network") == len(world.devices)
    assert value(table, "devices_without_coverage", "network", "network") == 1
    assert value(table, "stations_5g", "park", "TL2") == 2


def test_budget_parts_add_up_to_the_mean(measures, world):
    budget = kpis.budget_rows(measures, world)
    camera = budget[(budget["park"] == "TL2") & (budget["application"] == "camera") & (budget["direction"] == "ul")]
    assert list(camera["component"]) == list(PARTS)
    assert camera["mean_ms"].sum() == pytest.approx(measures.delay_sum_ns[0, 0] / measures.delivered[0, 0] * 1e-6)
    assert camera["share"].sum() == pytest.approx(1.0)
    assert (camera["p99_ms"] > camera["mean_ms"]).all()


def test_histogram_rows_hold_every_burst(measures, world):
    rows = kpis.histogram_rows(measures, world)
    assert rows["bursts"].sum() == measures.delivered[:, :3].sum()
    assert (rows["low_ms"] < rows["high_ms"]).all()


def test_timeseries(measures, world):
    series = kpis.timeseries_rows(measures, world)
    assert set(series["t_s"]) == {0.0, 1.0}
    cell = series[(series["kpi"] == "cell_prb_ul_pct") & (series["scope"] == "PNA/vnpt") & (series["t_s"] == 0.0)]
    assert cell["value"].iloc[0] == pytest.approx(measures.series_cell_prb[0, 1, 0] / 1000 * 100)


def test_resources_sorted_by_room_to_grow(measures, world):
    rows = kpis.resource_rows(measures, world, headroom_pct=60.0)
    assert rows["growth_to_headroom"].is_monotonic_increasing
    link = rows[rows["name"] == "agg>pop"].iloc[0]  # two legs of one fibre direction
    own = 70.0 * (measures.busy_ns[1] + measures.busy_ns[5]) / measures.measured_ns
    assert link["load_pct"] == pytest.approx(30.0 + own)
    assert link["growth_to_headroom"] == pytest.approx(30.0 / own)
    upf = rows[rows["name"] == "upf [up]"].iloc[0]
    assert upf["load_with_one_unit_failed_pct"] == pytest.approx(upf["load_pct"] * 4 / 3)
    lone = rows[rows["name"] == "c1"].iloc[0]
    assert not lone["has_spare"] and np.isnan(lone["load_with_one_unit_failed_pct"])


def test_a_cut_fibre_loads_its_detour(world):
    links = pd.DataFrame({"name": ["site>agg", "agg>pop", "town>pop"], "offered_own_pct": [5.0, 20.0, 10.0]})
    extra, protected = detours(links, world.graph)
    assert list(protected) == [False, True, True]
    assert list(extra) == [0.0, 10.0, 20.0]  # town-pop falls back on agg, agg-pop on town


def test_bottleneck_is_on_the_way_of_the_application(measures, world):
    resources = kpis.resource_rows(measures, world)
    found = kpis.bottleneck_rows(resources, world)
    assert set(zip(found["park"], found["application"])) == {("TL2", "camera"), ("PNA", "sensor")}
    passed = {"site>agg", "agg>pop", "upf [up]", "platform", "c0"}
    best = resources[resources["name"].isin(passed)].iloc[0]["name"]
    assert found[found["park"] == "TL2"]["bottleneck"].iloc[0] == best


def test_an_empty_run_gives_tables_without_errors(world):
    empty = fake_measures(world)
    for name, item in vars(empty).items():
        if isinstance(item, np.ndarray) and not name.endswith("_row"):
            item[...] = 0
    for name in ("kpi_rows", "budget_rows", "histogram_rows", "timeseries_rows"):
        getattr(kpis, name)(empty, world)
    kpis.bottleneck_rows(kpis.resource_rows(empty, world), world)


def changed(measures, **arrays):
    """The measures with some arrays replaced."""
    from dataclasses import replace
    return replace(measures, **arrays)


def test_messages_are_those_of_the_judged_column(measures, world):
    offered = measures.offered.copy()
    offered[0, 3] = 1234
    table = kpis.kpi_rows(changed(measures, offered=offered), world)
    assert value(table, "offered", "group", "TL2/viettel/camera") == 1234
    assert value(table, "offered_ul_bursts", "group", "TL2/viettel/camera") == 1000
    assert value(table, "bursts_per_s", "network", "network") == 1500 / 2.0


def test_tenants_are_judged_on_what_ended_beside_what_was_agreed(measures, world):
    from dataclasses import replace
    agreed = replace(world, tenants=world.tenants.assign(sla_pct=[99.5, 0.0]))
    table = kpis.kpi_rows(measures, agreed)
    assert value(table, "share_within_deadline", "tenant", "TL2/t-1") == pytest.approx(900 / 990)
    assert value(table, "sla_pct", "tenant", "TL2/t-1") == 99.5
    assert value(table, "deadline_rtt_ms", "application", "sensor") == 100.0


def test_units_name_layer_and_what_was_dropped(table):
    units = table.drop_duplicates("kpi").set_index("kpi")["unit"]
    assert units["link_throughput_gbps"] == "Gbit/s (link layer)" and units["server_drops"] == "messages"
    assert units["upf_throughput_gbps"] == "Gbit/s (application layer)" and units["link_drops"] == "packets"


def test_a_cell_out_of_grants_is_full_though_it_has_prbs(measures, world):
    grants = measures.grants_used.copy()
    grants[0, 0] = 900
    rows = kpis.resource_rows(changed(measures, grants_used=grants), world)
    cell = rows[(rows["name"] == "c0") & (rows["direction"] == "ul")].iloc[0]
    assert (cell["load_pct"], cell["limited_by"]) == (90.0, "grants") and "PDCCH" in cell["next_step"]
    other = rows[(rows["name"] == "c0") & (rows["direction"] == "dl")].iloc[0]
    assert other["limited_by"] == "PRB" and other["load_pct"] == measures.prb_used[0, 1] / 20


def test_a_cell_full_downlink_is_no_bottleneck_of_uplink_traffic(measures, world):
    prb = measures.prb_used.copy()
    prb[:, 1] = 2000
    rows = kpis.resource_rows(changed(measures, prb_used=prb), world)
    assert rows.iloc[0]["kind"] == "cell" and rows.iloc[0]["direction"] == "dl" and rows.iloc[0]["growth_is_upper_bound"]
    found = kpis.bottleneck_rows(rows, world).set_index(["park", "application"])
    assert found.loc[("TL2", "camera"), "direction"] != "dl"  # one way up
    assert found.loc[("PNA", "sensor"), "direction"] == "dl"  # with responses


def test_growth_is_of_the_offered_load_and_marked_behind_drops(measures, world):
    offered, dropped = measures.offered_ns * 2, measures.packets_dropped.copy()
    dropped[1] = 7
    rows = kpis.resource_rows(changed(measures, offered_ns=offered, packets_dropped=dropped), world).set_index("name")
    platform = rows.loc["platform"]
    assert platform["offered_pct"] == pytest.approx(2 * platform["load_pct"])
    assert platform["growth_to_headroom"] == pytest.approx(70.0 / platform["offered_pct"])
    bound = rows["growth_is_upper_bound"]
    assert bound["agg>pop"] and bound["platform"] and not bound["site>agg"] and not bound["town>pop"]


def test_fibres_of_one_duct_are_cut_together(world):
    graph = world.graph.copy()
    for a, b in (("agg", "pop"), ("agg", "town")):
        graph.edges[a, b]["duct"] = "road"
    links = pd.DataFrame({"name": ["site>agg", "agg>pop", "town>pop"], "offered_own_pct": [5.0, 20.0, 10.0]})
    extra, protected = detours(links, graph)
    assert list(protected) == [False, False, True], "both ways out of the aggregation lie in one duct"
    assert list(extra) == [0.0, 10.0, 0.0]


def test_private_cells_do_not_stand_in_for_public_ones(measures, world):
    from dataclasses import replace
    rows = kpis.resource_rows(measures, world)
    assert rows[rows["name"] == "c0"]["has_spare"].all()
    apart = replace(world, cells=world.cells.assign(private=[False, False, True]))
    rows = kpis.resource_rows(measures, apart)
    assert not rows[rows["name"] == "c0"]["has_spare"].any()


def test_the_last_bucket_is_as_long_as_the_run_leaves_it(measures, world):
    # Buckets of 1 s, a warm-up of 0.5 s and 1 s measured: the second bucket is half as long.
    short = changed(measures, measured_ns=1_000_000_000)
    series = kpis.timeseries_rows(short, world, warmup_ns=500_000_000)
    link = series[(series["kpi"] == "pool_busy_pct") & (series["t_s"] == 1.0)].iloc[0]
    assert link["value"] == pytest.approx(100 * measures.series_busy_ns[1, 3] / 0.5e9 / 4)
    mbps = series[(series["kpi"] == "throughput_ul_mbps") & (series["scope"] == "TL2")]
    assert list(mbps["t_s"]) == [1.0], "throughput starts after the warm-up"
    assert mbps["value"].iloc[0] == pytest.approx(measures.series_delivered_bytes[1, 0, 0] * 8e-6 / 0.5)
