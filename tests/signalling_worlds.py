"""Small worlds with a control plane for tests: tables row by row, random ones, and one that visits every branch."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import strategies as st

from tests.worlds import MS, US, Builder, _line_routes, _radios
from twin.base.names import name_hash
from twin.world.signalling_tables import INTERFACES, ROLES, SCRIPTS, SIGNALLING_COLUMNS, TRIGGERS, Signalling
from twin.world.tables import Clock, World

#: Values of the columns a test does not name; other columns are 0, "" or False.
DEFAULTS: dict[str, dict[str, Any]] = {
    "cores": {"kind": "5gc", "sbi_ns": 200 * US, "n4_ns": 100 * US, "n6_ns": MS, "overload_hold_ns": 20 * MS,
              "overload_reject_q32": 1 << 31, "rrc_wait_ns": 8 * MS, "t3346_min_ns": 10 * MS, "t3346_max_ns": 20 * MS,
              "retry_ns": 10 * MS, "long_retry_ns": 40 * MS, "max_attempts": 5},
    "hosts": {"cpus": 1},
    "functions": {"host": -1, "workers": 1, "service_kind": "fixed", "backlog_limit": 1_000, "reject_ns": 20 * US},
    "procedures": {"patience_ns": 100 * MS},
    "steps": {"after": -1, "bytes": 60, "receive_ns": 30 * US, "send_ns": 20 * US},
    "behaviours": {"inactivity_ns": 10 * MS, "drx_ns": 5 * MS, "active_ns": -1, "sessions": 1, "hold_limit": 10},
    "rates": {"mean_ns": 20 * MS},
    "rach": {"rao_period_ns": 5 * MS, "n_preambles": 54, "max_tx": 10, "preamble_ns": MS, "rar_start_ns": 2 * MS, "rar_slots": 5,
             "rar_slot_ns": MS, "grants_per_slot": 3, "msg3_ns": 5 * MS, "msg3_rtt_ns": 5 * MS, "msg4_ns": 2 * MS,
             "msg4_rtt_ns": 5 * MS, "harq_fail_q32": (1 << 32) // 10, "max_harq": 5, "contention_ns": 48 * MS,
             "backoff_ns": 20 * MS, "barring_q32": 1 << 32},
    "cells": {"radio": -1, "n2_ns": 300 * US, "n2_ps_per_byte": 8_000, "xn_ns": 400 * US, "srb_block_bytes": 100, "srb_prb": 2},
    "devices": {"cell": -1, "core": -1},
    "scripts": {"target": -1, "guti_valid_q32": 1 << 32},
    "script_devices": {},
}  # fmt: skip
_BLANK = {"str": "", "bool": False, "f8": 0.0}


def role(name: str) -> int:
    """Number of a role."""
    return ROLES.index(name)


def interface(sender: int, receiver: int) -> int:
    """The interface between two roles of a 5G core."""
    ends = {ROLES[sender], ROLES[receiver]}
    if "UE" in ends:
        name = "Uu"
    elif ends == {"GNB"}:
        name = "Xn"
    elif "GNB" in ends:
        name = "N2"
    elif "IOT" in ends:
        name = "N6"
    else:
        name = "N4" if "UPF" in ends else "SBI"
    return INTERFACES.index(name)


class SignallingBuilder:
    """Collects rows; every method returns the row number of what it added. Names are made up where none is given."""

    def __init__(self) -> None:
        self._rows: dict[str, list[dict[str, Any]]] = {name: [] for name in SIGNALLING_COLUMNS}

    def add(self, table: str, **values: Any) -> int:
        """A row of any table.

        Raises:
            ValueError: a column that the table does not have.
        """
        unknown = values.keys() - SIGNALLING_COLUMNS[table].keys()
        if unknown:
            raise ValueError(f"{table} has no column {sorted(unknown)}")
        row = {column: _BLANK.get(kind, 0) for column, kind in SIGNALLING_COLUMNS[table].items()}
        number = len(self._rows[table])
        if "name" in row:
            row["name"] = f"{table}-{number}"
        self._rows[table].append({**row, **DEFAULTS[table], **values})
        return number

    def core(self, **values: Any) -> int:
        """A core."""
        return self.add("cores", **values)

    def host(self, cpus: int = 1) -> int:
        """CPUs that functions share."""
        return self.add("hosts", cpus=cpus)

    def functions(self, core: int, name: str, instances: int = 1, **values: Any) -> int:
        """The instances of one role of a core: all at once, so that they follow each other. The first one's row."""
        rows = [self.add("functions", core=core, role=role(name), **values) for _ in range(instances)]
        return rows[0]

    def procedure(self, core: int, trigger: str, steps: Iterable[dict[str, Any]], **values: Any) -> int:
        """A procedure; `sender` and `receiver` of its steps are names of roles. Without any `success` the last step has it."""
        number = self.add("procedures", core=core, trigger=TRIGGERS.index(trigger),
                          **{"name": trigger, "first_step": len(self._rows["steps"]), **values})
        steps = list(steps)
        if not any(step.get("success") for step in steps):
            steps[-1] = {**steps[-1], "success": True}
        for i, step in enumerate(steps):
            ends = role(step["sender"]), role(step["receiver"])
            self.add("steps", **{"procedure": number, "interface": interface(*ends), "message": f"{trigger}-{i}", **step,
                                 "sender": ends[0], "receiver": ends[1]})
        self._rows["procedures"][number]["n_steps"] = len(steps)
        return number

    def chain(self, core: int, trigger: str, *roles: str, patience_ns: int = 100 * MS, **step: Any) -> int:
        """A procedure that goes from role to role; `step` holds for all steps."""
        steps = [{"after": i - 1, "sender": a, "receiver": b, **step} for i, (a, b) in enumerate(pairwise(roles))]
        return self.procedure(core, trigger, steps, patience_ns=patience_ns)

    def behaviour(self, **values: Any) -> int:
        """A device class's timers."""
        return self.add("behaviours", **values)

    def rach(self, **values: Any) -> int:
        """A random access configuration."""
        return self.add("rach", **values)

    def cell(self, **values: Any) -> int:
        """A cell; its name is that of the cell of the same row in `tests.worlds.Builder`."""
        name = f"cells-{len(self._rows['cells'])}"
        return self.add("cells", **{"name": name, "cell_hash": name_hash(name), **values})

    def device(self, **values: Any) -> int:
        """A device; its hash is that of the device of the same row in `tests.worlds.Builder`."""
        return self.add("devices", **{"device_hash": name_hash(f"device-{len(self._rows['devices'])}"), **values})

    def script(self, kind: str, devices: Iterable[tuple[int, int]] = (), **values: Any) -> int:
        """A script; `devices` are (device, time)."""
        number = self.add("scripts", kind=SCRIPTS.index(kind), **values)
        for device, t_ns in devices:
            self.add("script_devices", script=number, device=device, t_ns=t_ns)
        return number

    def size(self, table: str) -> int:
        """Rows so far."""
        return len(self._rows[table])

    def devices_of(self, procedure: int, start: int = 0) -> list[int]:
        """Devices of the core that has a procedure, from a row on."""
        core = self._rows["procedures"][procedure]["core"]
        return [i for i, row in enumerate(self._rows["devices"]) if row["core"] == core and i >= start]

    def build(self) -> Signalling:
        """The control plane."""
        tables = {name: _frame(name, rows) for name, rows in self._rows.items()}
        n_cores = len(tables["cores"])
        first, count = np.full((n_cores, len(ROLES)), -1, np.int64), np.zeros((n_cores, len(ROLES)), np.int64)
        for number, row in enumerate(self._rows["functions"]):
            at = row["core"], row["role"]
            first[at] = number if count[at] == 0 else first[at]
            assert number == first[at] + count[at], "instances of one role follow each other"
            count[at] += 1
        procedure_of = np.full((n_cores, len(TRIGGERS)), -1, np.int64)
        for number, row in enumerate(self._rows["procedures"]):
            at = row["core"], row["trigger"]
            procedure_of[at] = number if procedure_of[at] < 0 else procedure_of[at]
        return Signalling(**tables, rach_detect_q32=_detection(self._rows["rach"]), first_function=first, n_functions=count,
                          procedure_of=procedure_of)


def _detection(rach: list[dict[str, Any]]) -> np.ndarray:
    """Probabilities 1 - exp(-n), in 1/2^32."""
    most = max((row["max_tx"] for row in rach), default=0)
    return np.array([[round((1 - math.exp(-n)) * 2**32) for n in range(most + 1)] for _ in rach],
                    dtype=np.int64).reshape(len(rach), most + 1)


def _frame(table: str, rows: list[dict[str, Any]]) -> pd.DataFrame:
    columns = SIGNALLING_COLUMNS[table]
    data = {name: pd.Series([row[name] for row in rows], dtype="object" if kind == "str" else np.dtype(kind))
            for name, kind in columns.items()}
    return pd.DataFrame(data)


def attach(world: World, signalling: Signalling) -> World:
    """The same world with a control plane."""
    return dataclasses.replace(world, signalling=signalling)


# Random worlds ------------------------------------------------------------------------------------------------------

#: Roles that messages of a random core may visit.
_CORE_ROLES = ("AMF", "SMF", "UDM", "UPF", "IOT", "MME")
_TASKS = ("registration", "registration_guti", "session_establishment", "service_request", "resume", "periodic_update",
          "platform_connect")
_SIDE = ("an_release", "paging", "ran_paging", "handover_xn", "session_release", "other")
_RATED = ("handover_xn", "session_release", "other")


def _cores(draw: Any, b: SignallingBuilder) -> list[tuple[str, ...]]:
    """One or two cores with their functions; the roles of each."""
    roles_of = []
    hosts = [b.host(draw(st.integers(1, 2))) for _ in range(draw(st.integers(0, 2)))]
    for _ in range(draw(st.integers(1, 2))):
        core = b.core(
            sbi_ns=draw(st.sampled_from((0, 50 * US, 200 * US))), n6_ns=draw(st.sampled_from((0, MS))),
            sbi_timer_ns=draw(st.sampled_from((0, 0, 300 * US, 2 * MS))), overload_hold_ns=draw(st.sampled_from((MS, 30 * MS))),
            overload_reject_q32=draw(st.sampled_from((1 << 30, 1 << 31, 1 << 32))),
            rrc_wait_ns=draw(st.sampled_from((MS, 15 * MS))), t3346_min_ns=5 * MS,
            t3346_max_ns=draw(st.sampled_from((5 * MS, 25 * MS))), retry_ns=draw(st.sampled_from((2 * MS, 10 * MS))),
            long_retry_ns=30 * MS, max_attempts=draw(st.integers(1, 3)))
        roles: tuple[str, ...] = draw(st.sampled_from(
            (("AMF", "SMF"), ("AMF", "SMF", "UPF"), ("AMF", "UDM", "UPF", "IOT"), ("MME", "UDM", "UPF"))))
        for name in roles:
            host = draw(st.sampled_from((-1, *hosts)))
            b.functions(core, name, instances=draw(st.sampled_from((1, 1, 2, 3))), host=host, workers=draw(st.integers(1, 2)),
                        wake_ns=draw(st.sampled_from((0, 0, 15 * US))),
                        service_kind=draw(st.sampled_from(("fixed", "exponential"))),
                        backlog_limit=draw(st.sampled_from((1, 2, 4, 1_000, 1_000))),
                        congestion_backlog=draw(st.sampled_from((0, 0, 1, 2))),
                        overload_backlog=draw(st.sampled_from((0, 0, 1, 2))),
                        reject_ns=draw(st.sampled_from((0, 20 * US, 400 * US))))
        roles_of.append(roles)
    return roles_of


def _steps(draw: Any, roles: tuple[str, ...], start: str) -> list[dict[str, Any]]:
    """A random tree of messages that starts at a role; what one step's receiver got, the next one's sends on."""
    steps: list[dict[str, Any]] = []
    for i in range(draw(st.integers(1, 7))):
        after = draw(st.sampled_from((i - 1, i - 1, i - 1, draw(st.integers(-1, i - 1)))))
        sender = start if after < 0 else steps[after]["receiver"]
        if sender == "UE":
            ends = ("GNB",)
        elif sender == "GNB":
            ends = ("UE", "GNB", *roles, roles[0], roles[0])
        else:
            ends = ("GNB", *roles, *roles)
        receiver = draw(st.sampled_from(ends))
        between = sender not in ("UE", "GNB") and receiver not in ("UE", "GNB")
        steps.append({
            "after": after, "sender": sender, "receiver": receiver, "bytes": draw(st.sampled_from((1, 60, 250))),
            "receive_ns": draw(st.sampled_from((0, 10 * US, 120 * US, 800 * US))),
            "send_ns": draw(st.sampled_from((0, 10 * US, 300 * US))),
            "opens": between and draw(st.integers(0, 2)) == 0, "closes": between and draw(st.integers(0, 2)) == 0})
    steps[draw(st.integers(0, len(steps) - 1))]["success"] = True
    return steps


def _usual_steps(draw: Any, roles: tuple[str, ...], start: str) -> list[dict[str, Any]]:
    """To the AMF or MME, from there with SBI requests to others, and back to the device."""
    first = {"UE": ("UE", "GNB", roles[0]), "GNB": ("GNB", roles[0])}.get(start, (start, roles[0]))
    asked = draw(st.lists(st.sampled_from(roles), max_size=2))
    way = (*first, *(name for other in asked for name in (other, roles[0])), "GNB", "UE")
    steps = []
    for i, (sender, receiver) in enumerate(pairwise(way)):
        request = i - len(first) + 1
        steps.append({
            "after": i - 1, "sender": sender, "receiver": receiver, "bytes": draw(st.sampled_from((60, 250))),
            "receive_ns": draw(st.sampled_from((10 * US, 300 * US, 2 * MS))), "send_ns": draw(st.sampled_from((0, 10 * US))),
            "opens": 0 <= request < 2 * len(asked) and request % 2 == 0,
            "closes": 0 <= request < 2 * len(asked) and request % 2 == 1})
    steps[-1]["success"] = True
    return steps


def _procedures(draw: Any, b: SignallingBuilder, roles_of: list[tuple[str, ...]]) -> None:
    for core, roles in enumerate(roles_of):
        for trigger in (*_TASKS, *_SIDE):
            if draw(st.integers(0, 7)) == 0:
                continue  # a core may lack it
            start = "UE"
            if trigger in _SIDE:
                start = draw(st.sampled_from(("GNB", *roles) if trigger != "ran_paging" else ("GNB",)))
            steps = draw(st.sampled_from((_usual_steps, _usual_steps, _steps)))(draw, roles, start)
            b.procedure(core, trigger, steps, patience_ns=draw(st.sampled_from((3 * MS, 12 * MS, 50 * MS, 50 * MS, 50 * MS))))


def _behaviours(draw: Any, b: SignallingBuilder) -> list[int]:
    numbers = []
    for _ in range(draw(st.integers(1, 3))):
        number = b.behaviour(
            inactivity_ns=draw(st.sampled_from((MS, 2_500_000, 9 * MS, 30 * MS))),
            rrc_inactive_ns=draw(st.sampled_from((0, 3 * MS, 20 * MS))), periodic_ns=draw(st.sampled_from((0, 7 * MS, 40 * MS))),
            drx_ns=draw(st.sampled_from((1, MS, 5 * MS))), active_ns=draw(st.sampled_from((-1, -1, 0, 4 * MS))),
            sessions=draw(st.integers(0, 3)), hold_limit=draw(st.sampled_from((1, 2, 10))))
        for _ in range(draw(st.integers(0, 2))):
            b.add("rates", behaviour=number, procedure_name=draw(st.sampled_from(_RATED)),
                  mean_ns=draw(st.sampled_from((2 * MS, 15 * MS))))
        numbers.append(number)
    return numbers


@st.composite
def _rachs(draw: Any) -> dict[str, Any]:
    return {
        "rao_period_ns": draw(st.sampled_from((MS, 2 * MS, 5 * MS))), "rao_offset_ns": draw(st.sampled_from((0, 300 * US))),
        "n_preambles": draw(st.sampled_from((1, 2, 4, 54))), "max_tx": draw(st.integers(1, 5)),
        "preamble_ns": draw(st.sampled_from((1, 500 * US))), "rar_start_ns": draw(st.sampled_from((0, MS))),
        "rar_slots": draw(st.integers(1, 3)), "rar_slot_ns": draw(st.sampled_from((1, 500 * US))),
        "grants_per_slot": draw(st.integers(1, 3)), "msg3_ns": draw(st.sampled_from((0, MS))),
        "msg3_rtt_ns": draw(st.sampled_from((0, MS))), "msg4_ns": draw(st.sampled_from((0, MS))),
        "msg4_rtt_ns": draw(st.sampled_from((0, MS))), "harq_fail_q32": draw(st.sampled_from((0, 1 << 29, 1 << 31))),
        "max_harq": draw(st.integers(1, 4)), "contention_ns": draw(st.sampled_from((1_500 * US, 10 * MS))),
        "backoff_ns": draw(st.sampled_from((0, 2 * MS, 10 * MS))), "collided_answered": draw(st.booleans()),
        "barring_q32": draw(st.sampled_from((1 << 31, 1 << 32, 1 << 32))), "barring_ns": draw(st.sampled_from((0, 4 * MS))),
        "retry_ns": draw(st.sampled_from((0, MS)))}


@st.composite
def _kinds(draw: Any) -> dict[str, Any]:
    generator, direction = draw(st.sampled_from(("periodic", "poisson", "poisson", "on_off", "alarm"))), draw(st.integers(0, 1))
    return {"generator": generator, "direction": direction,
            "period_ns": draw(st.sampled_from((3 * MS, 11 * MS, 40 * MS, 90 * MS))),
            "response_bytes": draw(st.sampled_from((0, 100))) * (direction == 0),
            "size_bytes": draw(st.sampled_from((40, 400, 3_000))), "level": draw(st.integers(0, 3)),
            "on_mean_ns": 10 * MS, "off_mean_ns": 30 * MS, "cg_bytes": 150,
            "cg_period_ns": draw(st.sampled_from((0, 0, 0, 5 * MS))) * (direction == 0)}


def _user_plane(draw: Any, b: Builder, cells: list[int], n_devices: int) -> list[tuple[int, int]]:
    """Devices with flows; of each its cell (-1: wired or nowhere) and its mean gap between bursts."""
    up, down = _line_routes(draw, b)
    kinds = [draw(_kinds()) for _ in range(draw(st.integers(1, 3)))]
    numbers, devices = [b.flow_type(**kind) for kind in kinds], []
    for _ in range(n_devices):
        cell = draw(st.sampled_from((*cells, *cells, *cells, -1)))
        device = b.device({other: -115.0 for other in cells if other != cell} if cell >= 0 else {}, cell=cell,
                          gain_db=draw(st.integers(-1300, -950)) / 10)
        gaps = []
        covered = cell >= 0 or draw(st.booleans())
        for pick in draw(st.lists(st.integers(0, len(kinds) - 1), min_size=draw(st.integers(0, 1)), max_size=2)):
            kind = kinds[pick]
            needs_down = kind["direction"] == 1 or kind["response_bytes"] > 0
            b.flow(device, numbers[pick], draw(st.sampled_from(up)) if covered and kind["direction"] == 0 else -1,
                   draw(st.sampled_from(down)) if covered and needs_down else -1)
            gaps.append(kind["period_ns"])
        devices.append((cell, int(1 / sum(1 / gap for gap in gaps)) if gaps else 0))
    return devices


def _scripts(draw: Any, b: SignallingBuilder, n_devices: int, n_functions: int, n_cores: int, horizon: int) -> None:
    times = st.one_of(st.integers(0, horizon), st.sampled_from((0, 20 * MS, 40 * MS, 50 * MS)))
    if draw(st.booleans()):  # a power cut: all go, and come back about together
        off, on = draw(st.integers(0, horizon // 3)), draw(st.integers(horizon // 3, horizon // 2))
        spread = draw(st.sampled_from((1, 5 * MS)))
        b.script("power_off", [(device, off) for device in range(n_devices)])
        b.script("boot", [(device, on + draw(st.integers(0, spread - 1))) for device in range(n_devices)],
                 guti_valid_q32=draw(st.sampled_from((0, 1 << 31))))
    for _ in range(draw(st.integers(0, 6))):
        kind = draw(st.sampled_from((*SCRIPTS, "power_off", "boot", "function_down")))
        if kind == "function_down":
            b.script(kind, target=draw(st.sampled_from((0, draw(st.integers(0, n_functions - 1))))), t_ns=draw(times),
                     down_ns=draw(st.sampled_from((MS, 20 * MS))), context_lost=draw(st.booleans()))
        elif kind == "core_delay":
            b.script(kind, target=draw(st.integers(0, n_cores - 1)), t_ns=draw(times), extra_ns=draw(st.sampled_from((0, MS))))
        elif kind == "procedure":
            target = draw(st.integers(0, b.size("procedures") - 1))
            b.script(kind, [(device, draw(times)) for device in b.devices_of(target)], target=target)
        else:
            chosen = draw(st.lists(st.integers(0, n_devices - 1), min_size=1, max_size=6))
            b.script(kind, [(device, draw(times)) for device in chosen],
                     guti_valid_q32=draw(st.sampled_from((0, 1 << 31, 1 << 32))))


@st.composite
def signalling_worlds(draw: Any) -> tuple[World, Clock]:
    """A small random world with a control plane in which every timer runs out within tens of milliseconds."""
    b, s = Builder(), SignallingBuilder()
    radios = [b.radio(**draw(_radios())) for _ in range(draw(st.integers(1, 2)))]
    n_cells, n_devices = draw(st.integers(1, 3)), draw(st.sampled_from((1, 2, 4, 8, 12)))
    rachs = [s.rach(**draw(_rachs())) for _ in range(draw(st.integers(1, 2)))]
    for _ in range(n_cells):
        radio = draw(st.sampled_from(radios))
        b.cell(radio)
        s.cell(radio=radio, rach=draw(st.sampled_from(rachs)), n2_ns=draw(st.sampled_from((0, 300 * US))),
               srb_prb=draw(st.integers(1, 4)))
    roles_of = _cores(draw, s)
    _procedures(draw, s, roles_of)
    behaviours = _behaviours(draw, s)
    for cell, gap in _user_plane(draw, b, list(range(n_cells)), n_devices):
        core = draw(st.sampled_from((*range(len(roles_of)), *range(len(roles_of)), -1))) if cell >= 0 else -1
        s.device(cell=cell, core=core, behaviour=draw(st.sampled_from(behaviours)), mean_gap_ns=gap)
    clock = Clock(horizon_ns=draw(st.sampled_from((60, 150, 300))) * MS, epoch_ns=draw(st.sampled_from((20, 50))) * MS,
                  seed=draw(st.integers(0, 1000)))
    if draw(st.booleans()):  # a cell of its own for a random access test
        test = s.cell(rach=draw(st.sampled_from(rachs)))
        for _ in range(draw(st.integers(1, 6))):
            s.device(cell=test, behaviour=-1)
            n_devices += 1
    world = b.build()
    _scripts(draw, s, n_devices, len(s._rows["functions"]), len(roles_of), clock.horizon_ns)
    return attach(world, s.build()), clock


# Worlds made by hand ------------------------------------------------------------------------------------------------


def lone_world(n_devices: int = 1, period_ns: int = 40 * MS, direction: int = 0, behaviour: dict[str, Any] | None = None,
               core: dict[str, Any] | None = None, amf: dict[str, Any] | None = None, rach: dict[str, Any] | None = None,
               starts_connected: bool = False) -> tuple[Builder, SignallingBuilder]:
    """One cell, one core with an AMF and an SMF, every task's procedure, devices with a flow each; to be changed and built.

    Preambles are heard unless they collide, Msg3 and Msg4 come through; the devices begin idle.
    """
    b, s = Builder(), SignallingBuilder()
    b.cell(b.radio())
    s.rach(**{"harq_fail_q32": 0, **(rach or {})})
    s.cell(radio=0)
    s.core(**(core or {}))
    s.functions(0, "AMF", **(amf or {}))
    s.functions(0, "SMF")
    for trigger in ("registration", "session_establishment", "service_request", "periodic_update"):
        s.procedure(0, trigger, [
            {"after": i - 1, "sender": a, "receiver": z, "opens": (a, z) == ("AMF", "SMF"), "closes": (a, z) == ("SMF", "AMF")}
            for i, (a, z) in enumerate(pairwise(("UE", "GNB", "AMF", "SMF", "AMF", "GNB", "UE")))])
    s.chain(0, "resume", "UE", "GNB", "UE")
    s.chain(0, "an_release", "GNB", "AMF", "GNB", "UE")
    s.chain(0, "paging", "AMF", "GNB", "UE")
    s.chain(0, "ran_paging", "GNB", "UE")
    s.behaviour(**(behaviour or {}))
    kind = b.flow_type(period_ns=period_ns, direction=direction)
    up, down = b.route(b.link()), b.route(b.link())
    for _ in range(n_devices):
        device = b.device(cell=0)
        b.flow(device, kind, *((-1, down) if direction else (up, -1)))
        s.device(cell=0, core=0, behaviour=0, mean_gap_ns=1 if starts_connected else 0)
    return b, s


def certain(signalling: Signalling) -> Signalling:
    """Every preamble that does not collide is heard."""
    return dataclasses.replace(signalling, rach_detect_q32=np.full_like(signalling.rach_detect_q32, 1 << 32))


def rich_signalling_world() -> tuple[World, Clock]:
    """A 5G core and an EPC, devices of all kinds, a power cut, a core function that fails, a storm at a cell of its own."""
    b, s = Builder(), SignallingBuilder()
    b.cell(b.radio())
    b.cell(b.radio(duplex="fdd", scs_khz=15, n_prb=25))
    s.rach(n_preambles=6, max_tx=4, backoff_ns=5 * MS, barring_q32=3 << 30, barring_ns=4 * MS)
    s.rach(n_preambles=3, max_tx=3, collided_answered=True, grants_per_slot=1, rar_slots=2)
    s.cell(radio=0, rach=0)
    s.cell(radio=1, rach=1, srb_prb=4)
    s.cell(rach=1)
    _rich_cores(s)
    s.behaviour(inactivity_ns=12 * MS, rrc_inactive_ns=25 * MS, sessions=2)
    s.behaviour(inactivity_ns=6 * MS, periodic_ns=60 * MS, active_ns=10 * MS)
    s.behaviour(inactivity_ns=30 * MS, hold_limit=1)
    s.behaviour(inactivity_ns=8 * MS, periodic_ns=45 * MS, sessions=0)
    for behaviour, name in ((0, "handover_xn"), (0, "handover_n2"), (2, "session_release"), (3, "deregistration"), (0, "other")):
        s.add("rates", behaviour=behaviour, procedure_name=name, mean_ns=30 * MS)
    kinds = [b.flow_type(generator="poisson", period_ns=30 * MS, response_bytes=100), b.flow_type(period_ns=70 * MS),
             b.flow_type(generator="poisson", period_ns=40 * MS, direction=1),
             b.flow_type(period_ns=8 * MS, cg_period_ns=5 * MS, cg_bytes=220)]
    up, down = b.route(b.link(), b.pool(), b.server()), b.route(b.pool(), b.link())
    for i in range(24):
        device = b.device(cell=i % 2, gain_db=-100.0 - i % 4)
        for kind in ((i // 2) % 4, (i // 3) % 4):
            b.flow(device, kinds[kind], -1 if kind == 2 else up, down if kind in (0, 2) else -1)
        s.device(cell=i % 2, core=-1 if i == 23 else i % 2 if i < 20 else 0, behaviour=(i // 4) % 4, mean_gap_ns=60 * MS)
    b.flow(b.device(), kinds[1], up)
    s.device()
    storm = [s.device(cell=2, behaviour=-1) for _ in range(20)]
    lone = [s.device(cell=2, core=i % 2, behaviour=3) for i in range(6)]  # a cell without a radio
    _rich_scripts(s, storm)
    for procedure in range(s.size("procedures")):
        times = [(device, (210 + 7 * procedure) * MS) for device in s.devices_of(procedure, lone[0])]
        s.script("procedure", times, target=procedure)
    return attach(b.build(), s.build()), Clock(1_000 * MS, epoch_ns=100 * MS, seed=3)


def _rich_cores(s: SignallingBuilder) -> None:
    new = s.core(sbi_timer_ns=6 * MS)
    host = s.host(cpus=2)
    s.functions(new, "AMF", instances=2, wake_ns=50 * US, congestion_backlog=1, overload_backlog=2, reject_ns=100 * US)
    for name in ("SMF", "UDM"):
        s.functions(new, name, host=host, service_kind="exponential", backlog_limit=2)
    s.functions(new, "UPF", host=host)
    s.functions(new, "IOT", workers=2)
    old = s.core(kind="epc", retry_ns=5 * MS, max_attempts=2)
    s.functions(old, "MME", workers=1, backlog_limit=3)
    s.functions(old, "HSS", service_kind="exponential")
    ask = {"opens": True, "receive_ns": 2 * MS}
    s.procedure(new, "registration", [
        {"sender": "UE", "receiver": "GNB"}, {"after": 0, "sender": "GNB", "receiver": "AMF", "receive_ns": 1_500 * US},
        {"after": 1, "sender": "AMF", "receiver": "UDM", **ask}, {"after": 2, "sender": "UDM", "receiver": "AMF", "closes": True},
        {"after": 3, "sender": "AMF", "receiver": "GNB"}, {"after": 3, "sender": "AMF", "receiver": "SMF"},
        {"after": 4, "sender": "GNB", "receiver": "UE", "success": True}, {"after": 6, "sender": "UE", "receiver": "GNB"}])
    s.chain(new, "registration_guti", "UE", "GNB", "AMF", "GNB", "UE", receive_ns=300 * US)
    s.chain(new, "session_establishment", "UE", "GNB", "AMF", "SMF", "UPF", "SMF", "AMF", "GNB", "UE", receive_ns=200 * US)
    s.procedure(new, "service_request", [
        {"sender": "UE", "receiver": "GNB"}, {"after": 0, "sender": "GNB", "receiver": "AMF"},
        {"after": 1, "sender": "AMF", "receiver": "SMF", **ask}, {"after": 2, "sender": "SMF", "receiver": "AMF", "closes": True},
        {"after": 3, "sender": "AMF", "receiver": "GNB"}, {"after": 4, "sender": "GNB", "receiver": "UE", "success": True}])
    s.chain(new, "resume", "UE", "GNB", "UE")
    s.chain(new, "periodic_update", "UE", "GNB", "AMF", "GNB", "UE")
    s.chain(new, "platform_connect", "UE", "GNB", "UPF", "IOT", "UPF", "GNB", "UE")
    s.chain(new, "an_release", "GNB", "AMF", "GNB", "UE")
    s.chain(new, "paging", "UPF", "SMF", "AMF", "GNB", "UE")
    s.chain(new, "ran_paging", "GNB", "UE")
    s.chain(new, "handover_xn", "GNB", "GNB", "AMF")
    s.chain(new, "handover_n2", "GNB", "AMF", "GNB", "AMF", "GNB")
    for name in ("session_release", "deregistration", "other"):
        s.chain(new, name, "UE", "GNB", "AMF", "SMF", "IOT")
    s.chain(old, "registration", "UE", "GNB", "MME", "HSS", "MME", "GNB", "UE", receive_ns=600 * US, patience_ns=25 * MS)
    s.chain(old, "service_request", "UE", "GNB", "MME", "GNB", "UE")
    s.chain(old, "periodic_update", "UE", "GNB", "MME", "GNB", "UE", patience_ns=6 * MS)
    s.chain(old, "paging", "MME", "GNB", "UE")


def _rich_scripts(s: SignallingBuilder, storm: list[int]) -> None:
    s.script("power_off", [(device, 300 * MS + device) for device in range(14)])
    s.script("boot", [(device, 380 * MS + device * 100 * US) for device in range(14)], guti_valid_q32=1 << 31)
    s.script("function_down", target=0, t_ns=600 * MS, down_ns=30 * MS, context_lost=True)
    s.script("function_down", target=5, t_ns=450 * MS, down_ns=100 * MS)
    s.script("function_down", target=6, t_ns=700 * MS, down_ns=40 * MS, context_lost=True)
    s.script("core_delay", target=0, t_ns=800 * MS, extra_ns=3 * MS)
    s.script("wake", [(device, (100 + 31 * device) * MS) for device in range(24)])
    s.script("access", [(device, 200 * MS + (i // 4) * MS) for i, device in enumerate(storm)])
    s.script("power_off", [(device, 905 * MS) for device in range(20)])
