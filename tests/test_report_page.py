"""The report of a made-up run folder: complete, self-contained, safe, and silent about operators where it must be."""

import json
from html.parser import HTMLParser
from itertools import product

import numpy as np
import pandas as pd
import pytest

from twin.base.errors import MissingResultError, UsageError
from twin.report import write_report
from twin.report.audience import confidential_names, for_department
from twin.report.folder import TABLES, read_run

PARKS, OPERATORS = ("TL2", "PNA"), ("viettel", "vnpt")
APPLICATIONS = {"video-surveillance": (100.0, 99.0), "agv-control": (20.0, 99.999), "telemetry": (1000.0, 95.0)}
PARTS = ("grant", "tdd_alignment", "radio_queue", "transmission", "processing", "transport_queue", "propagation", "upf", "server")


def build_run(folder, replications=5, name="plan-2026", question="Which park gives way first?", extra_resource=None):
    """Write a small run folder: two parks, two operators, three applications, twelve sites."""
    folder.mkdir(parents=True, exist_ok=True)
    applications = {a: {"name_vi": a.title(), "name_en": a.upper(), "deadline_ms": d, "reliability_pct": r,
                        "server": "dc-hanoi-1"}
                    for a, (d, r) in APPLICATIONS.items()}
    scenario = {"name": name, "question": question, "applications": applications, "report": {"headroom_pct": 70},
                "simulation": {"warmup_s": 2.0, "horizon_s": 12.0, "start_time_of_day": "09:30"},
                "operators": {o: {"upf": "hanoi"} for o in OPERATORS}}
    manifest = {"run_id": "abc123def456", "name": name, "status": "complete", "seed": 2026, "replications": replications,
                "horizon_s": 12.0, "warmup_s": 2.0, "git_commit": "0123abcd", "versions": {"numpy": "2.0"}, "scenario": scenario,
                "warnings": ["site viettel-site-TL2-1: outside the validity of UMi"], "world": {"viettel_sites": 6}}
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    for table, frame in _tables(replications, extra_resource).items():
        frame.to_parquet(folder / f"{table}.parquet", index=False)
    return folder


def _tables(replications, extra_resource):
    parks = pd.DataFrame({"park_id": PARKS, "name_vi": ["KCN Thăng Long II", "KCN Phố Nối A"],
                          "name_en": ["Thang Long II", "Pho Noi A"],
                          "lat": 20.9, "lon": 106.0, "x_m": [0.0, 5200.0], "y_m": [0.0, 4800.0], "area_ha": [525.7, 688.9],
                          "leased_ha": [281.0, 413.4], "workers": [28000, 27900], "wave": 1})
    sites = [(f"{o}-site-{p}-{i}", p, o, 5200.0 * (p == "PNA") + 900 * np.cos(2 * i + len(o)),
              4800.0 * (p == "PNA") + 900 * np.sin(2 * i), 25.0, "tower") for p, o, i in product(PARKS, OPERATORS, range(3))]
    cells = [(f"{s[0]}/cell-{a}", s[0], s[1], s[2], 120.0 * a, 20.0 + 9 * a + 5 * k, 10.0 + 3 * a)
             for k, s in enumerate(sites) for a in range(3)]
    cell_frame = pd.DataFrame(cells, columns=["name", "site", "park", "operator", "azimuth_deg", "prb_ul_pct", "prb_dl_pct"])
    return {"parks": parks, "sites": pd.DataFrame(sites, columns=TABLES["sites"]), "cells": cell_frame,
            "kpis": _kpis(replications), "budget": _budget(),
            "resources": _resources(cell_frame, extra_resource), "timeseries": _series(),
            "assumptions": pd.DataFrame([("sites of viettel in TL2", "6", "1", "plan", "C")], columns=TABLES["assumptions"])}


def _kpis(replications):
    rows = []
    for r, p, (n, a) in product(range(replications), PARKS, enumerate(APPLICATIONS)):
        share = (0.962, 0.9995, 1.0)[n] + 1e-5 * r * (n < 2) - 0.01 * (p == "PNA") * (n == 0)
        rows += [(r, "share_within_deadline", "park_application", f"{p}/{a}", share, "share"),
                 (r, "offered", "park_application", f"{p}/{a}", 40000.0, "bursts"),
                 (r, "offered", "application", a, 80000.0, "bursts"),
                 (r, "lost_no_coverage", "application", a, 120.0 * (n == 0), "bursts"),
                 (r, "lost_link_overflow", "application", a, 33.0 * (n == 0), "bursts")]
        for scope, kind in ((f"{p}/{a}", "park_application"), *((f"{p}/{o}/{a}", "group") for o in OPERATORS)):
            rows += [(r, f"latency_ul_{c}_ms", kind, scope, 10.0 * (n + 1) + i, "ms")
                     for i, c in enumerate(("mean", "p50", "p95", "p99", "p999", "max"))]
            rows.append((r, "throughput_ul_mbps", kind, scope, 12.5, "Mbit/s (application layer)"))
    for r, p in product(range(replications), PARKS):
        rows += [(r, "devices", "park", p, 7025.0, "devices"), (r, "devices_without_coverage", "park", p, 31.0, "devices"),
                 (r, "stations_5g", "park", p, 6.0, "stations"), (r, "cell_prb_ul_pct", "park", p, 41.0, "%")]
    rows.append((0, "upf_throughput_gbps", "pool", "viettel/upf-hanoi", 4.2, "Gbit/s"))
    rows.append((0, "devices", "operator", "viettel", 9000.0, "devices"))
    return pd.DataFrame(rows, columns=TABLES["kpis"])


def _budget():
    rows = [(p, a, d, c, 0.3 + ((3 * i + len(a) + len(d)) % 7) * 0.6, 9.0) for p, a, d, (i, c) in
            product(PARKS, APPLICATIONS, ("ul", "rtt"), enumerate(PARTS))]
    return pd.DataFrame(rows, columns=TABLES["budget"])


def _resources(cells, extra):
    rows = [(f"{o}/agg-{p}>ring-{i}", "link", p, o, 18.0 * (i + 1) + 5 * (o == "vnpt"), 25.0 * (i + 1), 31.0 * (i + 1), 70.0,
             "25G", i > 0, 1.2)
            for p, o, i in product(PARKS, OPERATORS, range(4))]
    rows += [("viettel/upf-hanoi", "pool", "", "viettel", 44.0, 61.0, 88.0, 70.0, "16 workers", True, 1.5),
             ("vnpt/dc-hanoi-1/ingest", "server", "", "vnpt", 12.0, 19.0, np.nan, 70.0, "4 workers", False, 3.0)]
    rows += [(c["name"], "cell", c["park"], c["operator"], c["prb_ul_pct"], c["prb_ul_pct"] + 9, c["prb_ul_pct"] * 1.5, 70.0,
              "a second carrier or one more site", True, 1.1) for c in cells.to_dict("records")]
    return pd.DataFrame([*rows, *([extra] if extra else [])], columns=TABLES["resources"][:11])


def _series():
    rows = [(float(t), k, "park", p, 40 + 10 * np.sin(t + len(k))) for t, k, p in
            product(range(2, 12), ("throughput_ul_mbps", "throughput_dl_mbps"), PARKS)]
    rows += [(float(t), "link_load_pct", "link", "viettel/agg-TL2>ring-0", 30.0 + t) for t in range(2, 12)]
    return pd.DataFrame(rows, columns=TABLES["timeseries"])


class _Tags(HTMLParser):
    """Collects tags, attributes that load something, and text; checks that tags nest."""

    void = frozenset({"meta", "input", "br"})

    def __init__(self):
        super().__init__()
        self.open, self.tags, self.loads, self.handlers, self.text = [], [], [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.loads += [value for key, value in attrs if key in ("src", "href", "xlink:href") and not value.startswith("#")]
        self.handlers += [key for key, _ in attrs if key.startswith("on")]
        if tag not in self.void:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)

    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, (self.getpos(), tag, self.open[-3:])
        self.open.pop()

    def handle_data(self, data):
        self.text.append(data)


def _page(path):
    parser = _Tags()
    text = path.read_text(encoding="utf-8")
    parser.feed(text)
    assert not parser.open
    return text, parser


@pytest.mark.parametrize(("lang", "audience", "name"), [
    ("vi", "operator", "report.html"), ("en", "operator", "report-en.html"),
    ("vi", "department", "report-department.html"), ("en", "department", "report-department-en.html")])
def test_each_page_is_written_under_its_name_and_loads_nothing(tmp_path, lang, audience, name):
    path = write_report(build_run(tmp_path / "run"), lang=lang, audience=audience)
    assert path == tmp_path / "run" / name
    text, page = _page(path)
    assert f'<html lang="{lang}"' in text
    assert page.loads == [] and page.handlers == [] and "url(" not in text and "@import" not in text
    assert len(text) < 400_000
    assert not list((tmp_path / "run").glob(".report*"))


def test_the_verdict_names_what_misses_its_target_and_the_first_bottleneck(tmp_path):
    text, _ = _page(write_report(build_run(tmp_path)))
    assert "4 trong 6 cặp khu công nghiệp – ứng dụng không đạt" in text
    assert "KCN Phố Nối A · Video-Surveillance: 95,20\u00a0% trong 200.000 bản tin đúng hạn (hạn 100 ms)" in text
    # The fullest link: 18 * 4 + 5 = 77 %; the fullest cell 38 + 55 = 93 % comes first.
    assert "Cell vnpt-site-PNA-2/cell-2 đạt 93,0 % PRB, chạm ngưỡng 70 %; bước tiếp theo: thêm sóng mang thứ hai" in text
    assert "Liên kết vnpt/agg-TL2&gt;ring-3 đạt 77,0 % tốc độ, chạm ngưỡng 70 %; bước tiếp theo: 25G" in text


def test_figures_name_their_population_window_and_layer(tmp_path):
    text, _ = _page(write_report(build_run(tmp_path), lang="en"))
    assert "Population of each percentile: all delivered messages of the row" in text
    assert "2–12 s simulated (2 s of warm-up left out), from 09:30" in text
    assert "Mbit/s, application layer" in text and "without GTP-U headers" in text


def test_a_department_sees_totals_only(tmp_path):
    folder = build_run(tmp_path, question="Will viettel carry it?")
    hidden = confidential_names(read_run(folder))
    assert {"viettel", "vnpt", "viettel/upf-hanoi", "vnpt/dc-hanoi-1/ingest", "viettel-site-TL2-0"} <= hidden
    operator_page = write_report(folder).read_text(encoding="utf-8")
    for lang in ("vi", "en"):
        text = write_report(folder, lang=lang, audience="department").read_text(encoding="utf-8").lower()
        for name in (*hidden, "hanoi", "next step", "usd", "a second carrier", "fibre"):
            assert name.lower() not in text.replace("propagation in fibre", ""), name
        assert "tl2" in text and "data-load" not in text
    assert "viettel/upf-hanoi" in operator_page


def test_a_park_with_one_operator_shows_no_radio_totals(tmp_path):
    folder = build_run(tmp_path)
    cells = pd.read_parquet(folder / "cells.parquet")
    cells[(cells["park"] == "TL2") | (cells["operator"] == "vnpt")].to_parquet(folder / "cells.parquet", index=False)
    kpis = for_department(read_run(folder)).kpis
    radio = kpis[kpis["kpi"].isin(["stations_5g", "cell_prb_ul_pct"])]
    assert set(radio["scope"]) == {"TL2"}
    assert set(kpis.loc[kpis["kpi"] == "devices", "scope"]) == {"TL2", "PNA"}


def test_names_from_a_scenario_are_text_not_markup(tmp_path):
    nasty = '"><script>alert(1)</script><img src=x onerror=alert(2)>{{ 7*7 }}'
    resource = (nasty, "link", nasty, nasty, 99.0, 99.0, 99.0, 70.0, nasty, True, 0.1)
    folder = build_run(tmp_path, name=nasty, question=nasty, extra_resource=resource)
    for audience in ("operator", "department"):
        text, page = _page(write_report(folder, audience=audience))
        assert page.tags.count("script") == 1 and "img" not in page.tags
        assert page.loads == [] and page.handlers == [] and ("{{ 7*7 }}" in text) == (audience == "operator")


def test_an_empty_run_still_has_a_page_that_says_so(tmp_path):
    (tmp_path / "manifest.json").write_text(json.dumps({"name": "x", "status": "interrupted"}), encoding="utf-8")
    text, _ = _page(write_report(tmp_path, lang="en"))
    assert "The run is not complete (status: interrupted)" in text
    assert text.count("The run holds no figures for this section.") >= 6


@pytest.mark.parametrize("table", sorted(TABLES))
def test_a_missing_table_costs_its_section_only(tmp_path, table):
    folder = build_run(tmp_path)
    (folder / f"{table}.parquet").unlink(missing_ok=True)
    for audience in ("operator", "department"):
        _page(write_report(folder, audience=audience))


def test_one_replication_is_said_to_have_no_interval(tmp_path):
    assert "One replication only" in write_report(build_run(tmp_path, replications=1), lang="en").read_text(encoding="utf-8")


def test_wrong_calls_are_told_what_is_right(tmp_path):
    with pytest.raises(MissingResultError, match=r"manifest\.json: not found"):
        write_report(tmp_path)
    build_run(tmp_path)
    with pytest.raises(UsageError, match="'fr'"):
        write_report(tmp_path, lang="fr")


@pytest.mark.parametrize("audience", ["operator", "department"])
def test_the_page_says_what_its_intervals_cover(tmp_path, audience):
    text = write_report(build_run(tmp_path), lang="en", audience=audience).read_text(encoding="utf-8")
    assert "for one drawn layout" in text and "they do not cover the uncertainty of the layout" in text


def test_a_damaged_table_is_named_with_the_remedy(tmp_path):
    (build_run(tmp_path) / "kpis.parquet").write_bytes(b"PAR1 and nothing else")
    with pytest.raises(MissingResultError, match=r"kpis\.parquet: damaged.*--fresh"):
        write_report(tmp_path)
