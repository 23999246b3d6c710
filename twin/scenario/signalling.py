"""Sections about the control plane: what is switched on, which cores there are, storms, the random access test."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from twin.scenario.fields import CountAboveZero, Name, Names, NotNegative, Part, Share, Text, _as_tuple
from twin.scenario.signalling_entries import Timer
from twin.scenario.signalling_names import CoreKind, NfName

#: Whether the control plane is simulated unless a scenario says.
ENABLED_BY_DEFAULT = True
DEFAULT_BEHAVIOUR = "default"  # entry of signalling_behaviours for classes without one
Seconds = Annotated[float, Field(ge=0, le=86_400)]


class Storm(Part):
    """Something that happens to many devices, or to the core, at once."""

    kind: Literal["power_cut", "power_restore", "fleet_wake", "nf_restart", "core_failover"] = Field(
        description="power_cut: devices go off; power_restore: they come back; fleet_wake: a command reaches each; "
        "nf_restart: instances of a function restart; core_failover: a core's functions fail and a site further away takes over."
    )
    name: Name | None = Field(default=None, description="Name in the results; absent: kind and number.")
    at_s: Seconds = Field(description="When, s of simulated time.")
    parks: Names = Field(default=(), description="Parks it happens in; empty: all.")
    operators: Names = Field(default=(), description="Operators whose devices or cores it happens to; empty: all.")
    device_classes: Names = Field(default=(), description="Classes of devices it happens to; empty: all.")
    cut_at_s: Seconds = Field(default=0.0, description="power_restore: when the power went, s.")
    boot_spread_s: Seconds = Field(default=30.0, description="power_restore: devices boot within this time, s.")
    boot_distribution: Literal["uniform", "beta_3_4"] = Field(
        default="uniform", description="power_restore: how they are spread (beta_3_4: as in TR 37.868)."
    )
    guti_valid_share: Share = Field(default=0.9, description="power_restore: share that still has a valid GUTI.")
    spread_s: Seconds = Field(default=10.0, description="fleet_wake: the command reaches the devices within this time, s.")
    nf: NfName | None = Field(default=None, description="nf_restart: the function.")
    core: CoreKind | None = Field(default=None, description="nf_restart, core_failover: 5gc or epc; absent: all that have it.")
    instances: Literal["all"] | Annotated[int, Field(ge=1, le=1000)] = Field(
        default="all", description="nf_restart: how many of its instances."
    )
    down_s: Timer = Field(default=30.0, description="nf_restart, core_failover: how long, s.")
    context_lost: bool = Field(default=False, description="nf_restart, core_failover: the devices' contexts are lost.")
    extra_delay_ms: Annotated[float, Field(ge=0, le=10_000)] = Field(
        default=0.0, description="core_failover: further delay one way to the site that takes over, ms."
    )


class SignallingSection(Part):
    """The control plane: registration, sessions, random access, network functions (docs/signalling.md)."""

    enabled: bool = Field(default=ENABLED_BY_DEFAULT, description="false: registration and sessions are taken as established.")
    default_core_profile: Name = Field(default="carrier", description="Entry of core_profiles for operators not named below.")
    core_profile: dict[Name, Name] = Field(default={}, description="Entry of core_profiles by operator.")
    inactivity_s: Timer | None = Field(default=None, description="Inactivity timer of all devices, s; absent: by behaviour.")
    procedure_rates_per_h: dict[Name, dict[Name, NotNegative]] = Field(
        default={}, description="Rates of procedures by device class, over those of its behaviour."
    )
    call_flows: Text | None = Field(default=None, description="CSV of procedures that replace or join those of the library.")
    storms: Annotated[tuple[Storm, ...], BeforeValidator(_as_tuple)] = Field(default=(), description="What happens at once.")

    def profile_of(self, operator: str) -> str:
        """Core profile of an operator."""
        return self.core_profile.get(operator, self.default_core_profile)


class Arrivals(Part):
    """When the devices of a random access test come."""

    distribution: Literal["uniform", "beta"] = Field(description="Distribution over the time.")
    spread_s: Timer = Field(description="Time they are spread over, s.")
    alpha: Annotated[float, Field(gt=0, le=100)] = Field(default=3.0, description="First parameter of the beta distribution.")
    beta: Annotated[float, Field(gt=0, le=100)] = Field(default=4.0, description="Second parameter of the beta distribution.")


class CoreTest(Part):
    """Devices at a station without radio next to a core, each of which runs one procedure and nothing else."""

    operator: Name = Field(description="Whose core.")
    core: CoreKind = Field(default="5gc", description="5gc or epc.")
    procedure: Name = Field(default="registration", description="Which procedure; not paging.")
    devices: CountAboveZero = Field(le=1_000_000, description="How many.")
    rate_per_s: Literal["at_once"] | Annotated[float, Field(gt=0, le=1e6)] = Field(
        default="at_once", description="So many a second at random times, or at_once."
    )
    at_s: Seconds = Field(default=1.0, description="When it begins, s of simulated time.")


#: The two traffic models of TR 37.868, table 6.1.1.
TRAFFIC_MODELS = {"uniform_60s": Arrivals(distribution="uniform", spread_s=60.0),
                  "beta_10s": Arrivals(distribution="beta", spread_s=10.0)}  # fmt: skip


class RandomAccessTest(Part):
    """One isolated cell whose devices only access, as TR 37.868 sets it up."""

    devices: CountAboveZero = Field(le=1_000_000, description="How many.")
    arrivals: Literal["uniform_60s", "beta_10s"] | Arrivals = Field(
        default="uniform_60s", description="TR 37.868 traffic model 1 (uniform_60s) or 2 (beta_10s), or a distribution."
    )
    rach_profile: Name = Field(default="lte-37868", description="Entry of rach_profiles.")

    @property
    def pattern(self) -> Arrivals:
        """The arrivals in full."""
        return TRAFFIC_MODELS[self.arrivals] if isinstance(self.arrivals, str) else self.arrivals
