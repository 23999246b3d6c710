"""The world: parks, sites, cells, devices, transport and core as plain tables, built once from a scenario."""
