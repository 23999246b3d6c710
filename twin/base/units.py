"""Conversions at the border: inside the engine everything is ns, bytes and bit/s."""

from __future__ import annotations

NS_PER_US = 1_000
NS_PER_MS = 1_000_000
NS_PER_S = 1_000_000_000


def us_to_ns(us: float) -> int:
    """Microseconds to whole nanoseconds."""
    return round(us * NS_PER_US)


def ms_to_ns(ms: float) -> int:
    """Milliseconds to whole nanoseconds."""
    return round(ms * NS_PER_MS)


def s_to_ns(s: float) -> int:
    """Seconds to whole nanoseconds."""
    return round(s * NS_PER_S)
