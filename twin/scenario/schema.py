"""The scenario: what a user writes, with the libraries merged in. Frozen and validated.

`Scenario` is what `twin.scenario.load` returns and the only thing the world reads.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, PrivateAttr

from twin.scenario.entries import (
    ActivityProfile,
    Application,
    DeviceClass,
    Operator,
    Park,
    ServerSiteName,
)
from twin.scenario.equipment import CostItem, LinkType, RadioProfile, ServerSite
from twin.scenario.fields import DottedKey, Name, Names, Part, Text, descriptive
from twin.scenario.sections import (
    Devices,
    IotPlatform,
    Plan,
    PrivateNetwork,
    Report,
    Servers,
    Simulation,
    Tables,
    Transport,
)
from twin.scenario.signalling import DEFAULT_BEHAVIOUR, CoreTest, RandomAccessTest, SignallingSection
from twin.scenario.signalling_entries import CoreProfile, RachProfile, SignallingBehaviour
from twin.scenario.signalling_names import CoreKind

if TYPE_CHECKING:
    from twin.scenario.document import Document

#: Sections whose entries come from a library file of the same name.
LIBRARIES = ("parks", "operators", "radio_profiles", "device_classes", "applications", "activity_profiles", "link_types",
             "server_sites", "cost_items", "core_profiles", "signalling_behaviours", "rach_profiles")
PHONES_TENANT = "workers"  # name of the tenant that owns the workers' phones of a park
TABLES = ("sites", "nodes", "links", "nf_capacity", "tenants")


class Scenario(Part):
    """A validated scenario with the libraries merged in (sections parks … cost_items hold full entries)."""

    schema_version: Literal[1] = Field(alias="schema", description="Version of the scenario language.")
    name: Name = Field(description="Name; also the results folder.")
    question: Text = Field(description="The question this scenario answers.")
    tags: Names = Field(default=(), description=descriptive("Free labels, kept with the results."))
    simulation: Simulation = Field(default=Simulation(), description=Simulation.__doc__)
    plan: Plan = Field(default=Plan(), description=Plan.__doc__)
    parks: dict[Name, Park] = Field(description="Empty or absent: all ten parks. Otherwise only those named, with overrides.")
    operators: dict[Name, Operator] = Field(description="Overrides of the operators; null removes one.")
    radio_profiles: dict[Name, RadioProfile] = Field(description="Overrides of, or additions to, the library.")
    device_classes: dict[Name, DeviceClass] = Field(description="Overrides of, or additions to, the library.")
    applications: dict[Name, Application] = Field(description="Overrides of, or additions to, the library.")
    activity_profiles: dict[Name, ActivityProfile] = Field(description="Overrides of, or additions to, the library.")
    link_types: dict[Name, LinkType] = Field(description="Overrides of, or additions to, the library.")
    server_sites: dict[ServerSiteName, ServerSite] = Field(description="Overrides of, or additions to, the library.")
    cost_items: dict[Name, CostItem] = Field(description="Overrides of, or additions to, the library.")
    core_profiles: dict[Name, CoreProfile] = Field(description="Overrides of, or additions to, the library.")
    signalling_behaviours: dict[Name, SignallingBehaviour] = Field(description="Overrides of, or additions to, the library.")
    rach_profiles: dict[Name, RachProfile] = Field(description="Overrides of, or additions to, the library.")
    devices: Devices = Field(default=Devices(), description=Devices.__doc__)
    servers: Servers = Field(default=Servers(), description=Servers.__doc__)
    iot_platform: IotPlatform = Field(default=IotPlatform(), description=IotPlatform.__doc__)
    transport: Transport = Field(default=Transport(), description=Transport.__doc__)
    sharing: Literal["none", "passive", "moran", "mocn"] = Field(default="none", description="Sharing of the radio network.")
    private_network: PrivateNetwork | None = Field(default=None, description=PrivateNetwork.__doc__)
    tables: Tables = Field(default=Tables(), description=Tables.__doc__)
    signalling: SignallingSection = Field(default=SignallingSection(), description=SignallingSection.__doc__)
    random_access_test: RandomAccessTest | None = Field(default=None, description=RandomAccessTest.__doc__)
    core_test: CoreTest | None = Field(default=None, description=CoreTest.__doc__)
    report: Report = Field(default=Report(), description=Report.__doc__)
    parameters: dict[Name, DottedKey] = Field(
        default={}, description=descriptive("Short names of keys for --set: `devices: random_access_test.devices`.")
    )

    _document: Document | None = PrivateAttr(default=None)
    _warnings: tuple[str, ...] = PrivateAttr(default=())

    def __eq__(self, other: object) -> bool:
        """Equal content, wherever it was written."""
        return isinstance(other, Scenario) and self.__dict__ == other.__dict__

    def __hash__(self) -> int:
        return hash((self.name, self.simulation))

    @property
    def warnings(self) -> tuple[str, ...]:
        """Values outside the model's stated validity; they reach the report."""
        return self._warnings

    def with_(self, **overrides: object) -> Scenario:
        """A changed copy, validated like a file. Keys are nested or dotted: `with_(devices={"density": "high"})`,
        `with_(**{"devices.density": "high"})`; mappings merge, other values replace.

        Raises:
            ScenarioError: the change makes the scenario invalid.
        """
        from twin.scenario.loader import changed

        return changed(self, overrides)

    def has_own_upf(self, application: str) -> bool:
        """Whether a private network with a UPF in the park carries the application."""
        network = self.private_network
        return network is not None and network.mode != "slice" and application in network.applications

    def first_site(self, place: str) -> str | None:
        """First server site of a place, where its UPFs stand; None if there is none."""
        return next((name for name, site in self.server_sites.items() if site.place == place), None)

    def server_site_of(self, application: str, queue: str, own_upf: bool = False) -> str:
        """Server site of one queue of an application's chain: `app` by `servers`, the others by `iot_platform`.

        own_upf: the traffic leaves the core at a private network's own UPF; `app` is then in the park, unless `by_application`
        says otherwise.
        """
        if queue != "app":
            return self.iot_platform.site
        if own_upf and application not in self.servers.by_application:
            return self.first_site("park") or self.servers.default
        return self.servers.site_of(application)

    def table_path(self, table: str) -> Path | None:
        """File that replaces a generated table, or None. Relative to the scenario file that names it."""
        written: str | None = getattr(self.tables, table)
        if written is None:
            return None
        folder = self._document.folder_of(("tables", table)) if self._document else Path()
        return folder / written

    @property
    def call_flows_path(self) -> Path | None:
        """File of the scenario's own call flows, or None. Relative to the scenario file that names it."""
        written = self.signalling.call_flows
        if written is None:
            return None
        folder = self._document.folder_of(("signalling", "call_flows")) if self._document else Path()
        return folder / written

    def core_kinds(self, operator: str) -> tuple[CoreKind, ...]:
        """Kinds of core an operator has on the day of the plan: a 5GC when standalone, an EPC unless all devices use the 5GC."""
        entry = self.operators[operator]
        standalone = entry.architecture == "sa" if entry.sa_from is None else entry.sa_from <= self.plan.date
        if not standalone:
            return ("epc",)
        if entry.sa_capable_share >= 1.0:
            return ("5gc",)
        return ("5gc", "epc") if entry.sa_capable_share > 0 else ("epc",)

    def behaviour_of(self, device_class: str) -> SignallingBehaviour:
        """Behaviour of a class towards the core: its own entry, or `default`."""
        return self.signalling_behaviours.get(device_class) or self.signalling_behaviours[DEFAULT_BEHAVIOUR]

    def resolved(self) -> dict[str, Any]:
        """The whole scenario as plain JSON types, with the SHA-256 of each table file: what the manifest keeps."""
        data = self.model_dump(mode="json", by_alias=True)
        paths = {table: self.table_path(table) for table in TABLES} | {"call_flows": self.call_flows_path}
        data["table_sha256"] = {
            table: hashlib.sha256(path.read_bytes()).hexdigest() for table, path in paths.items() if path is not None
        }
        return data

    @property
    def sha256(self) -> str:
        """SHA-256 of the canonical JSON of `resolved()`."""
        text = json.dumps(self.resolved(), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()
