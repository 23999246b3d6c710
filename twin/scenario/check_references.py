"""Cross-checks of references: every name used somewhere stands for something."""

from __future__ import annotations

from collections.abc import Iterator

from twin.scenario.findings import Finding, unknown
from twin.scenario.libraries import entry_names
from twin.scenario.schema import PHONES_TENANT, Scenario


def traffic_references(s: Scenario) -> Iterator[Finding]:
    """Applications and activity profiles that traffic items name."""
    for class_name, device_class in s.device_classes.items():
        for item_name, item in device_class.traffic.items():
            path = ("device_classes", class_name, "traffic", item_name)
            if item.application not in s.applications:
                yield unknown((*path, "application"), "application", item.application, s.applications)
            if item.profile not in s.activity_profiles:
                yield unknown((*path, "profile"), "activity profile", item.profile, s.activity_profiles)


def operator_references(s: Scenario) -> Iterator[Finding]:
    """Radio profiles of operators, and the server sites their user plane needs."""
    places = {site.place for site in s.server_sites.values()}
    for name, operator in s.operators.items():
        if operator.radio_profile not in s.radio_profiles:
            yield unknown(("operators", name, "radio_profile"), "radio profile", operator.radio_profile, s.radio_profiles)
        if operator.upf not in places:
            yield Finding(("operators", name, "upf"), f"no server site has the place '{operator.upf}'", "add one to server_sites")


def server_references(s: Scenario) -> Iterator[Finding]:
    """Server sites and applications of the sections `servers` and `iot_platform`."""
    sites = {("servers", "default"): s.servers.default, ("iot_platform", "site"): s.iot_platform.site}
    sites |= {("servers", "by_application", app): site for app, site in s.servers.by_application.items()}  # type: ignore[misc]
    for path, site in sites.items():
        if site not in s.server_sites:
            yield unknown(path, "server site", site, s.server_sites)
    for application in s.servers.by_application:
        if application not in s.applications:
            yield unknown(("servers", "by_application", application), "application", application, s.applications)


def plan_references(s: Scenario) -> Iterator[Finding]:
    """Parks and operators of the plan; those of the libraries may be named even when this scenario leaves them out."""
    operators = {*s.operators, *entry_names("operators")}
    parks = {*s.parks, *entry_names("parks")}
    for operator in s.plan.stations_5g:
        if operator not in operators:
            yield unknown(("plan", "stations_5g", operator), "operator", operator, operators)
    for park, counts in s.plan.in_park_stations_5g.items():
        path = ("plan", "in_park_stations_5g", park)
        if park not in parks:
            yield unknown(path, "park", park, parks)
        for operator in set(counts) - operators:
            yield unknown((*path, operator), "operator", operator, operators)


def group_references(s: Scenario) -> Iterator[Finding]:
    """Parks, device classes and operators of hand-placed groups."""
    for index, group in enumerate(s.devices.groups):
        path = ("devices", "groups", index)
        if group.park not in s.parks:
            yield unknown((*path, "park"), "park", group.park, s.parks)
        if group.device_class not in s.device_classes:
            yield unknown((*path, "device_class"), "device class", group.device_class, s.device_classes)
        if group.tenant == PHONES_TENANT:
            yield Finding((*path, "tenant"), f"the name '{PHONES_TENANT}' is kept for the workers' phones", "choose another")
        if group.operator is not None and group.operator not in s.operators:
            yield unknown((*path, "operator"), "operator", group.operator, s.operators)


def private_references(s: Scenario) -> Iterator[Finding]:
    """Parks, applications, operator and radio profile of a private network."""
    private = s.private_network
    if private is None:
        return
    for park in private.parks:
        if park not in s.parks:
            yield unknown(("private_network", "parks"), "park", park, s.parks)
    for application in private.applications:
        if application not in s.applications:
            yield unknown(("private_network", "applications"), "application", application, s.applications)
    if private.operator not in s.operators:
        yield unknown(("private_network", "operator"), "operator", private.operator, s.operators)
    if private.radio_profile not in s.radio_profiles:
        yield unknown(("private_network", "radio_profile"), "radio profile", private.radio_profile, s.radio_profiles)


def transport_references(s: Scenario) -> Iterator[Finding]:
    """Link types the transport network is built of."""
    if s.transport.site_access not in s.link_types:
        yield unknown(("transport", "site_access"), "link type", s.transport.site_access, s.link_types)
    for name in ("park-aggregation", "ring", "metro", "server-access", "campus-ethernet"):
        if name not in s.link_types:
            yield Finding(("link_types", name), "the transport network needs this link type", "do not remove it")


REFERENCE_CHECKS = (traffic_references, operator_references, server_references, plan_references, group_references,
                    private_references, transport_references)
