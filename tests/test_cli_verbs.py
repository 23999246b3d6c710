import errno
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from fakes import FAKE, FakeScenario

from twin import cli
from twin.base import errors
from twin.study import replicate

ROOT = Path(__file__).parent.parent
SMALL = "schema: 1\nname: small\nquestion: Does it load?\nparks: {YM2: {}}\n"


@pytest.fixture
def faked(monkeypatch, tmp_path):
    """The verbs around a made-up engine; gives a function that runs one in tmp_path."""
    scenario = FakeScenario()
    monkeypatch.setitem(replicate.BACKENDS, "fast", FAKE)
    monkeypatch.setattr(cli, "_load", lambda file, overrides: scenario)
    monkeypatch.setattr(cli, "_report", lambda folder, lang, audience: folder / "report.html")
    monkeypatch.chdir(tmp_path)

    def go(*words: str, **changes) -> int:
        nonlocal scenario
        scenario = FakeScenario(**changes)
        return cli.main([*words])

    return go


def test_run_ends_with_verdicts_and_the_report(faked, capsys):
    assert faked("run", "x.yaml", "--jobs", "1") == cli.OK
    out, err = capsys.readouterr()
    lines = out.strip().splitlines()
    assert lines[-1].startswith("report: ") and lines[-1].endswith("report.html")
    assert "first bottleneck" in out and "TL2" in out and "camera" in out and "a made-up world" in out
    assert "results: " in err


def test_json_is_all_there_is_on_stdout(faked, capsys):
    assert faked("run", "x.yaml", "--json") == cli.OK
    found = json.loads(capsys.readouterr().out)
    assert set(found) == {"run_id", "summary", "warnings"}
    assert set(found["summary"][0]) == {"kpi", "scope_kind", "scope", "mean", "ci_low", "ci_high", "n", "unit"}
    assert faked("run", "x.yaml", "--json", "--replications", "1") == cli.OK
    alone = json.loads(capsys.readouterr().out)
    assert alone["summary"][0]["ci_low"] is None and any("one replication" in w for w in alone["warnings"])


def test_a_second_run_is_read_from_the_folder(faked, capsys):
    faked("run", "x.yaml", "--json")
    first = capsys.readouterr()
    faked("run", "x.yaml", "--json")
    second = capsys.readouterr()
    assert first.out == second.out and "already there" in second.err and "already there" not in first.err


def test_exit_codes_of_what_can_happen(faked, capsys):
    assert faked("run", "x.yaml", broken=(1,)) == cli.INTERNAL
    assert "failures.json" in capsys.readouterr().err
    assert faked("run", "x.yaml", "--seed", "3", dies=True) == cli.INTERRUPTED
    assert faked("run", "x.yaml", "--lang", "fr") == cli.USAGE
    assert faked("run", "x.yaml", "--audience", "press") == cli.USAGE
    assert faked("run", "x.yaml", "--engine", "steam") == cli.USAGE
    assert faked("run", "x.yaml", "--jobs", "0") == cli.USAGE
    assert faked("run") == cli.USAGE
    assert faked("dance") == cli.USAGE
    assert faked("report", "no-such-run") == cli.NOTHING
    capsys.readouterr()
    interrupted = next(p.parent for p in Path("results").rglob("manifest.json") if not (p.parent / "kpis.parquet").exists())
    assert faked("report", str(interrupted)) == cli.NOTHING
    assert "interrupted and has no tables" in capsys.readouterr().err
    assert faked("compare", "no", "such") == cli.NOTHING


def test_compare_prints_a_paired_table(faked, capsys):
    faked("run", "x.yaml")
    faked("run", "x.yaml", "--seed", "9")
    runs = [p.name for p in Path("results/made-up").iterdir()]
    capsys.readouterr()
    assert faked("compare", *runs) == cli.OK
    out, err = capsys.readouterr()
    assert "share_within_deadline" in out and "different seeds" in err
    assert out.startswith(f"A: made-up ({runs[0]})\nB: made-up ({runs[1]})\n  seed: ")
    assert faked("compare", *runs, "--json") == cli.OK
    found = json.loads(capsys.readouterr().out)
    assert found["differences"] and [row["key"] for row in found["settings"]] == ["seed"] and len(found["runs"]) == 2
    assert faked("compare", *runs, "--kpi", "no_such_kpi") == cli.NOTHING
    assert faked("compare", runs[0], "made-up", "--kpi", "offered", "--scope", "all") == cli.OK
    capsys.readouterr()
    assert faked("compare", *runs, "--kpi", "pool_busy_pct", "--scope", "pool") == cli.OK
    assert "upf [up]" in capsys.readouterr().out, "brackets in names are no markup"


@pytest.mark.parametrize(("error", "code"), [
    (errors.UsageError("u"), 4), (errors.ScenarioError([]), 4), (errors.WorldError([]), 4), (errors.MissingResultError("m"), 5),
    (errors.ConservationError("c"), 3), (errors.ReplicationError("r"), 3), (RuntimeError("?"), 3), (KeyboardInterrupt(), 2),
])
def test_exit_code_of_each_error(monkeypatch, capsys, error, code):
    def fail(*_):
        raise error

    monkeypatch.setattr(cli, "_load", fail)
    assert cli.main(["validate", "x.yaml"]) == code
    out, err = capsys.readouterr()
    assert not out and ("Traceback" in err) == (type(error) is RuntimeError)


def test_validate_names_place_key_and_remedy(tmp_path, capsys):
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    good.write_text(SMALL)
    assert cli.main(["validate", str(good)]) == 0
    bad.write_text(SMALL + "devices:\n  densty: high\n")
    assert cli.main(["validate", str(bad)]) == cli.USAGE
    err = capsys.readouterr().err
    assert "bad.yaml:6" in err and "densty" in err and "density" in err
    assert cli.main(["validate", str(good), "--set", "devices.density=absurd"]) == cli.USAGE
    assert cli.main(["validate", str(tmp_path / "none.yaml")]) == cli.USAGE
    assert cli.main(["run", str(bad), "--results", str(tmp_path / "results")]) == cli.USAGE
    assert not (tmp_path / "results").exists(), "no partial results"


def test_init_writes_a_valid_scenario_once(tmp_path, capsys):
    file = tmp_path / "My park.yaml"
    assert cli.main(["init", str(file)]) == 0
    assert cli.main(["validate", str(file)]) == 0
    assert cli.main(["init", str(file)]) == cli.USAGE
    assert cli.main(["init", str(tmp_path / "no" / "folder.yaml")]) == cli.USAGE


def test_schema_is_json(capsys, tmp_path):
    assert cli.main(["schema"]) == 0
    assert json.loads(capsys.readouterr().out)["$schema"].startswith("https://json-schema.org")
    assert cli.main(["schema", "--write", str(tmp_path / "s.json")]) == 0
    assert json.loads((tmp_path / "s.json").read_text())


@pytest.mark.parametrize("words", [["-c", "import twin"], ["-m", "twin.cli", "--help"]])
def test_a_start_costs_less_than_half_a_second(words):
    best = min(_seconds(words) for _ in range(3))
    assert best < 0.5, f"python {' '.join(words)} takes {best:.2f} s: something heavy is imported at the top"


def _seconds(words: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, *words], check=True, capture_output=True, cwd=ROOT)
    return time.perf_counter() - started


def test_importing_the_package_imports_nothing_heavy():
    heavy = ("numpy", "pandas", "numba", "pydantic", "rich.table")
    code = f"import sys, twin, twin.cli; print([m for m in {heavy} if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=ROOT).stdout == "[]\n"


def test_public_names():
    import twin

    assert callable(twin.load) and callable(twin.run) and callable(twin.compare)
    with pytest.raises(AttributeError, match="public names: RunSet, compare, load, run"):
        _ = twin.simulate


def test_the_verdict_fits_120_columns_when_piped(faked, capsys, monkeypatch):
    from twin.study.runset import RunSet
    table = RunSet.verdicts.func
    long = "viettel/pho-noi-a/aggregation-01>viettel/hung-yen-thanh-pho/pop-provincial-01"
    monkeypatch.setattr(RunSet, "verdicts", property(lambda run: table(run).assign(
        bottleneck=long, application="a-machine-vision-application", growth_to_headroom=[1.0, 0.5], growth_is_upper_bound=True)))
    faked("run", "x.yaml")
    out = capsys.readouterr().out
    lines = [line for line in out.splitlines() if not line.startswith(("warning:", "report:"))]
    assert max(len(line.rstrip()) for line in lines) <= 120, out
    assert sum("a-machine-vision-application" in line for line in lines) == 2, "only the bottleneck gives way"
    assert "at the limit" in out and "over" in out


@pytest.mark.parametrize(("factor", "bound", "text"), [
    (0.4, True, "over"), (1.0, False, "at the limit"), (1.26, True, "≤ 1.26"), (2.0, False, "2"), (float("nan"), False, "-")])
def test_growth_in_words_where_there_is_no_room(factor, bound, text):
    from twin.printing import growth

    assert growth(factor, bound) == text


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EFBIG, errno.EDQUOT])
def test_a_full_disk_is_said_plainly(monkeypatch, capsys, number):
    def full(*_):
        raise OSError(number, os.strerror(number), "results/x/kpis.parquet")

    monkeypatch.setattr(cli, "_load", full)
    assert cli.main(["validate", "x.yaml"]) == cli.INTERNAL
    err = capsys.readouterr().err
    assert err.startswith("error: results/x/kpis.parquet: ") and "Traceback" not in err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no such device")
def test_a_stdout_that_takes_nothing_is_said_plainly():
    with open("/dev/full", "w") as full:
        words = [sys.executable, "-m", "twin.cli", "schema"]
        done = subprocess.run(words, stdout=full, stderr=subprocess.PIPE, text=True, cwd=ROOT)
    assert done.returncode == cli.INTERNAL and done.stderr.startswith("error: ") and done.stderr.count("\n") == 1, done.stderr


def test_the_first_run_says_that_it_compiles(faked, capsys, monkeypatch):
    for compiled in (False, True):
        monkeypatch.setattr(cli, "_compiled", lambda compiled=compiled: compiled)
        faked("run", "x.yaml")
        assert ("compiling the engine, once" in capsys.readouterr().err) != compiled


def test_a_reader_who_stops_early_is_no_error():
    process = subprocess.Popen([sys.executable, "-m", "twin.cli", "show", str(ROOT / "scenarios" / "one-park.yaml")],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT)
    process.stdout.close()
    err = process.stderr.read()
    assert process.wait(60) == cli.OK and not err, err


def test_the_version_is_told(capsys):
    assert cli.main(["--version"]) == cli.OK
    assert capsys.readouterr().out.startswith("parktwin 0.")
