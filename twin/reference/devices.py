"""A device as the network sees it: registered, idle, connected, and how it gets there (docs/signalling.md, section 6)."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, auto
from typing import Any, NamedTuple, Protocol

import simpy

from twin.base.draws import OVERLOAD, T3346
from twin.reference.bursts import Burst
from twin.reference.functions import Core
from twin.reference.instant import Timer, call_at, timer_rank
from twin.reference.ledger import Ledger
from twin.reference.procedures import Instance, Procedures
from twin.reference.random_access import Access, RandomAccess
from twin.reference.randomness import Draws
from twin.world.signalling_start import CONNECTED, DEREGISTERED, IDLE, INACTIVE, NEVER, OFF


class Task(Enum):
    """What a device is busy with; other procedures of it may go on at the same time."""

    NONE = auto()
    ACCESS = auto()
    PROCEDURE = auto()
    WAIT = auto()


class Goal(Enum):
    """What its task is for."""

    REGISTER = auto()
    SERVICE = auto()
    RESUME = auto()
    PERIODIC = auto()
    ONLY_ACCESS = auto()


_TRIGGER = {Goal.SERVICE: "service_request", Goal.RESUME: "resume", Goal.PERIODIC: "periodic_update"}


class Held(NamedTuple):
    """A burst that waits; `enter` sends it on its way."""

    burst: Burst
    enter: Callable[[Burst], None]


class Plane(Protocol):
    """What a device needs of the control plane."""

    env: simpy.Environment
    draws: Draws
    bursts: Ledger
    procedures: Procedures


class Bearer:
    """What any device has: a hash, a cell to access, serials. One without a core does no more than access it for a test."""

    def __init__(self, plane: Plane, number: int, row: Any, random_access: RandomAccess | None) -> None:
        self._plane, self.number, self._random_access = plane, number, random_access
        self.device_hash, self.cell = int(row.device_hash), int(row.cell)
        self.task, self.goal = Task.NONE, Goal.ONLY_ACCESS
        self._access: Access | None = None
        self._accesses = self._procedures = 0

    @property
    def now(self) -> int:
        """Time, ns."""
        return int(self._plane.env.now)

    def next_procedure(self) -> int:
        """The serial of a procedure that starts."""
        self._procedures += 1
        return self._procedures - 1

    def begin(self, goal: Goal) -> None:
        """Ask the cell for access, to go on with the goal after it."""
        assert self._random_access is not None  # only devices with a cell begin
        self.task, self.goal = Task.ACCESS, goal
        self._accesses += 1
        self._access = self._random_access.begin(self, self._accesses - 1, self._accessed)

    def only_access(self) -> None:
        """Access the cell for its own sake."""
        if self.task is Task.NONE and self._random_access is not None:
            self.begin(Goal.ONLY_ACCESS)

    def _accessed(self, access: Access) -> None:
        """The access has succeeded or failed."""
        self.task = Task.NONE


class Device(Bearer):
    """A device of a core."""

    def __init__(self, plane: Plane, number: int, row: Any, random_access: RandomAccess | None, core: Core,
                 behaviour: Any) -> None:
        super().__init__(plane, number, row, random_access)
        self.core, self.behaviour = core, behaviour
        self.state, self.phase, self.attempts = DEREGISTERED, 0, 0
        self.registered = self.guti_valid = self.context_lost = self.reconnect = self.paged = False
        self.sessions = 0
        self._last, self._asleep_from = 0, int(NEVER)
        self._held: list[Held] = []
        self._instance: Instance | None = None  # of the task
        self._timers: dict[Timer, object] = {}

    def stand(self, state: int, last: int, periodic_at: int, asleep_from: int) -> None:
        """Where it stands at time 0."""
        self.state, self._last, self._asleep_from = state, last, asleep_from
        self.registered = self.guti_valid = True
        self.sessions = int(self.behaviour.sessions)
        if state == CONNECTED:
            self._set(Timer.INACTIVITY, last + int(self.behaviour.inactivity_ns), self._inactive)
        elif periodic_at < NEVER:
            self._set(Timer.PERIODIC, periodic_at, self._update)

    # Bursts --------------------------------------------------------------------------------------------------------

    def offer(self, burst: Burst, enter: Callable[[Burst], None]) -> None:
        """A burst from or for the device: it goes its way by `enter`, now or later, or is lost."""
        if self.state == CONNECTED:
            self.touch()
            enter(burst)
        elif self.state == OFF:
            self._plane.bursts.lost(burst, self.now, "no_power")
        elif self.state == DEREGISTERED and self.task is Task.WAIT:
            self._plane.bursts.lost(burst, self.now, "access_failed")
        else:
            self._hold(burst, enter)
            if self.task is Task.NONE:
                self._fetch(uplink=burst.direction == 0)

    def _hold(self, burst: Burst, enter: Callable[[Burst], None]) -> None:
        if len(self._held) < self.behaviour.hold_limit:
            self._held.append(Held(burst, enter))
        else:
            self._plane.bursts.lost(burst, self.now, "access_overflow")

    def _fetch(self, uplink: bool) -> None:
        """Something came, nothing is done about it yet. (A burst that is not held for lack of room wakes the device, too.)"""
        if self.state == DEREGISTERED:
            self.begin(Goal.REGISTER)
        elif not uplink:
            self._page()
        else:
            self.begin(Goal.SERVICE if self.state == IDLE else Goal.RESUME)

    def touch(self) -> None:
        """It has user plane and is using it."""
        self._last = max(self._last, self.now)

    def _release_held(self) -> None:
        held, self._held = self._held, []
        for burst, enter in held:
            burst.parts["access"] += self.now - burst.t_gen
            enter(burst)

    def _lose_held(self, cause: str) -> None:
        held, self._held = self._held, []
        for burst, _ in held:
            self._plane.bursts.lost(burst, self.now, cause)

    # Tasks ---------------------------------------------------------------------------------------------------------

    def _accessed(self, access: Access) -> None:
        self._access = None
        if access.outcome != "succeeded":
            self._goal_failed("random_access")
        elif self.core.overloaded and self._plane.draws.happens(
                int(self.core.row.overload_reject_q32), self.device_hash, OVERLOAD, access.serial):
            self._goal_failed("n2_overload")
        else:
            self._start_task()

    def _start_task(self) -> None:
        """The procedure of the goal starts; one that the core lacks is done at once."""
        self.task = Task.PROCEDURE
        trigger = self._registration_trigger() if self.goal is Goal.REGISTER else _TRIGGER[self.goal]
        self._instance = self._start(trigger, self._task_ended)
        if self._instance is None:
            self._succeeded()

    def _registration_trigger(self) -> str:
        if self.phase == 0:
            by_guti = self.guti_valid and not self.context_lost and self._has("registration_guti")
            return "registration_guti" if by_guti else "registration"
        return "session_establishment" if self.phase <= self.behaviour.sessions else "platform_connect"

    def _has(self, trigger: str) -> bool:
        return self._plane.procedures.of_trigger(self.core.number, trigger) is not None

    def _start(self, trigger: str, ended: Callable[[Instance], None]) -> Instance | None:
        procedure = self._plane.procedures.of_trigger(self.core.number, trigger)
        return self._plane.procedures.start(self, procedure, ended) if procedure else None

    def _task_ended(self, instance: Instance) -> None:
        if instance is not self._instance:
            return  # the task was given up before
        self._instance = None
        if instance.failed:
            self._goal_failed(instance.outcome, instance.serial)
        else:
            self._succeeded()

    def _succeeded(self) -> None:
        """The procedure of the task has succeeded now."""
        if self.goal is Goal.REGISTER:
            self._next_phase()
        elif self.goal is Goal.PERIODIC:
            self.task = Task.NONE
            self._settle_idle()
            if self._held:
                self.goal = Goal.SERVICE
                self._start_task()
        else:
            self._connected()

    def _next_phase(self) -> None:
        if self.phase == 0:
            self.registered = self.guti_valid = True
            self.context_lost = False
        elif self.phase <= self.behaviour.sessions:
            self.sessions = min(self.sessions + 1, int(self.behaviour.sessions))
        self.phase += 1
        self.attempts = 0
        platform = self.phase == self.behaviour.sessions + 1 and self.reconnect and self._has("platform_connect")
        if self.phase <= self.behaviour.sessions or platform:
            self._start_task()
        else:
            self._connected()

    def _connected(self) -> None:
        self.state, self.task, self._last = CONNECTED, Task.NONE, self.now
        self._set(Timer.INACTIVITY, self.now + int(self.behaviour.inactivity_ns), self._inactive)
        self._release_held()

    def _goal_failed(self, cause: str, serial: int = -1) -> None:
        """The goal is not reached; `serial` of the procedure that failed, if one did."""
        self._lose_held("access_failed")
        wait_ns = int(self.core.row.rrc_wait_ns)
        if cause == "context_lost":
            self._deregister()
            self.guti_valid = False
            self.begin(Goal.REGISTER)
        elif self.goal is Goal.REGISTER:
            self._wait(self._registration_wait_ns(cause, serial))
        elif self.goal is Goal.PERIODIC:
            self._wait(wait_ns if cause == "n2_overload" else int(self.core.row.retry_ns))
        else:
            self.task = Task.NONE
            if self.goal is Goal.RESUME:
                self._release()
            else:
                self._settle_idle()
            if cause == "n2_overload":
                self._wait(wait_ns)

    def _registration_wait_ns(self, cause: str, serial: int) -> int:
        row = self.core.row
        if cause == "congestion":
            self.attempts = 0
            spread = int(row.t3346_max_ns) - int(row.t3346_min_ns) + 1
            return int(row.t3346_min_ns) + self._plane.draws.below(spread, self.device_hash, T3346, serial)
        if cause == "n2_overload":
            return int(row.rrc_wait_ns)
        self.attempts += 1
        if self.attempts >= row.max_attempts:
            self.attempts = 0
            return int(row.long_retry_ns)
        return int(row.retry_ns)

    def _wait(self, wait_ns: int) -> None:
        self.task = Task.WAIT
        self._set(Timer.WAIT, self.now + wait_ns, self._waited)

    def _waited(self) -> None:
        self.task = Task.NONE
        if self.goal is Goal.REGISTER:
            self.begin(Goal.REGISTER)
        elif self.goal is Goal.PERIODIC:
            self._update()
        elif self._held:
            self.begin(Goal.SERVICE)

    # Inactivity, idle and paging -----------------------------------------------------------------------------------

    def _inactive(self) -> None:
        """The inactivity timer runs out."""
        if self.state != CONNECTED:
            return
        quiet_until = self._last + int(self.behaviour.inactivity_ns)
        if quiet_until > self.now:
            self._set(Timer.INACTIVITY, quiet_until, self._inactive)
        elif self.behaviour.rrc_inactive_ns > 0:
            self.state = INACTIVE
            self._set(Timer.RELEASE, self.now + int(self.behaviour.rrc_inactive_ns), self._inactive_for_long)
        else:
            self._release()

    def _inactive_for_long(self) -> None:
        if self.state == INACTIVE and self.task is Task.NONE:
            self._release()

    def _release(self) -> None:
        self.state = IDLE
        self._start("an_release", lambda _: None)
        self._settle_idle()

    def _settle_idle(self) -> None:
        """Idle from now on: the timers of an idle device."""
        self.state = IDLE
        if self.behaviour.periodic_ns > 0:
            self._set(Timer.PERIODIC, self.now + int(self.behaviour.periodic_ns), self._update)
        self._asleep_from = self.now + int(self.behaviour.active_ns) if self.behaviour.active_ns >= 0 else int(NEVER)

    def _update(self) -> None:
        if self.state == IDLE and self.task is Task.NONE:
            self.begin(Goal.PERIODIC)

    def _page(self) -> None:
        """The network looks for the device, if it does not already and the device can hear it."""
        if self.paged or (self.state == IDLE and self.now >= self._asleep_from):
            return
        self.paged = True
        if self._start("paging" if self.state == IDLE else "ran_paging", self._page_ended) is None:
            self._found()

    def _page_ended(self, instance: Instance) -> None:
        if not instance.failed:
            self._found()
            return
        self.paged = False
        if self.task is Task.NONE:
            self._lose_held("access_failed")

    def _found(self) -> None:
        self.paged = False
        if self.task is Task.NONE and self.state in (IDLE, INACTIVE):
            self.begin(Goal.SERVICE if self.state == IDLE else Goal.RESUME)

    # What scripts do -----------------------------------------------------------------------------------------------

    def power_off(self) -> None:
        """Everything of its own ends; what the core began goes on."""
        self._deregister()
        self.state, self.task = OFF, Task.NONE
        self._timers.clear()
        self._lose_held("no_power")
        access, self._access = self._access, None
        if access:
            access.end(self.now, "void")
        instance, self._instance = self._instance, None
        if instance:
            self._plane.procedures.fail(instance, "power_off")

    def boot(self, guti_valid: bool) -> None:
        """It comes back."""
        if self.state == OFF:
            self.state, self.phase, self.attempts = DEREGISTERED, 0, 0
            self.guti_valid, self.reconnect = guti_valid, True
            self.begin(Goal.REGISTER)

    def wake(self) -> None:
        """The network has something for it."""
        if self.state == CONNECTED:
            self.touch()
        elif self.state in (IDLE, INACTIVE) and self.task is Task.NONE:
            self._page()

    def run_procedure(self, number: int) -> None:
        """A procedure runs of which nothing but load follows."""
        if self.state != OFF:
            self._plane.procedures.start(self, self._plane.procedures.of_row(number), lambda _: None)

    def lose_context(self) -> None:
        """Its core has forgotten it, and so has its cell."""
        if not self.registered:
            return
        self.context_lost = True
        if self.state == CONNECTED or (self.state == INACTIVE and self.task is Task.NONE):
            self._settle_idle()

    # Small things --------------------------------------------------------------------------------------------------

    def _deregister(self) -> None:
        self.state, self.phase, self.sessions, self.registered = DEREGISTERED, 0, 0, False

    def _set(self, kind: Timer, at: int, action: Callable[[], None]) -> None:
        """A timer; it takes the place of the one of its kind that is set."""
        timer = self._timers[kind] = object()
        call_at(self._plane.env, at, timer_rank(self.device_hash, at, kind),
                lambda: action() if self._timers.get(kind) is timer else None)
