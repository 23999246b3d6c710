"""Cross-checks of the control plane: call flows, core profiles, random access, storms, and the short names of keys."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from twin.scenario.call_flows import Procedure, flows_of, read_flows
from twin.scenario.document import KeyPath
from twin.scenario.findings import Finding, unknown
from twin.scenario.libraries import library
from twin.scenario.problems import did_you_mean, fields_at, kind_at
from twin.scenario.schema import LIBRARIES, Scenario
from twin.scenario.signalling import DEFAULT_BEHAVIOUR, Storm
from twin.scenario.signalling_entries import CoreProfile
from twin.scenario.signalling_names import RATE_TRIGGERS, CoreKind, functions_of

KINDS: tuple[CoreKind, ...] = ("5gc", "epc")
#: Keys of a storm that its kind uses, besides kind, name, at_s and operators.
STORM_KEYS = {
    "power_cut": {"parks", "device_classes"},
    "power_restore": {"parks", "device_classes", "cut_at_s", "boot_spread_s", "boot_distribution", "guti_valid_share"},
    "fleet_wake": {"parks", "device_classes", "spread_s"},
    "nf_restart": {"nf", "core", "instances", "down_s", "context_lost"},
    "core_failover": {"core", "down_s", "context_lost", "extra_delay_ms"},
}
#: How long the devices of a storm come.
SPREADS = {"power_restore": "boot_spread_s", "fleet_wake": "spread_s"}
ALWAYS = {"kind", "name", "at_s", "operators"}


def signalling_references(s: Scenario) -> Iterator[Finding]:
    """Core profiles, behaviours and random access profiles that are named somewhere."""
    section = s.signalling
    if section.default_core_profile not in s.core_profiles:
        yield unknown(("signalling", "default_core_profile"), "core profile", section.default_core_profile, s.core_profiles)
    for operator, profile in section.core_profile.items():
        path = ("signalling", "core_profile", operator)
        if operator not in s.operators:
            yield unknown(path, "operator", operator, s.operators)
        if profile not in s.core_profiles:
            yield unknown(path, "core profile", profile, s.core_profiles)
    if DEFAULT_BEHAVIOUR not in s.signalling_behaviours:
        yield Finding(("signalling_behaviours",), f"there is no entry '{DEFAULT_BEHAVIOUR}'", "do not remove it")
    for name in s.signalling_behaviours:
        if name not in {*s.device_classes, *library("device_classes").data, DEFAULT_BEHAVIOUR}:
            yield unknown(("signalling_behaviours", name), "device class", name, s.device_classes)
    for name, profile in s.radio_profiles.items():  # type: ignore[assignment]
        rach = profile.rach_profile  # type: ignore[attr-defined]
        if rach not in s.rach_profiles:
            yield unknown(("radio_profiles", name, "rach_profile"), "rach profile", rach, s.rach_profiles)


def core_profiles(s: Scenario) -> Iterator[Finding]:
    """Event loops have one worker, timers are in order, an SCP is there to relay."""
    for name, profile in s.core_profiles.items():
        for key, message, remedy in _profile(profile):
            yield Finding(("core_profiles", name, *key), message, remedy)


def _profile(profile: CoreProfile) -> Iterator[tuple[KeyPath, str, str]]:
    for nf, pool in profile.functions.items():
        if profile.host_cpus is not None and pool.on_host and pool.workers > 1:
            message = f"{pool.workers} workers, but with host_cpus a function is one event loop"
            yield ("functions", nf, "workers"), message, "raise instances, or set on_host: false"
    if profile.t3346_min_s > profile.t3346_max_s:
        yield ("t3346_min_s",), "is above t3346_max_s", "swap them"
    if profile.scp and "scp" not in profile.functions:
        yield ("scp",), "there is no function scp to relay messages", "add functions.scp"


def rach_profiles(s: Scenario) -> Iterator[Finding]:
    """Msg4 can arrive before the contention timer ends."""
    for name, profile in s.rach_profiles.items():
        if profile.contention_ms < profile.msg4_ms:
            message = f"ends before Msg4 can arrive ({profile.msg4_ms:g} ms): no access would succeed"
            yield Finding(("rach_profiles", name, "contention_ms"), message, "lengthen it")


def call_flow_file(s: Scenario) -> Iterator[Finding]:
    """The scenario's own call flows can be read, and hang together with the library's."""
    path = s.call_flows_path
    key = ("signalling", "call_flows")
    procedures: tuple[Procedure, ...] = ()
    if path is not None:
        procedures, problems = read_flows(path)
        for problem in problems:
            where = ": ".join(part for part in (problem.place, problem.key, problem.message) if part)
            yield Finding(key, where, problem.remedy)
        procedures = () if problems else procedures
    for kind in KINDS:
        seen: dict[str, str] = {}
        for flow in flows_of(kind, procedures).values():
            first = seen.setdefault(flow.trigger, flow.name)
            if first != flow.name and flow.trigger != "other":
                message = f"procedure '{flow.name}' has the trigger {flow.trigger}, as '{first}' of the library has"
                yield Finding(key, message, f"name yours '{first}' to replace it")
    yield from _functions_there(s, procedures)
    yield from _rates(s, procedures)


def _functions_there(s: Scenario, own: tuple[Procedure, ...]) -> Iterator[Finding]:
    """Every function that a procedure needs is among those of its kind of core in the core profiles in use."""
    used = {s.signalling.profile_of(operator) for operator in s.operators}
    for name in sorted(used & set(s.core_profiles)):
        for kind in KINDS:
            there = {nf.upper() for nf in s.core_profiles[name].functions} & set(functions_of(kind))
            lacking: dict[str, str] = {}
            for flow in flows_of(kind, own).values():
                for nf in flow.parties - {"UE", "GNB"} - there:
                    lacking.setdefault(nf, flow.name)
            for nf, flow_name in sorted(lacking.items()):
                message = f"there is no {nf.lower()}, which procedure '{flow_name}' of the {kind.upper()} needs"
                yield Finding(("core_profiles", name, "functions"), message, f"add {nf.lower()}: {{}}")


def _rates(s: Scenario, own: tuple[Procedure, ...]) -> Iterator[Finding]:
    """Procedures at a rate are of a kind that can be, and there."""
    flows = {**flows_of("5gc", own), **flows_of("epc", own)}
    known = {*RATE_TRIGGERS} - {"other"} | {name for name, flow in flows.items() if flow.trigger in RATE_TRIGGERS}
    tables: list[tuple[KeyPath, dict[str, float]]] = [
        (("signalling_behaviours", name, "rates_per_h"), entry.rates_per_h) for name, entry in s.signalling_behaviours.items()]
    for name, rates in s.signalling.procedure_rates_per_h.items():
        path = ("signalling", "procedure_rates_per_h", name)
        if name not in s.device_classes:
            yield unknown(path, "device class", name, s.device_classes)
        tables.append((path, rates))
    for at, rates in tables:
        for procedure in rates:
            if procedure not in known:
                yield unknown((*at, procedure), "procedure at a rate", procedure, known)


def storms(s: Scenario) -> Iterator[Finding]:
    """Storms happen where something is, and say only what their kind uses."""
    names: set[str] = set()
    for index, storm in enumerate(s.signalling.storms):
        path = ("signalling", "storms", index)
        if not s.signalling.enabled:
            yield Finding(path, "a storm needs the control plane", "set signalling.enabled: true")
        for key, known in (("parks", s.parks), ("operators", s.operators), ("device_classes", s.device_classes)):
            for name in getattr(storm, key):
                if name not in known:
                    yield unknown((*path, key), key.removesuffix("s").replace("classe", "class").replace("_", " "), name, known)
        for key in sorted(storm.model_fields_set - ALWAYS - STORM_KEYS[storm.kind]):
            yield Finding((*path, key), f"means nothing for a storm of kind {storm.kind}", "remove it")
        if storm.kind == "power_restore" and storm.cut_at_s >= storm.at_s:
            yield Finding((*path, "cut_at_s"), "the power comes back before it has gone", "make at_s later than cut_at_s")
        if storm.name in names:
            yield Finding((*path, "name"), f"another storm is called '{storm.name}'", "choose another name")
        names |= {storm.name} if storm.name else set()
        yield from _restart(s, storm, path)


def _restart(s: Scenario, storm: Storm, path: KeyPath) -> Iterator[Finding]:
    """A restart names a function that the operators' cores have, and no more instances than there are."""
    if storm.kind != "nf_restart":
        return
    if storm.nf is None:
        yield Finding((*path, "nf"), "is missing: a restart needs the function", "add nf, for example nf: amf")
        return
    if storm.core is not None and storm.nf.upper() not in functions_of(storm.core):
        message = f"{storm.nf} is no function of the {storm.core.upper()}"
        yield Finding((*path, "nf"), message, f"there are {', '.join(functions_of(storm.core)).lower()}")
    for operator in storm.operators or s.operators:
        profile = s.core_profiles.get(s.signalling.profile_of(operator))
        pool = profile.functions.get(storm.nf) if profile is not None else None
        if profile is not None and pool is None:
            yield Finding((*path, "nf"), f"the core of {operator} has no {storm.nf}", f"it has {', '.join(profile.functions)}")
        elif pool is not None and storm.instances != "all" and storm.instances > pool.instances:
            message = f"is {storm.instances}, but {operator} has {pool.instances} of {storm.nf}"
            yield Finding((*path, "instances"), message, "lower it, or write all")


def random_access_test(s: Scenario) -> Iterator[Finding]:
    """The test's profile is there, the control plane on, and nothing of the test in the warm-up."""
    test = s.random_access_test
    if test is None:
        return
    if test.rach_profile not in s.rach_profiles:
        yield unknown(("random_access_test", "rach_profile"), "rach profile", test.rach_profile, s.rach_profiles)
    if not s.signalling.enabled:
        yield Finding(("random_access_test",), "the test needs the control plane", "set signalling.enabled: true")
    if s.simulation.warmup_s > 0:
        message = f"begins at 0 s, within simulation.warmup_s ({s.simulation.warmup_s:g} s): its start would not be counted"
        yield Finding(("random_access_test",), message, "set simulation.warmup_s: 0")


def core_test(s: Scenario) -> Iterator[Finding]:
    """The test's operator, core and procedure are there, the control plane on, and nothing of the test in the warm-up."""
    test = s.core_test
    if test is None:
        return
    if not s.signalling.enabled:
        yield Finding(("core_test",), "the test needs the control plane", "set signalling.enabled: true")
    if test.at_s < s.simulation.warmup_s:
        message = f"is {test.at_s:g} s, within simulation.warmup_s ({s.simulation.warmup_s:g} s): its start would not be counted"
        yield Finding(("core_test", "at_s"), message, "set simulation.warmup_s: 0, or begin later")
    if test.operator not in s.operators:
        yield unknown(("core_test", "operator"), "operator", test.operator, s.operators)
        return
    if test.core not in s.core_kinds(test.operator):
        message = f"{test.operator} has no {test.core.upper()} on {s.plan.date}"
        yield Finding(("core_test", "core"), message, "name the other, or see architecture, sa_from and sa_capable_share")
    path = s.call_flows_path
    own, problems = read_flows(path) if path is not None else ((), [])
    if not problems:
        flows = flows_of(test.core, own)
        known = [name for name, flow in flows.items() if flow.trigger not in ("paging", "ran_paging")]
        if test.procedure not in known:
            yield unknown(("core_test", "procedure"), "procedure for a test", test.procedure, known)


def parameters(s: Scenario) -> Iterator[Finding]:
    """Every short name stands for a key that can be set."""
    for name, target in s.parameters.items():
        steps = tuple(target.split("."))
        for end in range(1, len(steps) + 1):
            if kind_at(steps[:end]) is None:
                yield _no_key(name, steps[:end], fields_at(steps[: end - 1]))
                break
            if end == 2 and steps[0] in LIBRARIES and steps[1] not in getattr(s, steps[0]):
                yield _no_key(name, steps[:2], getattr(s, steps[0]))
                break


def _no_key(name: str, steps: tuple[str, ...], known: Iterable[str]) -> Finding:
    return Finding(("parameters", name), f"key '{'.'.join(steps)}' does not exist", did_you_mean(steps[-1], known))


def late_storms(s: Scenario) -> Iterator[Finding]:
    """Warning: what comes after the end of the run does not happen: a storm, the later devices of one, those of a test."""
    test, horizon_s = s.random_access_test, s.simulation.horizon_s
    if test is not None and test.pattern.spread_s > horizon_s:
        message = f"its devices come within {test.pattern.spread_s:g} s, the run ends at {horizon_s:g} s"
        yield Finding(("random_access_test", "arrivals"), message)
    if s.core_test is not None:
        rate = s.core_test.rate_per_s
        last_s = s.core_test.at_s + (0.0 if rate == "at_once" else s.core_test.devices / rate)
        if last_s >= horizon_s:
            yield Finding(("core_test",), f"its devices come until {last_s:g} s, the run ends at {horizon_s:g} s")
    for index, storm in enumerate(s.signalling.storms):
        path = ("signalling", "storms", index)
        key = SPREADS.get(storm.kind)
        end_s = storm.at_s + (getattr(storm, key) if key else 0.0)
        if storm.at_s >= horizon_s:
            yield Finding((*path, "at_s"), f"after the run's end at {horizon_s:g} s")
        elif key and end_s > horizon_s:
            yield Finding((*path, key), f"its devices come until {end_s:g} s, the run ends at {horizon_s:g} s")


SIGNALLING_CHECKS = (signalling_references, core_profiles, rach_profiles, call_flow_file, storms, random_access_test,
                     core_test, parameters)
SIGNALLING_WARNINGS = (late_storms,)
