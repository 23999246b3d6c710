"""Performance measurement files: what we write is what we read, and what others write is read too."""

import datetime as dt
import gzip
import json
import math
from pathlib import Path

import pandas as pd
import pytest
from fakes import FAKE_SIGNALLING, FakeScenario, fake_measures_with_control, fake_world, with_signalling
from hypothesis import given, settings
from hypothesis import strategies as st

from twin import cli
from twin.base.errors import MissingResultError, UsageError
from twin.measure.elements import element_rows
from twin.measure.pm_counters import COLUMNS, counter_rows, periods_of
from twin.study import replicate
from twin.study.execute import run
from twin.study.pm_export import export_pm
from twin.study.pm_read import MAX_BYTES, read_pm
from twin.study.pm_xml import write_pm

S = 1_000_000_000
MIDNIGHT = dt.datetime(2026, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=7)))
names = st.text(st.characters(min_codepoint=33, max_codepoint=0x1EF9, exclude_categories=("C", "Z"), exclude_characters=",="),
                min_size=1, max_size=12)
values = st.one_of(st.integers(0, 2**53).map(float), st.floats(0, 1e12))


@pytest.fixture
def finished(tmp_path, monkeypatch):
    """A run of the made-up control plane."""
    monkeypatch.setitem(replicate.BACKENDS, "fast", FAKE_SIGNALLING)
    return run(FakeScenario(replications=2), results=tmp_path / "results")


def counters(granularity_s=900, warmup_s=1):
    world = with_signalling(fake_world())
    measures = fake_measures_with_control(world)
    return counter_rows(measures, element_rows(world), warmup_s * S, granularity_s * S), measures


@settings(max_examples=40, deadline=None)
@given(rows=st.lists(st.tuples(names, names, names, st.integers(0, 3), values), min_size=1, max_size=20,
                     unique_by=lambda r: r[:4]))
def test_what_is_written_is_read(tmp_path_factory, rows):
    table = pd.DataFrame([("op", f"ManagedElement={e}", f"NRCellDU={o}", c, 900 * S * k, 900 * S * (k + 1), v)
                          for e, o, c, k, v in rows], columns=COLUMNS)
    paths = write_pm(table, tmp_path_factory.mktemp("pm"), MIDNIGHT)
    assert len(paths) == table["end_ns"].nunique()
    found = pd.concat([read_pm(path) for path in paths])
    key = ["managed_element", "measured_object", "counter", "begin"]
    found = found.sort_values(key, ignore_index=True)
    table = table.assign(begin=pd.to_datetime([MIDNIGHT + dt.timedelta(seconds=b / S) for b in table["begin_ns"]], utc=True))
    table = table.sort_values(key, ignore_index=True)
    assert (found[key] == table[key]).all().all()
    assert (found["value"] == table["value"]).all() and not found["suspect"].any()
    assert ((found["end"] - found["begin"]) == pd.Timedelta(seconds=900)).all()


def test_counters_are_those_of_the_measures():
    table, measures = counters()
    found = table.set_index(["managed_element", "measured_object", "counter"])["value"]
    counts = measures.control.procedure_counts
    amf = ("ManagedElement=viettel/5gc", "AMFFunction=amf")
    assert found[(*amf, "RM.RegInitReq")] == counts[0, 0] and found[(*amf, "RM.RegInitSucc")] == counts[0, 1]
    assert found[(*amf, "RM.RegInitFail")] == 15 and found[(*amf, "MM.Paging5GReq")] == counts[3, 0]
    assert found[(*amf, "RM.RegisteredSubNbrMean")] == 30 and found[(*amf, "RM.RegisteredSubNbrMax")] == 35
    smf = ("ManagedElement=viettel/5gc", "SMFFunction=smf")
    assert found[(*smf, "SM.PduSessionCreationReq")] == counts[1, 0] and found[(*smf, "SM.SessionNbrMean")] == 40
    cell = ("ManagedElement=st0", "NRCellDU=c0")
    assert found[(*cell, "RRU.PrbTotUl")] == pytest.approx(measures.prb_used[0, 0] / 20, abs=1e-3)
    assert found[(*cell, "RACH.PreambleACell")] == 900
    assert found["ManagedElement=st0", "NRCellCU=c0", "RRC.ConnEstabAtt"] == 720
    upf = ("ManagedElement=upf", "UPFFunction=upf,EP_N3=1")
    assert found[(*upf, "GTP.InDataOctN3UPF")] == measures.bytes[3]
    assert set(table["end_ns"] - table["begin_ns"]) == {2 * S}, "a short run is one period"
    assert not table["managed_element"].str.contains("epc").any()


def test_longer_runs_have_periods_of_whole_buckets(tmp_path):
    table, measures = counters(granularity_s=1, warmup_s=0)
    assert set(zip(table["begin_ns"], table["end_ns"])) == {(0, S), (S, 2 * S), (0, 2 * S)}
    of = {counter: rows["value"].tolist() for counter, rows in table.groupby("counter")}
    assert of["RM.RegInitReq"] == measures.control.series_procedures[:, 0, 0].tolist()
    assert of["RM.RegisteredSubNbrMax"] == [15, 30] and len(of["RM.RegTimeMean"]) == 1
    paths = write_pm(table, tmp_path, MIDNIGHT)
    assert len(paths) == 4 and len(pd.concat(map(read_pm, paths))) == len(table)
    with pytest.raises(ValueError, match="no multiple of the 1 s"):
        periods_of(measures, S, S * 3 // 2)


def test_a_run_is_written_and_read_again(finished, tmp_path):
    paths = export_pm(finished.folder, tmp_path / "pm")
    assert [p.name for p in paths] == [f"B20260101.000001+0700-000003+0700_{o}.xml" for o in ("viettel", "vnpt")]
    found = read_pm(paths[0])
    assert {"RM.RegInitReq", "SM.SessionNbrMax", "RRU.PrbTotDl", "RRC.ConnEstabSucc"} <= set(found["counter"])
    assert set(found["end"] - found["begin"]) == {pd.Timedelta(seconds=2)}
    assert export_pm(finished.folder, replication=1)[0].parent == finished.folder / "pm"
    with pytest.raises(MissingResultError, match="replication 7"):
        export_pm(finished.folder, replication=7)
    with pytest.raises(UsageError, match="more than 0"):
        export_pm(finished.folder, granularity_s=0)


LISTED = """<?xml version="1.0"?><?xml-stylesheet type="text/xsl" href="a.xsl"?>
<mc:measCollecFile xmlns:mc="http://www.3gpp.org/ftp/specs/archive/32_series/32.435#measCollec"><mc:fileHeader/>
<mc:measData><mc:managedElement localDn="Dublin1" swVersion="r0.1"/><mc:measInfo measInfoId="a"><mc:job jobId="1"/>
<mc:granPeriod duration="PT15M" endTime="2018-10-02T12:15:00+0100"/><mc:measTypes>z1 a1 b1</mc:measTypes>
<mc:measValue measObjLdn="Cell=1"><mc:measResults>1 11.5 NIL</mc:measResults><mc:suspect>true</mc:suspect></mc:measValue>
</mc:measInfo></mc:measData></mc:measCollecFile>"""
ENTITY = """<?xml version="1.0" encoding="UTF-8"?>
<measDataFile xmlns="http://www.3gpp.org/ftp/specs/archive/28_series/28.532#measData"><measData>
<measEntity localDn="RNC-1"/><measInfo><granPeriod duration="some duration" endTime="2000-03-01T14:14:30+02:00"/>
<measType p="1">a</measType><measType p="2">b</measType>
<measValue measObjLdn="Cell=2"><r p="2">86,87,2</r><r p="1">4</r></measValue></measInfo></measData></measDataFile>"""


def test_files_of_others_are_read(tmp_path):
    file = tmp_path / "a.xml"
    file.write_text(LISTED)
    found = read_pm(file)
    assert list(found["counter"]) == ["z1", "a1", "b1"]
    assert list(found["value"][:2]) == [1, 11.5] and math.isnan(found["value"][2])
    assert found["suspect"].all() and set(found["managed_element"]) == {"Dublin1"}
    assert found["begin"][0] == pd.Timestamp("2018-10-02T11:00:00Z")
    with gzip.open(tmp_path / "b.xml.gz", "wt") as out:
        out.write(ENTITY)
    found = read_pm(tmp_path / "b.xml.gz")
    assert list(found["text"]) == ["86,87,2", "4"] and list(found["counter"]) == ["b", "a"]
    assert found["begin"].isna().all() and found["end"].notna().all()
    file.write_text("<measCollecFile><fileHeader/></measCollecFile>")
    assert len(read_pm(file)) == 0


@pytest.mark.parametrize(("text", "words"), [
    ("<measCollecFile><measData>", "not well-formed"), ("", "not well-formed"), ("<html/>", "its root is html"),
    ('<!DOCTYPE a [<!ENTITY x "y">]><measCollecFile>&x;</measCollecFile>', "document type or entities"),
    ("<measCollecFile>" + "<a>" * 40 + "</a>" * 40 + "</measCollecFile>", "nested deeper"),
    (LISTED.replace("1 11.5 NIL", "1 2"), "2 measResults for 3 measTypes"),
    (ENTITY.replace('p="2">86', 'p="9">86'), "p='9'"),
])
def test_bad_files_are_refused_with_the_reason(tmp_path, text, words, capsys):
    file = tmp_path / "bad.xml"
    file.write_text(text)
    with pytest.raises(UsageError, match=words):
        read_pm(file)
    assert cli.main(["pm", str(file)]) == cli.USAGE
    assert "bad.xml" in capsys.readouterr().err


def test_a_file_too_large_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("twin.study.pm_read.MAX_BYTES", 100)
    (tmp_path / "big.xml").write_text(LISTED)
    with pytest.raises(UsageError, match="larger than"):
        read_pm(tmp_path / "big.xml")
    assert MAX_BYTES == 64 << 20
    with pytest.raises(UsageError, match="cannot be read"):
        read_pm(tmp_path / "none.xml")


def test_the_verb_writes_and_prints(finished, tmp_path, capsys):
    assert cli.main(["pm", str(finished.folder), "--out", str(tmp_path / "pm")]) == cli.OK
    written = [Path(line.removeprefix("written: ")) for line in capsys.readouterr().out.splitlines()]
    assert len(written) == 2 and all(path.is_file() for path in written)
    assert cli.main(["pm", str(written[0])]) == cli.OK
    assert "RM.RegInitReq" in capsys.readouterr().out
    assert cli.main(["pm", str(written[0]), "--json"]) == cli.OK
    assert json.loads(capsys.readouterr().out)[0]["begin"].startswith("2025-12-31T17:00:01")
    assert cli.main(["pm", "no-such-run"]) == cli.NOTHING
    assert cli.main(["pm", str(finished.folder), "--granularity-s", "1.5"]) == cli.USAGE
