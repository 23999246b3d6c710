"""World tables of flows, flow types and logical channels as the kernels' integer arrays."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from twin.base import columns as c
from twin.base import draws
from twin.base.slots import slot_ns_of
from twin.world.tables import GENERATORS, World

#: Columns of the kernels' type table that are columns of `World.flow_types` under another name.
_TYPE_COLUMNS = {
    c.TY_DIR: "direction",
    c.TY_PERIOD: "period_ns",
    c.TY_JITTER: "jitter_ns",
    c.TY_SIZE: "size_bytes",
    c.TY_SIZE_MAX: "size_max_bytes",
    c.TY_GOP: "gop",
    c.TY_I_FRAME: "i_frame_bytes",
    c.TY_ON: "on_mean_ns",
    c.TY_OFF: "off_mean_ns",
    c.TY_SPREAD: "spread_ns",
    c.TY_JOIN: "join_q32",
    c.TY_RESPONSE: "response_bytes",
    c.TY_LEVEL: "level",
    c.TY_DEADLINE: "deadline_ns",
    c.TY_MTU: "mtu_payload_bytes",
    c.TY_PROFILE: "profile",
}


class FlowTables(NamedTuple):
    """flows, types, spread: see `twin.traffic.kernels.Traffic`. channels: int64 (channels, 24), cell-local fields set."""

    flows: np.ndarray
    types: np.ndarray
    spread: np.ndarray
    channels: np.ndarray


def type_table(world: World) -> np.ndarray:
    """int64 (types, 18)."""
    table = np.zeros((len(world.flow_types), 18), dtype=np.int64)
    for column, name in _TYPE_COLUMNS.items():
        table[:, column] = world.flow_types[name].to_numpy()
    table[:, c.TY_KIND] = [GENERATORS.index(g) for g in world.flow_types["generator"]]
    table[:, c.TY_SIZE_KIND] = [draws.SIZE_KINDS.index(k) for k in world.flow_types["size_kind"]]
    table[:, c.TY_GOP] = np.maximum(table[:, c.TY_GOP], 1)
    return table


def flow_tables(world: World, key: int) -> FlowTables:
    """Flows with their channels. A flow has a channel for each direction it sends data in over the radio."""
    types = type_table(world)
    kind = world.flows["flow_type"].to_numpy()
    device = world.flows["device"].to_numpy()
    cell = world.devices["cell"].to_numpy()[device].astype(np.int64)
    park = world.devices["park"].to_numpy()[device].astype(np.int64)
    operator = world.devices["operator"].to_numpy()[device].astype(np.int64)
    flows = c.aligned_rows(len(kind), c.FLOW_COLUMNS)
    flows[:, c.FL_HASH] = world.flows["flow_hash"].to_numpy().view(np.int64)
    flows[:, c.FL_GROUP_HASH] = world.flows["group_hash"].to_numpy().view(np.int64)
    flows[:, c.FL_TYPE], flows[:, c.FL_CELL], flows[:, c.FL_PARK] = kind, cell, park
    flows[:, c.FL_ROUTE_UP] = world.flows["route_up"].to_numpy()
    flows[:, c.FL_ROUTE_DOWN] = world.flows["route_down"].to_numpy()
    flows[:, c.FL_TENANT] = world.devices["tenant"].to_numpy()[device]
    application = world.flow_types["application"].to_numpy()[kind].astype(np.int64)
    n_app = len(world.applications)
    flows[:, c.FL_GROUP] = (park * len(world.operators) + operator) * n_app + application
    flows[:, c.FL_PARK_APP] = park * n_app + application
    flows[:, c.FL_DEVICE] = _gated(world, device)
    up = types[kind, c.TY_DIR] == 0
    radio_up = (cell >= 0) & up & (flows[:, c.FL_ROUTE_UP] >= 0)
    radio_down = (cell >= 0) & (~up | (types[kind, c.TY_RESPONSE] > 0)) & (flows[:, c.FL_ROUTE_DOWN] >= 0)
    flows[:, c.FL_CH_UL] = np.where(radio_up, np.cumsum(radio_up) - 1, c.NONE)
    flows[:, c.FL_CH_DL] = np.where(radio_down, radio_up.sum() + np.cumsum(radio_down) - 1, c.NONE)
    channels = _channels(world, flows, types, device, np.flatnonzero(radio_up), np.flatnonzero(radio_down), key)
    return FlowTables(flows, types, world.flow_types["size_spread"].to_numpy().astype(np.float64), channels)


def _gated(world: World, device: np.ndarray) -> np.ndarray:
    """Of each flow the device whose user plane it needs; -1 where the control plane does not come in."""
    if world.signalling is None:
        return np.full(len(device), c.NONE, np.int64)
    core = world.signalling.devices["core"].to_numpy(np.int64)[device]
    return np.where(core >= 0, device, c.NONE)


def _channels(
    world: World, flows: np.ndarray, types: np.ndarray, device: np.ndarray, up: np.ndarray, down: np.ndarray, key: int
) -> np.ndarray:
    owner = np.concatenate([up, down])
    direction = np.concatenate([np.zeros(len(up), np.int64), np.ones(len(down), np.int64)])
    kind = flows[owner, c.FL_TYPE]
    table = c.aligned_rows(len(owner), c.CHANNEL_COLUMNS)
    table[:, [c.CH_HEAD, c.CH_TAIL, c.CH_NEXT]] = c.NONE
    table[:, c.CH_HASH] = flows[owner, c.FL_HASH]
    table[:, c.CH_CELL] = 2 * flows[owner, c.FL_CELL] + direction
    table[:, c.CH_DEVICE] = device[owner]
    table[:, c.CH_LEVEL] = types[kind, c.TY_LEVEL]
    for column, name in ((c.CH_BUFFER, "rlc_buffer_bytes"), (c.CH_DISCARD, "discard_ns")):
        table[:, column] = world.flow_types[name].to_numpy()[kind]
    for column, name in ((c.CH_CG_PERIOD, "cg_period_ns"), (c.CH_CG_BYTES, "cg_bytes")):
        table[:, column] = np.where(direction == 0, world.flow_types[name].to_numpy()[kind], 0)
    _set_offsets(world, table, flows[owner, c.FL_CELL], key)
    return table


def _set_offsets(world: World, table: np.ndarray, cell: np.ndarray, key: int) -> None:
    """Draw the offsets of scheduling requests and configured grants (docs/model.md, section 4)."""
    from twin.engine.offsets import draw_offsets

    radio_of_cell = world.cells["radio"].to_numpy()
    for r in range(len(world.radios)):
        rows = np.flatnonzero(radio_of_cell[cell] == r) if len(cell) else np.zeros(0, np.int64)
        if len(rows):
            draw_offsets(np.uint64(key), table, rows, sr_slots(world, r))


def sr_slots(world: World, r: int) -> np.ndarray:
    """Slots of the scheduling-request period of radio r that have uplink symbols (int64, ascending)."""
    from twin.engine.air import uplink_symbols

    up = uplink_symbols(world, r)
    period = int(world.radios["sr_period_slots"].iloc[r])
    return np.array([i for i in range(period) if up[i % len(up)] > 0], dtype=np.int64)


def slot_ns(world: World, r: int) -> int:
    """Slot length of radio r."""
    return slot_ns_of(int(world.radios["scs_khz"].iloc[r]))
