"""Transport block sizes of NR: TS 38.214 clause 5.1.3.2, in integers, so that both engines agree to the bit.

Code rates come in halves of 1/1024 (682.5, 916.5), so information bits are kept as whole multiples of 1/2048.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from twin.base.datafiles import read_table

SUBCARRIERS_PER_PRB = 12
MAX_RE_PER_PRB = 156  # cap of clause 5.1.3.2 step 1
DMRS_RE_PER_PRB = 12  # assumption: one front-loaded DMRS symbol, shared with no data
SMALL_BLOCK_BITS = 3824  # up to here sizes are read from Table 5.1.3.2-1
MAX_LAYERS = 4  # of one codeword

_ONE = 2048  # information bits are counted in 1/2048
_ONE_LOG2 = 11
_CRC_BITS = 24

IntArray = NDArray[np.int64]


@cache
def _small_sizes() -> IntArray:
    """Table 5.1.3.2-1: block sizes up to 3824 bits, ascending (bits)."""
    return np.array([int(row["tbs_bits"]) for row in read_table("tbs_table")], dtype=np.int64)


def mcs_table(name: str) -> tuple[IntArray, NDArray[np.float64]]:
    """Modulation order Qm (bits a symbol) and target code rate (1/1024) by MCS index, TS 38.214 Tables 5.1.3.1-1 to -3.

    Args:
        name: `qam64`, `qam256` or `qam64lowse` (the names of TS 38.331).

    Raises:
        ValueError: there is no table of that name.
    """
    rows = [row for row in read_table("mcs_tables") if row["mcs_table"] == name]
    if not rows:
        known = sorted({row["mcs_table"] for row in read_table("mcs_tables")})
        raise ValueError(f"unknown mcs_table {name!r}; known: {', '.join(known)}")
    qm = np.array([int(row["qm"]) for row in rows], dtype=np.int64)
    return qm, np.array([float(row["code_rate_x1024"]) for row in rows])


def spectral_efficiency(name: str) -> NDArray[np.float64]:
    """Information bits a resource element and layer, by MCS index."""
    qm, rate = mcs_table(name)
    return qm * rate / 1024.0


def prb_count(scs_khz: int, bandwidth_mhz: float, frequency_range: str = "FR1") -> int:
    """PRBs of a carrier, TS 38.101-1/-2 Table 5.3.2-1.

    Raises:
        ValueError: the standard has no such carrier.
    """
    sizes = {float(row["bandwidth_mhz"]): int(row["n_prb"]) for row in read_table("prb_per_bandwidth")
             if row["frequency_range"] == frequency_range and int(row["scs_khz"]) == scs_khz}
    if bandwidth_mhz not in sizes:
        known = ", ".join(f"{size:g}" for size in sorted(sizes)) or "none"
        raise ValueError(f"no {frequency_range} carrier of {bandwidth_mhz:g} MHz at {scs_khz} kHz; bandwidths there: {known}")
    return sizes[bandwidth_mhz]


def _floor_log2(x: IntArray) -> IntArray:
    """floor(log2(x)) of positive integers below 2^53, exact."""
    return (np.frexp(x.astype(np.float64))[1] - 1).astype(np.int64)


def _small_block(info: IntArray) -> IntArray:
    """Step 3: round down to a multiple of 2^n, then up to the next size of the table. `info` in 1/2048 bit."""
    n = np.maximum(3, _floor_log2(np.maximum(info, 1)) - _ONE_LOG2 - 6)
    quantised = np.maximum(24, (info >> (n + _ONE_LOG2)) << n)
    sizes = _small_sizes()
    return sizes[np.searchsorted(sizes, np.minimum(quantised, SMALL_BLOCK_BITS))]


def _large_block(info: IntArray, rate_x2048: IntArray) -> IntArray:
    """Step 4: round to a multiple of 2^n (ties up), then to equal code blocks of whole bytes. `info` in 1/2048 bit."""
    excess = np.maximum(info - _CRC_BITS * _ONE, _ONE)
    n = np.maximum(_floor_log2(excess) - _ONE_LOG2 - 5, 0)
    step = np.int64(_ONE) << n
    quantised = np.maximum(3840, ((excess + step // 2) // step) << n)
    total = quantised + _CRC_BITS
    low_rate = rate_x2048 <= _ONE // 4
    blocks = np.where(low_rate, -(-total // 3816), np.where(quantised > 8424, -(-total // 8424), 1))
    return 8 * blocks * -(-total // (8 * blocks)) - _CRC_BITS


def _block_bits(n_re: IntArray, n_layers: int, qm: IntArray, rate_x2048: IntArray) -> IntArray:
    """TBS (bits) of n_re resource elements, broadcast over the arrays; 0 where there is no element."""
    info = n_re * rate_x2048 * qm * n_layers
    small = info <= SMALL_BLOCK_BITS * _ONE
    return np.where(n_re <= 0, 0, np.where(small, _small_block(info), _large_block(info, rate_x2048)))


def _resource_elements(n_prb: IntArray, n_symbols: int, n_dmrs_re: int, n_oh: int) -> IntArray:
    """Steps 1 and 2: N_RE of n_prb PRBs."""
    return n_prb * min(MAX_RE_PER_PRB, max(0, SUBCARRIERS_PER_PRB * n_symbols - n_dmrs_re - n_oh))


def _rate_x2048(code_rate_x1024: ArrayLike) -> IntArray:
    return np.rint(np.asarray(code_rate_x1024, dtype=np.float64) * 2.0).astype(np.int64)


def _check(n_symbols: int, n_layers: int) -> None:
    if not 0 <= n_symbols <= 14:
        raise ValueError(f"{n_symbols} symbols: a slot has 0 to 14")
    if not 1 <= n_layers <= MAX_LAYERS:
        raise ValueError(f"{n_layers} layers: one codeword has 1 to {MAX_LAYERS}")


def transport_block_bits(n_prb: int, n_symbols: int, n_layers: int, qm: int, code_rate_x1024: float,
                         n_dmrs_re: int = DMRS_RE_PER_PRB, n_oh: int = 0) -> int:
    """Size of one transport block, TS 38.214 clause 5.1.3.2.

    Args:
        n_prb: allocated PRBs; 0 gives 0.
        n_symbols: OFDM symbols of the allocation, DMRS included.
        n_layers: MIMO layers of the codeword, 1 to 4.
        qm: modulation order, bits a symbol.
        code_rate_x1024: target code rate in 1/1024, whole or half.
        n_dmrs_re: resource elements of DMRS a PRB.
        n_oh: xOverhead, resource elements a PRB (0, 6, 12 or 18).

    Returns:
        Bits, a multiple of 8.

    Raises:
        ValueError: symbols, layers or PRBs out of range.
    """
    _check(n_symbols, n_layers)
    if n_prb < 0:
        raise ValueError(f"{n_prb} PRBs: must not be negative")
    n_re = _resource_elements(np.array([n_prb], dtype=np.int64), n_symbols, n_dmrs_re, n_oh)
    return int(_block_bits(n_re, n_layers, np.array([qm], dtype=np.int64), _rate_x2048([code_rate_x1024]))[0])


def payload_table(radio_row: Any, direction: int, symbols: int) -> IntArray:
    """Bytes of a transport block by MCS and PRBs, for one radio configuration.

    Args:
        radio_row: a row of `World.radios` (attributes n_prb, mcs_table, layers_ul, layers_dl).
        direction: 0 uplink, 1 downlink.
        symbols: OFDM symbols for data in the slot, DMRS included.

    Returns:
        int64, shape (n_mcs, n_prb + 1). Column 0 is 0. Nondecreasing in PRBs: the standard's rounding is not always, and a
        scheduler that looks for the smallest fitting allocation needs it (a smaller block is padded).
    """
    layers = int(radio_row.layers_dl if direction == 1 else radio_row.layers_ul)
    _check(symbols, layers)
    qm, rate = mcs_table(str(radio_row.mcs_table))
    n_prb = np.arange(int(radio_row.n_prb) + 1, dtype=np.int64)
    n_re = _resource_elements(n_prb, symbols, DMRS_RE_PER_PRB, 0)
    bits = _block_bits(n_re[None, :], layers, qm[:, None], _rate_x2048(rate)[:, None])
    return np.maximum.accumulate(bits // 8, axis=1)
