"""What a user writes: the scenario language, its libraries, and the checks on both."""

from twin.scenario.loader import load
from twin.scenario.schema import Scenario

__all__ = ["Scenario", "load"]
