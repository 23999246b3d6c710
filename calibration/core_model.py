"""A core whose functions share CPUs, message by message: the model of docs/signalling.md section 4, for calibration only.

Each function is one event loop: it serves its messages in order. Busy functions of the host share its CPUs equally. A message
costs what its kind costs, and `wake` more when it finds its function idle. Times in milliseconds.
"""

from __future__ import annotations

import csv
import heapq
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

from ruamel.yaml import YAML

LIBRARY = Path(__file__).parents[1] / "twin" / "scenario" / "library"
FLOWS = LIBRARY / "call_flows" / "5gc.csv"
OUTSIDE = ("UE", "GNB", "IOT")
PATIENCE_MS, SBI_TIMER_MS = 15e3, 10e3


@dataclass
class Costs:
    """Milliseconds of CPU a message. An SBI request costs its client `sent`, its server `served`, half with the response."""

    sent: float
    served: float
    ngap: float
    pfcp: float
    db: float
    wake: float
    factor: dict[str, float] = field(default_factory=dict)

    @staticmethod
    def of_profile(name: str) -> Costs:
        """The costs of a core profile of the library."""
        profile = YAML(typ="safe").load((LIBRARY / "core_profiles.yaml").read_text())[name]
        cost = {key: us / 1e3 for key, us in profile["message_costs_us"].items()}
        return Costs(cost["sbi_request_sent"], cost["sbi_request_served"], cost["ngap"], cost["pfcp"], cost["db"],
                     profile["wake_us"] / 1e3, {nf.upper(): x for nf, x in profile.get("role_factors", {}).items()})  # fmt: skip

    def times(self, factor: float) -> Costs:
        """The same on a CPU slower by a factor."""
        return Costs(*(factor * cost for cost in (self.sent, self.served, self.ngap, self.pfcp, self.db, self.wake)), self.factor)

    def of(self, role: str, step: Step, arrives: bool) -> float:
        """What a function pays for a message that arrives or leaves."""
        if role in OUTSIDE:
            return 0.0
        if step.interface == "SBI":
            asks = step.kind == "request"
            cost = (self.served if asks == arrives else self.sent) / 2
        else:
            cost = {"N2": self.ngap, "N4": self.pfcp, "DB": self.db}[step.interface]
        return cost * self.factor.get(role, 1.0)


@dataclass
class Step:
    """A message of a procedure; `after` -1 at the start, else the index of the step it follows."""

    after: int
    sender: str
    receiver: str
    interface: str
    message: str
    kind: str
    success: bool


def flow(procedure: str, scp: bool = False) -> list[Step]:
    """Steps of a procedure of the library; with `scp` each SBI message goes by way of the SCP."""
    with FLOWS.open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["procedure"] == procedure]
    steps: list[Step] = []
    place: list[int] = []  # of a row's last step
    for number, row in enumerate(rows):
        before = number - 1 if row["after"] == "" else int(row["after"]) - 1
        after = place[before] if before >= 0 else -1
        ends = [(row["sender"], row["receiver"])]
        if scp and row["interface"] == "SBI":
            ends = [(row["sender"], "SCP"), ("SCP", row["receiver"])]
        for sender, receiver in ends:
            steps.append(Step(after, sender, receiver, row["interface"], row["message"], row["kind"], row["success"] == "yes"))
            after = len(steps) - 1
        place.append(after)
    return steps


@dataclass
class Outcome:
    """Of one run. marks: per instance when a message first reached the gNB, ms after the start. cpu: ms per function."""

    marks: list[dict[str, float]]
    state: list[str]  # running, succeeded, timeout, sbi_timeout
    ended: list[float]
    cpu: dict[str, float]

    def latency(self, message: str) -> list[float]:
        """Time to the first message whose name begins so, of the instances it reached."""
        return [next(t for name, t in m.items() if name.startswith(message)) for m in self.marks
                if any(name.startswith(message) for name in m)]  # fmt: skip

    def served(self) -> tuple[int, float]:
        """How many succeeded, and when the last of them did."""
        good = [end for end, state in zip(self.ended, self.state) if state == "succeeded"]
        return len(good), max(good, default=0.0)


def run(arrivals: list[tuple[float, str]], costs: Costs, *, cpus: int = 1, scp: bool = False, outside: float = 0.1,
        hop: float = 0.02, patience: float = PATIENCE_MS, sbi_timer: float = SBI_TIMER_MS,
        free: tuple[str, ...] = ()) -> Outcome:  # fmt: skip
    """Serve procedures that start at the given times.

    `outside`: what a device and its gNB take to answer; `hop`: on the way between two processes, without CPU.
    `free`: functions that cost nothing (they run elsewhere).
    """
    flows = {name: flow(name, scp) for name in {name for _, name in arrivals}}
    follow = {name: [[n for n, s in enumerate(f) if s.after == at] for at in range(-1, len(f))] for name, f in flows.items()}
    receive = {name: [costs.of(s.receiver, s, True) for s in steps] for name, steps in flows.items()}
    send = {name: [costs.of(s.sender, s, False) for s in steps] for name, steps in flows.items()}

    calendar: list[tuple[float, int, str, int, int]] = []  # time, order, what, instance, step
    order = 0
    marks: list[dict[str, float]] = [{} for _ in arrivals]
    asked = [0] * len(arrivals)
    deadline = [float("inf")] * len(arrivals)
    state = ["running"] * len(arrivals)
    ended = [float("inf")] * len(arrivals)
    queues: dict[str, deque] = {}
    cpu: dict[str, float] = {}
    tags: list[tuple[float, str]] = []  # virtual work at which a function's message is done
    virtual = now = 0.0

    def put(time: float, what: str, instance: int, step: int) -> None:
        nonlocal order
        heapq.heappush(calendar, (time, order, what, instance, step))
        order += 1

    def leave(instance: int, at: int) -> None:
        """All steps that follow step `at` leave now."""
        name = arrivals[instance][1]
        for n in follow[name][at + 1]:
            step = flows[name][n]
            if step.interface == "SBI" and step.kind == "request":
                if asked[instance] == 0:
                    deadline[instance] = now + sbi_timer
                    put(deadline[instance], "sbi_timeout", instance, n)
                asked[instance] += 1
            put(now + (0.0 if step.interface == "Uu" else hop), "arrive", instance, n)

    def begin(function: str) -> None:
        heapq.heappush(tags, (virtual + queues[function][0][2], function))

    def work(function: str, instance: int, n: int, demand: float) -> None:
        waiting = queues.setdefault(function, deque())
        demand = 0.0 if function in free else demand + (0.0 if waiting else costs.wake)
        cpu[function] = cpu.get(function, 0.0) + demand
        waiting.append((instance, n, demand))
        if len(waiting) == 1:
            begin(function)

    def end(instance: int, how: str) -> None:
        if state[instance] == "running":
            state[instance], ended[instance] = how, now

    def arrive(instance: int, n: int) -> None:
        name = arrivals[instance][1]
        step = flows[name][n]
        answers = step.interface == "SBI" and step.kind == "response"
        asked[instance] -= answers
        if step.receiver == "GNB":
            marks[instance].setdefault(step.message, now - arrivals[instance][0])
        if step.receiver in OUTSIDE:
            if step.success:
                end(instance, "succeeded")
            if step.receiver == "UE" and state[instance] in ("timeout", "sbi_timeout"):
                return
            for following in follow[name][n + 1]:
                put(now + (outside if step.receiver == "UE" else hop), "arrive", instance, following)
        elif not (answers and asked[instance] == 0 and state[instance] == "sbi_timeout"):
            work(step.receiver, instance, n, receive[name][n] + sum(send[name][f] for f in follow[name][n + 1]))

    for instance, (time, _) in enumerate(arrivals):
        put(time, "start", instance, -1)
    while calendar or tags:
        rate = min(1.0, cpus / len(tags)) if tags else 1.0
        done = now + max(0.0, tags[0][0] - virtual) / rate if tags else float("inf")
        if tags and not (calendar and calendar[0][0] < done):
            virtual, now = max(virtual, tags[0][0]), done
            function = heapq.heappop(tags)[1]
            instance, n, _ = queues[function].popleft()
            if queues[function]:
                begin(function)
            leave(instance, n)
            continue
        time, _, what, instance, n = heapq.heappop(calendar)
        virtual, now = virtual + (time - now) * rate, time
        if what == "arrive":
            arrive(instance, n)
        elif what == "start":
            put(now + patience, "timeout", instance, -1)
            name = arrivals[instance][1]
            starter = flows[name][0].sender
            if starter in OUTSIDE:
                leave(instance, -1)
            else:
                work(starter, instance, -1, sum(send[name][n] for n in follow[name][0]))
        elif what == "timeout" or (asked[instance] and now >= deadline[instance]):
            end(instance, what)
    return Outcome(marks, state, ended, cpu)
