"""Device groups and their devices: hashes, operators, positions and buildings, all drawn from each device's own name.

Device k of a class of a tenant is named ``<park>/<tenant>/<class>-<k>``. Everything about it is a function of that name and
of its tenant's plot, so adding a device changes nothing for the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from twin.base.draws import draw, unit
from twin.base.jit import compiled
from twin.base.names import name_hash, numbered_hashes

WORLD_KEY = np.uint64(name_hash("parktwin/world"))  # the world is the same for every seed: seeds vary the traffic
D_X, D_Y, D_INDOOR, D_OPERATOR, D_BUILDING, D_DEPTH_1, D_DEPTH_2 = range(200, 207)
MAX_DEPTH_M = 25.0  # of a device behind the outer wall, TR 38.901 clause 7.4.3.1

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class DeviceGroup:
    """Devices of one class of one tenant. numbers: first and last k of their names. operator -1: drawn from the shares."""

    prefix: str
    park: int
    tenant: int
    device_class: int
    first: int
    last: int
    indoor_share: float
    operator: int = -1

    @property
    def count(self) -> int:
        """Devices in the group."""
        return max(0, self.last - self.first + 1)


@dataclass(frozen=True)
class DeviceArrays:
    """One row a device, groups in order. depth_m: behind the outer wall (0 outdoors). high_loss: metal-coated building."""

    device_hash: npt.NDArray[np.uint64]
    park: npt.NDArray[np.int32]
    tenant: npt.NDArray[np.int32]
    device_class: npt.NDArray[np.int32]
    operator: npt.NDArray[np.int32]
    x_m: FloatArray
    y_m: FloatArray
    indoor: npt.NDArray[np.bool_]
    high_loss: npt.NDArray[np.bool_]
    depth_m: FloatArray

    def __len__(self) -> int:
        return len(self.device_hash)


@compiled
def _place(hashes, tenant, plots, park, operator_cdf, fixed_operator, indoor_share, high_loss_share,
           x, y, operator, indoor, high_loss, depth):
    """Fill the columns of every device from its hash. plots: tenants x 4 (m). operator_cdf: parks x operators."""
    for i in range(len(hashes)):
        h = hashes[i]
        plot = plots[tenant[i]]
        x[i] = plot[0] + (plot[2] - plot[0]) * unit(draw(WORLD_KEY, h, D_X, 0))
        y[i] = plot[1] + (plot[3] - plot[1]) * unit(draw(WORLD_KEY, h, D_Y, 0))
        operator[i] = fixed_operator[i]
        if fixed_operator[i] < 0:
            u = unit(draw(WORLD_KEY, h, D_OPERATOR, 0))
            k = 0
            while k < operator_cdf.shape[1] - 1 and u >= operator_cdf[park[i], k]:
                k += 1
            operator[i] = k
        indoor[i] = unit(draw(WORLD_KEY, h, D_INDOOR, 0)) < indoor_share[i]
        if indoor[i]:
            high_loss[i] = unit(draw(WORLD_KEY, h, D_BUILDING, 0)) < high_loss_share
            depth[i] = MAX_DEPTH_M * min(unit(draw(WORLD_KEY, h, D_DEPTH_1, 0)), unit(draw(WORLD_KEY, h, D_DEPTH_2, 0)))


def operator_cdf(shares: np.ndarray, serves: np.ndarray) -> FloatArray:
    """Cumulative shares (parks x operators) among the operators with cells in each park.

    A tenant is taken to choose an operator that serves its park; a park that nobody serves keeps the province's shares.
    """
    weights = np.where(serves, shares[None, :], 0.0)
    nobody = weights.sum(axis=1) <= 0
    weights[nobody] = shares
    return np.asarray(np.cumsum(weights, axis=1) / weights.sum(axis=1, keepdims=True))


def place_devices(groups: Sequence[DeviceGroup], plots: np.ndarray, cdf: np.ndarray, high_loss_share: float) -> DeviceArrays:
    """Build all devices of the groups.

    Args:
        groups: in the order the rows shall have.
        plots: tenants x 4 (x_min, y_min, x_max, y_max), m.
        cdf: parks x operators, of `operator_cdf`.
        high_loss_share: share of indoor devices in buildings of the high-loss kind.
    """
    counts = np.array([g.count for g in groups], dtype=np.int64)
    n = int(counts.sum())

    def column(name: str, dtype: type) -> np.ndarray:
        return np.repeat(np.array([getattr(g, name) for g in groups], dtype=dtype), counts)

    hashes = np.empty(n, dtype=np.uint64)
    at = 0
    for group in groups:
        hashes[at:at + group.count] = numbered_hashes(group.prefix, np.arange(group.first, group.last + 1))
        at += group.count
    x, y, depth = np.empty(n), np.empty(n), np.zeros(n)
    operator = np.empty(n, dtype=np.int32)
    indoor, high_loss = np.zeros(n, dtype=np.bool_), np.zeros(n, dtype=np.bool_)
    park, tenant = column("park", np.int32), column("tenant", np.int32)
    _place(hashes, tenant, np.asarray(plots, dtype=np.float64), park, cdf, column("operator", np.int32),
           column("indoor_share", np.float64), float(high_loss_share), x, y, operator, indoor, high_loss, depth)
    return DeviceArrays(hashes, park, tenant, column("device_class", np.int32), operator, x, y, indoor, high_loss, depth)
