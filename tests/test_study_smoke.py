"""The whole road with the real world and engines, on the smallest scenario."""

import json
from pathlib import Path

import pandas as pd
import pytest

import twin
from twin import cli

ONE_PARK = Path(__file__).parent.parent / "scenarios" / "one-park.yaml"


@pytest.fixture(scope="module")
def small():
    return twin.load(ONE_PARK).with_(**{"simulation.horizon_s": 1.5, "simulation.warmup_s": 0.5, "simulation.replications": 2})


@pytest.fixture(scope="module")
def run(small, tmp_path_factory):
    return twin.run(small, results=tmp_path_factory.mktemp("results"))


def test_figures_make_sense(run):
    network = run.summary[run.summary["scope_kind"] == "network"].set_index("kpi")["mean"]
    assert network["offered"] == network["delivered"] + network["lost"] + network["in_flight"]
    assert network["offered"] > 0 and network["devices"] > 0 and network["stations_5g"] == 9
    assert 0 < network["share_within_deadline"] <= 1
    assert (run.resources["load_pct"].between(0, 100)).all()
    assert (run.budget.groupby(["park", "application", "direction"])["share"].sum().round(6) == 1).all()
    assert run.verdicts["bottleneck"].notna().any()


def test_processes_do_not_change_figures(small, run, tmp_path):
    spread = twin.run(small, jobs=2, results=tmp_path)
    pd.testing.assert_frame_equal(spread.kpis, run.kpis)
    pd.testing.assert_frame_equal(spread.resources, run.resources)


@pytest.mark.slow
def test_reference_counts_the_same(small, run, tmp_path):
    slow = twin.run(small, engine="reference", results=tmp_path)
    kpis = "^(delivered.*|lost.*|latency_.*|share_within_deadline_rtt)$"
    on = ["replication", "kpi", "scope_kind", "scope"]
    flows = ["network", "park", "operator", "application", "group"]
    mine, theirs = (r.kpis[r.kpis["kpi"].str.match(kpis) & r.kpis["scope_kind"].isin(flows)] for r in (run, slow))
    both = mine.merge(theirs, on=on, how="outer", suffixes=("", "_reference"))
    both = both[~both["kpi"].str.startswith("share")]
    different = both[(both["value"] - both["value_reference"]).abs() > 1e-9]
    assert not len(different), different.to_string()


def test_command_line(tmp_path, capsys):
    words = ["run", str(ONE_PARK), "--results", str(tmp_path), "--set", "simulation.horizon_s=1.5", "--replications", "1",
             "--lang", "en"]
    assert cli.main(words) == 0
    out = capsys.readouterr().out
    report = Path(out.strip().splitlines()[-1].removeprefix("report: "))
    assert report.is_file() and "<html" in report.read_text(encoding="utf-8")[:500].lower()
    assert cli.main([*words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["run_id"] == report.parent.name
    assert cli.main(["report", "one-park", "--results", str(tmp_path), "--audience", "department"]) == 0
    assert cli.main(["show", str(ONE_PARK)]) == 0
    assert "Parks" in capsys.readouterr().out


def test_what_one_change_does(small, run, tmp_path):
    more = twin.run(small.with_(**{"devices.indoor_share": 0.0}), results=tmp_path)
    table = twin.compare(run, more)
    row = table[(table["kpi"] == "devices_without_coverage") & (table["scope_kind"] == "network")].iloc[0]
    assert row["difference"] < 0
