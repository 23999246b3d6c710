"""The profile `open5gs` against the measurement of a real core: the tables of docs/validation.md.

    .venv/bin/python calibration/open5gs.py            # needs ../shared/data/open5gs_measured

Costs come from the profile, messages from the call flows, times from `core_model`. Only the measurement is not shipped.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from core_model import Costs, Outcome, flow, run

MEASURED = Path(__file__).parents[2] / "shared" / "data" / "open5gs_measured"
#: measured name -> our procedures, and the message whose arrival at the gNB ends the measured latency
PROCEDURES = {
    "reg": (["registration"], "InitialContextSetupRequest"),
    "pdu": (["session_establishment"], "PDUSessionResourceSetupRequest"),
    "rel": (["an_release"], "UEContextReleaseCommand"),
    "svc": (["service_request"], "InitialContextSetupRequest"),
    "dereg": (["deregistration"], "UEContextReleaseCommand"),
    "page": (["paging", "service_request"], "Paging"),
    "preg": (["periodic_update"], "DownlinkNASTransport"),
}
ACCEPT = PROCEDURES["reg"][1]
REGISTRATION_MARKS = {
    "auth_request_ms": "DownlinkNASTransport (Authentication",
    "security_mode_command_ms": "DownlinkNASTransport (Security",
    "latency_ms": ACCEPT,
}
#: CPU of the data base's stub a query, measured
STUB_MS = 0.032
IN_SYSTEM = ((1, 1), (2, 2), (3, 4), (5, 7), (8, 40))


def row(*cells: object) -> str:
    """A row of a Markdown table."""
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def percent(model: float, measured: float) -> str:
    """The error of the model."""
    return f"{100 * (model / measured - 1):+.0f} %"


def alone(name: str, costs: Costs, **setting: float) -> dict[str, float]:
    """CPU ms per function of a measured procedure when one device is under way."""
    total: dict[str, float] = {}
    for procedure in PROCEDURES[name][0]:
        for function, ms in run([(0.0, procedure)], costs, **setting).cpu.items():  # type: ignore[arg-type]
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


def counts(name: str) -> dict[str, int]:
    """Messages of a procedure between the functions and to the gNB, by interface."""
    steps = [step for procedure in PROCEDURES[name][0] for step in flow(procedure)]
    return {interface: sum(step.interface == interface for step in steps) for interface in ("N2", "SBI", "N4", "DB")}


def measured_counts(name: str) -> dict[str, float]:
    """The same as captured, with a share of what comes once per connection."""
    table = pd.read_csv(MEASURED / "messages_per_procedure_direct.csv")
    table = table[table["procedure"] == name].groupby("interface")["messages_per_procedure"].sum()
    return {ours: float(table.get(theirs, 0.0)) for ours, theirs in
            {"N2": "N2-NGAP", "SBI": "SBI", "N4": "N4-PFCP", "DB": "DB"}.items()}  # fmt: skip


def cpu_tables(costs: Costs) -> Iterator[str]:
    """Messages and CPU per procedure, then CPU per procedure and function."""
    table = measured_cpu()
    yield row("procedure", "NGAP", "SBI", "PFCP", "DB", "CPU measured, ms", "CPU model, ms", "error")
    yield row(*["---"] * 8)
    for name in PROCEDURES:
        ours, theirs = counts(name), measured_counts(name)
        model, seen = alone(name, costs), table[table["procedure"] == name]
        total = sum(model.get(nf, 0.0) for nf in seen["nf"])
        messages = [f"{ours[i]} ({theirs[i]:g})" if ours[i] != theirs[i] else ours[i] for i in ours]
        yield row(name, *messages, f"{seen['ms'].sum():.2f}", f"{total:.2f}", percent(total, seen["ms"].sum()))
    yield ""
    functions = ["AMF", "SMF", "AUSF", "UDM", "UDR", "PCF", "BSF", "UPF"]
    yield row("procedure", *functions)
    yield row(*["---"] * (1 + len(functions)))
    for name in PROCEDURES:
        model, seen = alone(name, costs), table[table["procedure"] == name].set_index("nf")["ms"]
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


def replay(attempts: pd.DataFrame, procedure: str, costs: Costs, **setting: object) -> Outcome:
    """The model under the very arrivals of a measured run."""
    return run([(1e3 * t, procedure) for t in attempts["arrival_s"].sort_values()], costs, **setting)  # type: ignore[arg-type]


def per_attempt(outcome: Outcome) -> float:
    """CPU ms of the functions an attempt, without the data base."""
    return sum(ms for function, ms in outcome.cpu.items() if function != "DB") / len(outcome.state)


def at_cpu(attempts: pd.DataFrame, procedure: str, costs: Costs, cpu_ms: float, **setting: object) -> tuple[Costs, Outcome]:
    """The model on a CPU so fast that an attempt costs what it did in this run."""
    outcome = replay(attempts, procedure, costs, **setting)
    for _ in range(5):
        costs = costs.times(cpu_ms / per_attempt(outcome))
        outcome = replay(attempts, procedure, costs, **setting)
    return costs, outcome


def summary(latency: Iterable[float]) -> list[float]:
    """Mean, p50, p95, p99."""
    values = np.asarray(list(latency))
    return [float(values.mean()), *(float(q) for q in np.percentile(values, [50, 95, 99]))]


def against(model: list[float], measured: list[float]) -> list[str]:
    """Pairs measured / model, the mean with its error."""
    pairs = [f"{seen:.1f} / {ours:.1f}" for ours, seen in zip(model, measured)]
    return [f"{pairs[0]} ({percent(model[0], measured[0])})", *pairs[1:]]


def latency_tables(costs: Costs) -> Iterator[str]:
    """Latencies with the profile as it is, and at the speed of the CPU in each run."""
    yield row("run", "CPU an attempt, ms", "mean, ms", "p50", "p95", "p99", "mean at the run's CPU, ms", "p50", "p95", "p99")
    yield row(*["---"] * 10)
    runs = [(f"registration, 20/s, {replicate}", attempts, low_load_cpu("reg")[replicate])
            for replicate, attempts in low_load("reg").items()]  # fmt: skip
    runs += [(f"registration, {attempts['offered_rate_per_s'].iloc[0]:.0f}/s", attempts, run_cpu()[name])
             for name, attempts in rate_runs().items()]  # fmt: skip
    for name, attempts, cpu_ms in runs:
        measured = summary(attempts["latency_ms"])
        fixed = replay(attempts, "registration", costs)
        _, scaled = at_cpu(attempts, "registration", costs, cpu_ms)
        cpu = f"{cpu_ms:.2f} / {per_attempt(fixed):.2f} ({percent(per_attempt(fixed), cpu_ms)})"
        yield row(name, cpu, *against(summary(fixed.latency(ACCEPT)), measured),
                  *against(summary(scaled.latency(ACCEPT)), measured))  # fmt: skip
    yield ""
    yield row("procedure, 20/s", "mean, ms", "p50", "p95", "p99")
    yield row(*["---"] * 5)
    for name in ("pdu", "rel", "svc", "dereg"):
        parts = low_load(name)
        seen = summary(pd.concat(parts.values())["latency_ms"])
        (procedure,), mark = PROCEDURES[name]
        ours: list[float] = []
        for attempts in parts.values():
            # A replicate may have the procedure twice, with a pause between.
            ours += replay(attempts, procedure, costs).latency(mark)
        yield row(name, *against(summary(ours), seen))
    paging = pd.read_csv(MEASURED / "paging_periodic_latency_direct.csv")
    for name, column in (("page", "t1_ms"), ("preg", "t1_ms")):
        attempts = paging[paging["procedure"] == name].rename(columns={"start_s": "arrival_s"})
        procedures, mark = PROCEDURES[name]
        ours = replay(attempts, procedures[0], costs).latency(mark)
        yield row(name, *against(summary(ours), summary(attempts[column])))


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


def ablation_table(costs: Costs) -> Iterator[str]:
    """What each part of the model does, with CPU an attempt as in the run, to the latency and to the rates by number in hand."""

    def waking(ms: float) -> Costs:
        """Another cost of waking; the data base's stub costs what it did (0.032 ms a query)."""
        return replace(costs, wake=ms, factor=costs.factor | {"DB": max(0.0, STUB_MS - ms) / (2 * costs.db)})

    variants: list[tuple[str, Costs, dict]] = [
        ("processor sharing alone", waking(0.0), {"hop": 0.0, "free": ("DB",)}),
        ("and 0.02 ms between processes", waking(0.0), {"free": ("DB",)}),
        ("and the data base on the same CPU", waking(0.0), {}),
        *((f"and waking, {ms:g} ms", waking(ms), {}) for ms in (0.02, 0.04, 0.06, 0.08)),
        ("waking, 0.04 ms, data base elsewhere", waking(0.04), {"free": ("DB",)}),
    ]
    runs, cpu = rate_runs(), run_cpu()
    yield row("model", *(f"mean at {a['offered_rate_per_s'].iloc[0]:.0f}/s, ms" for a in runs.values()), "chi square, 10 rates")
    yield row("---", *["---"] * len(runs), "---")
    for text, variant, setting in variants:
        means, distance = [], 0.0
        for name, attempts in runs.items():
            ordered = attempts.sort_values("arrival_s")
            arrivals = 1e3 * ordered["arrival_s"]
            _, outcome = at_cpu(attempts, "registration", variant, cpu[name], **setting)
            latency = outcome.latency(ACCEPT)
            seen, ours = service_rates(arrivals, ordered["latency_ms"]), service_rates(arrivals, latency)
            for a, b, n in zip(seen, ours, accepted(arrivals, ordered["latency_ms"])):
                distance += n * (1 - b / a) ** 2
            means.append(f"{ordered['latency_ms'].mean():.1f} / {np.mean(latency):.1f}")
        yield row(text, *means, f"{distance:.1f}")
    yield ""


def inner_tables(costs: Costs) -> Iterator[str]:
    """What tells the mechanism: rates by number in hand, marks within a registration, turnaround of functions."""
    yield row(
        "run", *(f"{a} to {b}" if a < b else a for a, b in IN_SYSTEM[:-1]), f"{IN_SYSTEM[-1][0]} and more", "nobody, % of time"
    )
    yield row(*["---"] * 7)
    for name, attempts in rate_runs().items():
        _, outcome = at_cpu(attempts, "registration", costs, run_cpu()[name])
        arrivals = list(1e3 * attempts["arrival_s"].sort_values())
        seen = service_rates(1e3 * attempts["arrival_s"], attempts["latency_ms"])
        ours = service_rates(arrivals, outcome.latency(ACCEPT))
        yield row(f"{attempts['offered_rate_per_s'].iloc[0]:.0f}/s", *(f"{a:.0f} / {b:.0f}" for a, b in zip(seen, ours)))
    yield ""
    yield row("run", "to Authentication Request, ms", "to Security Mode Command", "to Registration Accept", "correlation")
    yield row(*["---"] * 5)
    for name, attempts in rate_runs().items():
        _, outcome = at_cpu(attempts, "registration", costs, run_cpu()[name])
        ordered = attempts.sort_values("arrival_s")
        pairs = [f"{ordered[column].mean():.1f} / {np.mean(outcome.latency(mark)):.1f}"
                 for column, mark in REGISTRATION_MARKS.items()]  # fmt: skip
        fit = np.corrcoef(ordered["latency_ms"], outcome.latency(ACCEPT))[0, 1]
        yield row(f"{attempts['offered_rate_per_s'].iloc[0]:.0f}/s", *pairs, f"{fit:.2f}")
    yield ""
    yield from turnaround_table(costs)


def turnaround_table(costs: Costs) -> Iterator[str]:
    """Median time from a function's last byte in to its first byte out against what the model lets that work cost."""
    table = pd.read_csv(MEASURED / "nf_turnaround_direct.csv")
    table = table[table["procedure"].isin(["reg", "pdu", "rel", "svc", "dereg"])]
    names = {"N2-NGAP": "N2", "N4-PFCP": "N4", "SBI": "SBI", "DB": "DB"}
    ours: dict[tuple[str, str, str], list[float]] = {}
    for name in ("reg", "pdu", "rel", "svc", "dereg"):
        steps = flow(PROCEDURES[name][0][0])
        for at, step in enumerate(steps):
            out = [later for later in steps if later.after == at]
            if out and step.receiver not in ("UE", "GNB"):
                ms = costs.of(step.receiver, step, True) + sum(costs.of(s.sender, s, False) for s in out) + costs.wake
                ours.setdefault((step.receiver, step.interface, out[0].interface), []).append(ms)
    table["key"] = list(zip(table["nf"], table["in_interface"].map(names), table["out_interface"].map(names)))
    seen = dict(list(table.groupby("key")["turnaround_us"]))
    yield row("function", "from", "to", "turnaround, median, us", "CPU of the model, us")
    yield row(*["---"] * 5)
    for key, values in sorted(ours.items()):
        if len(seen.get(key, ())) >= 20:
            yield row(*key, f"{seen[key].median():.0f}", f"{1e3 * np.mean(values):.0f}")


def capacity(costs: Costs, **setting: float) -> float:
    """Registrations a second that pass when far more wait: the middle of a batch that never gives up."""
    outcome = run([(0.0, "registration")] * 600, costs, patience=1e9, sbi_timer=1e9, **setting)  # type: ignore[arg-type]
    return 600 / (sum(outcome.cpu.values()) / setting.get("cpus", 1)) * 1e3


def poisson(rate: float, seconds: float, seed: int) -> list[tuple[float, str]]:
    """Registrations that arrive at random."""
    gaps = np.random.default_rng(seed).exponential(1e3 / rate, int(rate * seconds))
    return [(float(t), "registration") for t in np.cumsum(gaps)]


def prediction_tables(costs: Costs) -> Iterator[str]:
    """What has not been looked at: other topologies, cores, rates, bursts."""
    settings: dict[str, dict] = {"direct, 1 CPU": {}, "direct, 2 CPUs": {"cpus": 2}, "SCP, 1 CPU": {"scp": True},
                                 "SCP, 2 CPUs": {"scp": True, "cpus": 2}}  # fmt: skip
    yield row("registrations", *settings)
    yield row(*["---"] * (1 + len(settings)))
    yield row("CPU of one alone, ms", *(f"{sum(alone('reg', costs, **s).values()):.2f}" for s in settings.values()))
    yield row("latency of one alone, ms",
              *(f"{run([(0.0, 'registration')], costs, **s).latency(ACCEPT)[0]:.1f}" for s in settings.values()))  # fmt: skip
    yield row("saturation by CPU, 1/s", *(f"{capacity(costs, **s):.0f}" for s in settings.values()))
    for rate in (40, 60, 80, 100, 120):
        cells = []
        for setting in settings.values():
            if rate > 0.93 * capacity(costs, **setting):
                cells.append("saturated")
                continue
            latency = [np.mean(run(poisson(rate, 30, seed), costs, **setting).latency(ACCEPT)) for seed in range(2)]
            cells.append(f"{np.mean(latency):.1f}")
        yield row(f"mean latency at {rate}/s, ms", *cells)
    for n in (50, 100, 200, 500, 1000, 1500, 2000, 3000):
        cells = []
        for setting in settings.values():
            served, last = run([(0.0, "registration")] * n, costs, **setting).served()
            cells.append(f"{last / 1e3:.2f} s" if served == n else f"{served} of {n}, {last / 1e3:.1f} s")
        yield row(f"{n} at once", *cells)


def main() -> None:
    """Print all tables."""
    costs = Costs.of_profile("open5gs")
    for part in (cpu_tables, latency_tables, ablation_table, inner_tables, prediction_tables):
        for line in part(costs):
            sys.stdout.write(line + "\n")
        sys.stdout.write("\n")


if __name__ == "__main__":
    main()
