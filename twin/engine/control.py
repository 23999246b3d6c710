"""The control plane's tables as the kernels' integer arrays, and what it measured (docs/signalling.md)."""

from __future__ import annotations

import numpy as np
import pandas as pd

from twin.base import columns as c
from twin.base import draws
from twin.base import signal_columns as sc
from twin.engine.air import AirTables
from twin.world.signalling_tables import GNB, TRIGGERS, UE, Signalling
from twin.world.tables import World

#: Columns of `Fixed` and `Control` tables that are columns of the tables of `Signalling`, in order.
BEHAVIOURS = ("inactivity_ns", "rrc_inactive_ns", "periodic_ns", "drx_ns", "active_ns", "sessions", "hold_limit")
CORES = ("sbi_ns", "n4_ns", "n6_ns", "sbi_timer_ns", "overload_hold_ns", "overload_reject_q32", "rrc_wait_ns", "t3346_min_ns",
         "t3346_max_ns", "retry_ns", "long_retry_ns", "max_attempts")  # fmt: skip
RACH = ("rao_period_ns", "rao_offset_ns", "n_preambles", "max_tx", "preamble_ns", "rar_start_ns", "rar_slots", "rar_slot_ns",
        "grants_per_slot", "msg3_ns", "msg3_rtt_ns", "msg4_ns", "msg4_rtt_ns", "harq_fail_q32", "max_harq", "contention_ns",
        "backoff_ns", "collided_answered", "barring_q32", "barring_ns", "retry_ns")  # fmt: skip
CELLS = ("cell_hash", "rach", "radio", "n2_ns", "n2_ps_per_byte", "xn_ns", "srb_block_bytes", "srb_prb")
SCRIPTS = ("kind", "target", "t_ns", "down_ns", "context_lost", "extra_ns", "guti_valid_q32")
#: Times of these scripts end connections (kinds in SCRIPTS of the world's tables).
CUTTING = (sc.SCRIPT_POWER_OFF, sc.SCRIPT_DOWN)


def integers(table: pd.DataFrame, names: tuple[str, ...], width: int = 0) -> np.ndarray:
    """Columns of a table as int64 (rows, at least the columns; wider with zeros)."""
    out = c.aligned_rows(len(table), max(width, len(names)))
    for i, name in enumerate(names):
        values = table[name].to_numpy()
        out[:, i] = values.view(np.int64) if values.dtype == np.uint64 else values.astype(np.int64)
    return out


def step_table(signalling: Signalling) -> tuple[np.ndarray, np.ndarray]:
    """Procedures and steps with their links: (int64 (procedures, 8), int64 (steps, 16))."""
    table, steps = signalling.procedures, signalling.steps
    procedures = np.zeros((len(table), sc.PROCEDURE_COLUMNS), np.int64)
    procedures[:, : sc.PR_CHILD] = integers(table, ("core", "trigger", "first_step", "patience_ns"))
    procedures[:, sc.PR_CHILD] = sc.NONE
    rows = integers(steps, ("sender", "receiver", "interface", "bytes", "receive_ns", "send_ns", "opens", "closes", "success"),
                    sc.STEP_COLUMNS)  # fmt: skip
    rows[:, [sc.ST_CHILD, sc.ST_SIBLING]] = sc.NONE
    owner, after = steps["procedure"].to_numpy(np.int64), steps["after"].to_numpy(np.int64)
    first = procedures[owner, sc.PR_FIRST]
    rows[:, sc.ST_INDEX] = np.arange(len(rows)) - first
    rows[:, sc.ST_DEMAND] = rows[:, sc.ST_RECEIVE]
    for i in range(len(rows) - 1, -1, -1):  # from the back, so that siblings stand in order
        parent = int(first[i] + after[i]) if after[i] >= 0 else -1
        place = rows[parent] if parent >= 0 else procedures[owner[i]]
        column = sc.ST_CHILD if parent >= 0 else sc.PR_CHILD
        rows[i, sc.ST_SIBLING] = place[column]
        place[column] = i
        if parent >= 0:
            rows[parent, sc.ST_DEMAND] += rows[i, sc.ST_SEND]
    rows[:, sc.ST_DEMAND] = np.maximum(rows[:, sc.ST_DEMAND], 1)
    for leaves in np.flatnonzero(rows[:, sc.ST_SUCCESS]).tolist():
        while after[leaves] >= 0 and rows[leaves, sc.ST_SENDER] in (UE, GNB):
            leaves = int(first[leaves] + after[leaves])
        rows[leaves, sc.ST_OUT] = rows[leaves, sc.ST_SENDER] not in (UE, GNB)
    return procedures, rows


def rate_table(signalling: Signalling) -> np.ndarray:
    """Procedures at a rate, a row a device: int64 (rows, 5): device, procedure, mean_ns, hash of its stream, row of the rate."""
    out: list[np.ndarray] = []
    devices = signalling.devices
    names = {(int(core), name): i for i, (core, name) in
             enumerate(zip(signalling.procedures["core"], signalling.procedures["name"]))}  # fmt: skip
    rates = signalling.rates
    means = rates["mean_ns"].to_numpy(np.int64)
    for row, (behaviour, name) in enumerate(zip(rates["behaviour"], rates["procedure_name"])):
        for core in range(len(signalling.cores)):
            procedure = names.get((core, name))
            if procedure is None:
                continue
            who = np.flatnonzero((devices["behaviour"] == behaviour) & (devices["core"] == core))
            block = np.zeros((len(who), 5), np.int64)
            stream = int(draws.mix64(np.uint64((1 << 32) + row)))
            hashes = devices["device_hash"].to_numpy(np.uint64)[who] ^ np.uint64(stream)
            block[:, 0], block[:, 1], block[:, 2], block[:, 4] = who, procedure, means[row], row
            block[:, 3] = [np.uint64(draws.mix64(h)).view(np.int64) for h in hashes]
            out.append(block)
    return np.concatenate(out) if out else np.zeros((0, 5), np.int64)


def fixed_tables(world: World, air: AirTables) -> sc.Fixed:
    """All that does not change."""
    s = _signalling(world)
    procedures, steps = step_table(s)
    hosts = s.functions["host"].to_numpy(np.int64)
    order = np.argsort(np.where(hosts < 0, len(s.hosts), hosts), kind="stable")[: int((hosts >= 0).sum())]
    return sc.Fixed(
        behaviours=integers(s.behaviours, BEHAVIOURS),
        procedures=procedures,
        steps=steps,
        rach=integers(s.rach, RACH),
        detect=np.ascontiguousarray(s.rach_detect_q32, dtype=np.int64),
        first_function=np.ascontiguousarray(s.first_function, dtype=np.int64),
        n_functions=np.ascontiguousarray(s.n_functions, dtype=np.int64),
        procedure_of=np.ascontiguousarray(s.procedure_of, dtype=np.int64).reshape(-1, len(TRIGGERS)),
        host_functions=order.astype(np.int64),
        scripts=integers(s.scripts, SCRIPTS),
        script_device=integers(s.script_devices, ("script", "device")),
        rates=rate_table(s),
        radios=air.radios,
        after=air.after,
        usable_from=air.usable_from,
    )


def _signalling(world: World) -> Signalling:
    assert world.signalling is not None
    return world.signalling


def cutting_times(signalling: Signalling) -> np.ndarray:
    """Sorted times (ns) at which scripts take connections away."""
    scripts, devices = signalling.scripts, signalling.script_devices
    kind = scripts["kind"].to_numpy(np.int64)
    whole = scripts["t_ns"].to_numpy(np.int64)[kind == sc.SCRIPT_DOWN]
    of = kind[devices["script"].to_numpy(np.int64)] == sc.SCRIPT_POWER_OFF
    return np.unique(np.concatenate([whole, devices["t_ns"].to_numpy(np.int64)[of], [sc.NEVER]]))
