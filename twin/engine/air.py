"""World tables of radios and cells as the kernels' integer arrays."""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import numpy as np

from twin.base import columns as c
from twin.base.slots import SlotTable, expand_pattern, slot_ns_of, slot_table
from twin.base.tbs import payload_table
from twin.world.tables import World

N_LEVELS = 4


class AirTables(NamedTuple):
    """Fixed tables of the radio interface; see `twin.radio.kernels.Air`."""

    radios: np.ndarray
    usable: np.ndarray
    lead: np.ndarray
    after: np.ndarray
    usable_from: np.ndarray
    uplink: np.ndarray
    symbols: np.ndarray
    table: np.ndarray
    payload: np.ndarray
    cells: np.ndarray  # initial state


def slot_tables(radio: Any) -> tuple[SlotTable, SlotTable]:
    """Uplink and downlink slot tables of one row of `World.radios`."""
    down, up = expand_pattern(radio.duplex, radio.pattern, int(radio.special_dl_symbols), int(radio.special_ul_symbols))
    slot = slot_ns_of(int(radio.scs_khz))
    return slot_table(down, up, slot, 0, int(radio.k2_slots)), slot_table(down, up, slot, 1, int(radio.k2_slots))


def first_after(s: SlotTable) -> np.ndarray:
    """For each slot q of the period: how many slots later the first usable slot is whose decision is not before q."""
    lead_slots = s.lead_ns // s.slot_ns
    steps = np.zeros(s.period, dtype=np.int64)
    for q in range(s.period):
        n = q
        while not (s.usable[n % s.period] and n - lead_slots[n % s.period] >= q):
            n += 1
        steps[q] = n - q
    return steps


def uplink_symbols(world: World, r: int) -> np.ndarray:
    """Uplink symbols of each slot of the TDD period of radio r."""
    radio = world.radios.iloc[r]
    return expand_pattern(radio["duplex"], radio["pattern"], int(radio["special_dl_symbols"]), int(radio["special_ul_symbols"]))[
        1
    ]


def _radio_rows(radio: Any, slots: tuple[SlotTable, SlotTable]) -> np.ndarray:
    rows = np.zeros((2, 15), dtype=np.int64)
    slot = slots[0].slot_ns
    for column, value in (
        (c.RA_SLOT, slot),
        (c.RA_PERIOD, slots[0].period),
        (c.RA_PRB, radio.n_prb),
        (c.RA_SR_PERIOD, radio.sr_period_slots),
        (c.RA_SR_GRANT, radio.sr_grant_bytes),
        (c.RA_K2, radio.k2_slots),
        (c.RA_PROCESSING, radio.gnb_processing_ns),
        (c.RA_UE, radio.ue_processing_ns),
        (c.RA_UE_TX, radio.ue_tx_processing_ns),
        (c.RA_HARQ_TX, radio.max_harq_tx),
        (c.RA_HARQ_GAIN, radio.harq_gain_q16),
        (c.RA_HEADER, radio.l2_header_bytes),
        (c.RA_DL_PROCESSING, radio.gnb_dl_processing_ns),
    ):
        rows[:, column] = int(value)
    rows[:, c.RA_GRANTS] = int(radio.max_grants_ul), int(radio.max_grants_dl)
    rows[0, c.RA_HARQ_DELAY] = int(radio.gnb_processing_ns)
    rows[1, c.RA_HARQ_DELAY] = int(radio.ue_processing_ns) + slot + int(radio.gnb_processing_ns)
    return rows


def air_tables(world: World) -> AirTables:
    """Slot tables, payload tables and initial cell states."""
    radios = list(world.radios.itertuples(index=False))
    slots = [slot_tables(radio) for radio in radios]
    longest = max((s[0].period for s in slots), default=1)
    shape = (2 * max(len(radios), 1), longest)
    usable, uplink = np.zeros(shape, dtype=np.bool_), np.zeros(shape, dtype=np.bool_)
    lead, symbols, table, after, usable_from = (np.zeros(shape, dtype=np.int64) for _ in range(5))
    rows = np.zeros((shape[0], 15), dtype=np.int64)
    payloads: dict[tuple[int, int, int], int] = {}
    blocks: list[np.ndarray] = []
    for r, radio in enumerate(radios):
        rows[2 * r : 2 * r + 2] = _radio_rows(radio, slots[r])
        for d, s in enumerate(slots[r]):
            i, n = 2 * r + d, s.period
            usable[i, :n], lead[i, :n], uplink[i, :n], symbols[i, :n] = s.usable, s.lead_ns, s.uplink, s.symbols
            after[i, :n], usable_from[i, :n] = (
                first_after(s),
                first_after(dataclasses.replace(s, lead_ns=np.zeros_like(s.lead_ns))),
            )
            for phase in np.flatnonzero(s.usable):
                key = (r, d, int(s.symbols[phase]))
                if key not in payloads:
                    payloads[key] = len(blocks)
                    blocks.append(payload_table(radio, d, key[2]))
                table[i, phase] = payloads[key]
    return AirTables(rows, usable, lead, after, usable_from, uplink, symbols, table, _stack(blocks), _cells(world))


def _stack(blocks: list[np.ndarray]) -> np.ndarray:
    """Payload tables as int32 (tables, mcs, prb + 1); shorter ones are continued with their last entry."""
    n_mcs = max((b.shape[0] for b in blocks), default=1)
    width = max((b.shape[1] for b in blocks), default=1)
    out = np.zeros((max(len(blocks), 1), n_mcs, width), dtype=np.int32)
    for i, b in enumerate(blocks):
        out[i, : b.shape[0], : b.shape[1]] = b
        out[i, : b.shape[0], b.shape[1] :] = b[:, -1:]
    return out


def _cells(world: World) -> np.ndarray:
    cells = c.aligned_rows(2 * len(world.cells), c.CELL_COLUMNS)
    cells[:, c.CE_BOOKED] = c.NONE
    cells[:, c.CE_RADIO] = np.repeat(world.cells["radio"].to_numpy(), 2)
    for level in range(N_LEVELS):
        cells[:, c.CE_LISTS + 3 * level : c.CE_LISTS + 3 * level + 2] = c.NONE
    return cells
