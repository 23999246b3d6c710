"""A small made-up world and measures, for tests that need tables and not a simulation."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from hashlib import sha256
from types import SimpleNamespace

import networkx as nx
import numpy as np
import pandas as pd

from twin.base import bins
from twin.measure.control import FUNCTION_COUNTS, MESSAGE_COUNTS, PROCEDURE_COUNTS, RA_COUNTS, ControlMeasures
from twin.measure.measures import CAUSES, PARTS, Measures
from twin.study.replicate import Backend
from twin.world.signalling_tables import INTERFACES, ROLES, SCRIPTS, SIGNALLING_COLUMNS, TRIGGERS, Signalling
from twin.world.tables import COLUMNS, LINK, POOL, SERVER, Clock, World

N_DEVICES = 40


def table(name: str, /, **columns) -> pd.DataFrame:
    """A table of the world with every column of the contract; what is not given is 0 or ''."""
    length = max(len(v) for v in columns.values())
    spec = COLUMNS[name]
    frame = {c: columns.get(c, [""] * length if kind == "str" else np.zeros(length, dtype=kind)) for c, kind in spec.items()}
    return pd.DataFrame(frame).astype({c: kind for c, kind in spec.items() if kind != "str"})


def fake_world(n_devices: int = N_DEVICES) -> World:
    """Two parks, two operators, two applications, a camera and a sensor flow on every device; the last device is uncovered."""
    device = np.arange(n_devices)
    routed = np.where(device < n_devices - 1, 0, -1)
    graph = nx.Graph()
    for a, b in (("agg", "town"), ("agg", "pop"), ("town", "pop"), ("site", "agg")):
        graph.add_edge(a, b, rate_bps=10_000_000_000, propagation_ns=1000)
    return World(
        parks=table("parks", park_id=["TL2", "PNA"], name_vi=["Thăng Long 2", "Phố Nối A"],
                    name_en=["Thang Long 2", "Pho Noi A"]),
        operators=table("operators", operator_id=["viettel", "vnpt"], name=["Viettel", "VNPT"], architecture=["sa", "nsa"]),
        sites=table("sites", name=["s0", "s1"], park=[0, 1], owner=[0, 1], kind=["macro", "macro"]),
        stations=table("stations", name=["st0", "st1", "st2"], site=[0, 1, 0], operator=[0, 1, 0], technology=["nr", "nr", "nr"]),
        cells=table("cells", name=["c0", "c1", "c2"], station=[0, 1, 2], site=[0, 1, 0], park=[0, 1, 0], operator=[0, 1, 0]),
        radios=table("radios", name=["r"]),
        applications=table("applications", application_id=["camera", "sensor"], name_vi=["", ""], name_en=["", ""]),
        tenants=table("tenants", name=["TL2/t-1", "PNA/t-1"], park=[0, 1]),
        device_classes=table("device_classes", device_class_id=["camera", "sensor"]),
        devices=table("devices", device_hash=device.astype("u8"), park=device % 2, operator=device % 2, device_class=device % 2,
                      cell=np.where(routed >= 0, device % 2, -1)),
        neighbours=np.full((n_devices, 8), -1, dtype=np.int32), neighbour_gain_db=np.zeros((n_devices, 8)),
        flow_types=table("flow_types", name=["video", "report"], application=[0, 1], device_class=[0, 1], direction=[0, 0],
                         response_bytes=[0, 50], deadline_ns=[50_000_000, 100_000_000]),
        flows=table("flows", flow_hash=device.astype("u8"), device=device, flow_type=device % 2, route_up=routed,
                    route_down=np.where(routed >= 0, 1, -1)),
        resources=table("resources", name=["site>agg [up]", "agg>pop [up]", "town>pop [up]", "upf [up]",
                                          "platform", "agg>pop [down]"],
                        kind=[LINK, LINK, LINK, POOL, SERVER, LINK], rate_bps=[7_000_000_000] * 6,
                        rate_total_bps=[10_000_000_000] * 6,
                        background_share=[0.3, 0.3, 0.3, 0.0, 0.0, 0.3], workers=[0, 0, 0, 4, 2, 0], park=[0, 0, -1, -1, -1, 0],
                        operator=[0] * 6, next_step=["25G", "25G", "25G", "8 workers", "4 workers", "25G"]),
        route_start=np.array([0, 4, 5]), route_resources=np.array([0, 1, 3, 4, 5]),
        activity_q16=np.full((1, 24), 65536, dtype=np.int64), graph=graph,
        assumptions=table("assumptions", item=["in_park_share"], value=["0.0943"], unit=["1"], source=["plan"], confidence=["C"]),
        warnings=("a made-up world",))


def fake_measures(world: World, clock: Clock | None = None) -> Measures:
    """Measures with random but consistent figures, a pure function of the seed and the replication."""
    clock = clock or Clock(3_000_000_000, 1_000_000_000)
    rng = np.random.default_rng([clock.seed, clock.replication])
    n_p, n_o, n_a = len(world.parks), len(world.operators), len(world.applications)
    g, pa, cells, res = n_p * n_o * n_a, n_p * n_a, len(world.cells), len(world.resources)
    # TL2/viettel/camera one way, PNA/vnpt/sensor with responses; the last column counts every message once.
    offered = np.zeros((g, 4), dtype=np.int64)
    offered[0], offered[7] = (1000, 0, 0, 1000), (500, 0, 500, 500)
    lost = np.zeros((g, 4, len(CAUSES)), dtype=np.int64)
    lost[0, [0, 3], 2], lost[7, [0, 2, 3], 1] = 10, 5
    in_flight = (offered > 0) * 3
    delivered = offered - lost.sum(axis=2) - in_flight
    used = np.argwhere(offered[:, :3] > 0)
    delay_row = np.full((g, 3), -1, dtype=np.int32)
    part_row = np.full((pa, 3), -1, dtype=np.int32)
    delay_hist = np.zeros((len(used), bins.n_bins(bins.DELAY_BITS)), dtype=np.int64)
    part_hist = np.zeros((len(used) * len(PARTS), bins.n_bins(bins.PART_BITS)), dtype=np.int32)
    sums, largest, part_sum = np.zeros((g, 3), np.int64), np.zeros((g, 3), np.int64), np.zeros((pa, 3, len(PARTS)), np.int64)
    for row, (group, d) in enumerate(used):
        parts = rng.integers(1, 4_000_000, (delivered[group, d], len(PARTS)))
        delays = parts.sum(axis=1)
        delay_row[group, d] = row
        np.add.at(delay_hist[row], [bins.bin_of(v, bins.DELAY_BITS) for v in delays], 1)
        sums[group, d], largest[group, d] = delays.sum(), delays.max()
        of_pa = group // (n_o * n_a) * n_a + group % n_a
        part_row[of_pa, d] = row * len(PARTS)
        part_sum[of_pa, d] = parts.sum(axis=0)
        for p in range(len(PARTS)):
            np.add.at(part_hist[row * len(PARTS) + p], [bins.bin_of(v, bins.PART_BITS) for v in parts[:, p]], 1)
    measured = clock.horizon_ns - clock.warmup_ns
    prb = rng.integers(100, 600, (2, cells, 2))
    busy = rng.integers(measured // 10, measured // 5, (2, res))
    used_prb = prb.sum(axis=0)
    return Measures(
        n_parks=n_p, n_operators=n_o, n_applications=n_a, measured_ns=measured, offered=offered, delivered=delivered,
        within=(delivered * 9) // 10, late_in_flight=in_flight * 0, in_flight=in_flight, lost=lost,
        offered_bytes=offered[:, :3] * 800, delivered_bytes=delivered[:, :3] * 800, delay_sum_ns=sums, delay_max_ns=largest,
        delay_row=delay_row, delay_hist=delay_hist, part_sum_ns=part_sum, part_row=part_row, part_hist=part_hist,
        tenant_offered=np.array([1000, 0]), tenant_delivered=np.array([980, 0]), tenant_within=np.array([900, 0]),
        tenant_ended=np.array([990, 0]), prb_used=used_prb, prb_available=np.full((cells, 2), 2000), cell_bytes=used_prb * 100,
        cell_blocks=used_prb, cell_block_errors=used_prb // 10, cell_lost=used_prb * 0, grants_used=used_prb // 10,
        grants_available=np.full((cells, 2), 1000), busy_ns=busy.sum(axis=0) // 2, offered_ns=busy.sum(axis=0) // 2,
        bytes=busy.sum(axis=0), bursts=np.full(res, 100), packets_dropped=np.zeros(res, np.int64),
        wait_max_ns=np.full(res, 5_000_000), bucket_ns=measured // 2, series_cell_prb=prb, series_busy_ns=busy // 2,
        series_delivered_bytes=rng.integers(0, 10_000, (2, n_p, 3)), totals={"bursts": 1500.0})


# ---- a made-up scenario and engine, also for worker processes --------------------------------------------------------

@dataclass(frozen=True)
class FakeScenario:
    """Stands in for a Scenario: the same surface, four settings."""

    name: str = "made-up"
    replications: int = 3
    seed: int = 7
    broken: tuple[int, ...] = ()  # replications that fail
    log: str = ""  # file that the fake engine appends replication numbers to
    dies: bool = False
    warnings: tuple[str, ...] = ("made up",)
    report: SimpleNamespace = field(default_factory=lambda: SimpleNamespace(headroom_pct=70.0))

    @property
    def simulation(self) -> SimpleNamespace:
        return SimpleNamespace(horizon_s=3.0, warmup_s=1.0, epoch_s=1.0, seed=self.seed, replications=self.replications)

    def with_(self, **changes) -> FakeScenario:
        return replace(self, **{key.removeprefix("simulation."): value for key, value in changes.items()})

    def resolved(self) -> dict:
        return {"name": self.name, "seed": self.seed, "replications": self.replications}

    @property
    def sha256(self) -> str:
        return sha256(repr(self.resolved()).encode()).hexdigest()


def build(scenario: FakeScenario) -> World:
    world = fake_world()
    world.counts.update(broken=scenario.broken, log=scenario.log, dies=scenario.dies)
    return world


def simulate(world: World, clock: Clock, progress=None) -> Measures:
    if world.counts["log"]:
        with open(world.counts["log"], "a") as file:
            file.write(f"{clock.replication}\n")
    if world.counts["dies"]:
        raise KeyboardInterrupt
    if clock.replication in world.counts["broken"]:
        raise ValueError(f"replication {clock.replication} is broken on purpose")
    if progress:
        progress(clock.horizon_ns)
    return fake_measures(world, clock)


FAKE = Backend("fakes:build", "fakes:simulate")


# ---- a made-up control plane -----------------------------------------------------------------------------------------


def signalling_table(name: str, /, **columns) -> pd.DataFrame:
    """A table of the control plane with every column of the contract; what is not given is 0 or ''."""
    length = max((len(v) for v in columns.values()), default=0)
    spec = SIGNALLING_COLUMNS[name]
    frame = {c: columns.get(c, [""] * length if kind == "str" else np.zeros(length, dtype=kind)) for c, kind in spec.items()}
    return pd.DataFrame(frame).astype({c: kind for c, kind in spec.items() if kind != "str"})


def fake_signalling(world: World) -> Signalling:
    """A 5GC with functions of its own and an EPC whose functions share a host; a storm and a random access test cell."""
    role = {name: i for i, name in enumerate(ROLES)}
    trigger = {name: i for i, name in enumerate(TRIGGERS)}
    interface = {name: i for i, name in enumerate(INTERFACES)}
    functions = signalling_table("functions", name=["amf-1", "amf-2", "smf-1", "udm-1", "mme-1", "hss-1"],
                                 core=[0, 0, 0, 0, 1, 1],
                                 role=[role[r] for r in ("AMF", "AMF", "SMF", "UDM", "MME", "HSS")], host=[-1, -1, -1, -1, 0, 0],
                                 workers=[4, 4, 2, 2, 1, 1], background_share=[0.4, 0.4, 0.0, 0.0, 0.0, 0.0])
    names = ["registration", "session_establishment", "service_request", "paging", "registration", "service_request"]
    procedures = signalling_table("procedures", name=names, core=[0, 0, 0, 0, 1, 1], trigger=[trigger[n] for n in names],
                                  n_steps=[2] * 6)
    steps = signalling_table(
        "steps", procedure=np.repeat(np.arange(6), 2), after=[-1, 0] * 6,
        sender=[role[r] for r in ("GNB", "AMF", "AMF", "SMF", "GNB", "AMF", "AMF", "GNB", "GNB", "MME", "GNB", "MME")],
        receiver=[role[r] for r in ("AMF", "UDM", "SMF", "AMF", "AMF", "GNB", "GNB", "AMF", "MME", "HSS", "MME", "GNB")],
        interface=[interface[i] for i in ("N2", "SBI", "SBI", "SBI", "N2", "N2", "N2", "N2", "S1", "S6a", "S1", "S1")])
    first, count = np.full((2, len(ROLES)), -1), np.zeros((2, len(ROLES)), dtype=np.int64)
    for row, (core, r) in enumerate(zip(functions["core"], functions["role"])):
        first[core, r] = row if count[core, r] == 0 else first[core, r]
        count[core, r] += 1
    of = np.full((2, len(TRIGGERS)), -1)
    of[procedures["core"], procedures["trigger"]] = np.arange(6)
    return Signalling(
        cores=signalling_table("cores", name=["viettel/5gc", "vnpt/epc"], operator=[0, 1], kind=["5gc", "epc"],
                               profile=["carrier", "carrier"]),
        hosts=signalling_table("hosts", name=["vnpt/epc/host"], cpus=[2]), functions=functions, procedures=procedures,
        steps=steps,
        behaviours=signalling_table("behaviours", name=["b"]), rates=signalling_table("rates"),
        rach=signalling_table("rach", name=["nr"], rao_period_ns=[5_000_000], max_tx=[10], n_preambles=[54]),
        rach_detect_q32=np.zeros((1, 11), dtype=np.int64),
        cells=signalling_table("cells", name=[*world.cells["name"], "ra-test"], rach=[0, 0, 0, 0], radio=[0, 0, 0, -1]),
        devices=signalling_table("devices", device_hash=np.arange(len(world.devices))),
        scripts=signalling_table("scripts", name=["power", "power"], kind=[SCRIPTS.index("power_off"), SCRIPTS.index("boot")],
                                 t_ns=[500_000_000, 1_000_000_000]),
        script_devices=signalling_table("script_devices", script=[1] * 100, device=[0] * 100, t_ns=[1_000_000_000] * 100),
        first_function=first, n_functions=count, procedure_of=of)


def with_signalling(world: World) -> World:
    """The world with the made-up control plane."""
    return replace(world, signalling=fake_signalling(world))


def fake_control(world: World, clock: Clock | None = None) -> ControlMeasures:
    """Counts with random but consistent figures (conserved, histograms that hold what succeeded)."""
    clock = clock or Clock(3_000_000_000, 1_000_000_000)
    tables = world.signalling
    rng = np.random.default_rng([clock.seed, clock.replication, 77])
    measured, n_p, n_f, n_c = clock.horizon_ns - clock.warmup_ns, len(tables.procedures), len(tables.functions), len(tables.cores)
    counts = np.zeros((n_p, len(PROCEDURE_COUNTS)), dtype=np.int64)
    counts[:, 1], counts[:, 2], counts[:, 6], counts[:, 9] = rng.integers(200, 400, n_p), 12, 3, 5
    counts[:, 0] = counts[:, 1:10].sum(axis=1)
    counts[:, 10] = 15
    n_bins = bins.n_bins(bins.DELAY_BITS)

    def histogram(sizes, low, high):
        values = [rng.integers(low, high, n) for n in sizes]
        out = np.zeros((len(sizes), n_bins), dtype=np.int64)
        for row, found in zip(out, values):
            np.add.at(row, [bins.bin_of(v, bins.DELAY_BITS) for v in found], 1)
        return out, np.array([v.sum() for v in values], dtype=np.int64)

    durations, duration_sum = histogram(counts[:, 1], 20_000_000, 90_000_000)
    core_parts, core_sum = histogram(counts[:, 1], 2_000_000, 9_000_000)
    ra_delay, ra_sum = histogram([700], 10_000_000, 80_000_000)
    recovery, _ = histogram([0, 97], 200_000_000, 1_500_000_000)
    tx = np.zeros((1, 11), dtype=np.int64)
    tx[0, 1:4] = 400, 200, 100
    messages = np.zeros((n_c, len(INTERFACES), len(MESSAGE_COUNTS)), dtype=np.int64)
    messages[0, :3], messages[1, 7] = (2000, 1990, 6, 200_000), (1000, 1000, 0, 90_000)
    functions = np.zeros((n_f, len(FUNCTION_COUNTS)), dtype=np.int64)
    functions[:, 0], functions[:, 3], functions[:, 4] = 900, rng.integers(measured // 10, measured // 5, n_f), 20
    ra = np.zeros((len(tables.cells), len(RA_COUNTS)), dtype=np.int64)
    ra[0] = (400, 21_600, 1000, 900, 40, 100, 900, 880, 20, 720, 700, 15)
    ra[3] = (400, 21_600, 2000, 1500, 200, 500, 1500, 1400, 50, 900, 0, 880)
    buckets = 2
    gauges = np.array([[30, 20, 40], [10, 5, 10]], dtype=np.int64)
    return ControlMeasures(
        procedure_counts=counts, duration_sum_ns=duration_sum, duration_hist=durations, core_part_sum_ns=core_sum,
        core_part_hist=core_parts, message_counts=messages, function_counts=functions, ra_counts=ra, ra_tx_hist=tx,
        ra_delay_hist=ra_delay, ra_delay_sum_ns=ra_sum, gauges=gauges, gauges_max=gauges + 5, gauge_area_ns=gauges * measured,
        held_bursts=np.array([50, 5]), script_devices=np.array([0, 100]), recovery_hist=recovery,
        prb_signalling=np.zeros((len(tables.cells), 2), dtype=np.int64),
        series_procedures=np.stack([counts[:, [0, 1, 2, 10]] // 2] * buckets),
        series_access=np.array([[360, 1500, 300, 350, 447], [360, 1500, 300, 350, 448]]),
        series_busy_ns=np.stack([functions[:, 3] // 2] * buckets), series_backlog=np.array([[20] * n_f, [3] * n_f]),
        series_gauges=np.stack([gauges // 2, gauges]))


def fake_measures_with_control(world: World, clock: Clock | None = None) -> Measures:
    """Measures of the traffic and of the control plane."""
    return replace(fake_measures(world, clock), control=fake_control(world, clock))


def build_with_signalling(scenario: FakeScenario) -> World:
    return with_signalling(build(scenario))


def simulate_with_signalling(world: World, clock: Clock, progress=None) -> Measures:
    return replace(simulate(world, clock, progress), control=fake_control(world, clock))


def simulate_with_full_air(world: World, clock: Clock, progress=None) -> Measures:
    """Signalling asks for all uplink PRBs of the second cell."""
    measures = simulate_with_signalling(world, clock, progress)
    measures.control.prb_signalling[1, 0] = measures.prb_available[1, 0]
    return measures


FAKE_SIGNALLING = Backend("fakes:build_with_signalling", "fakes:simulate_with_signalling")
