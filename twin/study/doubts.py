"""What a reader of the figures should know, found out from the world and from the runs."""

from __future__ import annotations

from collections.abc import Mapping

from twin.world.tables import World


def unjudged(world: World, measured_s: float) -> list[str]:
    """A warning about applications whose deadline the measured window cannot hold: nothing overdue is seen in it."""
    types = world.flow_types
    longest = types["deadline_ns"].groupby(types["application"]).max() * 1e-9
    names = world.applications["application_id"]
    late = [f"{names[int(a)]} ({deadline:g} s)" for a, deadline in longest.items() if deadline > measured_s]  # type: ignore[call-overload]
    return [f"the measured window of {measured_s:g} s is shorter than the deadline of {', '.join(late)}: messages on "
            "their way at its end are never late, so the share in time says little; use a longer horizon"] if late else []


def refused_grants(totals: Mapping[int, Mapping[str, float]]) -> list[str]:
    """A warning about configured grants for which their cells have no PRBs left."""
    refused = max((int(of.get("configured_grants_refused", 0)) for of in totals.values()), default=0)
    return [f"{refused} configured grants were refused, their cells having no PRBs left: these flows ask for every message; use "
            "longer periods, smaller grants or more cells"] if refused else []
