"""Transport block sizes against hand-computed values, a second implementation in fractions, and TS 38.306 peak rates."""

from __future__ import annotations

from fractions import Fraction
from math import ceil, floor
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.base.datafiles import read_table
from twin.base.tbs import mcs_table, payload_table, prb_count, spectral_efficiency, transport_block_bits

TABLES = ("qam64", "qam256", "qam64lowse")
MCS = [(int(row["qm"]), float(row["code_rate_x1024"])) for row in read_table("mcs_tables")]
SMALL = [int(row["tbs_bits"]) for row in read_table("tbs_table")]


def radio(n_prb: int = 273, table: str = "qam256", layers_ul: int = 1, layers_dl: int = 4) -> SimpleNamespace:
    return SimpleNamespace(n_prb=n_prb, mcs_table=table, layers_ul=layers_ul, layers_dl=layers_dl)


def floor_log2(x: Fraction) -> int:
    n = 0
    while Fraction(2) ** (n + 1) <= x:
        n += 1
    return n


def tbs_in_fractions(n_prb: int, n_symbols: int, layers: int, qm: int, rate: float, n_dmrs: int = 12, n_oh: int = 0) -> int:
    """Clause 5.1.3.2 word by word."""
    r = Fraction(rate) / 1024
    info = min(156, 12 * n_symbols - n_dmrs - n_oh) * n_prb * r * qm * layers
    if info <= 3824:
        n = max(3, floor_log2(info) - 6) if info >= 1 else 3
        return min(size for size in SMALL if size >= max(24, 2**n * floor(info / 2**n)))
    n = floor_log2(info - 24) - 5
    wanted = max(3840, 2**n * floor((info - 24) / 2**n + Fraction(1, 2)))
    if r <= Fraction(1, 4):
        blocks = ceil(Fraction(wanted + 24, 3816))
    else:
        blocks = ceil(Fraction(wanted + 24, 8424)) if wanted > 8424 else 1
    return 8 * blocks * ceil(Fraction(wanted + 24, 8 * blocks)) - 24


@pytest.mark.verify
@pytest.mark.parametrize(("n_prb", "symbols", "layers", "qm", "rate", "bits"), [
    (1, 14, 1, 2, 120, 32),           # N_info 36.56 -> N' 32
    (1, 4, 1, 2, 120, 24),            # N_info 8.4 -> the smallest block
    (10, 14, 1, 2, 120, 368),         # N_info 365.6, n 3 -> N' 360 -> next size of the table
    (106, 12, 1, 2, 679, 18432),      # N_info 18555.6, n 9 -> 36 * 512, 3 code blocks
    (273, 14, 1, 2, 120, 9984),       # rate below 1/4: code blocks of 3816
    (273, 14, 4, 8, 948, 1277992),    # the largest block of a 100 MHz carrier
])
def test_hand_computed_sizes(n_prb: int, symbols: int, layers: int, qm: int, rate: float, bits: int) -> None:
    assert transport_block_bits(n_prb, symbols, layers, qm, rate) == bits


@given(st.integers(1, 275), st.integers(2, 14), st.integers(1, 4), st.sampled_from(MCS), st.sampled_from([12, 18, 24]),
       st.sampled_from([0, 6]))
def test_same_as_the_clause_in_fractions(
        n_prb: int, symbols: int, layers: int, mcs: tuple[int, float], dmrs: int, oh: int) -> None:
    if 12 * symbols - dmrs - oh <= 0:
        assert transport_block_bits(n_prb, symbols, layers, *mcs, dmrs, oh) == 0
    else:
        assert transport_block_bits(n_prb, symbols, layers, *mcs, dmrs, oh) == tbs_in_fractions(
            n_prb, symbols, layers, *mcs, dmrs, oh)


@pytest.mark.verify
@pytest.mark.parametrize(("scs_khz", "mhz", "layers", "qm", "oh_re", "mbps"), [
    (30, 100, 4, 8, 12, 2337.0), (30, 40, 4, 8, 12, 907.407), (30, 20, 2, 8, 12, 218.291), (15, 20, 4, 8, 12, 453.703),
    (30, 60, 4, 8, 12, 1386.791), (30, 80, 4, 8, 12, 1857.615), (30, 100, 2, 8, 0, 1250.023), (15, 20, 1, 8, 0, 121.339),
])
def test_peak_rates_of_38306(scs_khz: int, mhz: int, layers: int, qm: int, oh_re: int, mbps: float) -> None:
    bits = transport_block_bits(prb_count(scs_khz, mhz), 14, layers, qm, 948, n_oh=oh_re)
    assert bits * scs_khz / 15.0 / 1e3 == pytest.approx(mbps, rel=0.03)


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("symbols", [4, 9, 13, 14])
@pytest.mark.parametrize("direction", [0, 1])
def test_payload_table_agrees_with_the_scalar_and_is_monotone(table: str, symbols: int, direction: int) -> None:
    payload = payload_table(radio(n_prb=51, table=table), direction, symbols)
    qm, rate = mcs_table(table)
    assert payload.shape == (len(qm), 52) and payload.dtype == np.int64
    assert (payload[:, 0] == 0).all() and (np.diff(payload, axis=1) >= 0).all()
    layers = 4 if direction == 1 else 1
    for mcs in (0, 9, len(qm) - 1):
        exact = [transport_block_bits(q, symbols, layers, int(qm[mcs]), float(rate[mcs])) // 8 for q in range(52)]
        assert payload[mcs].tolist() == np.maximum.accumulate(exact).tolist()


@pytest.mark.parametrize("table", TABLES)
def test_more_efficient_mcs_never_carries_less(table: str) -> None:
    payload = payload_table(radio(table=table), 1, 13)
    rising = np.diff(spectral_efficiency(table)) > 0  # 16 -> 17 of Table 1 falls by 0.15 %
    assert (np.diff(payload, axis=0)[rising] >= 0).all()
    assert rising.sum() >= len(rising) - 1


def test_prbs_per_bandwidth() -> None:
    assert [prb_count(30, mhz) for mhz in (20, 40, 60, 80, 100)] == [51, 106, 162, 217, 273]
    assert [prb_count(15, mhz) for mhz in (5, 10, 15, 20, 50)] == [25, 52, 79, 106, 270]
    assert prb_count(120, 400, "FR2-1") == 264
    with pytest.raises(ValueError, match=r"no FR1 carrier of 100 MHz at 15 kHz; bandwidths there: 5, 10"):
        prb_count(15, 100)


def test_errors_name_the_offender() -> None:
    with pytest.raises(ValueError, match="unknown mcs_table 'qam1024'; known: qam256, qam64, qam64lowse"):
        payload_table(radio(table="qam1024"), 0, 14)
    with pytest.raises(ValueError, match="15 symbols"):
        transport_block_bits(1, 15, 1, 2, 120)
    with pytest.raises(ValueError, match="5 layers"):
        transport_block_bits(1, 14, 5, 2, 120)
    with pytest.raises(ValueError, match="-1 PRBs"):
        transport_block_bits(-1, 14, 1, 2, 120)


def test_tables_state_unit_and_source() -> None:
    assert len(read_table("tbs_table")) == 93 and len(read_table("bler_thresholds")) == 2 * 86
    for name in ("mcs_tables", "tbs_table", "prb_per_bandwidth", "bler_thresholds", "propagation_validity"):
        assert all(row["unit"] and row["source"] for row in read_table(name))
    with pytest.raises(FileNotFoundError):
        read_table("no_such_table")
    with pytest.raises(ValueError, match="bare name"):
        read_table("../secrets")
