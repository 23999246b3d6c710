"""Entries of the libraries about the control plane: cores, behaviours of devices, random access."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from twin.scenario.fields import (
    CountAboveZero,
    Microseconds,
    Milliseconds,
    Name,
    NotNegative,
    Part,
    Positive,
    Share,
    Sourced,
    Text,
    descriptive,
)
from twin.scenario.signalling_names import NfName, Trigger

LEAST_S = 1e-6  # of a time that cannot be zero: well above the engine's nanosecond
Timer = Annotated[float, Field(ge=LEAST_S, le=1e7)]  # s
MillisecondsAboveZero = Annotated[float, Field(ge=1e-3, le=1e7)]
PartOfOne = Annotated[float, Field(ge=0, lt=1)]
#: Which preambles the station hears: a share of the n-th transmissions of 1 - exp(-n), or the same share of all.
Detection = Literal["power_ramping_37868"] | Annotated[float, Field(gt=0, le=1)]
LicenceKind = Literal["registered_devices", "sessions", "procedures_per_s", "gbit_per_s"]
MAX_HARQ = 16  # a draw of an attempt is number 16 o + h of occasion o
MAX_TRANSMISSIONS = 200


class MessageCosts(Part):
    """CPU time of a message at a network function, us."""

    sbi_request_sent: Microseconds = Field(description="Client of an SBI request: for sending it and receiving its answer, us.")
    sbi_request_served: Microseconds = Field(description="Server of an SBI request: for receiving and answering it, us.")
    sbi_request_share: Share = Field(default=0.5, description="Part of both that falls at the request; the rest at its answer.")
    ngap: Microseconds = Field(description="NGAP or S1AP message sent or received, us.")
    pfcp: Microseconds = Field(description="PFCP message sent or received, us.")
    db: Microseconds = Field(description="Message to or from the subscriber data base, each end, us.")
    other: Microseconds = Field(description="Message on another interface (Diameter, GTP-C, TLS and MQTT) at a function, us.")


class FunctionPool(Part):
    """The instances of one network function of a core."""

    instances: CountAboveZero = Field(default=1, le=1000, description="Instances; devices are spread over them.")
    workers: CountAboveZero = Field(default=1, le=10_000, description="Workers an instance; 1 with host_cpus (an event loop).")
    backlog_limit: CountAboveZero = Field(
        default=1_000_000, description="Messages an instance holds at most, waiting and in service; more are lost."
    )
    on_host: bool = Field(default=True, description="With host_cpus: whether it shares them.")


class Licence(Part):
    """What a core is licensed for, and the block in which more of it is bought."""

    block_size: Positive = Field(description="Size of a block.")
    limit: Positive | None = Field(default=None, description="What is licensed today; absent: unknown.")


class CoreProfile(Sourced):
    """How a core is built: its functions, what a message costs, its timers, how it protects itself."""

    functions: dict[NfName, FunctionPool] = Field(description="Pools by function: amf, smf, … (5GC); mme, hss, … (EPC).")
    host_cpus: CountAboveZero | None = Field(
        default=None, le=1024, description="CPUs all functions of a core share, one event loop each; absent: own workers."
    )
    scp: bool = Field(default=False, description="An SCP relays every SBI message.")
    message_costs_us: MessageCosts = Field(description=MessageCosts.__doc__)
    wake_us: Microseconds = Field(default=0.0, description="Extra CPU of a message that finds its function idle, us.")
    per_kb_sent_us: Microseconds = Field(default=0.0, description="Extra CPU of an SBI message at its sender, us a kB.")
    per_kb_received_us: Microseconds = Field(default=0.0, description="Extra CPU of an SBI message at its receiver, us a kB.")
    association_us: Microseconds = Field(
        default=0.0, description="Extra CPU of AMF or MME for the message that begins a connection (InitialUEMessage), us."
    )
    role_factors: dict[NfName, Positive] = Field(default={}, description="Factor on a function's costs; 1 unless named.")
    service_kind: Literal["fixed", "exponential"] = Field(default="fixed", description="Distribution of a message's CPU time.")
    ue_us: Microseconds = Field(description="A device's time to answer a message, us.")
    gnb_us: Microseconds = Field(description="A radio station's time to pass a message on, us.")
    sbi_us: Microseconds = Field(description="One way between two functions, us.")
    sbi_timer_s: Timer | None = Field(default=None, description="Longest an SBI request may be open, s; absent: for ever.")
    patience_s: Timer = Field(default=15.0, description="A device gives up a procedure after this, s (T3510).")
    patience_by_trigger_s: dict[Trigger, Timer] = Field(default={}, description="The same by kind of procedure, s.")
    retry_s: Timer = Field(default=10.0, description="Until the next attempt after a failure, s (T3511).")
    max_attempts: Annotated[int, Field(ge=1, le=100)] = Field(default=5, description="Attempts before the long wait.")
    long_retry_s: Timer = Field(default=720.0, description="The long wait, s (T3502).")
    background_share: PartOfOne = Field(
        default=0.0, description="Share of every function's capacity that the rest of the region uses."
    )
    congestion_backlog: CountAboveZero | None = Field(
        default=None, description="AMF and MME: registrations are rejected (congestion) from this backlog on; absent: never."
    )
    t3346_min_s: Timer = Field(default=900.0, description="Shortest wait a congested core imposes, s (T3346).")
    t3346_max_s: Timer = Field(default=1800.0, description="Longest wait a congested core imposes, s (T3346).")
    reject_us: Microseconds = Field(default=50.0, description="CPU time of a rejection, us.")
    overload_backlog: CountAboveZero | None = Field(
        default=None, description="AMF and MME: stations are told of overload from this backlog on; absent: never."
    )
    overload_hold_s: Timer = Field(default=5.0, description="How long stations hold devices back then, s.")
    overload_reject_share: Share = Field(default=0.5, description="Share of connection requests they reject then.")
    rrc_wait_s: Timer = Field(default=10.0, description="Wait after such a rejection, s (RRC waitTime).")
    licences: dict[LicenceKind, Licence] = Field(default={}, description="Licences and blocks of capacity of one core.")
    redundancy: Text = Field(default="none", description=descriptive("How failures are covered, in words."))


class SignallingBehaviour(Sourced):
    """How the devices of a class behave towards the core; the entry `default` is for classes without one."""

    inactivity_s: Timer = Field(default=10.0, description="Without traffic for this long, the connection is released, s.")
    rrc_inactive_s: Timer | None = Field(default=None, description="Time in RRC inactive before the release, s; absent: none.")
    periodic_registration_s: Timer | None = Field(
        default=3240.0, description="Periodic registration of an idle device, s (T3512); null: none."
    )
    drx_s: Timer = Field(default=1.28, description="Paging cycle, s.")
    edrx_s: Timer | None = Field(default=None, description="Extended paging cycle in place of drx_s, s; absent: none.")
    psm_active_s: NotNegative | None = Field(
        default=None, le=1e7, description="Power saving mode: asleep this long after it went idle, s (T3324); absent: never."
    )
    sessions: Annotated[int, Field(ge=1, le=15)] = Field(default=1, description="PDU sessions a device opens when it registers.")
    hold_limit: CountAboveZero = Field(default=64, le=10_000, description="Bursts a device holds while it is not connected.")
    rates_per_h: dict[Name, NotNegative] = Field(
        default={}, description="Procedures a connected device runs an hour: handover_xn, handover_n2, or a procedure's name."
    )


class RachProfile(Sourced):
    """Random access of a cell (TR 37.868; TS 38.321 5.1, TS 36.321 5.1)."""

    rao_period_ms: MillisecondsAboveZero = Field(description="Period of the random access occasions, ms.")
    rao_offset_ms: Milliseconds = Field(default=0.0, description="Time of the first occasion, ms.")
    n_preambles: Annotated[int, Field(ge=1, le=64)] = Field(description="Preambles for contention.")
    max_transmissions: Annotated[int, Field(ge=1, le=MAX_TRANSMISSIONS)] = Field(description="preambleTransMax.")
    detection: Detection = Field(
        default="power_ramping_37868",
        description="Share of preambles detected, or power_ramping_37868: 1 - exp(-n) of the n-th transmissions (TR 37.868).",
    )
    preamble_ms: Milliseconds = Field(description="Length of the preamble, ms.")
    rar_start_ms: Milliseconds = Field(description="From the preamble's end to the response window, ms.")
    rar_slots: Annotated[int, Field(ge=1, le=1000)] = Field(description="Slots or subframes of the response window.")
    rar_slot_ms: MillisecondsAboveZero = Field(description="Length of one of them, ms.")
    grants_per_slot: Annotated[int, Field(ge=1, le=64)] = Field(description="Uplink grants in one of them.")
    msg3_ms: Milliseconds = Field(description="From the response to the end of Msg3, ms.")
    msg3_rtt_ms: MillisecondsAboveZero = Field(description="HARQ round trip of Msg3, ms.")
    msg4_ms: Milliseconds = Field(description="From Msg3 to the end of Msg4, ms.")
    msg4_rtt_ms: MillisecondsAboveZero = Field(description="HARQ round trip of Msg4, ms.")
    harq_fail_share: Share = Field(description="Share of Msg3 and Msg4 transmissions that fail.")
    max_harq: Annotated[int, Field(ge=1, le=MAX_HARQ)] = Field(description="Transmissions of Msg3 and Msg4 at most.")
    contention_ms: MillisecondsAboveZero = Field(description="Contention resolution timer, ms.")
    backoff_ms: Milliseconds = Field(description="Largest backoff after a failure, ms (backoff indicator).")
    retry_ms: Milliseconds = Field(default=0.0, description="Device's preparation of the next preamble after a failure, ms.")
    collided_answered: bool = Field(default=False, description="A collided preamble is answered, and Msg3 then fails for all.")
    barring_factor: Annotated[float, Field(gt=0, le=1)] = Field(
        default=1.0, description="Share of accesses that pass access barring; 1: no barring."
    )
    barring_ms: MillisecondsAboveZero = Field(default=4000.0, description="Barring time, ms.")


__all__ = ["CoreProfile", "FunctionPool", "Licence", "MessageCosts", "RachProfile", "SignallingBehaviour"]
