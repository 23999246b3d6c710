"""Grants, slots and losses in a cell of the reference engine against numbers worked out by hand."""

import numpy as np
import pytest
from worlds import MS, NEVER, Builder, with_columns

from twin.base.accounting import CAUSES, PARTS
from twin.base.link_adaptation import adaptation_tables
from twin.reference.grants import Occasions, reserved_prbs
from twin.reference.run import simulate
from twin.reference.slots import Calendar
from twin.world.tables import Clock, World

SLOT = 500_000  # 30 kHz


def one_device(gain_db: float = -90.0, radio: dict | None = None, **kind) -> World:
    """One device with one flow, and a link that takes almost no time."""
    b = Builder()
    b.cell(b.radio(**(radio or {})))
    fast = b.route(b.link(rate_bps=10**12))
    down = kind.get("direction", 0) == 1
    kind_row = b.flow_type(**{"period_ns": 40 * MS, **kind})
    b.flow(b.device(cell=0, gain_db=gain_db), kind_row, -1 if down else fast, fast if down or kind.get("response_bytes") else -1)
    return b.build()


def bursts(world: World, horizon_ms: int = 400, **clock):
    return simulate(world, Clock(horizon_ns=horizon_ms * MS, **clock)).bursts


def lost(table, cause: str):
    return table[table.cause == CAUSES.index(cause)]


def perfect(world: World) -> World:
    """Attempts never fail often enough to be seen: a strong radio link."""
    return with_columns(world, "radios", bler_target=0.001)


def test_grant_by_scheduling_request_in_fdd():
    world = perfect(one_device(radio={"duplex": "fdd", "k2_slots": 4, "sr_period_slots": 8}))
    for row in bursts(world).itertuples():
        request = next(q for q in range(10_000) if q * SLOT >= row.t_gen and (q - row_offset(world, row)) % 8 == 0)
        ready = (request + 1) * SLOT + 300_000
        decided = -(-ready // SLOT)
        assert row.grant == ready - row.t_gen + 4 * SLOT
        assert row.tdd_alignment == decided * SLOT - ready
        assert (row.radio_queue, row.transmission, row.harq) == (0, SLOT, 0)
        assert row.t_end == (decided + 5) * SLOT + 300_000 + row.serialisation


def row_offset(world: World, row) -> int:
    """The SR offset that explains a burst: ready minus processing is the end of an SR slot."""
    return ((row.t_gen + row.grant - 4 * SLOT - 300_000) // SLOT - 1) % 8


def test_sr_offset_is_the_same_for_all_bursts_of_a_flow():
    world = perfect(one_device(radio={"duplex": "fdd", "k2_slots": 4, "sr_period_slots": 8}, period_ns=7_777_777))
    table = bursts(world)
    assert len({row_offset(world, row) for row in table.itertuples()}) == 1
    assert len(table) > 40


def test_small_sr_grant_is_followed_by_a_second_one():
    world = perfect(one_device(radio={"duplex": "fdd", "k2_slots": 1, "sr_grant_bytes": 20}, size_bytes=300))
    table = bursts(world)
    # The report of the first block is heard 0.3 ms after its slot; the next decision is a slot later, K2 later the block.
    assert set(table.transmission) == {4 * SLOT}


def test_uplink_waits_for_the_uplink_slot():
    table = bursts(perfect(one_device(period_ns=3_700_001)))
    ends = table.t_gen + table.grant + table.tdd_alignment + table.radio_queue + table.transmission
    assert set((ends // SLOT) % 5) == {0}  # DDDSU: slot 4 of 5 ends where the next period begins
    assert set(ends % SLOT) == {0}


def test_downlink_alignment_in_tdd_has_the_mean_of_the_pattern():
    table = bursts(perfect(one_device(direction=1, generator="poisson", period_ns=400_000, size_bytes=20)), horizon_ms=800)
    # DDDS-: a wait below one slot for 4 of 5 arrivals; in slot 3 the next usable begin is 2 slots after its own.
    expected = (4 * SLOT * SLOT / 2 + SLOT * (SLOT + SLOT / 2)) / (5 * SLOT)
    assert len(table) > 1_500
    assert table.dl_alignment.mean() == pytest.approx(expected, rel=0.06)


def test_downlink_processing_and_one_slot():
    table = bursts(perfect(one_device(direction=1, radio={"duplex": "fdd"})))
    assert set(table.processing) == {200_000 + 250_000}
    assert set(table.dl_transmission) == {SLOT}
    arrival = table.t_gen + table.serialisation + 200_000
    assert ((arrival + table.dl_alignment) % SLOT == 0).all()


def test_configured_grant_needs_no_request():
    world = perfect(one_device(radio={"duplex": "fdd"}, cg_period_ns=2 * MS, cg_bytes=250, period_ns=7_654_321))
    table = bursts(world)
    assert set(table.grant) == {0} and set(table.radio_queue) == {0}
    assert table.tdd_alignment.between(150_000, 150_000 + 2 * MS).all()
    begins = table.t_gen + table.tdd_alignment
    assert len(set(begins % (2 * MS))) == 1


def test_large_burst_uses_one_occasion_a_block():
    world = perfect(one_device(radio={"duplex": "fdd"}, cg_period_ns=2 * MS, cg_bytes=100, size_bytes=250))
    assert set(bursts(world).transmission) == {2 * 2 * MS + SLOT}


def test_occasions_are_used_once_and_in_order():
    world = one_device()
    calendar = Calendar(next(world.radios.itertuples()), 0)
    occasions = Occasions(calendar, offset_ns=0, period_ns=SLOT)  # more occasions than uplink slots
    assert [occasions.take(0, 10**9) for _ in range(3)] == [4, 9, 14]
    assert occasions.take(20 * SLOT, 10**9) == 24


def test_reserved_prbs_are_rounded_up_and_leave_one():
    calendar = Calendar(next(one_device().radios.itertuples()), 0)  # one uplink slot each 2.5 ms
    assert reserved_prbs([], calendar, 51) == 0
    assert reserved_prbs([(3, 10 * MS)], calendar, 51) == 1
    assert reserved_prbs([(3, 10 * MS), (4, 5 * MS)], calendar, 51) == 3
    assert reserved_prbs([(60, 2_500_000)], calendar, 51) == 50


def coin_flips(**radio) -> World:
    """An uplink in FDD whose first attempts fail half of the time: power control aims exactly at a threshold."""
    world = one_device(radio={"bler_target": 0.5, "alpha": 1.0, "duplex": "fdd", "k2_slots": 2, **radio})
    tables = adaptation_tables(next(world.radios.itertuples()))
    aim_db = float(tables.target_db[5]) + 1e-6 + float(tables.noise_gnb_dbm - tables.p0_prb_dbm)
    return with_columns(world, "radios", p0_dbm=world.radios["p0_dbm"] + aim_db)


def test_block_without_retransmissions_is_lost_to_harq():
    table = bursts(coin_flips(max_harq_tx=1), horizon_ms=4000)
    share = len(lost(table, "harq")) / len(table)
    assert 0.3 < share < 0.7
    assert (lost(table, "harq")[list(PARTS)] == 0).all(axis=None)


def test_retransmission_takes_processing_and_a_later_slot():
    table = bursts(coin_flips(harq_gain_q16=0), horizon_ms=4000)
    # Heard 0.3 ms after the slot, decided at the next slot, sent K2 = 2 slots later: 4 slots after the first attempt.
    assert set(table.harq) == {0, 4 * SLOT}
    assert lost(table, "harq").empty


def test_burst_larger_than_the_buffer_is_lost_on_arrival():
    table = bursts(one_device(rlc_buffer_bytes=199))
    assert len(lost(table, "rlc_overflow")) == len(table) > 0
    assert (table.t_end == table.t_gen).all()


def test_outage_discards_at_a_decision_after_the_timer():
    table = bursts(one_device(gain_db=-170.0, discard_ns=25 * MS))
    waits = lost(table, "pdcp_discard").pipe(lambda t: t.t_end - t.t_gen)
    assert len(waits) > 3
    assert waits.between(25 * MS + 1, 28 * MS).all()


def test_outage_without_a_timer_stays_in_flight():
    result = simulate(one_device(gain_db=-170.0, discard_ns=NEVER), Clock(horizon_ns=400 * MS))
    assert result.in_flight == result.offered
    assert result.prb_used.sum() == 0


def test_first_come_first_served_within_a_channel():
    world = one_device(generator="poisson", period_ns=3 * MS, size_bytes=3_000, radio={"n_prb": 6})
    table = bursts(world)
    assert table.seq.is_monotonic_increasing
    assert (np.diff(table.t_end) >= 0).all()


def test_urgent_flow_is_served_first_in_a_full_cell():
    b = Builder()
    b.cell(b.radio(n_prb=6, max_grants_ul=1))
    route = b.route(b.link())
    for level in (0, 3):
        b.flow(b.device(cell=0), b.flow_type(period_ns=2_500_000, level=level, size_bytes=3_000), route)
    table = simulate(b.build(), Clock(horizon_ns=300 * MS)).bursts
    delay = (table.t_end - table.t_gen).groupby(table.flow).mean()
    assert delay[0] < delay.get(1, np.inf)
