"""Known answers of the generator of draws, and the histogram bins against numpy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.base.bins import DELAY_BITS, MAX_OCTAVE, PART_BITS, bin_edges, bin_of, n_bins, quantile
from twin.base.draws import philox, uniform_below

#: philox4x32 with 10 rounds, from the file kat_vectors of Random123 (Salmon et al.): counter, key, answer.
KNOWN_ANSWERS = [
    ("00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"),
]


def words64(text: str) -> list[int]:
    """Pairs of 32-bit words as 64-bit integers, low word first."""
    words = [int(word, 16) for word in text.split()]
    return [low | high << 32 for low, high in zip(words[::2], words[1::2])]


@pytest.mark.parametrize(("counter", "key", "answer"), KNOWN_ANSWERS)
def test_philox(counter: str, key: str, answer: str) -> None:
    low, high = (np.uint64(word) for word in words64(counter))
    assert [int(word) for word in philox(low, high, np.uint64(words64(key)[0]))] == words64(answer)


@given(st.integers(0, 2**64 - 1), st.integers(1, 2**62))
def test_uniform_below(u: int, n: int) -> None:
    """The high word of the product, in whole numbers."""
    assert int(uniform_below(np.uint64(u), np.int64(n))) == u * n >> 64


@pytest.mark.parametrize("bits", [DELAY_BITS, PART_BITS])
@given(value=st.integers(0, 2**MAX_OCTAVE - 1))
def test_bins(bits: int, value: int) -> None:
    """A value lies in its bin, whose middle is within 2^-(bits + 1) of it: 0.4 % for delays."""
    edges, index = bin_edges(bits), int(bin_of(np.int64(value), bits))
    assert edges[index] <= value < edges[index + 1]
    assert abs((edges[index] + edges[index + 1] - 1) / 2 - value) <= value * 2.0 ** -(bits + 1)


def test_bins_meet_and_grow() -> None:
    """No value is left out, none has two bins; what is too large goes to the last."""
    for bits in (DELAY_BITS, PART_BITS):
        edges = bin_edges(bits)
        assert edges[0] == 0 and edges[-1] == 2**MAX_OCTAVE and (np.diff(edges) > 0).all()
        assert bin_of(np.int64(2**62), bits) == n_bins(bits) - 1


@pytest.mark.parametrize("q", [0.0, 0.01, 0.5, 0.9, 0.99, 0.999, 1.0])
def test_quantiles(q: float) -> None:
    """Within 1 % of numpy, on delays of very different sizes."""
    rng = np.random.default_rng(7)
    for values in (rng.exponential(5e6, 40_000), rng.lognormal(14.0, 2.0, 40_000), rng.uniform(0, 1e9, 3), np.array([12_345.0])):
        whole = values.astype(np.int64)
        counts = np.bincount([bin_of(v, DELAY_BITS) for v in whole], minlength=n_bins(DELAY_BITS))
        exact = np.quantile(whole, q, method="inverted_cdf") if q < 1 else whole.max()
        if len(whole) > 100:
            assert quantile(counts, q, DELAY_BITS) == pytest.approx(exact, rel=0.01, abs=1)
        else:
            assert np.abs(quantile(counts, q, DELAY_BITS) / whole - 1).min() < 0.01


def test_quantile_of_nothing() -> None:
    assert np.isnan(quantile(np.zeros(n_bins(DELAY_BITS), np.int64), 0.5, DELAY_BITS))
