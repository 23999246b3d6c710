"""The control plane in the scenario language: libraries, call flows, storms, short names, and what bad input gets."""

from pathlib import Path
from typing import get_args

import pytest

from twin.base.errors import ScenarioError
from twin.base.units import ms_to_ns, s_to_ns
from twin.scenario import Scenario, load, signalling_names
from twin.scenario.call_flows import Procedure, flows_of, library_flows, procedure_problems, read_flows
from twin.scenario.signalling import ENABLED_BY_DEFAULT, TRAFFIC_MODELS
from twin.scenario.signalling_entries import CoreProfile, RachProfile, SignallingBehaviour
from twin.world import signalling_tables

ROOT = Path(__file__).parent.parent
PLAN = ROOT / "scenarios" / "plan-2026.yaml"
HEAD = "schema: 1\nname: test\nquestion: What happens?\n"
HEADER = "procedure,trigger,step,after,sender,receiver,interface,message,bytes,kind,receive_us,send_us,success,source\n"
PING = (HEADER + "ping,other,1,0,UE,GNB,Uu,up,50,,,,,test\nping,other,2,,GNB,AMF,N2,up,60,,,,,test\n"
        "ping,other,3,,AMF,SMF,SBI,ask,100,request,,,,test\nping,other,4,,SMF,AMF,SBI,answer,90,response,,,,test\n"
        "ping,other,5,,AMF,GNB,N2,down,70,,10,20,,test\nping,other,6,,GNB,UE,Uu,down,60,,,,yes,test\n")


def problems(folder: Path, body: str, *overrides: str) -> list[str]:
    (folder / "s.yaml").write_text(HEAD + body, encoding="utf-8")
    with pytest.raises(ScenarioError) as caught:
        load(folder / "s.yaml", overrides)
    return [str(problem) for problem in caught.value.problems]


def read(folder: Path, text: str) -> tuple[tuple[Procedure, ...], list[str]]:
    (folder / "flows.csv").write_text(text, encoding="utf-8")
    found, wrong = read_flows(folder / "flows.csv")
    return found, [str(problem) for problem in wrong]


def test_words_are_those_of_the_tables():
    assert signalling_names.PARTIES[:2] == ("UE", "GNB")
    assert set(signalling_names.PARTIES) == set(signalling_tables.ROLES)
    assert signalling_names.INTERFACES == signalling_tables.INTERFACES
    assert signalling_names.TRIGGERS == signalling_tables.TRIGGERS


def test_defaults():
    scenario = load(PLAN)
    assert scenario.signalling.enabled is ENABLED_BY_DEFAULT
    assert scenario.signalling.profile_of("vnpt") == "carrier" and scenario.random_access_test is None
    assert scenario.core_profiles["carrier"].confidence == "A"
    assert scenario.core_profiles["open5gs"].host_cpus and not scenario.core_profiles["open5gs"].scp
    assert scenario.behaviour_of("vision-station") is scenario.signalling_behaviours["default"]
    assert scenario.behaviour_of("meter").edrx_s == 20.48
    lte = scenario.rach_profiles["lte-37868"]
    assert (lte.rao_period_ms, lte.n_preambles, lte.max_transmissions, lte.grants_per_slot, lte.rar_slots) == (5.0, 54, 10, 3, 5)
    assert (lte.detection, scenario.rach_profiles["nr-fr1"].detection) == ("power_ramping_37868", 0.99)
    assert (lte.backoff_ms, lte.contention_ms, lte.harq_fail_share, lte.max_harq) == (20.0, 48.0, 0.1, 5)
    assert TRAFFIC_MODELS["beta_10s"].alpha == 3 and TRAFFIC_MODELS["uniform_60s"].spread_s == 60


@pytest.mark.parametrize("kind", ["5gc", "epc"])
def test_library_call_flows_hang_together(kind):
    flows = library_flows(kind)
    assert {"registration", "service_request", "an_release", "paging"} <= {flow.trigger for flow in flows.values()}
    for flow in flows.values():
        assert not procedure_problems(flow), flow.name
        assert flow.parties - {"UE", "GNB"} <= set(signalling_names.functions_of(kind))


def test_own_procedures_join_and_replace(tmp_path):
    flows, wrong = read(tmp_path, PING)
    assert not wrong and flows[0].cores == ("5gc",) and [s.after for s in flows[0].steps] == [-1, 0, 1, 2, 3, 4]
    assert (flows[0].steps[4].receive_us, flows[0].steps[4].send_us, flows[0].steps[3].receive_us) == (10.0, 20.0, None)
    assert flows_of("5gc", flows).keys() - library_flows("5gc").keys() == {"ping"} and "ping" not in flows_of("epc", flows)
    (tmp_path / "s.yaml").write_text(HEAD + "signalling: {call_flows: flows.csv, procedure_rates_per_h: {agv: {ping: 3.0}}}\n")
    scenario = load(tmp_path / "s.yaml")
    assert scenario.call_flows_path == tmp_path / "flows.csv"
    assert scenario.resolved()["table_sha256"].keys() == {"call_flows"}


@pytest.mark.parametrize(("old", "new", "parts"), [
    ("3,,AMF,SMF", "3,,AMF,SNF", ["flows.csv:4: receiver", "'SNF' does not exist", "'SMF'"]),
    ("GNB,Uu,up", "GNB,Uuu,up", ["flows.csv:2: interface", "did you mean 'Uu'"]),
    ("ping,other,1", "ping,othr,1", ["flows.csv:2: trigger", "did you mean 'other'"]),
    ("yes,test", ",test", ["'ping' has no step with success", "no end"]),
    (",request,,,,", ",request,,,yes,", ["2 steps with success"]),
    ("ping,other,5,,AMF", "ping,other,5,3,AMF", ["flows.csv:6: sender", "step 3, which it follows, goes to SMF"]),
    ("ping,other,5,,AMF", "ping,other,5,5,AMF", ["flows.csv:6: after: is 5"]),
    ("ping,other,3,", "ping,other,4,", ["flows.csv:4: step", "goes on with 3"]),
    (",100,request", ",0,request", ["flows.csv:4: bytes", "between 1"]),
    (",10,20,", ",-1,20,", ["flows.csv:6: receive_us: is -1"]),
    (",10,20,", ",ten,20,", ["'ten' is not a number"]),
    ("90,response", "90,", ["an SBI message is a request or a response"]),
    ("90,response", "90,request", ["without response"]),
    ("GNB,AMF,N2,up", "GNB,AMF,Uu,up", ["Uu does not join GNB and AMF"]),
    ("UE,GNB,Uu,up", "UE,AMF,N2,up", ["N2 cannot join UE and AMF"]),
    ("procedure,", "procedur,", ["flows.csv:1: the header lacks procedure"]),
    ("test\nping,other,2", "test,more\nping,other,2", ["flows.csv:2", "more cells"]),
])
def test_broken_call_flows(tmp_path, old, new, parts):
    assert old in PING
    wrong = "\n".join(read(tmp_path, PING.replace(old, new, 1))[1])
    assert all(part in wrong for part in parts), wrong


def test_no_core_has_the_functions_of_both(tmp_path):
    mixed = (HEADER + "mix,other,1,0,UE,GNB,Uu,m,50,,,,,\nmix,other,2,,GNB,AMF,N2,m,60,,,,,\nmix,other,3,,AMF,MME,S11,m,60,,,,,\n"
             "mix,other,4,,MME,GNB,S1,m,60,,,,,\nmix,other,5,,GNB,UE,Uu,m,60,,,,yes,\n")
    assert read(tmp_path, mixed)[1] == ["flows.csv:2: receiver: procedure 'mix' needs functions of both cores: AMF and MME; "
                                        "write one procedure for the 5GC, another for the EPC"]
    assert any("both cores" in p for p in problems(tmp_path, "signalling: {call_flows: flows.csv}\n"))
    wrong = read(tmp_path, PING.replace("AMF", "MME").replace("SMF", "HSS"))[1]
    assert len(wrong) == 2 and all("is one of the EPC, which has no SBI" in p for p in wrong)
    flows, wrong = read(tmp_path, mixed.replace("AMF,MME", "AMF,DB").replace("MME,GNB", "DB,GNB"))
    assert not wrong and flows[0].cores == ("5gc",) and flows[0].foreign("epc") == ("AMF",)


def test_broken_call_flow_files(tmp_path):
    assert "has no rows" in read(tmp_path, HEADER)[1][0]
    (tmp_path / "flows.csv").write_bytes(b"\xff\xfe\x00")
    assert "not UTF-8" in str(read_flows(tmp_path / "flows.csv")[1][0])
    assert "larger than" in read(tmp_path, HEADER + "x" * (3 << 20))[1][0]
    assert "more than" in read(tmp_path, HEADER + "ping,other,1,,UE,GNB,Uu,m,1,,,,,\n" * 20_001)[1][0]
    assert any("more than 500 steps" in p for p in read(tmp_path, HEADER + "ping,other,1,,UE,GNB,Uu,m,1,,,,,\n" * 501)[1])
    found = problems(tmp_path, "signalling: {call_flows: none.csv}\n")
    assert "s.yaml:4: signalling.call_flows: none.csv: file" in found[0] and "does not exist" in found[0]


def test_a_second_procedure_of_a_trigger_is_told_the_first(tmp_path):
    (tmp_path / "flows.csv").write_text(PING.replace("ping,other", "ping,registration"))
    found = problems(tmp_path, "signalling: {call_flows: flows.csv}\n")
    assert any("'ping' has the trigger registration" in p and "name yours 'registration'" in p for p in found)


STORM = "signalling:\n  enabled: true\n  storms:\n  - {{at_s: 1.0, {}}}\n"
CASES = {
    "park": (STORM.format("kind: power_cut, parks: [TL9]"), ["s.yaml:7: signalling.storms.0.parks", "park 'TL9'", "TL2"]),
    "operator": (STORM.format("kind: power_cut, operators: [vietel]"), ["storms.0.operators", "did you mean 'viettel'"]),
    "class": (STORM.format("kind: fleet_wake, device_classes: [agw]"), ["device class 'agw'", "did you mean 'agv'"]),
    "kind": (STORM.format("kind: power_outage"), ["signalling.storms.0.kind", "'power_outage'"]),
    "nf": (STORM.format("kind: nf_restart, nf: afm"), ["signalling.storms.0.nf", "did you mean 'amf'"]),
    "nf missing": (STORM.format("kind: nf_restart"), ["signalling.storms.0.nf", "needs the function"]),
    "nf of the other core": (STORM.format("kind: nf_restart, nf: mme, core: 5gc"), ["mme is no function of the 5GC"]),
    "instances": (STORM.format("kind: nf_restart, nf: amf, instances: 40"), ["storms.0.instances: is 40, but viettel has 4"]),
    "key of another kind": (STORM.format("kind: power_cut, nf: amf"), ["storms.0.nf", "means nothing for a storm"]),
    "restore before the cut": (STORM.format("kind: power_restore, cut_at_s: 2.0"), ["cut_at_s", "before it has gone"]),
    "negative time": (STORM.format("kind: power_restore, boot_spread_s: -1.0"), ["storms.0.boot_spread_s", "-1.0"]),
    "no time down": (STORM.format("kind: nf_restart, nf: amf, down_s: 0"), ["storms.0.down_s", "or equal to 0.000001"]),
    "storm without control plane": ("signalling: {enabled: false, storms: [{kind: power_cut, at_s: 1.0}]}\n",
                                    ["set signalling.enabled: true"]),
    "no worker": ("core_profiles: {carrier: {functions: {amf: {workers: 0}}}}\n",
                  ["s.yaml:4: core_profiles.carrier.functions.amf.workers", "greater than or equal to 1"]),
    "unknown function": ("core_profiles: {carrier: {functions: {amg: {workers: 1}}}}\n", ["functions.amg", "did you mean 'amf'"]),
    "two workers in a loop": ("core_profiles: {open5gs: {functions: {amf: {workers: 2}}}}\n", ["amf.workers", "one event loop"]),
    "timer of zero": ("core_profiles: {carrier: {patience_s: 0}}\n", ["carrier.patience_s", "or equal to 0.000001"]),
    "zero T3512": ("signalling_behaviours: {meter: {periodic_registration_s: 0}}\n", ["periodic_reg", "or equal to 0.000001"]),
    "negative inactivity": ("signalling: {inactivity_s: -1}\n", ["signalling.inactivity_s", "or equal to 0.000001"]),
    "full background": ("core_profiles: {carrier: {background_share: 1.0}}\n", ["background_share", "less than 1"]),
    "timers swapped": ("core_profiles: {carrier: {t3346_min_s: 2000.0}}\n", ["t3346_min_s: is above t3346_max_s"]),
    "unknown core profile": ("signalling: {core_profile: {vnpt: carier}}\n", ["core_profile.vnpt", "did you mean 'carrier'"]),
    "unknown operator": ("signalling: {core_profile: {vnp: carrier}}\n", ["core_profile.vnp", "did you mean 'vnpt'"]),
    "behaviour of no class": ("signalling_behaviours: {metre: {source: x, confidence: A}}\n", ["metre", "did you mean 'meter'"]),
    "no default behaviour": ("signalling_behaviours: {default: null}\n", ["no entry 'default'"]),
    "unknown rach profile": ("radio_profiles: {nr-tdd-2600: {rach_profile: nr-fr2}}\n", ["did you mean 'nr-fr1'"]),
    "rach": ("rach_profiles: {nr-fr1: {rao_period_ms: 0}}\n", ["rach_profiles.nr-fr1.rao_period_ms", "or equal to 0.001"]),
    "occasions without end": ("rach_profiles: {nr-fr1: {rao_period_ms: 1.0e-7}}\n", ["rao_period_ms", "equal to 0.001"]),
    "paging cycle of nothing": ("signalling_behaviours: {meter: {drx_s: 1.0e-10}}\n", ["meter.drx_s", "or equal to 0.000001"]),
    "retry at once": ("core_profiles: {carrier: {retry_s: 1.0e-10}}\n", ["carrier.retry_s", "or equal to 0.000001"]),
    "deaf station": ("rach_profiles: {nr-fr1: {detection: 0.0}}\n", ["nr-fr1.detection", "greater than 0"]),
    "other ramping": ("rach_profiles: {nr-fr1: {detection: power_ramping}}\n", ["nr-fr1.detection", "power_ramping_37868"]),
    "contention timer": ("rach_profiles: {nr-fr1: {contention_ms: 1}}\n", ["contention_ms: ends before Msg4 can arrive"]),
    "rate of an unknown procedure": ("signalling: {procedure_rates_per_h: {agv: {handover: 2.0}}}\n", ["did you mean"]),
    "rate of no class": ("signalling: {procedure_rates_per_h: {agw: {handover_xn: 2.0}}}\n", ["did you mean 'agv'"]),
    "test without control plane": ("random_access_test: {devices: 10}\nsignalling: {enabled: false}\n", ["set signalling"]),
    "core test of no operator": ("signalling: {enabled: true}\ncore_test: {operator: vietel, devices: 10}\n",
                                 ["did you mean", "viettel"]),
    "core test of paging": ("signalling: {enabled: true}\ncore_test: {operator: viettel, devices: 10, procedure: paging}\n",
                            ["procedure for a test 'paging'"]),
    "core test without control plane": ("core_test: {operator: viettel, devices: 10}\nsignalling: {enabled: false}\n",
                                        ["set signalling"]),
    "core test at no rate": ("core_test: {operator: viettel, devices: 10, rate_per_s: 0}\n", ["core_test.rate_per_s"]),
    "access test in the warm-up": ("random_access_test: {devices: 10}\n", [
        "s.yaml:4: random_access_test: begins at 0 s, within simulation.warmup_s (2 s)", "set simulation.warmup_s: 0"]),
    "core test in the warm-up": ("core_test: {operator: viettel, devices: 10}\n", [
        "core_test.at_s: is 1 s, within simulation.warmup_s (2 s)", "set simulation.warmup_s: 0, or begin later"]),
    "test of nobody": ("random_access_test: {devices: 0}\n", ["random_access_test.devices", "greater than or equal to 1"]),
    "test's arrivals": ("random_access_test: {devices: 5, arrivals: beta_20s}\n", ["arrivals", "'beta_20s'"]),
    "unknown target": ("parameters: {x: simulation.horizn_s}\n", ["parameters.x", "'simulation.horizn_s'", "'horizon_s'"]),
    "target in no entry": ("parameters: {x: device_classes.agw.height_m}\n", ["parameters.x", "did you mean 'agv'"]),
    "target below a value": ("parameters: {x: simulation.horizon_s.ms}\n", ["parameters.x", "'simulation.horizon_s.ms'"]),
    "target without a dot": ("parameters: {x: simulation}\n", ["parameters.x", "'simulation'"]),
}


@pytest.mark.parametrize("body, parts", CASES.values(), ids=list(CASES))
def test_bad_input(tmp_path, body, parts):
    found = "\n".join(problems(tmp_path, body))
    assert all(part in found for part in parts), found


def test_a_core_test_may_begin_as_the_warm_up_ends(tmp_path):
    body = "simulation: {warmup_s: 3.0}\noperators: {viettel: {sa_capable_share: 1.0}}\n"
    (tmp_path / "s.yaml").write_text(HEAD + body + "core_test: {operator: viettel, devices: 10, at_s: 3.0}\n")
    assert load(tmp_path / "s.yaml").core_test is not None


def _positive_times(model) -> list[str]:
    """Keys of times that have a least value above zero."""
    return [name for name, field in model.model_fields.items()
            if name.endswith(("_s", "_ms")) and any(getattr(m, "ge", 0) or hasattr(m, "gt") for m in _limits(field))]


def _limits(field) -> list:
    """Limits of a field, those of an optional one and of the values of a mapping too."""
    inner = [m for arg in get_args(field.annotation) for m in getattr(arg, "__metadata__", ())]
    return [m for found in (*field.metadata, *inner) for m in getattr(found, "metadata", [found])]


def test_no_time_that_must_be_positive_rounds_to_zero():
    """In the engine's nanoseconds; what may be zero (a backoff, say) has no least value."""
    found = {model: _positive_times(model) for model in (CoreProfile, SignallingBehaviour, RachProfile)}
    assert {"retry_s", "patience_s", "sbi_timer_s"} <= set(found[CoreProfile])
    assert {"inactivity_s", "rrc_inactive_s", "periodic_registration_s", "drx_s", "edrx_s"} <= set(found[SignallingBehaviour])
    assert {"rao_period_ms", "rar_slot_ms", "contention_ms", "barring_ms"} <= set(found[RachProfile])
    for model, names in found.items():
        for name in names:
            least = max(m.ge for m in _limits(model.model_fields[name]) if hasattr(m, "ge"))
            assert (s_to_ns if name.endswith("_s") else ms_to_ns)(least) == 1000, name


def test_everything_wrong_at_once(tmp_path):
    body = STORM.format("kind: nf_restart, nf: smf, instances: 99")
    body += "core_profiles: {carrier: {wake_us: -1}}\nparameters: {x: a.b}\n"
    found = "\n".join(problems(tmp_path, body))
    assert "storms.0.instances" in found and "wake_us" in found and "parameters.x" in found


def test_a_profile_lacks_what_a_procedure_needs(tmp_path):
    body = ("core_profiles:\n  tiny: {functions: {amf: {}}, ue_us: 1, gnb_us: 1, sbi_us: 1, source: x, confidence: A,\n"
            "    message_costs_us: {sbi_request_sent: 1, sbi_request_served: 1, ngap: 1, pfcp: 1, db: 1, other: 1}}\n"
            "signalling: {core_profile: {viettel: tiny}}\n")
    assert any("core_profiles.tiny.functions: there is no smf, which procedure" in p for p in problems(tmp_path, body))


def test_short_names_stand_for_keys(tmp_path):
    path = tmp_path / "s.yaml"
    path.write_text(HEAD + "simulation: {warmup_s: 0}\nrandom_access_test: {devices: 10}\n"
                    "parameters: {devices: random_access_test.devices, arrivals: random_access_test.arrivals}\n")
    scenario = load(path, ["devices=30000", "arrivals=beta_10s", "devices.density=low"])
    assert scenario.random_access_test is not None
    assert (scenario.random_access_test.devices, scenario.random_access_test.arrivals) == (30000, "beta_10s")
    assert scenario.devices.density == "low"
    assert scenario.with_(devices={"density": "high"}).devices.density == "high"
    with pytest.raises(ScenarioError, match=r"--set devices: random_access_test\.devices: is 'many'"):
        load(path, ["devices=many"])


def test_late_storms_are_warned_of():
    storms = [{"kind": "power_cut", "at_s": 900.0}]
    scenario: Scenario = load(PLAN).with_(signalling={"enabled": True, "storms": storms})
    assert any(w.startswith("signalling.storms.0.at_s: after the run's end") for w in scenario.warnings)
    late = [{"kind": "power_restore", "at_s": 5.0, "boot_spread_s": 7.5}, {"kind": "fleet_wake", "at_s": 5.0, "spread_s": 7.0}]
    warned = load(PLAN).with_(signalling={"enabled": True, "storms": late}, simulation={"horizon_s": 12.0}).warnings
    assert warned == ("signalling.storms.0.boot_spread_s: its devices come until 12.5 s, the run ends at 12 s",)
    test = load(ROOT / "scenarios" / "ra-overload-37868.yaml", ["arrivals=uniform_60s", "simulation.horizon_s=20"])
    assert any(w.startswith("random_access_test.arrivals: its devices come within 60 s") for w in test.warnings)


@pytest.mark.parametrize("arrivals", ["uniform_60s", "beta_10s"])
def test_the_set_up_of_tr_37868_is_stated_in_two_short_names(arrivals):
    scenario = load(ROOT / "scenarios" / "ra-overload-37868.yaml", ["devices=1000", f"arrivals={arrivals}"])
    assert scenario.random_access_test is not None and scenario.random_access_test.devices == 1000
    assert scenario.random_access_test.pattern == TRAFFIC_MODELS[arrivals]
    assert scenario.warnings == ()
