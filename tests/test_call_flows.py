"""Call flows of the library: well-formed procedures, and message for message what was measured at a real core."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest

from twin.world.signalling_tables import INTERFACES, ROLES, TRIGGERS

LIBRARY = Path(__file__).parents[1] / "twin" / "scenario" / "library" / "call_flows"
MEASURED = Path(__file__).parents[2] / "shared" / "data" / "open5gs_measured"
COLUMNS = ["procedure", "trigger", "step", "after", "sender", "receiver", "interface", "message", "bytes", "kind", "receive_us",
           "send_us", "success", "source"]  # fmt: skip

#: measured name -> our procedures. A device that is paged asks for service by a procedure of its own.
PROCEDURES = {"reg": ["registration"], "pdu": ["session_establishment"], "rel": ["an_release"], "svc": ["service_request"],
              "dereg": ["deregistration"], "page": ["paging", "service_request"], "preg": ["periodic_update"]}  # fmt: skip
#: Once per connection, not per device: the 20 devices of the capture carry a share of them.
ONCE = 0.2
#: What opens an HTTP/2 connection: preface, settings, header names not yet in the table.
CONNECTION_BYTES = 300
MEASURED_INTERFACES = {"DB": "DB", "N2-NGAP": "N2", "N4-PFCP": "N4", "SBI": "SBI"}


def flows(name: str) -> pd.DataFrame:
    """One file with `after` as a step number, 0 for the start."""
    table = pd.read_csv(LIBRARY / name, keep_default_na=False)
    assert list(table.columns) == COLUMNS
    table["after"] = [step - 1 if after == "" else int(after) for step, after in zip(table["step"], table["after"])]
    return table


def procedures() -> list:
    return [
        pytest.param(steps.reset_index(drop=True), id=f"{name[:-4]}-{procedure}")
        for name in ("5gc.csv", "epc.csv")
        for procedure, steps in flows(name).groupby("procedure", sort=False)
    ]


@pytest.mark.parametrize("steps", procedures())
def test_a_step_starts_where_the_one_before_it_ended(steps):
    assert list(steps["step"]) == list(range(1, len(steps) + 1))
    assert (steps["after"] < steps["step"]).all() and steps["after"].iloc[0] == 0
    starts = set(steps.loc[steps["after"] == 0, "sender"])
    assert len(starts) == 1
    for step in steps.itertuples():
        if step.after:
            assert step.sender == steps["receiver"].iloc[step.after - 1], step


@pytest.mark.parametrize("steps", procedures())
def test_a_procedure_succeeds_at_one_step(steps):
    assert set(steps["success"]) <= {"yes", ""}
    assert (steps["success"] == "yes").sum() == 1


@pytest.mark.parametrize("steps", procedures())
def test_words_are_known(steps):
    assert steps["trigger"].nunique() == 1 and set(steps["trigger"]) <= set(TRIGGERS)
    assert set(steps["sender"]) | set(steps["receiver"]) <= set(ROLES)
    assert set(steps["interface"]) <= set(INTERFACES)
    assert (steps["bytes"].astype(int) > 0).all()
    assert (steps["source"] != "").all() and (steps["message"] != "").all()


ENDS = {"Uu": {("UE", "GNB")}, "N2": {("AMF", "GNB")}, "N4": {("SMF", "UPF")}, "DB": {("DB", "UDR"), ("DB", "PCF")},
        "Xn": {("GNB", "GNB")}, "X2": {("GNB", "GNB")}, "N6": {("GNB", "IOT")}, "S1": {("GNB", "MME")}, "S6a": {("HSS", "MME")},
        "S11": {("MME", "SGW")}, "S5": {("PGW", "SGW")}, "Gx": {("PCRF", "PGW"), ("PGW", "PCRF")}}  # fmt: skip
SBI = {"AMF", "SMF", "AUSF", "UDM", "UDR", "PCF", "BSF", "NRF", "SCP"}


@pytest.mark.parametrize("steps", procedures())
def test_an_interface_joins_its_two_ends(steps):
    for step in steps.itertuples():
        ends = {step.sender, step.receiver}
        if step.interface == "SBI":
            assert len(ends) == 2 and ends <= SBI, step
        else:
            assert any(ends == set(pair) for pair in ENDS[step.interface]), step


@pytest.mark.parametrize("steps", procedures())
def test_each_request_has_its_response(steps):
    """A response goes back the way of a request that led to it, and an SBI response names it; nothing else has a kind."""
    assert set(steps["kind"]) <= {"request", "response", ""}
    paired = steps["interface"].isin(["SBI", "S6a", "S11", "S5", "Gx"])
    assert ((steps["kind"] != "") == paired).all()
    unanswered = set(steps.index[steps["kind"] == "request"])
    for at in steps.index[steps["kind"] == "response"]:
        response, cause = steps.loc[at], steps["after"].loc[at] - 1
        while cause >= 0:
            asked = steps.loc[cause]
            back = asked["sender"] == response["receiver"] and asked["receiver"] == response["sender"]
            named = response["interface"] != "SBI" or re.sub(r"^\d+ ", "", response["message"]) == asked["message"]
            if cause in unanswered and back and named:
                break
            cause = asked["after"] - 1
        assert cause >= 0, f"no request for {response['message']}"
        unanswered.remove(cause)
    assert not unanswered


def test_each_core_knows_what_its_devices_do():
    needed = set(TRIGGERS) - {"other"}
    five, four = flows("5gc.csv"), flows("epc.csv")
    assert set(five["trigger"]) == needed
    # The default bearer comes with the attach, and LTE has no RRC inactive.
    assert set(four["trigger"]) == needed - {"session_establishment", "session_release", "resume", "ran_paging"}


@pytest.fixture(scope="module")
def measured() -> Path:
    if not MEASURED.is_dir():
        pytest.skip("the measurements of a real core (shared/data/open5gs_measured) are not shipped with the project")
    return MEASURED


def ours(name: str) -> pd.DataFrame:
    table = flows("5gc.csv")
    return pd.concat([table[table["procedure"] == procedure] for procedure in PROCEDURES[name]])


@pytest.mark.parametrize("name", PROCEDURES)
def test_messages_and_bytes_are_those_of_the_real_core(measured, name):
    """Counts per interface and direction are equal, bytes within what a connection's first messages add."""
    table = pd.read_csv(measured / "messages_per_procedure_direct.csv")
    table = table[(table["procedure"] == name) & table["interface"].isin(MEASURED_INTERFACES)]
    steps = ours(name)
    seen = set()
    for row in table.itertuples():
        interface = MEASURED_INTERFACES[row.interface]
        side = {"gNB": ["GNB"], "UDR/PCF": ["UDR", "PCF"]}
        like = steps[(steps["interface"] == interface) & steps["sender"].isin(side.get(row.src, [row.src]))
                     & steps["receiver"].isin(side.get(row.dst, [row.dst]))]  # fmt: skip
        assert 0 <= row.messages_per_procedure - len(like) < ONCE, row
        once = CONNECTION_BYTES / row.n_procedures
        assert abs(like["bytes"].sum() - row.bytes_l7_per_procedure) <= once + len(like) / 2, row
        seen |= set(like.index)
    core = steps[steps["interface"].isin(MEASURED_INTERFACES.values())]
    assert set(core.index) == seen


def operation(text: str) -> tuple[str, ...]:
    """The words by which a measured operation and one of ours are the same: status, method, service, resource."""
    left_out = r"/v[12]/|\{\w+\}|subscription-data|ues/|ue-contexts|security-information|ue-authentications/(?=.*5g)"
    text = re.sub(left_out, "/", text)
    return tuple(word for word in re.split(r"[/ ]+", text) if word and word not in ("authentication-data", "policy-data"))


@pytest.mark.parametrize("name", PROCEDURES)
def test_operations_are_those_of_the_real_core(measured, name):
    """Each SBI operation between the same two functions."""
    table = pd.read_csv(measured / "operations_per_procedure_direct.csv")
    table = table[(table["procedure"] == name) & (table["interface"] == "SBI")]
    steps = ours(name)
    steps = steps[steps["interface"] == "SBI"]
    expected = sorted((row.src, row.dst, *operation(row.operation)) for row in table.itertuples()
                      for _ in range(round(row.messages_per_procedure)))  # fmt: skip
    assert sorted((step.sender, step.receiver, *operation(step.message)) for step in steps.itertuples()) == expected


@pytest.mark.parametrize("name", ["reg", "pdu", "rel", "svc", "dereg"])
def test_functions_act_in_the_measured_order(measured, name):
    """The functions that answer, one after the other, as a capture with one device under way shows them."""
    table = pd.read_csv(measured / "nf_turnaround_direct.csv", keep_default_na=False)
    table = table[table["procedure"] == name].reset_index(drop=True)
    first = {"reg": "InitialUEMessage Request/Init", "pdu": "UplinkNASTransport Request/Init", "rel": "UEContextReleaseReq",
             "svc": "InitialUEMessage Request/Init", "dereg": "UplinkNASTransport Request/Init"}[name]  # fmt: skip
    starts = list(table.index[table["in_operation"].str.startswith(first) & (table["nf"] == "AMF")
                              & (table["in_interface"] == "N2-NGAP")])  # fmt: skip
    steps = ours(name)
    steps = steps[steps["interface"] != "Uu"].reset_index(drop=True)
    # A function acts where a message that reached it is followed by one it sends; of several, the first counts.
    acts, followed = [], set()
    for step in steps.itertuples():
        before = steps[steps["step"] == step.after]
        if step.sender not in ("GNB",) and len(before) and step.after not in followed:
            followed.add(step.after)
            acts.append((before["receiver"].iloc[0], before["interface"].iloc[0], step.interface))
    table["in_interface"] = table["in_interface"].map(MEASURED_INTERFACES)
    table["out_interface"] = table["out_interface"].map(MEASURED_INTERFACES)
    same = [list(zip(table["nf"][a:b], table["in_interface"][a:b], table["out_interface"][a:b]))
            for a, b in zip(starts, [*starts[1:], len(table)])]  # fmt: skip
    assert sum(seen == acts for seen in same) >= 0.8 * len(same), (acts, same[-1])
