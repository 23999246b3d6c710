"""The section on core and signalling: who gives way first, storms, random access; and totals only for a department."""

import pandas as pd
import pytest
from fakes import FAKE_SIGNALLING, FakeScenario

from twin.measure.control_kpis import FAILURES
from twin.report import write_report
from twin.report.audience import confidential_names, for_department
from twin.report.charts import Palette, line_charts
from twin.report.core import core_section
from twin.report.core_charts import core_charts
from twin.report.folder import TABLES, RunData, read_run
from twin.report.sections import manifest_rows, more_sentences
from twin.report.texts import Texts, all_texts
from twin.report.verdicts import FAIL, ServiceVerdict
from twin.study import replicate
from twin.study.execute import run

VI, EN = Texts("vi"), Texts("en")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A run of the made-up control plane."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(replicate.BACKENDS, "fast", FAKE_SIGNALLING)
        return run(FakeScenario(), results=tmp_path_factory.mktemp("results")).folder


def data(**tables):
    frames = {name: pd.DataFrame(tables.get(name, []), columns=list(columns)) for name, columns in TABLES.items()}
    return RunData(manifest=tables.get("manifest", {}), **frames)


def test_the_section_names_the_first_to_give_way(folder):
    found = core_section(read_run(folder), EN)
    assert [core["name"] for core in found["cores"]] == ["viettel/5gc", "vnpt/epc"]
    fivegc = found["cores"][0]
    assert fivegc["functions"][0]["name"] in ("udm-1", "amf-1") and "gives way first" in fivegc["first"]
    assert {i["name"] for i in fivegc["interfaces"]} == {"Uu", "N2", "SBI"}
    assert found["procedures"]["causes"] == ["Timed out", "Rejected, congestion"]
    assert found["storms"]["names"] == ["power"]
    by_name = {row["name"]: row["values"] for row in found["storms"]["rows"]}
    assert by_name["Until 99 % are back"] == ["–"] and by_name["Back in the end"] == ["97.00\u00a0%"]
    assert {"name": "Collisions, of all opportunities", "value": "0.56\u00a0%"} in found["access"]["rows"]


def test_a_function_over_the_headroom_says_so():
    rows = [(0, "function_load_pct", "function", "v/5gc/amf-1", 90.0, "%"),
            (0, "function_background_pct", "function", "v/5gc/amf-1", 40.0, "%"),
            (0, "procedures_per_s", "core", "v/5gc", 5.0, "1/s"), (0, "procedures_per_s", "network", "network", 5.0, "1/s")]
    core = core_section(data(kpis=rows), EN)["cores"][0]
    assert core["first"] == "v/5gc: amf-1 is over the headroom of 70 % (load 90.0 %; room to grow: over)."
    assert core["functions"][0]["state"] == "over"


def test_idle_functions_are_not_drawn_and_shared_cpus_are_named():
    rows = [(0, kpi, kind, scope, value, "") for kpi, kind, scope, value in (
        ("function_load_pct", "function", "v/epc/mme-1", 40.0), ("function_load_pct", "function", "m/epc/mme-1", 50.0),
        ("function_messages_per_s", "function", "v/epc/mme-1", 5.0), ("function_messages_per_s", "function", "m/epc/mme-1", 0.0),
        ("host_load_pct", "host", "v/epc/host", 60.0), ("procedures_per_s", "core", "v/epc", 5.0),
        ("procedures_per_s", "network", "network", 5.0))]
    series = [(float(t), "function_load_pct", "function", f"{o}/epc/mme-1", 10.0) for t in range(3) for o in "vm"]
    found = core_section(data(kpis=rows, timeseries=series), EN)
    assert [core["name"] for core in found["cores"]] == ["v/epc"]
    assert [row["name"] for row in found["cores"][0]["functions"]] == ["shared CPUs (host)", "mme-1"]
    assert "shared CPUs (host) gives way first" in found["cores"][0]["first"]
    assert [line["name"] for line in found["charts"][0]["lines"]] == ["v/epc/mme-1"]


def test_shared_cpus_grow_by_what_is_simulated():
    rows = [(0, kpi, kind, scope, value, "") for kpi, kind, scope, value in (
        ("host_load_pct", "host", "v/epc/host", 60.0), ("host_background_pct", "host", "v/epc/host", 50.0),
        ("procedures_per_s", "core", "v/epc", 5.0), ("procedures_per_s", "network", "network", 5.0))]
    row, = core_section(data(kpis=rows), EN)["cores"][0]["functions"]
    assert row["growth"] == "× 2.00" and row["background"] == "50.0\u00a0%", "from 10 to 20 % beside the 50 %"


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_both_languages_and_audiences_are_written(folder, lang):
    page = write_report(folder, lang=lang).read_text(encoding="utf-8")
    assert "viettel/5gc" in page and ("gives way first" if lang == "en" else "sẽ quá tải trước tiên") in page
    secret = confidential_names(read_run(folder))
    assert "viettel/5gc/amf-1" in secret
    public = write_report(folder, lang=lang, audience="department").read_text(encoding="utf-8").lower()
    assert not any(name.lower() in public for name in secret if len(name) > 3)
    assert ("totals over all operators" if lang == "en" else "tổng trên mọi nhà mạng") in public


def test_the_only_core_is_not_shown_to_a_department(folder):
    found = read_run(folder)
    alone = found.kpis[~found.kpis["scope"].astype(str).str.startswith("vnpt/epc")]
    public = for_department(RunData(**{**vars(found), "kpis": alone}))
    assert core_section(public, EN) is None
    assert not public.kpis["kpi"].str.startswith(("procedure", "ra_", "registered")).any()


def test_a_storm_has_a_time_line():
    def series(kpi, kind, *scopes):
        return [(float(t), kpi, kind, scope, 0.1 * t) for t in range(6) for scope in scopes]

    rows = [*series("ra_accesses_per_s", "network", "network"), *series("ra_accesses_failed_per_s", "network", "network"),
            *series("ra_collision_share_per_attempt", "network", "network"),
            *series("function_backlog", "function", "v/5gc/amf-1"),
            *series("registrations_succeeded_per_s", "core", "v/5gc"), *series("procedure_retry_share", "core", "v/5gc"),
            *series("storm_back_share", "storm", "power")]
    charts = {c["title"]: c for c in core_charts(data(timeseries=rows), EN)}
    assert len(charts) == 6
    assert [line["name"] for line in charts["Random accesses per second"]["lines"]] == ["begun", "failed"]
    back = charts["Devices that are back, % (marks at 50, 95, 99)"]
    assert [mark["label"] for mark in back["marks"]] == ["50", "95", "99"] and back["ticks"][2]["label"] == "100"
    calm = core_charts(data(timeseries=[r for r in rows if r[1] != "storm_back_share"]), EN)
    assert calm == [], "without a storm its time line is not drawn"


def test_no_control_plane_is_no_section():
    assert core_section(data(), EN) is None


def test_a_park_has_one_colour_in_all_charts():
    parks = [(p, p, p) for p in ("A", "B", "C")]
    rows = [(float(t), kpi, kind, scope, value) for t in range(3) for kpi, kind, scope, value in (
        ("throughput_ul_mbps", "park", "A", 1.0), ("throughput_ul_mbps", "park", "B", 2.0),
        ("throughput_dl_mbps", "park", "B", 1.0), ("throughput_dl_mbps", "park", "A", 2.0),
        ("cell_prb_ul_pct", "park_operator", "A/x", 1.0), ("cell_prb_ul_pct", "park_operator", "A/y", 2.0))]
    run_ = data(timeseries=rows, parks=[(*p, *[0] * (len(TABLES["parks"]) - 3)) for p in parks])
    up, down, prb = line_charts(run_, EN)
    colours = [{line["name"]: line["colour"] for line in c["lines"]} for c in (up, down)]
    assert colours[0] == colours[1] and colours[0]["A"] != colours[0]["B"]
    assert {line["colour"] for line in prb["lines"]} == {colours[0]["A"]}
    assert len({line["dash"] for line in prb["lines"]}) == 2, "operators differ by their dashes"


def test_other_lines_keep_their_colour_and_never_share_one_in_a_chart():
    palette = Palette([])
    first = palette.styles([f"link-{i}" for i in range(10)])
    assert len({colour for colour, _ in first}) == 10
    again = palette.styles(["link-3", "link-11", "link-7"])
    assert again[0] == first[3] and again[2] == first[7] and len({c for c, _ in again}) == 3


def test_what_has_no_sentence_is_counted():
    from twin.report.intervals import Interval
    missed = [ServiceVerdict("TL2", f"a{i}", Interval(0.5, None, None, 1), 0.99, True, None, 1.0, 0.0, FAIL) for i in range(11)]
    assert more_sentences(missed, EN) == "… and 3 more; see the table of details." and more_sentences(missed[:8], EN) == ""


def test_nested_values_of_the_manifest_are_folded_away(folder):
    rows = {key: folded for key, _, folded in manifest_rows(data(manifest={"a": {"b": 1}, "c": 3, "d": []}))}
    assert rows == {"a": True, "c": False, "d": False}
    assert '<details class="raw"><summary>Show</summary>' in write_report(folder, lang="en").read_text(encoding="utf-8")


def test_every_cause_of_a_failed_procedure_has_a_name():
    assert set(FAILURES) == set(all_texts()["procedure_cause"])
