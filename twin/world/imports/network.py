"""The operator's own transport network and capacities: nodes, links, nf_capacity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from twin.base.errors import Problem, WorldError
from twin.world.core import Capacity
from twin.world.imports.columns import BOOLEAN, INTEGER, NUMBER, TEXT, Column, did_you_mean, parse
from twin.world.imports.files import read_table
from twin.world.imports.geo import Locator
from twin.world.imports.sites import POSITION

NODE_KINDS = ("site", "aggregation", "ring", "pop", "core")
SHARED = "shared"
NODE_COLUMNS = (
    Column("node", TEXT, required=True, description="Name; a site's node has the site's name."),
    Column("kind", TEXT, required=True, choices=NODE_KINDS,
           description="core: Hà Nội, pop: province, aggregation: of a park; the UPFs and servers stand there."),
    Column("operator", TEXT, required=True, description="Operator identifier, or shared."),
    Column("park", TEXT, description="Park of a site or an aggregation."),
    *POSITION,
)
LINK_COLUMNS = (
    Column("from", TEXT, required=True, description="Node at one end."),
    Column("to", TEXT, required=True, description="Node at the other end."),
    Column("rate_gbps", NUMBER, required=True, low=1e-6, high=1e5, description="Line rate, each way, Gbit/s."),
    Column("p95_load_pct", NUMBER, low=0, high=99.9,
           description="95th percentile of the fill by traffic that is not simulated, per cent; empty: of the link type."),
    Column("length_km", NUMBER, low=0.001, high=1e4, description="Length of the route; empty: straight line x route_factor, km."),
    Column("duct", TEXT, description="Duct it lies in; links of one duct fail together. Empty: as it was, else its own."),
    Column("protection", BOOLEAN, description="yes: used only when a working link fails; empty: as it was, else no."),
    Column("link_type", TEXT, description="Entry of link_types for buffer, overhead and latency; empty: by the nodes' kinds."),
)
CAPACITY_COLUMNS = (
    Column("unit", TEXT, required=True, description="Name of the UPF or queue, as viettel/hanoi/upf or vnpt/hanoi/ingest."),
    Column("workers", INTEGER, low=1, high=1e5, description="Workers; empty: of the library."),
    Column("instances", INTEGER, low=1, high=1e3, description="Function of a core: instances; empty: of the core profile."),
    Column("backlog_limit", INTEGER, low=1, high=1e8,
           description="Function of a core: messages an instance holds at most; empty: of the core profile."),
    Column("cost_per_packet_us", NUMBER, low=1e-6, high=1e6, description="UPF: work a packet, us."),
    Column("cost_per_byte_ns", NUMBER, low=0, high=1e6, description="UPF: work a byte, ns."),
    Column("service_mean_us", NUMBER, low=1e-3, high=1e9, description="Queue: mean service time of a message, us."),
    Column("queue_limit_ms", NUMBER, low=1e-3, high=1e6, description="Longest wait before rejection, ms."),
    Column("block_size", TEXT, description="Size in which capacity is bought, for example 10 Gbit/s; becomes the next step."),
    Column("limit", TEXT, description="Licensed limit: a note, without effect."),
    Column("price_usd", NUMBER, low=0, high=1e10, description="Price of a block, US dollars; stands in the next step."),
    Column("redundancy", TEXT, description="Redundancy, for example N+1: a note, without effect."),
)


@dataclass(frozen=True)
class NodeRow:
    """A transport node. operator "" for shared; park "" for none; metres in the plane."""

    name: str
    kind: str
    operator: str
    park: str
    x_m: float
    y_m: float


@dataclass(frozen=True)
class LinkRow:
    """A link between two nodes; None where the file leaves a value to the link type or the map."""

    a: str
    b: str
    rate_gbps: float
    p95_load_pct: float | None
    length_km: float | None
    duct: str
    protection: bool | None
    link_type: str | None
    place: str


def _known(row: dict, key: str, known: Sequence[str], problems: list[Problem]) -> None:
    value = row[key]
    if value is not None and value not in known:
        problems.append(Problem(row["place"], key, f"{value!r} is not known{did_you_mean(value, list(known))}",
                                f"one of {', '.join(known)}"))


def read_nodes(path: Path, operators: Sequence[str], parks: Sequence[str]) -> tuple[NodeRow, ...]:
    """Transport nodes of the table.

    Raises:
        WorldError: the file is broken; every problem is listed with file, row, column and remedy.
    """
    problems: list[Problem] = []
    table = read_table(path)
    locator, out = Locator(table.epsg), []
    seen: dict[str, str] = {}
    for row in parse(table, NODE_COLUMNS, problems):
        _known(row, "operator", [*operators, SHARED], problems)
        _known(row, "park", parks, problems)
        if row["kind"] in ("site", "aggregation") and not row["park"]:
            problems.append(Problem(row["place"], "park", f"a node of kind {row['kind']} needs its park", "name the park"))
        if row["node"] in seen:
            problems.append(Problem(row["place"], "node", f"{row['node']!r} stands twice (first in {seen[row['node']]})",
                                    "give each node one row"))
        seen[row["node"]] = row["place"]
        position = locator.locate(row, problems)
        if position:
            operator = "" if row["operator"] == SHARED else str(row["operator"])
            out.append(NodeRow(str(row["node"]), str(row["kind"]), operator, row["park"] or "", *position))
    if problems:
        raise WorldError(problems)
    return tuple(out)


def read_links(path: Path, link_types: Sequence[str], nodes: Sequence[str] | None) -> tuple[LinkRow, ...]:
    """Links of the table. `nodes`: names of nodes.csv, to check the ends against; None: checked later.

    Raises:
        WorldError: the file is broken; every problem is listed with file, row, column and remedy.
    """
    problems: list[Problem] = []
    out: list[LinkRow] = []
    seen: dict[tuple[str, ...], str] = {}
    for row in parse(read_table(path), LINK_COLUMNS, problems):
        _known(row, "link_type", link_types, problems)
        ends = tuple(sorted((str(row["from"]), str(row["to"]))))
        if nodes is not None:
            for key in ("from", "to"):
                if row[key] is not None and row[key] not in nodes:
                    problems.append(Problem(row["place"], key, f"no node {row[key]!r}{did_you_mean(row[key], list(nodes))}",
                                            "add it to the table of nodes"))
        if ends[0] == ends[1]:
            problems.append(Problem(row["place"], "to", "a link from a node to itself", "name two nodes"))
        if ends in seen:
            problems.append(Problem(row["place"], "to", f"a second link between {ends[0]} and {ends[1]} (first in {seen[ends]})",
                                    "add their rates in one row, or put a node between"))
        seen[ends] = row["place"]
        out.append(LinkRow(str(row["from"]), str(row["to"]), row["rate_gbps"] or 1.0, row["p95_load_pct"], row["length_km"],
                           row["duct"] or "", row["protection"], row["link_type"], row["place"]))
    if problems:
        raise WorldError(problems)
    return tuple(out)


def read_nf_capacity(path: Path) -> dict[str, tuple[Capacity, str]]:
    """Capacities by the name of the UPF or queue, each with its place in the file.

    Raises:
        WorldError: the file is broken; every problem is listed with file, row, column and remedy.
    """
    problems: list[Problem] = []
    out: dict[str, tuple[Capacity, str]] = {}
    for row in parse(read_table(path), CAPACITY_COLUMNS, problems):
        if row["unit"] in out:
            problems.append(Problem(row["place"], "unit", f"{row['unit']!r} stands twice (first in {out[row['unit']][1]})",
                                    "give each unit one row"))
        step = ", ".join(filter(None, [row["block_size"] and f"one more block of {row['block_size']}",
                                       f"US$ {row['price_usd']:,.0f}" if row["price_usd"] is not None else ""]))
        figures = {key: row[key] for key in ("workers", "instances", "backlog_limit", "cost_per_packet_us", "cost_per_byte_ns",
                                             "service_mean_us", "queue_limit_ms")}
        capacity = Capacity(**figures, next_step=step, idle=tuple(k for k in ("limit", "redundancy") if row[k] is not None))
        out[str(row["unit"])] = (capacity, row["place"])
    if problems:
        raise WorldError(problems)
    return out
