"""The profile `open5gs` against the measurement of a real core: the tables of docs/validation.md.

    .venv/bin/python calibration/open5gs.py            # needs ../shared/data/open5gs_measured

The engine, the call flows and the profile are the product's (`core_model` runs them). Only the measurement is not shipped.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from core_model import Core, Outcome, profile, row_of, run, world_of

from twin.world.signalling_tables import INTERFACES, ROLES

MEASURED = Path(__file__).parents[2] / "shared" / "data" / "open5gs_measured"
#: measured name -> our procedures; the first is the one whose latency was measured
PROCEDURES = {
    "reg": ["registration"],
    "pdu": ["session_establishment"],
    "rel": ["an_release"],
    "svc": ["service_request"],
    "dereg": ["deregistration"],
    "page": ["paging", "service_request"],
    "preg": ["periodic_update"],
}
REGISTRATION = "registration"
REGISTRATION_MARKS = {"auth_request_ms": "Authentication Request", "security_mode_command_ms": "Security Mode Command",
                      "latency_ms": ""}  # fmt: skip
IN_SYSTEM = ((1, 1), (2, 2), (3, 4), (5, 7), (8, 40))


def row(*cells: object) -> str:
    """A row of a Markdown table."""
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def percent(model: float, measured: float) -> str:
    """The error of the model."""
    return f"{100 * (model / measured - 1):+.0f} %"


def alone(name: str, core: Core) -> dict[str, float]:
    """CPU ms per function of a measured procedure when one device is under way."""
    total: dict[str, float] = {}
    for procedure in PROCEDURES[name]:
        for function, ms in run([0.0], procedure, core).cpu.items():
            total[function] = total.get(function, 0.0) + ms
    return total


def measured_cpu() -> pd.DataFrame:
    """CPU ms per procedure and function at about 20 procedures/s: columns procedure, nf, ms."""
    table = pd.read_csv(MEASURED / "nf_workload_vs_cpu_direct.csv")
    table = table.rename(columns={"cpu_ms_per_procedure_mean": "ms"})[["procedure", "nf", "ms"]]
    later = pd.read_csv(MEASURED / "paging_periodic_cpu_direct.csv").rename(columns={"cpu_ms_per_procedure": "ms"})
    later["nf"] = later["process"].str.upper()
    later = later[later["nf"].isin(["AMF", "SMF", "UPF"]) & (later["ms"] > 0.1)]
    return pd.concat([table, later[["procedure", "nf", "ms"]]], ignore_index=True)


def steps_of(procedure: str, core: Core) -> pd.DataFrame:
    """Steps of a procedure as the engine has them, numbered from 0; ends and interfaces by name."""
    tables = world_of(core).signalling
    assert tables is not None
    steps = tables.steps[tables.steps["procedure"] == row_of(tables, procedure)].reset_index(drop=True)
    names = {"sender": ROLES, "receiver": ROLES, "interface": INTERFACES}
    return steps.assign(**{column: [words[i] for i in steps[column]] for column, words in names.items()})


def counts(name: str) -> dict[str, int]:
    """Messages of a procedure between the functions and to the gNB, by interface."""
    seen = pd.concat([steps_of(procedure, Core()) for procedure in PROCEDURES[name]])["interface"].value_counts()
    return {interface: int(seen.get(interface, 0)) for interface in ("N2", "SBI", "N4", "DB")}


def measured_counts(name: str) -> dict[str, float]:
    """The same as captured, with a share of what comes once per connection."""
    table = pd.read_csv(MEASURED / "messages_per_procedure_direct.csv")
    table = table[table["procedure"] == name].groupby("interface")["messages_per_procedure"].sum()
    return {ours: float(table.get(theirs, 0.0)) for ours, theirs in
            {"N2": "N2-NGAP", "SBI": "SBI", "N4": "N4-PFCP", "DB": "DB"}.items()}  # fmt: skip


def cpu_tables(core: Core) -> Iterator[str]:
    """Messages and CPU per procedure, then CPU per procedure and function."""
    table = measured_cpu()
    yield row("procedure", "NGAP", "SBI", "PFCP", "DB", "CPU measured, ms", "CPU model, ms", "error")
    yield row(*["---"] * 8)
    for name in PROCEDURES:
        ours, theirs = counts(name), measured_counts(name)
        model, seen = alone(name, core), table[table["procedure"] == name]
        total = sum(model.get(nf, 0.0) for nf in seen["nf"])
        messages = [f"{ours[i]} ({theirs[i]:g})" if ours[i] != theirs[i] else ours[i] for i in ours]
        yield row(name, *messages, f"{seen['ms'].sum():.2f}", f"{total:.2f}", percent(total, seen["ms"].sum()))
    yield ""
    functions = ["AMF", "SMF", "AUSF", "UDM", "UDR", "PCF", "BSF", "UPF"]
    yield row("procedure", *functions)
    yield row(*["---"] * (1 + len(functions)))
    for name in PROCEDURES:
        model, seen = alone(name, core), table[table["procedure"] == name].set_index("nf")["ms"]
        yield row(name, *(f"{seen[nf]:.2f} / {model[nf]:.2f} ({percent(model[nf], seen[nf])})" if nf in seen else ""
                          for nf in functions))  # fmt: skip


def rate_runs() -> dict[str, pd.DataFrame]:
    """Attempts of each run at a rate, by run."""
    table = pd.read_csv(MEASURED / "registration_rate_direct_1core_attempts.csv")
    return {str(name): attempts for name, attempts in table.groupby("run_id", sort=False)}


def run_cpu() -> dict[str, float]:
    """CPU ms an attempt of each run at a rate."""
    table = pd.read_csv(MEASURED / "registration_rate_direct_1core.csv").set_index("run_id")
    return dict(table["core_cpu_ms_per_attempt"])


def low_load(name: str) -> dict[str, pd.DataFrame]:
    """Attempts of a procedure at about 20/s, by replicate."""
    table = pd.read_csv(MEASURED / "latency_lowload_direct.csv")
    table = table[table["procedure"] == name].rename(columns={"start_s": "arrival_s", "procedure_latency_ms": "latency_ms"})
    return {str(replicate): attempts for replicate, attempts in table.groupby("replicate", sort=False)}


def low_load_cpu(name: str) -> dict[str, float]:
    """CPU ms of the functions (without data base and generator) a procedure, by replicate."""
    table = pd.read_csv(MEASURED / "cpu_per_procedure_lowload_direct.csv")
    table = table[(table["procedure"] == name) & ~table["process"].isin(["loadgen", "mongostub"])]
    stages = table.groupby(["replicate", "stage_order"])["cpu_ms_per_procedure"].sum()
    return dict(stages.groupby("replicate").mean())


def replay(attempts: pd.DataFrame, procedure: str, core: Core, mark: str = "") -> Outcome:
    """The model under the very arrivals of a measured run."""
    return run(list(1e3 * attempts["arrival_s"]), procedure, core, mark)


def at_cpu(attempts: pd.DataFrame, procedure: str, core: Core, cpu_ms: float) -> Core:
    """The core on a CPU so fast that an attempt costs what it did in this run."""
    for _ in range(4):
        core = replace(core, speed=core.speed * cpu_ms / replay(attempts, procedure, core).per_attempt())
    return core


def summary(latency: Iterable[float]) -> list[float]:
    """Mean, p50, p95, p99."""
    values = np.asarray(list(latency))
    return [float(values.mean()), *(float(q) for q in np.percentile(values, [50, 95, 99]))]


def against(model: list[float], measured: list[float]) -> list[str]:
    """Pairs measured / model, the mean with its error."""
    pairs = [f"{seen:.1f} / {ours:.1f}" for ours, seen in zip(model, measured)]
    return [f"{pairs[0]} ({percent(model[0], measured[0])})", *pairs[1:]]


def latency_tables(core: Core) -> Iterator[str]:
    """Latencies with the profile as it is, and at the speed of the CPU in each run."""
    yield row("run", "CPU an attempt, ms", "mean, ms", "p50", "p95", "p99", "mean at the run's CPU, ms", "p50", "p95", "p99")
    yield row(*["---"] * 10)
    runs = [(f"20/s, {replicate}", attempts, low_load_cpu("reg")[replicate]) for replicate, attempts in low_load("reg").items()]
    runs += [(f"{attempts['offered_rate_per_s'].iloc[0]:.0f}/s", attempts, run_cpu()[name])
             for name, attempts in rate_runs().items()]  # fmt: skip
    for name, attempts, cpu_ms in runs:
        measured = summary(attempts["latency_ms"])
        fixed = replay(attempts, REGISTRATION, core)
        scaled = replay(attempts, REGISTRATION, at_cpu(attempts, REGISTRATION, core, cpu_ms))
        cpu = f"{cpu_ms:.2f} / {fixed.per_attempt():.2f} ({percent(fixed.per_attempt(), cpu_ms)})"
        yield row(name, cpu, *against(summary(fixed.latency), measured), *against(summary(scaled.latency), measured))
    yield ""
    yield row("procedure, 20/s", "mean, ms", "p50", "p95", "p99")
    yield row(*["---"] * 5)
    for name in ("pdu", "rel", "svc", "dereg"):
        parts = low_load(name)
        seen = summary(pd.concat(parts.values())["latency_ms"])
        ours = np.concatenate([replay(attempts, PROCEDURES[name][0], core).latency for attempts in parts.values()])
        yield row(name, *against(summary(ours), seen))
    paging = pd.read_csv(MEASURED / "paging_periodic_latency_direct.csv")
    for name in ("page", "preg"):
        attempts = paging[paging["procedure"] == name].rename(columns={"start_s": "arrival_s"})
        yield row(name, *against(summary(replay(attempts, PROCEDURES[name][0], core).latency), summary(attempts["t1_ms"])))


def service_rates(arrivals: Iterable[float], latency: Iterable[float]) -> list[float]:
    """Registrations accepted a second while so many were in hand (groups of IN_SYSTEM), and the share of time with none."""
    events = sorted((t, step) for a, x in zip(arrivals, latency) for t, step in ((a, 1), (a + x, -1)))
    time, ends = np.zeros(500), np.zeros(500)
    inside, last = 0, events[0][0]
    for t, step in events:
        time[inside] += t - last
        ends[inside] += step < 0
        inside, last = inside + step, t
    return [1e3 * ends[a : b + 1].sum() / time[a : b + 1].sum() for a, b in IN_SYSTEM] + [100 * time[0] / time.sum()]


def accepted(arrivals: Iterable[float], latency: Iterable[float]) -> list[int]:
    """Registrations accepted while so many were in hand."""
    ends, inside = np.zeros(500, int), 0
    for _, step in sorted((t, step) for a, x in zip(arrivals, latency) for t, step in ((a, 1), (a + x, -1))):
        ends[inside] += step < 0
        inside += step
    return [int(ends[a : b + 1].sum()) for a, b in IN_SYSTEM]


def ablation_table(core: Core) -> Iterator[str]:
    """What each part of the model does, with CPU an attempt as in the run, to the latency and to the rates by number in hand."""
    variants = [
        ("processor sharing alone", Core(wake_us=0.0, hop_us=0.0, free_db=True)),
        ("and 0.02 ms between processes", Core(wake_us=0.0, free_db=True)),
        ("and the data base on the same CPU", Core(wake_us=0.0, stub=True)),
        *((f"and waking, {us / 1e3:g} ms", Core(wake_us=us, stub=True)) for us in (20.0, 30.0, 45.0, 60.0, 80.0)),
        ("waking, 0.045 ms, data base elsewhere", replace(core, free_db=True)),
    ]
    runs, cpu = rate_runs(), run_cpu()
    yield row("model", *(f"mean at {a['offered_rate_per_s'].iloc[0]:.0f}/s, ms" for a in runs.values()), "chi square, 10 rates")
    yield row("---", *["---"] * len(runs), "---")
    for text, variant in variants:
        means, distance = [], 0.0
        for name, attempts in runs.items():
            ordered = attempts.sort_values("arrival_s")
            arrivals = 1e3 * ordered["arrival_s"]
            latency = replay(attempts, REGISTRATION, at_cpu(attempts, REGISTRATION, variant, cpu[name])).latency
            seen, ours = service_rates(arrivals, ordered["latency_ms"]), service_rates(arrivals, latency)
            for a, b, n in zip(seen, ours, accepted(arrivals, ordered["latency_ms"])):
                distance += n * (1 - b / a) ** 2
            means.append(f"{ordered['latency_ms'].mean():.1f} / {np.mean(latency):.1f}")
        yield row(text, *means, f"{distance:.1f}")
    yield ""


def inner_tables(core: Core) -> Iterator[str]:
    """What tells the mechanism: rates by number in hand, marks within a registration, turnaround of functions."""
    yield row(
        "run", *(f"{a} to {b}" if a < b else a for a, b in IN_SYSTEM[:-1]), f"{IN_SYSTEM[-1][0]} and more", "nobody, % of time"
    )
    yield row(*["---"] * 7)
    scaled = {name: at_cpu(attempts, REGISTRATION, core, run_cpu()[name]) for name, attempts in rate_runs().items()}
    for name, attempts in rate_runs().items():
        ordered = attempts.sort_values("arrival_s")
        arrivals = 1e3 * ordered["arrival_s"]
        seen = service_rates(arrivals, ordered["latency_ms"])
        ours = service_rates(arrivals, replay(attempts, REGISTRATION, scaled[name]).latency)
        yield row(f"{attempts['offered_rate_per_s'].iloc[0]:.0f}/s", *(f"{a:.0f} / {b:.0f}" for a, b in zip(seen, ours)))
    yield ""
    yield row("run", "to Authentication Request, ms", "to Security Mode Command", "to Registration Accept", "correlation")
    yield row(*["---"] * 5)
    for name, attempts in rate_runs().items():
        ordered = attempts.sort_values("arrival_s")
        marks = {column: replay(attempts, REGISTRATION, scaled[name], mark).latency
                 for column, mark in REGISTRATION_MARKS.items()}  # fmt: skip
        pairs = [f"{ordered[column].mean():.1f} / {np.mean(marks[column]):.1f}" for column in marks]
        fit = np.corrcoef(ordered["latency_ms"], marks["latency_ms"])[0, 1]
        yield row(f"{attempts['offered_rate_per_s'].iloc[0]:.0f}/s", *pairs, f"{fit:.2f}")
    yield ""
    yield from turnaround_table(core)


def turnaround_table(core: Core) -> Iterator[str]:
    """Median time from a function's last byte in to its first byte out against what the model lets that work cost."""
    table = pd.read_csv(MEASURED / "nf_turnaround_direct.csv")
    table = table[table["procedure"].isin(["reg", "pdu", "rel", "svc", "dereg"])]
    names = {"N2-NGAP": "N2", "N4-PFCP": "N4", "SBI": "SBI", "DB": "DB"}
    ours: dict[tuple[str, str, str], list[float]] = {}
    for name in ("reg", "pdu", "rel", "svc", "dereg"):
        steps = steps_of(PROCEDURES[name][0], core)
        for at, step in enumerate(steps.itertuples()):
            out = steps[steps["after"] == at]
            if len(out) and step.receiver not in ("UE", "GNB"):
                us = (step.receive_ns + out["send_ns"].sum()) / 1e3 + profile().wake_us
                ours.setdefault((step.receiver, step.interface, out["interface"].iloc[0]), []).append(us)
    table["key"] = list(zip(table["nf"], table["in_interface"].map(names), table["out_interface"].map(names)))
    seen = dict(list(table.groupby("key")["turnaround_us"]))
    yield row("function", "from", "to", "turnaround, median, us", "CPU of the model, us")
    yield row(*["---"] * 5)
    for key, values in sorted(ours.items()):
        if len(seen.get(key, ())) >= 20:
            yield row(*key, f"{seen[key].median():.0f}", f"{np.mean(values):.0f}")


def capacity(core: Core) -> float:
    """Registrations a second by the CPU of one among very many that wait and never give up."""
    patient = replace(core, patience_ms=1e9, sbi_timer_ms=1e9)
    return 600 / sum(run([0.0] * 600, REGISTRATION, patient).cpu.values()) * core.cpus * 1e3


def poisson(rate: float, seconds: float, seed: int) -> list[float]:
    """Arrivals at random, ms."""
    return list(np.cumsum(np.random.default_rng(seed).exponential(1e3 / rate, int(rate * seconds))))


def prediction_tables(core: Core) -> Iterator[str]:
    """What has not been looked at: other topologies, cores, rates, bursts."""
    settings = {"direct, 1 CPU": core, "direct, 2 CPUs": replace(core, cpus=2), "SCP, 1 CPU": replace(core, scp=True),
                "SCP, 2 CPUs": replace(core, scp=True, cpus=2)}  # fmt: skip
    limits = {name: capacity(setting) for name, setting in settings.items()}
    yield row("registrations", *settings)
    yield row(*["---"] * (1 + len(settings)))
    yield row("CPU of one alone, ms", *(f"{sum(alone('reg', s).values()):.2f}" for s in settings.values()))
    yield row("latency of one alone, ms", *(f"{run([0.0], REGISTRATION, s).latency[0]:.1f}" for s in settings.values()))
    yield row("saturation by CPU, 1/s", *(f"{limit:.0f}" for limit in limits.values()))
    for rate in (20, 40, 60, 80, 100, 120, 160, 200):
        cells = []
        for name, setting in settings.items():
            if rate > 0.95 * limits[name]:
                cells.append("saturated")
                continue
            means = [np.mean(run(poisson(rate, 30, seed), REGISTRATION, setting).latency) for seed in range(4)]
            cells.append(f"{np.mean(means):.1f}")
        yield row(f"mean latency at {rate}/s, ms", *cells)
    for n in (50, 100, 200, 500, 1000, 1500, 2000, 3000):
        cells = []
        for setting in settings.values():
            served, last = run([0.0] * n, REGISTRATION, setting).served()
            cells.append(f"{last / 1e3:.2f} s" if served == n else f"{served} of {n}, {last / 1e3:.1f} s")
        yield row(f"{n} at once", *cells)
    yield ""
    yield row("for 60 s, direct, 1 CPU", *(f"in {a} to {a + 10} s" for a in range(0, 60, 10)))
    yield row(*["---"] * 7)
    for rate in (130, 140, 160, 200):
        arrivals = np.array(poisson(rate, 60, 0))
        good = ~np.isnan(run(list(arrivals), REGISTRATION, core).latency)
        shares = [100 * good[(arrivals >= 1e3 * a) & (arrivals < 1e3 * (a + 10))].mean() for a in range(0, 60, 10)]
        yield row(f"accepted of those that came, {rate}/s", *(f"{share:.0f} %" for share in shares))


def main() -> None:
    """Print all tables."""
    core = Core()
    for part in (cpu_tables, latency_tables, ablation_table, inner_tables, prediction_tables):
        for line in part(core):
            sys.stdout.write(line + "\n")
        sys.stdout.write("\n")


if __name__ == "__main__":
    main()
