"""Licences of the cores that a scenario builds, held against what the control plane and the UPFs counted."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from fakes import fake_control, fake_measures, fake_world, with_signalling

from twin.measure.licence_kpis import LICENCES, licence_kpis
from twin.measure.scopes import frame
from twin.report.core import core_section
from twin.report.folder import TABLES, RunData
from twin.report.texts import Texts
from twin.scenario import load
from twin.world.build import build_world
from twin.world.tables import POOL

SCENARIOS = Path(__file__).parent.parent / "scenarios"
GBPS = 6.0


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """KPIs of one park's world: 700 devices and 900 sessions a core at most, 6 Gbit/s through one of viettel's UPF pools."""
    path = tmp_path_factory.mktemp("licences") / "s.yaml"
    path.write_text(f"extends: {SCENARIOS / 'one-park.yaml'}\nname: s\nsignalling:\n  enabled: true\n"
                    "  core_profile: {vnpt: open5gs}\ncore_profiles: {carrier: {licences: {sessions: {limit: null}}}}\n")
    world = build_world(load(path))
    base = with_signalling(fake_world())
    control = fake_control(base)
    counts = np.zeros((len(world.signalling.procedures), control.procedure_counts.shape[1]), dtype=np.int64)
    first = int(np.flatnonzero(world.signalling.procedures["core"].to_numpy() == core_row(world, "viettel/5gc"))[0])
    counts[first, 0] = 1_000  # in two seconds
    control = replace(control, procedure_counts=counts, gauges_max=np.tile([700, 300, 900], (len(world.signalling.cores), 1)))
    carried = np.zeros(len(world.resources), dtype=np.int64)
    viettel = list(world.operators["operator_id"]).index("viettel")
    pools = np.flatnonzero((world.resources["kind"] == POOL) & (world.resources["operator"] == viettel))
    measures = replace(fake_measures(base), bytes=carried, control=control)
    carried[pools[0]] = round(GBPS / 8 * measures.measured_ns)
    return world, frame(list(licence_kpis(measures, world)))


def core_row(world, name):
    return list(world.signalling.cores["name"]).index(name)


def value(table, kpi, core):
    only, = table.loc[(table["kpi"] == f"licence_{kpi}") & (table["scope"] == core), "value"]
    return float(only)


def test_use_is_the_regions_and_the_parks(found):
    _, table = found
    assert not table.duplicated(["kpi", "scope"]).any() and np.isfinite(table["value"]).all()
    core = "viettel/5gc"
    for kind, own, block, limit in (("registered_devices", 700, 100_000, 2_000_000), ("procedures_per_s", 500, 500, 4_000),
                                    ("gbit_per_s", GBPS, 10, 100)):
        use = own + 0.5 * limit
        assert value(table, f"{kind}_own", core) == pytest.approx(own), kind
        assert value(table, f"{kind}_use", core) == pytest.approx(use), kind
        assert value(table, f"{kind}_used_pct", core) == pytest.approx(100 * use / limit), kind
        assert value(table, f"{kind}_blocks", core) == math.ceil(use / block), kind
        assert value(table, f"{kind}_next_block", core) == math.ceil(use / block) * block, kind
    assert value(table, "procedures_per_s_blocks", core) == 5, "a block that is just full needs no further one"


def test_without_a_limit_only_what_is_simulated_counts(found):
    _, table = found
    assert value(table, "sessions_use", "viettel/5gc") == value(table, "sessions_own", "viettel/5gc") == 900
    assert value(table, "sessions_blocks", "viettel/5gc") == 1
    assert not table["kpi"].isin(["licence_sessions_used_pct", "licence_sessions_limit"]).any()


def test_a_core_without_licences_has_no_rows(found):
    world, table = found
    cores = set(world.signalling.cores["name"])
    assert any(core.startswith("vnpt/") for core in cores)
    assert {core for core in cores if not core.startswith("vnpt/")} == set(table["scope"])


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_the_report_names_blocks(found, lang):
    _, table = found
    busy = [("procedures_per_s", "core", "viettel/5gc", 5.0, "1/s"), ("procedures_per_s", "network", "network", 5.0, "1/s")]
    again = table["value"].where(table["kpi"] != "licence_procedures_per_s_blocks", 4.0)  # of another replication
    kpis = [(r, *row) for r, of in enumerate((table, table.assign(value=again)))
            for row in [*of.itertuples(index=False, name=None), *busy]]
    frames = {name: pd.DataFrame(kpis if name == "kpis" else [], columns=list(columns))
              for name, columns in TABLES.items()}
    core, = core_section(RunData(manifest={}, **frames), Texts(lang))["cores"]
    assert len(core["licences"]) == len(LICENCES)
    if lang == "en":
        used = {row["name"]: row["used"] for row in core["licences"]}
        assert used["procedures/s"] == ("2,500 of 4,000 (62.5\u00a0%), of it simulated 500; blocks of 500 needed: 5, "
                                        "enough up to 2,500")
        assert used["sessions"] == "simulated 900; blocks of 100,000 needed: 1, enough up to 100,000"
