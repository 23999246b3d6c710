"""Rows of the resource table: directed links, UPF worker pools, server queues; each made once for its key."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import networkx as nx
import pandas as pd

from twin.world.tables import COLUMNS, LINK, POOL, SERVER

#: Line rates an operator would buy next, bit/s.
RATE_LADDER = (1_000_000_000, 2_500_000_000, 10_000_000_000, 25_000_000_000, 50_000_000_000, 100_000_000_000,
               200_000_000_000, 400_000_000_000, 800_000_000_000)


@dataclass(frozen=True)
class PoolKind:
    """A UPF's forwarding capacity in one direction."""

    workers: int
    cost_per_packet_ns: int
    cost_per_byte_ps: int
    queue_limit_ns: int
    next_step: str = ""


@dataclass(frozen=True)
class QueueKind:
    """One server queue: how many workers and how long a message takes."""

    workers: int
    service_kind: str
    service_mean_ns: int
    queue_limit_ns: int
    next_step: str = ""


def next_rate(rate_bps: int) -> str:
    """The next larger line rate, as an engineer writes it: 10 Gbit/s -> "25G"."""
    larger = [r for r in RATE_LADDER if r > rate_bps]
    return f"{larger[0] / 1e9:g}G" if larger else f"2 x {rate_bps / 1e9:g}G"


@dataclass
class ResourceTable:
    """Collects rows of `World.resources`; the same key always gives the same row."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    index: dict[tuple[Any, ...], int] = field(default_factory=dict)

    def _add(self, key: tuple[Any, ...], **values: Any) -> int:
        if key not in self.index:
            blank = {"rate_bps": 0, "rate_total_bps": 0, "background_share": 0.0, "overhead_bytes": 0, "buffer_bytes": 0,
                     "propagation_ns": 0, "node_ns": 0, "workers": 0, "cost_per_packet_ns": 0, "cost_per_byte_ps": 0,
                     "service_kind": "", "service_mean_ns": 0, "queue_limit_ns": 0, "park": -1, "operator": -1,
                     "next_step": "", "length_km": 0.0, "duct": "", "edge_kind": ""}
            self.index[key] = len(self.rows)
            self.rows.append({**blank, **values})
        return self.index[key]

    def link(self, graph: nx.Graph, a: str, b: str, leg: str, tag: str = "") -> int:
        """Directed link a -> b for one leg (`up` or `down`); `tag` keeps apart what would otherwise form a cycle."""
        edge, node = graph.edges[a, b], graph.nodes[a]
        up = leg == "up"
        total = int(edge["rate_up_bps"] if up else edge["rate_bps"])
        left = max(1, round(total * (1.0 - edge["background_share"])))
        suffix = f" [{leg}{tag}]"
        return self._add(
            ("link", a, b, leg, tag), name=f"{a}>{b}{suffix}", kind=LINK, rate_bps=left, rate_total_bps=total,
            background_share=edge["background_share"], overhead_bytes=edge["overhead_bytes"],
            buffer_bytes=round(total * edge["buffer_ms"] / 8000.0), propagation_ns=edge["propagation_ns"],
            node_ns=edge["node_up_ns" if up else "node_ns"], park=max(node["park"], graph.nodes[b]["park"]),
            operator=max(node["operator"], graph.nodes[b]["operator"]), next_step=edge["next_step"] or next_rate(total),
            length_km=edge["length_km"], duct=edge["duct"], edge_kind=edge["kind"])

    def pool(self, name: str, leg: str, kind: PoolKind, park: int, operator: int) -> int:
        """The UPF's workers of one direction."""
        return self._add(
            ("pool", name, leg), name=f"{name} [{leg}]", kind=POOL, workers=kind.workers,
            cost_per_packet_ns=kind.cost_per_packet_ns, cost_per_byte_ps=kind.cost_per_byte_ps,
            queue_limit_ns=kind.queue_limit_ns, park=park, operator=operator,
            next_step=kind.next_step or f"{2 * kind.workers} workers")

    def server(self, name: str, kind: QueueKind, park: int, operator: int) -> int:
        """One queue of a server place."""
        return self._add(
            ("server", name), name=name, kind=SERVER, workers=kind.workers, service_kind=kind.service_kind,
            service_mean_ns=kind.service_mean_ns, queue_limit_ns=kind.queue_limit_ns, park=park, operator=operator,
            next_step=kind.next_step or f"{2 * kind.workers} workers")

    def frame(self) -> pd.DataFrame:
        """The table, with the engine's columns first and of their types, then what only reports read."""
        columns = COLUMNS["resources"]
        frame = pd.DataFrame(self.rows, columns=None if self.rows else list(columns))
        extra = [c for c in frame.columns if c not in columns]
        return frame[[*columns, *extra]].astype(columns)
