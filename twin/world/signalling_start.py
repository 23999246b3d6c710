"""Where every device stands at time 0, so that a run begins in the steady state (docs/signalling.md, section 6)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import betaincinv

from twin.base import draws
from twin.base.jit import compiled
from twin.world.signalling_tables import Signalling

# States of a device.
OFF, DEREGISTERED, IDLE, INACTIVE, CONNECTED = range(5)
NEVER = np.int64(1) << np.int64(62)


class StartStates(NamedTuple):
    """One entry a device of `Signalling.devices`.

    state int64. last_ns: time of the last burst offered (connected; <= 0). periodic_at_ns: when the periodic update timer runs
    out (idle with such a timer; else NEVER). asleep_from_ns: 0 for an idle device that uses PSM, else NEVER.
    Idle and connected devices are registered with all their sessions, with a valid GUTI.
    """

    state: np.ndarray
    last_ns: np.ndarray
    periodic_at_ns: np.ndarray
    asleep_from_ns: np.ndarray


@compiled
def _start(key, hashes, core, gap, inactivity, periodic, active):
    n = len(hashes)
    state, last = np.full(n, DEREGISTERED, np.int64), np.zeros(n, np.int64)
    periodic_at, asleep = np.full(n, NEVER, np.int64), np.full(n, NEVER, np.int64)
    for d in range(n):
        if core[d] < 0:
            continue
        timer = inactivity[d]
        often = 0 < gap[d] <= timer
        if often or (gap[d] > 0 and draws.uniform_below(draws.draw(key, hashes[d], draws.START, 0), gap[d]) < timer):
            state[d] = CONNECTED
            last[d] = -draws.uniform_below(draws.draw(key, hashes[d], draws.START, 1), min(gap[d], timer))
        else:
            state[d] = IDLE
            if periodic[d] > 0:
                # The timer began when it last became idle: no longer ago than its bursts lie apart.
                since = min(gap[d], periodic[d]) if gap[d] > 0 else periodic[d]
                periodic_at[d] = periodic[d] - draws.uniform_below(draws.draw(key, hashes[d], draws.START, 2), since)
            if active[d] >= 0:
                asleep[d] = 0
    return state, last, periodic_at, asleep


def start_states(signalling: Signalling, key: int) -> StartStates:
    """States at time 0: a device is connected with the share of time it would be (its bursts coming a mean gap apart)."""
    devices, kinds = signalling.devices, signalling.behaviours
    kind = np.maximum(devices["behaviour"].to_numpy(), 0)

    def of_kind(column: str) -> np.ndarray:
        values = kinds[column].to_numpy(np.int64)
        return values[kind] if len(values) else np.zeros(len(kind), np.int64)

    return StartStates(*_start(np.uint64(key), devices["device_hash"].to_numpy(np.uint64), devices["core"].to_numpy(np.int64),
                               devices["mean_gap_ns"].to_numpy(np.int64), of_kind("inactivity_ns"), of_kind("periodic_ns"),
                               of_kind("active_ns")))


@compiled
def _shares(key, hashes, script):
    out = np.empty(len(hashes), np.float64)
    for i in range(len(hashes)):
        out[i] = draws.unit(draws.draw(key, hashes[i], draws.SCRIPT, script[i]))
    return out


def script_times(signalling: Signalling, key: int) -> np.ndarray:
    """When each row of `script_devices` happens (int64 ns): its time, and where the script spreads it a draw of the device more.

    The draw is of the device's hash (SCRIPT, row of the script); the time the spread times its quantile, rounded down.
    """
    table, scripts = signalling.script_devices, signalling.scripts
    times, script = table["t_ns"].to_numpy(np.int64).copy(), table["script"].to_numpy(np.int64)
    spread = scripts["spread_ns"].to_numpy(np.int64)
    for s in np.flatnonzero(spread > 0):
        rows = np.flatnonzero(script == s)
        hashes = signalling.devices["device_hash"].to_numpy(np.uint64)[table["device"].to_numpy(np.int64)[rows]]
        share = _shares(np.uint64(key), hashes, script[rows])
        alpha, beta = float(scripts["alpha"].iloc[s]), float(scripts["beta"].iloc[s])
        if alpha > 0:
            share = betaincinv(alpha, beta, share)
        times[rows] += np.floor(share * spread[s]).astype(np.int64)
    return times
