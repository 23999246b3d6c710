"""How kernels are compiled: one place for the flags.

Kernels are handed arrays that outlive the call, so reference counting inside them (`_nrt`) is switched off: counting every
view of a row doubled the time of a run. A kernel may therefore not allocate arrays. Division by zero follows numpy
(`error_model`), which spares a branch a division; divisors are checked when a world is built. No fastmath: two engines
must agree to the last bit.
"""

from __future__ import annotations

from numba import njit

#: Decorator of a kernel, or of a larger part of one.
kernel = njit(cache=True, error_model="numpy", _nrt=False)
#: Decorator of a small part that is compiled into its callers.
inlined = njit(cache=True, error_model="numpy", _nrt=False, forceinline=True)
