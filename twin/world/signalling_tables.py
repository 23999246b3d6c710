"""Tables of the control plane (docs/signalling.md): the contract between `world` and the two engines.

All times are int64 nanoseconds, all sizes bytes. Rows of `devices` here are rows of `World.devices`, then devices that only take
part in a random access test; rows of `cells` are rows of `World.cells`, then the test's cell.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

#: Who sends and receives messages. UE and GNB have no queue; IOT is the IoT platform's connection front end.
ROLES = ("UE", "GNB", "AMF", "SMF", "AUSF", "UDM", "UDR", "PCF", "BSF", "NRF", "UPF", "SCP", "DB", "IOT",
         "MME", "HSS", "SGW", "PGW", "PCRF")  # fmt: skip
UE, GNB = 0, 1

INTERFACES = ("Uu", "N2", "SBI", "N4", "DB", "Xn", "N6", "S1", "S6a", "S11", "S5", "Gx", "X2")

#: What a procedure is for. `other`: a user's own, at a rate.
TRIGGERS = ("registration", "registration_guti", "session_establishment", "service_request", "resume", "periodic_update",
            "platform_connect", "an_release", "paging", "ran_paging", "session_release", "handover_xn", "handover_n2",
            "deregistration", "other")  # fmt: skip

#: How a procedure can end, in the order of every column of outcomes; in_progress is none.
OUTCOMES = ("succeeded", "timeout", "sbi_timeout", "nf_overflow", "nf_down", "congestion", "context_lost", "power_off")
#: How an access can end.
ACCESS_OUTCOMES = ("succeeded", "random_access", "void")

SCRIPTS = ("power_off", "boot", "wake", "access", "function_down", "core_delay", "procedure")

#: name -> dtype of every column the engines read. Tables may carry more columns for reports.
SIGNALLING_COLUMNS: dict[str, dict[str, str]] = {
    "cores": {"name": "str", "operator": "i4", "kind": "str", "profile": "str", "sbi_ns": "i8", "n4_ns": "i8", "n6_ns": "i8",
              "sbi_timer_ns": "i8", "overload_hold_ns": "i8", "overload_reject_q32": "i8", "rrc_wait_ns": "i8",
              "t3346_min_ns": "i8", "t3346_max_ns": "i8", "retry_ns": "i8", "long_retry_ns": "i8", "max_attempts": "i8"},
    "hosts": {"name": "str", "cpus": "i8"},
    # host -1: workers of its own. backlogs in messages; congestion_backlog and overload_backlog 0: none.
    "functions": {"name": "str", "core": "i4", "role": "i4", "host": "i4", "workers": "i8", "wake_ns": "i8",
                  "service_kind": "str", "backlog_limit": "i8", "congestion_backlog": "i8", "overload_backlog": "i8",
                  "reject_ns": "i8", "background_share": "f8"},
    # first_step, n_steps: rows of `steps`.
    "procedures": {"name": "str", "core": "i4", "trigger": "i4", "first_step": "i8", "n_steps": "i8", "patience_ns": "i8"},
    # after: index within the procedure, -1 at the start; steps come after what they follow.
    "steps": {"procedure": "i4", "after": "i4", "sender": "i4", "receiver": "i4", "interface": "i4", "message": "str",
              "bytes": "i8", "receive_ns": "i8", "send_ns": "i8", "opens": "bool", "closes": "bool", "success": "bool"},
    # active_ns -1: never asleep. rrc_inactive_ns 0: no RRC inactive. periodic_ns 0: none.
    "behaviours": {"name": "str", "inactivity_ns": "i8", "rrc_inactive_ns": "i8", "periodic_ns": "i8", "drx_ns": "i8",
                   "active_ns": "i8", "sessions": "i8", "hold_limit": "i8"},
    # Poisson procedures of connected devices of a behaviour. trigger: of the procedure; name: of the procedure (for `other`).
    "rates": {"behaviour": "i4", "procedure_name": "str", "mean_ns": "i8"},
    # detect_q32 of transmission n is `rach_detect_q32[rach, n]`.
    "rach": {"name": "str", "rao_period_ns": "i8", "rao_offset_ns": "i8", "n_preambles": "i8", "max_tx": "i8",
             "preamble_ns": "i8", "rar_start_ns": "i8", "rar_slots": "i8", "rar_slot_ns": "i8", "grants_per_slot": "i8",
             "msg3_ns": "i8", "msg3_rtt_ns": "i8", "msg4_ns": "i8", "msg4_rtt_ns": "i8", "harq_fail_q32": "i8",
             "max_harq": "i8", "contention_ns": "i8", "backoff_ns": "i8", "collided_answered": "bool",
             "barring_q32": "i8", "barring_ns": "i8", "retry_ns": "i8"},
    # radio: row of `World.radios` whose slots carry the signalling (-1 in a test: over the air in 1 ns).
    "cells": {"name": "str", "cell_hash": "u8", "rach": "i4", "radio": "i4", "n2_ns": "i8", "n2_ps_per_byte": "i8", "xn_ns": "i8",
              "srb_block_bytes": "i8", "srb_prb": "i8"},
    # cell, core -1: none, the device passes unhindered. mean_gap_ns: of its bursts, all flows together (0: it has none).
    "devices": {"device_hash": "u8", "cell": "i4", "core": "i4", "behaviour": "i4", "mean_gap_ns": "i8"},
    # kind: position in SCRIPTS. target: row of function, core or procedure, -1. guti_valid_q32 for boot. spread_ns > 0: each
    # device's time is that of `script_devices` and a draw more, uniform in it (alpha 0) or Beta(alpha, beta) (`script_times`).
    "scripts": {"name": "str", "kind": "i4", "target": "i4", "t_ns": "i8", "down_ns": "i8", "context_lost": "bool",
                "extra_ns": "i8", "guti_valid_q32": "i8", "spread_ns": "i8", "alpha": "f8", "beta": "f8"},
    "script_devices": {"script": "i4", "device": "i4", "t_ns": "i8"},
}


@dataclass(frozen=True)
class Signalling:
    """Everything static about the control plane; tables are data frames with the columns of `SIGNALLING_COLUMNS`.

    first_function, n_functions: int64 (cores, roles), -1 and 0 where the core lacks the role. procedure_of: int64 (cores,
    triggers), row of `procedures` or -1 (of several `other` the first). rach_detect_q32: int64 (rach, 1 + most max_tx).
    """

    cores: pd.DataFrame
    hosts: pd.DataFrame
    functions: pd.DataFrame
    procedures: pd.DataFrame
    steps: pd.DataFrame
    behaviours: pd.DataFrame
    rates: pd.DataFrame
    rach: pd.DataFrame
    rach_detect_q32: np.ndarray
    cells: pd.DataFrame
    devices: pd.DataFrame
    scripts: pd.DataFrame
    script_devices: pd.DataFrame
    first_function: np.ndarray
    n_functions: np.ndarray
    procedure_of: np.ndarray
