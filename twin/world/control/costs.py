"""What a message costs at its two ends, and what an SCP makes of a call flow."""

from __future__ import annotations

from dataclasses import dataclass, replace

from twin.base.units import us_to_ns
from twin.scenario.call_flows import Procedure, Step
from twin.scenario.signalling_entries import CoreProfile

_COST_OF = {"N2": "ngap", "S1": "ngap", "N4": "pfcp", "DB": "db"}
OPENS, CLOSES = "request", "response"
ASSOCIATES = "InitialUEMessage"  # NGAP and S1AP: the core makes a context for the connection
BYTES_PER_KB = 1000.0


@dataclass(frozen=True)
class Relayed:
    """A step as the engine has it. opens, closes: the client's SBI request begins, its answer arrives."""

    step: Step
    opens: bool
    closes: bool


def relayed(procedure: Procedure, scp: bool) -> list[Relayed]:
    """The steps, each SBI message by way of the SCP if there is one (a cost given in the file stays at its own end)."""
    out: list[Relayed] = []
    place: list[int] = []  # of each step's last part
    for step in procedure.steps:
        step = replace(step, after=place[step.after] if step.after >= 0 else -1)
        sbi = step.interface == "SBI"
        opens, closes = sbi and step.kind == OPENS, sbi and step.kind == CLOSES
        if scp and sbi and "SCP" not in (step.sender, step.receiver):
            out.append(Relayed(replace(step, receiver="SCP", receive_us=None, success=False), opens, False))
            step, opens = replace(step, sender="SCP", send_us=None, after=len(out) - 1), False
        out.append(Relayed(step, opens, closes))
        place.append(len(out) - 1)
    return out


def end_cost_us(profile: CoreProfile, step: Step, arrives: bool) -> float:
    """CPU time of a message at the end it arrives at or leaves, us; at UE and GNB the time to process what arrives."""
    party = step.receiver if arrives else step.sender
    own = step.receive_us if arrives else step.send_us
    if party in ("UE", "GNB"):
        usual = {"UE": profile.ue_us, "GNB": profile.gnb_us}[party] if arrives else 0.0
        return usual if own is None else own
    if own is None:
        factor = {str(nf).upper(): f for nf, f in profile.role_factors.items()}.get(party, 1.0)
        own = factor * (_sbi_us(profile, step, arrives) if step.interface == "SBI" else
                        getattr(profile.message_costs_us, _COST_OF.get(step.interface, "other")))
        if arrives and step.message.startswith(ASSOCIATES):
            own += factor * profile.association_us
    return own / (1.0 - profile.background_share)


def _sbi_us(profile: CoreProfile, step: Step, arrives: bool) -> float:
    """Of a request the client sends and the server receives; of a response the other way round. Then by size (JSON text)."""
    costs, request = profile.message_costs_us, step.kind == OPENS
    whole = costs.sbi_request_served if request == arrives else costs.sbi_request_sent
    per_kb = profile.per_kb_received_us if arrives else profile.per_kb_sent_us
    share = costs.sbi_request_share if request else 1.0 - costs.sbi_request_share
    return whole * share + per_kb * step.size_bytes / BYTES_PER_KB


def end_cost_ns(profile: CoreProfile, step: Step, arrives: bool) -> int:
    """The same in whole nanoseconds."""
    return us_to_ns(end_cost_us(profile, step, arrives))
