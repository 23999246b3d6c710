"""Readers of an operator's own tables, which replace what the world would generate. Columns: docs/world.md."""

from twin.world.imports.geo import Locator
from twin.world.imports.network import read_links, read_nf_capacity, read_nodes
from twin.world.imports.sites import read_sites
from twin.world.imports.tenants import read_tenants

__all__ = ["Locator", "read_links", "read_nf_capacity", "read_nodes", "read_sites", "read_tenants"]
