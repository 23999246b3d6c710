"""Procedures and their steps for every core, and what comes at a rate."""

from __future__ import annotations

from typing import Any

import numpy as np

from twin.base.units import s_to_ns
from twin.scenario.call_flows import flows_of, own_flows
from twin.scenario.schema import Scenario
from twin.scenario.signalling_names import RATE_TRIGGERS
from twin.world.control.cores import CoreTables
from twin.world.control.costs import end_cost_ns, relayed
from twin.world.signalling_tables import INTERFACES, ROLES, TRIGGERS

S_PER_H = 3600.0
Rows = list[dict[str, Any]]


def build_procedures(scenario: Scenario, tables: CoreTables) -> tuple[Rows, Rows]:
    """Rows of procedures and of steps."""
    own = own_flows(scenario.call_flows_path)
    procedures: Rows = []
    steps: Rows = []
    for row, core in enumerate(tables.cores):
        profile = tables.profiles[row]
        patience = {str(trigger): s for trigger, s in profile.patience_by_trigger_s.items()}
        for flow in flows_of(core["kind"], own).values():
            parts = relayed(flow, profile.scp)
            procedures.append({"name": flow.name, "core": row, "trigger": TRIGGERS.index(flow.trigger), "first_step": len(steps),
                               "n_steps": len(parts), "patience_ns": s_to_ns(patience.get(flow.trigger, profile.patience_s))})
            steps += [{"procedure": len(procedures) - 1, "after": part.step.after, "sender": ROLES.index(part.step.sender),
                       "receiver": ROLES.index(part.step.receiver), "interface": INTERFACES.index(part.step.interface),
                       "message": part.step.message, "bytes": part.step.size_bytes,
                       "receive_ns": end_cost_ns(profile, part.step, True), "send_ns": end_cost_ns(profile, part.step, False),
                       "opens": part.opens, "closes": part.closes, "success": part.step.success} for part in parts]
    return procedures, steps


def procedure_index(procedures: Rows, n_cores: int) -> np.ndarray:
    """`Signalling.procedure_of`: the first procedure of each trigger of a core, -1 for none."""
    out = np.full((n_cores, len(TRIGGERS)), -1, dtype=np.int64)
    for row, procedure in enumerate(procedures):
        if out[procedure["core"], procedure["trigger"]] < 0:
            out[procedure["core"], procedure["trigger"]] = row
    return out


def build_rates(scenario: Scenario, procedures: Rows) -> Rows:
    """Rows of rates: by behaviour (a device class a row), for every procedure a name or a trigger stands for."""
    names: dict[str, list[str]] = {}
    for procedure in procedures:
        trigger = TRIGGERS[procedure["trigger"]]
        for key in {procedure["name"], trigger} if trigger in RATE_TRIGGERS else ():
            if procedure["name"] not in names.setdefault(key, []):
                names[key].append(procedure["name"])
    out: Rows = []
    for behaviour, device_class in enumerate(scenario.device_classes):
        rates = {**scenario.behaviour_of(device_class).rates_per_h,
                 **scenario.signalling.procedure_rates_per_h.get(device_class, {})}
        for key, per_h in rates.items():
            for name in names.get(key, ()) if per_h > 0 else ():
                out.append({"behaviour": behaviour, "procedure_name": name, "mean_ns": max(1, s_to_ns(S_PER_H / per_h))})
    return out
