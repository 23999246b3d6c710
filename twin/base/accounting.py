"""Names of the parts of a delay and of the ways a burst can end, shared by both engines and the measures."""

from __future__ import annotations

#: Parts of a delay, in the order of every column of parts (docs/model.md, sections 4 and 5).
PARTS = (
    "access", "grant", "tdd_alignment", "radio_queue", "transmission", "harq", "processing", "transport_queue",
    "serialisation", "propagation", "upf", "server", "dl_alignment", "dl_queue", "dl_transmission", "dl_harq",
)

#: Causes of an end; 0 is success.
CAUSES = (
    "delivered", "no_coverage", "rlc_overflow", "pdcp_discard", "harq", "link_overflow", "upf_overflow", "server_overflow",
    "no_power", "access_failed", "access_overflow",
)
