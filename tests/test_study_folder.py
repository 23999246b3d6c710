"""What a run folder survives: damage, leftovers, a second process, a world that cannot be built."""

import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from fakes import FAKE, FakeScenario, fake_world

from twin.base.errors import MissingResultError, WorldError
from twin.study import execute, provenance, replicate, store
from twin.study.doubts import refused_grants, unjudged
from twin.study.lock import exclusive
from twin.study.quantiles import worst_p99


@pytest.fixture(autouse=True)
def fake_backend(monkeypatch):
    monkeypatch.setitem(replicate.BACKENDS, "fast", FAKE)
    monkeypatch.setattr(provenance, "code_version", lambda: "tested")


@pytest.mark.parametrize("damage", [lambda b: b[:300], lambda b: b"", lambda b: b[:40] + bytes(200) + b[240:]])
def test_damaged_tables_are_made_anew_from_the_replications(tmp_path, damage):
    log = tmp_path / "log"
    run = execute.run(FakeScenario(log=str(log)), results=tmp_path)
    before = run.kpis
    path = run.folder / "kpis.parquet"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(MissingResultError, match="--fresh"):
        store.read_table(run.folder, "kpis")
    again = execute.run(FakeScenario(log=str(log)), results=tmp_path)
    assert len(log.read_text().split()) == 3, "nothing is simulated again"
    pd.testing.assert_frame_equal(again.kpis, before)


def test_fresh_keeps_the_old_folder_when_the_new_world_cannot_be_built(tmp_path, monkeypatch):
    run = execute.run(FakeScenario(), results=tmp_path)

    def no_world(scenario):
        raise WorldError([])

    monkeypatch.setitem(replicate.BACKENDS, "fast", replicate.Backend("fakes:no_world", FAKE.simulate))
    monkeypatch.setattr("fakes.no_world", no_world, raising=False)
    with pytest.raises(WorldError):
        execute.run(FakeScenario(), results=tmp_path, fresh=True)
    assert execute.is_complete(run.folder)


def test_what_dead_processes_left_is_swept(tmp_path):
    run = execute.run(FakeScenario(), results=tmp_path)
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    left = [run.folder / f".kpis.parquet.{dead.pid}.0a1b2c3d", run.folder / "replications" / f".0000.npz.{dead.pid}.0a1b2c3d"]
    for path in left:
        path.write_text("half")
    (run.folder / "kpis.parquet").unlink()
    execute.run(FakeScenario(), results=tmp_path)
    assert not any(path.exists() for path in left)


def test_a_second_identical_run_waits_and_finds_the_first_ones_results(tmp_path, caplog):
    folder = execute.folder_of(FakeScenario(), "fast", tmp_path)
    found = []
    with exclusive(folder):
        second = threading.Thread(target=lambda: found.append(execute.run(FakeScenario(), results=tmp_path)))
        second.start()
        deadline = time.monotonic() + 10
        while not any("waiting" in record.getMessage() for record in caplog.records):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert not found and not folder.exists()
    second.join(30)
    assert found[0].complete and not list(folder.parent.glob(".*.lock"))


def test_doubts_about_deadlines_and_configured_grants():
    world = fake_world()
    assert unjudged(world, 1.0) == []
    (warning,) = unjudged(world, 0.08)
    assert "sensor (0.1 s)" in warning and "camera" not in warning
    assert refused_grants({0: {"bursts": 1.0}}) == []
    assert "3 configured grants" in refused_grants({0: {"configured_grants_refused": 3.0}, 1: {}})[0]


def test_p99_is_that_of_the_worst_direction_and_needs_messages():
    rows = [(f"latency_{d}_p99_ms", "park_application", "TL2/a", v) for d, v in (("ul", 30.0), ("dl", 20.0), ("rtt", 50.0))]
    rows += [(f"delivered_{d}_bursts", "park_application", "TL2/a", n) for d, n in (("ul", 900.0), ("dl", 500.0), ("rtt", 900.0))]
    rows += [("deadline_dl_ms", "application", "a", 10.0), ("deadline_rtt_ms", "application", "a", 100.0)]
    kpis = pd.DataFrame(rows, columns=["kpi", "scope_kind", "scope", "value"])
    p99, direction = worst_p99(kpis, pd.Index(["TL2/a"]))
    assert (p99[0], direction[0]) == (20.0, "dl")  # twice its deadline; no uplink message has one
    few = kpis.assign(value=kpis["value"].where(kpis["kpi"] != "delivered_dl_bursts", 499.0))
    assert np.isnan(worst_p99(few, pd.Index(["TL2/a"]))[0][0])


def test_no_leftovers_in_the_results(tmp_path):
    run = execute.run(FakeScenario(), results=tmp_path)
    assert sorted(p.name for p in Path(run.folder.parent).iterdir()) == [run.run_id]
