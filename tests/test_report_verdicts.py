"""Verdicts, intervals, numbers and texts of the report."""

import math
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from twin.measure.measures import CAUSES, PARTS
from twin.report import loads
from twin.report.budgets import coarse, stacks
from twin.report.folder import TABLES, RunData
from twin.report.intervals import Interval, interval, share_interval
from twin.report.maps import park_maps
from twin.report.texts import LANGUAGES, Texts, all_texts
from twin.report.verdicts import judge, service_verdicts

VI, EN = Texts("vi"), Texts("en")


def run_of(**tables):
    """A run with the given tables and no others."""
    frames = {name: pd.DataFrame(tables.get(name, []), columns=list(columns)) for name, columns in TABLES.items()}
    return RunData(manifest={"scenario": tables.get("scenario", {})}, **frames)


def test_the_interval_is_students():
    found = interval(np.array([1.0, 2.0, 3.0, np.nan]))
    assert (found.mean, found.n) == (2.0, 3)
    assert found.high - found.mean == pytest.approx(4.302653 / math.sqrt(3))  # t(2 degrees of freedom, 97.5 %)
    assert interval(np.array([5.0])) == Interval(5.0, None, None, 1)


def test_a_share_without_misses_is_as_sure_as_its_number_of_messages():
    assert share_interval(np.ones(5), 3000.0).low == pytest.approx(0.999)
    assert share_interval(np.ones(1), 300.0).low == pytest.approx(0.99)
    assert share_interval(np.array([0.9999, 0.90, 0.99]), 1e6).high == 1.0


@pytest.mark.parametrize(("low", "mean", "high", "state"), [
    (0.991, 0.992, 0.993, "pass"), (0.985, 0.992, 0.999, "unsure"), (0.97, 0.985, 0.995, "unsure"), (0.97, 0.98, 0.985, "fail"),
    (None, 0.995, None, "pass"), (None, 0.98, None, "fail")])
def test_a_verdict_needs_the_whole_interval_on_one_side(low, mean, high, state):
    assert judge(Interval(mean, low, high, 1 if low is None else 5), 0.99) == state


def test_targets_and_deadlines_come_from_the_scenario_else_are_marked():
    rows = [(0, "share_within_deadline", "park_application", f"TL2/{a}", 0.995, "share") for a in ("agv", "camera")]
    scenario = {"applications": {"agv": {"deadline_ms": 20, "reliability_pct": 99.9}},
                "device_classes": {"cam": {"traffic": {"video": {"application": "camera", "deadline_ms": 100}}}}}
    agv, camera = service_verdicts(run_of(kpis=rows, scenario=scenario))
    assert (agv.target, agv.target_given, agv.deadline_ms, agv.state) == (pytest.approx(0.999), True, 20.0, "fail")
    assert (camera.target, camera.target_given, camera.deadline_ms, camera.state) == (0.99, False, 100.0, "pass")


def test_a_link_reaches_its_headroom():
    link = loads.Load("X", "link", "TL2", 70.0, 81.0, 90.0, "25G", True)
    assert loads.sentence(link, 70.0, VI) == "Liên kết X đạt 70,0 % tốc độ, chạm ngưỡng 70 %; bước tiếp theo: 25G."
    assert loads.sentence(link, 80.0, EN) == ("Link X reaches 70.0 % of its rate; with one unit failed 90.0 %, at or above 80 %; "
                                              "next step 25G.")
    assert link.state(95.0) == "ok"


def test_loads_without_a_failure_case_are_judged_by_themselves():
    rows = [("a", "server", "", "x", 40.0, 50.0, np.nan, 70.0, "4 workers", np.nan, False),
            ("b", "link", "", "x", 30.0, 50.0, 75.0, 70.0, None, np.nan, True)]
    columns = ("name", "kind", "park", "operator", "load_pct", "load_peak_pct", "load_with_one_unit_failed_pct", "headroom_pct",
               "next_step", "growth_to_headroom", "has_spare")
    rows = [dict(zip(columns, row)) for row in rows]
    found = loads.loads(run_of(resources=rows))
    assert [(load.name, load.state(70.0)) for load in found] == [("a", "ok"), ("b", "failed")]
    assert "không có dự phòng; bước tiếp theo: 4 luồng xử lý" in loads.sentence(found[0], 70.0, VI)


def test_budget_bars_add_up_and_weigh_parks_by_their_messages():
    budget = [("TL2", "agv", "ul", "grant", 2.0, 4.0), ("TL2", "agv", "ul", "propagation", 1.0, 1.0),
              ("PNA", "agv", "ul", "grant", 6.0, 8.0)]
    kpis = [(0, "delivered_ul_bursts", "park_application", "TL2/agv", 300.0, "bursts"),
            (0, "delivered_ul_bursts", "park_application", "PNA/agv", 100.0, "bursts")]
    (bar,) = stacks(run_of(budget=budget, kpis=kpis))
    assert {s["part"]: s["mean"] for s in bar["segments"]} == {"grant": 3.0, "propagation": 0.75}
    assert bar["total"] == pytest.approx(3.75) and sum(s["width"] for s in bar["segments"]) == pytest.approx(100)


def test_the_coarse_budget_keeps_totals_and_hides_the_core():
    budget = pd.DataFrame([("TL2", "agv", "ul", part, 1.0, 2.0) for part in PARTS], columns=list(TABLES["budget"]))
    found = coarse(budget).set_index("component")["mean_ms"]
    assert found.to_dict() == {"network": 6.0, "radio": 10.0}


@pytest.mark.parametrize(("value", "text"), [
    (1.0, "100 %"), (0.9999999, "99,999990 %"), (0.99996, "99,9960 %"), (0.9988, "99,88 %"),
    (0.95199, "95,19 %"), (0.5, "50,0 %")])
def test_a_share_is_never_rounded_up_to_all(value, text):
    assert VI.share(value).replace("\u00a0", " ") == text


def test_numbers_follow_the_language():
    assert (VI.number(12345.67, 1), EN.number(12345.67, 1)) == ("12.345,7", "12,345.7")
    assert (VI.given(20.0), VI.given(99.999), EN.given(0.5)) == ("20", "99,999", "0.5")
    assert VI.measure(math.nan) == "–"


def test_every_text_exists_in_both_languages_with_the_same_placeholders():
    for section, texts in all_texts().items():
        for key, text in texts.items():
            assert set(text) == set(LANGUAGES), f"{section}.{key}"
            assert set(re.findall(r"{(\w+)}", text["vi"])) == set(re.findall(r"{(\w+)}", text["en"])), f"{section}.{key}"


def test_every_part_and_cause_of_the_measures_has_a_name():
    assert set(PARTS) <= set(all_texts()["part"])
    assert set(CAUSES[1:]) <= set(all_texts()["cause"])


def test_a_park_is_drawn_with_its_outline_or_a_circle_of_its_area():
    park = {"park_id": "TL2", "x_m": 0.0, "y_m": 0.0, "area_ha": 100.0}
    site = [("s", "TL2", "viettel", 100.0, 50.0, 25.0, "macro")]
    (circle,) = park_maps(run_of(parks=[park], sites=site), EN)
    run = run_of(parks=[park], sites=site)
    ends = {"outline_x_min_m": -500.0, "outline_x_max_m": 500.0, "outline_y_min_m": -250.0, "outline_y_max_m": 250.0}
    (rectangle,) = park_maps(replace(run, parks=run.parks.assign(**ends)), EN)
    assert "a" in circle["outline"] and "a" not in rectangle["outline"]
    assert rectangle["height"] < circle["height"] and rectangle["width"] == circle["width"]


def test_growth_is_words_where_there_is_no_room():
    from twin.report.sections import growth
    assert [growth(f, b, EN) for f, b in ((0.5, True), (1.0, None), (2.0, True), (2.0, np.nan))] == [
        "over", "at the limit", "≤ × 2.00", "× 2.00"]


def test_percentiles_of_too_few_messages_are_dashes():
    from twin.report.delays import latency_rows
    from twin.report.sections import Names
    columns = ("mean", "p50", "p95", "p99", "p999", "max")
    rows = [(0, f"latency_ul_{c}_ms", "park_application", "TL2/agv", 7.0, "ms") for c in columns]
    run = run_of(kpis=[*rows, (0, "delivered_ul_bursts", "park_application", "TL2/agv", 499.0, "bursts")])
    (row,) = latency_rows(run, "park_application", Names(run, EN), EN)
    assert row["values"] == ["7.00", "7.00", "7.00", "–", "–", "7.00"]


def test_a_cell_says_its_direction_and_what_runs_out():
    row = {"name": "c0", "kind": "cell", "park": "TL2", "load_pct": 80.0, "load_peak_pct": 80.0, "has_spare": True,
           "load_with_one_unit_failed_pct": 90.0, "direction": "ul", "limited_by": "grants",
           "next_step": "more control channel (PDCCH) or one more site"}
    (found,) = loads.loads(run_of(resources=[row]))
    assert loads.sentence(found, 70.0, EN).startswith("Cell c0 UL reaches 80.0 % of its grants, at or above 70 %")
    assert "kênh điều khiển" in loads.sentence(found, 70.0, VI)
