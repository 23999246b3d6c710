"""The control plane's tables: consistent, priced by the profile, as far away as routes are, with the storms as scripts."""

import dataclasses
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from twin.base.errors import WorldError
from twin.base.units import s_to_ns, us_to_ns
from twin.scenario import Scenario, load
from twin.scenario.call_flows import flows_of
from twin.scenario.population import messages_per_s
from twin.world.build import build_world
from twin.world.control.access import isolated_hashes
from twin.world.control.costs import end_cost_us, relayed
from twin.world.control.overview import COLUMNS, core_rows
from twin.world.signalling_start import CONNECTED, DEREGISTERED, IDLE, script_times, start_states
from twin.world.signalling_tables import GNB, ROLES, SCRIPTS, SIGNALLING_COLUMNS, TRIGGERS, UE, Signalling
from twin.world.tables import LINK, World
from twin.world.transport import path_delay_ns, shortest_path, working

SCENARIOS = Path(__file__).parent.parent / "scenarios"
STORMS = """
  storms:
    - {kind: power_restore, name: dark, at_s: 2.0, cut_at_s: 0.5, operators: [viettel], boot_spread_s: 4.0,
       boot_distribution: beta_3_4, guti_valid_share: 0.25}
    - {kind: power_cut, at_s: 3.0, device_classes: [agv, meter]}
    - {kind: fleet_wake, name: wake, at_s: 3.5, parks: [YM2], device_classes: [meter], spread_s: 1.0}
    - {kind: nf_restart, name: amf, at_s: 3.0, operators: [vnpt], nf: mme, instances: 2, down_s: 2.0, context_lost: true}
    - {kind: core_failover, name: over, at_s: 4.0, operators: [mobifone], down_s: 1.0, extra_delay_ms: 3.0}
"""
NO_WARM_UP = "simulation: {horizon_s: 61.0, warmup_s: 0.0}\n"
OPEN5GS = "  core_profile: {viettel: open5gs}\n"


def scenario_of(folder: Path, section: str = "", rest: str = "", name: str = "one-park") -> Scenario:
    path = folder / "s.yaml"
    path.write_text(f"extends: {SCENARIOS / f'{name}.yaml'}\nname: s\nsignalling:\n  enabled: true\n{section}{rest}")
    return load(path)


@cache
def stormy(folder: Path) -> tuple[Scenario, World, Signalling]:
    scenario = scenario_of(folder, OPEN5GS + STORMS, NO_WARM_UP + "random_access_test: {devices: 500, arrivals: beta_10s}\n"
                           "core_profiles: {open5gs: {scp: true}}\n")
    world = build_world(scenario)
    assert world.signalling is not None
    return scenario, world, world.signalling


@pytest.fixture(scope="module")
def all_three(tmp_path_factory) -> tuple[Scenario, World, Signalling]:
    return stormy(tmp_path_factory.mktemp("stormy"))


def test_off_leaves_no_tables():
    assert build_world(load(SCENARIOS / "one-park.yaml", ["signalling.enabled=false"])).signalling is None


def test_columns_and_references(all_three):
    _, world, tables = all_three
    for name, columns in SIGNALLING_COLUMNS.items():
        table = getattr(tables, name)
        for column, dtype in columns.items():
            assert table[column].dtype == (pd.Series([""]).dtype if dtype == "str" else np.dtype(dtype)), (name, column)
    rows = {name: len(getattr(tables, name)) for name in SIGNALLING_COLUMNS}
    for name, column, target, low in (
            ("functions", "core", "cores", 0), ("functions", "host", "hosts", -1), ("procedures", "core", "cores", 0),
            ("steps", "procedure", "procedures", 0), ("rates", "behaviour", "behaviours", 0), ("cells", "rach", "rach", 0),
            ("devices", "core", "cores", -1), ("devices", "cell", "cells", -1), ("devices", "behaviour", "behaviours", 0),
            ("script_devices", "script", "scripts", 0), ("script_devices", "device", "devices", 0)):
        assert getattr(tables, name)[column].between(low, rows[target] - 1).all(), (name, column)
    assert tables.cells["radio"].between(-1, len(world.radios) - 1).all()
    assert tables.devices["device_hash"].is_unique and tables.cells["cell_hash"].is_unique and tables.functions["name"].is_unique
    assert list(tables.cells["name"][:len(world.cells)]) == list(world.cells["name"])
    assert (tables.devices["device_hash"][:len(world.devices)] == world.devices["device_hash"]).all()


def test_functions_of_a_role_follow_each_other(all_three):
    _, _, tables = all_three
    for core in range(len(tables.cores)):
        for role in range(len(ROLES)):
            first, n = tables.first_function[core, role], tables.n_functions[core, role]
            rows = np.flatnonzero((tables.functions["core"] == core) & (tables.functions["role"] == role))
            assert list(rows) == (list(range(first, first + n)) if n else []) and (first >= 0) == (n > 0)
    assert (tables.functions["workers"] >= 1).all()


def test_steps_hang_together(all_three):
    _, _, tables = all_three
    for procedure in tables.procedures.itertuples():
        steps = tables.steps.iloc[procedure.first_step:procedure.first_step + procedure.n_steps]
        assert (steps["procedure"] == procedure.Index).all() and steps["success"].sum() == 1
        assert (steps["after"].to_numpy() < np.arange(len(steps))).all()
        followed = steps["after"].to_numpy()
        later = followed >= 0
        assert (steps["receiver"].to_numpy()[followed[later]] == steps["sender"].to_numpy()[later]).all()
        assert steps["opens"].sum() == steps["closes"].sum()
        parties = np.unique(steps[["sender", "receiver"]])
        assert all(tables.n_functions[procedure.core, role] for role in parties if role not in (UE, GNB))
        assert procedure.patience_ns > 0 and not (steps["opens"] & steps["closes"]).any()
    for core, trigger in np.argwhere(tables.procedure_of >= 0):
        row = tables.procedures.iloc[tables.procedure_of[core, trigger]]
        assert (row["core"], row["trigger"]) == (core, trigger)
    assert tables.procedures["n_steps"].sum() == len(tables.steps)


def test_an_scp_relays_every_sbi_message(all_three):
    scenario, _, tables = all_three
    registration = flows_of("5gc", ())["registration"]
    plain, over = relayed(registration, False), relayed(registration, True)
    sbi = [s for s in registration.steps if s.interface == "SBI"]
    assert len(plain) == len(registration.steps) and len(over) == len(plain) + len(sbi)
    assert sum(part.opens for part in over) == sum(part.closes for part in over) == len(sbi) / 2
    profile = scenario.core_profiles["open5gs"]
    cost = {role: sum(end_cost_us(profile, p.step, True) for p in over if p.step.receiver == role)
            + sum(end_cost_us(profile, p.step, False) for p in over if p.step.sender == role) for role in ("SCP", "AUSF")}
    direct = sum(end_cost_us(profile, p.step, True) for p in plain if p.step.receiver == "AUSF") + sum(
        end_cost_us(profile, p.step, False) for p in plain if p.step.sender == "AUSF")
    costs = profile.message_costs_us
    assert cost["AUSF"] == pytest.approx(direct)
    by_size = profile.per_kb_sent_us * sum(s.size_bytes for s in sbi) / 1e3
    assert cost["SCP"] == pytest.approx(len(sbi) / 2 * (costs.sbi_request_sent + costs.sbi_request_served) + by_size)
    row = tables.procedures[(tables.procedures["core"] == 0) & (tables.procedures["name"] == "registration")].iloc[0]
    assert row["n_steps"] == len(over)


def test_costs_are_those_of_the_profile(all_three):
    scenario, _, tables = all_three
    carrier, costs = scenario.core_profiles["carrier"], scenario.core_profiles["carrier"].message_costs_us
    core = int(np.flatnonzero(tables.cores["profile"] == "carrier")[0])
    of_core = tables.procedures[tables.procedures["core"] == core]
    steps = tables.steps[tables.steps["procedure"].isin(of_core.index)]
    s1 = steps[(steps["interface"] == 7) & (steps["sender"] == ROLES.index("MME"))]
    assert len(s1) and (s1["send_ns"] == us_to_ns(costs.ngap / (1 - carrier.background_share))).all()
    assert (s1["receive_ns"] == us_to_ns(carrier.gnb_us)).all()
    assert (steps.loc[steps["sender"] == UE, "send_ns"] == 0).all()
    assert (steps.loc[steps["receiver"] == UE, "receive_ns"] == us_to_ns(carrier.ue_us)).mean() > 0.5
    viettel = tables.steps[tables.steps["procedure"] == 0]
    asked = viettel[(viettel["sender"] == ROLES.index("AMF")) & viettel["opens"]]
    profile = scenario.core_profiles["open5gs"]
    own = profile.message_costs_us
    expected = [us_to_ns(own.sbi_request_sent * own.sbi_request_share + profile.per_kb_sent_us * size / 1e3)
                for size in asked["bytes"]]
    assert asked["send_ns"].to_list() == expected and len(asked)
    first, later = (viettel[viettel["message"].str.startswith(name)] for name in ("InitialUEMessage", "UplinkNASTransport"))
    assert (first["receive_ns"] == us_to_ns(own.ngap + profile.association_us)).all() and len(first) == 1
    assert (later["receive_ns"] == us_to_ns(own.ngap)).all() and len(later) > 1
    assert set(tables.functions.loc[tables.functions["core"] == 0, "workers"]) == {1, 8}
    assert tables.hosts["cpus"].to_list() == [4, 4] and set(tables.hosts["name"]) == {"viettel/5gc/host", "viettel/epc/host"}


def test_n2_is_as_far_as_the_route(all_three):
    _, world, tables = all_three
    graph = working(world.graph)
    owner, operators = world.sites["owner"], list(world.operators["operator_id"])
    for cell in (0, len(world.cells) // 2, len(world.cells) - 1):
        at = world.cells.iloc[cell]
        name, operator = world.sites["name"][at["site"]], operators[at["operator"]]
        assert owner[at["site"]] == at["operator"]
        path = shortest_path(graph, name, f"{operator}/ha-noi")
        assert tables.cells["n2_ns"][cell] == path_delay_ns(world.graph, path)
        links = world.resources[world.resources["kind"] == LINK].set_index("name")
        hops = [links.loc[f"{a}>{b} [up]"] for a, b in pairwise(path)]
        assert tables.cells["n2_ns"][cell] == sum(h["propagation_ns"] + h["node_ns"] for h in hops)
        assert tables.cells["n2_ps_per_byte"][cell] == pytest.approx(sum(8e12 / h["rate_total_bps"] for h in hops), abs=1)
        agg = shortest_path(graph, name, f"YM2/{operator}/agg")
        assert tables.cells["xn_ns"][cell] == 2 * path_delay_ns(world.graph, agg)


def test_a_upf_elsewhere_is_further_from_the_core(tmp_path):
    scenario = scenario_of(tmp_path)
    n4 = {place: build_world(scenario.with_(operators={"viettel": {"upf": place}})).signalling.cores["n4_ns"][0]
          for place in ("hanoi", "province", "park")}
    assert n4["hanoi"] == us_to_ns(scenario.core_profiles["carrier"].sbi_us) < min(n4["province"], n4["park"])
    near, far = (build_world(scenario.with_(iot_platform={"site": site}, servers={"default": site})).signalling.cores["n6_ns"][0]
                 for site in ("hanoi", "province"))
    assert near < far


def test_devices_and_their_cores(all_three):
    scenario, world, tables = all_three
    n = len(world.devices)
    aggregate, cell = world.devices["is_aggregate"].to_numpy(), world.devices["cell"].to_numpy()
    core = tables.devices["core"].to_numpy()[:n]
    assert ((core < 0) == (aggregate | (cell < 0))).all()
    operator = tables.cores["operator"].to_numpy()[core]
    assert (operator[core >= 0] == world.devices["operator"].to_numpy()[core >= 0]).all()
    assert set(tables.cores["name"]) == {"viettel/5gc", "viettel/epc", "vnpt/epc", "mobifone/epc"}
    single = ~aggregate & (world.devices["operator"].to_numpy() == 0)
    share = world.counts["devices_5gc/viettel"] / single.sum()
    assert abs(share - scenario.operators["viettel"].sa_capable_share) < 4 * np.sqrt(0.24 / single.sum())
    assert world.counts["devices_5gc/viettel"] >= (core == 0).sum() > 0 and world.counts["devices_5gc/vnpt"] == 0
    test = tables.devices.iloc[n:]
    assert len(test) == 500 and (test["core"] == -1).all() and (test["cell"] == len(world.cells)).all()
    assert tables.cells["radio"].iloc[-1] == -1 and tables.rach["name"][tables.cells["rach"].iloc[-1]] == "lte-37868"


def test_mean_gap_is_that_of_all_flows(all_three):
    scenario, world, tables = all_three
    names = list(scenario.device_classes)
    for row in (0, 50, 150):
        kind = names[world.devices["device_class"][row]]
        rate = sum(messages_per_s(item) * scenario.activity_profiles[item.profile].share_by_hour[9]
                   for item in scenario.device_classes[kind].traffic.values())
        assert tables.devices["mean_gap_ns"][row] == pytest.approx(1e9 / rate, abs=1)
        assert tables.behaviours["name"][tables.devices["behaviour"][row]] == kind


def test_behaviours(tmp_path):
    rates_per_h = "  procedure_rates_per_h: {agv: {handover_xn: 60.0, handover_n2: 6.0}}\n"
    scenario = scenario_of(tmp_path, "  inactivity_s: 7.0\n" + rates_per_h,
                           "signalling_behaviours: {meter: {psm_active_s: 2.0, rrc_inactive_s: 3.0, "
                           "periodic_registration_s: null}}\n")
    tables = build_world(scenario).signalling
    assert tables is not None
    behaviours = tables.behaviours.set_index("name")
    assert (behaviours["inactivity_ns"] == s_to_ns(7.0)).all()
    meter, agv = behaviours.loc["meter"], behaviours.loc["agv"]
    assert (meter["active_ns"], meter["rrc_inactive_ns"], meter["periodic_ns"]) == (s_to_ns(2.0), s_to_ns(3.0), 0)
    assert meter["drx_ns"] == s_to_ns(20.48) and (agv["active_ns"], agv["drx_ns"], agv["sessions"]) == (-1, s_to_ns(1.28), 2)
    row = list(tables.behaviours["name"]).index("agv")
    rates = tables.rates[tables.rates["behaviour"] == row].set_index("procedure_name")["mean_ns"]
    assert rates["handover_xn"] == rates["handover_x2"] == s_to_ns(60.0) and rates["handover_n2"] == s_to_ns(600.0)


def test_random_access(all_three):
    _, _, tables = all_three
    lte = tables.rach.set_index("name").loc["lte-37868"]
    assert (lte["rao_period_ns"], lte["n_preambles"], lte["max_tx"], lte["contention_ns"]) == (5_000_000, 54, 10, 48_000_000)
    assert lte["harq_fail_q32"] == round(0.1 * 2**32) and lte["barring_q32"] == 2**32
    assert tables.rach_detect_q32.shape == (2, 11)
    ramping, constant = ([*tables.rach["name"]].index(name) for name in ("lte-37868", "nr-fr1"))
    assert list(tables.rach_detect_q32[ramping]) == [round((1 - np.exp(-n)) * 2**32) for n in range(11)]
    assert list(tables.rach_detect_q32[constant]) == [0] + [round(0.99 * 2**32)] * 10


def test_a_storm_that_happens_to_nobody_is_warned_of(tmp_path, all_three):
    storms = ("  storms:\n    - {kind: power_cut, name: dark, at_s: 1.0, operators: [vnpt], device_classes: [worker-phones]}\n"
              "    - {kind: fleet_wake, at_s: 1.0, spread_s: 0.5}\n"
              "    - {kind: nf_restart, at_s: 1.0, nf: amf, operators: [vnpt], core: 5gc}\n")
    found = [w for w in build_world(scenario_of(tmp_path, storms)).warnings if "storm" in w]
    assert found == [
        "signalling.storms.0: storm 'dark' happens to no device that has a core; it selects operators: [vnpt], "
        "device_classes: [worker-phones]",
        "signalling.storms.2: storm 'nf_restart-3' happens to no function of a core; it selects operators: [vnpt], "
        "nf: amf, core: 5gc"]
    rest = "devices: {include_derived: false, groups: [], worker_phones: true}\n"
    empty = build_world(scenario_of(tmp_path, "  storms: [{kind: power_cut, at_s: 1.0}]\n", rest)).warnings
    assert any(w.endswith("'power_cut-1' happens to no device that has a core; it selects all") for w in empty)
    assert not any("happens to no" in w for w in all_three[1].warnings)


def test_a_spread_below_a_microsecond_is_at_once(tmp_path):
    storm = "  storms: [{kind: fleet_wake, at_s: 1.0, spread_s: 1.0e-10}]\n"
    tables = build_world(scenario_of(tmp_path, storm)).signalling
    assert tables is not None and list(tables.scripts["spread_ns"]) == [0]


def test_storms_become_scripts(all_three):
    scenario, world, tables = all_three
    scripts, devices = tables.scripts, tables.script_devices
    core = tables.devices["core"].to_numpy()
    operator = np.append(world.devices["operator"].to_numpy(), np.full(500, -1))
    kinds = [SCRIPTS[k] for k in scripts["kind"]]
    off, boot = (devices[devices["script"] == row] for row in (0, 1))
    assert kinds[:4] == ["power_off", "boot", "power_off", "wake"] and list(scripts["name"][:2]) == ["dark", "dark"]
    expected = np.flatnonzero((operator == 0) & (core >= 0))
    assert list(off["device"]) == list(boot["device"]) == list(expected) and (off["t_ns"] == s_to_ns(0.5)).all()
    times = script_times(tables, 1)[devices["script"] == 1]
    assert ((times >= s_to_ns(2.0)) & (times < s_to_ns(6.0))).all() and len(np.unique(times)) == len(boot)
    assert scripts["guti_valid_q32"][1] == 1 << 30
    meters = list(scenario.device_classes).index("meter")
    woken = devices[devices["script"] == 3]["device"]
    assert (world.devices["device_class"].to_numpy()[woken] == meters).all() and len(woken)
    down = scripts[scripts["kind"] == SCRIPTS.index("function_down")]
    restarted = down[down["name"].str.startswith("amf/")]
    assert list(tables.functions["name"][restarted["target"]]) == ["vnpt/epc/mme-1", "vnpt/epc/mme-2"]
    assert restarted["context_lost"].all() and (restarted["down_ns"] == s_to_ns(2.0)).all()
    failed = down[down["name"].str.startswith("over/")]
    mine = tables.functions[(tables.functions["core"] == 3) & (tables.functions["role"] != ROLES.index("IOT"))]
    assert list(failed["target"]) == list(mine.index)
    delay = scripts[scripts["kind"] == SCRIPTS.index("core_delay")]
    assert list(delay["target"]) == [3] and list(delay["extra_ns"]) == [3_000_000]
    assert kinds[-1] == "access" and (devices["script"] == len(scripts) - 1).sum() == 500


def test_arrivals_belong_to_devices_and_replications(all_three):
    _, _, tables = all_three
    first, again, other = script_times(tables, 5), script_times(tables, 5), script_times(tables, 6)
    rows, scripts = tables.script_devices, tables.scripts
    spread = scripts["spread_ns"].to_numpy()[rows["script"]]
    assert (first == again).all() and (first[spread == 0] == rows["t_ns"][spread == 0]).all()
    late = first - rows["t_ns"].to_numpy()
    assert ((late >= 0) & (late < np.maximum(spread, 1))).all() and (first[spread > 0] != other[spread > 0]).mean() > 0.9


@pytest.mark.parametrize(("alpha", "beta", "seconds"), [(3.0, 4.0, 10), (0.0, 0.0, 60)])
def test_arrivals_have_the_distributions_of_tr_37868(all_three, alpha, beta, seconds):
    _, _, tables = all_three
    n = 30_000
    devices = pd.DataFrame({"device_hash": isolated_hashes(n)})
    scripts = pd.DataFrame({"spread_ns": [s_to_ns(seconds)], "alpha": [alpha], "beta": [beta]})
    rows = pd.DataFrame({"script": np.zeros(n, int), "device": np.arange(n), "t_ns": np.zeros(n, int)})
    times = script_times(dataclasses.replace(tables, devices=devices, scripts=scripts, script_devices=rows), 7) / 1e9
    if alpha:
        assert times.mean() == pytest.approx(10 * 3 / 7, abs=0.04)
        assert times.std() == pytest.approx(10 * np.sqrt(12 / (49 * 8)), abs=0.03)
    else:
        assert np.histogram(times, 6, (0, 60))[0] == pytest.approx(5000, rel=0.06)


def test_the_run_can_start(all_three):
    _, _, tables = all_three
    start = start_states(tables, 5)
    core = tables.devices["core"].to_numpy()
    assert set(np.unique(start.state)) == {CONNECTED, DEREGISTERED, IDLE} and (start.state[core < 0] == DEREGISTERED).all()


def test_a_test_of_random_access_alone(tmp_path):
    scenario = scenario_of(tmp_path, rest="random_access_test: {devices: 100}\nparks: {MD: {}}\n" + NO_WARM_UP +
                           "devices: {include_derived: false, groups: [], worker_phones: false}\n")
    world = build_world(scenario)
    assert not scenario.warnings and len(world.devices) == 0 and world.signalling is not None
    assert len(world.signalling.devices) == len(world.signalling.script_devices) == 100


def test_own_call_flows_reach_the_tables(tmp_path):
    (tmp_path / "flows.csv").write_text(
        "procedure,trigger,step,after,sender,receiver,interface,message,bytes,receive_us,send_us,success\n"
        "ping,other,1,0,GNB,AMF,N2,up,50,,,\nping,other,2,,AMF,GNB,N2,down,50,7,8,yes\nping,other,3,1,AMF,GNB,N2,more,50,,,\n")
    world = build_world(scenario_of(tmp_path, "  call_flows: flows.csv\n  procedure_rates_per_h: {meter: {ping: 1.0}}\n"))
    tables = world.signalling
    assert tables is not None
    row = tables.procedures[tables.procedures["name"] == "ping"]
    assert list(row["core"]) == [0] and tables.procedure_of[0, TRIGGERS.index("other")] == row.index[0]
    steps = tables.steps[tables.steps["procedure"] == row.index[0]]
    assert list(steps["after"]) == [-1, 0, 0] and list(steps["receive_ns"])[1] == 7000 and list(steps["send_ns"])[1] == 16_000
    assert "ping" in set(tables.rates["procedure_name"])


def test_capacities_of_functions(tmp_path):
    text = "unit,workers,instances,backlog_limit,block_size\nviettel/5gc/amf,3,2,77,one rack\n"
    (tmp_path / "nf.csv").write_text(text)
    scenario = scenario_of(tmp_path, rest="tables: {nf_capacity: nf.csv}\n")
    tables = build_world(scenario).signalling
    assert tables is not None
    amf = tables.functions[tables.functions["name"].str.startswith("viettel/5gc/amf")]
    assert len(amf) == 2 and set(amf["workers"]) == {3} and set(amf["backlog_limit"]) == {77}
    assert amf["next_step"].str.contains("one rack").all()
    off = build_world(scenario.with_(signalling={"enabled": False}))
    assert any("viettel/5gc/amf has no effect: the control plane is off" in w for w in off.warnings)
    (tmp_path / "nf.csv").write_text(text.replace("5gc/amf", "5gc/amg"))
    with pytest.raises(WorldError, match="did you mean"):
        build_world(scenario)


def test_assumptions_and_overview(all_three):
    _, world, tables = all_three
    items = world.assumptions.set_index("item")
    assert items.loc["core_profiles.carrier.functions.amf", "confidence"] == "A"
    assert items.loc["core_profiles.carrier.message_costs_us.ngap", "unit"] == "us"
    assert items.loc["signalling_behaviours.default.inactivity_s", "unit"] == "s"
    off = build_world(load(SCENARIOS / "one-park.yaml", ["signalling.enabled=false"])).assumptions["item"]
    assert not off.str.startswith(("core_profiles.", "rach_profiles.", "signalling_")).any()
    rows = core_rows(tables)
    assert len(rows) == len(tables.cores) and all(len(row) == len(COLUMNS) for row in rows)
    own, other = str(rows[0][4]), str(rows[2][4])
    assert "on 4 shared CPUs: amf smf" in own and own.endswith("; iot 1x8") and "mme 4x8" in other


def test_adding_devices_moves_no_other(tmp_path):
    scenario = scenario_of(tmp_path, STORMS)
    few, many = (build_world(s).signalling for s in (scenario, scenario.with_(devices={"density": "high"})))
    assert few is not None and many is not None
    a, b = (t.devices.assign(t=t.devices["device_hash"].map(_boot_times(t))).set_index("device_hash") for t in (few, many))
    shared = a.index.intersection(b.index)
    assert len(shared) > 100 and len(b) > 3 * len(a)
    assert a.loc[shared, ["core", "mean_gap_ns", "t"]].equals(b.loc[shared, ["core", "mean_gap_ns", "t"]])


def _boot_times(tables: Signalling) -> pd.Series:
    boots = tables.script_devices[tables.script_devices["script"] == 1]
    return pd.Series(script_times(tables, 1)[boots.index], index=tables.devices["device_hash"].to_numpy()[boots["device"]])


def test_a_core_test_is_a_station_of_its_own(tmp_path):
    """Devices behind those of the world, a cell without radio, one procedure each: at a rate, or at once."""
    test = "core_test: {operator: viettel, devices: 40, rate_per_s: 80, procedure: session_establishment, at_s: 2.0}\n"
    scenario = scenario_of(tmp_path, OPEN5GS, NO_WARM_UP + test + "random_access_test: {devices: 10}\n")
    world = build_world(scenario)
    tables = world.signalling
    assert tables is not None
    devices = tables.devices[tables.devices["cell"] == len(tables.cells) - 1]
    assert len(devices) == 40 and len(tables.devices) == len(world.devices) + 50
    assert tables.cells.iloc[-1][["name", "radio"]].to_list() == ["core-test", -1]
    assert set(devices["core"]) == {0} and set(tables.behaviours["periodic_ns"].iloc[devices["behaviour"]]) == {0}
    script = tables.scripts[tables.scripts["name"] == "core-test"].iloc[0]
    assert SCRIPTS[script["kind"]] == "procedure" and tables.procedures["name"].iloc[script["target"]] == "session_establishment"
    assert (script["spread_ns"], script["t_ns"]) == (s_to_ns(0.5), s_to_ns(2.0))
    at_once = build_world(scenario_of(tmp_path, OPEN5GS, "core_test: {operator: viettel, devices: 3}\n")).signalling
    assert at_once is not None and at_once.scripts["spread_ns"].to_list() == [0]
    assert at_once.procedures["name"].iloc[at_once.scripts["target"].iloc[0]] == "registration"
