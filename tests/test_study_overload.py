"""A network function driven past its capacity is a result, and a warning that names it."""

import pandas as pd
from fakes import FAKE_SIGNALLING, FakeScenario

from twin.study import replicate
from twin.study.doubts import crowded_by_signalling, driven_past_capacity
from twin.study.execute import run
from twin.study.replicate import Backend

AMF, SMF = "viettel/5gc/amf-1", "viettel/5gc/smf-1"


def tables(load=50.0, lost=0.0, timeouts=0.0, peak=60.0):
    kpis = [("function_load_pct", "function", AMF, load), ("function_load_pct", "function", SMF, 20.0),
            ("function_lost_overflow", "function", AMF, lost), ("function_backlog_max", "function", AMF, 1200.0),
            ("procedures_failed_timeout", "core", "viettel/5gc", timeouts)]
    series = [(0.0, "function_load_pct", "function", AMF, peak), (1.0, "function_load_pct", "function", AMF, 10.0)]
    return (pd.DataFrame(kpis, columns=["kpi", "scope_kind", "scope", "value"]),
            pd.DataFrame(series, columns=["t_s", "kpi", "scope_kind", "scope", "value"]))


def test_room_left_is_no_warning():
    assert driven_past_capacity(*tables()) == []
    assert driven_past_capacity(*tables(peak=100.0)) == [], "full for a while and nothing lost"
    empty = (frame.iloc[:0] for frame in tables())
    assert driven_past_capacity(*empty) == []


def test_what_was_full_is_named():
    full, = driven_past_capacity(*tables(load=100.0, peak=100.0))
    assert full.startswith(f"{AMF} was driven past its capacity: load 100.0 %") and "1,200 messages" in full
    lost, = driven_past_capacity(*tables(lost=7.0))
    assert AMF in lost and "7 messages lost to a full backlog" in lost
    late, = driven_past_capacity(*tables(timeouts=30.0, peak=100.0))
    assert AMF in late and "timed out: 30" in late


def test_the_longest_backlog_on_full_cpus_is_named():
    kpis, series = tables(timeouts=30.0)
    shared = pd.DataFrame([(0.0, "function_host_load_pct", "function", name, 100.0) for name in (AMF, SMF)],
                          columns=series.columns)
    only, = driven_past_capacity(kpis, pd.concat([series, shared]))
    assert only.startswith(AMF) and "the CPUs it shares 100.0 %" in only


def test_timeouts_without_a_full_function_point_elsewhere():
    only, = driven_past_capacity(*tables(timeouts=30.0))
    assert "30 procedures of viettel/5gc failed by timeout though no function was full" in only and AMF in only


def test_signalling_that_needs_nearly_all_of_a_cell_is_named():
    def kpis(ul, dl, cells=1):
        rows = [(kpi, "cell", f"c{i}", value) for i in range(cells) for kpi, value in (
            ("cell_signalling_prb_ul_pct", ul), ("cell_signalling_prb_dl_pct", dl))]
        return pd.DataFrame(rows, columns=["kpi", "scope_kind", "scope", "value"])

    assert crowded_by_signalling(kpis(79.0, 10.0)) == crowded_by_signalling(kpis(0.0, 0.0, 0)) == []
    only, = crowded_by_signalling(kpis(10.0, 80.0))
    assert "c0 (80 %)" in only
    many, = crowded_by_signalling(kpis(130.0, 0.0, 8))
    assert "c5 (130 %) and 2 more" in many


def test_full_air_reaches_the_manifest(tmp_path, monkeypatch):
    monkeypatch.setitem(replicate.BACKENDS, "fast", Backend("fakes:build_with_signalling", "fakes:simulate_with_full_air"))
    found = run(FakeScenario(replications=2), results=tmp_path)
    assert any("signalling asks for 80 % or more of the PRBs of c1 (100 %)" in warning for warning in found.warnings)


def test_the_warning_reaches_the_manifest(tmp_path, monkeypatch):
    monkeypatch.setitem(replicate.BACKENDS, "fast", FAKE_SIGNALLING)
    found = run(FakeScenario(replications=2), results=tmp_path)
    assert any("vnpt/epc failed by timeout" in warning for warning in found.warnings)
