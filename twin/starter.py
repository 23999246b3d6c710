"""The scenario that `twin init` writes."""

from __future__ import annotations

import re

_TEXT = """\
# What this scenario asks: how does one park carry its IoT traffic?
# Check it with `twin validate {file}`, look at its network with `twin show {file}`, simulate with `twin run {file}`.
# Everything left out comes from the libraries; `twin schema` prints all keys with their meaning.
schema: 1
name: {name}
question: How does one park carry its IoT traffic?
simulation:
  horizon_s: 25.0       # simulated time
  warmup_s: 5.0         # its start, not counted
  replications: 2       # 2 or more give an interval
parks:
  TL2: {{}}               # Thăng Long II; add more parks, or leave the section out for all ten
devices:
  density: low          # low, base, high, or a number of devices a leased hectare
report:
  headroom_pct: 70      # load at which a resource is called full
"""


def starter_text(stem: str) -> str:
    """A small valid scenario, named after its file."""
    name = re.sub(r"[^a-z0-9]+", "-", stem.lower()).strip("-") or "my-park"
    return _TEXT.format(name=name, file=f"{stem}.yaml")
