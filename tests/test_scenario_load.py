"""Loading: extends, overrides, libraries, identity; the shipped scenarios and libraries."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.scenario import Scenario, load
from twin.scenario.document import Document, Place, from_overrides, merged
from twin.scenario.json_schema import schema_text
from twin.scenario.libraries import library
from twin.scenario.population import bursts_per_s, class_shares, derived_devices, expected_bursts_per_s
from twin.scenario.schema import LIBRARIES

SCENARIOS = Path(__file__).parent.parent / "scenarios"
SHIPPED = sorted(SCENARIOS.glob("*.yaml"))
EXPECTED = {"one-park", "baseline-2025", "plan-2026", "plan-2026-priority-parks", "plan-2026-delayed", "edge-upf", "private-5g",
            "private-5g-park-upf", "private-5g-dedicated-ran", "iot-high-density", "shared-ran", "normal-hour-signalling",
            "power-restore-storm", "amf-restart", "ra-overload-37868"}


@pytest.fixture(scope="module")
def plan() -> Scenario:
    return load(SCENARIOS / "plan-2026.yaml")


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_scenario_loads_and_names_its_question(path):
    scenario = load(path)
    assert scenario.name == path.stem
    assert scenario.question.endswith("?")
    assert path.read_text(encoding="utf-8").startswith("# Question: ")


def test_suite_is_complete():
    assert {path.stem for path in SHIPPED} >= EXPECTED
    assert "smoke" in load(SCENARIOS / "one-park.yaml").tags


def test_published_json_schema_is_fresh():
    published = (SCENARIOS / "schema.json").read_text(encoding="utf-8")
    assert published == schema_text(), "run: python -m twin.scenario.json_schema > scenarios/schema.json"


def test_plan_arithmetic(plan):
    """1,335 stations, each operator's today plus its quota; 126 of them in the ten parks, whose areas sum to 2,773.38 ha."""
    baseline = load(SCENARIOS / "baseline-2025.yaml")
    for name, operator in plan.operators.items():
        assert baseline.plan.stations_5g[name] == operator.stations_5g_today
        assert plan.plan.stations_5g[name] == operator.stations_5g_today + operator.plan_new_5g
    assert sum(plan.plan.stations_5g.values()) == 1335 and sum(baseline.plan.stations_5g.values()) == 106
    assert round(1335 * plan.plan.in_park_share) == 126 and round(106 * baseline.plan.in_park_share) == 10
    assert len(plan.parks) == 10 and sum(park.area_ha for park in plan.parks.values()) == pytest.approx(2773.38)


def test_traffic_volume_of_the_libraries(plan):
    """The heaviest reading of the base density offers about 164,000 bursts/s, of the high one about 980,000."""
    heaviest = plan.with_(devices={"access": "all_cellular"})
    assert sum(sum(derived_devices(heaviest, park).values()) for park in heaviest.parks) == pytest.approx(27_640, abs=10)
    assert 150_000 < expected_bursts_per_s(heaviest) < 180_000
    assert 930_000 < expected_bursts_per_s(heaviest.with_(devices={"density": "high"})) < 1_050_000


def test_base_mix_is_325_devices_per_1000_workers(plan):
    assert sum(c.per_1000_workers_base for c in plan.device_classes.values()) == 325
    assert sum(class_shares(plan).values()) == pytest.approx(1)


@pytest.mark.parametrize("section", LIBRARIES)
def test_every_library_entry_has_source_and_confidence(section):
    for name, entry in library(section).data.items():
        assert entry["source"] and entry["confidence"] in ("H", "M", "L", "A", "FM"), name
        assert set(entry.get("assumed", [])) <= set(entry), name


def test_levels_follow_the_default_priority_of_the_5qi(plan):
    """Default priorities of TS 23.501 table 5.7.4-1: to 30 level 0, to 50 level 1, to 75 level 2, above level 3."""
    priority = {2: 40, 3: 30, 7: 70, 9: 90, 82: 19, 84: 24}
    for name, application in plan.applications.items():
        value = priority[application.fiveqi]
        assert application.level == (value > 30) + (value > 50) + (value > 75), name


def test_extends_merges_mappings_and_replaces_lists(tmp_path):
    (tmp_path / "a.yaml").write_text(
        "schema: 1\nname: a\nquestion: q?\ntags: [x, y]\ndevices: {density: low, indoor_share: 0.1}\nparks: {DM: {}, MD: {}}\n"
    )
    (tmp_path / "b.yaml").write_text("extends: a.yaml\nname: b\ntags: [z]\ndevices: {density: 40}\nparks: null\n")
    a, b = load(tmp_path / "a.yaml"), load(tmp_path / "b.yaml")
    assert (b.name, b.question, b.tags) == ("b", "q?", ("z",))
    assert (b.devices.density_per_leased_ha, b.devices.indoor_share) == (40.0, 0.1)
    assert list(a.parks) == ["DM", "MD"] and len(b.parks) == 10


def test_naming_parks_selects_them(plan):
    one = plan.with_(parks={"MD": None, "DM": {"workers": 10_000}})
    assert set(one.parks) == {"MD", "DM"} and one.parks["DM"].workers == 10_000 and one.parks["MD"].workers == 3_600


def test_null_removes_a_library_entry(plan):
    without = plan.with_(device_classes={"camera": None})
    assert "camera" not in without.device_classes and "camera" in plan.device_classes


def test_overrides_dotted_nested_and_command_line_agree(plan):
    path = SCENARIOS / "plan-2026.yaml"
    dotted = plan.with_(**{"devices.density": 40, "operators.vnpt.upf": "park"})
    nested = plan.with_(devices={"density": 40}, operators={"vnpt": {"upf": "park"}})
    written = load(path, ["devices.density=40", "operators.vnpt.upf=park"])
    assert dotted == nested == written
    assert dotted.sha256 == nested.sha256 == written.sha256 != plan.sha256
    assert load(path).sha256 == plan.sha256


def test_with_keeps_earlier_changes(plan):
    both = plan.with_(devices={"density": "high"}).with_(simulation={"seed": 7})
    assert both.devices.density == "high" and both.simulation.seed == 7


def test_scenario_is_frozen(plan):
    with pytest.raises(ValueError, match="frozen"):
        plan.name = "other"


def test_resolved_is_plain_json_that_loads_again(plan):
    resolved = plan.resolved()
    again = json.loads(json.dumps(resolved))
    assert again == resolved
    again.pop("table_sha256")
    assert Scenario.model_validate(again) == plan


def test_a_scenario_without_a_file_can_be_changed(plan):
    bare = Scenario.model_validate({k: v for k, v in plan.resolved().items() if k != "table_sha256"})
    assert bare.with_(devices={"density": 7}).devices.density == 7


def test_tables_are_relative_to_the_file_that_names_them_and_count_in_the_hash(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "tenants.csv").write_text("a\n1\n")
    (tmp_path / "sub" / "a.yaml").write_text("schema: 1\nname: a\nquestion: q?\ntables: {tenants: tenants.csv}\n")
    (tmp_path / "b.yaml").write_text("extends: sub/a.yaml\nname: b\n")
    scenario = load(tmp_path / "b.yaml")
    assert scenario.table_path("tenants").read_text() == "a\n1\n" and scenario.table_path("sites") is None
    before = scenario.sha256
    (tmp_path / "sub" / "tenants.csv").write_text("a\n2\n")
    assert scenario.sha256 != before
    assert str(tmp_path) not in json.dumps(scenario.resolved())


def test_validity_warnings(plan):
    warned = plan.with_(devices={"density": 2000}, simulation={"replications": 1, "horizon_s": 2.5}).warnings
    assert len(warned) == 3 and any("TS 22.261" in text for text in warned)
    assert plan.warnings == ()


def test_sites_of_queues(plan):
    edge = load(SCENARIOS / "edge-upf.yaml")
    assert edge.server_site_of("agv-control", "app") == "edge" and edge.server_site_of("metering", "ingest") == "hanoi"


def test_request_response_counts_twice(plan):
    lookup = plan.device_classes["handheld"].traffic["lookup"]
    assert bursts_per_s(lookup) == pytest.approx(0.4)


KEYS = st.sampled_from("abcd")
TREES = st.recursive(st.integers(), lambda inner: st.dictionaries(KEYS, inner, max_size=3), max_leaves=8)
MAPPINGS = st.dictionaries(KEYS, TREES, max_size=3)


def document(data: dict) -> Document:
    return Document(data, {})


@given(MAPPINGS, MAPPINGS, MAPPINGS)
@settings(max_examples=60, deadline=None)
def test_merging_is_idempotent_and_the_last_leaf_wins(a, b, c):
    assert merged(document(a), document(a)).data == a
    assert merged(document(a), document({})).data == a and merged(document({}), document(a)).data == a
    result = merged(merged(document(a), document(b)), document(c)).data
    for path, value in leaves(c):
        found = result
        for key in path:
            found = found[key]
        assert found == value


def leaves(data, path=()):
    for key, value in data.items():
        if isinstance(value, dict):
            yield from leaves(value, (*path, key))
        else:
            yield (*path, key), value


@given(st.lists(KEYS, min_size=1, max_size=5), st.integers())
@settings(max_examples=30, deadline=None)
def test_a_dotted_override_is_the_nested_one(keys, value):
    nested: object = value
    for key in reversed(keys):
        nested = {key: nested}
    dotted = from_overrides({".".join(keys): value}, Place("--set"))
    assert dotted.data == nested and dotted.place_of(tuple(keys)) == Place("--set")


@given(st.floats(min_value=0, max_value=500, allow_nan=False))
@settings(max_examples=25, deadline=None)
def test_derived_devices_add_up_to_the_density(density):
    scenario = BASE.with_(devices={"density": density})
    for name, park in scenario.parks.items():
        assert sum(derived_devices(scenario, name).values()) == round(density * park.leased_ha)


BASE = load(SCENARIOS / "one-park.yaml")
