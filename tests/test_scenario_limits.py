"""Limits of the scenario language are those of the code behind it, and what has no effect says so."""

from twin.base import link_adaptation, tbs
from twin.scenario import equipment


def test_limits_are_those_of_link_adaptation():
    assert (equipment.MIN_BLER, equipment.MAX_BLER) == (link_adaptation.MIN_BLER, link_adaptation.MAX_BLER)
    assert equipment.MAX_LAYERS == tbs.MAX_LAYERS
