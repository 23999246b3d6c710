"""Words of the control plane that a scenario uses: network functions, interfaces, triggers; which core has which."""

from __future__ import annotations

from typing import Literal, get_args

#: A network function as a scenario names it. `db` is the subscriber data base, `iot` the platform's connection front end.
NfName = Literal["amf", "smf", "ausf", "udm", "udr", "pcf", "bsf", "nrf", "upf", "scp", "db", "iot",
                 "mme", "hss", "sgw", "pgw", "pcrf"]  # fmt: skip
CoreKind = Literal["5gc", "epc"]
Trigger = Literal["registration", "registration_guti", "session_establishment", "service_request", "resume", "periodic_update",
                  "platform_connect", "an_release", "paging", "ran_paging", "session_release", "handover_xn", "handover_n2",
                  "deregistration", "other"]  # fmt: skip

NF_NAMES: tuple[str, ...] = get_args(NfName)
TRIGGERS: tuple[str, ...] = get_args(Trigger)
#: Triggers of procedures that come at a rate while a device is connected.
RATE_TRIGGERS = ("handover_xn", "handover_n2", "session_release", "deregistration", "other")
#: Senders and receivers of a call flow: the device, the radio station, the functions.
PARTIES: tuple[str, ...] = ("UE", "GNB", *(name.upper() for name in NF_NAMES))
INTERFACES = ("Uu", "N2", "SBI", "N4", "DB", "Xn", "N6", "S1", "S6a", "S11", "S5", "Gx", "X2")

EPC_ONLY = ("MME", "HSS", "SGW", "PGW", "PCRF")
IN_BOTH_CORES = ("DB", "IOT")


def functions_of(kind: CoreKind) -> tuple[str, ...]:
    """Functions (upper case) that a core of this kind may have."""
    return tuple(name for name in PARTIES[2:] if name in IN_BOTH_CORES or (name in EPC_ONLY) == (kind == "epc"))
