import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from fakes import FAKE, FakeScenario, fake_measures, fake_world

from twin.base.errors import MissingResultError, ReplicationError, UsageError
from twin.study import execute, provenance, replicate, store
from twin.study.runset import RunSet


@pytest.fixture(autouse=True)
def fake_backend(monkeypatch):
    monkeypatch.setitem(replicate.BACKENDS, "fast", FAKE)
    monkeypatch.setattr(provenance, "code_version", lambda: "tested")


def simulated(log: Path) -> list[int]:
    return sorted(int(line) for line in log.read_text().split()) if log.exists() else []


def test_a_run_leaves_a_readable_folder(tmp_path):
    seen = []
    run = execute.run(FakeScenario(), results=tmp_path, progress=lambda done, total: seen.append((done, total)))
    assert run.complete and run.folder == tmp_path / "made-up" / run.run_id
    assert seen[-1] == (9.0, 9.0)
    assert set(run.kpis["replication"]) == {0, 1, 2}
    assert {"made up", "a made-up world"} <= set(run.warnings)
    for name in ("budget", "histograms", "timeseries", "resources", "sites", "cells", "parks", "assumptions", "bottlenecks"):
        assert len(store.read_table(run.folder, name)), name
    manifest = json.loads((run.folder / "manifest.json").read_text())
    assert manifest["scenario"]["name"] == "made-up" and manifest["replications_done"] == [0, 1, 2]
    assert json.loads((run.folder / "failures.json").read_text()) == []
    assert not list(run.folder.rglob(".*")), "temporary files left"
    assert RunSet.load(run.folder).summary.equals(run.summary)


def test_an_identical_run_is_a_cache_hit(tmp_path):
    log = tmp_path / "log"
    first = execute.run(FakeScenario(log=str(log)), results=tmp_path)
    second = execute.run(FakeScenario(log=str(log)), results=tmp_path)
    assert simulated(log) == [0, 1, 2] and second.from_cache and not first.from_cache
    execute.run(FakeScenario(log=str(log)), results=tmp_path, fresh=True)
    assert simulated(log) == [0, 0, 1, 1, 2, 2]
    other = execute.run(FakeScenario(log=str(log)), seed=8, results=tmp_path)
    assert other.run_id != first.run_id


def test_interrupted_run_resumes_with_what_is_missing(tmp_path):
    log = tmp_path / "log"
    with pytest.raises(KeyboardInterrupt):
        execute.run(FakeScenario(log=str(log), dies=True), results=tmp_path)
    folder = execute.folder_of(FakeScenario(), "fast", tmp_path)
    assert store.read_manifest(folder)["status"] == "interrupted"
    with pytest.raises(MissingResultError, match="not finished"):
        _ = RunSet.load(folder).kpis
    world = fake_world()
    store.save_measures(store.replication_path(folder, 1), fake_measures(world, replicate.clock_of(FakeScenario(), 1)))
    log.unlink()
    run = execute.run(FakeScenario(log=str(log)), results=tmp_path)
    assert simulated(log) == [0, 2]
    whole = execute.run(FakeScenario(), results=tmp_path / "elsewhere")
    pd.testing.assert_frame_equal(run.kpis, whole.kpis)


def test_a_damaged_replication_is_simulated_again(tmp_path):
    log = tmp_path / "log"
    run = execute.run(FakeScenario(log=str(log)), results=tmp_path)
    path = store.replication_path(run.folder, 2)
    path.write_bytes(path.read_bytes()[:500])
    (run.folder / "manifest.json").write_text("{", encoding="utf-8")
    again = execute.run(FakeScenario(log=str(log)), results=tmp_path)
    assert simulated(log) == [0, 1, 2, 2] and again.complete


def test_a_failing_replication_does_not_take_the_others_along(tmp_path):
    with pytest.raises(ReplicationError, match=r"1 of 3 replications failed.*broken on purpose"):
        execute.run(FakeScenario(broken=(1,)), results=tmp_path)
    run = RunSet.load(execute.folder_of(FakeScenario(), "fast", tmp_path))
    assert [f["replication"] for f in run.failures] == [1] and run.failures[0]["error"] == "ValueError"
    assert set(run.kpis["replication"]) == {0, 2} and run.manifest["status"] == "failed"
    assert execute.run(FakeScenario(), results=tmp_path).complete, "the failed one is tried again"


def test_results_do_not_depend_on_jobs(tmp_path):
    one = execute.run(FakeScenario(), jobs=1, results=tmp_path / "one")
    two = execute.run(FakeScenario(), jobs=2, results=tmp_path / "two")
    for name in ("kpis", "budget", "histograms", "timeseries", "resources"):
        pd.testing.assert_frame_equal(getattr(one, name), getattr(two, name))
    with pytest.raises(ReplicationError, match="2 of 3"):
        execute.run(FakeScenario(broken=(0, 2)), jobs=2, results=tmp_path / "three")


@pytest.mark.parametrize("settings", [{"jobs": 0}, {"engine": "steam"}])
def test_settings_without_sense(tmp_path, settings):
    with pytest.raises(UsageError):
        execute.run(FakeScenario(), results=tmp_path, **settings)
    assert not any(tmp_path.iterdir())


def test_measures_survive_the_store(tmp_path):
    measures = fake_measures(fake_world())
    store.save_measures(tmp_path / "m.npz", measures)
    back = store.load_measures(tmp_path / "m.npz")
    for name, value in vars(measures).items():
        assert np.array_equal(getattr(back, name), value), name
    assert back.totals == measures.totals and back.n_parks == 2
    assert store.load_measures(tmp_path / "none.npz") is None


def test_find_run(tmp_path):
    run = execute.run(FakeScenario(), results=tmp_path)
    for text in (str(run.folder), run.run_id, "made-up"):
        assert store.find_run(text, tmp_path) == run.folder
    with pytest.raises(MissingResultError, match="no-such"):
        store.find_run("no-such", tmp_path)


_KILLED = """
import sys, time
sys.path.insert(0, {tests!r})
import fakes
from twin.study import execute, provenance, replicate
provenance.code_version = lambda: "tested"
def slow(world, clock, progress=None):
    if clock.replication == 1:
        print("second", flush=True)
        time.sleep(60)
    return fakes.simulate(world, clock, progress)
fakes.slow = slow
replicate.BACKENDS["fast"] = replicate.Backend("fakes:build", "fakes:slow")
execute.run(fakes.FakeScenario(), results={results!r})
"""


def test_a_killed_process_loses_only_the_replication_it_was_at(tmp_path):
    code = _KILLED.format(tests=str(Path(__file__).parent), results=str(tmp_path))
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "second\n"
    process.send_signal(signal.SIGKILL)
    process.wait(10)
    log = tmp_path / "log"
    run = execute.run(FakeScenario(log=str(log)), results=tmp_path)
    assert simulated(log) == [1, 2] and run.complete


_ORPHANS = """
import sys, time
sys.path.insert(0, {tests!r})
import os
def wait(world, clock, progress=None):
    os.write(1, (str(os.getpid()) + chr(10)).encode())  # one write: two workers share the pipe
    time.sleep(60)
if __name__ == "__main__":
    import fakes
    from twin.study import execute, replicate
    replicate.BACKENDS["fast"] = replicate.Backend("fakes:build", "orphans:wait")
    execute.run(fakes.FakeScenario(), jobs=2, results={results!r})
"""


def test_workers_of_a_killed_parent_end(tmp_path):
    script = tmp_path / "orphans.py"
    script.write_text(_ORPHANS.format(tests=str(Path(__file__).parent), results=str(tmp_path)))
    process = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True)
    workers = [int(process.stdout.readline()) for _ in range(2)]
    process.send_signal(signal.SIGKILL)
    process.wait(10)
    deadline = time.monotonic() + 10
    while any(_alive(pid) for pid in workers):
        assert time.monotonic() < deadline, "workers outlive their parent"
        time.sleep(0.1)


_INTERRUPTED = """
import sys, time
sys.path.insert(0, {tests!r})
def second_waits(world, clock, progress=None):
    import fakes
    if clock.replication == 1:
        print("waiting", flush=True)
        time.sleep(60)
    return fakes.simulate(world, clock, progress)
if __name__ == "__main__":
    import fakes
    from twin import cli
    from twin.study import provenance, replicate
    provenance.code_version = lambda: "tested"
    cli._load = lambda file, overrides: fakes.FakeScenario(replications=2)
    replicate.BACKENDS["fast"] = replicate.Backend("fakes:build", "interrupted:second_waits")
    sys.exit(cli.main(["run", "x.yaml", "--jobs", {jobs!r}, "--results", {results!r}]))
"""


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_ctrl_c_exits_2_and_leaves_a_readable_store(tmp_path, jobs):
    script = tmp_path / "interrupted.py"
    script.write_text(_INTERRUPTED.format(tests=str(Path(__file__).parent), results=str(tmp_path / "results"), jobs=jobs))
    # What a shell starts in the background ignores Ctrl-C, and so would its children: the tests may run there.
    process = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                               preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
    assert process.stdout.readline() == "waiting\n"
    folder = execute.folder_of(FakeScenario(replications=2), "fast", tmp_path / "results")
    deadline = time.monotonic() + 20
    while not store.replication_path(folder, 0).exists():
        assert time.monotonic() < deadline, "the other replication is not stored"
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    err = process.communicate(timeout=20)[1]
    assert process.returncode == 2 and "interrupted" in err and "Traceback" not in err, err
    assert store.read_manifest(folder)["status"] == "interrupted"
    assert store.load_measures(store.replication_path(folder, 0)) is not None


def _alive(pid: int) -> bool:
    """Running, and not merely waiting to be reaped."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (OSError, IndexError):
        return False
