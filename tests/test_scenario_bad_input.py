"""What bad input gets: file, line, key and remedy; everything at once; the right error class."""

import textwrap
from pathlib import Path

import pytest

from twin.base.errors import ScenarioError, ScenarioFileError, TwinError
from twin.scenario import load

HEAD = """\
schema: 1
name: test
question: What happens to bad input?
"""


def write(folder: Path, body: str, name: str = "s.yaml", head: str = HEAD) -> Path:
    path = folder / name
    path.write_text(head + textwrap.dedent(body), encoding="utf-8")
    return path


def problems(folder: Path, body: str, *overrides: str, head: str = HEAD) -> list[str]:
    with pytest.raises(ScenarioError) as caught:
        load(write(folder, body, head=head), overrides)
    return [str(problem) for problem in caught.value.problems]


# one row a kind of mistake: the text below the head (its first line is line 4), and what the message has to say
CASES = {
    "unknown key": ("devices:\n  densty: base\n", ["s.yaml:5: devices.densty: unknown key", "did you mean 'density'?"]),
    "unknown section": ("device: {}\n", ["s.yaml:4: device: unknown key", "did you mean 'devices'?"]),
    "wrong unit in the key": (
        "simulation:\n  horizon_ms: 12\n",
        ["s.yaml:5: simulation.horizon_ms", "'horizon_s'", "Units are part"],
    ),
    "unit in the value": (
        "simulation: {horizon_s: 12 s}\n",
        ["simulation.horizon_s", "'12 s'", "valid number", "unit is in the key"],
    ),
    "text for a number": ("parks:\n  TL2:\n    workers: many\n", ["s.yaml:6: parks.TL2.workers", "'many'", "integer"]),
    "boolean for a number": ("simulation: {seed: true}\n", ["simulation.seed", "True"]),
    "negative value": ("parks: {TL2: {leased_ha: -3}}\n", ["s.yaml:4: parks.TL2.leased_ha", "-3", "greater than or equal to 0"]),
    "absurd value": ("simulation: {horizon_s: 1e9}\n", ["simulation.horizon_s", "less than or equal to 86400"]),
    "not a number": ("devices: {density: .nan}\n", ["devices.density", "nan"]),
    "infinite": ("transport: {ring_gbps: .inf}\n", ["transport.ring_gbps", "inf"]),
    "misspelt choice": ("devices: {density: hihg}\n", ["devices.density", "'hihg'", "did you mean 'high'?"]),
    "list for a mapping": ("devices: [1]\n", ["s.yaml:4: devices", "should be a mapping"]),
    "bad time of day": ("simulation: {start_time_of_day: '25:00'}\n", ["simulation.start_time_of_day", "'25:00'"]),
    "bad date": ("plan: {date: 2026-13-01}\n", ["s.yaml:4: plan.date", "not a valid value"]),
    "unknown park": ("parks: {TL3: {workers: 5}}\n", ["s.yaml:4: parks.TL3", "not in the library", "did you mean 'TL2'?"]),
    "new entry with gaps": ("parks: {NEW: {workers: 5, lat: 20.9}}\n", ["parks.NEW", "lacks", "area_ha"]),
    "unknown operator of the plan": (
        "plan: {stations_5g: {vietel: 10}}\n",
        ["plan.stations_5g.vietel", "did you mean 'viettel'?"],
    ),
    "unknown park of the plan": ("plan: {in_park_stations_5g: {TL9: {vnpt: 1}}}\n", ["in_park_stations_5g.TL9", "did you mean"]),
    "unknown application": (
        "device_classes:\n  agv:\n    traffic:\n      status:\n        application: agv-controll\n",
        [
            "s.yaml:8: device_classes.agv.traffic.status.application",
            "'agv-controll' does not exist",
            "did you mean 'agv-control'?",
        ],
    ),
    "unknown device class": (
        "devices:\n  groups:\n  - {park: TL2, device_class: robots, count: 3}\n",
        ["s.yaml:6: devices.groups.0.device_class", "'robots' does not exist"],
    ),
    "unknown park of a group": (
        "devices: {groups: [{park: T1, device_class: agv, count: 3}]}\n",
        ["devices.groups.0.park", "'T1'"],
    ),
    "unknown radio profile": (
        "operators: {vnpt: {radio_profile: nr-tdd-3600}}\n",
        ["operators.vnpt.radio_profile", "did you mean 'nr-tdd-3"],
    ),
    "unknown server site": ("servers: {default: hanoy}\n", ["s.yaml:4: servers.default", "did you mean 'hanoi'?"]),
    "unknown platform site": ("iot_platform: {site: cloud}\n", ["iot_platform.site", "'cloud' does not exist"]),
    "unknown link type": ("transport: {site_access: fibre}\n", ["transport.site_access", "'fibre' does not exist"]),
    "unknown profile": (
        "device_classes: {agv: {traffic: {status: {profile: night}}}}\n",
        ["device_classes.agv.traffic.status.profile", "'night' does not exist"],
    ),
    "unknown private park": (
        "private_network: {parks: [TL7], mode: slice, applications: [agv-control]}\n",
        ["private_network.parks", "'TL7' does not exist"],
    ),
    "device class without traffic": (
        "device_classes:\n  drone:\n    name_vi: a\n    name_en: b\n    per_1000_workers_base: 1\n"
        "    access_share: {nr: 1.0}\n    source: test\n    confidence: A\n",
        ["s.yaml:5: device_classes.drone.traffic", "has no traffic"],
    ),
    "shares above one": ("device_classes: {agv: {access_share: {nr: 0.9}}}\n", ["device_classes.agv.access_share", "sum to 1.4"]),
    "link without capacity": (
        "link_types:\n  slow:\n    {medium: fibre, buffer_ms: 1, overhead_bytes: 0, node_us: 1, propagation_us_per_km: 4.9,\n"
        "     shared: false, next_step: x, source: x, confidence: A}\n",
        ["link_types.slow", "rate_gbps"],
    ),
    "link of no rate": ("link_types: {ring: {rate_gbps: 0}}\n", ["link_types.ring.rate_gbps", "greater than 0"]),
    "park nobody serves": (
        "plan: {in_park_stations_5g: {TL2: {viettel: 0}}}\n",
        ["plan.in_park_stations_5g.TL2", "no operator serves park TL2"],
    ),
    "no stations at all": (
        "plan: {stations_5g: {viettel: 0, vnpt: 0, mobifone: 0}}\n",
        ["plan.stations_5g", "no operator serves"],
    ),
    "no operators": ("operators: {viettel: null, vnpt: null, mobifone: null}\n", ["operators", "no operator is left"]),
    "operator shares": ("operators: {mobifone: null}\n", ["operators", "sum to 0.85", "device_share"]),
    "warm-up": ("simulation: {horizon_s: 2, warmup_s: 2}\n", ["simulation.warmup_s", "leaves nothing"]),
    "counted time of nothing": ("simulation: {horizon_s: 2.0005, warmup_s: 2}\n", ["simulation.warmup_s", "1 ms is the least"]),
    "hardly a horizon": ("simulation: {horizon_s: 0.005, warmup_s: 0}\n", ["simulation.horizon_s", "equal to 0.01"]),
    "no period": (
        "device_classes: {agv: {traffic: {status: {period_ms: 0.05, jitter_ms: 0}}}}\n",
        ["status.period_ms", "equal to 0.1", "Period or mean gap, ms"],
    ),
    "block errors beyond link adaptation": (
        "radio_profiles: {nr-tdd-2600: {bler_target: 0.6}}\n",
        ["nr-tdd-2600.bler_target", "equal to 0.5"],
    ),
    "too many layers": ("radio_profiles: {nr-tdd-2600: {layers_dl: 8}}\n", ["nr-tdd-2600.layers_dl", "equal to 4"]),
    "jitter above period": (
        "device_classes: {agv: {traffic: {status: {jitter_ms: 21}}}}\n",
        ["device_classes.agv.traffic.status.jitter_ms", "longer than the period"],
    ),
    "missing period": ("device_classes: {agv: {traffic: {status: {period_ms: null}}}}\n", ["status.period_ms", "needs a period"]),
    "video without frames": ("device_classes: {camera: {traffic: {video: {gop: 0}}}}\n", ["video.gop", "needs gop above 0"]),
    "answer to a downlink": (
        "device_classes: {agv: {traffic: {command: {response_bytes: 10}}}}\n",
        ["command.response_bytes", "only uplink"],
    ),
    "half a configured grant": ("device_classes: {agv: {traffic: {status: {cg_bytes: 10}}}}\n", ["status.cg_period_ms", "both"]),
    "pattern without uplink": ("radio_profiles: {nr-tdd-2600: {pattern: DDDDD}}\n", ["nr-tdd-2600.pattern", "no uplink slot"]),
    "requests out of step": ("radio_profiles: {nr-tdd-2600: {sr_period_slots: 7}}\n", ["sr_period_slots", "not a multiple"]),
    "too many blocks": (
        "radio_profiles: {nr-tdd-2600: {n_prb: 275, bandwidth_mhz: 50}}\n",
        ["nr-tdd-2600.n_prb", "carrier of 50 MHz"],
    ),
    "more blocks than 3GPP has": (
        "radio_profiles: {nr-tdd-2600: {n_prb: 274}}\n",
        ["nr-tdd-2600.n_prb", "274 blocks of 30 kHz do not fit a carrier of 100 MHz, which has 273"],
    ),
    "chain over two sites": (
        "servers: {default: edge}\napplications: {metering: {server_chain: [ingest, app]}}\n",
        ["applications.metering.server_chain", "stand at hanoi and edge", "servers.by_application.metering to hanoi"],
    ),
    "private chain over two sites": (
        "private_network: {parks: [TL2], mode: park_upf, applications: [metering]}\n"
        "applications: {metering: {server_chain: [app, store]}}\n",
        ["applications.metering.server_chain", "stand at edge and hanoi"],
    ),
    "user plane without a UPF": (
        "server_sites: {province: {upf: null}}\noperators: {vnpt: {upf: province}}\n",
        ["server_sites.province.upf", "operators.vnpt.upf needs one"],
    ),
    "tenant that is the phones'": (
        "devices: {groups: [{park: TL2, tenant: workers, device_class: agv, count: 1}]}\n",
        ["devices.groups.0.tenant", "kept for the workers' phones"],
    ),
    "queue that is not there": (
        "server_sites: {tiny: {name_vi: a, name_en: b, place: park, source: x, confidence: A, queues: {}, upf: {workers: 1,"
        " cost_per_packet_us: 1, cost_per_byte_ns: 0, queue_limit_ms: 1, next_step: x}}}\nservers: {default: tiny}\n",
        ["server_sites.tiny.queues", "queue 'app' is missing", "plc-control"],
    ),
    "leased beyond the park": ("parks: {TL2: {leased_ha: 9999}}\n", ["parks.TL2.leased_ha", "exceeds"]),
    "nothing to simulate": ("devices: {include_derived: false, worker_phones: false}\n", ["devices", "no devices at all"]),
    "missing table": ("tables: {sites: nowhere.csv}\n", ["s.yaml:4: tables.sites", "does not exist"]),
    "table of a strange kind": ("tables: {links: links.pdf}\n", ["tables.links", "none of .csv, .xlsx"]),
    "duplicate key": ("devices: {density: low}\ndevices: {density: high}\n", ["s.yaml:5: devices", "twice", "line 4"]),
    "syntax": ("devices: [1\nplan: 2\n", ["s.yaml:5", "not valid YAML"]),
    "python object": ("devices: !!python/object/apply:os.system ['true']\n", ["s.yaml:4: devices", "not allowed"]),
    "merge key": ("devices: {<<: {density: low}}\n", ["s.yaml:4: devices", "merge keys"]),
    "key that is not text": ("plan: {stations_5g: {1: 2}}\n", ["s.yaml:4: plan.stations_5g", "quote it"]),
    "two documents": ("---\nname: b\n", ["not valid YAML"]),
    "wrong version": ("schema_version: 2\n", ["schema_version: unknown key", "'schema'"]),
}


@pytest.mark.parametrize("case", CASES, ids=CASES.keys())
def test_message_names_place_key_and_remedy(case, tmp_path):
    body, expected = CASES[case]
    text = "\n".join(problems(tmp_path, body))
    for part in expected:
        assert part in text, text


@pytest.mark.parametrize("case", CASES, ids=CASES.keys())
def test_one_mistake_gives_one_problem(case, tmp_path):
    several = {"no operators": 3, "operator shares": 1}  # the private network's default operator and the plan's are library names
    found = problems(tmp_path, CASES[case][0])
    assert len(found) <= several.get(case, 2), found


def test_all_problems_at_once(tmp_path):
    found = problems(
        tmp_path,
        """\
        devices: {densty: base, indoor_share: 2.0}
        simulation: {horizon_s: -1}
        servers: {default: hanoy}
        device_classes: {agv: {traffic: {status: {jitter_ms: 21}}}}
        """,
    )
    text = "\n".join(found)
    keys = ("devices.densty", "devices.indoor_share", "simulation.horizon_s", "servers.default", "agv.traffic.status.jitter_ms")
    for key in keys:
        assert key in text, text
    assert len(found) == 5


def test_missing_required_keys(tmp_path):
    found = problems(tmp_path, "schema: 1\n", head="")
    assert any("name: is required and missing" in line for line in found)
    assert any("question: is required and missing" in line for line in found)


def test_errors_are_builtins_and_twin_errors(tmp_path):
    with pytest.raises(ValueError, match="unknown key"):
        load(write(tmp_path, "x: 1\n"))
    with pytest.raises(OSError, match=r"nothing\.yaml"):
        load(tmp_path / "nothing.yaml")
    assert issubclass(ScenarioFileError, ScenarioError) and issubclass(ScenarioError, TwinError)


def test_unreadable_and_huge_files(tmp_path):
    with pytest.raises(ScenarioFileError, match="not a file"):
        load(tmp_path)
    huge = write(tmp_path, "# " + "x" * 3_000_000 + "\n", "huge.yaml")
    with pytest.raises(ScenarioFileError, match="MiB"):
        load(huge)
    binary = tmp_path / "binary.yaml"
    binary.write_bytes(b"\xff\xfe\x00name")
    with pytest.raises(ScenarioFileError, match="UTF-8"):
        load(binary)
    empty = tmp_path / "empty.yaml"
    empty.write_text("")
    with pytest.raises(ScenarioError, match="no mapping"):
        load(empty)
    with pytest.raises(ScenarioFileError):
        load("a\0b.yaml")


def test_yaml_bombs(tmp_path):
    layers = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    layers += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 9)]
    nested, aliased = "a: " + "[" * 5000 + "\n", "a: &x 1\nb: [" + "*x, " * 5000 + "]\n"
    for body in ("\n".join(layers) + "\n", "a: &x [*x, *x]\n", nested, aliased):
        with pytest.raises(ScenarioError, match=r"expands|nested deeper|aliases"):
            load(write(tmp_path, body))


def test_extends_cycle_and_missing_parent(tmp_path):
    write(tmp_path, "extends: b.yaml\n", "a.yaml")
    write(tmp_path, "extends: a.yaml\n", "b.yaml")
    with pytest.raises(ScenarioError, match=r"b\.yaml:4: extends: extends itself: a\.yaml -> b\.yaml -> a\.yaml"):
        load(tmp_path / "a.yaml")
    with pytest.raises(ScenarioError, match=r"s\.yaml:4: extends: .*gone\.yaml cannot be read"):
        load(write(tmp_path, "extends: gone.yaml\n"))
    with pytest.raises(ScenarioError, match="should be the path of one"):
        load(write(tmp_path, "extends: [a.yaml]\n"))
    with pytest.raises(ScenarioError, match="not a file"):
        load(write(tmp_path, "extends: .\n"))


def test_problem_of_a_parent_names_the_parent(tmp_path):
    write(tmp_path, "devices: {densty: low}\n", "parent.yaml")
    found = problems(tmp_path, "extends: parent.yaml\n")
    assert "parent.yaml:4: devices.densty" in found[0]


def test_bad_overrides(tmp_path):
    assert "--set devices.density: devices.density" in problems(tmp_path, "", "devices.density=hihg")[0]
    assert "not an override" in problems(tmp_path, "", "devices.density")[0]
    assert "not an override" in problems(tmp_path, "", "devices..density=1")[0]
    assert "not valid YAML" in problems(tmp_path, "", "devices=[1")[0]


def test_with_reports_the_same_errors(tmp_path):
    scenario = load(write(tmp_path, ""))
    with pytest.raises(ScenarioError, match=r"with_: devices.density.*did you mean 'high'"):
        scenario.with_(devices={"density": "hig"})
