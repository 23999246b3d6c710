"""Limits of the scenario language are those of the code behind it, and what has no effect says so."""

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from twin.base import link_adaptation, tbs
from twin.scenario import Scenario, entries, equipment, fields, load, schema, sections, signalling, signalling_entries

ROOT = Path(__file__).parent.parent
PLAN = ROOT / "scenarios" / "plan-2026.yaml"
#: Keys read under a name put together (`f"{kind}_ms"`), in a loop over the model's fields, or by a property of the scenario.
INDIRECT = {
    "TrafficItem": {"jitter_ms", "on_mean_ms", "off_mean_ms", "spread_ms", "cg_period_ms"},
    "RadioProfile": {"gnb_processing_us", "gnb_dl_processing_us", "ue_processing_us", "ue_tx_processing_us"},
    "AccessShare": {"nr", "redcap", "cat1bis", "nbiot", "unlicensed", "wired"},
    "Servers": {"default", "by_application"}, "IotPlatform": {"site"},
    "Scenario": {"schema_version", "servers", "iot_platform", "signalling_behaviours"},
    "SignallingSection": {"default_core_profile", "core_profile", "call_flows"}, "RandomAccessTest": {"arrivals"},
    "RachProfile": {"rao_period_ms", "rao_offset_ms", "preamble_ms", "rar_start_ms", "rar_slot_ms", "msg3_ms", "msg3_rtt_ms",
                    "msg4_ms", "msg4_rtt_ms", "contention_ms", "backoff_ms", "retry_ms", "barring_ms"},
    "MessageCosts": {"ngap", "pfcp", "db", "other"},
}


def models() -> list[type[BaseModel]]:
    modules = (fields, entries, equipment, sections, signalling, signalling_entries, schema)
    return [value for module in modules for value in vars(module).values()
            if isinstance(value, type) and issubclass(value, BaseModel) and value.__module__ == module.__name__]


def test_limits_are_those_of_link_adaptation():
    assert (equipment.MIN_BLER, equipment.MAX_BLER) == (link_adaptation.MIN_BLER, link_adaptation.MAX_BLER)
    assert equipment.MAX_LAYERS == tbs.MAX_LAYERS


def test_every_key_is_read_or_says_that_it_has_no_effect():
    code = "\n".join(p.read_text(encoding="utf-8") for p in (ROOT / "twin").rglob("*.py") if "scenario" not in p.parts)
    read = set(re.findall(r"""(?:\.|["'])([a-z][a-z0-9_]*)\b""", code))
    for model in models():
        for name, field in model.model_fields.items():
            marked = "no effect on the simulation" in (field.description or "")
            assert marked or name in read or name in INDIRECT.get(model.__name__, ()), f"{model.__name__}.{name}"


@pytest.fixture(scope="module")
def plan() -> Scenario:
    return load(PLAN)


@pytest.mark.parametrize(("override", "warned"), [
    ("plan.convert_fraction=0.5", True), ("plan.convert_fraction=0.85", False),
    ("operators.vnpt.plan_new_5g=1", True), ("operators.vnpt.plan_new_5g=634", False),
    ("device_classes.agv.speed_m_s=30.0", True), ("device_classes.agv.mobility=static", True),
    ("applications.metering.fiveqi=1", True), ("applications.metering.survival_time_ms=77.0", True),
    ("operators.vnpt.full_name=VNPT", False), ("parks.TL2.ward=X", False), ("tags=[x]", False),
])
def test_a_key_without_effect_is_warned_of_where_it_changes(override, warned):
    path = override.split("=")[0]
    found = [w for w in load(PLAN, [override]).warnings if w.startswith(f"{path}: has no effect on the simulation yet")]
    assert bool(found) == warned


def test_a_price_of_ones_own_is_warned_of(plan):
    name = next(iter(plan.cost_items))
    assert any(w.startswith(f"cost_items.{name}.usd: ") for w in plan.with_(cost_items={name: {"usd": 1.5}}).warnings)


@pytest.mark.parametrize(("overrides", "parts"), [
    (["applications.metering.rlc_buffer_bytes=10"], ["device_classes.", "rlc_buffer_bytes of metering is 10", "always lost"]),
    (["device_classes.camera.traffic.video.i_frame_bytes=9000000"], ["camera.traffic.video.i_frame_bytes", "always lost"]),
    (["operators.vnpt.bandwidth_mhz=50"], ["operators.vnpt.bandwidth_mhz: is 50", "nr-tdd-3700 has 100"]),
    (["operators.vnpt.radio_profile=nr-fdd-700"], ["operators.vnpt.duplex: is tdd", "nr-fdd-700 has fdd"]),
])
def test_warnings_of_what_cannot_be(overrides, parts):
    text = "\n".join(load(PLAN, overrides).warnings)
    assert all(part in text for part in parts), text


def test_groups_that_a_private_network_overrules(plan):
    group = {"park": "TL2", "device_class": "agv", "count": 2, "operator": "vnpt"}
    network = {"parks": ["TL2"], "mode": "park_upf", "applications": ["agv-control"]}
    found = plan.with_(devices={"groups": [group]}, private_network=network).warnings
    assert any(w.startswith("devices.groups.0.operator: 'vnpt' has no effect") for w in found)
    assert not plan.with_(devices={"groups": [group | {"operator": "viettel"}]}, private_network=network).warnings
