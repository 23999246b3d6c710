"""The verdict that `twin run` prints: who misses the target, and what would help."""

from types import SimpleNamespace

import pandas as pd
import pytest

from twin.printing import COVERAGE_STEP, _next_steps, print_verdicts
from twin.printing_control import control_tables
from twin.report.intervals import Interval
from twin.report.verdicts import DEFAULT_TARGET as REPORT_TARGET
from twin.report.verdicts import judge
from twin.starter import starter_text
from twin.study.runset import DEFAULT_TARGET, _status
from twin.study.statistics import summarise

ROW = {"park": "TL2", "application": "agv", "share_within_deadline": 0.9, "ci_low": 0.89, "ci_high": 0.91, "deadline_ms": 20.0,
       "target_share": 0.9999, "status": "missed", "share_without_coverage": 0.0, "p99_ms": 30.0, "direction": "ul",
       "bottleneck": "TL2/x/cell-1", "cell_direction": "ul", "limited_by": "PRB", "load_pct": 60.0, "growth_to_headroom": 1.2,
       "growth_is_upper_bound": False, "next_step": "a second carrier"}


@pytest.mark.parametrize(("low", "mean", "high", "status"), [
    (0.991, 0.992, 0.993, "met"), (0.985, 0.992, 0.999, "?"), (0.97, 0.985, 0.99, "?"), (0.97, 0.98, 0.985, "missed"),
    (None, 0.995, None, "met"), (None, 0.98, None, "missed"), (None, float("nan"), None, "?")])
def test_the_status_is_that_of_the_report(low, mean, high, status):
    table = pd.DataFrame([{"share_within_deadline": mean, "ci_low": low, "ci_high": high, "target_share": 0.99}]).astype(float)
    assert list(_status(table, pd.Series([10.0]))) == [status]
    assert list(_status(table, pd.Series([9.0]))) == ["?"], "too few messages"
    n = 0 if mean != mean else 1 if low is None else 5
    assert judge(Interval(mean, low, high, n), 0.99) == {"met": "pass", "missed": "fail"}.get(status, "unsure" if n else "none")
    assert DEFAULT_TARGET == REPORT_TARGET


def test_steps_are_for_little_room_and_for_coverage():
    roomy = {**ROW, "bottleneck": "TL2/x/cell-2", "growth_to_headroom": 27.0}
    over = {**ROW, "bottleneck": "link", "cell_direction": "", "load_pct": 80.0, "growth_to_headroom": 2.5}
    lonely = {**ROW, "bottleneck": "TL2/x/cell-3", "application": "plc", "share_without_coverage": 0.06}
    met = {**lonely, "application": "metering", "status": "met"}
    assert _next_steps([ROW, roomy, over, lonely, met], 70.0) == [
        ("TL2/x/cell-1 UL", "60.0 % of PRB", "a second carrier"), ("link", "80.0 % of PRB", "a second carrier"),
        ("TL2: plc", "-", COVERAGE_STEP)]
    assert not _next_steps([roomy, {**ROW, "bottleneck": None, "growth_to_headroom": float("nan")}], 70.0)


def test_the_headline_and_the_missed_come_first(capsys):
    worse = {**ROW, "application": "plc", "share_within_deadline": 0.5}
    unsure = {**ROW, "application": "meter", "status": "?", "share_within_deadline": 1.0}
    met = {**unsure, "application": "cam", "status": "met"}
    manifest = {"name": "x", "horizon_s": 5.0, "warmup_s": 1.0, "replications_done": [0]}
    print_verdicts(SimpleNamespace(manifest=manifest, verdicts=pd.DataFrame([met, unsure, ROW, worse]), warnings=(),
                                   summary=summarise(pd.DataFrame())))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "2 of 4 missed, 1 met, 1 not certain"
    assert lines[2].startswith("x: 1 replication of 4 s")
    assert [line.split()[1] for line in lines if line.startswith("TL2 ")] == ["plc", "agv", "meter", "cam"]
    assert max(map(len, lines)) <= 120


def test_the_starter_measures_longer_than_the_longest_deadline():
    text = starter_text("x")
    assert "horizon_s: 25.0" in text and "warmup_s: 5.0" in text


def access(kpi, mean, unit="share"):
    return {"kpi": kpi, "scope_kind": "network", "scope": "network", "mean": mean, "ci_low": mean, "ci_high": mean, "n": 2,
            "unit": unit}


def test_the_fullest_functions_storms_and_random_access_are_shown():
    load = [{"kpi": "function_load_pct", "scope_kind": "function", "scope": f"v/5gc/amf-{i}", "mean": 10.0 * i, "unit": "%"}
            for i in range(10)]
    (title, columns, rows, fold), = control_tables(pd.DataFrame([*load, access("ra_collision_share_per_attempt", 0.001)]))
    assert title.endswith("fullest 8 of 10") and columns == ["function", ">load %"] and fold == "function"
    assert rows[0] == ("v/5gc/amf-9", "90"), "few collisions are not worth a table"
    storm = {"kpi": "storm_recovered_share", "scope_kind": "storm", "scope": "power", "mean": 0.97, "unit": "share"}
    calm = access("ra_access_delay_mean_ms", 40.0, "ms")
    storms, lines = control_tables(pd.DataFrame([storm, calm]))
    assert storms[2][0][:4] == ("power", "-", "97.00 %", "-") and lines[2] == [("access delay, mean", "40 ms", "40 ms … 40 ms")]
    assert len(control_tables(pd.DataFrame([calm]))) == 0 and len(control_tables(pd.DataFrame([calm]), alone=True)) == 1
    assert control_tables(summarise(pd.DataFrame())) == []
