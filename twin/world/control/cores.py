"""Cores, their hosts and their functions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from twin.base.units import s_to_ns, us_to_ns
from twin.scenario.schema import Scenario
from twin.scenario.signalling_entries import CoreProfile
from twin.scenario.signalling_names import CoreKind, functions_of
from twin.world.control.frames import FULL_Q32
from twin.world.core import Core
from twin.world.signalling_tables import ROLES
from twin.world.transport import path_delay_ns

LICENCES = ("registered_devices", "sessions", "procedures_per_s", "gbit_per_s")
GATEKEEPERS = ("AMF", "MME")  # functions that admit: congestion and overload are theirs


@dataclass
class CoreTables:
    """Rows of cores, hosts and functions; `row_of` by operator and kind."""

    cores: list[dict[str, Any]] = field(default_factory=list)
    hosts: list[dict[str, Any]] = field(default_factory=list)
    functions: list[dict[str, Any]] = field(default_factory=list)
    profiles: list[CoreProfile] = field(default_factory=list)
    row_of: dict[tuple[int, CoreKind], int] = field(default_factory=dict)

    def index(self) -> tuple[np.ndarray, np.ndarray]:
        """(first_function, n_functions) of `Signalling`."""
        first = np.full((len(self.cores), len(ROLES)), -1, dtype=np.int64)
        count = np.zeros((len(self.cores), len(ROLES)), dtype=np.int64)
        for row, function in enumerate(self.functions):
            at = function["core"], function["role"]
            first[at] = row if count[at] == 0 else first[at]
            count[at] += 1
        return first, count


def function_units(scenario: Scenario) -> list[str]:
    """Names by which a table of capacities knows the functions: ``viettel/5gc/amf``."""
    return [f"{operator}/{kind}/{nf}" for operator in scenario.operators for kind in scenario.core_kinds(operator)
            for nf in scenario.core_profiles[scenario.signalling.profile_of(operator)].functions
            if nf.upper() in functions_of(kind)]


def build_cores(scenario: Scenario, core: Core) -> CoreTables:
    """Every operator's cores."""
    out = CoreTables()
    for o, operator in enumerate(scenario.operators):
        name = scenario.signalling.profile_of(operator)
        profile = scenario.core_profiles[name]
        n4, n6 = _distances(scenario, core, o, operator)
        for kind in scenario.core_kinds(operator):
            out.row_of[o, kind] = len(out.cores)
            out.profiles.append(profile)
            out.cores.append({"name": f"{operator}/{kind}", "operator": o, "kind": kind, "profile": name,
                              "n4_ns": us_to_ns(profile.sbi_us) + n4, "n6_ns": n6, **_core(profile)})
            _functions(out, profile, kind, core)
    return out


def _core(profile: CoreProfile) -> dict[str, Any]:
    row: dict[str, Any] = {
        "sbi_ns": us_to_ns(profile.sbi_us), "sbi_timer_ns": s_to_ns(profile.sbi_timer_s or 0.0),
        "overload_hold_ns": s_to_ns(profile.overload_hold_s),
        "overload_reject_q32": round(profile.overload_reject_share * FULL_Q32),
        "rrc_wait_ns": s_to_ns(profile.rrc_wait_s), "t3346_min_ns": s_to_ns(profile.t3346_min_s),
        "t3346_max_ns": s_to_ns(profile.t3346_max_s), "retry_ns": s_to_ns(profile.retry_s),
        "long_retry_ns": s_to_ns(profile.long_retry_s), "max_attempts": profile.max_attempts}
    licences = {str(kind): licence for kind, licence in profile.licences.items()}
    for kind in LICENCES:
        licence = licences.get(kind)
        row[f"{kind}_block"] = float("nan") if licence is None else licence.block_size
        row[f"{kind}_limit"] = float("nan") if licence is None or licence.limit is None else licence.limit
    return row


def _functions(out: CoreTables, profile: CoreProfile, kind: CoreKind, core: Core) -> None:
    row = len(out.cores) - 1
    owner = out.cores[row]["name"]
    host = -1
    if profile.host_cpus is not None:
        host = len(out.hosts)
        out.hosts.append({"name": f"{owner}/host", "cpus": profile.host_cpus})
    pools = {nf.upper(): pool for nf, pool in profile.functions.items()}
    for role in functions_of(kind):
        if role not in pools:
            continue
        pool, own = pools[role], core.capacity(f"{owner}/{role.lower()}")
        shares, gate = host >= 0 and pool.on_host, role in GATEKEEPERS
        workers = 1 if shares else own.workers or pool.workers
        step = own.next_step or ("more CPUs on the host" if shares else f"one more instance of {workers} workers")
        for i in range(own.instances or pool.instances):
            out.functions.append({
                "name": f"{owner}/{role.lower()}-{i + 1}", "core": row, "role": ROLES.index(role), "host": host if shares else -1,
                "workers": workers, "wake_ns": us_to_ns(profile.wake_us / (1.0 - profile.background_share)),
                "service_kind": profile.service_kind, "backlog_limit": own.backlog_limit or pool.backlog_limit,
                "congestion_backlog": (profile.congestion_backlog or 0) if gate else 0,
                "overload_backlog": (profile.overload_backlog or 0) if gate else 0,
                "reject_ns": us_to_ns(profile.reject_us / (1.0 - profile.background_share)),
                "background_share": profile.background_share, "next_step": step})


def _distances(scenario: Scenario, core: Core, operator: int, name: str) -> tuple[int, int]:
    """One way from the core to the operator's UPF, and to the platform's servers, ns; the parks' mean where they stand there."""
    centre = core.node("hanoi", operator, -1)
    site = scenario.iot_platform.site
    upf = [core.node(scenario.operators[name].upf, operator, p) for p in _parks(scenario, scenario.operators[name].upf)]
    rooms = [core.server_room(site, operator, p) for p in _parks(scenario, scenario.server_sites[site].place)]
    return tuple(round(np.mean([path_delay_ns(core.graph, core.router.path(centre, node)) for node in nodes]))
                 for nodes in (upf, rooms))  # type: ignore[return-value]


def _parks(scenario: Scenario, place: str) -> range:
    return range(len(scenario.parks)) if place == "park" else range(-1, 0)


__all__ = ["CoreTables", "build_cores", "function_units"]
