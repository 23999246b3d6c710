"""Where servers stand, what their queues are called next, and which core an operator's devices use."""

from pathlib import Path

import pytest

from twin.scenario import load
from twin.world.build import build_world
from twin.world.layout import to_plane

SCENARIOS = Path(__file__).parent.parent / "scenarios"
QUEUE = {"workers": 3, "service_kind": "fixed", "service_mean_us": 40.0, "queue_limit_ms": 200.0}
SECOND = {"name_vi": "a", "name_en": "b", "place": "province", "lat": 20.93, "lon": 106.05, "source": "test", "confidence": "A",
          "queues": {"app": {**QUEUE, "next_step": "rent a rack"}}}


def test_a_second_site_of_a_place_stands_where_it_says():
    scenario = load(SCENARIOS / "one-park.yaml").with_(server_sites={"second": SECOND},
                                                       servers={"by_application": {"video-surveillance": "second"}})
    world = build_world(scenario)
    node = world.graph.nodes["viettel/hung-yen/servers/second"]
    assert (node["x_m"], node["y_m"]) == pytest.approx(to_plane(20.93, 106.05))
    queue = world.resources.set_index("name").loc["viettel/second/app"]
    assert queue.workers == 3 and queue.next_step == "rent a rack"
    fibre = world.resources.set_index("name").loc["viettel/hung-yen>viettel/hung-yen/servers/second [up]"]
    assert fibre.length_km > 20


def test_the_upf_of_a_second_site_is_warned_of():
    upf = {"workers": 1, "cost_per_packet_us": 1.0, "cost_per_byte_ns": 0.1, "queue_limit_ms": 10.0, "next_step": "x"}
    found = load(SCENARIOS / "one-park.yaml").with_(server_sites={"second": {**SECOND, "upf": upf}}).warnings
    assert "server_sites.second.upf: has no effect: the UPFs of place 'province' stand at 'province'" in found


def test_a_mixed_chain_stands_at_one_site():
    scenario = load(SCENARIOS / "one-park.yaml").with_(
        applications={"metering": {"server_chain": ["ingest", "app"]}}, iot_platform={"site": "province"},
        servers={"by_application": {"metering": "province"}})
    names = set(build_world(scenario).resources["name"])
    assert {"viettel/province/ingest", "viettel/province/app"} <= names


@pytest.mark.parametrize(("overrides", "standalone"), [
    ([], {"viettel": True, "vnpt": False}),
    (["operators.vnpt.sa_from=2026-06-30"], {"vnpt": True}),
    (["operators.vnpt.architecture=sa", "operators.vnpt.sa_from=2027-01-01"], {"vnpt": False}),
    (["operators.vnpt.architecture=sa"], {"vnpt": True}),
    (["operators.viettel.architecture=nsa", "operators.viettel.sa_from=null"], {"viettel": False}),
])
def test_devices_on_the_5g_core_and_on_the_epc(overrides, standalone):
    world = build_world(load(SCENARIOS / "one-park.yaml", overrides))
    operators = world.operators.set_index("operator_id")
    single = world.devices[~world.devices["is_aggregate"]]
    for o, name in enumerate(operators.index):
        n, on_5gc, on_epc = (single["operator"] == o).sum(), *(world.counts[f"devices_{c}/{name}"] for c in ("5gc", "epc"))
        assert on_5gc + on_epc == n
        if name in standalone:
            assert bool(operators.loc[name, "standalone"]) == standalone[name]
            share = operators.loc[name, "sa_capable_share"] if standalone[name] else 0.0
            assert abs(on_5gc - share * n) <= 4 * (n * share * (1 - share)) ** 0.5
