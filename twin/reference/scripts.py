"""What a scenario makes happen at given times, and procedures at a rate (docs/signalling.md, sections 6 and 7)."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from itertools import count
from typing import Any

import simpy

from twin.base.draws import GUTI, RATE
from twin.reference.devices import Bearer, Device
from twin.reference.functions import MOBILITY, Core, Function
from twin.reference.instant import At, Timer, call_at, script_rank, timer_rank
from twin.reference.procedures import Procedure, Procedures
from twin.reference.randomness import Draws, mix
from twin.reference.tables import rows_of
from twin.world.signalling_start import CONNECTED, script_times
from twin.world.signalling_tables import SCRIPTS, Signalling

_RATES_FROM = 1 << 32  # hashes of rates are made of numbers that no serial reaches


class Scripts:
    """Plans every scripted change of a control plane."""

    def __init__(self, env: simpy.Environment, signalling: Signalling, devices: Sequence[Bearer], functions: list[Function],
                 cores: list[Core], draws: Draws) -> None:
        self._env, self._draws = env, draws
        self._devices, self._functions, self._cores = devices, functions, cores
        scripts = rows_of(signalling.scripts)
        for number, script in enumerate(scripts):
            action = self._network_action(script)
            if action:
                call_at(env, int(script.t_ns), script_rank(number), action)
        times = script_times(signalling, draws.key)
        for number, row in enumerate(rows_of(signalling.script_devices)):
            action = self._device_action(scripts[row.script], devices[row.device])
            if action:
                call_at(env, int(times[number]), script_rank(int(row.script), number), action)

    def _network_action(self, script: Any) -> Callable[[], None] | None:
        kind = SCRIPTS[script.kind]
        if kind == "function_down":
            return lambda: self._function_down(self._functions[script.target], script)
        if kind == "core_delay":
            return lambda: setattr(self._cores[script.target], "extra_ns", int(script.extra_ns))
        return None

    def _device_action(self, script: Any, device: Bearer) -> Callable[[], None] | None:
        kind = SCRIPTS[script.kind]
        if not isinstance(device, Device):
            return device.only_access if kind == "access" else None
        if kind == "boot":
            return lambda: device.boot(self._draws.happens(int(script.guti_valid_q32), device.device_hash, GUTI, 0))
        if kind == "procedure":
            return lambda: device.run_procedure(int(script.target))
        return {"power_off": device.power_off, "wake": device.wake}.get(kind)

    def _function_down(self, function: Function, script: Any) -> None:
        role = int(function.row.role)
        function.go_down(int(self._env.now) + int(script.down_ns))
        if script.context_lost and role in MOBILITY:
            for device in self._devices:
                if isinstance(device, Device) and device.core.home(role, device.device_hash) is function:
                    device.lose_context()


def run_rate(env: simpy.Environment, device: Device, rate: int, mean_ns: int, procedure: Procedure, procedures: Procedures,
             draws: Draws) -> Generator[simpy.Event, None, None]:
    """Process: a device, while connected, does a procedure every now and then, of which nothing but load follows."""
    entity, t = mix(device.device_hash ^ mix(_RATES_FROM + rate)), 0
    for k in count():
        t += draws.exponential_ns(mean_ns, entity, RATE, k)
        yield At(env, t, timer_rank(device.device_hash, t, Timer.RATE, rate))
        if device.state == CONNECTED:
            procedures.start(device, procedure, lambda _: None)
