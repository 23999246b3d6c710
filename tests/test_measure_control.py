"""KPIs and time series of the control plane, from made-up counts."""

from dataclasses import fields, replace

import numpy as np
import pandas as pd
import pytest
from fakes import fake_measures, fake_measures_with_control, fake_world, with_signalling

from twin.base import bins
from twin.measure import kpis
from twin.measure.storm_kpis import recovery_s
from twin.study.store import load_measures, save_measures
from twin.world.signalling_tables import SCRIPTS
from twin.world.tables import Clock


@pytest.fixture(scope="module")
def world():
    return with_signalling(fake_world())


@pytest.fixture(scope="module")
def measures(world):
    return fake_measures_with_control(world)


@pytest.fixture(scope="module")
def table(measures, world):
    return kpis.kpi_rows(measures, world)


def value(table, kpi, kind, scope):
    found = table[(table["kpi"] == kpi) & (table["scope_kind"] == kind) & (table["scope"] == scope)]
    assert len(found) == 1, f"{kpi} {kind} {scope}: {len(found)} rows"
    return float(found["value"].iloc[0])


def test_every_row_has_a_value_and_none_is_there_twice(table):
    assert np.isfinite(table["value"]).all()
    assert not table.duplicated(["kpi", "scope_kind", "scope"]).any()
    assert {"core", "function", "procedure", "interface", "storm", "host"} <= set(table["scope_kind"])


def test_procedures_are_conserved_in_every_scope(table):
    wide = table[table["kpi"].str.startswith("procedures_")].pivot(index=["scope_kind", "scope"], columns="kpi", values="value")
    assert (wide["procedures_started"] + wide["procedures_in_progress_at_start"] == wide["procedures_succeeded"]
            + wide["procedures_failed"] + wide["procedures_in_progress"]).all()
    assert (wide["procedures_in_progress_at_start"] == 0).all()
    causes = [c for c in wide if c.startswith("procedures_failed_")]
    assert len(causes) == 7 and (wide[causes].sum(axis=1) == wide["procedures_failed"]).all()
    assert set(wide.loc["core"].index) == {"viettel/5gc", "vnpt/epc"}
    assert wide.loc["core"]["procedures_started"].sum() == wide.loc[("network", "network"), "procedures_started"]


def test_procedures_under_way_as_the_warm_up_ends_are_told_apart(measures, world):
    counts = measures.control.procedure_counts.copy()
    counts[0, 0] -= 7  # these began before the measured time
    counts[1] = 0
    counts[1, 9] = 2  # these run all the time
    table = kpis.kpi_rows(replace(measures, control=replace(measures.control, procedure_counts=counts)), world)
    assert value(table, "procedures_in_progress_at_start", "procedure", "viettel/5gc/registration") == 7
    assert value(table, "procedures_in_progress_at_start", "procedure", "viettel/5gc/session_establishment") == 2
    assert value(table, "procedures_in_progress_at_start", "core", "viettel/5gc") == 9
    assert value(table, "procedures_in_progress_at_start", "network", "network") == 9


def test_signalling_takes_a_share_of_the_air(measures, world):
    prb = np.array([[500, 100], [2500, 0], [0, 0], [9, 9]])
    table = kpis.kpi_rows(replace(measures, control=replace(measures.control, prb_signalling=prb)), world)
    assert value(table, "cell_signalling_prb_ul_pct", "cell", "c0") == 25
    assert value(table, "cell_signalling_prb_dl_pct", "cell", "c0") == 5
    assert value(table, "cell_signalling_prb_ul_pct", "cell", "c1") == 125, "it asks for more than there is"
    assert set(table.loc[table["kpi"] == "cell_signalling_prb_ul_pct", "scope"]) == {"c0", "c1", "c2"}, "not of a test's cell"


def test_delays_are_those_of_the_scalar_function(table, measures):
    control = measures.control
    assert value(table, "procedure_delay_p99_ms", "procedure", "viettel/5gc/registration") == pytest.approx(
        bins.quantile(control.duration_hist[0], 0.99, bins.DELAY_BITS) * 1e-6)
    assert value(table, "procedure_delay_mean_ms", "procedure", "viettel/5gc/registration") == pytest.approx(
        control.duration_sum_ns[0] / control.procedure_counts[0, 1] * 1e-6)
    whole = bins.quantile(control.core_part_hist[:4].sum(axis=0), 0.5, bins.DELAY_BITS) * 1e-6
    assert value(table, "procedure_core_part_p50_ms", "core", "viettel/5gc") == pytest.approx(whole)
    assert value(table, "procedures_per_s", "procedure", "vnpt/epc/registration") == control.procedure_counts[4, 0] / 2.0


def test_loads_hold_what_is_not_simulated(table, measures):
    busy = measures.control.function_counts[:, 3] / measures.measured_ns
    amf = [40 + 60 * busy[i] / 4 for i in (0, 1)]
    assert value(table, "function_load_pct", "function", "viettel/5gc/amf-1") == pytest.approx(amf[0])
    assert value(table, "function_background_pct", "function", "viettel/5gc/amf-1") == pytest.approx(40)
    assert value(table, "core_amf_load_pct", "core", "viettel/5gc") == pytest.approx(max(amf))
    assert value(table, "function_load_pct", "function", "vnpt/epc/mme-1") == pytest.approx(100 * busy[4]), "one event loop"
    assert value(table, "host_load_pct", "host", "vnpt/epc/host") == pytest.approx(100 * (busy[4] + busy[5]) / 2)


def test_functions_know_how_full_the_cpus_are_that_they_share(table, measures, world):
    busy = measures.control.function_counts[4:6, 3].sum() / measures.measured_ns
    assert value(table, "function_host_load_pct", "function", "vnpt/epc/mme-1") == pytest.approx(50 * busy)
    assert not ((table["kpi"] == "function_host_load_pct") & (table["scope"] == "viettel/5gc/amf-1")).any()
    series = kpis.timeseries_rows(measures, world, warmup_ns=0).set_index(["kpi", "scope", "t_s"])["value"]
    expected = 50 * measures.control.series_busy_ns[0, 4:6].sum() / 1e9
    assert series["host_load_pct", "vnpt/epc/host", 0.0] == pytest.approx(expected)
    assert series["function_host_load_pct", "vnpt/epc/hss-1", 0.0] == pytest.approx(expected)


def test_hosts_hold_what_is_not_simulated(measures, world):
    functions = world.signalling.functions.copy()
    functions.loc[[4, 5], "background_share"] = [0.2, 0.5]
    tables = replace(world.signalling, functions=functions)
    table = kpis.kpi_rows(measures, replace(world, signalling=tables))
    own = measures.control.function_counts[4:6, 3].sum() / measures.measured_ns / 2
    assert value(table, "host_load_pct", "host", "vnpt/epc/host") == pytest.approx(50 + 50 * own)
    assert value(table, "function_host_load_pct", "function", "vnpt/epc/mme-1") == pytest.approx(50 + 50 * own)
    assert value(table, "host_background_pct", "host", "vnpt/epc/host") == 50
    series = kpis.timeseries_rows(measures, replace(world, signalling=tables), warmup_ns=0).set_index(["kpi", "scope", "t_s"])
    busy = measures.control.series_busy_ns[0, 4:6].sum() / 1e9 / 2
    assert series["value"]["host_load_pct", "vnpt/epc/host", 0.0] == pytest.approx(50 + 50 * busy)


def test_roles_count_the_procedures_that_touch_them(table, measures):
    started = measures.control.procedure_counts[:, 0] / 2.0
    assert value(table, "core_smf_procedures_per_s", "core", "viettel/5gc") == started[1]
    assert value(table, "core_amf_procedures_per_s", "core", "viettel/5gc") == started[:4].sum()
    assert value(table, "core_hss_procedures_per_s", "core", "vnpt/epc") == started[4]
    assert value(table, "core_amf_messages_per_s", "core", "viettel/5gc") == 900
    assert not ((table["kpi"] == "core_amf_load_pct") & (table["scope"] == "vnpt/epc")).any()


def test_messages_by_interface(table):
    assert value(table, "messages_per_s", "interface", "viettel/5gc/N2") == 1000
    assert value(table, "messages_per_s", "core", "viettel/5gc") == 3000
    assert value(table, "messages_lost", "network", "network") == 18
    assert value(table, "message_bytes_per_s", "interface", "vnpt/epc/S1") == 45_000
    assert not (table["scope"] == "viettel/5gc/S1").any(), "an interface without messages has no row"


def test_devices_mean_largest_and_last(table):
    assert value(table, "registered_devices_mean", "core", "viettel/5gc") == 30
    assert value(table, "registered_devices_max", "core", "viettel/5gc") == 35
    assert value(table, "sessions", "network", "network") == 50
    assert value(table, "bursts_held", "core", "viettel/5gc") == 50


def test_random_access_counts_as_the_tr_does(table, measures):
    assert value(table, "ra_collision_share", "cell", "c0") == pytest.approx(40 / 21_600)
    assert value(table, "ra_collision_share_per_attempt", "cell", "c0") == pytest.approx(0.1)
    assert value(table, "ra_collision_share", "network", "network") == pytest.approx(240 / 43_200)
    assert value(table, "ra_access_success_share", "network", "network") == pytest.approx(700 / 1595)
    assert value(table, "ra_preamble_tx_mean", "network", "network") == pytest.approx(11 / 7)
    assert value(table, "ra_preamble_tx_cdf_2", "network", "network") == pytest.approx(6 / 7)
    assert value(table, "ra_preamble_tx_cdf_10", "network", "network") == 1
    assert value(table, "ra_access_delay_p10_ms", "network", "network") == pytest.approx(
        bins.quantile(measures.control.ra_delay_hist[0], 0.1, bins.DELAY_BITS) * 1e-6)
    assert not ((table["kpi"] == "ra_collision_share") & (table["scope"] == "c1")).any(), "a cell without accesses has no row"


def test_a_storm_that_not_all_come_back_from_has_no_such_row(table):
    assert value(table, "storm_devices", "storm", "power") == 100
    assert value(table, "storm_recovered_share", "storm", "power") == pytest.approx(0.97)
    assert 0.2 < value(table, "storm_recovery_p50_s", "storm", "power") < value(
        table, "storm_recovery_p95_s", "storm", "power") < 1.5
    assert not (table["kpi"] == "storm_recovery_p99_s").any()
    assert value(table, "storm_peak_backlog", "storm", "power") == 3, "from its time on"
    assert 0 < value(table, "storm_retry_share", "storm", "power") < 0.1
    assert set(table.loc[table["scope_kind"] == "storm", "scope"]) == {"power"}, "the power cut is part of it"


def of_scripts(measures, world, scripts, devices, recovery):
    """The same measures and world with other scripts."""
    control = replace(measures.control, script_devices=np.array(devices), recovery_hist=recovery)
    return replace(measures, control=control), replace(world, signalling=replace(world.signalling, scripts=scripts))


def test_a_storm_of_many_functions_is_one(measures, world):
    """A failover has a script a function: devices and returns add up, what happened meanwhile is said once."""
    scripts = world.signalling.scripts
    down = scripts.iloc[[1] * 4].assign(name=["over/v/5gc/amf-1", "over/v/5gc/amf-2", "over/v/5gc/smf-1", "over/v/5gc"],
                                        kind=[SCRIPTS.index("function_down")] * 3 + [SCRIPTS.index("core_delay")])
    back = measures.control.recovery_hist
    changed = of_scripts(measures, world, pd.concat([scripts, down], ignore_index=True), [0, 100, 60, 40, 0, 0],
                         np.concatenate([back, back[[1]] // 2, back[[1]], back[[0, 0]]]))
    table = kpis.kpi_rows(*changed)
    storms = table[table["scope_kind"] == "storm"]
    assert set(storms["scope"]) == {"power", "over"} and not storms.duplicated(["kpi", "scope"]).any()
    assert value(table, "storm_devices", "storm", "over") == 100
    came = (back[1] // 2 + back[1]).sum()
    assert value(table, "storm_recovered_share", "storm", "over") == pytest.approx(came / 100)
    assert value(table, "storm_recovery_p50_s", "storm", "over") > 0.2
    assert value(table, "storm_peak_backlog", "storm", "over") == 3
    series = kpis.timeseries_rows(*changed, warmup_ns=0)
    assert set(series.loc[series["kpi"] == "storm_back_share", "scope"]) == {"power", "over"}


def test_a_storm_that_took_nobody_away_has_no_recovery(measures, world):
    scripts = world.signalling.scripts
    later = scripts.iloc[[1, 1, 1]].assign(name=["restart/v/5gc/smf-1", "twice", "twice"], kind=SCRIPTS.index("function_down"),
                                           t_ns=[1_500_000_000, 1_600_000_000, 1_700_000_000])
    back = measures.control.recovery_hist
    changed = of_scripts(measures, world, pd.concat([scripts, later], ignore_index=True), [100, 100, 0, 0, 0],
                         np.concatenate([back, back[[0, 0, 0]]]))
    table = kpis.kpi_rows(*changed)
    storms = table[table["scope_kind"] == "storm"]
    assert set(storms["scope"]) == {"power", "restart", "twice/1", "twice/2"}, "two times are two storms"
    of_devices = storms["kpi"].str.startswith(("storm_devices", "storm_recover"))
    assert set(storms.loc[of_devices, "scope"]) == {"power"}
    assert (storms[storms["kpi"] == "storm_peak_backlog"]["value"] == 3).all()
    series = kpis.timeseries_rows(*changed, warmup_ns=0)
    assert set(series.loc[series["kpi"] == "storm_back_share", "scope"]) == {"power"}


def test_recovery_is_of_all_devices():
    hist = np.zeros((1, bins.n_bins(bins.DELAY_BITS)), dtype=np.int64)
    for ms in range(1, 101):
        hist[0, bins.bin_of(ms * 1_000_000, bins.DELAY_BITS)] += 1
    assert recovery_s(hist, np.array([100]))[0] == pytest.approx([0.05, 0.095, 0.099], rel=0.01)
    assert recovery_s(hist, np.array([200]))[0][0] == pytest.approx(0.1, rel=0.01)
    assert np.isnan(recovery_s(hist, np.array([201]))[0]).all()


def test_time_series(measures, world):
    series = kpis.timeseries_rows(measures, world, warmup_ns=1_000_000_000).set_index(["kpi", "scope", "t_s"])["value"]
    assert ("ra_accesses_per_s", "network", 0.0) not in series.index, "rates start after the warm-up"
    assert series["ra_accesses_per_s", "network", 1.0] == 360
    assert series["ra_collision_share_per_attempt", "network", 1.0] == pytest.approx(0.2)
    assert series["function_backlog", "viettel/5gc/amf-1", 0.0] == 20
    assert series["registered_devices", "viettel/5gc", 1.0] == 30
    assert series["storm_back_share", "power", 1.0] == 0
    assert ("storm_back_share", "power", 0.0) not in series.index, "nothing comes back before the storm"
    assert series["registrations_succeeded_per_s", "viettel/5gc", 1.0] == measures.control.series_procedures[1, 0, 1]
    assert series["procedures_started_per_s", "viettel/5gc", 1.0] == measures.control.series_procedures[1, :4, 0].sum()


def test_without_a_control_plane_nothing_changes():
    world = fake_world()
    table = kpis.kpi_rows(fake_measures(world), world)
    assert not table["kpi"].str.startswith(("procedure", "ra_", "core_")).any()
    assert len(kpis.control_timeseries(fake_measures(world), world)) == 0


def test_an_idle_control_plane_gives_tables_without_errors(world):
    empty = fake_measures_with_control(world)
    for item in fields(empty.control):
        getattr(empty.control, item.name)[...] = 0
    table = kpis.kpi_rows(empty, world)
    assert not table["kpi"].isin(["procedure_success_share", "ra_collision_share", "storm_devices"]).any()
    kpis.timeseries_rows(empty, world)


def test_measures_survive_storing_and_add_up(tmp_path, world, measures):
    other = fake_measures_with_control(world, Clock(3_000_000_000, 1_000_000_000, replication=1))
    path = tmp_path / "0000.npz"
    save_measures(path, other)
    found = load_measures(path)
    for item in fields(other.control):
        assert (getattr(found.control, item.name) == getattr(other.control, item.name)).all(), item.name
    one = other.control.procedure_counts.copy()
    found.add(fake_measures_with_control(world))
    assert (found.control.procedure_counts == one + measures.control.procedure_counts).all()
    assert (found.control.gauges_max == measures.control.gauges_max).all(), "maxima stay maxima"
    save_measures(path, fake_measures(world))
    assert load_measures(path).control is None
