"""Storms as a scenario names them, from the scripts that its world holds."""

from pathlib import Path

import numpy as np

from twin.measure.control_names import storms_of
from twin.scenario import load
from twin.world.build import build_world
from twin.world.signalling_tables import SCRIPTS

SCENARIOS = Path(__file__).parent.parent / "scenarios"
STORMS = """
  storms:
    - {kind: power_restore, name: dark, at_s: 2.0, cut_at_s: 0.5, device_classes: [meter]}
    - {kind: nf_restart, name: amf, at_s: 3.0, operators: [viettel], nf: amf, instances: 2, down_s: 2.0}
    - {kind: core_failover, at_s: 3.0, operators: [vnpt], down_s: 1.0, extra_delay_ms: 3.0}
"""


def test_every_storm_of_a_scenario_is_one(tmp_path):
    path = tmp_path / "s.yaml"
    path.write_text(f"extends: {SCENARIOS / 'one-park.yaml'}\nname: s\nsignalling:\n  enabled: true{STORMS}")
    tables = build_world(load(path)).signalling
    storms = storms_of(tables)
    assert list(storms.names) == ["dark", "amf", "core_failover-3"]
    assert list(storms.t_ns) == [2_000_000_000, 3_000_000_000, 3_000_000_000]
    kinds = [SCRIPTS[k] for k in tables.scripts["kind"]]
    assert len(storms.row) == len(kinds) - kinds.count("power_off"), "of a power cut, the return"
    parts = storms.summed(np.ones(len(kinds), dtype=np.int64))
    assert list(parts) == [1, 2, kinds.count("function_down") - 2 + kinds.count("core_delay")] and parts[2] > 5
