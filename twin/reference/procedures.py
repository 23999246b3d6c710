"""Procedures: messages from role to role until one has the success, or a watch runs out (docs/signalling.md, 4 and 5)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import simpy

from twin.base.draws import PAGING
from twin.reference.air import Air
from twin.reference.control_ledger import BYTES, LOST, RECEIVED, SENT, ControlLedger, Record
from twin.reference.functions import MOBILITY, Core, Function
from twin.reference.hosts import Job
from twin.reference.instant import Timer, call_at, message_rank, served_rank, timer_rank
from twin.reference.randomness import Draws, mix
from twin.reference.tables import rows_of
from twin.world.signalling_start import OFF
from twin.world.signalling_tables import GNB, ROLES, TRIGGERS, UE, Signalling

_UPF, _IOT = ROLES.index("UPF"), ROLES.index("IOT")
_REGISTRATIONS = ("registration", "registration_guti")
_PAGINGS = ("paging", "ran_paging")
_ADMITTED = (*_REGISTRATIONS, "service_request", "periodic_update", "paging", "other")


@dataclass(frozen=True, eq=False)
class Step:
    """A message of a procedure; `row` is its row of `steps`, `following` are the steps its receiver sends then."""

    index: int
    row: Any
    following: list[Step]

    @property
    def cost_ns(self) -> int:
        """Work of a function that receives it and sends what follows."""
        return int(self.row.receive_ns + sum(step.row.send_ns for step in self.following))


@dataclass(frozen=True, eq=False)
class Procedure:
    """A row of `procedures` with its steps."""

    number: int
    row: Any
    trigger: str
    steps: list[Step]

    @property
    def first_steps(self) -> list[Step]:
        """What is sent at its start."""
        return [step for step in self.steps if step.row.after < 0]


@dataclass(eq=False)
class Instance(Record):
    """A procedure of a device, going on, ended, or ended with messages still on their way."""

    procedure: Any = None
    entity_hash: int = 0
    ended: Callable[[Instance], None] = lambda instance: None
    trouble: str = ""  # the first
    open_requests: int = 0
    deadline: int = -1  # of the open requests
    screened: bool = False  # has reached an AMF or MME

    @property
    def patience_end(self) -> int:
        """When it is given up; who pages waits for the device's cycle, too."""
        cycle = int(self.device.behaviour.drx_ns) if self.procedure.trigger in _PAGINGS else 0
        return self.t_start + int(self.procedure.row.patience_ns) + cycle

    @property
    def failed(self) -> bool:
        """It has ended, badly."""
        return self.outcome not in ("", "succeeded")

    def closes_last_after_failure(self, step: Step) -> bool:
        """The answer that the sender of the request does not wait for any more."""
        return self.outcome == "sbi_timeout" and step.row.closes and self.open_requests == 1

    def close_request(self) -> None:
        """An answer has arrived."""
        self.open_requests = max(0, self.open_requests - 1)
        if self.open_requests == 0:
            self.deadline = -1


@dataclass(eq=False)
class Errand:
    """What a function does for a procedure: process a message, or begin (`begins`). `refusal`: a cause, it only says no."""

    control: Procedures
    instance: Instance
    step: Step
    begins: bool
    refusal: str
    job: Job = field(init=False)

    @property
    def entity_hash(self) -> int:
        """The procedure's."""
        return self.instance.entity_hash

    def served(self) -> None:
        """The work is done."""
        self.control.served(self)

    def lost(self, cause: str) -> None:
        """The work is never done."""
        self.control.lose(self.instance, self.step, cause, is_message=not self.begins)


class Procedures:
    """Starts procedures and moves their messages."""

    def __init__(self, env: simpy.Environment, signalling: Signalling, cores: list[Core], airs: list[Air | None], draws: Draws,
                 ledger: ControlLedger) -> None:
        self._env, self._draws, self._ledger = env, draws, ledger
        self._cores, self._airs = cores, airs
        self._cells = rows_of(signalling.cells)
        self._procedures = _procedures(signalling)
        self._procedure_of = signalling.procedure_of

    def of_trigger(self, core: int, trigger: str) -> Procedure | None:
        """The procedure that a core has for something."""
        number = int(self._procedure_of[core, TRIGGERS.index(trigger)])
        return self._procedures[number] if number >= 0 else None

    def of_name(self, core: int, name: str) -> Procedure | None:
        """The procedure of that name."""
        return next((item for item in self._procedures if item.row.core == core and item.row.name == name), None)

    def of_row(self, number: int) -> Procedure:
        """The procedure of a row."""
        return self._procedures[number]

    # A procedure's life --------------------------------------------------------------------------------------------

    def start(self, device: Any, procedure: Procedure, ended: Callable[[Instance], None]) -> Instance:
        """A device starts a procedure now; `ended` is called when it has succeeded or failed."""
        now, serial = int(self._env.now), device.next_procedure()
        instance = Instance(device, serial, now, procedure=procedure, entity_hash=mix(device.device_hash ^ mix(serial)),
                            ended=ended)
        self._ledger.procedures.append(instance)
        self._watch(instance, instance.patience_end)
        for step in procedure.first_steps:
            if step.row.sender in (UE, GNB):
                self._send(instance, step, now + int(step.row.send_ns))
            else:
                call_at(self._env, now, message_rank(instance.entity_hash, now, step.index),
                        partial(self._arrive_at_function, instance, step, begins=True))
        return instance

    def fail(self, instance: Instance, cause: str) -> None:
        """It fails now, if it is still running."""
        if instance.going_on:
            instance.end(int(self._env.now), cause)
            instance.ended(instance)

    def _succeed(self, instance: Instance) -> None:
        if instance.going_on:
            instance.end(int(self._env.now), "succeeded")
            instance.ended(instance)

    def _watch(self, instance: Instance, at: int) -> None:
        """Fail it when its patience is over, or when an open request is so old; the patience is looked at first."""
        def look() -> None:
            if at >= instance.patience_end:
                self.fail(instance, instance.trouble or "timeout")
            elif at == instance.deadline:
                self.fail(instance, "sbi_timeout")

        call_at(self._env, at, timer_rank(instance.device.device_hash, at, Timer.WATCH, instance.serial), look)

    # Messages ------------------------------------------------------------------------------------------------------

    def _send(self, instance: Instance, step: Step, t: int) -> None:
        """A message that leaves its sender at t: all is decided now."""
        self._count(instance, step, SENT)
        self._count(instance, step, BYTES, int(step.row.bytes))
        if step.row.opens:
            self._open_request(instance)
        at = max(t + 1, self._arrival(instance, step, t))
        call_at(self._env, at, message_rank(instance.entity_hash, at, step.index), lambda: self._arrive(instance, step))

    def _open_request(self, instance: Instance) -> None:
        instance.open_requests += 1
        timer = int(instance.device.core.row.sbi_timer_ns)
        if instance.open_requests == 1 and timer > 0 and instance.going_on:
            instance.deadline = int(self._env.now) + timer
            self._watch(instance, instance.deadline)

    def _arrival(self, instance: Instance, step: Step, t: int) -> int:
        """When a message that leaves at t arrives."""
        device, ends, size = instance.device, (step.row.sender, step.row.receiver), int(step.row.bytes)
        core, cell, air = device.core, self._cells[device.cell], self._airs[device.cell]
        if UE in ends:
            if ends[0] == UE:
                return air.up(t, size) if air else t + 1
            heard = self._paging_occasion(instance, t)
            return air.down(heard, size) if air else max(heard, t + 1)
        if ends == (GNB, GNB):
            return t + int(cell.xn_ns)
        if GNB in ends:
            to_core = int(cell.n2_ns) + core.extra_ns - (-size * int(cell.n2_ps_per_byte) // 1000)
            return t + to_core + (int(core.row.n6_ns) if _IOT in ends else 0)
        if _IOT in ends:
            return t + int(core.row.n6_ns)
        return t + int(core.row.n4_ns if _UPF in ends else core.row.sbi_ns)

    def _paging_occasion(self, instance: Instance, t: int) -> int:
        """When a device listens next: from t on for all but paging."""
        drx_ns = int(instance.device.behaviour.drx_ns)
        if instance.procedure.trigger not in _PAGINGS or drx_ns < 1:
            return t
        offset = self._draws.below(drx_ns, instance.device.device_hash, PAGING, 0)
        return offset + max(0, -(-(t - offset) // drx_ns)) * drx_ns

    def _arrive(self, instance: Instance, step: Step) -> None:
        if step.row.receiver in (UE, GNB):
            self._arrive_at_radio(instance, step)
        else:
            self._arrive_at_function(instance, step, begins=False)

    def _arrive_at_radio(self, instance: Instance, step: Step) -> None:
        """At a device or gNB: no queue."""
        now = int(self._env.now)
        if step.row.receiver == UE and instance.device.state == OFF:
            self._count(instance, step, LOST)
            return
        self._count(instance, step, RECEIVED)
        unwanted = instance.closes_last_after_failure(step) or (instance.failed and step.row.receiver == UE)
        if step.row.closes:
            instance.close_request()
        if unwanted:
            return
        processed = now + int(step.row.receive_ns)
        for following in step.following:
            self._send(instance, following, processed + int(following.row.send_ns))
        if step.row.success:
            call_at(self._env, processed, served_rank(instance.entity_hash, processed, step.index),
                    lambda: self._succeed(instance))

    def _arrive_at_function(self, instance: Instance, step: Step, begins: bool) -> None:
        """A message, or a piece of work of a procedure that begins at a function, comes to the function that takes it."""
        role = step.row.sender if begins else step.row.receiver
        function = instance.device.core.taking(role, instance.device.device_hash)
        if function is None:
            self.lose(instance, step, "nf_down", is_message=not begins)
            return
        if not begins and instance.closes_last_after_failure(step):
            instance.close_request()
            self._count(instance, step, RECEIVED)
            return
        refusal = self._admission(instance, function)
        if function.full:
            self.lose(instance, step, "nf_overflow", is_message=not begins)
            return
        if step.row.closes and not begins:
            instance.close_request()
        function.accept(Errand(self, instance, step, begins, refusal), self._demand(instance, step, function, begins, refusal))

    def _demand(self, instance: Instance, step: Step, function: Function, begins: bool, refusal: str) -> int:
        if refusal:
            return max(1, int(function.row.reject_ns))
        if begins:
            return max(1, int(step.row.send_ns))
        return function.message_ns(instance.entity_hash, step.index, step.cost_ns)

    def _admission(self, instance: Instance, function: Function) -> str:
        """The cause for which a core refuses a procedure that now reaches its AMF or MME; "": it does not."""
        if instance.screened or function.row.role not in MOBILITY:
            return ""
        instance.screened = True
        trigger = instance.procedure.trigger
        if trigger not in _ADMITTED:
            return ""
        if function.reaches(function.row.overload_backlog):
            instance.device.core.overload()
        if trigger not in _REGISTRATIONS:
            return "context_lost" if instance.device.context_lost else ""
        return "congestion" if function.reaches(function.row.congestion_backlog) else ""

    def served(self, errand: Errand) -> None:
        """A function has done its work for a procedure: what follows leaves."""
        now, instance, step = int(self._env.now), errand.instance, errand.step
        if not errand.begins:
            self._count(instance, step, RECEIVED)
        if errand.refusal:
            self._refuse(instance, errand.refusal)
        elif errand.begins:
            self._send(instance, step, now)
        else:
            for following in step.following:
                self._send(instance, following, now)
            if step.row.success:
                self._succeed(instance)

    def _refuse(self, instance: Instance, cause: str) -> None:
        """The device learns of it after the way from the core to its cell."""
        device = instance.device
        at = int(self._env.now) + int(self._cells[device.cell].n2_ns) + device.core.extra_ns
        call_at(self._env, at, timer_rank(device.device_hash, at, Timer.REJECT, instance.serial),
                lambda: self.fail(instance, cause))

    def lose(self, instance: Instance, step: Step, cause: str, is_message: bool) -> None:
        """A message is lost, or a piece of work: the procedure goes on until someone misses it."""
        instance.trouble = instance.trouble or cause
        if is_message:
            self._count(instance, step, LOST)

    def _count(self, instance: Instance, step: Step, column: int, n: int = 1) -> None:
        self._ledger.count(instance.device.core.number, int(step.row.interface), column, n)


def _procedures(signalling: Signalling) -> list[Procedure]:
    rows = rows_of(signalling.steps)
    procedures = []
    for number, row in enumerate(rows_of(signalling.procedures)):
        steps = [Step(index, rows[row.first_step + index], []) for index in range(row.n_steps)]
        for step in steps:
            if step.row.after >= 0:
                steps[step.row.after].following.append(step)
        procedures.append(Procedure(number, row, TRIGGERS[row.trigger], steps))
    return procedures
