"""The radio of the engine: waits for TDD slots, grants worked by hand, capacity, fairness, priority."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from tests.theory import alignment_wait, assert_mean, replications
from tests.worlds import MS, US, Builder
from twin.base import columns as col
from twin.base.accounting import PARTS
from twin.base.tbs import payload_table
from twin.engine.run import Engine
from twin.world.tables import DL, UL, Clock, World

pytestmark = pytest.mark.verify

STRONG = -70.0  # dB
CLEAN = {"p0_dbm": -50.0, "bler_target": 0.001}  # with it, an attempt fails with 1e-6
#: pattern, downlink and uplink symbols of S, slots of the period usable in downlink and in uplink (4 symbols or more).
PATTERNS = [
    ("DDDSU", 10, 2, (0, 1, 2, 3), (4,)),
    ("DDSUU", 6, 5, (0, 1, 2), (2, 3, 4)),
    ("DSUUU", 3, 8, (0,), (1, 2, 3, 4)),
    ("DDDDDDDSUU", 12, 0, (0, 1, 2, 3, 4, 5, 6, 7), (8, 9)),
]


def column(rows: np.ndarray, part: str) -> np.ndarray:
    return rows[:, 6 + PARTS.index(part)]


# Waits for a slot -----------------------------------------------------------------------------------------------------------

def scattered(radio: dict[str, Any], devices: int = 3000, **kind: Any) -> World:
    """Devices that send (or get) one burst each, at a time uniform over one second. Configured grants: few in a cell, so that
    all are admitted."""
    b = Builder()
    in_cell = 4 if "cg_period_ns" in kind else devices
    number = b.radio(**radio)
    for _ in range(0, devices, in_cell):
        b.cell(number)
    route = b.route(b.link(rate_bps=10**12))
    number = b.flow_type(**{"period_ns": 1_000 * MS, "size_bytes": 20, **kind})
    down = kind.get("direction", UL) == DL
    for i in range(devices):
        b.flow(b.device(cell=i // in_cell, gain_db=STRONG), number, -1 if down else route, route if down else -1)
    return b.build()


def mean_waits(world: World, part: str) -> list[float]:
    """Mean wait (µs) for each of some replications, of the bursts of the first second."""
    waits = []
    for engine, _ in replications(world, 2_000 * MS, 30, capture=True):
        rows = engine.raw()
        first = rows[rows[:, 3] < 1_000 * MS]
        assert len(first) == len(world.devices)
        waits.append(column(first, part).mean() / US)
    return waits


@pytest.mark.parametrize(("pattern", "down", "up", "dl_slots", "ul_slots"), PATTERNS)
def test_alignment(pattern: str, down: int, up: int, dl_slots: tuple[int, ...], ul_slots: tuple[int, ...]) -> None:
    """Downlink, and configured grants in every uplink slot: sum of squared gaps over twice the period."""
    radio = {"pattern": pattern, "special_dl_symbols": down, "special_ul_symbols": up, "sr_period_slots": len(pattern)}
    slot, ue_tx = 500.0, 150.0
    theory = slot * alignment_wait(dl_slots, len(pattern))
    assert_mean(f"alignment {pattern}, downlink, µs", theory, mean_waits(scattered(radio, direction=DL), "dl_alignment"), 0.02)
    theory = ue_tx + slot * alignment_wait(ul_slots, len(pattern))
    world = scattered(radio, cg_period_ns=500 * US, cg_bytes=20)
    assert_mean(f"alignment {pattern}, configured grant, µs", theory, mean_waits(world, "tdd_alignment"), 0.02)


def test_alignment_without_tdd() -> None:
    """FDD: half a slot; a configured grant once in 20 ms: half of that, whatever the duplex mode."""
    waits = mean_waits(scattered({"duplex": "fdd", "scs_khz": 15}, direction=DL), "dl_alignment")
    assert_mean("alignment FDD 15 kHz, downlink, µs", 500.0, waits, 0.02)
    waits = mean_waits(scattered({}, cg_period_ns=20 * MS, cg_bytes=20), "tdd_alignment")
    assert_mean("alignment DDDSU, configured grant each 20 ms, µs", 150.0 + 10_000.0, waits, 0.02)


# Grants, worked by hand -------------------------------------------------------------------------------------------------------

def lone_device(radio: dict[str, Any], **kind: Any) -> tuple[np.ndarray, np.ndarray]:
    """Times (ns) at which the bursts of one device arise and leave the radio network."""
    b = Builder()
    b.cell(b.radio(**CLEAN, **radio))
    down = kind.get("direction", UL) == DL
    route = b.route(b.link(rate_bps=10**12)) if down else b.route(b.server(service_mean_ns=1))
    number = b.flow_type(**{"period_ns": 20_000_113, "size_bytes": 100, **kind})
    b.flow(b.device(cell=0, gain_db=STRONG), number, -1 if down else route, route if down else -1)
    engine = Engine(b.build(), Clock(8_000 * MS), capture=True)
    engine.advance(8_000 * MS)
    rows = engine.raw()
    assert len(rows) > 390
    return rows[:, 3], rows[:, 4] - (column(rows, "serialisation") if down else 1)


def test_grant_in_tdd() -> None:
    """DDDSU at 30 kHz, requests in the U slot of each pattern, K2 of one slot; times in ms from the start of a pattern.

    Born before 2.0: request in slot 4 (2.0 to 2.5), decoded at 2.8; the grant goes in slot 8 (4.0) for slot 9 (4.5 to 5.0);
    decoded at 5.3. Born later: one pattern later. A burst beyond the first grant: the report is decoded at 5.3, granted in
    slot 13 (6.5) for slot 14 (7.0 to 7.5), decoded at 7.8.
    """
    radio = {"special_ul_symbols": 0, "sr_period_slots": 5}
    for size, left in ((100, 5_300 * US), (195, 5_300 * US), (1_000, 7_800 * US)):
        born, gone = lone_device(radio, size_bytes=size)
        start = born // (2_500 * US) * (2_500 * US)
        late = born - start > 2_000 * US
        np.testing.assert_array_equal(gone, start + left + late * 2_500 * US)


def test_grant_in_fdd() -> None:
    """15 kHz, a request in any slot, K2 of 4: request in slot c = ceil(t), decoded at c + 1.3; grant at c + 2 for slot c + 6,
    which ends at c + 7, decoded at c + 7.3 ms."""
    born, gone = lone_device({"duplex": "fdd", "scs_khz": 15, "k2_slots": 4, "sr_period_slots": 1})
    np.testing.assert_array_equal(gone, -(-born // MS) * MS + 7_300 * US)


def test_downlink_in_fdd() -> None:
    """15 kHz (TR 37.910): 0.2 in the station, up to the next slot, the slot, 0.25 in the device."""
    born, gone = lone_device({"duplex": "fdd", "scs_khz": 15}, direction=DL, size_bytes=100)
    ready = born + 200 * US
    # The train takes 1 ns on the link before it reaches the station.
    assert (np.abs(gone - (-(-ready // MS) * MS + MS + 250 * US)) <= 2).all()


def test_configured_grant_in_fdd() -> None:
    """30 kHz: 0.15 in the device, up to the next slot, the slot, 0.3 in the station."""
    born, gone = lone_device({"duplex": "fdd"}, cg_period_ns=500 * US, cg_bytes=100)
    sent = -(-(born + 150 * US) // (500 * US)) * 500 * US
    np.testing.assert_array_equal(gone, sent + 500 * US + 300 * US)


# Capacity and sharing ---------------------------------------------------------------------------------------------------------

def saturated(radio: dict[str, Any], gains_db: list[float], direction: int, levels: list[int] | None = None,
              buffer_bytes: int = 100_000) -> World:
    """Devices with always something to send or get; each with an application of its own (1, 2, …)."""
    b = Builder()
    b.cell(b.radio(**radio))
    route = b.route(b.link(rate_bps=10**12, buffer_bytes=1 << 30))
    for gain, level in zip(gains_db, levels or [1] * len(gains_db)):
        kind = b.flow_type(application=b.add("applications"), direction=direction, period_ns=200 * US, size_bytes=3_000,
                           rlc_buffer_bytes=buffer_bytes, level=level)
        down = direction == DL
        b.flow(b.device(cell=0, gain_db=gain), kind, -1 if down else route, route if down else -1)
    return b.build()


def channel(engine: Engine, direction: int) -> np.ndarray:
    """The first channel of a direction."""
    channels = engine.state.channels
    return channels[channels[:, col.CH_CELL] % 2 == direction][0]


def attempts(p: float, gain: float, most: int) -> tuple[float, float]:
    """Mean number of attempts for a block, and the share of blocks lost."""
    total, reach = 0.0, 1.0
    for _ in range(most):
        total += reach
        reach *= p
        p *= gain
    return total, reach


CAPACITY = [
    # Only whole slots carry data, so that every block is of one size. Last: slots a second, gains that give many errors.
    ("FDD 15 kHz, downlink", {"duplex": "fdd", "scs_khz": 15}, DL, 1_000, (-116.7, -121.7)),
    ("FDD 30 kHz, uplink", {"duplex": "fdd"}, UL, 2_000, (-97.5, -94.0)),
    ("DDDSU, downlink", {"special_dl_symbols": 2, "special_ul_symbols": 0}, DL, 1_200, (-113.7, -118.7)),
    ("DDSUU, uplink", {"pattern": "DDSUU", "special_ul_symbols": 0}, UL, 800, (-97.5, -94.0)),
]


@pytest.mark.parametrize(("name", "radio", "direction", "slots_per_s", "gains_db"), CAPACITY)
@pytest.mark.parametrize("gain", [0, 1])
def test_capacity(name: str, radio: dict[str, Any], direction: int, slots_per_s: int, gains_db: tuple[float, float],
                  gain: int) -> None:
    """A full cell: a block in every slot that no retransmission takes."""
    gain_db = gains_db[gain]
    world = saturated({"bler_target": 0.3, "harq_gain_q16": 1 << 15, **radio}, [gain_db], direction)
    goodput = []
    for engine, m in replications(world, 9_000 * MS, 20, 1_000 * MS):
        goodput.append(m.cell_bytes[0, direction] * 8 / (m.measured_ns / 1e9) / 1e6)
        row = channel(engine, direction)
    symbols = 14 if direction == UL else 13
    payload = payload_table(world.radios.iloc[0], direction, symbols)[row[col.CH_MCS], row[col.CH_MAX_PRB]]
    data = payload - world.radios["l2_header_bytes"][0]
    mean_attempts, lost = attempts(row[col.CH_BLER] / 2**32, 0.5, 4)
    theory = data * 8 * slots_per_s * (1 - lost) / mean_attempts / 1e6
    p = row[col.CH_BLER] / 2**32
    assert_mean(f"goodput {name}, MCS {row[col.CH_MCS]}, BLER {p:.3f}, Mbit/s", theory, goodput, 0.02, resolution=0.003)


@pytest.mark.parametrize("direction", [DL, UL])
def test_round_robin(direction: int) -> None:
    """Equal devices get equal bytes; unequal ones get equal turns, hence bytes as the sizes of their blocks."""
    far = -118.0 if direction == DL else -97.0
    world = saturated({"special_dl_symbols": 2, "special_ul_symbols": 0}, [-85.0] * 6 + [far] * 6, direction, buffer_bytes=30_000)
    for engine, m in replications(world, 16_000 * MS, 1, 1_000 * MS):
        got = m.delivered_bytes[1:, direction].astype(float)
        channels = engine.state.channels
    for same in (got[:6], got[6:]):
        assert same.sum() ** 2 / (len(same) * (same**2).sum()) > 0.9995  # Jain's index
    rows = channels[channels[:, col.CH_CELL] % 2 == direction]
    table = payload_table(world.radios.iloc[0], direction, 14 if direction == UL else 13)
    blocks = table[rows[:, col.CH_MCS], rows[:, col.CH_MAX_PRB]] - world.radios["l2_header_bytes"][0]
    assert blocks[0] > 1.2 * blocks[-1]
    assert (rows[:, col.CH_MAX_PRB] == 51).all()
    assert got[:6].mean() / got[6:].mean() == pytest.approx(blocks[0] / blocks[-1], rel=0.02)


@pytest.mark.parametrize("direction", [DL, UL])
def test_priority_starves(direction: int) -> None:
    """A level that fills the cell leaves nothing to the levels below it."""
    world = saturated({}, [-85.0, -85.0, -85.0], direction, levels=[0, 1, 3])
    for _, m in replications(world, 3_000 * MS, 2, 500 * MS):
        assert m.delivered_bytes[1, direction] > 0
        assert not m.delivered_bytes[2:, direction].any()
        load = m.prb_used[0, direction] / m.prb_available[0, direction]
        assert math.isclose(load, 1.0, abs_tol=0.01)
